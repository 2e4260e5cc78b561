//! What a peer holds of the logs of others: of this party's own, which tells whether this directory
//! was put back; and of those that this node follows, too. Two nodes that a party shows different
//! histories find out by what each holds, and both prove it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use comity_node::ahead::path_of;
use comity_node::sync::Ask;
use comity_tlog::{Checkpoint, Equivocation};
use comity_wire::entry::Log;
use comity_wire::mirror::{self, HELD_BYTES_MAX, Held};
use tokio::time::Instant;

use super::{Broken, FOLLOWED, Follower, blocking};
use crate::peer::ANSWER_TIMEOUT;
use crate::peer::connection::Answer;
use crate::peer::evidence::{self, Found};

/// Heads that are looked at in one round: those that are others than here. In a body at rest there
/// are none, and a few while something is under way.
const LOOKED_AT_MAX: usize = 16;

/// Leaves that are asked a mirror for, to look whether its owner shows it another history: 35 MB.
/// Of a longer log the one of the two nodes that is ahead finds out, by its own leaves.
const BRANCH_LEAVES_MAX: u64 = 1_000_000;

/// How often that may be for nothing, for one log at one mirror.
const BRANCH_EVERY: Duration = Duration::from_secs(3600);

/// What was seen at this peer of the logs of others.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// Heads that were too many for the rounds before: where the next one begins.
    passed: usize,
    /// Whether some are left for the next round.
    left: bool,
    /// Heads that it holds and that are beyond what is verified here, with the size that was
    /// verified here when they were seen first.
    beyond: BTreeMap<(String, Log), u64>,
    /// When leaves were asked for in vain.
    in_vain: BTreeMap<(String, Log), Instant>,
}

impl Follower {
    /// Asks which heads the peer holds, and looks at those that are others than here.
    pub(super) async fn look_at_mirrored(&mut self) -> Result<(), Broken> {
        let Some(held) = self.held().await? else { return Ok(()) };
        let own = self.node.config().party.clone();
        let (ours, theirs): (Vec<Held>, Vec<Held>) =
            held.into_iter().partition(|one| one.party == own);
        self.look_at_own(own, ours).await?;
        self.look_at_others(theirs).await
    }

    /// A later head of this party's own log than is here means that this directory was put back.
    async fn look_at_own(&mut self, own: String, held: Vec<Held>) -> Result<(), Broken> {
        let here = self.node.own_heads();
        for log in FOLLOWED {
            if !held.iter().any(|one| one.log == log.name() && !here.contains(one)) {
                continue;
            }
            let Some(note) = self.head_of(&own, log).await? else { continue };
            let (node, peer) = (self.node.clone(), self.peer.party.clone());
            blocking(move || node.look_at_mirror(log, &peer, &note)).await?;
        }
        Ok(())
    }

    async fn look_at_others(&mut self, held: Vec<Held>) -> Result<(), Broken> {
        let node = self.node.clone();
        let here = blocking(move || node.mirror_heads()).await?;
        // Each log once, however often it is named, and of those that are followed here alone.
        let mut round: BTreeSet<(String, Log)> = BTreeSet::new();
        for one in here {
            let Some(log) = FOLLOWED.into_iter().find(|log| log.name() == one.log) else {
                continue;
            };
            let same = |other: &&Held| (&other.party, &other.log) == (&one.party, &one.log);
            let Some(theirs) = held.iter().find(same) else { continue };
            if theirs.sha256 == one.sha256 {
                self.mirrors.beyond.remove(&(one.party, log));
            } else {
                round.insert((one.party, log));
            }
        }
        for (party, log) in self.mirrors.few(round) {
            if self.node.contact(&party).halted.is_some() {
                continue;
            }
            if let Some(note) = self.head_of(&party, log).await? {
                self.compare_with(party, log, note).await?;
            }
        }
        Ok(())
    }

    /// Which heads the peer holds; nothing where they are those that it held before.
    async fn held(&mut self) -> Result<Option<Vec<Held>>, Broken> {
        // What is not settled yet is looked at again.
        let again = self.mirrors.left || !self.mirrors.beyond.is_empty();
        let known = self.line().await?.mirrored.clone().filter(|_| !again);
        let answer = self.mirrored("/mirror/heads", known.as_deref(), HELD_BYTES_MAX).await?;
        let Some(Answer { etag, body, .. }) = answer else { return Ok(None) };
        let held = mirror::parse(&body);
        if held.is_none() {
            tracing::warn!(peer = self.peer.party, "what it says of its mirrors is not understood");
        }
        self.line().await?.mirrored = etag;
        Ok(held)
    }

    /// The head that the peer holds of somebody's log.
    async fn head_of(&mut self, party: &str, log: Log) -> Result<Option<Vec<u8>>, Broken> {
        let (path, most) = (path_of(party, log, "checkpoint"), Ask::Checkpoint.bytes_max());
        Ok(self.mirrored(&path, None, most).await?.map(|answer| answer.body.to_vec()))
    }

    /// What the peer says of a mirror; nothing where it says nothing new, or nothing at all. It is
    /// followed all the same then.
    async fn mirrored(
        &mut self,
        path: &str,
        known: Option<&str>,
        bytes_max: usize,
    ) -> Result<Option<Answer>, Broken> {
        let line = self.line().await?;
        match line.connection.get(path, known, bytes_max, ANSWER_TIMEOUT).await {
            Ok(answer) => Ok(Some(answer).filter(|answer| answer.status == 200)),
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

impl Mirrors {
    /// As many as one round looks at; the next one goes on behind them.
    fn few(&mut self, differing: BTreeSet<(String, Log)>) -> Vec<(String, Log)> {
        let mut round: Vec<(String, Log)> = differing.into_iter().collect();
        self.left = round.len() > LOOKED_AT_MAX;
        if self.left {
            let from = self.passed % round.len();
            round.rotate_left(from);
            round.truncate(LOOKED_AT_MAX);
            self.passed = self.passed.wrapping_add(LOOKED_AT_MAX);
        }
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_go_through_all_that_differ() {
        let mut mirrors = Mirrors::default();
        let all: BTreeSet<(String, Log)> =
            (0..40).map(|n| (format!("p{n:02}"), Log::Acts)).collect();
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let round = mirrors.few(all.clone());
            assert_eq!((round.len(), mirrors.left), (LOOKED_AT_MAX, true));
            seen.extend(round);
        }
        assert_eq!(seen, all);
        let few: BTreeSet<(String, Log)> = all.into_iter().take(LOOKED_AT_MAX).collect();
        assert_eq!(mirrors.few(few.clone()).len(), few.len());
        assert!(!mirrors.left, "no more is left for later");
    }
}
