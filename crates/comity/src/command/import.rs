//! `comity import`: a bundle into a collection.

use std::fs::File;
use std::io::{self, Read};

use serde_json::Value;

use crate::Outcome;
use crate::arguments::Import;
use crate::command::{Failure, cell, rows};
use crate::control::request::Request;
use crate::control::{Shown, ask_with};
use crate::output::{Output, table};

/// Refusals shown one by one; the rest is in `comity refusals` and in `--json`.
const SHOWN_MAX: usize = 40;

pub(crate) fn run(arguments: &Import, output: &Output) -> Result<Outcome, Failure> {
    let path = &arguments.file;
    let (mut input, octets): (Box<dyn Read>, Option<u64>) = if path.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(path)
            .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))?;
        let octets =
            file.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        (Box::new(file), octets)
    };
    let request =
        Request::Import { collection: arguments.collection.clone(), attest: arguments.attest };
    let mut shown = Shown { out: io::sink(), bar: output.bar(octets) };
    let value = ask_with(&arguments.dir, request, &mut input, &mut shown)?;
    shown.bar.finish_and_clear();
    output.result(&value, || told(&value));
    let clean = cell(&value, "refused") == "0" && value.get("broken_off").is_none();
    Ok(if clean { Outcome::Done } else { Outcome::Found })
}

fn told(value: &Value) -> String {
    let count = |name| cell(value, name);
    let mut text = format!(
        "{} objects: {} new, {} known already, {} kept as they were, {} refused; {} held back, {} flagged\n",
        count("objects"),
        count("stored"),
        count("known"),
        count("kept"),
        count("refused"),
        count("held_back"),
        count("flagged")
    );
    if count("attested") != "0" {
        text.push_str(&format!("{} wait no longer: attested\n", count("attested")));
    }
    if count("narrower") != "0" {
        text.push_str(&format!(
            "{} are shared already, and not with all parties that the collection releases to: comity grant\n",
            count("narrower")
        ));
    }
    let flags = value.get("flags").and_then(Value::as_object);
    for (code, count) in flags.into_iter().flatten() {
        text.push_str(&format!("flag {code}: {count}\n"));
    }
    let refusals: Vec<&Value> = rows(value, "refusals").collect();
    if !refusals.is_empty() {
        let head = ["OBJECT", "CODE", "ID", "VERSION", "WHERE", "FOUND", "REQUIRED"];
        let names = ["number", "code", "id", "version", "path", "found", "required"];
        let lines: Vec<Vec<String>> = refusals
            .iter()
            .take(SHOWN_MAX)
            .map(|one| names.iter().map(|name| cell(one, name)).collect())
            .collect();
        text.push('\n');
        text.push_str(&table(&head, &lines));
        if refusals.len() > SHOWN_MAX {
            let more = refusals.len() - SHOWN_MAX;
            text.push_str(&format!("and {more} more: comity refusals DIR\n"));
        }
    }
    for warning in rows(value, "warnings").filter_map(Value::as_str) {
        text.push_str(&format!("warning: {warning}\n"));
    }
    if let Some(broken) = value.get("broken_off").and_then(Value::as_str) {
        text.push_str(&format!(
            "broken off: {broken}; what came before is stored, and importing again is harmless\n"
        ));
    }
    text
}
