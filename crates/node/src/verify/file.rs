//! `view.db` and `local.db` as SQLite's files: the header of page 1, the pages and indices, the
//! tables. The logs' files have a check of their own, in `comity-tlog`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::Report;
use crate::node::NodeError;

/// Octets of a page, where nobody asks for another size.
const PAGE_BYTES: u16 = 4096;

/// What the header of a file of ours says.
pub(super) struct Ours {
    pub(super) name: &'static str,
    pub(super) application_id: i64,
    pub(super) user_version: i64,
}

/// The header, the pages, the indices.
pub(super) fn check(path: &Path, ours: &Ours, report: &mut Report) -> Result<(), NodeError> {
    let name = ours.name;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(comity_view::ViewError::from)?;
    header(path, ours, &connection, report);
    let checked = connection.prepare("PRAGMA integrity_check").and_then(|mut statement| {
        statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
    });
    match checked {
        Ok(lines) => {
            let faults = lines.into_iter().filter(|line| line != "ok");
            report.faults.extend(faults.map(|line| format!("{name}: {line}")));
        }
        Err(error) => report.faults.push(format!("{name}: {error}")),
    }
    report.checked.push(format!("{name}: header, pages and indices"));
    Ok(())
}

/// Compares the first hundred octets with what is written there. SQLite forgives some of them.
/// The last four, the version of the SQLite that wrote last, are nobody's: it may be any.
fn header(path: &Path, ours: &Ours, connection: &Connection, report: &mut Report) {
    let mut fault = |place: &str, what: &str| {
        report.faults.push(format!("{}: header: {place}: {what}", ours.name));
    };
    let mut octets = [0u8; 100];
    let read = File::open(path).and_then(|mut file| {
        file.read_exact(&mut octets)?;
        Ok(file.metadata()?.len())
    });
    let length = match read {
        Ok(length) => length,
        Err(error) => return fault("file", &error.to_string()),
    };
    // Each statement that made a table or an index counted up once, and nothing since.
    let made = "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL";
    let made = connection.query_row(made, [], |row| row.get::<_, i64>(0)).unwrap_or(-1);
    let fields: [(usize, &str, Vec<u8>); 14] = [
        (0, "magic", b"SQLite format 3\0".to_vec()),
        (16, "page size", PAGE_BYTES.to_be_bytes().to_vec()),
        (18, "write and read version", vec![2, 2]),
        (20, "reserved space", vec![0]),
        (21, "payload fractions", vec![64, 32, 32]),
        (40, "schema cookie", four(made)),
        (44, "schema format", four(4)),
        (48, "cache size", four(0)),
        (52, "largest root page", four(0)),
        (56, "text encoding", four(1)),
        (60, "user version", four(ours.user_version)),
        (64, "vacuum mode", four(0)),
        (68, "application id", four(ours.application_id)),
        (72, "reserved", vec![0; 20]),
    ];
    for (at, field, expected) in &fields {
        if octets.get(*at..at + expected.len()) != Some(expected.as_slice()) {
            fault(field, "not what is written there");
        }
    }
    if octets.get(24..28) != octets.get(92..96) {
        fault("change counter", "its two copies differ");
    }
    // While a journal holds newer pages, the file's own size is not yet that of its header.
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    let quiet = std::fs::metadata(journal).map_or(true, |meta| meta.len() == 0);
    let pages = four(i64::try_from(length / u64::from(PAGE_BYTES)).unwrap_or(-1));
    if quiet && octets.get(28..32) != Some(pages.as_slice()) {
        fault("size in pages", "not the size of the file");
    }
}

/// A number as a header writes it.
fn four(number: i64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip(4).collect()
}

/// The text of the tables and indices against that of a new file.
pub(super) fn check_tables(
    found: &Connection,
    expected: &Connection,
    ours: &Ours,
    report: &mut Report,
) {
    let tables = |connection: &Connection| {
        let sql = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    match (tables(found), tables(expected)) {
        (Ok(found), Ok(expected)) if found == expected => {}
        (Err(error), _) | (_, Err(error)) => {
            report.faults.push(format!("{}: sqlite_schema: {error}", ours.name));
        }
        _ => {
            let what = "not the tables that are written there";
            report.faults.push(format!("{}: sqlite_schema: {what}", ours.name));
        }
    }
}
