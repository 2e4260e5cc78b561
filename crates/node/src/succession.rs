//! Which charter is in force: what the parties' logs say of proposals and of acceptances, from the
//! founding charter on. The same logs give the same answer at every node, in whatever order they
//! came.
//!
//! A charter is proposed by a `motion` in `acts` that has its text, and accepted by an `accept`
//! that has its hash. It is in force when every party that decides under its predecessor has
//! accepted it, and no rival got so far. A node takes it up at once; what it holds in memory of the
//! former one ends with the process, so `comity serve` starts anew.

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::{Accepts, Candidate, Charter, Hash, in_force};
use comity_view::Right;
use comity_wire::entry::{self, Header, Kind, Log};
use rusqlite::params_from_iter;
use serde::Serialize;
use serde_json::{Value, json};

use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::terms;

/// Octets of a proposed text: five times the longest that is known.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Texts of one party that are considered, the first ones: what is proposed in earnest is not
/// crowded out by another party, and a log full of texts costs no more than this many.
const PROPOSALS_OF_PARTY_MAX: usize = 64;

/// A proposed charter, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Its hash.
    pub hash: String,
    /// Its version.
    pub version: u32,
    /// The parties that proposed it.
    pub proposed_by: Vec<String>,
    /// What became of it.
    pub state: &'static str,
    /// The parties that have not accepted it, where it waits for some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What the parties' logs say about charters.
#[derive(Default)]
struct Told {
    texts: BTreeMap<Hash, (String, Vec<String>)>,
    accepts: Accepts,
    /// The texts of each party that were taken. What others propose does not matter to it: the same
    /// ones have to be taken in whatever order logs are read.
    proposals: BTreeMap<String, BTreeSet<Hash>>,
}

impl Node {
    /// The hash of the charter that founded the body.
    pub fn body(&self) -> &str {
        &self.headers.body
    }

    /// Proposes a charter to succeed the one in force.
    pub fn propose(&self, by: &Checked, text: &str) -> Result<Charter, NodeError> {
        by.require(Right::Decide)?;
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        if text.len() > TEXT_BYTES_MAX {
            return Err(refused(format!(
                "a charter of {} octets; required: at most {TEXT_BYTES_MAX}",
                text.len()
            )));
        }
        let charter = terms::parse_charter(text)?;
        let current = self.charter();
        let follows = charter.previous == Some(current.hash)
            && current.version.checked_add(1) == Some(charter.version);
        if !follows {
            return Err(refused(format!(
                "version {} after {}; required: version {} with `previous = \"{}\"`, which is the \
                 charter in force",
                charter.version,
                charter.previous.map_or("none".to_owned(), |hash| hash.to_string()),
                current.version.saturating_add(1),
                current.hash
            )));
        }
        let told = self.told()?;
        let own = told.proposals.get(&self.config.party);
        if own.is_some_and(|taken| !has_room_for(taken, charter.hash)) {
            return Err(refused(format!(
                "this party proposed {PROPOSALS_OF_PARTY_MAX} charters, and nobody considers \
                 more of one party; required: that another party proposes it, with `comity \
                 charter propose` at its node. This one accepts it with `comity charter accept`"
            )));
        }
        let payload = json!({ "charter": charter.hash.to_string(), "text": text });
        self.act(&by.author(), &[(Kind::Motion, payload)])?;
        Ok(charter)
    }

    /// Accepts a proposed charter for this party. Gives the charter that is in force now.
    pub fn accept(&self, by: &Checked, hash: &str) -> Result<String, NodeError> {
        by.require(Right::Decide)?;
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        let hash = Hash::parse(hash)
            .ok_or_else(|| refused(format!("`{}` is no hash", hash.escape_default())))?;
        let told = self.told()?;
        if !told.texts.contains_key(&hash) {
            return Err(refused(format!(
                "no charter {hash} is proposed here; `comity charter proposals DIR` lists those \
                 that are"
            )));
        }
        let done = told.accepts.get(&self.config.party).is_some_and(|all| all.contains(&hash));
        if !done {
            let payload = json!({ "charter": hash.to_string() });
            self.act(&by.author(), &[(Kind::Accept, payload)])?;
        }
        self.consider_succession()?;
        Ok(self.successor().unwrap_or_else(|| self.charter().hash.to_string()))
    }

    /// The proposals, by their hash.
    pub fn proposals(&self) -> Result<Vec<Proposal>, NodeError> {
        let told = self.told()?;
        let (founding, candidates) = self.charters(&told)?;
        let succession = in_force(&founding, &candidates, &told.accepts, self.now());
        let proposal = |candidate: &Charter| {
            let (state, missing) = match succession.candidates.get(&candidate.hash) {
                Some(Candidate::Succeeded) => ("in force, or succeeded", Vec::new()),
                Some(Candidate::Waiting(missing)) => ("waiting", missing.clone()),
                Some(Candidate::Cancelled) => ("cancelled by a rival", Vec::new()),
                Some(Candidate::Unrelated) | None => ("succeeds another charter", Vec::new()),
            };
            let by = told.texts.get(&candidate.hash).map(|(_, by)| by.clone());
            Proposal {
                hash: candidate.hash.to_string(),
                version: candidate.version,
                proposed_by: by.unwrap_or_default(),
                state,
                missing,
            }
        };
        Ok(candidates.iter().map(proposal).collect())
    }

