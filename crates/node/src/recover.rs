//! A party's own logs come back from its peers, who mirror them, and go on under the same names.
//!
//! [`Recovery`] does nothing over a network: it is told what peers offer and what came, as
//! [`crate::sync::Pull`] is, and the binary drives both.
//!
//! 1. Peers say which heads of this party's logs they verified ([`Recovery::offer`]). A head that
//!    this party's key did not sign says nothing. The largest is taken, if all others and what is
//!    here are on the way to it: two that contradict each other were both signed here, and then
//!    nobody goes on.
//! 2. Leaves are taken from any peer that has them, and count once they give the root
//!    ([`Recovery::grow`]).
//! 3. Each peer gives back what it was opened of them, as far as it opens its leaf
//!    ([`Recovery::receive`]). It is sealed again, under new data keys.
//! 4. What was taken back stays so; what nobody has is counted; the logs that nobody mirrors
//!    (`private`, `audit`) go on under new names ([`Recovery::finish`]).
//!
//! A file says that this is under way. If we stop anywhere, nothing opens the directory to write
//! until the same command has finished it.

mod finish;

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::Charter;
use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::{
    Checkpoint, EntryRef, GrowError, Grown, Hash, LogConfig, PendingOpening, Reader, Reclaim,
    Sealed, SqliteStorage, Verifier, merkle,
};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::release::Page;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::directory::{Directory, Lock};
use crate::heads::FOLLOWED;
use crate::keys;
use crate::local::Local;
use crate::node::{NodeError, Surroundings};
use crate::peer;
use crate::resume;
use crate::sync::Place;
use crate::terms;

pub use finish::{Came, Recovered};

/// Whether the logs are lost that peers follow: there is no `log.db`, and what says so is that
/// there are peers, or that what every node is made with is lost with it.
pub(crate) fn is_lost(directory: &Directory) -> Result<bool, NodeError> {
    if directory.root().join("log.db").exists() {
        return Ok(false);
    }
    if directory.local().exists() {
        let local = Local::open(&directory.local())?;
        return Ok(!peer::list(&local)?.is_empty());
    }
    let party = Config::read(&directory.config())?.party;
    let charter = terms::read_charter(directory)?;
    Ok(charter.parties.iter().any(|other| other.id != party && other.genesis.is_some()))
}

/// A party that may hold this one's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The party.
    pub party: String,
    /// Where its node listens for peers, where that is known here.
    pub address: Option<String>,
    /// The pin of the key that its node shows.
    pub pin: String,
}

/// A head that is to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The log.
    pub log: Log,
    /// The signed checkpoint.
    pub note: String,
    /// Its size.
    pub size: u64,
    /// Leaves that are here.
    pub here: u64,
    /// Peers that hold it; none where nothing is lacking.
    pub holders: Vec<String>,
}

/// What was found when it began: kept until it is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Begun {
    /// There was no `log.db`.
    lost: bool,
    /// The directory came out of a backup.
    restored: bool,
    /// Leaves of each log.
    before: BTreeMap<String, u64>,
}

/// A head that a peer holds.
#[derive(Debug, Clone)]
struct Offer {
    party: String,
    size: u64,
    root: Hash,
    note: String,
}

/// One log.
struct Taking {
    log: Log,
    config: LogConfig,
    verifier: Verifier,
    /// The head that is here: size, root, note.
    here: Option<(u64, Hash, String)>,
    offers: Vec<Offer>,
    reclaim: Option<Reclaim>,
    /// Entries that this party took back, as far as its withdrawals are known.
    taken_back: BTreeSet<u64>,
    /// Openings that came back.
    opened: u64,
    /// Openings that do not open their leaf, by who sent them.
    refused: u64,
}

/// Logs that are being taken back.
pub struct Recovery {
    directory: Directory,
    lock: Lock,
    config: Config,
    charter: Charter,
    surroundings: Surroundings,
    begun: Begun,
    cut_off: bool,
    logs: Vec<Taking>,
    stores: Option<(SqliteStorage, Reader)>,
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recovery").field("party", &self.config.party).finish()
    }
}

