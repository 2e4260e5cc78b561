//! Proof that a peer signed two histories: made of what it said and of what is verified here, kept
//! for whoever asks. One that was convicted is followed no further, also after a start.
//!
//! A proof is judged by the key of the log alone, here as anywhere: what does not convict is not
//! kept, and a file that does not convict by the key that the charter has now counts for nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use comity_tlog::merkle::{self, Nodes};
use comity_tlog::tile::TILE_WIDTH;
use comity_tlog::{Branch, Checkpoint, Convicted, EntryRef, Equivocation, Hash, Head, Verifier};
use comity_wire::entry::Log;
use serde::Serialize;

use crate::directory::{Directory, EVIDENCE};
use crate::heads::FOLLOWED;
use crate::node::{Node, NodeError};
use crate::query::Connections;

/// A proof that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The party that signed both.
    pub party: String,
    /// Which log.
    pub log: &'static str,
    /// What it proves, in words.
    pub what: String,
    /// Its text.
    #[serde(skip)]
    pub text: String,
}

/// The roots of full tiles of leaves, of logs of others, as far as somebody asked: 125 kB for a
/// million leaves. Leaves under a verified head never change.
#[derive(Debug, Default)]
pub(crate) struct Skeletons(Mutex<BTreeMap<u8, Vec<Hash>>>);

impl Skeletons {
    /// The root of the first leaves of a log, which are verified.
    fn root_at(&self, connections: &Connections, log: u8, size: u64) -> Result<Hash, NodeError> {
        let width = u64::from(TILE_WIDTH);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tiles = all.entry(log).or_default();
        let mut leaves = Vec::new();
        let known = (tiles.len() as u64).min(size / width);
        let from = EntryRef { log, index: known * width };
        let read = connections.log.leaves(from, size, &mut |leaf| {
            leaves.push(leaf.leaf_hash());
            if leaves.len() == usize::from(TILE_WIDTH) {
                tiles.push(merkle::root_of(&leaves));
                leaves.clear();
            }
        });
        read?;
        let mut nodes = Kept { tiles, leaves: &leaves };
        merkle::root(size, &mut nodes)
            .map_err(|()| NodeError::Storage("leaves of a followed log are missing".to_owned()))
    }
}

/// The nodes of a tree of which full tiles are kept, and the leaves behind them.
struct Kept<'k> {
    tiles: &'k [Hash],
    leaves: &'k [Hash],
}

impl Nodes for Kept<'_> {
    type Error = ();

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, ()> {
        let (row, level, index) = match level.checked_sub(8) {
            Some(above) => (self.tiles, above, index),
            // Whatever is smaller than a tile stands behind the last one.
            None => (self.leaves, level, index % (u64::from(TILE_WIDTH) >> level)),
        };
        let from = usize::try_from(index << level).map_err(|_| ())?;
        row.get(from..from + (1 << level)).map(merkle::root_of).ok_or(())
    }
}

impl Directory {
    /// Where the proof against a party's log is, where there is one.
    pub(crate) fn evidence(&self, party: &str, log: Log) -> PathBuf {
        self.root().join(EVIDENCE).join(format!("{party}.{}.proof", log.name()))
    }
}

impl Node {
    /// Whether a head that somebody says a party signed contradicts what is verified of that
    /// party's log here: the proof, where it does. A head beyond what is verified says nothing yet.
    pub fn contradiction(
        &self,
        party: &str,
        log: Log,
        note: &[u8],
    ) -> Result<Option<Equivocation>, NodeError> {
        let Some((verifier, head)) = self.verified_head(party, log)? else { return Ok(None) };
        let Ok(said) = Checkpoint::open(note, &verifier) else { return Ok(None) };
        let note = String::from_utf8_lossy(note);
        if said.size == 0 || said.size > head.size {
            return Ok(None);
        }
        if said.size == head.size {
            let other = said.root != head.root;
            return Ok(other.then(|| Equivocation::of_one_size(&head.note, &note, said.root)));
        }
        let ours = self.ask(|connections| self.skeletons.root_at(connections, head.log, said.size));
        if ours? == said.root {
            return Ok(None);
        }
        let mut branch = Branch::new(said.size);
        self.ask(|connections| {
            let leaves = connections.log.leaves(
                EntryRef { log: head.log, index: 0 },
                head.size,
                &mut |leaf| branch.push(leaf.leaf_hash()),
            );
            Ok(leaves?)
        })?;
        Ok(Equivocation::of_branch(&note, &head.note, &branch))
    }

