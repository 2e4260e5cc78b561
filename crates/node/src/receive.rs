//! What a peer opens to this node: judged by the same gate as what is submitted here, kept where it
//! is good, set aside where it is not. Nothing of it binds this party: it arrives in a collection
//! of its own, and whoever wants it among his own adopts it.
//!
//! An entry that has no effect is *void*. What is void, or does not open, is not stored, neither
//! its body nor its salt. Its log, its index and a code stay, so that somebody can look into it;
//! the log goes on behind it.

mod readers;

use std::collections::BTreeSet;

use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::{EntryRef, GrowError, Grown, Sealed};
use comity_wire::entry::{Header, Kind, Log};
use comity_wire::release::{Opening, Page};
use serde::Serialize;

use crate::judge::{Judge, Says, code};
use crate::node::{Node, NodeError};
use crate::peer::{self, Peer};
use crate::stores::{Logs, Mutant};
use crate::sync::Place;
use crate::writer;

/// An opening, judged.
pub(crate) struct Judged {
    pub(crate) entry: EntryRef,
    pub(crate) sealed: Sealed,
    pub(crate) header: Header,
    pub(crate) says: Says,
    /// Of a withdrawal: who had read what it takes back.
    pub(crate) readers: Readers,
}

/// How many callers had read what is taken back, as the record of accesses has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Readers {
    /// So many, at least.
    pub(crate) callers: u64,
    /// Whether the record was looked through to the day on which it arrived.
    pub(crate) complete: bool,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Received {
    /// Entries that are kept now.
    pub kept: usize,
    /// Entries that were here, or were withdrawn before they came.
    pub passed: usize,
    /// Entries that were set aside.
    pub quarantined: usize,
    /// Entries that were taken back by their owner and are gone here.
    pub withdrawn: usize,
}

impl Node {
    /// How far a log of a peer is here.
    pub fn place(&self, number: u8) -> Result<Place, NodeError> {
        self.ask(|connections| {
            let head = connections.log.head(number)?;
            let follow = connections.log.follow(number)?.unwrap_or_default();
            let verified = head.map_or(0, |head| head.size);
            Ok(Place { verified, staged: follow.staged.size(), scanned: follow.scanned })
        })
    }

    /// Adds leaves of a peer's log; see [`comity_tlog::Sequencer::grow`].
    pub fn grow(
        &self,
        number: u8,
        note: String,
        from: u64,
        leaves: Vec<Commitment>,
    ) -> Result<Result<Grown, GrowError>, NodeError> {
        self.require_space()?;
        self.writer().grow(number, note, from, leaves)
    }

    /// Takes a page of openings of a peer's log.
    pub fn receive(
        &self,
        from: &Peer,
        log: Log,
        page: Page,
        now: i64,
    ) -> Result<Received, NodeError> {
        self.require_space()?;
        let number = from.log(log).ok_or(NodeError::Start("a log that is not followed".into()))?;
        let scanned = page.scanned_to;
        let (mut judged, mut aside) = (Vec::with_capacity(page.openings.len()), Vec::new());
        let mut granted = Granted::default();
        for opening in page.openings {
            let index = opening.index;
            match self.judge_opening(from, log, number, opening)? {
                Ok(good) if granted.is_for_others(&self.config().party, &good.header, index) => {
                    aside.push((number, index, code::AUDIENCE));
                }
                Ok(good) => judged.push(good),
                Err(code) => aside.push((number, index, code)),
            }
        }
        peer::quarantine(self.local(), now, &aside)?;
        let sound: Vec<u64> = judged.iter().map(|one| one.entry.index).collect();
        let page = writer::receive::Page {
            from: from.clone(),
            log: number,
            openings: judged,
            scanned,
            now,
        };
        let mut received = self.writer().receive(page)?;
        // If we stop before, the row says of an entry that is here that it was set aside.
        peer::release(self.local(), number, &sound)?;
        received.quarantined = aside.len();
        if log == Log::Acts && received.kept > 0 {
            self.consider_succession()?;
        }
        if log == Log::Shared && received.kept > 0 {
            self.apply_adopt_rules(Some(&from.party), now);
        }
        Ok(received)
    }

    /// `Err` holds the code under which it is set aside.
    fn judge_opening(
        &self,
        from: &Peer,
        log: Log,
        number: u8,
        opening: Opening,
    ) -> Result<Result<Judged, &'static str>, NodeError> {
        let (entry, salt) = (EntryRef { log: number, index: opening.index }, opening.salt);
        let judged = self.ask(|connections| {
            judge_opening(&self.judge, &connections.log, from, log, entry, &opening)
        })?;
        let (header, says) = match judged {
            Ok(judged) => judged,
            Err(code) => return Ok(Err(code)),
        };
        let envelope = opening.envelope;
        let readers = match &says {
            Says::Withdraw(targets) => self.readers_of(number, targets)?,
            _ => Readers::default(),
        };
        let sealed = Sealed::received(Salt(salt), envelope, &mut |octets| {
            (self.surroundings.random)(octets);
        });
        let sealed = sealed.map_err(|error| NodeError::Storage(error.to_string()))?;
        Ok(Ok(Judged { entry, sealed, header, says, readers }))
    }
}

/// Whether an opening opens its leaf, and says what a peer may say. `Err` holds the code under
/// which it is set aside.
pub(crate) fn judge_opening(
    judge: &Judge,
    logs: &impl Logs,
    from: &Peer,
    log: Log,
    entry: EntryRef,
    opening: &Opening,
) -> Result<Result<(Header, Says), &'static str>, NodeError> {
    let leaf = logs.commitment(entry)?;
    if !leaf.is_some_and(|leaf| leaf.opens(&Salt(opening.salt), &opening.envelope)) {
        return Ok(Err(code::NOT_ITS_LEAF));
    }
    if logs.planted(Mutant::TrustsOrigin) {
        return Ok(judge.judge(&as_it_says(from, &opening.envelope), log, &opening.envelope));
    }
    Ok(judge.judge(from, log, &opening.envelope))
}

/// What [`Mutant::TrustsOrigin`] takes a peer for.
fn as_it_says(from: &Peer, envelope: &[u8]) -> Peer {
    let header = Header::of(envelope).ok();
    Peer { party: header.map_or(from.party.clone(), |header| header.origin), ..from.clone() }
}

/// The entries that the grants on a page open, as far as it was read.
#[derive(Default)]
pub(crate) struct Granted(BTreeSet<u64>);

impl Granted {
    /// Whether the next entry of the page is for others than a party. A share that was for others
    /// first is for this party where a grant says so, which comes before it on the same page.
    /// Otherwise somebody passed on what is not his.
    pub(crate) fn is_for_others(&mut self, party: &str, header: &Header, index: u64) -> bool {
        if header.kind == Kind::Grant {
            let own = header
                .refs
                .iter()
                .filter(|one| one.origin == header.origin && one.log == header.log);
            self.0.extend(own.map(|one| one.index));
        }
        header.kind == Kind::Share
            && !header.audience.parties.iter().any(|one| one == party)
            && !self.0.contains(&index)
    }
}
