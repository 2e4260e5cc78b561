//! The mark file: heads as they are after each commit, written without waiting for the disk.
//!
//! Two slots take turns, so that a write that is torn leaves the one before. A process that is
//! killed loses nothing of it; a loss of power may lose what was not synced, and for that there is
//! the mark in `keys.db`, which is one commit older and always on the disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::storage::mark::{self, Mark};
use crate::storage::schema::MARK;
use crate::storage::{StorageError, mark::parse};

/// Octets of a slot: a page of a disk, several times what four logs need.
const SLOT_BYTES: u64 = 4096;

/// The mark file, opened to write.
pub(super) struct MarkFile {
    file: File,
    known: BTreeMap<u8, Mark>,
    slot: u64,
    dirty: bool,
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` passes")]
fn in_mark(error: std::io::Error) -> StorageError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return StorageError::Full(MARK);
    }
    StorageError::Io(format!("{MARK}: {error}"))
}

impl MarkFile {
    /// Opens the file in a directory, or makes it.
    pub(super) fn open(dir: &Path) -> Result<MarkFile, StorageError> {
        let path = dir.join(MARK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        MarkFile::from(options.open(path).map_err(in_mark)?)
    }

    /// Opens a file elsewhere. It has to be there: a volume that is not mounted must not pass for
    /// a log that signed nothing yet.
    pub(super) fn open_outside(path: &Path) -> Result<MarkFile, StorageError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            let shown = path.display();
            StorageError::Io(format!(
                "the head mark `{shown}`: {error}; mount its volume, or, where there was never \
                 one, make an empty file: touch {shown}"
            ))
        })?;
        MarkFile::from(file)
    }

    fn from(file: File) -> Result<MarkFile, StorageError> {
        let known = read(&file)?.into_iter().map(|mark| (mark.log, mark)).collect();
        Ok(MarkFile { file, known, slot: 0, dirty: false })
    }

    pub(super) fn marks(&self) -> Result<Vec<Mark>, StorageError> {
        read(&self.file)
    }

    pub(super) fn write(&mut self, marks: &[Mark]) -> Result<(), StorageError> {
        self.known.extend(marks.iter().map(|mark| (mark.log, mark.clone())));
        let text = mark::text(self.known.values());
        self.file.write_all_at(text.as_bytes(), self.slot * SLOT_BYTES).map_err(in_mark)?;
        self.slot = 1 - self.slot;
        self.dirty = true;
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), StorageError> {
        if self.dirty {
            self.file.sync_data().map_err(in_mark)?;
            self.dirty = false;
        }
        Ok(())
    }
}

impl Drop for MarkFile {
    fn drop(&mut self) {
        // An orderly end leaves the mark on the disk. What fails here fails for the older mark.
        let _ = self.sync();
    }
}

/// The marks of a file that somebody may be writing; none where there is no file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<Mark>, StorageError> {
    match File::open(path) {
        Ok(file) => read(&file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(in_mark(error)),
    }
}

fn read(file: &File) -> Result<Vec<Mark>, StorageError> {
    let mut marks = Vec::new();
    for slot in 0..2 {
        let mut octets = vec![0; usize::try_from(SLOT_BYTES).unwrap_or_default()];
        let mut length = 0;
        loop {
            let rest = octets.get_mut(length..).unwrap_or_default();
            let at = slot * SLOT_BYTES + length as u64;
            match file.read_at(rest, at).map_err(in_mark)? {
                0 => break,
                more => length += more,
            }
        }
        marks.extend(parse(octets.get(..length).unwrap_or_default())?);
    }
    Ok(latest(marks))
}

/// Of each log, the largest.
fn latest(marks: Vec<Mark>) -> Vec<Mark> {
    let mut latest: BTreeMap<u8, Mark> = BTreeMap::new();
    for mark in marks {
        let known = latest.get(&mark.log).is_some_and(|known| known.size > mark.size);
        if !known {
            latest.insert(mark.log, mark);
        }
    }
    latest.into_values().collect()
}
