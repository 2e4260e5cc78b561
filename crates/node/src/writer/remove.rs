//! Object versions leave a collection; what no collection holds any more is withdrawn.

use std::collections::BTreeMap;

use comity_tlog::commitment::LEAF_BYTES;
use comity_view::{Position, query};
use comity_wire::entry::{Audience, Author, Header, Kind, Log, Reference};
use comity_wire::limits::HEADER_BYTES_MAX;
use comity_wire::time::Micros;

use crate::node::NodeError;
use crate::peer::Peer;
use crate::stores::{Logs as _, Stores};
use crate::withdraw::Removed;
use crate::writer::decide::{Decided, Planned, Shared, entry_ref};
use crate::writer::receive::OPENED;
use crate::writer::share::copies;

/// Entries that one `withdraw` names: a reference has some 150 octets, a header line 64 Ki.
const REFERENCES_MAX: usize = 300;

/// Octets of a header besides its references and parties: names, times, hashes.
const HEADER_OCTETS: usize = 1024;

/// Octets of a reference besides the name of its party.
const REFERENCE_OCTETS: usize = 170;

/// How many references fit into a header with these parties.
pub(super) fn references_max(origin: &str, parties: &[String]) -> usize {
    let parties: usize = parties.iter().map(|party| party.len() + 3).sum();
    let left = HEADER_BYTES_MAX.saturating_sub(HEADER_OCTETS + parties);
    (left / (REFERENCE_OCTETS + origin.len())).clamp(1, REFERENCES_MAX)
}

