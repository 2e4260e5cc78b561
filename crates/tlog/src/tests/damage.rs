//! Every value that the files hold is covered by the check of a directory: octets are flipped all
//! over both files, and where that changes what is stored, it has to be found.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::directory::{at, open};
use super::{AUDIT, PRIVATE, Random, SHARED, identities, pending, sealed};
use crate::sequencer::{ArrivalOf, Batch, PendingArrival, PendingEntry};
use crate::storage::schema::{KEYS, LOG, Schema};
use crate::verify::verify;

/// A directory with something in every table.
fn fill(dir: &Path) {
    let mut sequencer = open(dir, 1);
    for round in 0..4i64 {
        let entries = (0..90).map(|n| PendingEntry {
            idem: (n % 3 == 0).then(|| format!("{round}-{n}").into_bytes()),
            ..pending([SHARED, PRIVATE, AUDIT][n % 3], &format!("{n} {}", "x".repeat(n * 7)))
        });
        let arrive = |at| PendingArrival { collection: 1, entry: ArrivalOf::New(at) };
        let mut batch = Batch {
            entries: entries.collect(),
            arrivals: (0..40).map(arrive).collect(),
            ..Batch::default()
        };
        // One that is long enough for overflow pages.
        batch.entries[5].sealed = sealed(&[b'y'; 30_000]);
        if round > 0 {
            batch.departures.push((1, at(PRIVATE, 3)));
            batch.erasures.push(at(SHARED, u64::try_from(round).unwrap()));
        }
        sequencer.commit(batch, 1000 + round).unwrap();
    }
}

/// Everything that SQLite reads from a file, table by table, or the error it meets.
fn dump(dir: &Path, schema: &Schema) -> Result<Vec<String>, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(schema.path(dir), flags)?;
    let mut lines = Vec::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        lines.push(format!("{pragma} {value}"));
    }
    let tables = schema.tables.iter().map(|(name, _)| *name);
    for table in tables.chain(["sqlite_schema"]) {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut line = table.to_owned();
            for column in 0..columns {
                line += &format!(" {:?}", row.get_ref(column)?);
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

fn copy(from: &Path, to: &Path) {
    for schema in [&LOG, &KEYS] {
        std::fs::copy(schema.path(from), schema.path(to)).unwrap();
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(to.join(format!("{}{tail}", schema.file)));
        }
    }
}

#[test]
fn every_flip_that_changes_what_is_stored_is_found() {
    let whole = TempDir::new().unwrap();
    fill(whole.path());
    let report = verify(whole.path(), &identities(), &mut |_| {});
    assert!(report.is_sound(), "{:?}", report.findings);
    let mut random = Random::new(3);
    let (mut found, mut nothing) = (0, 0);
    for schema in [&LOG, &KEYS] {
        let before = dump(whole.path(), schema).unwrap();
        let original = std::fs::read(schema.path(whole.path())).unwrap();
        let length = original.len() as u64;
        let header = 0..100u64;
        let samples = (0..350).map(|_| random.below(length));
        let page = u64::from(schema.page_size);
        // The headers of pages, where a flip does most.
        let pages = (0..length / page).map(|number| number * page + number % 12);
        let places: Vec<u64> = header.chain(100..112).chain(pages).chain(samples).collect();
        for (count, place) in places.into_iter().enumerate() {
            let dir = TempDir::new().unwrap();
            copy(whole.path(), dir.path());
            let mut damaged = original.clone();
            let offset = usize::try_from(place).unwrap();
            damaged[offset] ^= 1 << (count % 8);
            std::fs::write(schema.path(dir.path()), &damaged).unwrap();
            let same = dump(dir.path(), schema).is_ok_and(|after| after == before);
            copy_one(dir.path(), schema, &damaged);
            let report = verify(dir.path(), &identities(), &mut |_| {});
            if report.is_sound() {
                assert!(same, "{} octet {place} bit {}: not found", schema.file, count % 8);
                assert!(place >= 100, "{} octet {place} of the header: not found", schema.file);
                nothing += 1;
            } else {
                found += 1;
            }
        }
    }
    println!("{found} flips found, {nothing} in octets that hold nothing");
    assert!(found > 500, "{found} {nothing}");
}

/// SQLite may have touched the file while dumping; what is checked is what was damaged.
fn copy_one(dir: &Path, schema: &Schema, octets: &[u8]) {
    for tail in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("{}{tail}", schema.file)));
    }
    std::fs::write(schema.path(dir), octets).unwrap();
}

