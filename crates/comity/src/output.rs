//! What people and scripts see: tables and sentences, or one JSON value; progress on standard
//! error, where somebody looks at it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the module that prints")]

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::command::Failure;

/// How results are printed.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// One result: as JSON, or as `human` says it.
    pub(crate) fn result(&self, value: &Value, human: impl FnOnce() -> String) {
        if self.json {
            put(&format!("{value:#}\n"));
        } else {
            put(&human());
        }
    }

    /// A line for people and for scripts that wait for it.
    pub(crate) fn line(&self, text: &str) {
        put(&format!("{text}\n"));
    }

    /// A remark that is no result.
    pub(crate) fn remark(&self, text: &str) {
        eprintln!("{text}");
    }

    /// What is wrong with the input of a command whose result somebody may keep: on standard error,
    /// and as the one JSON value where that is wanted.
    pub(crate) fn faults(&self, lines: &[String]) {
        if self.json {
            put(&format!("{:#}\n", serde_json::json!({ "faults": lines })));
        }
        lines.iter().for_each(|line| eprintln!("{line}"));
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            put(&format!("{:#}\n", serde_json::json!({ "error": failure.to_string() })));
        }
        eprintln!("comity: {failure}");
    }

    /// A bar that counts octets, or objects where the length is not known.
    pub(crate) fn bar(&self, octets: Option<u64>) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let form = "{bar:30} {bytes} of {total_bytes}, {msg}, {elapsed}, {eta} to go";
        match octets {
            Some(octets) => {
                let style = ProgressStyle::with_template(form);
                ProgressBar::new(octets)
                    .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            }
            None => ProgressBar::new_spinner(),
        }
    }
}

/// Writes to standard output. A reader that went away, as `head` does, has read enough.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("comity: cannot write: {error}");
            std::process::exit(3);
        }
        _ => {}
    }
}

/// Rows in columns, as wide as they have to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|title| title.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&head.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>());
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}
