//! Object versions that several entries give with different content: somebody says one thing under
//! an id and a `modified`, and somebody else another. All are kept, and none is preferred; the
//! receiving collections serve the one that arrived first, and people are told.
//!
//! Which entries give one version the view knows. Whether they say the same is in their bodies,
//! which are compared once for each set of entries: an entry never changes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use comity_tlog::Reader;
use comity_view::query::{self, Rival};
use comity_view::{Position, Queries};
use comity_wire::id::Id;
use comity_wire::{canonical, entry};
use serde::Serialize;

use crate::node::{Node, NodeError};
use crate::query::Connections;
use crate::writer::decide::entry_ref;

/// Bodies that are opened for one look at the metrics: what is left over is compared with the next.
const OPENED_FOR_METRICS_MAX: usize = 2_000;

/// Entries that are looked at: six parties that share one large feed. Some 20 MB while they are
/// compared; beyond, conflicts may be missed, and no more than that.
const RIVALS_MAX: usize = 200_000;

/// Conflicts that are listed one by one; all are counted.
pub const LISTED_MAX: usize = 1_000;

/// An object version with more than one content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The object.
    pub id: String,
    /// The version.
    pub version: String,
    /// The entries that give it.
    pub claims: Vec<Claim>,
}

/// An entry that gives an object version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The party whose entry it is.
    pub origin: String,
    /// Its log.
    pub log: &'static str,
    /// Its index there.
    pub index: u64,
    /// Which of the contents it has: equal numbers, equal content.
    pub content: usize,
    /// When it came, in microseconds since 1970.
    pub arrived: i64,
    /// Whether it is the one that `received` serves.
    pub served: bool,
}

/// What came of comparisons, by the entries that were compared.
#[derive(Debug, Default)]
pub(crate) struct Compared(Mutex<BTreeMap<Vec<Position>, bool>>);

impl Node {
    /// Object versions with more than one content, those that are listed, and how many there are.
    pub fn conflicts(&self) -> Result<(Vec<Conflict>, usize), NodeError> {
        let mut conflicts = Vec::new();
        let conflicting = self.compare(usize::MAX)?;
        for group in conflicting.iter().take(LISTED_MAX) {
            conflicts.extend(self.ask(|connections| self.conflict(connections, group))?);
        }
        Ok((conflicts, conflicting.len()))
    }

    /// How many object versions are known to have more than one content. What came just now may not
    /// be compared yet.
    pub(crate) fn conflicts_counted(&self) -> Result<usize, NodeError> {
        Ok(self.compare(OPENED_FOR_METRICS_MAX)?.len())
    }

    /// Compares what was not compared, opening so many bodies at most. Gives the groups of entries
    /// that differ, as far as they are known.
    fn compare(&self, opened_max: usize) -> Result<Vec<Vec<Rival>>, NodeError> {
        let groups =
            self.ask(|connections| Ok(groups(query::rivals(&connections.view, RIVALS_MAX)?)))?;
        let mut compared = self.compared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *compared);
        let (mut opened, mut conflicting) = (0_usize, Vec::new());
        for group in groups {
            let entries: Vec<Position> = group.iter().map(|one| one.position).collect();
            let differ = match before.remove(&entries) {
                Some(known) => known,
                None if opened.saturating_add(entries.len()) > opened_max => continue,
                None => {
                    opened += entries.len();
                    self.ask(|connections| Ok(contents(&connections.log, &entries)?.1 > 1))?
                }
            };
            compared.insert(entries, differ);
            if differ {
                conflicting.push(group);
            }
        }
        Ok(conflicting)
    }

    fn conflict(
        &self,
        connections: &Connections,
        group: &[Rival],
    ) -> Result<Option<Conflict>, NodeError> {
        let entries: Vec<Position> = group.iter().map(|one| one.position).collect();
        let (contents, several) = contents(&connections.log, &entries)?;
        let Some(first) = group.first().filter(|_| several > 1) else { return Ok(None) };
        let peers = self.peers()?;
        let everything = peers.first().map(|peer| peer.everything);
        let mut claims = Vec::with_capacity(entries.len());
        for (position, content) in contents {
            let of = peers
                .iter()
                .find_map(|peer| Some((peer.party.clone(), peer.log_of(position.log)?.name())));
            let own = || {
                let log = comity_wire::entry::Log::from_id(position.log)?;
                Some((self.config().party.clone(), log.name()))
            };
            let Some((origin, log)) = of.or_else(own) else { continue };
            let (arrived, served) = arrival(&connections.view, position, everything)?;
            let index = position.index;
            claims.push(Claim { origin, log, index, content, arrived, served });
        }
        claims.sort_by_key(|claim| (claim.arrived, claim.index));
        let id = Id { object_type: &first.object_type, uuid: first.uuid };
        Ok(Some(Conflict { id: id.to_string(), version: first.version.clone(), claims }))
    }
}

fn arrival(
    view: &Queries,
    position: Position,
    everything: Option<u32>,
) -> Result<(i64, bool), NodeError> {
    let arrivals = query::arrivals_of(view, position)?;
    let served = arrivals.iter().any(|(collection, _)| Some(*collection) == everything);
    Ok((arrivals.iter().map(|(_, at)| *at).min().unwrap_or(0), served))
}

/// Entries that give one version each; those of one version together.
fn groups(rivals: Vec<Rival>) -> Vec<Vec<Rival>> {
    let mut groups: Vec<Vec<Rival>> = Vec::new();
    for rival in rivals {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|first| is_same(first, &rival)) => {
                group.push(rival);
            }
            _ => groups.push(vec![rival]),
        }
    }
    groups
}

fn is_same(one: &Rival, other: &Rival) -> bool {
    (&one.object_type, one.uuid, &one.instant) == (&other.object_type, other.uuid, &other.instant)
}

/// Which content each entry has, by a number, and how many there are. One that was erased meanwhile
/// is left out.
fn contents(
    log: &Reader,
    entries: &[Position],
) -> Result<(Vec<(Position, usize)>, usize), NodeError> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut contents = Vec::with_capacity(entries.len());
    for position in entries {
        let envelope = log.open_entry(entry_ref(*position))?;
        let Some(envelope) = envelope else { continue };
        let Ok((_, object)) = entry::split(&envelope) else { continue };
        let known = bodies.iter().position(|body| canonical::equal(body, object));
        let number = known.unwrap_or(bodies.len());
        if known.is_none() {
            bodies.push(object.to_vec());
        }
        contents.push((*position, number));
    }
    Ok((contents, bodies.len()))
}
