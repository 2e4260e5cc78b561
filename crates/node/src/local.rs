//! `local.db`: accounts, tokens, collections, statuses, the ledger of refusals.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// Marks the file as ours ("CmLc").
pub(crate) const APPLICATION_ID: i64 = 0x436d_4c63;

/// Each step takes the file from the version of its place to the next. Never edit a step that
/// was released; add one.
const MIGRATIONS: [&str; 1] = [include_str!("local/schema.sql")];

/// What can go wrong with local state.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// SQLite says so.
    #[error("local.db: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Written by a later version of the program.
    #[error("local.db has version {found}, this program knows {known}; run the later program")]
    TooNew {
        /// What the file says.
        found: usize,
        /// What this program knows.
        known: usize,
    },
    /// There is no such thing.
    #[error("no {what} `{name}`; `{command}` lists them")]
    Missing {
        /// What was asked for.
        what: &'static str,
        /// By which name.
        name: String,
        /// The command that lists what there is.
        command: &'static str,
    },
    /// It is there already.
    #[error("there is a {what} `{name}` already")]
    Taken {
        /// What was to be made.
        what: &'static str,
        /// By which name.
        name: String,
    },
    /// It cannot be done, and why.
    #[error("{0}")]
    Refused(String),
}

impl LocalError {
    /// Whether there is no space left. Nothing was changed then.
    pub(crate) fn is_full(&self) -> bool {
        let LocalError::Sqlite(error) = self else {
            return false;
        };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// The store. Calls are short, so one connection behind a lock serves them all; what is asked
/// with every request is cached by its caller.
#[derive(Debug)]
pub(crate) struct Local {
    connection: Mutex<Connection>,
}

impl Local {
    pub(crate) fn open(path: &Path) -> Result<Local, LocalError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        migrate(&mut connection)?;
        Ok(Local { connection: Mutex::new(connection) })
    }

    /// The connection. A thread that panicked with it has left no transaction open: each is
    /// rolled back when dropped.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), LocalError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(version).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(LocalError::TooNew { found, known: MIGRATIONS.len() });
    }
    if found == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

/// The sum over the columns of a row that decides about access. It guards against damage, not
/// against somebody who can write the file: he could compute it too.
pub(crate) fn sum(columns: &[&dyn AsRef<[u8]>]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for column in columns {
        let bytes = column.as_ref();
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().take(8).copied().collect()
}

/// Whether an error says that a unique value is taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
    )
}
