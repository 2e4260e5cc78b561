//! The file of the view: opening it, dropping it, and the connections to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comity_wire::id::Uuid;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};

use crate::fold::{self, Arrival, Folded};

/// The version of `schema.sql`. Another one on disk means: drop and fold again.
pub const SCHEMA_VERSION: i64 = 5;

/// All tables of `schema.sql` but `left_by`.
const TABLES: [&str; 17] = [
    "folded",
    "object_type",
    "version",
    "version_of",
    "held",
    "changed",
    "audience",
    "reached",
    "released",
    "granted",
    "attestation",
    "withdrawn",
    "receipt",
    "passed_on",
    "consent",
    "consenting",
    "rival",
];

/// Marks the file as ours ("CmVw").
pub(crate) const APPLICATION_ID: i64 = 0x436d_5677;

/// Kibibytes of pages that the writing connection keeps. The index with random keys is what
/// profits: it has some 25 MB at a million versions.
const WRITER_CACHE_KIB: i64 = 24 * 1024;

/// Kibibytes of pages that each reading connection keeps.
const READER_CACHE_KIB: i64 = 2 * 1024;

/// Statements that a view in memory keeps prepared: all that there are, with some room.
const STATEMENTS_MAX: usize = 128;

/// What can go wrong with the view. It is disposable: the remedy is always to fold again.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// SQLite says so.
    #[error("view.db: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file could not be removed.
    #[error("cannot remove `{path}`: {source}")]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ViewError {
    /// Whether there is no space left. Nothing was changed then.
    pub fn is_full(&self) -> bool {
        let ViewError::Sqlite(error) = self else {
            return false;
        };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// The writing side: one connection, owned by the writer.
#[derive(Debug)]
pub struct View {
    connection: Connection,
    types: Vec<(String, i64)>,
}

/// How a view was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// As it was left: only what came since has to be folded.
    Kept,
    /// Empty, and why: everything has to be folded.
    Dropped(&'static str),
}

impl View {
    /// Opens the view, or an empty one where it cannot be trusted. `boot` names this boot of the
    /// machine: the file is written without waiting for the disk, so it survives a killed
    /// process but not a loss of power.
    pub fn open(path: &Path, boot: &str) -> Result<(View, Opened), ViewError> {
        let opened = match View::look(path, boot) {
            Ok(None) => Opened::Kept,
            Ok(Some(reason)) => Opened::Dropped(reason),
            Err(_) => Opened::Dropped("the file cannot be read"),
        };
        if let Opened::Dropped(_) = opened {
            remove(path)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        settings(&connection, WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        // The id of an observable is a lookup key: withdrawn, its rows are written over where they
        // stand. A copy that SQLite left as it moved rows, and the journal, may have it until the
        // view is folded again; the content itself is never here.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        if let Opened::Dropped(_) = opened {
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            connection.execute_batch(include_str!("store/schema.sql"))?;
            // Whoever checks the file beside this process reads its head as it is on disk.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        connection.execute("INSERT OR REPLACE INTO left_by VALUES (0, ?1)", [boot])?;
        let types = types(&connection)?;
        Ok((View { connection, types }, opened))
    }

    /// An empty view in memory, to fold into and compare with.
    pub fn in_memory() -> Result<View, ViewError> {
        let connection = Connection::open_in_memory()?;
        settings(&connection, WRITER_CACHE_KIB)?;
        connection.execute_batch(include_str!("store/schema.sql"))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(View { connection, types: Vec::new() })
    }

    /// The same connection with nothing in it, as [`View::in_memory`] gives one: to read the schema
    /// and to prepare statements takes longer than to fold what a simulated node has.
    pub fn emptied(mut self) -> Result<View, ViewError> {
        let transaction = self.connection.transaction()?;
        for table in TABLES.into_iter().chain(["left_by"]) {
            transaction.prepare_cached(&format!("DELETE FROM {table}"))?.execute([])?;
        }
        transaction.commit()?;
        self.types.clear();
        Ok(self)
    }

    /// Removes the file: the next [`View::open`] finds none.
    pub fn drop_file(path: &Path) -> Result<(), ViewError> {
        remove(path)
    }

    /// A copy in memory of the view on disk as it is at one moment, to bring up to the logs and
    /// compare. The file is not written.
    pub fn copy_of(path: &Path) -> Result<View, ViewError> {
        let mut view = View::in_memory()?;
        view.connection.execute("ATTACH ?1 AS kept", [read_only(path)])?;
        let transaction = view.connection.transaction()?;
        for table in TABLES {
            let sql = format!("INSERT INTO main.{table} SELECT * FROM kept.{table}");
            transaction.execute(&sql, [])?;
        }
        transaction.commit()?;
        view.connection.execute("DETACH kept", [])?;
        view.types = types(&view.connection)?;
        Ok(view)
    }

    /// Why the file cannot be kept, if so.
    fn look(path: &Path, boot: &str) -> Result<Option<&'static str>, ViewError> {
        if !path.exists() {
            return Ok(Some("there is none yet"));
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if number("application_id")? != APPLICATION_ID || number("user_version")? != SCHEMA_VERSION
        {
            return Ok(Some("it has another schema version"));
        }
        let left: Option<String> = connection
            .query_row("SELECT boot FROM left_by WHERE only = 0", [], |row| row.get(0))
            .optional()?;
        match left.as_deref() {
            Some(CLOSED) => Ok(None),
            Some(left) if left == boot => Ok(None),
            _ => Ok(Some("the machine went down while it was open")),
        }
    }

    /// How far a log is folded.
    pub fn folded(&self, log: u8) -> Result<u64, ViewError> {
        Ok(folded(&self.connection, i64::from(log))?.unsigned_abs())
    }

    /// How far the journal of arrivals is folded: its last sequence number.
    pub fn folded_arrivals(&self) -> Result<i64, ViewError> {
        Ok(folded(&self.connection, ARRIVALS)?)
    }

    /// Folds entries and arrivals, all or none. Both ascend and follow what is folded already;
    /// what was folded before is skipped, so that recovery may overlap.
    pub fn fold(&mut self, entries: &[Folded<'_>], arrivals: &[Arrival]) -> Result<(), ViewError> {
        let last = self.types.iter().map(|(_, number)| *number).max().unwrap_or_default();
        let folded = self.transact(entries, arrivals);
        if folded.is_err() {
            // What was rolled back took its new types with it; they ascend, and none ever goes.
            self.types.retain(|(_, number)| *number <= last);
        }
        folded
    }

    fn transact(&mut self, entries: &[Folded<'_>], arrivals: &[Arrival]) -> Result<(), ViewError> {
        let transaction = self.connection.transaction()?;
        let fresh = fold::entries(&transaction, &mut self.types, entries)?;
        fold::arrivals(&transaction, arrivals, &fresh)?;
        transaction.commit()?;
        Ok(())
    }

    /// Leaves the file in a state that survives a loss of power.
    pub fn close(self) -> Result<(), ViewError> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.execute("INSERT OR REPLACE INTO left_by VALUES (0, ?1)", [CLOSED])?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// The number of a type that the view knows.
    pub(crate) fn type_number(&self, name: &str) -> Option<i64> {
        let at = self.types.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.types.get(at).map(|(_, number)| *number)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// The reading side: one connection to ask, as many as there are threads that do.
#[derive(Debug)]
pub struct Queries {
    pub(crate) connection: Connection,
    /// Numbers of types that were asked for: they never change while the file is there.
    pub(crate) types: RefCell<BTreeMap<String, i64>>,
}

impl Queries {
    /// Opens the file that a [`View`] keeps.
    pub fn open(path: &Path) -> Result<Queries, ViewError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        settings(&connection, READER_CACHE_KIB)?;
        Ok(Queries { connection, types: RefCell::default() })
    }
}

/// The key of `version_of`.
pub(crate) fn half(uuid: Uuid) -> i64 {
    uuid.half().cast_signed()
}

/// What `left_by` says after an orderly end.
const CLOSED: &str = "closed";

/// What stands for the journal of arrivals among the logs.
pub(crate) const ARRIVALS: i64 = -1;

pub(crate) fn folded(connection: &Connection, log: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT size FROM folded WHERE log = ?1")?
        .query_row([log], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
}

pub(crate) fn set_folded(tx: &Transaction<'_>, log: i64, size: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO folded VALUES (?1, ?2)")?.execute([log, size])?;
    Ok(())
}

pub(crate) fn get_folded(tx: &Transaction<'_>, log: i64) -> rusqlite::Result<i64> {
    folded(tx, log)
}

fn settings(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // Plans depend on the statement alone. Otherwise a statement is prepared anew when another
    // value is bound, which costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.busy_timeout(std::time::Duration::from_secs(10))
}

fn types(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = connection.prepare("SELECT name, id FROM object_type ORDER BY name")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn remove(path: &Path) -> Result<(), ViewError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(ViewError::Remove { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The name that SQLite opens a file under to read it.
fn read_only(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut name = String::from("file:");
    for octet in path.as_os_str().as_bytes() {
        match octet {
            b'/' | b'.' | b'-' | b'_' => name.push(char::from(*octet)),
            _ if octet.is_ascii_alphanumeric() => name.push(char::from(*octet)),
            _ => name.push_str(&format!("%{octet:02X}")),
        }
    }
    name.push_str("?mode=ro");
    name
}

#[cfg(test)]
mod tests {
    use comity_wire::time::Instant;

    use super::*;
    use crate::fold::Effect;
    use crate::{ObjectFacts, Position};

    fn share(index: u64, object_type: &'static str) -> Folded<'static> {
        let facts = ObjectFacts {
            id: "",
            object_type,
            uuid: Uuid([7; 16]),
            version: "",
            instant: Instant::from_micros(0),
            unversioned: false,
            created: None,
            created_by: None,
            revoked: false,
            held_back: false,
            expires: None,
            alone: true,
        };
        Folded { position: Position { log: 2, index }, effect: Effect::Share(facts) }
    }

    #[test]
    fn a_new_file_says_what_it_is_before_it_is_closed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("view.db");
        let (_open, opened) = View::open(&path, "a test").unwrap();
        assert!(matches!(opened, Opened::Dropped(_)));
        let octets = std::fs::read(&path).unwrap();
        let number = |at: usize| u32::from_be_bytes(octets[at..at + 4].try_into().unwrap());
        assert_eq!(i64::from(number(60)), SCHEMA_VERSION, "the user version");
        assert_eq!(i64::from(number(68)), APPLICATION_ID);
    }

    #[test]
    fn an_emptied_view_is_as_a_new_one() {
        let mut view = View::in_memory().unwrap();
        let names = "SELECT name FROM sqlite_master WHERE type = 'table'";
        let names: Vec<String> = {
            let mut statement = view.connection.prepare(names).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        view.fold(&[share(0, "tool")], &[]).unwrap();
        view.connection.execute("INSERT INTO left_by VALUES (0, 'a test')", []).unwrap();
        let mut view = view.emptied().unwrap();
        for name in names {
            let sql = format!("SELECT count(*) FROM {name}");
            let rows: i64 = view.connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{name}");
        }
        let mut new = View::in_memory().unwrap();
        assert_eq!(view.digest().unwrap(), new.digest().unwrap());
        view.fold(&[share(0, "campaign")], &[]).unwrap();
        new.fold(&[share(0, "campaign")], &[]).unwrap();
        assert_eq!(view.digest().unwrap(), new.digest().unwrap());
        assert_eq!(view.types, new.types);
    }

    #[test]
    fn a_type_of_a_fold_that_failed_is_not_taken_for_known() {
        let mut view = View::in_memory().unwrap();
        view.fold(&[share(0, "tool")], &[]).unwrap();
        let fails = "CREATE TEMP TRIGGER fails AFTER INSERT ON version_of
                     BEGIN SELECT RAISE(ABORT, 'no'); END";
        view.connection.execute_batch(fails).unwrap();
        assert!(view.fold(&[share(1, "campaign")], &[]).is_err());
        view.connection.execute_batch("DROP TRIGGER fails").unwrap();
        view.fold(&[share(1, "malware"), share(2, "campaign")], &[]).unwrap();
        let mut known = view.types.clone();
        known.sort();
        assert_eq!(known, types(&view.connection).unwrap());
        assert_eq!(known.len(), 3);
    }
}
