//! A releaser attests that no record about a natural person is in these entries: they wait no
//! longer. Depends on the entry alone; one that is not here was withdrawn before.

use rusqlite::{Transaction, params};

use crate::Position;
use crate::fold::FLAG_HELD_BACK;

pub(crate) fn fold(
    tx: &Transaction<'_>,
    record: Position,
    targets: &[Position],
) -> rusqlite::Result<()> {
    let mut update = tx.prepare_cached(
        "UPDATE version SET flags = flags & ~?2 WHERE key = ?1 AND flags & ?2 <> 0",
    )?;
    let mut attested = tx.prepare_cached("INSERT OR REPLACE INTO attestation VALUES (?1, ?2)")?;
    for target in targets {
        if update.execute(params![target.key(), FLAG_HELD_BACK])? > 0 {
            attested.execute([target.key(), record.key()])?;
        }
    }
    Ok(())
}
