//! `comity doctor`: the state of a node, its limits, and what should be mended.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comity_node::{Directory, genesis};
use comity_serve::pinned::Identity;
use comity_wire::limits;
use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::Doctor;
use crate::command::{Failure, cell, file_lines, rows};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Doctor, output: &Output) -> Result<Outcome, Failure> {
    let directory = Directory::new(&arguments.dir);
    let mut value = ask(&arguments.dir, Request::State)?;
    let mut advice = advice(&directory);
    advice.extend(keys(&directory)?);
    if let Some(why) = value.get("halted").and_then(Value::as_str) {
        advice.push(format!("nothing is signed: {why}"));
    } else if let Some(why) = value.get("read_only").and_then(Value::as_str) {
        let (free, reserve) = (cell(&value, "disk_free"), cell(&value, "disk_reserve"));
        advice.push(format!(
            "no new objects are taken, {why}: {free} octets are free, {reserve} are required; free space, or lower `disk_reserve_bytes`"
        ));
    }
    let stopped = cell(&value, "adopt_rules_stopped");
    if stopped != "0" {
        let dir = arguments.dir.display();
        advice.push(format!(
            "{stopped} rules of adoption stopped: `comity adopt rule list {dir}` says why; remove them, and make others"
        ));
    }
    for one in rows(&value, "convicted") {
        advice.push(format!(
            "{}; give the proof to the others, and follow it no further: comity peer proof {} {}",
            cell(one, "what"),
            arguments.dir.display(),
            cell(one, "party")
        ));
    }
    if let Some(members) = value.as_object_mut() {
        members.insert("files".to_owned(), files(directory.root()));
        members.insert("limits".to_owned(), limits());
        members.insert("advice".to_owned(), json!(advice));
    }
    output.result(&value, || told(&value));
    Ok(if advice.is_empty() { Outcome::Done } else { Outcome::Found })
}

fn files(root: &Path) -> Value {
    let size = |name: &str| std::fs::metadata(root.join(name)).map_or(0, |found| found.len());
    json!(comity_node::directory::FILES.map(|name| json!({ "file": name, "octets": size(name) })))
}

fn limits() -> Value {
    json!({
        "octets of an object": limits::OBJECT_BYTES_MAX,
        "octets of a TAXII body": limits::TAXII_BODY_BYTES_MAX,
        "levels of JSON": limits::JSON_DEPTH_MAX,
        "records of a page": limits::PAGE_RECORDS_MAX,
        "records of a page without limit": limits::PAGE_RECORDS_DEFAULT,
        "values of a filter": limits::MATCH_VALUES_MAX,
        "octets of a pattern": limits::PATTERN_BYTES_MAX,
    })
}

/// What should be mended, with the command that does.
fn advice(directory: &Directory) -> Vec<String> {
    let mut advice = Vec::new();
    let stores = directory.stores().unwrap_or_default();
    for path in [directory.root().to_owned(), directory.keys()].into_iter().chain(stores) {
        let mode = std::fs::metadata(&path).map_or(0, |found| found.permissions().mode());
        if mode & 0o077 != 0 {
            let shown = path.display();
            advice.push(format!("others can read `{shown}`: chmod go= {shown}"));
        }
    }
    advice
}

/// What the charter says of this node's keys and is not so: by these nobody knows it.
fn keys(directory: &Directory) -> Result<Vec<String>, Failure> {
    let dir = directory.root().display();
    let (key, certificate) = directory.transport();
    let none = "no key for peers".to_owned();
    // Nothing is made here: one that was lost may still be put back.
    let pin = match Identity::read(&certificate, &key) {
        Ok(identity) => identity.pin().to_owned(),
        Err(_) if !key.exists() => none,
        Err(error) => return Ok(vec![error.to_string()]),
    };
    let advice = genesis::keys_that_differ(directory, Some(&pin))?.into_iter().map(|other| {
        let (name, charter, here) = (other.name, other.charter, other.here);
        let back = if name == "transport" { "transport.*" } else { "*.key" };
        format!(
            "the charter has another `{name}` of this party, and its peers know no other: \
             `{charter}` there, `{here}` here; put `keys/{back}` back from your copy; where that \
             is lost for ever, propose a charter with what `comity peer genesis {dir}` says: \
             comity charter propose"
        )
    });
    Ok(advice.collect())
}

fn told(value: &Value) -> String {
    let mut text = format!(
        "party      {}\nbody       {}\ncharter    {}\nusers      {}\ndisk       {} octets free, {} kept in reserve\n",
        cell(value, "party"),
        cell(value, "body"),
        cell(value, "charter"),
        cell(value, "users"),
        cell(value, "disk_free"),
        cell(value, "disk_reserve")
    );
    for log in rows(value, "logs") {
        text.push_str(&format!(
            "log        {:<8} {:>9} entries   {}\n",
            cell(log, "log"),
            cell(log, "size"),
            cell(log, "vkey")
        ));
    }
    let released = value.get("released").unwrap_or(value);
    text.push_str(&format!(
        "released   {} object versions that others may open, {} grants, {} withdrawals, {} consents\n",
        cell(released, "shares"),
        cell(released, "grants"),
        cell(released, "withdrawals"),
        cell(released, "consents")
    ));
    if cell(value, "conflicts") != "0" {
        let conflicts = cell(value, "conflicts");
        text.push_str(&format!(
            "conflicts  {conflicts} object versions with more than one content: comity peer conflicts DIR\n"
        ));
    }
    for (name, member, unit) in [
        ("entries", "entries_days", "days at most, where nothing else says so"),
        ("accesses", "accesses_days", "days"),
        ("refusals", "refusals_days", "days"),
        ("statuses", "statuses_hours", "hours"),
    ] {
        let period = value.get("retention").map_or("-".to_owned(), |all| cell(all, member));
        text.push_str(&format!("kept       {name:<8} {period:>9} {unit}\n"));
    }
    for one in rows(value, "collections") {
        text.push_str(&format!(
            "collection {}   {:>9} objects   {}\n",
            cell(one, "id"),
            cell(one, "objects"),
            cell(one, "title")
        ));
    }
    text.push_str(&file_lines(value));
    let limits = value.get("limits").and_then(Value::as_object);
    for (name, limit) in limits.into_iter().flatten() {
        text.push_str(&format!("limit      {limit:>9} {name}\n"));
    }
    for line in rows(value, "advice").filter_map(Value::as_str) {
        text.push_str(&format!("MEND       {line}\n"));
    }
    text
}
