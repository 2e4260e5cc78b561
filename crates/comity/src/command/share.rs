//! `comity share`: objects of a private collection for other parties.

use serde_json::Value;

use crate::Outcome;
use crate::arguments::Share;
use crate::command::{Failure, cell, rows};
use crate::control::ask;
use crate::control::release;
use crate::control::request::Request;
use crate::output::{Output, table};

/// What is said of objects that another party may release onward.
pub(super) const CONSENTED: &str = "consented to";

/// Refusals shown one by one; the rest is in `--json`.
const SHOWN_MAX: usize = 40;

pub(crate) fn run(arguments: &Share, output: &Output) -> Result<Outcome, Failure> {
    let share = release::Share {
        collection: arguments.collection.clone(),
        objects: (!arguments.all).then(|| arguments.object.clone()),
        to: arguments.to.clone(),
        tlp: arguments.label.tlp.clone(),
        pap: arguments.pap.clone(),
        dry_run: arguments.dry_run,
        by: arguments.by.clone(),
    };
    let value = ask(&arguments.dir, Request::Share(share))?;
    let done = if arguments.dry_run { "would be shared" } else { "shared" };
    output.result(&value, || told(&value, done));
    Ok(outcome(&value))
}

/// Whether all of it was done.
pub(super) fn outcome(value: &Value) -> Outcome {
    if cell(value, "refused") == "0" { Outcome::Done } else { Outcome::Found }
}

/// The report of a release; `done` is what became of those it was about.
pub(super) fn told(value: &Value, done: &str) -> String {
    let count = |name| cell(value, name);
    let private = match value.get("private") {
        Some(private) => format!("{private} private, "),
        None => String::new(),
    };
    let mut text = format!(
        "{} objects: {} {done}, {} known to all of them, {} withdrawn meanwhile, {private}{} refused\n",
        count("objects"),
        count("shared"),
        count("known"),
        count("gone"),
        count("refused")
    );
    if cell(value, "dry_run") == "true" {
        text.push_str(&permitted(value));
    }
    for one in rows(value, "audiences") {
        text.push_str(&format!(
            "\nTLP:{}, {} objects, to `{}`\n",
            cell(one, "tlp"),
            cell(one, "objects"),
            cell(one, "rule")
        ));
        let lines: Vec<Vec<String>> = rows(one, "lines")
            .map(|line| {
                let receives = if cell(line, "receives") == "true" { "yes" } else { "no" };
                vec![cell(line, "party"), receives.to_owned(), cell(line, "why")]
            })
            .collect();
        // Consent opens nothing by itself.
        let receives = if done == CONSENTED { "MAY RECEIVE" } else { "RECEIVES" };
        text.push_str(&table(&["PARTY", receives, "WHY"], &lines));
    }
    let refusals: Vec<&Value> = rows(value, "refusals").collect();
    if !refusals.is_empty() {
        let lines: Vec<Vec<String>> = refusals
            .iter()
            .take(SHOWN_MAX)
            .map(|one| vec![cell(one, "id"), cell(one, "why")])
            .collect();
        text.push('\n');
        text.push_str(&table(&["OBJECT", "REFUSED"], &lines));
        if refusals.len() > SHOWN_MAX {
            text.push_str(&format!("and {} more: --json\n", refusals.len() - SHOWN_MAX));
        }
    }
    text
}

/// What may be done with what leaves.
fn permitted(value: &Value) -> String {
    let labels = value.get("permitted").and_then(Value::as_object).into_iter().flatten();
    labels.map(|(label, objects)| format!("PAP:{label}, {objects} objects\n")).collect()
}
