//! The logs as others see them: checkpoints and tiles as they are, and the openings that a caller
//! or a peer is cleared for. What is not for him, what was erased and what never was look the same.
//!
//! A peer is served by the ledger of the view ([`query::released_to`]): ranges of an index, so that
//! what is not for it is never decrypted. Its standing is that of the moment, not of the release.
//! Only what stands in this party's own logs is served: nothing of other origins is in them.

use comity_charter::Standing;
use comity_tlog::TilePath;
use comity_tlog::storage::EntryRef;
use comity_view::{Position, Readable, Right, query};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::query::Connections;
use crate::writer::decide::{entry_ref, position};

/// Entries looked at for one page of a caller, and entries on one page of a peer.
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

impl Node {
    /// The openings from an index on that are for a peer.
    ///
    /// Where the scan meets a grant, the page has its opening and then those of the entries that it
    /// opens, which have lower indices: whoever goes on from `scanned_to` misses nothing. A page
    /// has at most [`PAGE_ENTRIES_MAX`] openings and [`PAGE_BYTES_MAX`] octets of envelopes; one
    /// entry may go beyond. A party without standing gets nothing, and its place stays where it is.
    pub fn release_to(
        &self,
        party: &str,
        log: Log,
        from: u64,
        now: i64,
    ) -> Result<Released, NodeError> {
        let nothing = Released { openings: Vec::new(), scanned_to: from };
        if party == self.config().party || self.charter().standing(party, now) == Standing::Out {
            return Ok(nothing);
        }
        match log {
            Log::Shared => self.ask(|connections| shared(connections, party, from, now)),
            Log::Acts => self.ask(|connections| acts(connections, from)),
            Log::Private | Log::Audit => Ok(nothing),
        }
    }
}

/// Entries of the log `shared` that are for a party.
fn shared(
    connections: &Connections,
    party: &str,
    from: u64,
    now: i64,
) -> Result<Released, NodeError> {
    let found = query::released_to(&connections.view, party, from, PAGE_ENTRIES_MAX)?;
    let all = found.positions.len() < PAGE_ENTRIES_MAX;
    let mut page = Page::default();
    let mut scanned_to = from;
    for position in found.positions {
        let mut group: Vec<Opening> = Vec::new();
        if let Some((header, opening)) = open(connections, position)? {
            if !has_expired(&header, now) {
                group.push(opening);
            }
            if header.kind == Kind::Grant {
                group.extend(granted(connections, party, &header, now)?);
            }
        }
        // A grant and what it opens go together, or not on this page.
        if !page.has_room_for(&group) {
            return Ok(Released { openings: page.openings, scanned_to });
        }
        page.take(group);
        scanned_to = position.index + 1;
        if page.is_full() {
            return Ok(Released { openings: page.openings, scanned_to });
        }
    }
    // Beyond what is folded nothing is known yet; a peer may know of it by the checkpoint.
    let scanned_to = if all { found.folded.max(from) } else { scanned_to };
    Ok(Released { openings: page.openings, scanned_to })
}

/// What a grant opens, as far as it stands and is for the party.
fn granted(
    connections: &Connections,
    party: &str,
    grant: &Header,
    now: i64,
) -> Result<Vec<Opening>, NodeError> {
    let mut openings = Vec::new();
    for reference in &grant.refs {
        if reference.origin != grant.origin || reference.log != Log::Shared.name() {
            continue;
        }
        let position = Position { log: Log::Shared.id(), index: reference.index };
        if !query::recipients_seen(&connections.view, position)?.contains(party) {
            continue;
        }
        let opened = open(connections, position)?;
        openings.extend(
            opened.filter(|(header, _)| !has_expired(header, now)).map(|(_, opening)| opening),
        );
    }
    Ok(openings)
}

/// What the party states to the whole body: every entry, for every party.
fn acts(connections: &Connections, from: u64) -> Result<Released, NodeError> {
    let log = Log::Acts.id();
    let head = connections.log.head(log).map_err(|error| storage(&error))?;
    let size = head.map_or(0, |head| head.size);
    let mut page = Page::default();
    let mut scanned_to = from;
    for index in from..size.min(from.saturating_add(PAGE_ENTRIES_MAX as u64)) {
        let opened = open(connections, Position { log, index })?;
        page.take(opened.map(|(_, opening)| opening).into_iter().collect());
        scanned_to = index + 1;
        if page.is_full() {
            break;
        }
    }
    Ok(Released { openings: page.openings, scanned_to })
}

/// Opens an entry; nothing where it was erased.
fn open(
    connections: &Connections,
    position: Position,
) -> Result<Option<(Header, Opening)>, NodeError> {
    let opened = connections.log.release(entry_ref(position)).map_err(|error| storage(&error))?;
    let Some(opened) = opened else { return Ok(None) };
    let header = entry::split(&opened.envelope).ok();
    let Some(header) = header.and_then(|(line, _)| Header::parse(line).ok()) else {
        return Ok(None);
    };
    let (salt, envelope) = (opened.salt.0, opened.envelope.clone());
    Ok(Some((header, Opening { index: position.index, salt, envelope })))
}

/// Whether what an entry says is over. Its withdrawal follows.
fn has_expired(header: &Header, now: i64) -> bool {
    let expires = header.expires.as_deref().and_then(|text| Micros::parse(text).ok());
    expires.is_some_and(|expires| expires.0 <= now)
}

/// A page of a peer as it fills.
#[derive(Default)]
struct Page {
    openings: Vec<Opening>,
    octets: usize,
}

impl Page {
    /// Whether some openings may stand on this page together. On an empty one anything may.
    fn has_room_for(&self, group: &[Opening]) -> bool {
        self.openings.is_empty()
            || group.len() <= 1
            || (self.openings.len() + group.len() <= PAGE_ENTRIES_MAX
                && self.octets + octets(group) <= PAGE_BYTES_MAX)
    }

    fn take(&mut self, group: Vec<Opening>) {
        self.octets += octets(&group);
        self.openings.extend(group);
    }

    fn is_full(&self) -> bool {
        self.openings.len() >= PAGE_ENTRIES_MAX || self.octets >= PAGE_BYTES_MAX
    }
}

fn octets(group: &[Opening]) -> usize {
    group.iter().map(|opening| opening.envelope.len()).sum()
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
