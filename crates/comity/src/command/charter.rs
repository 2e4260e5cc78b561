//! `comity charter`: check one, show the one in force.

use std::path::Path;

use comity_charter::Charter as Parsed;
use comity_node::{Directory, Node};
use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::{Charter, CharterVerb};
use crate::command::Failure;
use crate::output::Output;
use crate::surroundings;

pub(crate) fn run(arguments: &Charter, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        CharterVerb::Check { file } => check(file, output),
        CharterVerb::Found { dir, file } => found(dir, file, output),
        CharterVerb::Show { dir } => {
            let directory = Directory::new(dir);
            directory.require_node().map_err(|error| Failure::new(error.to_string()))?;
            check(&directory.charter(), output)
        }
    }
}

/// The charter under which the logs of a directory begin; they do at once.
fn found(dir: &Path, file: &Path, output: &Output) -> Result<Outcome, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", file.display())))?;
    let directory = Directory::new(dir);
    let charter = Node::found_under(&directory, &text)?;
    Node::open(directory, surroundings::real())?.close();
    let hash = charter.hash.to_string();
    output.result(&json!({ "charter": hash, "body": charter.body }), || {
        format!(
            "accepted the charter of `{}`\nhash       {hash}\nnext       compare the hash with the \
             other parties, by another way than the one the file came\n",
            charter.body
        )
    });
    Ok(Outcome::Done)
}

fn check(path: &Path, output: &Output) -> Result<Outcome, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))?;
    match comity_charter::parse(&text) {
        Ok(charter) => {
            output.result(&shown(&charter), || told(&charter));
            Ok(Outcome::Done)
        }
        Err(faults) => {
            let lines: Vec<Value> = faults
                .iter()
                .map(|fault| {
                    json!({
                        "line": fault.line,
                        "column": fault.column,
                        "rule": fault.rule,
                        "found": fault.found,
                        "remedy": fault.remedy,
                    })
                })
                .collect();
            output.result(&json!({ "faults": lines }), || {
                faults.iter().map(|fault| format!("{}: {fault}\n", path.display())).collect()
            });
            Ok(Outcome::Found)
        }
    }
}

fn shown(charter: &Parsed) -> Value {
    let parties: Vec<Value> = charter
        .parties
        .iter()
        .map(|party| json!({ "id": party.id, "name": party.name, "tier": party.tier }))
        .collect();
    json!({
        "hash": charter.hash.to_string(),
        "body": charter.body,
        "version": charter.version,
        "purposes": charter.purposes.iter().map(|one| one.name()).collect::<Vec<_>>(),
        "parties": parties,
        "default_tlp": charter.handling.default_tlp.label(),
        "retention_days": charter.retention_days,
    })
}

fn told(charter: &Parsed) -> String {
    let purposes: Vec<&str> = charter.purposes.iter().map(|one| one.name()).collect();
    let mut text = format!(
        "body       {}\nversion    {}\nhash       {}\npurposes   {}\ndefault    TLP:{}\nretention  {} days\n",
        charter.body,
        charter.version,
        charter.hash,
        purposes.join(", "),
        charter.handling.default_tlp.label(),
        charter.retention_days
    );
    for party in &charter.parties {
        text.push_str(&format!(
            "party      {} ({}), {}\n",
            party.id,
            party.name,
            party.tier.as_deref().unwrap_or("dated")
        ));
    }
    text
}
