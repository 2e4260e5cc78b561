//! The peers of a node, and what came from them, by command.

use std::path::Path;

use comity_node::Node;
use comity_node::peer::Unfollowed;
use serde_json::{Value, json};

use crate::command::Failure;
use crate::control::request::{find, reader};
use crate::peer::stick;

/// Octets of an address: a host name has 253 at most.
const ADDRESS_BYTES_MAX: usize = 300;

pub(super) fn add(node: &Node, party: &str, address: &str) -> Result<Value, Failure> {
    // As `comity serve` prints it.
    let address = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
    let port = address.rsplit_once(':').and_then(|(host, port)| {
        let port: u16 = port.parse().ok()?;
        let bare = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        let plain = !host.contains(|one: char| "/@? ".contains(one) || one.is_control());
        (!host.is_empty() && bare && plain && port > 0).then_some(port)
    });
    if port.is_none() || address.len() > ADDRESS_BYTES_MAX {
        return Err(Failure::new(format!(
            "no address `{}`; required: HOST:PORT of the peer's listener for peers, as its `comity \
             serve --peers` says",
            address.escape_default()
        )));
    }
    Ok(json!({ "peer": node.peer_add(party, address)? }))
}

/// Says from where it is not followed any more, and what of it stays.
pub(super) fn remove(node: &Node, party: &str) -> Result<Value, Failure> {
    let Unfollowed { peer: before, withdrawn } = node.peer_remove(party)?;
    let state = node.peer_states()?.into_iter().find(|state| state.peer.party == party);
    let holds = reader(node).readable(before.collection, true);
    let objects = holds.map(|holds| node.state(holds)).transpose()?.map(|(_, holds)| holds);
    Ok(json!({
        "was_at": before.address,
        "peer": state,
        "objects": objects,
        "passed_on_withdrawn": withdrawn,
    }))
}

pub(super) fn list(node: &Node) -> Result<Value, Failure> {
    Ok(json!({ "peers": node.peer_states()?, "now": node.now() }))
}

pub(super) fn show(node: &Node, party: &str) -> Result<Value, Failure> {
    node.peer(party)?;
    let state = node.peer_states()?.into_iter().find(|state| state.peer.party == party);
    let quarantined: Vec<_> =
        node.quarantined()?.into_iter().filter(|one| one.party == party).collect();
    let overdue: Vec<_> =
        node.withdrawals_open()?.into_iter().filter(|one| one.party == party).collect();
    Ok(json!({
        "peer": state,
        "quarantined": quarantined,
        "withdrawals": overdue,
        "receipts": node.receipts_of(party)?,
        "now": node.now(),
    }))
}

/// The proofs that are kept against a peer.
pub(super) fn proof(node: &Node, party: &str) -> Result<Value, Failure> {
    node.peer(party)?;
    let kept = node.evidence(party)?;
    if kept.is_empty() {
        return Err(Failure::new(format!("nothing is proven against `{party}`")));
    }
    let proofs =
        kept.iter().map(|one| json!({ "log": one.log, "what": one.what, "proof": one.text }));
    Ok(json!({ "proofs": proofs.collect::<Vec<_>>() }))
}

/// What is proven against any peer.
pub(super) fn convicted(node: &Node) -> Result<Value, Failure> {
    let mut all = Vec::new();
    for peer in node.peers()? {
        all.extend(node.evidence(&peer.party)?);
    }
    Ok(json!(all))
}

pub(super) fn adopt(
    node: &Node,
    objects: Option<&[String]>,
    from: Option<&str>,
    collection: &str,
    by: &str,
) -> Result<Value, Failure> {
    let into = find(node, Some(collection))?;
    let by = node.acting(by)?;
    let number = match from {
        Some(party) => node.peer(party)?.collection,
        None => {
            let peers = node.peers()?;
            let first = peers.first().ok_or_else(|| {
                Failure::new("no peer is followed; `comity peer add` takes one up")
            })?;
            first.everything
        }
    };
    let readable = reader(node)
        .readable(number, true)
        .ok_or_else(|| Failure::new("what was received cannot be read"))?;
    Ok(json!(node.adopt(&by, readable, objects, &into, node.now())?))
}

pub(super) fn propose(node: &Node, text: &str, by: &str) -> Result<Value, Failure> {
    let charter = node.propose(&node.acting(by)?, text)?;
    Ok(json!({ "charter": charter.hash.to_string() }))
}

pub(super) fn accept(node: &Node, hash: &str, by: &str) -> Result<Value, Failure> {
    Ok(json!({ "in_force": node.accept(&node.acting(by)?, hash)? }))
}

pub(super) fn import(node: &Node, party: &str, from: &Path) -> Result<Value, Failure> {
    Ok(json!(stick::import(node, &node.peer(party)?, from)?))
}
