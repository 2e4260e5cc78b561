//! `comity peer`: the other parties' nodes, and what they are told of this one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use comity_charter::Genesis;
use comity_node::{Directory, Node, genesis};
use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::{Peer, PeerVerb};
use crate::command::{Failure, cell, certificate, recover, rows, time};
use crate::control::ask;
use crate::control::between::Between;
use crate::control::request::Request;
use crate::output::{self, Output};

/// The members of a genesis, in the order of `docs/spec/charter.md`.
const MEMBERS: [&str; 5] = ["shared", "acts", "audit", "transport", "next"];

pub(crate) fn run(arguments: &Peer, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        PeerVerb::Genesis { dir } => {
            let genesis = genesis(dir)?;
            for key in genesis::keys_that_differ(&Directory::new(dir), pin_of(&genesis))? {
                output.remark(&format!(
                    "the charter that is here has another `{}`: `{}`",
                    key.name, key.charter
                ));
            }
            output.result(&genesis, || table(&genesis));
        }
        PeerVerb::Add { dir, party, address } => {
            let request = Request::PeerAdd { party: party.clone(), address: address.clone() };
            let value = ask(dir, request)?;
            let at = value.get("peer").map_or(address.clone(), |peer| cell(peer, "address"));
            output.result(&value, || format!("following `{party}` at {at}\n"));
        }
        PeerVerb::Remove { dir, party } => {
            let value = ask(dir, Request::PeerRemove { party: party.clone() })?;
            output.result(&value, || removed(party, &value));
        }
        PeerVerb::Proof { dir, party } => {
            let value = ask(dir, Request::PeerProof { party: party.clone() })?;
            output.result(&value, || {
                let texts = rows(&value, "proofs").map(|one| cell(one, "proof"));
                texts.collect::<Vec<_>>().join("\n")
            });
        }
        PeerVerb::Recover { dir, from, without_silent } => {
            recover::run(dir, from, *without_silent, output)?;
        }
        PeerVerb::Export { dir, party, to } => {
            let to = absolute(to)?;
            let value = ask(dir, Request::PeerExport { party: party.clone(), to })?;
            output.result(&value, || exported(party, &value));
        }
        PeerVerb::Import { dir, party, from } => {
            let from = absolute(from)?;
            let value = ask(dir, Request::PeerImport { party: party.clone(), from })?;
            output.result(&value, || {
                let of = |name: &str| cell(&value, name);
                format!(
                    "{} leaves verified, {} entries kept, {} were here, {} set aside, {} taken back\n",
                    of("verified"),
                    of("kept"),
                    of("passed"),
                    of("quarantined"),
                    of("withdrawn")
                )
            });
        }
        PeerVerb::List { dir } => {
            let value = ask(dir, Request::PeerList)?;
            output.result(&value, || listed(&value));
        }
        PeerVerb::Show { dir, party } => {
            let value = ask(dir, Request::PeerShow { party: party.clone() })?;
            output.result(&value, || shown(&value));
        }
        PeerVerb::Conflicts { dir } => {
            let value = ask(dir, Request::Between(Between::Conflicts))?;
            output.result(&value, || conflicts(&value));
            let none = cell(&value, "count") == "0";
            return Ok(if none { Outcome::Done } else { Outcome::Found });
        }
    }
    Ok(Outcome::Done)
}

fn exported(party: &str, value: &Value) -> String {
    let of = |name: &str| cell(value, name);
    format!(
        "wrote {} leaves and {} openings for `{party}`, {} files\n\
         they hold what `{party}` may read, in the clear: carry them as you would that\n",
        of("leaves"),
        of("openings"),
        of("files")
    )
}

/// A node that serves has a directory of its own to be in.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::new(format!("`{}` is no path: {error}", path.display())))
}

const HEAD: [&str; 8] =
    ["PARTY", "ADDRESS", "ANSWERED", "BELL", "VERIFIED", "LAG", "ASIDE", "IN THE WAY"];

fn listed(value: &Value) -> String {
    let now = value.get("now").and_then(Value::as_i64).unwrap_or(0);
    let lines: Vec<Vec<String>> = rows(value, "peers").map(|peer| line(peer, now)).collect();
    output::table(&HEAD, &lines)
}

fn line(peer: &Value, now: i64) -> Vec<String> {
    let answered = peer.get("answered").and_then(Value::as_i64);
    let answered = answered.map_or("never".to_owned(), |at| format!("{} ago", span(now - at)));
    let verified: u64 =
        rows(peer, "logs").filter_map(|log| log.get("verified").and_then(Value::as_u64)).sum();
    let bell = if peer.get("doorbell") == Some(&Value::Bool(true)) { "yes" } else { "no" };
    let address = cell(peer, "address");
    let followed = address != "-";
    let fault = [cell(peer, "halted"), cell(peer, "fault")];
    let fault = fault.into_iter().find(|fault| fault != "-");
    let fault = fault.unwrap_or(if followed { "-" } else { "not followed" }.to_owned());
    vec![
        cell(peer, "party"),
        address,
        answered,
        bell.to_owned(),
        verified.to_string(),
        cell(peer, "lag"),
        cell(peer, "quarantined"),
        fault,
    ]
}

