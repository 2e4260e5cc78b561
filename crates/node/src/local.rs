//! `local.db`: accounts, tokens, collections, statuses, the ledger of refusals.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

/// Marks the file as ours ("CmLc").
pub(crate) const APPLICATION_ID: i64 = 0x436d_4c63;

/// Each step takes the file from the version of its place to the next. Never edit a step that
/// was released; add one.
const MIGRATIONS: [&str; 7] = [
    include_str!("local/schema.sql"),
    include_str!("local/quota.sql"),
    include_str!("local/release.sql"),
    include_str!("local/peer.sql"),
    include_str!("local/charter.sql"),
    include_str!("local/following.sql"),
    include_str!("local/allowance.sql"),
];

/// The version of a file that has taken all of them.
pub(crate) const VERSION: i64 = 7;

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

    /// The file as it is, to check it; it is not written.
    pub(crate) fn open_to_check(path: &Path) -> Result<Local, LocalError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
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

/// A row's values, and the sum over them as its last.
pub(crate) fn with_sum<const N: usize>(values: [Value; N]) -> impl Iterator<Item = Value> {
    let sum = sum_of(values.iter().map(ValueRef::from));
    values.into_iter().chain([Value::Blob(sum)])
}

/// The sum over values of any kind, each with its kind.
fn sum_of<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let columns: Vec<Vec<u8>> = values
        .map(|value| match value {
            ValueRef::Null => b"n".to_vec(),
            ValueRef::Integer(number) => format!("i{number}").into_bytes(),
            ValueRef::Real(number) => format!("r{number}").into_bytes(),
            ValueRef::Text(octets) => [b"t", octets].concat(),
            ValueRef::Blob(octets) => [b"b", octets].concat(),
        })
        .collect();
    let columns: Vec<&dyn AsRef<[u8]>> =
        columns.iter().map(|column| column as &dyn AsRef<[u8]>).collect();
    sum(&columns)
}

/// The rows of a table whose sum does not fit. `columns` are those that [`with_sum`] was given,
/// in their order; `key` names a row.
pub(crate) fn damaged(
    local: &Local,
    table: &str,
    key: &str,
    columns: &str,
) -> Result<Vec<String>, LocalError> {
    let connection = local.lock();
    let sql = format!("SELECT {key}, sum, {columns} FROM {table}");
    let mut statement = connection.prepare(&sql)?;
    let count = statement.column_count();
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (2..count).map(|at| row.get_ref(at)).collect::<Result<Vec<_>, _>>()?;
        if row.get_ref(1)? != ValueRef::Blob(&sum_of(values.into_iter())) {
            let shown = row.get::<_, Value>(0)?;
            let shown = match shown {
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                _ => "of another kind".to_owned(),
            };
            damaged.push(format!("local.db: {table} row {shown}: does not fit its sum"));
        }
    }
    Ok(damaged)
}

/// The tables as a new file would have them.
pub(crate) fn schema() -> Result<Connection, LocalError> {
    let connection = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|step| connection.execute_batch(step))?;
    Ok(connection)
}

/// Whether an error says that a unique value is taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
    )
}
