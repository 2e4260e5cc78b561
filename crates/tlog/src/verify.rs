//! The check of a whole directory: every value that the two files hold, against every other that
//! it follows from. What is found names file, table and row.
//!
//! Call it in a process that has these logs not open otherwise: it reads the first page of each
//! file directly, and closing a file lets go of the locks that SQLite holds for the same process.
//! Another process may serve the directory meanwhile; this one sees one state of it.
//!
//! What is not looked at: octets of the files that hold nothing (free pages, the gaps within a
//! page, the tail of the last page of a long value), and keys above the head of a log, which a
//! commit that is under way, or was cut off, leaves and the next one replaces.

mod file;
mod journal;
mod mark;
mod tree;

use std::path::Path;

use rusqlite::Connection;

use crate::note::Verifier;
use crate::reader::Reader;
use crate::storage::EntryRef;
use crate::storage::schema::{KEYS, LOG};

pub use mark::behind;

/// Findings that are kept one by one. A file that is overwritten has as many as it has rows.
pub const FINDINGS_MAX: usize = 1000;

/// A log that ought to be there, own or followed.
#[derive(Debug, Clone)]
pub struct LogIdentity {
    /// Its number.
    pub id: u8,
    /// What it is called, in findings.
    pub name: String,
    /// Checks its checkpoints; its name is the origin.
    pub verifier: Verifier,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: &'static str,
    /// The table and the row, or the field of the header.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}: {}", self.file, self.place, self.what)
    }
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What is wrong, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub more: u64,
    /// Entries seen.
    pub entries: u64,
    /// Entries whose body opened its commitment.
    pub opened: u64,
    /// Entries that are erased.
    pub erased: u64,
    /// Leaves of others without a body: never opened to this node, or withdrawn.
    pub unopened: u64,
    /// Entries with a body for which there is no key.
    pub keyless: u64,
    /// Tiles compared.
    pub tiles: u64,
    /// Lines of the arrival journal.
    pub arrivals: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, file: &'static str, place: impl Into<String>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { file, place: place.into(), what: what.into() });
        } else {
            self.more += 1;
        }
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries checked.
    pub done: u64,
    /// Entries there are, as the heads say.
    pub total: u64,
}

/// Checks the logs in a directory.
pub fn verify(dir: &Path, logs: &[LogIdentity], progress: &mut dyn FnMut(Progress)) -> Report {
    let mut report = Report::default();
    for schema in [&LOG, &KEYS] {
        file::check_header(dir, schema, &mut report);
    }
    let reader = match Reader::open(dir) {
        Ok(reader) => reader,
        Err(error) => {
            report.add(LOG.file, "file", format!("cannot be opened: {error}"));
            return report;
        }
    };
    let (log, keys) = reader.connections();
    // One state of each. The log first: what it has keys for is durable by then.
    for (connection, schema) in [(log, &LOG), (keys, &KEYS)] {
        let begun = connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;");
        if let Err(error) = begun {
            report.add(schema.file, "file", format!("cannot be read: {error}"));
            return report;
        }
        file::check_structure(connection, schema, &mut report);
    }
    let mut check = Check {
        log,
        keys,
        logs,
        report: &mut report,
        progress,
        done: 0,
        total: 0,
        keyless: Vec::new(),
    };
    check.trees();
    check.journals();
    let keyless = std::mem::take(&mut check.keyless);
    let names = |entry: &EntryRef| place(logs, *entry);
    let ended = log.execute_batch("COMMIT");
    for entry in keyless {
        // Erased while we looked? Then the body is gone by now.
        let still = ended.is_err() || has_body(log, entry);
        if still {
            report.keyless += 1;
            report.add(
                LOG.file,
                format!("entry {}", names(&entry)),
                "a body, and keys.db has no key for it",
            );
        }
    }
    report
}

fn has_body(log: &Connection, entry: EntryRef) -> bool {
    log.query_row("SELECT body IS NOT NULL FROM entry WHERE key = ?1", [entry.key()], |row| {
        row.get(0)
    })
    .unwrap_or(true)
}

/// `private/17`, or with the number of a log that has no name.
fn place(logs: &[LogIdentity], entry: EntryRef) -> String {
    match logs.iter().find(|log| log.id == entry.log) {
        Some(log) => format!("{}/{}", log.name, entry.index),
        None => format!("{}/{}", entry.log, entry.index),
    }
}

/// A check under way.
struct Check<'c> {
    log: &'c Connection,
    keys: &'c Connection,
    logs: &'c [LogIdentity],
    report: &'c mut Report,
    progress: &'c mut dyn FnMut(Progress),
    done: u64,
    total: u64,
    /// Entries with a body and no key, to be looked at again.
    keyless: Vec<EntryRef>,
}

impl Check<'_> {
    fn in_log(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.report.add(LOG.file, place, what);
    }

    fn in_keys(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.report.add(KEYS.file, place, what);
    }

    fn place(&self, entry: EntryRef) -> String {
        place(self.logs, entry)
    }

    /// Runs `each` over the rows of a query. An error of SQLite is a finding about the table, and
    /// ends it; an error of a row's form is one about the row.
    fn rows(
        &mut self,
        connection: &Connection,
        file: &'static str,
        table: &str,
        sql: &str,
        each: &mut dyn FnMut(&mut Self, &rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) {
        let result = connection.prepare(sql).and_then(|mut statement| {
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(self, row) {
                    let key = format!("{:?}", row.get_ref(0)?);
                    let place = format!("{table} {key}");
                    self.report.add(file, place, format!("not of its form: {error}"));
                }
            }
            Ok(())
        });
        if let Err(error) = result {
            self.report.add(file, table, format!("cannot be read: {error}"));
        }
    }

    /// One number, 0 with a finding where it cannot be had.
    fn number(
        &mut self,
        connection: &Connection,
        file: &'static str,
        table: &str,
        sql: &str,
    ) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| {
            self.report.add(file, table, format!("cannot be read: {error}"));
            0
        })
    }
}
