//! A peer said what contradicts what it said before: the proof of it, where there is one.

use comity_node::{Node, NodeError};
use comity_tlog::{Checkpoint, Equivocation};
use comity_wire::entry::Log;

use super::{Connection, PeerError, branch};

/// What came of looking for a proof.
pub(super) enum Found {
    /// There is one.
    Proof(Box<Equivocation>),
    /// There is none, and why.
    None(String),
}

/// The leaves that a peer gave do not lead from what is verified here to the head that it signed.
/// All leaves of that head are asked for, below `prefix`: where they give its root, they are
/// another history, and that is proven.
pub(super) async fn of_another_branch(
    node: &Node,
    connection: &mut Connection,
    prefix: &str,
    party: &str,
    log: Log,
    note: &str,
) -> Result<Found, NodeError> {
    let none = |why: String| Ok(Found::None(why));
    let Some((verifier, head)) = node.verified_head(party, log)? else {
        return none("nothing of it was verified before".to_owned());
    };
    let Ok(said) = Checkpoint::open(note.as_bytes(), &verifier) else {
        return none("the head is not signed by its key".to_owned());
    };
    if head.size == 0 || said.size < head.size {
        return none("nothing of it was verified before".to_owned());
    }
    let branch = match branch::fetch(connection, prefix, said.size, head.size).await {
        Ok(branch) => branch,
        Err(PeerError::Protocol(why)) => return none(why),
        Err(error) => return none(error.to_string()),
    };
    if branch.root() != said.root {
        let why = "it has no leaves that give the root that it signed: it keeps them back, or \
                   never had them; nothing is proven";
        return none(why.to_owned());
    }
    match node.contradicted_by(party, log, note, &branch)? {
        Some(proof) => Ok(Found::Proof(Box::new(proof))),
        None => none("all of its leaves together lead there: those before were wrong".to_owned()),
    }
}