impl Recovery {
    /// Looks at a directory that nothing else has open. Nothing is written, but for the end of what
    /// was cut off.
    pub fn open(directory: Directory, surroundings: Surroundings) -> Result<Recovery, NodeError> {
        directory.require_node()?;
        let lock = directory.lock()?;
        let config = Config::read(&directory.config())?;
        let charter = terms::read_charter(&directory)?;
        let begun = begun(&directory)?;
        let cut_off = begun.is_some();
        if !cut_off && resume::is_under_way(&directory) {
            let shown = directory.root().display();
            return Err(NodeError::PutBack(format!(
                "going on under new names was cut off; finish it: comity resume {shown}"
            )));
        }
        if cut_off {
            resume::end_renaming(&directory, &config, &surroundings)?;
        }
        let reader = heads_of(&directory)?;
        let mut logs = Vec::new();
        for log in FOLLOWED {
            let config = keys::log_config(&directory, &config.party, log)?;
            let verifier = Verifier::new(&config.origin, &config.key.verifying_key())
                .map_err(|error| NodeError::Start(error.to_string()))?;
            let head = reader.as_ref().map(|reader| reader.head(log.id())).transpose();
            let head = head?.flatten();
            logs.push(Taking {
                log,
                config,
                verifier,
                here: head.map(|head| (head.size, head.root, head.note)),
                offers: Vec::new(),
                reclaim: None,
                taken_back: BTreeSet::new(),
                opened: 0,
                refused: 0,
            });
        }
        let before = |one: &Taking| {
            (one.log.name().to_owned(), one.here.as_ref().map_or(0, |(size, ..)| *size))
        };
        let begun = begun.unwrap_or(Begun {
            lost: reader.is_none(),
            restored: resume::restored(&directory)?.is_some(),
            before: logs.iter().map(before).collect(),
        });
        let stores = None;
        Ok(Recovery {
            directory,
            lock,
            config,
            charter,
            surroundings,
            begun,
            cut_off,
            logs,
            stores,
        })
    }

    /// The party whose logs these are.
    pub fn party(&self) -> &str {
        &self.config.party
    }

    /// The parties that may hold them: all others that the charter has keys of.
    pub fn sources(&self) -> Result<Vec<Source>, NodeError> {
        let peers = if self.directory.local().exists() {
            peer::list(&Local::open(&self.directory.local())?)?
        } else {
            Vec::new()
        };
        let others = self.charter.parties.iter().filter(|other| other.id != self.config.party);
        let sources = others.filter_map(|other| {
            let address = peers.iter().find(|peer| peer.party == other.id);
            Some(Source {
                party: other.id.clone(),
                address: address.map(|peer| peer.address.clone()),
                pin: other.genesis.as_ref()?.transport.clone(),
            })
        });
        Ok(sources.collect())
    }

    /// The key that checkpoints of a log are verified with.
    pub fn verifier(&self, log: Log) -> Option<&Verifier> {
        self.logs.iter().find(|one| one.log == log).map(|one| &one.verifier)
    }

    /// Takes a head that a peer holds. `Err` says why it counts for nothing.
    pub fn offer(&mut self, party: &str, log: Log, note: &[u8]) -> Result<u64, String> {
        let taking = self.logs.iter_mut().find(|one| one.log == log);
        let taking = taking.ok_or_else(|| "a log that nobody mirrors".to_owned())?;
        let said = Checkpoint::open(note, &taking.verifier).map_err(|error| {
            format!("what it holds of log `{}` was not signed by its key: {error}", log.name())
        })?;
        let note = String::from_utf8(note.to_vec()).map_err(|error| error.to_string())?;
        let (party, size, root) = (party.to_owned(), said.size, said.root);
        taking.offers.push(Offer { party, size, root, note });
        Ok(size)
    }

    /// Which heads are to be reached.
    ///
    /// # Errors
    /// Two heads of one size contradict each other, or one contradicts what is here; or nothing is
    /// lacking.
    pub fn decide(&self) -> Result<Vec<Wanted>, NodeError> {
        let reader = heads_of(&self.directory)?;
        let mut wanted = Vec::new();
        for taking in &self.logs {
            let here = taking.here.as_ref().map_or(0, |(size, ..)| *size);
            for offer in taking.offers.iter().filter(|offer| offer.size <= here) {
                let Some(reader) = &reader else { continue };
                let nodes = &mut reader.nodes(taking.log.id());
                let ours = merkle::root(offer.size, nodes)?;
                if ours != offer.root {
                    return Err(forked(taking.log, offer.size, &offer.party, "what is here"));
                }
            }
            wanted.extend(taking.best()?);
        }
        if self.begun.lost && self.logs.iter().all(|one| one.offers.is_empty()) && !self.cut_off {
            return Err(NodeError::Backup(
                "no peer that was asked holds anything that these logs signed; ask others with \
                 --from PARTY=HOST:PORT"
                    .to_owned(),
            ));
        }
        let lacking = wanted.iter().any(|one| one.size > one.here);
        let keyless = match &reader {
            Some(reader) if !(self.cut_off || self.begun.restored || lacking) => {
                self.has_keyless(reader)?
            }
            _ => true,
        };
        if !(lacking || self.begun.lost || keyless) {
            return Err(NodeError::Backup(
                "no peer holds more of these logs than is here; there is nothing to recover"
                    .to_owned(),
            ));
        }
        Ok(wanted)
    }