    /// The proof that a larger head contradicts what is verified here of a party's log. `branch`
    /// are the leaves of that head, which minded the size that is verified here.
    pub fn contradicted_by(
        &self,
        party: &str,
        log: Log,
        note: &str,
        branch: &Branch,
    ) -> Result<Option<Equivocation>, NodeError> {
        let Some((verifier, head)) = self.verified_head(party, log)? else { return Ok(None) };
        let proof = Equivocation::of_branch(&head.note, note, branch);
        Ok(proof.filter(|proof| proof.check(&verifier).is_ok()))
    }

    /// Keeps a proof, on disk when this returns. What it proves.
    pub fn convict(
        &self,
        party: &str,
        log: Log,
        proof: &Equivocation,
    ) -> Result<Convicted, NodeError> {
        let (verifier, _) = self
            .verified_head(party, log)?
            .ok_or_else(|| NodeError::Start(format!("no log of `{party}` is followed")))?;
        let convicted =
            proof.check(&verifier).map_err(|error| NodeError::Start(error.to_string()))?;
        let directory = self.directory();
        let path = directory.evidence(party, log);
        let kept = match std::fs::read(&path) {
            Ok(octets) => Some(octets),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(directory.io(&path, error).into()),
        };
        let convicts = |octets: &Vec<u8>| {
            Equivocation::parse(octets).is_ok_and(|proof| proof.check(&verifier).is_ok())
        };
        if !kept.as_ref().is_some_and(convicts) {
            directory.make_evidence()?;
            // One by a key that the log had before proves what it proved.
            if kept.is_some() {
                directory.keep_beside(&path)?;
            }
            directory.replace(&path, proof.text().as_bytes())?;
        }
        // It is followed no further: what it takes back would not be heard.
        self.let_fall(party)?;
        Ok(convicted)
    }

    /// The proofs that are kept against a party.
    pub fn evidence(&self, party: &str) -> Result<Vec<Evidence>, NodeError> {
        let mut kept = Vec::new();
        for log in FOLLOWED {
            let Ok(octets) = std::fs::read(self.directory().evidence(party, log)) else { continue };
            let Some(verifier) = self.peer_verifier(party, log)? else { continue };
            let proof = Equivocation::parse(&octets).ok();
            let convicted = proof.as_ref().and_then(|proof| proof.check(&verifier).ok());
            let (Some(proof), Some(convicted)) = (proof, convicted) else {
                let path = self.directory().evidence(party, log);
                tracing::warn!(path = %path.display(), "a proof that convicts nobody");
                continue;
            };
            let (party, log) = (party.to_owned(), log.name());
            kept.push(Evidence { party, log, what: convicted.to_string(), text: proof.text() });
        }
        Ok(kept)
    }

    /// The key of a party's log, and the head of it that is verified here.
    pub fn verified_head(
        &self,
        party: &str,
        log: Log,
    ) -> Result<Option<(Verifier, Head)>, NodeError> {
        let number = self.peers()?.iter().find(|peer| peer.party == party).and_then(|p| p.log(log));
        let (Some(number), Some(verifier)) = (number, self.peer_verifier(party, log)?) else {
            return Ok(None);
        };
        let head = self.ask(|connections| Ok(connections.log.head(number)?))?;
        Ok(head.map(|head| (verifier, head)))
    }
}
