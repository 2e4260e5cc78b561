//! Object versions that several entries give with different content: somebody says one thing under
//! an id and a `modified`, and somebody else another. All are kept, and none is preferred; the
//! receiving collections serve the one that arrived first, and people are told.
//!
//! Which entries give one version the view knows. Whether they say the same is in their bodies.
//! Each is read once, one after the other, and a digest of what it says is kept in memory as long
//! as it has rivals: an entry never changes. Whoever asks only whether there is a conflict has his
//! answer with the second content.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_view::query::{self, Rival};
use comity_view::{Position, Queries};
use comity_wire::id::Id;
use comity_wire::{canonical, entry};
use serde::Serialize;

use crate::node::{Node, NodeError};
use crate::peer::Peer;
use crate::writer::decide::entry_ref;

/// What is read for one look at the metrics, or at the status: what is left over is compared with
/// the next. It takes less than a second, and no scrape waits for another.
const READ_AT_ONCE: Budget = Budget { bodies: 2_000, octets: 64 << 20 };

/// What is read for whoever wants to have it all.
const READ_ALL: Budget = Budget { bodies: usize::MAX, octets: usize::MAX };

/// Entries that are looked at: six parties that share one large feed. Some 60 MB while they are
/// listed, of which 15 MB stay: their digests. Beyond, conflicts may be missed, and no more than
/// that.
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

/// How much may yet be read.
#[derive(Debug, Clone, Copy)]
struct Budget {
    bodies: usize,
    octets: usize,
}

impl Budget {
    /// Takes a body from it, if there is anything left: what is begun may go beyond the octets.
    fn take(&mut self) -> bool {
        let left = self.bodies > 0 && self.octets > 0;
        self.bodies = self.bodies.saturating_sub(1);
        left
    }
}

type Digest = [u8; 32];

/// Digests of what entries say, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Compared(Mutex<BTreeMap<Position, Digest>>);

