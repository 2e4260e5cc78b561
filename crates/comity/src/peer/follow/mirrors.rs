//! What a peer holds of the logs of others: of this party's own, which tells whether this directory
//! was put back; and of those that this node follows, too. Two nodes that a party shows different
//! histories find out by what each holds, and both prove it.

use std::collections::BTreeMap;
use std::time::Duration;

use comity_node::ahead::{MIRRORED, path_of};
use comity_node::sync::Ask;
use comity_tlog::{Checkpoint, Equivocation};
use comity_wire::entry::Log;
use tokio::time::Instant;

use super::{Broken, FOLLOWED, Follower, blocking};
use crate::peer::ANSWER_TIMEOUT;
use crate::peer::evidence::{self, Found};

/// Logs of others that a peer is asked about in one round: a body of fifty is gone through in
/// some ten minutes, and costs a few requests a minute.
const OTHERS_AT_A_TIME: usize = 8;

/// Leaves that are asked a mirror for, to look whether its owner shows it another history: 35 MB.
/// Of a longer log the one of the two nodes that is ahead finds out, by its own leaves.
const BRANCH_LEAVES_MAX: u64 = 1_000_000;

/// How often that may be for nothing, for one log at one mirror.
const BRANCH_EVERY: Duration = Duration::from_secs(3600);

/// What was seen at this peer of the logs of others.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// Where the next round begins.
    next: usize,
    /// Heads that it holds and that are beyond what is verified here, with the size that was
    /// verified here when they were seen first.
    beyond: BTreeMap<(String, Log), u64>,
    /// When leaves were asked for in vain.
    in_vain: BTreeMap<(String, Log), Instant>,
}

impl Follower {
    /// Asks which heads of this party's own logs the peer holds: a later one than is here means
    /// that this directory was put back.
    pub(super) async fn look_at_own(&mut self) -> Result<(), Broken> {
        for log in MIRRORED {
            let party = self.node.config().party.clone();
            let Some(note) = self.held(&party, log).await? else { continue };
            let (node, peer) = (self.node.clone(), self.peer.party.clone());
            blocking(move || node.look_at_mirror(log, &peer, &note)).await?;
        }
        Ok(())
    }

    /// Asks about some of the logs that both follow.
    pub(super) async fn look_at_others(&mut self) -> Result<(), Broken> {
        let others = self.node.peers()?.into_iter().map(|other| other.party);
        let others = others.filter(|other| *other != self.peer.party);
        let logs: Vec<(String, Log)> =
            others.flat_map(|other| FOLLOWED.map(|log| (other.clone(), log))).collect();
        let from = if self.mirrors.next < logs.len() { self.mirrors.next } else { 0 };
        self.mirrors.next = from + OTHERS_AT_A_TIME;
        for (party, log) in logs.into_iter().skip(from).take(OTHERS_AT_A_TIME) {
            if self.node.contact(&party).halted.is_some() {
                continue;
            }
            if let Some(note) = self.held(&party, log).await? {
                self.compare_with(party, log, note).await?;
            }
        }
        Ok(())
    }

    /// A head that the peer holds of somebody's log, where it is another than it held before.
    async fn held(&mut self, party: &str, log: Log) -> Result<Option<Vec<u8>>, Broken> {
        let path = path_of(party, log, "checkpoint");
        let most = Ask::Checkpoint.bytes_max();
        // One that is beyond what is here is looked at again.
        let again = self.mirrors.beyond.contains_key(&(party.to_owned(), log));
        let line = self.line().await?;
        let known = line.mirrored.get(&path).cloned().filter(|_| !again);
        match line.connection.get(&path, known.as_deref(), most, ANSWER_TIMEOUT).await {
            Ok(answer) if answer.status == 200 => {
                if let Some(etag) = answer.etag {
                    line.mirrored.insert(path, etag);
                }
                Ok(Some(answer.body.to_vec()))
            }
            Ok(_) => Ok(None),
            // A peer that does not say is followed all the same.
            Err(_) => {
                self.line = None;
                Ok(None)
            }
        }
    }

    /// What the peer holds of another's log, against what is verified of it here.
    async fn compare_with(&mut self, party: String, log: Log, note: Vec<u8>) -> Result<(), Broken> {
        let Some((verifier, head)) = self.node.verified_head(&party, log)? else { return Ok(()) };
        // What its owner did not sign says nothing of him.
        let Ok(said) = Checkpoint::open(&note, &verifier) else { return Ok(()) };
        let at = (party.clone(), log);
        if said.size <= head.size {
            self.mirrors.beyond.remove(&at);
            let (node, of) = (self.node.clone(), party.clone());
            let found = blocking(move || node.contradiction(&of, log, &note)).await?;
            return match found {
                Some(proof) => self.convicts(party, log, proof).await,
                None => Ok(()),
            };
        }
        // Most often its owner tells this node the same a moment later. Where he does not, he may
        // be showing this node another history.
        let seen = self.mirrors.beyond.insert(at.clone(), head.size);
        if seen != Some(head.size) {
            return Ok(());
        }
        self.mirrors.beyond.remove(&at);
        let lately = self.mirrors.in_vain.get(&at).is_some_and(|at| at.elapsed() < BRANCH_EVERY);
        if lately || said.size > BRANCH_LEAVES_MAX {
            return Ok(());
        }
        let (node, prefix) = (self.node.clone(), path_of(&party, log, ""));
        let note = String::from_utf8_lossy(&note).into_owned();
        let connection = &mut self.line().await?.connection;
        let found =
            evidence::of_another_branch(&node, connection, &prefix, &party, log, &note).await?;
        match found {
            Found::Proof(proof) => self.convicts(party, log, *proof).await,
            Found::None(_) => {
                self.mirrors.in_vain.insert(at, Instant::now());
                Ok(())
            }
        }
    }

    /// Keeps the proof against another party, and follows that one no further.
    async fn convicts(&self, party: String, log: Log, proof: Equivocation) -> Result<(), Broken> {
        let (node, of) = (self.node.clone(), party.clone());
        let convicted = blocking(move || node.convict(&of, log, &proof)).await?;
        let what = format!(
            "{convicted}: proven by what `{}` holds, `comity peer proof DIR {party}` shows it",
            self.peer.party
        );
        tracing::error!(peer = party, what, "followed no further");
        self.node.meet(&party, |contact| contact.halted = Some(what));
        Ok(())
    }
}
