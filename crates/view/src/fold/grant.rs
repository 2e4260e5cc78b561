//! `grant`: more parties may open entries of the log `shared`. Depends on the entry and on what is
//! shared below it; an entry that is not here was withdrawn, before or after.

use rusqlite::{Transaction, params};

use crate::Position;
use crate::fold::release::KIND_SHARE;

pub(crate) fn fold(
    tx: &Transaction<'_>,
    grantees: &[String],
    targets: &[Position],
) -> rusqlite::Result<()> {
    let mut stands = tx.prepare_cached("SELECT 1 FROM released WHERE key = ?1 AND kind = ?2")?;
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO granted VALUES (?1, ?2)")?;
    for target in targets {
        if !stands.exists(params![target.key(), KIND_SHARE])? {
            continue;
        }
        for party in grantees {
            insert.execute(params![target.key(), party])?;
        }
    }
    Ok(())
}