    /// Whether anything is here that nothing opens.
    fn has_keyless(&self, reader: &Reader) -> Result<bool, NodeError> {
        for taking in &self.logs {
            let mut from = EntryRef { log: taking.log.id(), index: 0 };
            while let Some(entry) = reader.first_kept(from)? {
                if reader.salt(entry)?.is_none() {
                    return Ok(true);
                }
                from.index = entry.index + 1;
            }
        }
        Ok(false)
    }

    /// Begins: from here on nothing else opens the directory to write. What of the logs stands
    /// above their heads here, and what opens it, goes.
    pub fn begin(&mut self) -> Result<(), NodeError> {
        if !self.cut_off {
            let text = serde_json::to_vec(&self.begun).unwrap_or_default();
            self.directory.replace(&self.directory.recovering(), &text)?;
        }
        let mut storage = resume::open_storage(&self.directory, &self.config)?;
        for taking in &mut self.logs {
            let reclaim = Reclaim::begin(&mut storage, taking.config.clone());
            taking.reclaim = Some(reclaim.map_err(|error| NodeError::Start(error.to_string()))?);
        }
        let reader = crate::writer::reader(self.directory.root())?;
        for taking in &mut self.logs {
            taking.taken_back = withdrawn_by(&reader, taking.log)?;
        }
        self.stores = Some((storage, reader));
        Ok(())
    }

    /// How far a log is, for a peer that was not asked for openings yet.
    pub fn place(&self, log: Log) -> Place {
        let reclaim = self.logs.iter().find(|one| one.log == log);
        let reclaim = reclaim.and_then(|one| one.reclaim.as_ref());
        let (verified, staged) = reclaim.map_or((0, 0), |log| (log.size(), log.staged()));
        Place { verified, staged, scanned: 0 }
    }

    /// Adds leaves; see [`Reclaim::grow`].
    pub fn grow(
        &mut self,
        log: Log,
        note: &str,
        from: u64,
        leaves: &[Commitment],
    ) -> Result<Result<Grown, GrowError>, NodeError> {
        let (taking, storage, _) = self.parts(log)?;
        let Some(reclaim) = &mut taking.reclaim else { return Err(not_begun()) };
        Ok(reclaim.grow(storage, note, from, leaves))
    }

    /// The root that the entries here have at a size; nothing beyond them.
    pub fn root_at(&mut self, log: Log, size: u64) -> Result<Option<Hash>, NodeError> {
        let (taking, storage, _) = self.parts(log)?;
        let Some(reclaim) = &taking.reclaim else { return Err(not_begun()) };
        reclaim.root_at(storage, size).map_err(|error| NodeError::Storage(error.to_string()))
    }

    /// Takes a page of openings. What was taken back meanwhile is not kept. How many do not open
    /// their leaves is told of who sent them.
    pub fn receive(&mut self, log: Log, page: Page) -> Result<(Place, u64), NodeError> {
        let surroundings = self.surroundings.clone();
        let (taking, storage, reader) = self.parts(log)?;
        let Some(reclaim) = &taking.reclaim else { return Err(not_begun()) };
        let (mut pending, mut refused) = (Vec::new(), 0);
        for opening in page.openings {
            let entry = EntryRef { log: log.id(), index: opening.index };
            let (salt, envelope) = (Salt(opening.salt), opening.envelope);
            let leaf = reader.commitment(entry)?;
            if !leaf.is_some_and(|leaf| leaf.opens(&salt, &envelope)) {
                refused += 1;
                continue;
            }
            taking.taken_back.extend(taken_back(&envelope, log));
            let sealed =
                Sealed::received(salt, envelope, &mut |octets| (surroundings.random)(octets));
            let sealed = sealed.map_err(|error| NodeError::Storage(error.to_string()))?;
            pending.push(PendingOpening { entry, sealed });
        }
        pending.retain(|one| !taking.taken_back.contains(&one.entry.index));
        let keyless = |entry| reader.salt(entry).is_ok_and(|salt| salt.is_none());
        let kept = reclaim.open(storage, pending, &keyless);
        let kept = kept.map_err(|error| NodeError::Storage(error.to_string()))?;
        taking.opened += kept.iter().filter(|kept| **kept).count() as u64;
        taking.refused += refused;
        let verified = reclaim.size();
        let scanned = page.scanned_to.min(verified);
        Ok((Place { verified, staged: reclaim.staged(), scanned }, refused))
    }

