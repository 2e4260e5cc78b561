//! `comity body status`: every node, asked by its control socket.

use std::path::Path;

use comity_node::Directory;
use serde_json::{Value, json};

use super::layout::{Layout, Member};
use crate::Outcome;
use crate::command::{Failure, cell, rows};
use crate::control::ask_served;
use crate::control::request::Request;
use crate::output::{Output, table};

/// The logs of a node that the others follow.
const FOLLOWED: [&str; 2] = ["shared", "acts"];

/// What one node says of itself and of the others.
struct Asked<'a> {
    member: &'a Member,
    /// Nothing where it does not serve.
    said: Option<(Value, Value)>,
}

pub(super) fn run(dir: &Path, output: &Output) -> Result<Outcome, Failure> {
    let layout = Layout::new(dir);
    let record = layout.read()?.ok_or_else(|| {
        Failure::new(format!(
            "`{0}` holds no body; found one: comity body up {0} --charter FILE",
            dir.display()
        ))
    })?;
    let mut asked = Vec::with_capacity(record.nodes.len());
    for member in &record.nodes {
        let directory = Directory::new(layout.node(&member.party));
        let state = ask_served(&directory, &Request::State)?;
        let peers = ask_served(&directory, &Request::PeerList)?;
        asked.push(Asked { member, said: state.zip(peers) });
    }
    let nodes: Vec<Value> = asked.iter().map(|node| line(node, &asked)).collect();
    let sound = nodes.iter().all(|node| {
        cell(node, "serves") == "true" && cell(node, "aside") == "0" && cell(node, "fault") == "-"
    });
    output.result(&json!({ "body": record.body, "nodes": nodes }), || {
        let head =
            ["PARTY", "NODE", "CLIENTS", "ENTRIES", "VERIFIED", "LAG", "ASIDE", "IN THE WAY"];
        let lines: Vec<Vec<String>> = nodes.iter().map(cells).collect();
        table(&head, &lines)
    });
    Ok(if sound { Outcome::Done } else { Outcome::Found })
}

/// One node: how many entries it has for others, and how far it has verified theirs.
fn line(node: &Asked<'_>, all: &[Asked<'_>]) -> Value {
    let member = node.member;
    let Some((state, peers)) = &node.said else {
        return json!({ "party": member.party, "serves": false, "listen": member.listens() });
    };
    let sum = |peer: &Value, what: &str| -> u64 {
        rows(peer, "logs").filter_map(|log| log.get(what).and_then(Value::as_u64)).sum()
    };
    // What another has it says itself; of one that does not serve, what it announced last counts.
    let has = |peer: &Value| -> u64 {
        let other = all.iter().find(|other| other.member.party == cell(peer, "party"));
        let said = other.and_then(|other| other.said.as_ref());
        said.map_or_else(|| sum(peer, "announced"), |(state, _)| entries(state))
    };
    let number = |name: &str| -> u64 {
        rows(peers, "peers").filter_map(|peer| peer.get(name).and_then(Value::as_u64)).sum()
    };
    let faults: Vec<String> = rows(peers, "peers")
        .filter_map(|peer| {
            let found = [cell(peer, "halted"), cell(peer, "fault")];
            let found = found.into_iter().find(|what| what != "-")?;
            Some(format!("{}: {found}", cell(peer, "party")))
        })
        .collect();
    json!({
        "party": member.party,
        "serves": true,
        "listen": member.listens(),
        "process": state.get("process"),
        "resident": state.get("resident"),
        "entries": entries(state),
        "verified": rows(peers, "peers").map(|peer| sum(peer, "verified")).sum::<u64>(),
        "of": rows(peers, "peers").map(has).sum::<u64>(),
        "lag": number("lag"),
        "aside": number("quarantined"),
        "faults": faults,
        "fault": faults.first(),
    })
}

/// The leaves of the logs that others follow.
fn entries(state: &Value) -> u64 {
    rows(state, "logs")
        .filter(|log| FOLLOWED.contains(&cell(log, "log").as_str()))
        .filter_map(|log| log.get("size").and_then(Value::as_u64))
        .sum()
}

fn cells(node: &Value) -> Vec<String> {
    let of = |name| cell(node, name);
    if of("serves") != "true" {
        let rest = ["-"; 5].map(str::to_owned);
        let start = [of("party"), "stopped".to_owned(), of("listen")];
        return [start.as_slice(), rest.as_slice()].concat();
    }
    let verified = format!("{} of {}", of("verified"), of("of"));
    let more = rows(node, "faults").count().saturating_sub(1);
    let fault = match more {
        0 => of("fault"),
        more => format!("{}; and {more} more", of("fault")),
    };
    let serves = "serves".to_owned();
    vec![of("party"), serves, of("listen"), of("entries"), verified, of("lag"), of("aside"), fault]
}
