//! Getting this party's own logs back from its peers: what [`Recovery`] wants, asked for over
//! their doors. A mirror that does not answer, or answers what is not so, is passed over, and told
//! of; what no mirror gives is an error.

use comity_node::ahead::path_of;
use comity_node::recover::{Recovered, Recovery, Source, Wanted};
use comity_node::sync::{Ask, Came, Next, Pull};
use comity_serve::pinned::Identity;
use comity_tlog::{GrowError, Grown};
use comity_wire::entry::Log;
use serde::Serialize;

use super::{ANSWER_TIMEOUT, Connection, Patience, PeerError, branch};
use crate::command::Failure;

/// What became of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    /// The party.
    pub(crate) party: String,
    /// What it holds, or why nothing was had of it.
    pub(crate) what: String,
}

/// What was done.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    #[serde(flatten)]
    pub(crate) recovered: Recovered,
    pub(crate) mirrors: Vec<Told>,
}

/// A mirror that answered.
struct Mirror {
    source: Source,
    address: String,
    connection: Option<Connection>,
    /// Whether it holds anything of a log.
    holds: Vec<Log>,
}

/// Asks all sources, and takes back what they have. Where one does not answer, or nobody knows
/// where it is, nothing is done, unless `without` says that those that do are enough.
pub(crate) async fn recover(
    mut recovery: Recovery,
    identity: &Identity,
    sources: Vec<Source>,
    without: bool,
) -> Result<Done, Failure> {
    let (mut mirrors, mut told, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        // Whoever has a key may follow this party, whether it is followed from here or not.
        let Some(address) = source.address.clone().filter(|address| !address.is_empty()) else {
            let what = "not asked: no address of it is known here".to_owned();
            silent.push(source.party.clone());
            told.push(Told { party: source.party, what });
            continue;
        };
        let mut mirror = Mirror { source, address, connection: None, holds: Vec::new() };
        match mirror.offers(&mut recovery, identity).await {
            Ok(what) => {
                told.push(Told { party: mirror.source.party.clone(), what });
                mirrors.push(mirror);
            }
            Err(error) => {
                silent.push(mirror.source.party.clone());
                told.push(Told { party: mirror.source.party.clone(), what: error.to_string() });
            }
        }
    }
    if mirrors.is_empty() {
        return Err(Failure::new(format!(
            "no peer answered{}; name them with --from PARTY=HOST:PORT",
            listed(&told)
        )));
    }
    if !silent.is_empty() && !without {
        return Err(Failure::new(format!(
            "not all peers answered{}. One that did not may hold a later head, and to go on below \
             it would fork the log. Wait for it, say where it is with --from PARTY=HOST:PORT, or \
             go on without it: --without-silent",
            listed(&told)
        )));
    }
    let wanted = recovery.decide()?;
    recovery.begin()?;
    for one in &wanted {
        grow(&mut recovery, identity, &mut mirrors, one).await?;
        for mirror in mirrors.iter_mut().filter(|mirror| mirror.holds.contains(&one.log)) {
            if let Err(error) = mirror.pull(&mut recovery, identity, one, true).await {
                let what = format!("openings of `{}`: {error}", one.log.name());
                told.push(Told { party: mirror.source.party.clone(), what });
            }
        }
    }
    Ok(Done { recovered: recovery.finish()?, mirrors: told })
}

fn listed(told: &[Told]) -> String {
    let each = told.iter().map(|one| format!("; `{}`: {}", one.party, one.what));
    each.collect()
}

/// Takes the leaves from the first of those that hold the head and give its tree.
async fn grow(
    recovery: &mut Recovery,
    identity: &Identity,
    mirrors: &mut [Mirror],
    wanted: &Wanted,
) -> Result<(), Failure> {
    if wanted.size == wanted.here && wanted.holders.is_empty() {
        return Ok(());
    }
    let mut why = String::new();
    for mirror in mirrors.iter_mut().filter(|one| wanted.holders.contains(&one.source.party)) {
        let party = mirror.source.party.clone();
        let before = recovery.place(wanted.log);
        let mut given = mirror.pull(recovery, identity, wanted, false).await;
        if matches!(given, Err(Broken::Tree)) && before.staged > before.verified {
            // It went on behind the leaves of another one, and those may be the wrong ones. They
            // are gone now, so that this one is asked for all of them.
            given = mirror.pull(recovery, identity, wanted, false).await;
        }
        match given {
            Ok(()) => return Ok(()),
            Err(Broken::Here(failure)) => return Err(failure),
            Err(Broken::Tree) if wanted.here > 0 => {
                if mirror.has_another(recovery, identity, wanted).await? {
                    return Err(another(wanted, &party));
                }
                why.push_str(&format!("; `{party}`: {}", Broken::Tree));
            }
            Err(other) => why.push_str(&format!("; `{party}`: {other}")),
        }
    }
    Err(Failure::new(format!(
        "nobody gives the leaves of the head of log `{}` at {} entries{why}",
        wanted.log.name(),
        wanted.size
    )))
}

fn another(wanted: &Wanted, party: &str) -> Failure {
    Failure::new(format!(
        "the {} entries of log `{}` that are here are not the first of the {} that `{party}` \
         holds, and this party's key signed both: the log was forked, or log.db is of another \
         copy of this directory. Put the log.db in its place that others follow; the log can go \
         on under a new name alone: comity resume",
        wanted.here,
        wanted.log.name(),
        wanted.size
    ))
}