impl Decided {
    /// Decides a removal: departures, and one `withdraw` entry for what is held nowhere else.
    pub(crate) fn remove(
        &mut self,
        inner: &impl Stores,
        collection: u32,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<Removed, NodeError> {
        let mut removed = Removed::default();
        let mut withdrawn: Vec<Position> = Vec::new();
        for position in positions {
            let collections = query::collections_of(&*inner.view()?, *position)?;
            let held = |one: &u32| !self.left.contains(&(*one, *position));
            if !collections.iter().filter(|one| held(one)).any(|one| *one == collection) {
                continue;
            }
            let others: Vec<u32> = collections
                .iter()
                .filter(|one| held(one) && **one != collection)
                .copied()
                .collect();
            self.depart(collection, *position);
            removed.left += 1;
            if position.is_followed() {
                // What a peer released is his to take back; here it leaves a collection. What this
                // party passed on of it goes with the last of its own that held it.
                if others.iter().all(|one| is_receiving(inner, *one)) {
                    for copy in copies(inner, *position)? {
                        self.take_back(inner, copy, &mut withdrawn)?;
                    }
                }
            } else if others.is_empty() && !self.arrives(*position) {
                self.take_back(inner, *position, &mut withdrawn)?;
            }
        }
        removed.withdrawn = withdrawn.len();
        self.withdraw(inner, &withdrawn, author, now)?;
        Ok(removed)
    }

    /// Looks for what has expired.
    pub(crate) fn sweep(
        &mut self,
        inner: &impl Stores,
        now: i64,
        limit: usize,
    ) -> Result<(), NodeError> {
        let expired = query::expired(&*inner.view()?, now, limit)?;
        if !expired.is_empty() {
            self.expire(inner, &expired, now)?;
        }
        Ok(())
    }

    /// Withdraws entries whose deadline has come, wherever they are held.
    pub(super) fn expire(
        &mut self,
        inner: &impl Stores,
        positions: &[Position],
        now: i64,
    ) -> Result<(), NodeError> {
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        self.withdraw_everywhere(inner, positions, &author, now).map(|_| ())
    }

    /// Withdraws entries, whichever collections hold them.
    pub(crate) fn withdraw_everywhere(
        &mut self,
        inner: &impl Stores,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<Removed, NodeError> {
        let (mut removed, mut withdrawn, mut left) = (Removed::default(), Vec::new(), Vec::new());
        for position in positions {
            let collections = query::collections_of(&*inner.view()?, *position)?;
            for collection in &collections {
                if !self.left.contains(&(*collection, *position)) {
                    self.depart(*collection, *position);
                    removed.left += 1;
                }
            }
            if position.is_followed() {
                left.extend(self.vacated(inner, *position, &collections)?);
            }
            self.take_back(inner, *position, &mut withdrawn)?;
        }
        removed.withdrawn = withdrawn.len();
        self.withdraw(inner, &withdrawn, author, now)?;
        self.succeed(inner, &left)?;
        Ok(removed)
    }

    /// One `record` that entries of peers are purged here. Their owners need not be told: each log
    /// says itself when its entries end.
    fn purge(
        &mut self,
        inner: &impl Stores,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        for positions in positions.chunks(REFERENCES_MAX) {
            let mut refs = Vec::with_capacity(positions.len());
            for position in positions {
                // Of a peer that is not followed any more there is nothing to be folded.
                refs.extend(reference_of_peer(inner, *position)?);
            }
            let log = Log::Private;
            let header = Header {
                created: Micros(now).to_string(),
                refs,
                ..inner.headers().header(log, Kind::Record, author.clone())
            };
            let sealed = inner.entry(&header, b"{\"purged\":\"expired\"}")?;
            self.entry(log.id(), sealed, Planned::Withdraw(positions.to_vec()));
        }
        Ok(())
    }

    /// Erases an entry, and what was shared of it: copies fall with it.
    fn take_back(
        &mut self,
        inner: &impl Stores,
        position: Position,
        withdrawn: &mut Vec<Position>,
    ) -> Result<(), NodeError> {
        if position.log != Log::Shared.id() {
            for copy in copies(inner, position)? {
                if self.is_taken_back(copy) {
                    continue;
                }
                self.erase(copy);
                withdrawn.push(copy);
            }
        }
        self.erase(position);
        withdrawn.push(position);
        Ok(())
    }

    /// Tells of what is erased, in the log that it stands in: of private entries nobody, of shared
    /// ones exactly those who could open them. Whoever else heard of it would learn that there was
    /// something, so entries with other recipients are told of apart.
    fn withdraw(
        &mut self,
        inner: &impl Stores,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        let mut groups: BTreeMap<(u8, Vec<String>), Vec<Position>> = BTreeMap::new();
        for position in positions {
            let mut recipients = Vec::new();
            if position.log == Log::Shared.id() {
                let reached = query::recipients(&*inner.view()?, *position)?;
                recipients.extend(reached);
            }
            groups.entry((position.log, recipients)).or_default().push(*position);
        }
        for ((log, recipients), positions) in groups {
            if log >= Position::FOLLOWED_MIN {
                self.purge(inner, &positions, author, now)?;
                continue;
            }
            let max = references_max(&inner.headers().party, &recipients);
            for positions in positions.chunks(max) {
                self.withdraw_some(inner, log, &recipients, positions, author, now)?;
            }
        }
        Ok(())
    }

    /// One `withdraw` entry for entries of one log with the same recipients.
    fn withdraw_some(
        &mut self,
        inner: &impl Stores,
        log: u8,
        recipients: &[String],
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        let named = Log::from_id(log).unwrap_or(Log::Private);
        let mut header = Header {
            created: Micros(now).to_string(),
            refs: references(inner, positions)?,
            ..inner.headers().header(named, Kind::Withdraw, author.clone())
        };
        let planned = if named == Log::Shared {
            let parties = recipients.to_vec();
            header.audience = Audience { rule: RECIPIENTS.to_owned(), parties };
            Planned::Released(recipients.to_vec(), Shared::Withdraw(positions.to_vec()))
        } else {
            Planned::Withdraw(positions.to_vec())
        };
        let sealed = inner.entry(&header, b"{}")?;
        self.entry(log, sealed, planned);
        Ok(())
    }
}

impl Decided {
    /// Whether a collection of this party's own holds an entry of a peer, as of this group.
    pub(super) fn is_adopted(
        &self,
        inner: &impl Stores,
        entry: Position,
    ) -> Result<bool, NodeError> {
        let held = query::collections_of(&*inner.view()?, entry)?;
        let own = |one: &u32| !is_receiving(inner, *one) && !self.left.contains(&(*one, entry));
        Ok(held.iter().any(own))
    }

    /// Takes back what was passed on of entries of peers that no collection of this party's own
    /// holds any more.
    pub(super) fn let_go(
        &mut self,
        inner: &impl Stores,
        entries: &[Position],
        now: i64,
    ) -> Result<(), NodeError> {
        let mut falling = Vec::new();
        for entry in entries {
            if !self.is_adopted(inner, *entry)? {
                falling.extend(copies(inner, *entry)?);
            }
        }
        falling.retain(|copy| !self.is_taken_back(*copy));
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        self.withdraw_everywhere(inner, &falling, &author, now).map(|_| ())
    }
}

/// Whether a collection is one in which what peers release arrives.
fn is_receiving(inner: &impl Stores, collection: u32) -> bool {
    let receives = |peer: &Peer| [peer.everything, peer.collection].contains(&collection);
    collection == OPENED || inner.peers().iter().any(receives)
}

/// What the audience of a withdrawal says instead of a rule: it is not compiled from one.
const RECIPIENTS: &str = "recipients";

impl Decided {
    /// Notes that somebody attests an entry that waits for it.
    pub(super) fn attest(
        &mut self,
        inner: &impl Stores,
        position: Position,
        by: &Author,
        created: &str,
    ) -> Result<(), NodeError> {
        let header = Header {
            created: created.to_owned(),
            refs: vec![reference(inner, position)?],
            attested: Some(by.clone()),
            ..inner.headers().header(Log::Private, Kind::Record, by.clone())
        };
        let sealed = inner.entry(&header, b"{}")?;
        self.entry(Log::Private.id(), sealed, Planned::Attest(vec![position]));
        Ok(())
    }
}

/// Names an entry of any log, by its leaf.
pub(crate) fn reference_to(origin: &str, log: &str, index: u64, leaf: &[u8]) -> Reference {
    let leaf = leaf.iter().map(|octet| format!("{octet:02x}")).collect();
    Reference { origin: origin.to_owned(), log: log.to_owned(), index, leaf }
}

/// References to several own entries, in their order.
pub(super) fn references(
    inner: &impl Stores,
    positions: &[Position],
) -> Result<Vec<Reference>, NodeError> {
    positions.iter().map(|position| reference(inner, *position)).collect()
}

pub(super) fn reference(inner: &impl Stores, position: Position) -> Result<Reference, NodeError> {
    let leaf = leaf(inner, position)?;
    let log = Log::from_id(position.log).map_or("", Log::name);
    Ok(reference_to(&inner.headers().party, log, position.index, &leaf))
}

/// The same for an entry of a peer; nothing where the peer is not followed any more.
pub(super) fn reference_of_peer(
    inner: &impl Stores,
    position: Position,
) -> Result<Option<Reference>, NodeError> {
    let leaf = leaf(inner, position)?;
    let of = inner
        .peers()
        .iter()
        .find_map(|peer| Some((peer.party.as_str(), peer.log_of(position.log)?.name())));
    Ok(of.map(|(party, log)| reference_to(party, log, position.index, &leaf)))
}

fn leaf(inner: &impl Stores, position: Position) -> Result<[u8; LEAF_BYTES], NodeError> {
    let commitment = inner
        .logs()
        .commitment(entry_ref(position))?
        .ok_or_else(|| NodeError::Storage("an entry to withdraw has no leaf".to_owned()))?;
    Ok(commitment.leaf())
}
