//! One hash of the state, to compare two views, and where they differ.

use std::io::Write as _;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use crate::store::{View, ViewError};

/// The tables that are state, each with an order that does not depend on how it was folded.
/// Types and audiences are numbered in the order of their coming, so they are spelled out.
const TABLES: [(&str, &str); 14] = [
    ("folded", "SELECT log, size FROM folded ORDER BY log"),
    (
        "version",
        "SELECT key, object_type.name, uuid, spelling, version, instant, created, created_by,
         flags, expires FROM version JOIN object_type ON object_type.id = version.type
         ORDER BY key",
    ),
    ("version_of", "SELECT half, key FROM version_of ORDER BY half, key"),
    (
        "held",
        "SELECT collection, date_added, key, object_type.name, place, expires FROM held
         JOIN object_type ON object_type.id = held.type ORDER BY collection, date_added",
    ),
    ("changed", "SELECT collection, seq, holds FROM changed ORDER BY collection"),
    ("withdrawn", "SELECT key FROM withdrawn ORDER BY key"),
    ("receipt", "SELECT withdrawal, log, receipt FROM receipt ORDER BY withdrawal, log"),
    (
        "released",
        "SELECT key, kind, parties, copied FROM released
         JOIN audience ON audience.id = released.audience ORDER BY key",
    ),
    ("granted", "SELECT key, party FROM granted ORDER BY key, party"),
    ("attestation", "SELECT key, record FROM attestation ORDER BY key"),
    (
        "passed_on",
        "SELECT origin, idx, consents, key FROM passed_on ORDER BY origin, idx, consents, key",
    ),
    ("consent", "SELECT key, of FROM consent ORDER BY key, of"),
    ("consenting", "SELECT key, parties FROM consenting ORDER BY key"),
    ("rival", "SELECT key FROM rival ORDER BY key"),
];

/// A table and the first row, counted from 1, in which two views differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The first row that differs, in the order of the table's key.
    pub row: u64,
    /// The key of that row in the first view, where it has one.
    pub key: Option<String>,
}

impl View {
    /// The hash of the whole state.
    pub fn digest(&self) -> Result<[u8; 32], ViewError> {
        let mut hash = Sha256::new();
        let mut bytes = Vec::new();
        for (table, sql) in TABLES {
            hash.update(table.as_bytes());
            let mut statement = self.connection().prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                bytes.clear();
                encode(row, &mut bytes)?;
                hash.update(&bytes);
            }
        }
        Ok(hash.finalize().into())
    }
}

/// Where two views differ, at most one place a table. Nothing means that they are equal.
pub fn compare(left: &View, right: &View) -> Result<Vec<Difference>, ViewError> {
    let mut differences = Vec::new();
    for (table, sql) in TABLES {
        if let Some((row, key)) = first_difference(left.connection(), right.connection(), sql)? {
            differences.push(Difference { table, row, key });
        }
    }
    Ok(differences)
}

fn first_difference(
    left: &Connection,
    right: &Connection,
    sql: &str,
) -> Result<Option<(u64, Option<String>)>, ViewError> {
    let (mut left, mut right) = (left.prepare(sql)?, right.prepare(sql)?);
    let (mut left, mut right) = (left.query([])?, right.query([])?);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for number in 1.. {
        let (a, b) = (left.next()?, right.next()?);
        let key = a.and_then(|row| row.get_ref(0).ok().map(show));
        one.clear();
        other.clear();
        a.map(|row| encode(row, &mut one)).transpose()?;
        b.map(|row| encode(row, &mut other)).transpose()?;
        match (a.is_some(), b.is_some()) {
            (false, false) => return Ok(None),
            (true, true) if one == other => {}
            _ => return Ok(Some((number, key))),
        }
    }
    Ok(None)
}

fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Null | ValueRef::Real(_) => String::new(),
    }
}

/// Every value with its kind and length, so that no two rows have one encoding.
fn encode(row: &Row<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    let columns = row.as_ref().column_count();
    for column in 0..columns {
        // Writing to a vector cannot fail.
        let _ = match row.get_ref(column)? {
            ValueRef::Null => out.write_all(b"n"),
            ValueRef::Integer(number) => write!(out, "i{number};"),
            ValueRef::Real(number) => write!(out, "r{number};"),
            ValueRef::Text(text) => {
                write!(out, "t{};", text.len()).and_then(|()| out.write_all(text))
            }
            ValueRef::Blob(bytes) => {
                write!(out, "b{};", bytes.len()).and_then(|()| out.write_all(bytes))
            }
        };
    }
    Ok(())
}
