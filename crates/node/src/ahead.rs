//! What peers hold of this party's own logs, against what is here.
//!
//! A log must never sign two roots for one size. The marks beside the store find a store that was
//! put back; where they went back with it, as with a snapshot of the whole machine, only others
//! know. A head that a peer holds is signed by this party's own key, so nobody can make one up: if
//! it is beyond what is here, or another, then this node signs nothing more.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use comity_tlog::{Checkpoint, Reader, Verifier, merkle};
use comity_wire::entry::Log;

use crate::config::Config;
use crate::directory::Directory;
use crate::heads::FOLLOWED;
use crate::keys;
use crate::local::Local;
use crate::node::{Node, NodeError};
use crate::peer::{self, Peer};
use crate::terms;

/// Why this node signs nothing, from the moment at which it is known until the process ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Halt(Arc<OnceLock<String>>);

impl Halt {
    /// Why, if so.
    pub(crate) fn why(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// An error once it signs nothing.
    pub(crate) fn require(&self) -> Result<(), NodeError> {
        self.why().map_or(Ok(()), |why| Err(NodeError::PutBack(why.to_owned())))
    }
}

/// How a head that a peer holds fits to what is here. A note that this party's key did not sign
/// says nothing about its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is one that this log has signed on the way to where it is.
    Ours,
    /// This log's present key signed no such note.
    NotOurs,
    /// It is beyond what is here, or another than this log has at its size: why nothing is signed.
    Ahead(String),
}

/// Compares what `party` holds of a log of this party with what is here. It has to be called after
/// the peer's answer came: a head that was published since is in the store by then.
fn compare(
    reader: &Reader,
    root: &Path,
    log: Log,
    verifier: &Verifier,
    party: &str,
    note: &[u8],
) -> Result<Held, NodeError> {
    let Ok(said) = Checkpoint::open(note, verifier) else { return Ok(Held::NotOurs) };
    let here = reader.head(log.id())?.map_or(0, |head| head.size);
    let (name, shown) = (log.name(), root.display());
    if said.size > here {
        return Ok(Held::Ahead(format!(
            "`{party}` holds a head of log `{name}` that this party signed at {} entries, and {here} \
             are here: to sign again would fork the log. Get it back: comity peer recover {shown}",
            said.size
        )));
    }
    let ours = merkle::root(said.size, &mut reader.nodes(log.id()))?;
    if ours == said.root {
        return Ok(Held::Ours);
    }
    Ok(Held::Ahead(format!(
        "`{party}` holds a head of log `{name}` that this party signed at {} entries, with another \
         root than they have here: the log was forked, which is proven by both. Find out which \
         copy of this directory signed the other one, and stop it; this one can go on under new \
         names alone: comity resume {shown} --new-names",
        said.size
    )))
}

/// What has to be known to ask peers about a directory that is not open.
#[derive(Debug)]
pub struct Own {
    /// The party.
    pub party: String,
    /// The peers that are followed, with the pin of each one's key.
    pub peers: Vec<(Peer, String)>,
    root: std::path::PathBuf,
    verifiers: Vec<(Log, Verifier)>,
}

impl Own {
    /// Nothing where there are no logs yet, or nobody is followed. Nothing is written.
    pub fn of(directory: &Directory) -> Result<Option<Own>, NodeError> {
        let root = directory.root().to_owned();
        if !directory.local().exists() || !root.join("log.db").exists() {
            return Ok(None);
        }
        let config = Config::read(&directory.config())?;
        let charter = terms::read_charter(directory)?;
        let local = Local::open_to_check(&directory.local())?;
        // A file of an earlier version has no such table yet, and then no peers.
        let peers = peer::list(&local).unwrap_or_default();
        let pinned = peers.into_iter().filter_map(|peer| {
            let genesis = charter.party(&peer.party)?.genesis.as_ref()?;
            Some((peer, genesis.transport.clone()))
        });
        let peers: Vec<(Peer, String)> = pinned.collect();
        let verifiers = keys::verifiers(&keys::log_configs(directory, &config.party)?)?;
        let own = Own { party: config.party, peers, root, verifiers };
        Ok((!own.peers.is_empty()).then_some(own))
    }

    /// Compares a head that a peer holds with what is in the directory.
    pub fn compare(&self, log: Log, party: &str, note: &[u8]) -> Result<Held, NodeError> {
        let Some((_, verifier)) = self.verifiers.iter().find(|(known, _)| *known == log) else {
            return Ok(Held::NotOurs);
        };
        compare(&crate::writer::reader(&self.root)?, &self.root, log, verifier, party, note)
    }
}

/// The path at a mirror of something of a party's log.
pub fn path_of(party: &str, log: Log, rest: &str) -> String {
    format!("/mirror/{party}/{}/{rest}", log.name())
}

/// The logs that peers mirror.
pub const MIRRORED: [Log; 2] = FOLLOWED;

impl Node {
    /// Compares what a peer holds of this party's own log with what is here, and signs nothing
    /// more where it is beyond that or another.
    pub fn look_at_mirror(&self, log: Log, party: &str, note: &[u8]) -> Result<Held, NodeError> {
        let Some(verifier) = self.verifier(log) else { return Ok(Held::NotOurs) };
        let root = self.directory().root();
        let held =
            self.ask(|connections| compare(&connections.log, root, log, verifier, party, note))?;
        if let Held::Ahead(why) = &held
            && self.halt.0.set(why.clone()).is_ok()
        {
            tracing::error!(why, "this node signs nothing more");
        }
        Ok(held)
    }

    /// Why this node signs nothing, if so.
    pub fn halted(&self) -> Option<&str> {
        self.halt.why()
    }
}
