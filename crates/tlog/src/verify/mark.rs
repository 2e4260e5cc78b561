//! Whether logs are as they were last signed.

use std::path::Path;

use super::LogIdentity;
use crate::merkle;
use crate::reader::{ReadError, Reader};
use crate::sequencer::{Behind, compare};
use crate::storage::Mark;
use crate::storage::schema::MARK;
use crate::storage::sqlite::mark::read_file;
use crate::storage::sqlite::read_marks;

/// The logs in a directory that are not as they were last signed. `outside` is the mark on another
/// volume, where there is one. Another process may write meanwhile.
///
/// # Errors
/// The files cannot be read.
pub fn behind(
    dir: &Path,
    outside: Option<&Path>,
    logs: &[LogIdentity],
) -> Result<Vec<Behind>, ReadError> {
    let reader = Reader::open(dir)?;
    // Marks first, heads second: a writer moves the heads up, and the marks after them.
    let mut marks = read_marks(reader.connections().1)?;
    for path in [Some(dir.join(MARK).as_path()), outside].into_iter().flatten() {
        marks.extend(read_file(path)?);
    }
    let mut behind = Vec::new();
    for log in logs {
        let here = reader.head(log.id)?.map_or(0, |head| head.size);
        let agrees = |mark: &Mark| -> Result<bool, ReadError> {
            Ok(merkle::root(mark.size, &mut reader.nodes(log.id))? == mark.root)
        };
        behind.extend(compare(&log.name, log.verifier.name(), &marks, log.id, here, agrees)?);
    }
    Ok(behind)
}
