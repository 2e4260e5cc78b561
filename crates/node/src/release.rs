//! The logs as others see them: checkpoints and tiles as they are, and the openings that a caller
//! or a peer is cleared for. What is not for him, what was erased and what never was look the same.
//!
//! A peer is served by the ledger of the view ([`query::released_to`]): ranges of an index, so that
//! what is not for it is never decrypted. Its standing is that of the moment, not of the release.
//! Only what stands in this party's own logs is served: nothing of other origins is in them.

use comity_charter::{Charter, Standing};
use comity_tlog::storage::EntryRef;
use comity_tlog::{Reader, TilePath};
use comity_view::query::Ask;
use comity_view::{Position, Queries, Readable, Right, query};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::release::{Opening, Page};
use comity_wire::time::Micros;

use crate::judge::{self, Says};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::query::Connections;
use crate::stores::{Logs, Mutant};
use crate::writer::decide::{entry_ref, position};

/// Entries looked at for one page of a caller, and entries on one page of a peer.
pub const PAGE_ENTRIES_MAX: usize = 256;

/// Octets of envelopes on one page; one entry may go beyond.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Node {
    /// The signed checkpoint of a log.
    pub fn checkpoint(&self, log: Log) -> Result<String, NodeError> {
        self.ask(|connections| {
            let head = connections.log.head(log.id())?;
            let head = head.ok_or_else(|| NodeError::Storage("a log has no head".to_owned()))?;
            Ok(head.note)
        })
    }

    /// The octets of a tile or entry bundle, where the log has got that far.
    pub fn tile(&self, log: Log, path: &TilePath) -> Result<Option<Vec<u8>>, NodeError> {
        self.ask(|connections| Ok(connections.log.tile(log.id(), path)?))
    }

    /// The openings from an index on that are for this caller. `readable` are the collections
    /// that he may read.
    pub fn release(
        &self,
        caller: &Checked,
        readable: &[Readable],
        log: Log,
        from: u64,
    ) -> Result<Page, NodeError> {
        self.ask(|connections| {
            let size = connections.log.head(log.id())?.map_or(0, |head| head.size);
            let mut released = Page { openings: Vec::new(), scanned_to: from.min(size) };
            let mut octets = 0;
            let to = size.min(from.saturating_add(PAGE_ENTRIES_MAX as u64));
            for index in from..to {
                let entry = EntryRef { log: log.id(), index };
                if let Some(opened) = connections.log.release(entry)? {
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
    ) -> Result<Page, NodeError> {
        let nothing = Page { openings: Vec::new(), scanned_to: from };
        if !is_served(self.charter(), &self.config().party, party, now) {
            return Ok(nothing);
        }
        match log {
            Log::Shared | Log::Acts => {
                self.ask(|connections| for_party(&connections.sources(), party, log, from, now))
            }
            Log::Private | Log::Audit => Ok(nothing),
        }
    }
}

/// Whether a party gets anything from another at all: its standing is that of the moment.
pub(crate) fn is_served(charter: &Charter, own: &str, party: &str, now: i64) -> bool {
    party != own && charter.standing(party, now) != Standing::Out
}

/// What is asked for a page: the view, and the log.
pub(crate) struct Sources<'a, L, V>(pub(crate) &'a L, pub(crate) &'a V);

impl Connections {
    pub(crate) fn sources(&self) -> Sources<'_, Reader, Queries> {
        Sources(&self.log, &self.view)
    }
}

/// What a party with standing gets of a log that peers follow.
pub(crate) fn for_party(
    sources: &Sources<'_, impl Logs, impl Ask>,
    party: &str,
    log: Log,
    from: u64,
    now: i64,
) -> Result<Page, NodeError> {
    if log == Log::Acts { acts(sources.0, from) } else { shared(sources, party, from, now) }
}

/// Entries of the log `shared` that are for a party.
fn shared(
    sources: &Sources<'_, impl Logs, impl Ask>,
    party: &str,
    from: u64,
    now: i64,
) -> Result<Page, NodeError> {
    let Sources(logs, view) = *sources;
    let mut found = query::released_to(view, party, from, PAGE_ENTRIES_MAX)?;
    if logs.planted(Mutant::NoAudience) {
        let log = Log::Shared.id();
        found.positions = (from..found.folded).map(|index| Position { log, index }).collect();
    }
    if logs.planted(Mutant::GrantToAll) {
        with_all_grants(logs, &mut found, from)?;
    }
    let all = found.positions.len() < PAGE_ENTRIES_MAX;
    if logs.planted(Mutant::PagesByLength) {
        to_the_first_long(logs, &mut found, from)?;
    }
    let mut page = Filling::default();
    let mut scanned_to = from;
    for position in found.positions {
        let mut group: Vec<Opening> = Vec::new();
        if let Some((header, opening)) = open(logs, position)? {
            let opens = header.kind == Kind::Grant && opens(&header, &opening.envelope);
            if !has_expired(&header, now) {
                group.push(opening);
            }
            if opens {
                group.extend(granted(sources, party, &header, now)?);
            }
        }
        // A grant and what it opens go together, or not on this page.
        if !page.has_room_for(&group) {
            return Ok(page.ends(scanned_to));
        }
        page.take(group);
        scanned_to = position.index + 1;
        if page.is_full() {
            return Ok(page.ends(scanned_to));
        }
    }
    // Beyond what is folded nothing is known yet; a peer may know of it by the checkpoint.
    let scanned_to = if all { found.folded.max(from) } else { scanned_to };
    Ok(page.ends(scanned_to))
}

/// What [`Mutant::GrantToAll`] does.
fn with_all_grants(
    logs: &impl Logs,
    found: &mut query::ForParty,
    from: u64,
) -> Result<(), NodeError> {
    for index in from..found.folded {
        let position = Position { log: Log::Shared.id(), index };
        let opened = open(logs, position)?;
        if opened.is_some_and(|(header, _)| header.kind == Kind::Grant) {
            found.positions.push(position);
        }
    }
    found.positions.sort_unstable();
    found.positions.dedup();
    Ok(())
}

/// What [`Mutant::PagesByLength`] does.
fn to_the_first_long(
    logs: &impl Logs,
    found: &mut query::ForParty,
    from: u64,
) -> Result<(), NodeError> {
    for index in from..found.folded {
        let entry = EntryRef { log: Log::Shared.id(), index };
        if logs.envelope_size(entry)?.is_some_and(|octets| octets > LONG_BYTES) {
            found.positions.retain(|position| position.index <= index);
            found.folded = index + 1;
            break;
        }
    }
    Ok(())
}

/// Octets of an envelope that [`Mutant::PagesByLength`] takes for long.
const LONG_BYTES: u64 = 4096;

/// Whether a grant opens what it names. One that consents does not: who gets it has what it names.
/// Nor does one that is void.
fn opens(grant: &Header, envelope: &[u8]) -> bool {
    let payload = entry::split(envelope).ok().map(|(_, payload)| payload);
    payload.is_some_and(|payload| matches!(judge::consent(grant, payload), Ok(Says::Other)))
}

/// What a grant opens, as far as it stands and is for the party.
fn granted(
    Sources(logs, view): &Sources<'_, impl Logs, impl Ask>,
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
        if !query::recipients_seen(*view, position)?.contains(party)
            && !logs.planted(Mutant::GrantToAll)
        {
            continue;
        }
        let opened = open(*logs, position)?;
        openings.extend(
            opened.filter(|(header, _)| !has_expired(header, now)).map(|(_, opening)| opening),
        );
    }
    Ok(openings)
}

/// What the party states to the whole body: every entry, for every party.
fn acts(logs: &impl Logs, from: u64) -> Result<Page, NodeError> {
    let log = Log::Acts.id();
    let size = logs.size(log)?;
    let mut page = Filling::default();
    let mut scanned_to = from;
    for index in from..size.min(from.saturating_add(PAGE_ENTRIES_MAX as u64)) {
        let opened = open(logs, Position { log, index })?;
        page.take(opened.map(|(_, opening)| opening).into_iter().collect());
        scanned_to = index + 1;
        if page.is_full() {
            break;
        }
    }
    Ok(page.ends(scanned_to))
}

/// Opens an entry; nothing where it was erased.
fn open(logs: &impl Logs, position: Position) -> Result<Option<(Header, Opening)>, NodeError> {
    let Some((salt, envelope)) = logs.release(entry_ref(position))? else { return Ok(None) };
    let Ok(header) = Header::of(&envelope) else { return Ok(None) };
    Ok(Some((header, Opening { index: position.index, salt: salt.0, envelope })))
}

/// Whether what an entry says is over. Its withdrawal follows.
fn has_expired(header: &Header, now: i64) -> bool {
    let expires = header.expires.as_deref().and_then(|text| Micros::parse(text).ok());
    expires.is_some_and(|expires| expires.0 <= now)
}

/// A page of a peer as it fills.
#[derive(Default)]
struct Filling {
    openings: Vec<Opening>,
    octets: usize,
}

impl Filling {
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

    fn ends(self, scanned_to: u64) -> Page {
        Page { openings: self.openings, scanned_to }
    }
}

fn octets(group: &[Opening]) -> usize {
    group.iter().map(|opening| opening.envelope.len()).sum()
}

/// Whether an entry is for a caller: acts for everybody, accesses for reviewers, objects for
/// those who may read a collection that holds them.
fn is_for(caller: &Checked, log: Log, envelope: &[u8], held: bool) -> bool {
    let reads = caller.rights.has(Right::Read);
    let kind = Header::of(envelope).ok();
    match (log, kind.map(|header| header.kind)) {
        (Log::Acts, _) => reads || caller.rights.has(Right::Review),
        (Log::Audit, _) => caller.rights.has(Right::Review),
        (Log::Private | Log::Shared, Some(Kind::Share)) => held,
        // A withdrawal names positions and leaves, no content.
        (Log::Private | Log::Shared, Some(Kind::Withdraw)) => reads,
        (Log::Private | Log::Shared, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_that_consents_or_is_void_opens_nothing() {
        let line = r#"{"v":1,"body":"b","origin":"alpha.example","log":"shared","kind":"grant","author":{"role":"r","pseudonym":"p"},"created":"2026-01-01T00:00:00Z","purpose":"p","handling":{"tlp":"GREEN"},"audience":{"rule":"all","parties":["beta.example"]},"charter":"c","refs":[{"origin":"alpha.example","log":"shared","index":0,"leaf":"LEAF"}]}"#;
        let line = line.replace("LEAF", &"0".repeat(66));
        let header = Header::parse(line.as_bytes()).unwrap();
        for (payload, expected) in [
            ("{}", true),
            (r#"{"onward":{"rule":"all","parties":["gamma.example"]}}"#, false),
            (r#"{"onward":{"rule":"all","parties":[]}}"#, false),
            (r#"{"onward":1}"#, false),
            ("[]", false),
        ] {
            let envelope = format!("{line}\n{payload}");
            assert_eq!(opens(&header, envelope.as_bytes()), expected, "{payload}");
        }
    }
}
