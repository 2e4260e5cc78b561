//! Entries and arrivals to rows. Each function says what it depends on; none of them can refuse.

mod arrival;
mod attest;
mod consent;
mod grant;
mod receipt;
pub(crate) mod release;
mod rival;
mod share;
mod withdraw;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use comity_wire::id::Uuid;
use comity_wire::time::Instant;
use rusqlite::Transaction;

use crate::Position;
use crate::store::{get_folded, set_folded};

/// An entry, reduced to what the fold needs.
#[derive(Debug)]
pub struct Folded<'a> {
    /// Where it stands.
    pub position: Position,
    /// What it does.
    pub effect: Effect<'a>,
}

/// What an entry does to the view.
#[derive(Debug)]
pub enum Effect<'a> {
    /// `share`: an object version is known.
    Share(ObjectFacts<'a>),
    /// `withdraw`: these entries say nothing any more.
    Withdraw(Vec<Position>),
    /// `receipt` of somebody else: he did what these withdrawals of ours ask for.
    Receipt(Vec<Position>),
    /// An entry of the log `shared`: something is for others.
    Released(Released<'a>),
    /// `grant` of somebody else that consents: these entries may be released onward.
    Consent(Consent<'a>),
    /// `record` with an attestation: these entries wait no longer.
    Attest(Vec<Position>),
    /// Nothing here: a kind that has no rows, an erased entry, or a void one.
    Nothing,
}

/// An entry of the log `shared`.
#[derive(Debug)]
pub struct Released<'a> {
    /// The parties that it was compiled for.
    pub audience: &'a [String],
    /// What it is.
    pub what: What<'a>,
}

/// What an entry of the log `shared` does.
#[derive(Debug)]
pub enum What<'a> {
    /// `share`: an object version that stands in no other entry.
    Object(ObjectFacts<'a>),
    /// `share`: what an entry of the log `private` holds, and goes on to hold.
    Copy(Position),
    /// `share`: what an entry of another party holds.
    Onward(&'a PassedOn),
    /// `grant`: the audience may open these entries, too.
    Grant(Vec<Position>),
    /// `grant` that consents: the audience may release these entries onward.
    Consent(Consent<'a>),
    /// `withdraw`: these entries say nothing any more.
    Withdraw(Vec<Position>),
    /// `receipt`: this party did what somebody else's withdrawal asks for.
    Receipt,
}

/// What passes on an entry of another party, by the names of entries in that party's log `shared`:
/// they say the same whether it is followed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOn {
    /// The other party.
    pub origin: String,
    /// The index of its entry.
    pub of: u64,
    /// The indices of what consents to it.
    pub consents: Vec<u64>,
}

/// The word of an owner that what is his may be released onward.
#[derive(Debug)]
pub struct Consent<'a> {
    /// The shared entries.
    pub of: Vec<Position>,
    /// The parties that they may be released to, at most.
    pub parties: &'a [String],
}

/// An object version, as far as queries and admission ask about it.
#[derive(Debug, Clone)]
pub struct ObjectFacts<'a> {
    /// The identifier as written.
    pub id: &'a str,
    /// The type.
    pub object_type: &'a str,
    /// The identifier's UUID.
    pub uuid: Uuid,
    /// The version as written; for an observable the time of its entry.
    pub version: &'a str,
    /// The instant of the version.
    pub instant: Instant,
    /// Whether the object has no versions of its own: a cyber-observable.
    pub unversioned: bool,
    /// When it was created.
    pub created: Option<Instant>,
    /// The identity that created it.
    pub created_by: Option<Uuid>,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// Whether it waits for an attestation.
    pub held_back: bool,
    /// When the entry expires, in microseconds since 1970.
    pub expires: Option<i64>,
    /// Whether it is certain that no other version of the object is known but by what is folded
    /// with it. It changes what the fold has to look up, not what comes out.
    pub alone: bool,
}

/// A line of the journal of arrivals: an entry came into a collection, or left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The number of the line, ascending.
    pub seq: i64,
    /// The number of the collection.
    pub collection: u32,
    /// The entry.
    pub position: Position,
    /// When it came or left, in microseconds since 1970; ascends within a collection.
    pub date_added: i64,
    /// Whether it left.
    pub gone: bool,
}

pub(crate) const FLAG_REVOKED: i64 = 1;
pub(crate) const FLAG_UNVERSIONED: i64 = 2;
pub(crate) const FLAG_HELD_BACK: i64 = 4;

