//! `comity charter found|propose|accept|proposals`: under which charter a node is.

use std::path::{Path, PathBuf};

use comity_charter::Hash;
use comity_node::{Directory, Node};
use serde_json::{Value, json};

use crate::Outcome;
use crate::command::{Failure, cell, certificate, rows};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::{Output, table};
use crate::surroundings;

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", file.display())))
}

/// The charter under which the logs of a directory begin; they do at once.
pub(super) fn found(
    dir: &Path,
    file: &Path,
    before: &[PathBuf],
    output: &Output,
) -> Result<Outcome, Failure> {
    let text = read(file)?;
    let before = before.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let directory = Directory::new(dir);
    directory.require_node().map_err(|error| Failure::new(error.to_string()))?;
    let transport = certificate::transport(&directory)?;
    let charter = Node::found_under(&directory, &text, &before, Some(transport.pin()))?;
    Node::open(directory, surroundings::real())?.close();
    let (hash, fingerprint) = (charter.hash.to_string(), charter.hash.fingerprint());
    let without: Vec<&str> = charter
        .parties
        .iter()
        .filter(|party| party.genesis.is_none())
        .map(|party| party.id.as_str())
        .collect();
    let value = json!({
        "charter": hash,
        "body": charter.body,
        "fingerprint": fingerprint,
        "without_keys": without,
    });
    output.result(&value, || {
        let mut text =
            format!("accepted the charter of `{}`\nhash       {hash}\nread aloud {fingerprint}\n", charter.body);
        if !without.is_empty() {
            text.push_str(&format!(
                "no keys    {}: they have no node here, until another charter has their keys, which \
                 all that decide accept\n",
                without.join(", ")
            ));
        }
        text.push_str(
            "next       compare it with the other parties, by another way than the one the file \
             came\n",
        );
        text
    });
    Ok(Outcome::Done)
}

pub(super) fn propose(
    dir: &Path,
    file: &Path,
    by: &str,
    output: &Output,
) -> Result<Outcome, Failure> {
    let request = Request::CharterPropose { text: read(file)?, by: by.to_owned() };
    let value = ask(dir, request)?;
    output.result(&value, || {
        let hash = cell(&value, "charter");
        format!(
            "proposed   {hash}\nread aloud {}\nnext       every party that decides: comity charter \
             accept DIR {hash} --by USER\n",
            Hash::parse(&hash).map(|hash| hash.fingerprint()).unwrap_or_default()
        )
    });
    Ok(Outcome::Done)
}

pub(super) fn accept(
    dir: &Path,
    hash: &str,
    by: &str,
    output: &Output,
) -> Result<Outcome, Failure> {
    let value = ask(dir, Request::CharterAccept { hash: hash.to_owned(), by: by.to_owned() })?;
    output
        .result(&value, || format!("accepted   {hash}\nin force   {}\n", cell(&value, "in_force")));
    Ok(Outcome::Done)
}

pub(super) fn proposals(dir: &Path, output: &Output) -> Result<Outcome, Failure> {
    let value = ask(dir, Request::CharterProposals)?;
    output.result(&value, || told(&value));
    Ok(Outcome::Done)
}

fn told(value: &Value) -> String {
    let lines: Vec<Vec<String>> = rows(value, "proposals")
        .map(|one| {
            ["version", "hash", "proposed_by", "state", "missing"]
                .map(|name| cell(one, name))
                .into()
        })
        .collect();
    table(&["VERSION", "HASH", "PROPOSED BY", "STATE", "HAVE YET TO ACCEPT"], &lines)
}