    fn parts(&mut self, log: Log) -> Result<(&mut Taking, &mut SqliteStorage, &Reader), NodeError> {
        let taking = self.logs.iter_mut().find(|one| one.log == log);
        match (taking, &mut self.stores) {
            (Some(taking), Some((storage, reader))) => Ok((taking, storage, reader)),
            _ => Err(not_begun()),
        }
    }
}

impl Taking {
    /// The largest head that anybody holds, where it is beyond what is here; else that which is.
    fn best(&self) -> Result<Option<Wanted>, NodeError> {
        let here = self.here.as_ref().map_or(0, |(size, ..)| *size);
        let best = self.offers.iter().filter(|offer| offer.size >= here);
        let Some(best) = best.max_by_key(|offer| offer.size) else {
            let (log, here) = (self.log, self.here.clone());
            let holders = Vec::new();
            return Ok(here.map(|(size, _, note)| Wanted { log, note, size, here: size, holders }));
        };
        let of_size = self.offers.iter().filter(|offer| offer.size == best.size);
        for other in of_size.clone() {
            if other.root != best.root {
                return Err(forked(
                    self.log,
                    best.size,
                    &best.party,
                    &format!("`{}`", other.party),
                ));
            }
        }
        let holders = of_size.map(|offer| offer.party.clone()).collect();
        let (log, note, size) = (self.log, best.note.clone(), best.size);
        Ok(Some(Wanted { log, note, size, here, holders }))
    }
}

/// What was found when it began, where it was cut off.
fn begun(directory: &Directory) -> Result<Option<Begun>, NodeError> {
    let path = directory.recovering();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(directory.io(&path, error).into()),
    };
    // Without it nobody knows whether logs that no peer mirrors were lost, too.
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        NodeError::PutBack(format!(
            "`{}` says what was here when getting the logs back began, and cannot be read: {error}. \
             Where it is empty, the machine stopped as it was written and nothing had begun: \
             remove it, and call this again. Otherwise put it back from a copy, or go on under new \
             names: comity resume {}",
            path.display(),
            directory.root().display()
        ))
    })
}

/// What reads the heads, where there are logs.
fn heads_of(directory: &Directory) -> Result<Option<Reader>, NodeError> {
    if !directory.root().join("log.db").exists() {
        return Ok(None);
    }
    if directory.keys_are_lost() {
        // What is kept of their contents goes with the next start, which has to see that.
        return Ok(Some(Reader::open_without_keys(directory.root())?));
    }
    crate::writer::reader(directory.root()).map(Some)
}

/// The entries that the withdrawals in a log take back, as far as they can be read here.
fn withdrawn_by(reader: &Reader, log: Log) -> Result<BTreeSet<u64>, NodeError> {
    let mut found = BTreeSet::new();
    let from = EntryRef { log: log.id(), index: 0 };
    let read = reader.entries(from, |_, envelope| {
        found.extend(envelope.map(|envelope| taken_back(envelope, log)).unwrap_or_default());
        true
    });
    read?;
    Ok(found)
}

/// The entries of the same log that an entry takes back, where it is a withdrawal.
fn taken_back(envelope: &[u8], log: Log) -> Vec<u64> {
    let header = Header::of(envelope).ok();
    let Some(header) = header.filter(|header| header.kind == Kind::Withdraw) else {
        return Vec::new();
    };
    let own = |one: &&entry::Reference| one.origin == header.origin && one.log == log.name();
    header.refs.iter().filter(own).map(|one| one.index).collect()
}

fn forked(log: Log, size: u64, party: &str, other: &str) -> NodeError {
    NodeError::PutBack(format!(
        "`{party}` holds a head of log `{}` at {size} entries that contradicts {other}, and this \
         party's key signed both: the log was forked. Nothing was recovered. Find out which copy \
         of this directory signed the other one, and stop it; the log can go on under a new name \
         alone: comity resume DIR --new-names",
        log.name()
    ))
}

fn not_begun() -> NodeError {
    NodeError::Start("the recovery has not begun".to_owned())
}
