//! Opening a file of the store: settings, tables, the note of which SQLite writes it.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use super::gaps::{PAGES_MAX, Written};
use super::{BUSY_WAIT, WRITER_CACHE_KIB, sort};
use crate::storage::StorageError;
use crate::storage::schema::Schema;

pub(super) fn open_file(dir: &Path, schema: &Schema) -> Result<Written, StorageError> {
    let name = schema.file;
    let path = schema.path(dir);
    let fault = |error: rusqlite::Error| sort(&error, name);
    let connection = Connection::open(&path).map_err(fault)?;
    connection.busy_timeout(BUSY_WAIT).map_err(fault)?;
    // Plans depend on the statement alone, not on what is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    let id: u32 = pragma(&connection, "application_id").map_err(fault)?;
    let version: u32 = pragma(&connection, "user_version").map_err(fault)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fault)?;
    let fresh = tables == 0 && id == 0 && version == 0;
    if !fresh && (id != schema.application_id || version == 0) {
        return Err(StorageError::Damaged(format!("{name}: not a file of this program")));
    }
    if version > schema.user_version {
        let (found, known) = (version, schema.user_version);
        return Err(StorageError::Version { file: name, found, known });
    }
    if fresh {
        connection.pragma_update(None, "page_size", schema.page_size).map_err(fault)?;
    }
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
             PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA max_page_count = {PAGES_MAX};"
        ))
        .map_err(fault)?;
    if fresh {
        create(&connection, schema).map_err(fault)?;
    }
    let mut written = Written::new(connection, &path, schema.page_size);
    if !fresh && version < schema.user_version {
        // The version says that it was done, so it is done first.
        written.clear_all().map_err(fault)?;
        upgrade(&written, schema, version).map_err(fault)?;
    }
    note_library(&written).map_err(fault)?;
    // What a stopped process left in the journal moves into the file, whose first page is then
    // ours from the first day. Where a reader stands in the way, the next checkpoint does it.
    written.settle().map_err(fault)?;
    Ok(written)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// All tables in one transaction: a file has either none or all.
fn create(connection: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    for (_, sql) in schema.tables {
        connection.execute_batch(sql)?;
    }
    connection.pragma_update(None, "application_id", schema.application_id)?;
    connection.pragma_update(None, "user_version", schema.user_version)?;
    connection.execute_batch("COMMIT")
}

/// Takes a file of an earlier version to this one, in one transaction: it is either as it was or
/// as it is to be.
fn upgrade(connection: &Connection, schema: &Schema, from: u32) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    let done = take_steps(connection, schema, from);
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    done
}

fn take_steps(connection: &Connection, schema: &Schema, from: u32) -> rusqlite::Result<()> {
    let taken = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
    for step in schema.steps.iter().skip(taken) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "user_version", schema.user_version)?;
    connection.execute_batch("COMMIT")
}

/// Writes down which SQLite writes from now on. Setting a pragma touches page 1, whose header then
/// names the same version.
fn note_library(connection: &Connection) -> rusqlite::Result<()> {
    let ours = rusqlite::version_number();
    let noted: Option<i32> = connection
        .query_row("SELECT version FROM library WHERE id = 1", [], |row| row.get(0))
        .optional()?;
    if noted == Some(ours) {
        return Ok(());
    }
    let version: u32 = pragma(connection, "user_version")?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute("REPLACE INTO library VALUES (1, ?1)", [ours])?;
    connection.pragma_update(None, "user_version", version)?;
    connection.execute_batch("COMMIT")
}
