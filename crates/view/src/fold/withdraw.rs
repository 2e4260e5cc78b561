//! `withdraw`: the entries it names say nothing any more. Depends on the entry alone; an entry
//! that is not here was withdrawn before, or, where it is somebody else's, may yet come: that is
//! remembered, and it will say nothing.

use comity_wire::id::Uuid;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::Position;
use crate::fold::arrival::Changes;
use crate::store::half;

pub(crate) fn fold(tx: &Transaction<'_>, targets: &[Position]) -> rusqlite::Result<()> {
    let mut changes = Changes::default();
    for target in targets {
        let key = target.key();
        if target.is_followed() {
            tx.prepare_cached("INSERT OR IGNORE INTO withdrawn VALUES (?1)")?.execute([key])?;
        }
        let uuid: Option<[u8; 16]> = tx
            .prepare_cached("SELECT uuid FROM version WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        let Some(uuid) = uuid else {
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
    }
    changes.write(tx)
}
