//! The same heads and the same openings come to the same, in whatever order they are opened (I1):
//! told to two new nodes, in two orders.

use std::collections::{BTreeMap, BTreeSet};

use comity_node::bare::BareNode;
use comity_tlog::EntryRef;
use comity_tlog::storage::memory::MemoryDisk;
use comity_view::Position;
use comity_wire::entry::Kind;
use comity_wire::release::{Opening, Page};

use crate::deliver::header_of;
use crate::truth::marker_in;
use crate::world::World;
use crate::{Outcome, ensure};

/// Openings that stand on one page, in this order: a grant and what it opens, or one.
type Group = Vec<Opening>;

/// Under this number the journal notes what came into no collection: an object version that all of
/// them serve by another entry.
const NOTED: u32 = 0;

/// What the entries of the others come to: which are here, and the collections that hold them. Of
/// two that give one version of an object a collection holds the first that came: their collections
/// are those of the version.
#[derive(Debug, Default, PartialEq, Eq)]
struct Comes {
    here: BTreeSet<Position>,
    held: BTreeMap<Held, BTreeSet<u32>>,
}

/// The marker of an object version, or an entry that holds none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Version(u64),
    Entry(Position),
}

impl World {
    /// Opens to two new nodes all that a machine was ever given and that is remembered.
    pub(crate) fn in_any_order(&mut self, who: usize) -> Outcome {
        if self.turned(who) {
            return Ok(());
        }
        let mut groups = self.groups(who);
        let one = self.anew(who, &groups)?;
        for place in (1..groups.len()).rev() {
            let other = self.random.place(place + 1);
            groups.swap(place, other);
        }
        let other = self.anew(who, &groups)?;
        self.counts.add("openings taken in another order");
        let here: Vec<_> = one.here.symmetric_difference(&other.here).collect();
        ensure(here.is_empty(), || format!("{here:?} is here in one order alone, at {who}"))?;
        let differs = one.held.iter().find(|(held, comes)| other.held.get(held) != Some(comes));
        ensure(one == other, || {
            let after = differs.and_then(|(held, _)| other.held.get(held));
            format!("in one order {differs:?}, in another {after:?}, at {who}")
        })
    }

    /// Everything that was opened to a machine, by log, in the order of the logs.
    fn groups(&self, who: usize) -> Vec<(u8, Group)> {
        let Some(machine) = self.machines.get(who) else { return Vec::new() };
        let mut groups = Vec::new();
        for followed in machine.identity.follows() {
            let Some((_, log)) = machine.whose(followed.id) else { continue };
            let Some(of) = self.owner(who, followed.id) else { continue };
            let mut known: BTreeMap<u64, Opening> = BTreeMap::new();
            for opening in self.kept.sent(of, who, log) {
                known.insert(opening.index, opening.clone());
            }
            for index in 0..machine.disk.size(followed.id) {
                let entry = EntryRef { log: followed.id, index };
                let opened = machine.disk.open_entry(entry).ok().flatten();
                if let Some((envelope, salt)) = opened.zip(machine.disk.salt(entry)) {
                    known.insert(index, Opening { index, salt: salt.0, envelope });
                }
            }
            groups.extend(grouped(&known, machine.identity.party(), followed.id));
        }
        groups
    }

    /// A new node of a party, that is told of the heads that a machine has, and is opened some.
    fn anew(&mut self, who: usize, groups: &[(u8, Group)]) -> Outcome<Comes> {
        let (mut draws, disk) = (self.random.fork(), MemoryDisk::default());
        let machine = self.machines.get(who).ok_or("no such machine")?;
        let identity = &machine.identity;
        let draw = Box::new(move |octets: &mut [u8]| draws.fill(octets));
        let node = BareNode::open(&disk, identity, self.now, draw, self.plant.node);
        let mut node = node.map_err(|error| error.to_string())?;
        for log in identity.follows() {
            let Some(head) = machine.disk.head(log.id) else { continue };
            let size = usize::try_from(head.size).unwrap_or(usize::MAX);
            let leaves: Vec<_> = machine.disk.commitments(log.id).into_iter().take(size).collect();
            node.grow(log.id, &head.note, 0, &leaves).map_err(|error| error.to_string())?;
        }
        for (number, group) in groups {
            let Some((peer, log)) = machine.whose(*number) else { continue };
            let page = Page { openings: group.clone(), scanned_to: machine.disk.size(*number) };
            node.receive(peer, log, page).map_err(|error| error.to_string())?;
        }
        let mut comes = Comes::default();
        for log in identity.follows() {
            for index in 0..disk.size(log.id) {
                let position = Position { log: log.id, index };
                let mut held = node.collections_of(position).map_err(|error| error.to_string())?;
                let envelope = disk.open_entry(EntryRef { log: log.id, index }).ok().flatten();
                if envelope.is_some() {
                    comes.here.insert(position);
                }
                let marker = envelope.as_deref().and_then(marker_in);
                if marker.is_some() {
                    held.retain(|collection| *collection != NOTED);
                }
                let of = marker.map_or(Held::Entry(position), Held::Version);
                comes.held.entry(of).or_default().extend(held);
            }
        }
        node.end();
        Ok(comes)
    }
}

/// What a party was given of a log, in groups. A share that was for others stands behind each grant
/// that opens it, and nowhere else.
fn grouped(known: &BTreeMap<u64, Opening>, party: &str, number: u8) -> Vec<(u8, Group)> {
    let headers: BTreeMap<u64, _> = known
        .iter()
        .filter_map(|(index, opening)| Some((*index, header_of(&opening.envelope)?)))
        .collect();
    let mut groups = Vec::new();
    let named = |index: &u64| {
        headers.get(index).is_some_and(|header| {
            header.kind != Kind::Share || header.audience.parties.iter().any(|one| one == party)
        })
    };
    let granted: BTreeSet<u64> = headers.keys().filter(|index| !named(index)).copied().collect();
    for (index, header) in headers.iter().filter(|(index, _)| named(index)) {
        let mut group: Group = known.get(index).cloned().into_iter().collect();
        if header.kind == Kind::Grant {
            let refs = header.refs.iter().map(|one| one.index).filter(|one| granted.contains(one));
            group.extend(refs.filter_map(|one| known.get(&one).cloned()));
        }
        groups.push((number, group));
    }
    groups
}