/// Why a mirror gave not what was asked for.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("{0}")]
    Said(String),
    #[error("what it gives is not the tree that was signed")]
    Tree,
    #[error("{0}")]
    Here(Failure),
}

impl Mirror {
    /// Asks which heads it holds.
    async fn offers(
        &mut self,
        recovery: &mut Recovery,
        identity: &Identity,
    ) -> Result<String, PeerError> {
        let mut told = Vec::new();
        for log in comity_node::ahead::MIRRORED {
            let path = path_of(recovery.party(), log, "checkpoint");
            let Some(octets) = self.get(identity, &path, Ask::Checkpoint.bytes_max()).await? else {
                continue;
            };
            match recovery.offer(&self.source.party, log, &octets) {
                Ok(size) => {
                    self.holds.push(log);
                    told.push(format!("{size} entries of `{}`", log.name()));
                }
                Err(why) => told.push(why),
            }
        }
        if told.is_empty() {
            told.push("holds nothing of this party".to_owned());
        }
        Ok(told.join(", "))
    }

    /// What stands at a path; nothing where it has none.
    async fn get(
        &mut self,
        identity: &Identity,
        path: &str,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, PeerError> {
        let mut patience = Patience::default();
        loop {
            let line = self.line(identity).await?;
            let error = match line.get(path, None, bytes_max, ANSWER_TIMEOUT).await {
                Ok(answer) => return Ok((answer.status == 200).then(|| answer.body.to_vec())),
                Err(error) => error,
            };
            if !patience.bears(error.put_off()).await {
                self.connection = None;
                return Err(error);
            }
        }
    }

    /// The connection to it.
    async fn line(&mut self, identity: &Identity) -> Result<&mut Connection, PeerError> {
        Ok(match &mut self.connection {
            Some(connection) => connection,
            none => {
                let opened = Connection::open(&self.address, identity, &self.source.pin);
                none.insert(opened.await?)
            }
        })
    }

    /// Brings the log up to the head, from the leaves of this mirror; and takes what it was opened,
    /// where `openings` are asked for.
    async fn pull(
        &mut self,
        recovery: &mut Recovery,
        identity: &Identity,
        wanted: &Wanted,
        openings: bool,
    ) -> Result<(), Broken> {
        let place = recovery.place(wanted.log);
        let (log, note) = (wanted.log, Some(wanted.note.clone()));
        let verifier = recovery.verifier(log).cloned();
        let verifier = verifier.ok_or_else(|| Broken::Said("a log without a key".to_owned()))?;
        let (mut pull, mut next) = Pull::begin(verifier, place, u64::MAX, note);
        let (mut refused, party) = (0, recovery.party().to_owned());
        loop {
            let came = match next {
                Next::Ask(Ask::Release(_)) if !openings => return Ok(()),
                Next::Ask(ask) => {
                    let path = path_of(&party, log, &ask.path());
                    let octets = self.get(identity, &path, ask.bytes_max()).await?;
                    Came::Answer(
                        octets
                            .ok_or_else(|| Broken::Said(format!("it has nothing at `{path}`")))?,
                    )
                }
                Next::Grow { note, from, leaves } => {
                    let grown = recovery.grow(log, &note, from, &leaves).map_err(here)?;
                    match grown {
                        Ok(Grown::Staged(_) | Grown::Verified(_)) => {}
                        Err(GrowError::NotItsTree { .. }) => return Err(Broken::Tree),
                        Err(GrowError::Commit(error)) => {
                            return Err(Broken::Here(Failure::new(error.to_string())));
                        }
                        Err(other) => return Err(Broken::Said(other.to_string())),
                    }
                    Came::Stored(recovery.place(log))
                }
                Next::Receive(page) => {
                    let (place, bad) = recovery.receive(log, page).map_err(here)?;
                    refused += bad;
                    Came::Stored(place)
                }
                Next::Done if refused > 0 => {
                    let what = format!("{refused} of what it gave do not open their leaves");
                    return Err(Broken::Said(what));
                }
                Next::Done => return Ok(()),
                Next::Failed(fault) => return Err(Broken::Said(fault.to_string())),
            };
            next = pull.next(came);
        }
    }

    /// Whether its whole tree is the one that was signed, and begins with other entries than are
    /// here.
    async fn has_another(
        &mut self,
        recovery: &mut Recovery,
        identity: &Identity,
        wanted: &Wanted,
    ) -> Result<bool, Failure> {
        let prefix = path_of(recovery.party(), wanted.log, "");
        let Ok(connection) = self.line(identity).await else { return Ok(false) };
        let Ok(branch) = branch::fetch(connection, &prefix, wanted.size, wanted.here).await else {
            return Ok(false);
        };
        let verifier = recovery.verifier(wanted.log);
        let said = verifier
            .and_then(|key| comity_tlog::Checkpoint::open(wanted.note.as_bytes(), key).ok());
        let ours = recovery.root_at(wanted.log, wanted.here)?;
        Ok(said.is_some_and(|said| said.root == branch.root()) && ours != branch.prefix_root())
    }
}

fn here(error: comity_node::NodeError) -> Broken {
    Broken::Here(error.into())
}
