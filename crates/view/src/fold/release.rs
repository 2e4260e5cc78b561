//! An entry of the log `shared`: whom it was compiled for. Depends on the entry alone.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::Position;
use crate::fold::{PassedOn, Released, What};

/// The number of the log `shared`.
pub(crate) const SHARED: u8 = 0;

pub(crate) const KIND_SHARE: i64 = 1;
pub(crate) const KIND_GRANT: i64 = 2;
pub(crate) const KIND_WITHDRAW: i64 = 3;
pub(crate) const KIND_RECEIPT: i64 = 4;
pub(crate) const KIND_CONSENT: i64 = 5;

pub(crate) fn fold(
    tx: &Transaction<'_>,
    position: Position,
    released: &Released<'_>,
) -> rusqlite::Result<()> {
    let (kind, copied) = match &released.what {
        What::Object(_) => (KIND_SHARE, None),
        What::Copy(of) => (KIND_SHARE, Some(of.key())),
        What::Onward(_) => (KIND_SHARE, None),
        What::Grant(_) => (KIND_GRANT, None),
        What::Consent(_) => (KIND_CONSENT, None),
        What::Withdraw(_) => (KIND_WITHDRAW, None),
        What::Receipt => (KIND_RECEIPT, None),
    };
    // No party is nobody: there is nothing to serve.
    if released.audience.is_empty() {
        return Ok(());
    }
    let audience = audience(tx, released.audience)?;
    tx.prepare_cached("INSERT INTO released VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        position.key(),
        kind,
        audience,
        copied
    ])?;
    if let What::Onward(of) = &released.what {
        passed_on(tx, position, of)?;
    }
    Ok(())
}

fn passed_on(tx: &Transaction<'_>, position: Position, of: &PassedOn) -> rusqlite::Result<()> {
    let mut insert =
        tx.prepare_cached("INSERT OR IGNORE INTO passed_on VALUES (?1, ?2, ?3, ?4)")?;
    let consents = of.consents.iter().map(|index| (*index, true));
    for (index, consents) in std::iter::once((of.of, false)).chain(consents) {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        insert.execute(params![of.origin, index, consents, position.key()])?;
    }
    Ok(())
}

/// The number of a set of parties.
fn audience(tx: &Transaction<'_>, parties: &[String]) -> rusqlite::Result<i64> {
    let parties: BTreeSet<&str> = parties.iter().map(String::as_str).collect();
    let text = parties.iter().copied().collect::<Vec<_>>().join(" ");
    let known = tx
        .prepare_cached("SELECT id FROM audience WHERE parties = ?1")?
        .query_row([&text], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    tx.prepare_cached("INSERT INTO audience (parties) VALUES (?1)")?.execute([&text])?;
    let number = tx.last_insert_rowid();
    let mut reached = tx.prepare_cached("INSERT INTO reached VALUES (?1, ?2)")?;
    for party in parties {
        reached.execute(params![party, number])?;
    }
    Ok(number)
}