impl Compared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Position, Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all entries but these.
    fn keep<'a>(&self, entries: impl Iterator<Item = &'a Position>) {
        let mut digests = self.lock();
        let mut before = std::mem::take(&mut *digests);
        digests.extend(entries.filter_map(|entry| before.remove_entry(entry)));
    }

    fn known(&self, entry: Position) -> Option<Digest> {
        self.lock().get(&entry).copied()
    }

    /// Whether entries are known to differ, once a budget is spent on it. `read` gives what an
    /// entry says, and nothing for one that was erased meanwhile.
    fn differ(
        &self,
        entries: &[Position],
        budget: &mut Budget,
        mut read: impl FnMut(Position) -> Result<Option<Vec<u8>>, NodeError>,
    ) -> Result<bool, NodeError> {
        let mut first = None;
        let mut is_another = |digest: Digest| *first.get_or_insert(digest) != digest;
        let mut unknown = Vec::new();
        for entry in entries {
            match self.known(*entry) {
                Some(digest) if is_another(digest) => return Ok(true),
                Some(_) => {}
                None => unknown.push(*entry),
            }
        }
        for entry in unknown {
            if !budget.take() {
                break;
            }
            if self.read(entry, budget, &mut read)?.is_some_and(&mut is_another) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing is held while it is read.
    fn read(
        &self,
        entry: Position,
        budget: &mut Budget,
        read: &mut impl FnMut(Position) -> Result<Option<Vec<u8>>, NodeError>,
    ) -> Result<Option<Digest>, NodeError> {
        let Some(object) = read(entry)? else { return Ok(None) };
        budget.octets = budget.octets.saturating_sub(object.len());
        let digest = canonical::digest(&object);
        self.lock().insert(entry, digest);
        Ok(Some(digest))
    }

    /// Which content each entry has, by a number. One that was erased meanwhile is left out.
    fn contents(
        &self,
        entries: &[Position],
        mut read: impl FnMut(Position) -> Result<Option<Vec<u8>>, NodeError>,
    ) -> Result<Vec<(Position, usize)>, NodeError> {
        let mut numbers: BTreeMap<Digest, usize> = BTreeMap::new();
        let mut contents = Vec::with_capacity(entries.len());
        let mut budget = READ_ALL;
        for entry in entries {
            let digest = match self.known(*entry) {
                Some(digest) => Some(digest),
                None => self.read(*entry, &mut budget, &mut read)?,
            };
            let Some(digest) = digest else { continue };
            let next = numbers.len();
            contents.push((*entry, *numbers.entry(digest).or_insert(next)));
        }
        Ok(contents)
    }
}

impl Node {
    /// Object versions with more than one content, those that are listed, and how many there are.
    pub fn conflicts(&self) -> Result<(Vec<Conflict>, usize), NodeError> {
        let conflicting = self.compare(READ_ALL)?;
        let (mut conflicts, peers) = (Vec::new(), self.peers()?);
        for group in conflicting.iter().take(LISTED_MAX) {
            conflicts.extend(self.conflict(group, &peers)?);
        }
        Ok((conflicts, conflicting.len()))
    }

    /// How many object versions are known to have more than one content. What came just now may not
    /// be compared yet.
    pub fn conflicts_counted(&self) -> Result<usize, NodeError> {
        Ok(self.compare(READ_AT_ONCE)?.len())
    }

    /// The groups of entries that differ, as far as they are known when a budget is spent.
    fn compare(&self, mut budget: Budget) -> Result<Vec<Vec<Rival>>, NodeError> {
        let rivals = self.ask(|connections| Ok(query::rivals(&connections.view, RIVALS_MAX)?))?;
        self.compared.keep(rivals.iter().map(|rival| &rival.position));
        let mut conflicting = Vec::new();
        for group in groups(rivals) {
            let entries: Vec<Position> = group.iter().map(|one| one.position).collect();
            if self.compared.differ(&entries, &mut budget, |entry| self.said(entry))? {
                conflicting.push(group);
            }
        }
        Ok(conflicting)
    }

    /// The object that an entry holds.
    fn said(&self, position: Position) -> Result<Option<Vec<u8>>, NodeError> {
        let opened =
            self.ask(|connections| Ok(connections.log.open_entry(entry_ref(position))?))?;
        let split = opened.as_deref().and_then(|envelope| entry::split(envelope).ok());
        Ok(split.map(|(_, object)| object.to_vec()))
    }

    fn conflict(&self, group: &[Rival], peers: &[Peer]) -> Result<Option<Conflict>, NodeError> {
        let entries: Vec<Position> = group.iter().map(|one| one.position).collect();
        let contents = self.compared.contents(&entries, |entry| self.said(entry))?;
        let several = contents.iter().any(|(_, content)| *content > 0);
        let Some(first) = group.first().filter(|_| several) else { return Ok(None) };
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
            let (arrived, served) =
                self.ask(|connections| arrival(&connections.view, position, everything))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u64) -> Vec<Position> {
        (0..count).map(|index| Position { log: 16, index }).collect()
    }

    /// Looks once, and says whether they differ and how many bodies were read for it.
    fn look(
        compared: &Compared,
        entries: &[Position],
        mut budget: Budget,
        says: impl Fn(u64) -> String,
    ) -> (bool, usize) {
        let mut reads = 0;
        compared.keep(entries.iter());
        let differ = compared.differ(entries, &mut budget, |entry| {
            reads += 1;
            Ok(Some(says(entry.index).into_bytes()))
        });
        (differ.unwrap(), reads)
    }

    #[test]
    fn the_second_content_is_a_conflict_however_many_there_are() {
        let (compared, all) = (Compared::default(), entries(100_000));
        let says = |index: u64| format!("{{\"a\":{index}}}");
        assert_eq!(look(&compared, &all, READ_AT_ONCE, says), (true, 2));
        assert_eq!(look(&compared, &all, READ_AT_ONCE, says), (true, 0));
        // Without one of the two, another is read.
        assert_eq!(look(&compared, &all[1..], READ_AT_ONCE, says), (true, 1));
        let contents = compared.contents(&all[1..50], |entry| Ok(Some(says(entry.index).into())));
        assert_eq!(contents.unwrap().last(), Some(&(all[49], 48)));
    }

    #[test]
    fn what_is_equal_is_read_once_as_far_as_a_look_goes() {
        let (compared, all) = (Compared::default(), entries(5_001));
        let spaced = |index: u64| {
            if index.is_multiple_of(2) {
                "{\"a\":1}".to_owned()
            } else {
                "{ \"a\" : 1.0 }".to_owned()
            }
        };
        let last = |index: u64| if index == 5_000 { "{}".to_owned() } else { spaced(index) };
        assert_eq!(look(&compared, &all[..5_000], READ_AT_ONCE, last), (false, 2_000));
        assert_eq!(look(&compared, &all[..5_000], READ_AT_ONCE, last), (false, 2_000));
        assert_eq!(look(&compared, &all[..5_000], READ_AT_ONCE, last), (false, 1_000));
        assert_eq!(look(&compared, &all[..5_000], READ_AT_ONCE, last), (false, 0));
        // One more costs one more.
        assert_eq!(look(&compared, &all, READ_AT_ONCE, last), (true, 1));
    }

    #[test]
    fn large_bodies_are_read_some_at_a_time_and_no_digest_is_kept_in_vain() {
        let (compared, all) = (Compared::default(), entries(10));
        let budget = Budget { bodies: 100, octets: 1_000 };
        let large = |_| format!("\"{}\"", "x".repeat(400));
        assert_eq!(look(&compared, &all, budget, large), (false, 3));
        assert_eq!(look(&compared, &all, budget, large), (false, 3));
        assert_eq!(compared.lock().len(), 6);
        assert_eq!(look(&compared, &all[4..], budget, large), (false, 3));
        assert_eq!(compared.lock().len(), 5);
        assert_eq!(look(&compared, &[], budget, large), (false, 0));
        assert!(compared.lock().is_empty());
    }
}