/// A version that was folded just now, for the arrivals that are folded with it.
pub(crate) struct Fresh {
    key: i64,
    uuid: [u8; 16],
    object_type: i64,
    expires: Option<i64>,
    alone: bool,
}

/// Folds entries, and gives the versions among them, by ascending key.
pub(crate) fn entries(
    tx: &Transaction<'_>,
    types: &mut Vec<(String, i64)>,
    entries: &[Folded<'_>],
) -> rusqlite::Result<Vec<Fresh>> {
    let mut sizes: BTreeMap<u8, i64> = BTreeMap::new();
    let mut insert = share::Insert::prepare(tx)?;
    let mut fresh = Vec::with_capacity(entries.len());
    let mut removes = false;
    let several = several(entries);
    let alone =
        |facts: &ObjectFacts<'_>| facts.alone && several.binary_search(&facts.uuid.0).is_err();
    for entry in entries {
        if !entry.position.is_followed() && !advances(tx, &mut sizes, entry.position)? {
            continue;
        }
        match &entry.effect {
            Effect::Share(facts) => {
                let (position, alone) = (entry.position, alone(facts));
                fresh.extend(share::fold(tx, &mut insert, types, position, facts, alone)?);
            }
            Effect::Withdraw(targets) => {
                removes = true;
                withdraw::fold(tx, targets)?;
            }
            Effect::Consent(consent) => consent::fold(tx, entry.position, consent)?,
            Effect::Receipt(withdrawals) => receipt::fold(tx, entry.position, withdrawals)?,
            Effect::Released(released) => {
                release::fold(tx, entry.position, released)?;
                match &released.what {
                    What::Object(facts) => {
                        let (position, alone) = (entry.position, alone(facts));
                        fresh.extend(share::fold(tx, &mut insert, types, position, facts, alone)?);
                    }
                    What::Copy(_) | What::Onward(_) | What::Receipt => {}
                    What::Grant(targets) => grant::fold(tx, released.audience, targets)?,
                    What::Consent(consent) => consent::fold(tx, entry.position, consent)?,
                    What::Withdraw(targets) => {
                        removes = true;
                        withdraw::fold(tx, targets)?;
                    }
                }
            }
            Effect::Attest(targets) => attest::fold(tx, entry.position, targets)?,
            Effect::Nothing => {}
        }
    }
    for (log, size) in sizes {
        set_folded(tx, i64::from(log), size)?;
    }
    // What was removed again is looked up like anything else.
    if removes {
        fresh.clear();
    }
    Ok(fresh)
}

/// The objects that several of these entries give, in order. Who is alone was decided in another
/// order than that in which they are folded, and in which the first finds nobody: so none of them
/// counts as alone.
fn several(entries: &[Folded<'_>]) -> Vec<[u8; 16]> {
    let given = entries.iter().filter_map(|entry| match &entry.effect {
        Effect::Share(facts) | Effect::Released(Released { what: What::Object(facts), .. }) => {
            Some(facts.uuid.0)
        }
        _ => None,
    });
    let mut given: Vec<[u8; 16]> = given.collect();
    given.sort_unstable();
    let runs = given.chunk_by(|one, other| one == other).filter(|run| run.len() > 1);
    runs.filter_map(|run| run.first().copied()).collect()
}

/// Whether an entry of an own log is behind what is folded of it; then it counts from here on.
fn advances(
    tx: &Transaction<'_>,
    sizes: &mut BTreeMap<u8, i64>,
    position: Position,
) -> rusqlite::Result<bool> {
    let next = i64::try_from(position.index).unwrap_or(i64::MAX).saturating_add(1);
    let size = match sizes.entry(position.log) {
        Entry::Occupied(size) => size.into_mut(),
        Entry::Vacant(size) => size.insert(get_folded(tx, i64::from(position.log))?),
    };
    let advances = next > *size;
    *size = next.max(*size);
    Ok(advances)
}

/// Folds arrivals. `fresh` are versions that were folded in the same transaction.
pub(crate) fn arrivals(
    tx: &Transaction<'_>,
    arrivals: &[Arrival],
    fresh: &[Fresh],
) -> rusqlite::Result<()> {
    let Some(last) = arrivals.last() else {
        return Ok(());
    };
    let folded = get_folded(tx, crate::store::ARRIVALS)?;
    let mut changes = arrival::Changes::default();
    for arrival in arrivals.iter().filter(|arrival| arrival.seq > folded) {
        arrival::fold(tx, arrival, fresh, &mut changes)?;
    }
    changes.write(tx)?;
    set_folded(tx, crate::store::ARRIVALS, folded.max(last.seq))
}
