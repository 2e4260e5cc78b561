//! `withdraw`: the entries it names say nothing any more, and nobody gets them. Depends on the
//! entry alone; an entry that is not here was withdrawn before, or, where it is somebody else's,
//! may yet come: that is remembered, and it will say nothing.

use comity_wire::id::Uuid;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::Position;
use crate::fold::arrival::Changes;
use crate::fold::release::{KIND_CONSENT, KIND_SHARE, SHARED};
use crate::fold::{FLAG_UNVERSIONED, consent, rival};
use crate::store::half;

pub(crate) fn fold(tx: &Transaction<'_>, targets: &[Position]) -> rusqlite::Result<()> {
    let mut changes = Changes::default();
    for target in targets {
        let key = target.key();
        if target.is_followed() {
            tx.prepare_cached("INSERT OR IGNORE INTO withdrawn VALUES (?1)")?.execute([key])?;
        }
        release(tx, *target)?;
        let version: Option<([u8; 16], i64, String, i64)> = tx
            .prepare_cached("SELECT uuid, type, instant, flags FROM version WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((uuid, object_type, instant, flags)) = version else {
            continue;
        };
        let mut held = tx.prepare_cached("SELECT collection FROM held WHERE key = ?1")?;
        let collections: Vec<u32> =
            held.query_map([key], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for collection in collections {
            super::arrival::leave(tx, collection, key, &mut changes)?;
        }
        tx.prepare_cached("DELETE FROM version_of WHERE half = ?1 AND key = ?2")?
            .execute(params![half(Uuid(uuid)), key])?;
        tx.prepare_cached("DELETE FROM version WHERE key = ?1")?.execute([key])?;
        let (instant, unversioned) = (instant.as_str(), flags & FLAG_UNVERSIONED != 0);
        rival::leave(tx, key, &rival::Version { object_type, uuid, instant, unversioned })?;
    }
    changes.write(tx)
}

/// Takes an entry out of what is released. A grant that does not consent, or another withdrawal,
/// cannot be withdrawn: they say nothing about content.
fn release(tx: &Transaction<'_>, target: Position) -> rusqlite::Result<()> {
    let key = target.key();
    consent::withdraw(tx, target)?;
    tx.prepare_cached("DELETE FROM attestation WHERE key = ?1")?.execute([key])?;
    if target.log != SHARED {
        return Ok(());
    }
    tx.prepare_cached("DELETE FROM released WHERE key = ?1 AND kind IN (?2, ?3)")?.execute([
        key,
        KIND_SHARE,
        KIND_CONSENT,
    ])?;
    tx.prepare_cached("DELETE FROM granted WHERE key = ?1")?.execute([key])?;
    tx.prepare_cached("DELETE FROM passed_on WHERE key = ?1")?.execute([key])?;
    Ok(())
}
