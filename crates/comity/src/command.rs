//! The commands, one file each.

pub(crate) mod adopt;
pub(crate) mod assess;
pub(crate) mod backup;
pub(crate) mod body;
pub(crate) mod certificate;
pub(crate) mod charter;
pub(crate) mod collection;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod grant;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod peer;
mod recover;
pub(crate) mod refusals;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod serve;
pub(crate) mod share;
mod signals;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod verify;
pub(crate) mod withdraw;

use comity_node::NodeError;
use comity_node::export::ExportError;
use comity_wire::time::Micros;
use serde_json::Value;

use crate::arguments::Quota;
use crate::control::request;
use crate::output::table;

/// Why a command could not be carried out, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    what: String,
    unheard: bool,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Failure {
        Failure { what: what.into(), unheard: false }
    }

    /// Output that could not be written.
    pub(crate) fn write(error: &std::io::Error) -> Failure {
        let unheard = error.kind() == std::io::ErrorKind::BrokenPipe;
        Failure { what: format!("cannot write: {error}"), unheard }
    }

    /// Whether the reader of the output went away, as `head` does: no fault, and nobody to tell.
    pub(crate) fn is_unheard(&self) -> bool {
        self.unheard
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Failure {
        match error {
            ExportError::Write(error) => Failure::write(&error),
            other @ ExportError::Node(_) => Failure::new(other.to_string()),
        }
    }
}

impl Quota {
    /// What a node is asked for.
    fn asked(self) -> request::Quota {
        request::Quota { objects: self.quota_objects, octets: self.quota_bytes }
    }
}

/// A member of a result as a table shows it; microseconds as a time where `time` says so.
fn cell(row: &Value, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(",")
        }
        Some(other) => other.to_string(),
    }
}

fn time(row: &Value, name: &str) -> String {
    row.get(name).and_then(Value::as_i64).map_or("-".to_owned(), |at| Micros(at).to_string())
}

/// What is used of a quota, by those of its numbers that are limits.
fn quota(row: &Value) -> String {
    let number =
        |of: &str, unit: &str| row.get("quota")?.get(of)?.get(unit).and_then(Value::as_u64);
    let shown = ["objects", "octets"].iter().filter_map(|unit| {
        let limit = number("limit", unit).filter(|limit| *limit > 0)?;
        Some(format!("{} of {limit} {unit}", number("used", unit).unwrap_or(0)))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "-".to_owned() } else { shown.join(", ") }
}

/// A table whose last column is a quota, which is left out where nobody has one.
fn with_quota(head: &[&str], lines: &[Vec<String>]) -> String {
    if lines.iter().any(|line| line.last().is_some_and(|quota| quota != "-")) {
        return table(&[head, &["QUOTA"]].concat(), lines);
    }
    let lines: Vec<Vec<String>> =
        lines.iter().map(|line| line.iter().take(head.len()).cloned().collect()).collect();
    table(head, &lines)
}

fn rows<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The lines about files in an answer.
fn file_lines(value: &Value) -> String {
    let line = |file| {
        format!("file       {:<12} {:>12} octets\n", cell(file, "file"), cell(file, "octets"))
    };
    rows(value, "files").map(line).collect()
}
