//! An entry comes into a collection, or leaves it. Keeps `place`: which version of an object is
//! the first and which the last in that collection, by the instant of the version, not by the
//! order in which they came (T093).

use std::collections::BTreeMap;

use comity_wire::id::Uuid;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::fold::{Arrival, Fresh};
use crate::store::half;

const FIRST: i64 = 1;
const LAST: i64 = 2;

/// No collection: what peers opened and that came into none. Nobody reads it, so nobody asks what
/// is first or last there; and an object version may be in it any number of times.
const OPENED: u32 = 0;

/// What arrivals change of their collections, added up: one statement for each collection.
#[derive(Default)]
pub(super) struct Changes(BTreeMap<u32, (i64, i64)>);

impl Changes {
    fn line(&mut self, collection: u32, seq: i64) {
        self.0.entry(collection).or_default().0 = seq;
    }

    fn count(&mut self, collection: u32, by: i64) {
        self.0.entry(collection).or_default().1 += by;
    }

    pub(super) fn write(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut change = tx.prepare_cached(
            "INSERT INTO changed VALUES (?1, ?2, ?3) ON CONFLICT (collection)
             DO UPDATE SET seq = max(seq, ?2), holds = holds + ?3",
        )?;
        for (collection, (seq, by)) in self.0 {
            change.execute(params![collection, seq, by])?;
        }
        Ok(())
    }
}

pub(super) fn fold(
    tx: &Transaction<'_>,
    arrival: &Arrival,
    fresh: &[Fresh],
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let key = arrival.position.key();
    if arrival.gone {
        leave(tx, arrival.collection, key, changes)?;
    } else {
        come(tx, arrival, key, fresh, changes)?;
    }
    changes.line(arrival.collection, arrival.seq);
    Ok(())
}

fn come(
    tx: &Transaction<'_>,
    arrival: &Arrival,
    key: i64,
    fresh: &[Fresh],
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let just_folded = fresh.binary_search_by_key(&key, |fresh| fresh.key).ok();
    let (uuid, object_type, expires, alone) = match just_folded.and_then(|at| fresh.get(at)) {
        Some(fresh) => (fresh.uuid, fresh.object_type, fresh.expires, fresh.alone),
        None => {
            let row: Option<([u8; 16], i64, Option<i64>)> = tx
                .prepare_cached("SELECT uuid, type, expires FROM version WHERE key = ?1")?
                .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            // Nothing known under this position: erased since, or void. It holds nothing.
            let Some((uuid, object_type, expires)) = row else {
                return Ok(());
            };
            (uuid, object_type, expires, false)
        }
    };
    let added = tx
        .prepare_cached("INSERT OR IGNORE INTO held VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            arrival.collection,
            arrival.date_added,
            key,
            object_type,
            FIRST | LAST,
            expires
        ])?;
    changes.count(arrival.collection, i64::try_from(added).unwrap_or(0));
    if alone { Ok(()) } else { place(tx, arrival.collection, &uuid, object_type) }
}

pub(super) fn leave(
    tx: &Transaction<'_>,
    collection: u32,
    key: i64,
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let row: Option<([u8; 16], i64)> = tx
        .prepare_cached("SELECT uuid, type FROM version WHERE key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let removed = tx
        .prepare_cached("DELETE FROM held WHERE key = ?1 AND collection = ?2")?
        .execute(params![key, collection])?;
    changes.count(collection, -i64::try_from(removed).unwrap_or(0));
    match row {
        Some((uuid, object_type)) if removed > 0 => place(tx, collection, &uuid, object_type),
        _ => Ok(()),
    }
}

/// Decides anew which of an object's versions in a collection is the first and which the last.
/// Nearly always there is one, and then it stands already as both.
fn place(
    tx: &Transaction<'_>,
    collection: u32,
    uuid: &[u8; 16],
    object_type: i64,
) -> rusqlite::Result<()> {
    if collection == OPENED {
        return Ok(());
    }
    let mut statement = tx.prepare_cached(
        "SELECT key FROM version_of CROSS JOIN version USING (key)
         WHERE half = ?1 AND uuid = ?2 AND type = ?3 ORDER BY instant, key",
    )?;
    let keys: Vec<i64> = statement
        .query_map(params![half(Uuid(*uuid)), uuid, object_type], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let [_] = keys.as_slice() {
        return Ok(());
    }
    let mut held = Vec::new();
    for key in keys {
        let place: Option<i64> = tx
            .prepare_cached("SELECT place FROM held WHERE key = ?1 AND collection = ?2")?
            .query_row(params![key, collection], |row| row.get(0))
            .optional()?;
        if let Some(place) = place {
            held.push((key, place));
        }
    }
    let last = held.len().saturating_sub(1);
    for (at, (key, old)) in held.into_iter().enumerate() {
        let new = if at == 0 { FIRST } else { 0 } | if at == last { LAST } else { 0 };
        if new != old {
            tx.prepare_cached("UPDATE held SET place = ?3 WHERE key = ?1 AND collection = ?2")?
                .execute(params![key, collection, new])?;
        }
    }
    Ok(())
}
