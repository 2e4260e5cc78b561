//! A releaser attests that no record about a natural person is in these entries: they wait no
//! longer. Depends on the entry alone; one that is not here was withdrawn before.

use rusqlite::{Transaction, params};

use crate::Position;
use crate::fold::FLAG_HELD_BACK;

pub(crate) fn fold(tx: &Transaction<'_>, targets: &[Position]) -> rusqlite::Result<()> {
    let mut update = tx.prepare_cached("UPDATE version SET flags = flags & ~?2 WHERE key = ?1")?;
    for target in targets {
        update.execute(params![target.key(), FLAG_HELD_BACK])?;
    }
    Ok(())
}
