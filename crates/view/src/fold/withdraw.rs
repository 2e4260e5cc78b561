//! `withdraw`: the entries it names say nothing any more. Depends on the entry alone; an entry
//! that is not here was withdrawn before.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::Position;

pub(crate) fn fold(tx: &Transaction<'_>, targets: &[Position]) -> rusqlite::Result<()> {
    for target in targets {
        let key = target.key();
        let row: Option<([u8; 16], i64, String)> = tx
            .prepare_cached("SELECT uuid, type, instant FROM version WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((uuid, object_type, instant)) = row else {
            continue;
        };
        let mut held = tx.prepare_cached("SELECT collection FROM held WHERE key = ?1")?;
        let collections: Vec<u32> =
            held.query_map([key], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for collection in collections {
            super::arrival::leave(tx, collection, key)?;
        }
        tx.prepare_cached(
            "DELETE FROM version_of WHERE uuid = ?1 AND type = ?2 AND instant = ?3 AND key = ?4",
        )?
        .execute(params![uuid, object_type, instant, key])?;
        tx.prepare_cached("DELETE FROM version WHERE key = ?1")?.execute([key])?;
    }
    Ok(())
}
