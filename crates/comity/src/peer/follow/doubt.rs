//! A peer said what contradicts what it said before: the proof of it is looked for and kept.

use comity_tlog::{Equivocation, GrowError};
use comity_wire::entry::Log;

use super::{Broken, Follower, blocking};
use crate::peer::evidence::{self, Found};

impl Follower {
    /// Compares a head that the peer signed with what is verified of it here: where it is another
    /// history, that is proven and kept.
    pub(super) async fn compare(&mut self, log: Log, note: Vec<u8>) -> Result<(), Broken> {
        if self.looked.as_ref() == Some(&note) {
            return Ok(());
        }
        let (node, party, head) = (self.node.clone(), self.peer.party.clone(), note.clone());
        let found = blocking(move || node.contradiction(&party, log, &head)).await?;
        match found {
            Some(proof) => Err(self.convicted(log, proof).await),
            None => {
                self.looked = Some(note);
                Ok(())
            }
        }
    }

    /// Its leaves do not lead to the head that it signed, twice: the whole of the other branch is
    /// asked for, to prove it.
    pub(super) async fn another_branch(
        &mut self,
        log: Log,
        note: &str,
        error: &GrowError,
    ) -> Broken {
        let (node, party) = (self.node.clone(), self.peer.party.clone());
        let line = match self.line().await {
            Ok(line) => line,
            Err(broken) => return broken,
        };
        let prefix = format!("/log/{}/", log.name());
        let connection = &mut line.connection;
        let found =
            evidence::of_another_branch(&node, connection, &prefix, &party, log, note).await;
        match found {
            Ok(Found::Proof(proof)) => self.convicted(log, *proof).await,
            Ok(Found::None(why)) => Broken::Contradicts(format!("{error}; no proof: {why}")),
            Err(error) => Broken::Here(error),
        }
    }

    /// Keeps the proof, and follows the peer no further.
    async fn convicted(&self, log: Log, proof: Equivocation) -> Broken {
        let (node, party) = (self.node.clone(), self.peer.party.clone());
        match blocking(move || node.convict(&party, log, &proof)).await {
            Ok(convicted) => Broken::Contradicts(format!("{convicted}: proven, {}", self.shown())),
            Err(broken) => broken,
        }
    }

    pub(super) fn shown(&self) -> String {
        format!("`comity peer proof DIR {}` shows it", self.peer.party)
    }
}
