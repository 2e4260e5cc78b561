//! Quotas, and what users sent, in `local.db`.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{params, params_from_iter};

use crate::local::{self, Local, LocalError, with_sum};
use crate::quota::{Amount, Of, Quotas, State};

impl Quotas {
    pub(crate) fn read(local: &Local) -> Result<Quotas, LocalError> {
        let connection = local.lock();
        let mut state = State::default();
        let mut quotas = connection.prepare("SELECT kind, number, objects, octets FROM quota")?;
        let mut rows = quotas.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(of) = Of::from_row(&row.get::<_, String>(0)?, row.get(1)?) {
                state.limits.insert(of, amount(row, 2)?);
            }
        }
        let mut sent = connection.prepare("SELECT account, day, objects, octets FROM sent")?;
        let mut rows = sent.query([])?;
        while let Some(row) = rows.next()? {
            state.sent.insert(row.get(0)?, (row.get(1)?, amount(row, 2)?));
        }
        let any = AtomicBool::new(state.is_any());
        Ok(Quotas { any, state: Mutex::new(state), setting: Mutex::default() })
    }

    /// Sets a quota: durable first, then in force.
    pub(super) fn set(&self, local: &Local, of: Of, limit: Amount) -> Result<(), LocalError> {
        let (kind, number) = of.row();
        let connection = local.lock();
        if limit.is_nothing() {
            connection.execute(
                "DELETE FROM quota WHERE kind = ?1 AND number = ?2",
                params![kind, number],
            )?;
        } else {
            connection.execute(
                "INSERT OR REPLACE INTO quota VALUES (?1, ?2, ?3, ?4, ?5)",
                params_from_iter(with_sum([
                    kind.to_owned().into(),
                    number.into(),
                    signed(limit.objects).into(),
                    signed(limit.octets).into(),
                ])),
            )?;
        }
        let mut state = self.lock();
        match of {
            _ if !limit.is_nothing() => drop(state.limits.insert(of, limit)),
            Of::Collection(number) => {
                state.limits.remove(&of);
                state.held.remove(&number);
            }
            Of::User(account) => {
                state.limits.remove(&of);
                state.sent.remove(&account);
            }
        }
        self.any.store(state.is_any(), Ordering::Release);
        Ok(())
    }

    /// Writes what users sent since the last time. What cannot be written waits in memory.
    pub(crate) fn write_or_tell(&self, local: &Local) {
        if !self.is_any() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.lock().unwritten);
        let written = self.write(local, &waiting);
        let mut state = self.lock();
        let told = std::mem::replace(&mut state.told, written.is_err());
        if let Err(error) = written {
            state.unwritten.append(&mut waiting);
            if !told {
                tracing::warn!(%error, "what users sent today is not written");
            }
        }
    }

    fn write(&self, local: &Local, accounts: &BTreeSet<i64>) -> Result<(), LocalError> {
        let rows: Vec<(i64, i64, Amount)> = {
            let state = self.lock();
            let row =
                |account: &i64| state.sent.get(account).map(|(day, sent)| (*account, *day, *sent));
            accounts.iter().filter_map(row).collect()
        };
        let Some(today) = rows.iter().map(|(_, day, _)| *day).max() else { return Ok(()) };
        let mut connection = local.lock();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM sent WHERE day < ?1", [today])?;
        for (account, day, sent) in rows {
            transaction.execute(
                "INSERT OR REPLACE INTO sent VALUES (?1, ?2, ?3, ?4, ?5)",
                params_from_iter(with_sum([
                    account.into(),
                    day.into(),
                    signed(sent.objects).into(),
                    signed(sent.octets).into(),
                ])),
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Of {
    fn row(self) -> (&'static str, i64) {
        match self {
            Of::Collection(number) => ("collection", i64::from(number)),
            Of::User(account) => ("user", account),
        }
    }

    fn from_row(kind: &str, number: i64) -> Option<Of> {
        match kind {
            "collection" => u32::try_from(number).ok().map(Of::Collection),
            "user" => Some(Of::User(number)),
            _ => None,
        }
    }
}

fn amount(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Amount> {
    let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
    Ok(Amount { objects: number(at)?, octets: number(at + 1)? })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let mut damaged = local::damaged(local, "quota", "number", "kind, number, objects, octets")?;
    damaged.extend(local::damaged(local, "sent", "account", "account, day, objects, octets")?);
    Ok(damaged)
}
