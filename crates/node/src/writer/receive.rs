//! What peers opened to this node, once it is judged: which of it is new, where it arrives, what it
//! takes back, and the receipt for that.

use std::collections::BTreeSet;

use comity_tlog::commitment::Commitment;
use comity_tlog::{ArrivalOf, EntryRef, FollowConfig, GrowError, Grown, PendingOpening, Sealed};
use comity_view::{Position, query};
use comity_wire::entry::{Audience, Author, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::judge::Says;
use crate::node::NodeError;
use crate::peer::{self, Peer};
use crate::receive::{Judged, Readers, Received};
use crate::stores::{Logs as _, Mutant, Stores};
use crate::writer::Inner;
use crate::writer::decide::{Decided, Planned, Shared, entry_ref, position};
use crate::writer::job::Reply;
use crate::writer::remove::reference_to;
use crate::writer::share::copies;

/// The number that stands for no collection. Entries of peers that have no place in one are noted
/// under it: the journal of arrivals names every entry of theirs that is opened here.
pub(crate) const OPENED: u32 = 0;

/// A page of openings, judged.
pub(crate) struct Page {
    pub(crate) from: Peer,
    pub(crate) log: u8,
    pub(crate) openings: Vec<Judged>,
    pub(crate) scanned: u64,
    pub(crate) now: i64,
}

impl Page {
    /// Whether any of it is a withdrawal.
    pub(super) fn takes_back(&self) -> bool {
        self.openings.iter().any(|opening| matches!(opening.says, Says::Withdraw(_)))
    }
}

impl Inner {
    pub(super) fn follow(&mut self, peer: Peer, logs: Vec<FollowConfig>) -> Result<(), NodeError> {
        for log in logs {
            let name = log.name.clone();
            self.sequencer.follow(log).map_err(|error| {
                NodeError::Start(format!("log `{name}` cannot be followed: {error}"))
            })?;
        }
        self.ground.peers.push(peer);
        Ok(())
    }

    /// Adds leaves. It is a transaction of its own, which nothing else waits for.
    pub(super) fn grow(
        &mut self,
        log: u8,
        note: &str,
        from: u64,
        leaves: &[Commitment],
        reply: &Reply<Result<Grown, GrowError>>,
    ) {
        let grown = self.sequencer.grow(log, note, from, leaves);
        let _ = reply.send(Ok(grown));
    }
}

/// What a withdrawal took along here.
struct Purged {
    /// Entries that were here.
    here: usize,
    /// Entries of this party's own that passed them on.
    onward: usize,
}

/// What a receipt says.
#[derive(Clone, Copy)]
struct Told {
    readers: Readers,
    onward: usize,
}

impl Decided {
    pub(crate) fn receive(
        &mut self,
        inner: &mut impl Stores,
        page: Page,
    ) -> Result<Received, NodeError> {
        let Page { from, log, openings, scanned, now } = page;
        let mut received = Received::default();
        for Judged { entry, sealed, header, says, readers } in openings {
            let place = position(entry);
            if self.is_here(inner, place)? {
                received.passed += 1;
                continue;
            }
            received.kept += 1;
            match says {
                Says::Share(version) => {
                    let uuid = version.admitted.uuid();
                    let alone = !inner.may_have(uuid);
                    let twins = self.twins(inner, &version)?;
                    inner.add_known(uuid);
                    self.open(entry, sealed, Planned::Share { version, alone });
                    self.arrive_once(inner, &from, place, &twins)?;
                }
                Says::Consent(of, parties) => {
                    let of = of.into_iter().map(|index| Position { log, index }).collect();
                    self.open(entry, sealed, Planned::Consent(of, parties));
                    self.come(OPENED, ArrivalOf::Old(entry));
                }
                Says::Withdraw(targets) => {
                    let targets: Vec<Position> =
                        targets.iter().map(|index| Position { log, index: *index }).collect();
                    let purged = self.purge_withdrawn(inner, &targets, now)?;
                    received.withdrawn += purged.here;
                    let leaf = sealed.commitment().leaf();
                    let planned = self.tombstones(inner, targets)?;
                    self.open(entry, sealed, Planned::Withdraw(planned));
                    self.come(OPENED, ArrivalOf::Old(entry));
                    let told = Told { readers, onward: purged.onward };
                    self.receipt(inner, &header, entry.index, &leaf, told, now)?;
                }
                Says::Receipt(withdrawals) => {
                    let log = Log::Shared.id();
                    let ours =
                        withdrawals.into_iter().map(|index| Position { log, index }).collect();
                    self.open(entry, sealed, Planned::Receipt(ours));
                    self.come(OPENED, ArrivalOf::Old(entry));
                }
                Says::Other => {
                    self.open(entry, sealed, Planned::Nothing);
                    self.come(OPENED, ArrivalOf::Old(entry));
                }
            }
        }
        self.scanned(log, scanned);
        Ok(received)
    }

    /// Whether an entry of a peer is kept here already, or was taken back before it came.
    fn is_here(&self, inner: &impl Stores, place: Position) -> Result<bool, NodeError> {
        if self.opens(entry_ref(place)) || self.is_taken_back(place) {
            return Ok(true);
        }
        let logs = inner.logs();
        let kept = logs.envelope_size(entry_ref(place))?.is_some();
        Ok((kept && !logs.planted(Mutant::ArrivesTwice))
            || (query::is_withdrawn(&*inner.view()?, place)? && !logs.planted(Mutant::Resurrects)))
    }

    /// Entries of a peer leave every collection, and are erased, with what was passed on of them.
    fn purge_withdrawn(
        &mut self,
        inner: &impl Stores,
        targets: &[Position],
        now: i64,
    ) -> Result<Purged, NodeError> {
        let (mut here, mut onward, mut left) = (0, Vec::new(), Vec::new());
        for target in targets {
            let held = query::collections_of(&*inner.view()?, *target)?;
            for collection in &held {
                if !self.left.contains(&(*collection, *target)) {
                    self.depart(*collection, *target);
                }
            }
            // What it came into within this group is left too: it has no body any more.
            here += usize::from(!held.is_empty() || self.opens(entry_ref(*target)));
            left.extend(self.vacated(inner, *target, &held)?);
            if inner.is_verified(*target) && !inner.logs().planted(Mutant::ReceiptAlone) {
                self.erase(*target);
            }
            if !inner.logs().planted(Mutant::OutlivesOrigin) {
                onward.extend(copies(inner, *target)?);
            }
        }
        if !inner.logs().planted(Mutant::OutlivesConsent) {
            onward.extend(self.not_consented_to(inner, targets)?);
        }
        onward.sort_unstable();
        onward.dedup();
        // An earlier withdrawal on the page may have taken it along: of the consent, and now of
        // the share.
        onward.retain(|copy| !self.is_taken_back(*copy));
        // What this party passed on falls with it.
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        self.withdraw_everywhere(inner, &onward, &author, now)?;
        self.succeed(inner, &left)?;
        Ok(Purged { here, onward: onward.len() })
    }

    /// Copies that were passed on by a word of their owner that is taken back now, and that what is
    /// left of his consent does not cover.
    fn not_consented_to(
        &self,
        inner: &impl Stores,
        targets: &[Position],
    ) -> Result<Vec<Position>, NodeError> {
        let view = inner.view()?;
        let going: BTreeSet<Position> = targets.iter().copied().collect();
        let (mut copies, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for target in targets {
            let Some(party) = peer::sharing(inner.peers(), *target) else { continue };
            let at = |index: u64| Position { log: target.log, index };
            // What names it falls also where the consent itself never came, or comes no more.
            let named = query::passed_on_by(&*view, party, target.index)?;
            copies.extend(named.into_iter().map(|(copy, of)| (at(of), copy)));
            for of in query::consented(&*view, *target)? {
                if seen.insert(of) {
                    let passed_on = query::passed_on(&*view, party, of.index)?;
                    copies.extend(passed_on.into_iter().map(|copy| (of, copy)));
                }
            }
        }
        let mut falling = Vec::new();
        for (of, copy) in copies {
            let reached: Vec<String> = query::recipients(&view, copy)?.into_iter().collect();
            if !query::is_covered(&*view, of, &reached, &going)? {
                falling.push(copy);
            }
        }
        Ok(falling)
    }

    /// What the view remembers of a withdrawal: all that it names, here or not. What comes later
    /// was withdrawn before.
    fn tombstones(
        &self,
        inner: &impl Stores,
        mut targets: Vec<Position>,
    ) -> Result<Vec<Position>, NodeError> {
        if inner.logs().planted(Mutant::ArrivalOrder) {
            let view = inner.view()?;
            let mut here = Vec::new();
            for target in targets {
                if query::stands(&view, target)? || self.opens(entry_ref(target)) {
                    here.push(target);
                }
            }
            targets = here;
        }
        Ok(targets)
    }

    /// Tells the owner that it is done, and what he wants to know of it.
    fn receipt(
        &mut self,
        inner: &impl Stores,
        withdrawal: &Header,
        index: u64,
        leaf: &[u8],
        told: Told,
        now: i64,
    ) -> Result<(), NodeError> {
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        let owner = withdrawal.origin.clone();
        let header = Header {
            created: Micros(now).to_string(),
            handling: withdrawal.handling.clone(),
            audience: Audience { rule: format!("party:{owner}"), parties: vec![owner.clone()] },
            refs: vec![reference_to(&owner, &withdrawal.log, index, leaf)],
            ..inner.headers().header(Log::Shared, Kind::Receipt, author)
        };
        // Keys are in no backup: what a copy of `log.db` still has of it opens nothing.
        let payload = serde_json::json!({
            "purged": ["keys.db", "log.db", "view.db"],
            "keys_in_backups": false,
            "readers": told.readers.callers,
            "readers_complete": told.readers.complete,
            "onward": told.onward,
        });
        let sealed = inner.entry(&header, payload.to_string().as_bytes())?;
        self.entry(Log::Shared.id(), sealed, Planned::Released(vec![owner], Shared::Receipt));
        Ok(())
    }

    fn open(&mut self, entry: EntryRef, sealed: Sealed, says: Planned) {
        self.push_opening(PendingOpening { entry, sealed }, says);
    }
}
