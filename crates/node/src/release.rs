//! The logs as others see them: checkpoints and tiles as they are, and the openings that a
//! caller is cleared for. What is not for him, what was erased and what never was look the same.

use comity_tlog::TilePath;
use comity_tlog::storage::EntryRef;
use comity_view::{Readable, Right, query};
use comity_wire::entry::{self, Header, Kind, Log};

use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::writer::decide::position;

/// Entries looked at for one page.
pub const PAGE_ENTRIES_MAX: usize = 256;

/// Octets of envelopes on one page; one entry may go beyond.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An opening: what a leaf commits to, and the salt that shows it.
pub struct Opening {
    /// The index of the entry.
    pub index: u64,
    /// The salt.
    pub salt: [u8; 32],
    /// The envelope.
    pub envelope: Vec<u8>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Opening").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A page of openings.
#[derive(Debug, Default)]
pub struct Released {
    /// Those for this caller, by index.
    pub openings: Vec<Opening>,
    /// Everything below this index was looked at.
    pub scanned_to: u64,
}

impl Node {
    /// The signed checkpoint of a log.
    pub fn checkpoint(&self, log: Log) -> Result<String, NodeError> {
        self.ask(|connections| {
            let head = connections.log.head(log.id()).map_err(|error| storage(&error))?;
            let head = head.ok_or_else(|| NodeError::Storage("a log has no head".to_owned()))?;
            Ok(head.note)
        })
    }

    /// The octets of a tile or entry bundle, where the log has got that far.
    pub fn tile(&self, log: Log, path: &TilePath) -> Result<Option<Vec<u8>>, NodeError> {
        self.ask(|connections| {
            connections.log.tile(log.id(), path).map_err(|error| storage(&error))
        })
    }

    /// The openings from an index on that are for this caller. `readable` are the collections
    /// that he may read.
    pub fn release(
        &self,
        caller: &Checked,
        readable: &[Readable],
        log: Log,
        from: u64,
    ) -> Result<Released, NodeError> {
        self.ask(|connections| {
            let size = connections
                .log
                .head(log.id())
                .map_err(|error| storage(&error))?
                .map_or(0, |head| head.size);
            let mut released = Released { openings: Vec::new(), scanned_to: from.min(size) };
            let mut octets = 0;
            let to = size.min(from.saturating_add(PAGE_ENTRIES_MAX as u64));
            for index in from..to {
                let entry = EntryRef { log: log.id(), index };
                if let Some(opened) =
                    connections.log.release(entry).map_err(|error| storage(&error))?
                {
                    let held = query::is_held(&connections.view, readable, position(entry))?;
                    if is_for(caller, log, &opened.envelope, held) {
                        octets += opened.envelope.len();
                        let (salt, envelope) = (opened.salt.0, opened.envelope.clone());
                        released.openings.push(Opening { index, salt, envelope });
                    }
                }
                released.scanned_to = index + 1;
                if octets >= PAGE_BYTES_MAX {
                    break;
                }
            }
            Ok(released)
        })
    }
}

/// Whether an entry is for a caller: acts for everybody, accesses for reviewers, objects for
/// those who may read a collection that holds them.
fn is_for(caller: &Checked, log: Log, envelope: &[u8], held: bool) -> bool {
    let reads = caller.rights.has(Right::Read);
    let kind = entry::split(envelope).ok().and_then(|(line, _)| Header::parse(line).ok());
    match (log, kind.map(|header| header.kind)) {
        (Log::Acts, _) => reads || caller.rights.has(Right::Review),
        (Log::Audit, _) => caller.rights.has(Right::Review),
        (Log::Private | Log::Shared, Some(Kind::Share)) => held,
        // A withdrawal names positions and leaves, no content.
        (Log::Private | Log::Shared, Some(Kind::Withdraw)) => reads,
        (Log::Private | Log::Shared, _) => false,
    }
}

fn storage(error: &comity_tlog::ReadError) -> NodeError {
    NodeError::Storage(error.to_string())
}
