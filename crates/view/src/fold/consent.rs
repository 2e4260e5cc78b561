//! `grant` that consents to onward release. Depends on the entry, and on what it names not being
//! withdrawn: the word of somebody else may come after his withdrawal of it, or of the entry.

use rusqlite::{Transaction, params};

use crate::Position;
use crate::fold::Consent;
use crate::fold::release::KIND_SHARE;

pub(crate) fn fold(
    tx: &Transaction<'_>,
    position: Position,
    consent: &Consent<'_>,
) -> rusqlite::Result<()> {
    let mut gone = tx.prepare_cached("SELECT 1 FROM withdrawn WHERE key = ?1")?;
    let mut stands = tx.prepare_cached("SELECT 1 FROM released WHERE key = ?1 AND kind = ?2")?;
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO consent VALUES (?1, ?2)")?;
    let mut list = tx.prepare_cached("INSERT OR IGNORE INTO consenting VALUES (?1, ?2)")?;
    if gone.exists([position.key()])? {
        return Ok(());
    }
    // Whether or not it is about anything that stands: that may be withdrawn before it or after.
    list.execute(params![position.key(), consent.parties.join(" ")])?;
    for of in &consent.of {
        let counts = if of.is_followed() {
            !gone.exists([of.key()])?
        } else {
            stands.exists(params![of.key(), KIND_SHARE])?
        };
        if counts {
            insert.execute([position.key(), of.key()])?;
        }
    }
    Ok(())
}

/// What was withdrawn consents to nothing, and nothing consents to it.
pub(crate) fn withdraw(tx: &Transaction<'_>, target: Position) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM consent WHERE key = ?1")?.execute([target.key()])?;
    tx.prepare_cached("DELETE FROM consenting WHERE key = ?1")?.execute([target.key()])?;
    tx.prepare_cached("DELETE FROM consent WHERE of = ?1")?.execute([target.key()])?;
    Ok(())
}
