//! The files as SQLite's: the header of page 1, the structure of the pages, the tables.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rusqlite::Connection;

use super::Report;
use crate::storage::schema::Schema;

/// A field of the header: where it stands, what it is called, the octets that we write.
type Field<'f> = (usize, &'f str, Vec<u8>);

/// Compares the first hundred octets with what we write. SQLite itself forgives some of them, and
/// a forgiven one is found by the next tool that reads the file.
pub(super) fn check_header(dir: &Path, schema: &Schema, report: &mut Report) {
    let path = schema.path(dir);
    let mut header = [0u8; 100];
    let read = File::open(&path).and_then(|mut file| {
        file.read_exact(&mut header)?;
        file.metadata().map(|meta| meta.len())
    });
    let length = match read {
        Ok(length) => length,
        Err(error) => {
            report.add(schema.file, "header", format!("cannot be read: {error}"));
            return;
        }
    };
    let page_size = u16::try_from(schema.page_size).unwrap_or(1);
    let tables = u32::try_from(schema.tables.len()).unwrap_or(0);
    let fields: [Field<'_>; 14] = [
        (0, "magic", b"SQLite format 3\0".to_vec()),
        (16, "page size", page_size.to_be_bytes().to_vec()),
        (18, "write version", vec![2]),
        (19, "read version", vec![2]),
        (20, "reserved space", vec![0]),
        (21, "payload fractions", vec![64, 32, 32]),
        (40, "schema cookie", tables.to_be_bytes().to_vec()),
        (44, "schema format", 4u32.to_be_bytes().to_vec()),
        (48, "cache size", vec![0; 4]),
        (52, "largest root page", vec![0; 4]),
        (56, "text encoding", 1u32.to_be_bytes().to_vec()),
        (60, "user version", schema.user_version.to_be_bytes().to_vec()),
        (64, "vacuum mode", vec![0; 4]),
        (72, "reserved", vec![0; 20]),
    ];
    let id = (68, "application id", schema.application_id.to_be_bytes().to_vec());
    for (at, name, expected) in fields.iter().chain([&id]) {
        if header.get(*at..at + expected.len()) != Some(expected.as_slice()) {
            let place = format!("header: {name} (octet {at})");
            report.add(schema.file, place, "not what is written there");
        }
    }
    if number(&header, 24) != number(&header, 92) {
        let place = "header: change counter (octet 24, 92)";
        report.add(schema.file, place, "its two copies differ");
    }
    // While a journal holds newer pages, the file's own size is not yet that of its header.
    let mut journal = path.into_os_string();
    journal.push("-wal");
    let quiet = std::fs::metadata(journal).map_or(true, |meta| meta.len() == 0);
    if quiet && u64::from(number(&header, 28)) * u64::from(schema.page_size) != length {
        let place = "header: size in pages (octet 28)";
        report.add(schema.file, place, "not the size of the file");
    }
    if quiet {
        check_library(dir, schema, number(&header, 96), report);
    }
}

fn number(header: &[u8; 100], at: usize) -> u32 {
    let octets = header.get(at..at + 4).and_then(|four| four.try_into().ok());
    octets.map_or(0, u32::from_be_bytes)
}

/// The version of SQLite that page 1 names is the one that the `library` table names.
fn check_library(dir: &Path, schema: &Schema, found: u32, report: &mut Report) {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let noted = Connection::open_with_flags(schema.path(dir), flags).and_then(|connection| {
        connection
            .query_row("SELECT version FROM library WHERE id = 1", [], |row| row.get::<_, u32>(0))
    });
    match noted {
        Ok(noted) if noted == found => {}
        Ok(_) => report.add(
            schema.file,
            "header: library version (octet 96)",
            "not that of the `library` table",
        ),
        Err(error) => report.add(schema.file, "library 1", format!("cannot be read: {error}")),
    }
}

/// SQLite's own check of pages and trees, and the tables against their text.
pub(super) fn check_structure(connection: &Connection, schema: &Schema, report: &mut Report) {
    let mut run = |sql: &str, each: &mut dyn FnMut(&mut Report, &rusqlite::Row<'_>)| {
        let result = connection.prepare(sql).and_then(|mut statement| {
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(report, row);
            }
            Ok(())
        });
        if let Err(error) = result {
            report.add(schema.file, "file", format!("cannot be read: {error}"));
        }
    };
    run("PRAGMA integrity_check(100)", &mut |report, row| {
        let line: String = row.get(0).unwrap_or_default();
        if line != "ok" {
            report.add(schema.file, "pages", line);
        }
    });
    let mut expected = schema.tables.iter();
    run(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid",
        &mut |report, row| {
            let text = |column| row.get::<_, String>(column).unwrap_or_default();
            let (name, sql) = expected.next().copied().unwrap_or_default();
            let found = [text(0), text(1), text(2), text(3)];
            if found != ["table", name, name, sql] {
                let place = format!("sqlite_schema {}", found[1]);
                report.add(schema.file, place, "not a table that is written there");
            }
        },
    );
    if expected.next().is_some() {
        report.add(schema.file, "sqlite_schema", "a table is missing");
    }
}
