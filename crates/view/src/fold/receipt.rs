//! `receipt`: a party did what a withdrawal of ours asks for. Depends on the entry alone.

use rusqlite::{Transaction, params};

use crate::Position;

pub(crate) fn fold(
    tx: &Transaction<'_>,
    receipt: Position,
    withdrawals: &[Position],
) -> rusqlite::Result<()> {
    // The first one counts. Receipts come in any order, so that is the one with the lowest index.
    let mut note = tx.prepare_cached(
        "INSERT INTO receipt VALUES (?1, ?2, ?3) ON CONFLICT (withdrawal, log)
         DO UPDATE SET receipt = min(receipt, excluded.receipt)",
    )?;
    for withdrawal in withdrawals {
        note.execute(params![withdrawal.key(), receipt.log, receipt.key()])?;
    }
    Ok(())
}
