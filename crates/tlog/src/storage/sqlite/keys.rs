//! The file of keys: what opens entries, and the secret of this store.

use rusqlite::{Connection, params};

use super::gaps::Written;
use super::{signed, sort};
use crate::storage::schema::KEYS;
use crate::storage::{EntryRef, INDEX_MAX, KeyRow, Mark, StorageError, checksum};

/// `keys.db`, opened to write. Each change is a transaction of its own, durable at its end.
pub(super) struct KeyFile(pub(super) Written);

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` passes")]
fn in_keys(error: rusqlite::Error) -> StorageError {
    sort(&error, KEYS.file)
}

impl KeyFile {
    /// Runs `work` in a transaction on the key file, rolled back where it fails.
    fn transact(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StorageError> {
        self.0
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut statement| statement.execute([]))
            .map_err(in_keys)?;
        let result =
            work(&self.0).and_then(|()| self.0.prepare_cached("COMMIT")?.execute([]).map(|_| ()));
        if result.is_ok() {
            self.0.committed();
        }
        result.map_err(|error| {
            let sorted = in_keys(error);
            if self.0.is_autocommit() {
                return sorted;
            }
            match self.0.execute_batch("ROLLBACK") {
                Ok(()) => sorted,
                Err(second) => StorageError::Io(format!("{}: {second}", KEYS.file)),
            }
        })
    }

    pub(super) fn put(&mut self, rows: &[KeyRow], marks: &[Mark]) -> Result<(), StorageError> {
        if rows.is_empty() && marks.is_empty() {
            return Ok(());
        }
        self.transact(|keys| {
            let mut statement =
                keys.prepare_cached("REPLACE INTO key (key, salt, dek) VALUES (?1, ?2, ?3)")?;
            for row in rows {
                statement.execute(params![
                    row.entry.key(),
                    row.salt.0.as_slice(),
                    row.data_key.0.as_slice()
                ])?;
            }
            for mark in marks {
                keys.prepare_cached("REPLACE INTO mark VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
                    params![
                        mark.log,
                        mark.origin,
                        signed(mark.size),
                        mark.root.0.as_slice(),
                        mark.sum().as_slice()
                    ],
                )?;
            }
            Ok(())
        })
    }

    pub(super) fn remove(&mut self, entries: &[EntryRef]) -> Result<(), StorageError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.transact(|keys| {
            let mut statement = keys.prepare_cached("DELETE FROM key WHERE key = ?1")?;
            for entry in entries {
                statement.execute([entry.key()])?;
            }
            Ok(())
        })
    }

    pub(super) fn remove_from(&mut self, from: EntryRef) -> Result<(), StorageError> {
        let last = EntryRef { log: from.log, index: INDEX_MAX };
        let span = [from.key(), last.key()];
        let any: bool = self
            .0
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM key WHERE key BETWEEN ?1 AND ?2)",
                span,
                |row| row.get(0),
            )
            .map_err(in_keys)?;
        if !any {
            return Ok(());
        }
        self.transact(|keys| {
            keys.execute("DELETE FROM key WHERE key BETWEEN ?1 AND ?2", span).map(|_| ())
        })
    }

    pub(super) fn local_secret(&mut self, fresh: &[u8; 32]) -> Result<[u8; 32], StorageError> {
        const NAME: &str = "dedup";
        let sum = checksum(b"local", &[NAME.as_bytes(), fresh]);
        self.transact(|keys| {
            keys.execute(
                "INSERT INTO local (name, secret, sum) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![NAME, fresh.as_slice(), sum.as_slice()],
            )
            .map(|_| ())
        })?;
        self.0
            .query_row("SELECT secret, sum FROM local WHERE name = ?1", [NAME], |row| {
                Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, [u8; 8]>(1)?))
            })
            .map_err(in_keys)
            .and_then(|(secret, sum)| {
                if sum == checksum(b"local", &[NAME.as_bytes(), &secret]) {
                    Ok(secret)
                } else {
                    Err(StorageError::Damaged(format!(
                        "{}: local {NAME}: its checksum differs",
                        KEYS.file
                    )))
                }
            })
    }
}
