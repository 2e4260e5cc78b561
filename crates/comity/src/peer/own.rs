//! What peers hold of this party's own logs, asked for before anything is signed, and again
//! whenever a peer is asked for its own.

use std::time::Duration;

use comity_node::Directory;
use comity_node::ahead::{Held, MIRRORED, Own, path_of};
use comity_node::peer::Peer;
use comity_node::sync::Ask;
use comity_serve::pinned::Identity;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Connection;
use crate::command::{Failure, certificate};

/// How long a start waits for its peers, all at once: a node has to come up without them.
const START_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one answer may last.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Before a directory is opened to sign: no peer that answers holds a later head of its logs, or
/// another. A peer that does not answer says nothing; being alone is no fault.
pub(crate) async fn look(directory: &Directory) -> Result<(), Failure> {
    // What is wrong with the directory is told by the start, in its own words.
    let Ok(Some(own)) = Own::of(directory) else { return Ok(()) };
    // Without a key that can be used nobody can be asked, which the start tells.
    let Ok(identity) = certificate::transport(directory) else { return Ok(()) };
    let identity = std::sync::Arc::new(identity);
    let mut asked = JoinSet::new();
    for (peer, pin) in &own.peers {
        let (peer, pin, party) = (peer.clone(), pin.clone(), own.party.clone());
        let identity = identity.clone();
        asked.spawn(async move {
            let heads = timeout(START_TIMEOUT, heads(&peer, &pin, &party, &identity)).await;
            (peer.party, heads.unwrap_or_default())
        });
    }
    while let Some(answered) = asked.join_next().await {
        let Ok((party, heads)) = answered else { continue };
        for (log, note) in heads {
            if let Held::Ahead(why) = own.compare(log, &party, &note)? {
                return Err(Failure::new(format!("the node does not sign: {why}")));
            }
        }
    }
    Ok(())
}

/// What a peer holds; nothing where it cannot be asked.
async fn heads(
    peer: &Peer,
    pin: &str,
    party: &str,
    identity: &Identity,
) -> Vec<(comity_wire::entry::Log, Vec<u8>)> {
    let mut heads = Vec::new();
    let Ok(mut connection) = Connection::open(&peer.address, identity, pin).await else {
        return heads;
    };
    for log in MIRRORED {
        let (path, most) = (path_of(party, log, "checkpoint"), Ask::Checkpoint.bytes_max());
        match connection.get(&path, None, most, ANSWER_TIMEOUT).await {
            Ok(answer) if answer.status == 200 => heads.push((log, answer.body.to_vec())),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    heads
}
