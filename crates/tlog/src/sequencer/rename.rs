//! A log goes on under another name, with another key: a new log, whose tree begins with the
//! leaves of the old one.

use super::{LogConfig, OpenError};
use crate::checkpoint::Checkpoint;
use crate::note::Verifier;
use crate::storage::{Head, Storage};

/// Signs the heads that stand under the names and keys of `logs`, all in one transaction. Each
/// head has to be signed by one of the names that the log had or, where this was cut off before,
/// by the new one.
///
/// If we stop before the commit, nothing happened; the same call may be made again after it.
///
/// # Errors
/// A head is signed by neither, or the store cannot be used.
pub fn rename<S: Storage>(
    storage: &mut S,
    logs: &[(LogConfig, Vec<Verifier>)],
) -> Result<(), OpenError> {
    storage.begin()?;
    let result = logs.iter().try_for_each(|(config, old)| rename_one(storage, config, old));
    match result {
        Ok(()) => Ok(storage.commit()?),
        Err(error) => {
            storage.rollback()?;
            Err(error)
        }
    }
}

fn rename_one<S: Storage>(
    storage: &mut S,
    config: &LogConfig,
    old: &[Verifier],
) -> Result<(), OpenError> {
    let damaged = |what| OpenError::Damaged { log: config.name.clone(), what };
    let Some(head) = storage.head(config.id)? else { return Ok(()) };
    let new = Verifier::new(&config.origin, &config.key.verifying_key())
        .map_err(|_| damaged("its new origin cannot be the name of a key"))?;
    let note = head.note.as_bytes();
    let said = old
        .iter()
        .chain([&new])
        .find_map(|name| Checkpoint::open(note, name).ok())
        .ok_or_else(|| damaged("its checkpoint is not signed by a key of it"))?;
    if said.size != head.size || said.root != head.root {
        return Err(damaged("its head and its checkpoint differ"));
    }
    let checkpoint = Checkpoint { origin: config.origin.clone(), ..said };
    let note =
        checkpoint.sign(&config.key).map_err(|_| damaged("its new origin cannot be signed"))?;
    let stands = Some((head.size, head.root));
    let renamed = Head { note, ..head };
    if storage.swap_head(stands, &renamed)? {
        Ok(())
    } else {
        Err(damaged("another writer changed its head"))
    }
}