    /// The hash of another charter that came into force, which the next start is under.
    pub fn successor(&self) -> Option<String> {
        self.successor.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Looks whether another charter is in force by now, and puts it into the directory where one
    /// is.
    pub(crate) fn consider_succession(&self) -> Result<(), NodeError> {
        let told = self.told()?;
        if told.texts.is_empty() {
            return Ok(());
        }
        let (founding, candidates) = self.charters(&told)?;
        let next = in_force(&founding, &candidates, &told.accepts, self.now()).charter;
        let mut successor =
            self.successor.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stands = successor.clone().unwrap_or_else(|| self.charter().hash.to_string());
        if next.hash.to_string() == stands {
            return Ok(());
        }
        let text = match told.texts.get(&next.hash) {
            Some((text, _)) => text.clone(),
            None => kept(&self.local)?
                .into_iter()
                .find(|one| one.1 == next.hash.to_string())
                .map(|one| one.2)
                .ok_or_else(|| NodeError::Charter("the founding text is not kept".to_owned()))?,
        };
        let current = std::fs::read_to_string(self.directory.charter())
            .map_err(|error| NodeError::Charter(format!("cannot read `charter.toml`: {error}")))?;
        // If we stop between the two, the former charter is kept twice and still in force.
        keep(&self.local, self.charter(), &current)?;
        keep(&self.local, next, &text)?;
        self.directory.replace(&self.directory.charter(), text.as_bytes())?;
        tracing::info!(charter = %next.hash, version = next.version, "another charter is in force");
        *successor = Some(next.hash.to_string());
        drop(successor);
        self.changes.ring();
        Ok(())
    }

    /// The founding charter, and what was proposed to succeed it or one after it.
    fn charters(&self, told: &Told) -> Result<(Charter, Vec<Charter>), NodeError> {
        let founding = kept(&self.local)?.into_iter().find(|(version, ..)| *version == 1);
        let founding = match founding {
            Some((_, _, text)) => terms::parse_charter(&text)?,
            None => self.charter().clone(),
        };
        // What does not load is no charter, whoever proposes it.
        let parsed = told.texts.values().filter_map(|(text, _)| comity_charter::parse(text).ok());
        Ok((founding, parsed.collect()))
    }

    fn told(&self) -> Result<Told, NodeError> {
        let peers = self.peers()?;
        let mut told = Told::default();
        self.ask(|connections| {
            let own = [(Log::Acts.id(), self.config.party.as_str())];
            let theirs = peers.iter().map(|peer| (peer.acts, peer.party.as_str()));
            for (number, party) in own.into_iter().chain(theirs) {
                let from = comity_tlog::EntryRef { log: number, index: 0 };
                connections.log.entries(from, |_, envelope| {
                    if let Some(envelope) = envelope {
                        told.hears(party, envelope);
                    }
                    true
                })?;
            }
            Ok(())
        })?;
        Ok(told)
    }
}

impl Told {
    fn hears(&mut self, party: &str, envelope: &[u8]) {
        let Ok((line, payload)) = entry::split(envelope) else { return };
        let Ok(header) = Header::parse(line) else { return };
        if !matches!(header.kind, Kind::Motion | Kind::Accept) || header.origin != party {
            return;
        }
        let Ok(payload) = serde_json::from_slice::<Value>(payload) else { return };
        let member = |name: &str| payload.get(name).and_then(Value::as_str);
        let Some(hash) = member("charter").and_then(Hash::parse) else { return };
        if header.kind == Kind::Accept {
            self.accepts.entry(party.to_owned()).or_default().insert(hash);
        } else if let Some(text) = member("text").filter(|text| Hash::of(text) == hash) {
            let taken = self.proposals.entry(party.to_owned()).or_default();
            if text.len() > TEXT_BYTES_MAX || !has_room_for(taken, hash) || !taken.insert(hash) {
                return;
            }
            let (_, by) = self.texts.entry(hash).or_insert_with(|| (text.to_owned(), Vec::new()));
            by.push(party.to_owned());
        }
    }
}

/// Whether a text of a party counts beside those that it proposed before.
fn has_room_for(taken: &BTreeSet<Hash>, hash: Hash) -> bool {
    taken.len() < PROPOSALS_OF_PARTY_MAX || taken.contains(&hash)
}

/// The charters that were kept: version, hash, text.
pub(crate) fn kept(local: &Local) -> Result<Vec<(u32, String, String)>, LocalError> {
    let connection = local.lock();
    let mut statement =
        connection.prepare_cached("SELECT version, hash, body FROM charter ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn keep(local: &Local, charter: &Charter, text: &str) -> Result<(), LocalError> {
    let row =
        with_sum([charter.version.into(), charter.hash.to_string().into(), text.to_owned().into()]);
    local
        .lock()
        .execute("INSERT OR REPLACE INTO charter VALUES (?1, ?2, ?3, ?4)", params_from_iter(row))?;
    Ok(())
}

/// The charters that were in force before this one, as far as they are kept.
pub(crate) fn before(local: &Local, charter: &Charter) -> Result<Vec<Charter>, LocalError> {
    let current = charter.hash.to_string();
    let others = kept(local)?.into_iter().filter(|(_, hash, _)| *hash != current);
    // One that a later version of the program does not load any more gives nobody a right.
    Ok(others.filter_map(|(.., text)| comity_charter::parse(&text).ok()).collect())
}

/// The hash that names the body: that of its founding charter.
pub(crate) fn body_of(local: &Local, charter: &Charter) -> Result<String, LocalError> {
    let founding = kept(local)?.into_iter().find(|(version, ..)| *version == 1);
    Ok(founding.map_or_else(|| charter.hash.to_string(), |(_, hash, _)| hash))
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "charter", "version", "version, hash, body")
}