#[test]
fn findings_name_file_table_and_row() {
    let cases: [(&Schema, &str, &str); 14] = [
        (
            &LOG,
            "UPDATE entry SET body = substr(body, 2) WHERE key = (2 << 48) | 17",
            "log.db: entry private/17: body does not open with its key",
        ),
        (
            &LOG,
            "UPDATE entry SET commitment = zeroblob(32) WHERE key = (2 << 48) | 17",
            "log.db: entry private/17: body does not open with its key",
        ),
        (
            &LOG,
            "DELETE FROM entry WHERE key = (2 << 48) | 17",
            "log.db: entry private/17: there is none",
        ),
        (
            &LOG,
            "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE log = 3",
            "log.db: tile audit/0/0: hash 0 does not follow from the entries",
        ),
        (
            &LOG,
            "INSERT INTO tile VALUES (0, 1, 0, zeroblob(32))",
            "log.db: tile: there are tiles that belong to no tree, or too few",
        ),
        (
            &LOG,
            "UPDATE head SET root = zeroblob(32) WHERE log = 2",
            "log.db: head private: note: says another size or root",
        ),
        (
            &LOG,
            "UPDATE arrival SET idx = idx + 1 WHERE seq = 7",
            "log.db: arrival 7: its checksum differs",
        ),
        (&LOG, "DELETE FROM arrival WHERE seq = 7", "log.db: arrival 7: there is none"),
        (
            &LOG,
            "DELETE FROM arrival WHERE seq = 163",
            "log.db: clock 1: not the time of the last arrival in its collection",
        ),
        (&LOG, "DELETE FROM clock", "log.db: clock 1: there is none"),
        (&LOG, "UPDATE dedup SET key = key + 1", ": its checksum differs"),
        (
            &KEYS,
            "DELETE FROM key WHERE key = (2 << 48) | 17",
            "log.db: entry private/17: a body, and keys.db has no key for it",
        ),
        (
            &KEYS,
            "UPDATE key SET salt = zeroblob(32) WHERE key = (3 << 48) | 2",
            "log.db: entry audit/2: body does not open its commitment",
        ),
        (
            &KEYS,
            "INSERT INTO key VALUES (1, zeroblob(32), zeroblob(32))",
            "keys.db: key shared/1: the key of an entry without a body",
        ),
    ];
    let whole = TempDir::new().unwrap();
    fill(whole.path());
    for (schema, statement, expected) in cases {
        let dir = TempDir::new().unwrap();
        copy(whole.path(), dir.path());
        let connection = Connection::open(schema.path(dir.path())).unwrap();
        connection.execute_batch(statement).unwrap();
        drop(connection);
        let report = verify(dir.path(), &identities(), &mut |_| {});
        let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(lines.iter().any(|line| line.ends_with(expected)), "{statement}: {lines:#?}");
    }
}

#[test]
fn a_check_of_nothing_says_so() {
    let dir = TempDir::new().unwrap();
    let report = verify(dir.path(), &identities(), &mut |_| {});
    assert!(!report.is_sound());
    std::fs::write(dir.path().join("log.db"), b"not a database").unwrap();
    std::fs::write(dir.path().join("keys.db"), [0u8; 4096]).unwrap();
    assert!(!verify(dir.path(), &identities(), &mut |_| {}).is_sound());
}

#[test]
fn a_check_beside_the_writer_sees_whole_commits() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    for round in 0..3 {
        let batch = Batch { entries: vec![pending(SHARED, "x")], ..Batch::default() };
        sequencer.commit(batch, round).unwrap();
        let mut calls = 0;
        let report = verify(dir.path(), &identities(), &mut |_| calls += 1);
        assert!(report.is_sound(), "{:?}", report.findings);
        assert!(calls >= 2);
    }
}
