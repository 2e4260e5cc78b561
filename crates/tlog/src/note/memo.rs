//! Which signatures were verified on this thread, so that none is twice: six nodes of a simulation
//! see each note some ten times, and to verify one takes longer than all else that is done with it.
//!
//! For simulation alone, behind a feature that no program asks for. What is remembered is that one
//! key made one signature over one text, by the hash of all three; a note that differs in a bit is
//! another one. What does not verify is not remembered.

use std::cell::RefCell;
use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::NoteError;

/// Signatures that are remembered: those of some stories, in a megabyte.
const REMEMBERED_MAX: usize = 8192;

thread_local! {
    static VERIFIED: RefCell<BTreeSet<[u8; 32]>> = const { RefCell::new(BTreeSet::new()) };
}

/// Verifies, unless that was done.
pub(super) fn once(
    key: &[u8; 32],
    signature: &[u8],
    text: &str,
    verify: impl FnOnce() -> Result<(), NoteError>,
) -> Result<(), NoteError> {
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update((signature.len() as u64).to_be_bytes());
    hasher.update(signature);
    hasher.update(text.as_bytes());
    let all: [u8; 32] = hasher.finalize().into();
    if VERIFIED.with_borrow(|verified| verified.contains(&all)) {
        return Ok(());
    }
    verify()?;
    VERIFIED.with_borrow_mut(|verified| {
        if verified.len() >= REMEMBERED_MAX {
            verified.clear();
        }
        verified.insert(all);
    });
    Ok(())
}