/// What is not followed any more, and what stays of it.
fn removed(party: &str, value: &Value) -> String {
    let peer = value.get("peer").unwrap_or(&Value::Null);
    let logs: Vec<String> = rows(peer, "logs")
        .map(|log| format!("`{}` up to {}", cell(log, "log"), cell(log, "verified")))
        .collect();
    format!(
        "no longer following `{party}` at {}\n\
         withdrawn: {} entries that passed on what is its own\n\
         what stays: {} of its objects, its logs {}, verified as before\n\
         what it withdraws from now on stays here, too, until it is followed again (`comity peer \
         add`) or its files are taken in (`comity peer import`)\n",
        cell(value, "was_at"),
        cell(value, "passed_on_withdrawn"),
        cell(value, "objects"),
        logs.join(" and ")
    )
}

/// A span of microseconds, as people say it.
fn span(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn shown(value: &Value) -> String {
    let now = value.get("now").and_then(Value::as_i64).unwrap_or(0);
    let peer = value.get("peer").unwrap_or(&Value::Null);
    let mut text = output::table(&HEAD, &[line(peer, now)]);
    let logs: Vec<Vec<String>> = rows(peer, "logs")
        .map(|log| ["log", "announced", "verified", "scanned"].map(|one| cell(log, one)).to_vec())
        .collect();
    for one in rows(peer, "convicted") {
        text.push_str(&format!("\nPROVEN     {}\n", cell(one, "what")));
    }
    text.push('\n');
    text.push_str(&output::table(&["LOG", "ANNOUNCED", "VERIFIED", "OPENED UP TO"], &logs));
    let aside: Vec<Vec<String>> = rows(value, "quarantined")
        .map(|one| vec![cell(one, "log"), cell(one, "index"), cell(one, "code"), time(one, "at")])
        .collect();
    if !aside.is_empty() {
        text.push('\n');
        text.push_str(&output::table(&["SET ASIDE", "INDEX", "WHY", "WHEN"], &aside));
    }
    let acted: Vec<Vec<String>> = rows(value, "receipts")
        .map(|one| {
            vec![cell(one, "index"), time(one, "at"), cell(one, "readers"), cell(one, "onward")]
        })
        .collect();
    if !acted.is_empty() {
        text.push('\n');
        text.push_str(&output::table(&["TAKEN BACK", "ACTED ON", "READERS", "ONWARD"], &acted));
    }
    let open: Vec<Vec<String>> = rows(value, "withdrawals")
        .map(|one| {
            vec![cell(one, "index"), time(one, "created"), time(one, "due"), overdue(one, now)]
        })
        .collect();
    if !open.is_empty() {
        text.push('\n');
        text.push_str(&output::table(&["WITHDRAWAL", "MADE", "RECEIPT DUE", ""], &open));
    }
    text
}

/// A line for each entry: equal numbers of content mean equal content.
fn conflicts(value: &Value) -> String {
    let mut lines = Vec::new();
    for one in rows(value, "conflicts") {
        for claim in rows(one, "claims") {
            let served = if cell(claim, "served") == "true" { "yes" } else { "no" };
            lines.push(vec![
                cell(one, "id"),
                cell(one, "version"),
                cell(claim, "content"),
                cell(claim, "origin"),
                cell(claim, "log"),
                cell(claim, "index"),
                time(claim, "arrived"),
                served.to_owned(),
            ]);
        }
    }
    let head = ["OBJECT", "VERSION", "CONTENT", "PARTY", "LOG", "INDEX", "ARRIVED", "SERVED"];
    let mut text = output::table(&head, &lines);
    let (shown, count) = (rows(value, "conflicts").count(), cell(value, "count"));
    if count != shown.to_string() {
        let _ = writeln!(text, "{shown} of {count} are shown");
    }
    text
}

fn overdue(one: &Value, now: i64) -> String {
    let late = one.get("due").and_then(Value::as_i64).is_some_and(|due| due < now);
    if late { "overdue".to_owned() } else { String::new() }
}

/// The public keys of a node. They are read from its files: its logs do not begin by it.
pub(crate) fn genesis(dir: &Path) -> Result<Value, Failure> {
    let directory = Directory::new(dir);
    let keys = Node::log_keys(&directory)?;
    // A directory that was made before there were peers gets its key now.
    let pin = certificate::transport(&directory)?.pin().to_owned();
    Ok(json!({
        "shared": keys.shared,
        "acts": keys.acts,
        "audit": keys.audit,
        "transport": pin,
        "next": keys.next,
    }))
}

fn pin_of(genesis: &Value) -> Option<&str> {
    genesis.get("transport").and_then(Value::as_str)
}

/// What [`genesis()`] gives, as a charter has it.
pub(crate) fn keys(genesis: &Value) -> Genesis {
    let of = |name: &str| genesis.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Genesis {
        shared: of("shared"),
        acts: of("acts"),
        audit: of("audit"),
        transport: of("transport"),
        next: of("next"),
    }
}

/// The table as it stands in a charter, below the `[[party]]` that it belongs to. No key has a
/// character that TOML escapes.
pub(crate) fn table(genesis: &Value) -> String {
    let mut text = "[party.genesis]\n".to_owned();
    for member in MEMBERS {
        let value = genesis.get(member).and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "{member} = \"{value}\"");
    }
    text
}
