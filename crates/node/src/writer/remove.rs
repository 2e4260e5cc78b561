//! Object versions leave a collection; what no collection holds any more is withdrawn.

use comity_tlog::commitment::LEAF_BYTES;
use comity_view::{Position, query};
use comity_wire::entry::{Author, Header, Kind, Log, Reference};
use comity_wire::time::Micros;

use crate::node::NodeError;
use crate::withdraw::Removed;
use crate::writer::Inner;
use crate::writer::decide::{Decided, Planned, entry_ref};

/// Entries that one `withdraw` names: a reference has some 150 octets, a header line 64 Ki.
const REFERENCES_MAX: usize = 300;

impl Decided {
    /// Decides a removal: departures, and one `withdraw` entry for what is held nowhere else.
    pub(super) fn remove(
        &mut self,
        inner: &Inner,
        collection: u32,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<Removed, NodeError> {
        let mut removed = Removed::default();
        let mut withdrawn: Vec<Position> = Vec::new();
        for position in positions {
            let collections = query::collections_of(&*inner.folder.view()?, *position)?;
            let held = |one: &u32| !self.left.contains(&(*one, *position));
            if !collections.iter().filter(|one| held(one)).any(|one| *one == collection) {
                continue;
            }
            let elsewhere =
                collections.iter().filter(|one| held(one)).any(|one| *one != collection);
            self.depart(collection, *position);
            removed.left += 1;
            // What a peer released is his to take back; here it leaves a collection, no more.
            if !elsewhere && !position.is_followed() && !self.arrives(*position) {
                self.erase(*position);
                withdrawn.push(*position);
            }
        }
        removed.withdrawn = withdrawn.len();
        self.withdraw(inner, &withdrawn, author, now)?;
        Ok(removed)
    }

    /// Looks for what has expired.
    pub(super) fn sweep(&mut self, inner: &Inner, now: i64, limit: usize) -> Result<(), NodeError> {
        let expired = query::expired(&*inner.folder.view()?, now, limit)?;
        if !expired.is_empty() {
            self.expire(inner, &expired, now)?;
        }
        // What is wrong with old records must not keep what expired, and comes up again.
        let before = self.mark();
        if self.retain(inner, now).is_err() {
            self.back_to(before);
        }
        Ok(())
    }

    /// Withdraws entries whose deadline has come, wherever they are held.
    pub(super) fn expire(
        &mut self,
        inner: &Inner,
        positions: &[Position],
        now: i64,
    ) -> Result<(), NodeError> {
        for position in positions {
            let collections = query::collections_of(&*inner.folder.view()?, *position)?;
            for collection in collections {
                if !self.left.contains(&(collection, *position)) {
                    self.depart(collection, *position);
                }
            }
            self.erase(*position);
        }
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        let (followed, own): (Vec<Position>, Vec<Position>) =
            positions.iter().partition(|position| position.is_followed());
        self.purge(inner, &followed, &author, now)?;
        self.withdraw(inner, &own, &author, now)
    }

    /// One `record` that entries of peers are purged here. Their owners need not be told: each log
    /// says itself when its entries end.
    fn purge(
        &mut self,
        inner: &Inner,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        for positions in positions.chunks(REFERENCES_MAX) {
            let mut refs = Vec::with_capacity(positions.len());
            for position in positions {
                let leaf = leaf(inner, *position)?;
                let of = inner.ground.peers.iter().find_map(|peer| {
                    Some((peer.party.as_str(), peer.log_of(position.log)?.name()))
                });
                // Of a peer that is not followed any more there is nothing to be folded.
                refs.extend(of.map(|(party, log)| reference(party, log, position.index, &leaf)));
            }
            let log = Log::Private;
            let header = Header {
                created: Micros(now).to_string(),
                refs,
                ..inner.headers.header(log, Kind::Record, author.clone())
            };
            let sealed = inner.surroundings.entry(&header, b"{\"purged\":\"expired\"}")?;
            self.entry(log.id(), sealed, Planned::Withdraw(positions.to_vec()));
        }
        Ok(())
    }

    /// One `withdraw` entry for entries of one log.
    fn withdraw(
        &mut self,
        inner: &Inner,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        for positions in positions.chunks(REFERENCES_MAX) {
            let refs = positions
                .iter()
                .map(|position| own_reference(inner, *position))
                .collect::<Result<_, _>>()?;
            let log = Log::Private;
            let header = Header {
                created: Micros(now).to_string(),
                refs,
                ..inner.headers.header(log, Kind::Withdraw, author.clone())
            };
            let sealed = inner.surroundings.entry(&header, b"{}")?;
            self.entry(log.id(), sealed, Planned::Withdraw(positions.to_vec()));
        }
        Ok(())
    }
}

impl Decided {
    /// Notes that somebody attests an entry that waits for it.
    pub(super) fn attest(
        &mut self,
        inner: &Inner,
        position: Position,
        by: &Author,
        created: &str,
    ) -> Result<(), NodeError> {
        let header = Header {
            created: created.to_owned(),
            refs: vec![own_reference(inner, position)?],
            attested: Some(by.clone()),
            ..inner.headers.header(Log::Private, Kind::Record, by.clone())
        };
        let sealed = inner.surroundings.entry(&header, b"{}")?;
        self.entry(Log::Private.id(), sealed, Planned::Attest(vec![position]));
        Ok(())
    }
}

/// Names an entry of any log, by its leaf.
pub(super) fn reference(origin: &str, log: &str, index: u64, leaf: &[u8]) -> Reference {
    let leaf = leaf.iter().map(|octet| format!("{octet:02x}")).collect();
    Reference { origin: origin.to_owned(), log: log.to_owned(), index, leaf }
}

fn own_reference(inner: &Inner, position: Position) -> Result<Reference, NodeError> {
    let leaf = leaf(inner, position)?;
    let log = Log::from_id(position.log).map_or("", Log::name);
    Ok(reference(&inner.headers.party, log, position.index, &leaf))
}

fn leaf(inner: &Inner, position: Position) -> Result<[u8; LEAF_BYTES], NodeError> {
    let commitment = inner
        .log
        .commitment(entry_ref(position))
        .map_err(|error| NodeError::Storage(error.to_string()))?
        .ok_or_else(|| NodeError::Storage("an entry to withdraw has no leaf".to_owned()))?;
    Ok(commitment.leaf())
}
