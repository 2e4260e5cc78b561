//! What has to hold of every machine, at every step, and now and then of all that it has.

use std::collections::BTreeMap;

use comity_node::bare::BareNode;
use comity_tlog::EntryRef;
use comity_tlog::merkle::Range;
use comity_wire::entry::Log;

use crate::world::World;
use crate::{Outcome, ensure};

impl World {
    /// Cheap enough for every step: heads and verified sizes do not fall, and no size has two
    /// roots (I5, I6).
    pub(crate) fn glance(&mut self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get_mut(who) else { return Ok(()) };
        let Some(node) = &mut machine.node else { return Ok(()) };
        for head in node.sequencer().heads() {
            self.truth.sees(who, head.log, head.size, head.root)?;
        }
        for log in machine.identity.follows() {
            self.truth.verifies(who, log.id, node.place(log.id).verified)?;
        }
        Ok(())
    }

    /// What was acknowledged is under the head, as it was (I8).
    pub(crate) fn kept_all(&self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        for (log, size, root) in self.truth.heads_of(who) {
            let mut range = Range::default();
            for leaf in machine.disk.commitments(log) {
                if range.size() == size {
                    break;
                }
                range.push(leaf.leaf_hash());
            }
            ensure(range.size() == size && range.root() == root, || {
                format!("log {log} of {who} had {size} leaves, and does not have them any more")
            })?;
        }
        self.stays_gone(who)
    }

    /// What a machine knows to be withdrawn is not on its disk (I3).
    pub(crate) fn stays_gone(&self, who: usize) -> Outcome {
        for target in self.truth.withdrawn.get(&who).into_iter().flatten() {
            ensure(!self.has(who, *target), || {
                format!("{who} has the body of {target:?}, which its owner withdrew")
            })?;
        }
        Ok(())
    }

    /// Looks a machine through: its view, its journal, and all that it can open.
    pub(crate) fn examine(&mut self, who: usize) -> Outcome {
        if self.turned(who) {
            return Ok(());
        }
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let Some(node) = &machine.node else { return Ok(()) };
        self.stays_gone(who)?;
        journal(&machine.disk.arrivals()).map_err(|broken| format!("{who}: {broken}"))?;
        for log in machine.identity.follows() {
            let mut range = Range::default();
            let leaves = machine.disk.commitments(log.id);
            let head = machine.disk.head(log.id);
            let (size, root) = head.map_or((0, range.root()), |head| (head.size, head.root));
            let verified = leaves.iter().take(usize::try_from(size).unwrap_or(usize::MAX));
            verified.for_each(|leaf| range.push(leaf.leaf_hash()));
            ensure(range.size() == size && range.root() == root, || {
                format!("{who} took a head of {} that its leaves do not give", log.name)
            })?;
        }
        let own = [Log::Shared, Log::Acts, Log::Private, Log::Audit].map(Log::id);
        let followed = machine.identity.follows().iter().map(|log| log.id);
        for log in own.into_iter().chain(followed) {
            for index in 0..machine.disk.size(log) {
                let opened = machine.disk.open_entry(EntryRef { log, index });
                let opened = opened.map_err(|entry| format!("{who}: {entry:?} does not open"))?;
                if let Some(envelope) = opened {
                    self.truth.may_have(who, machine.identity.party(), &envelope)?;
                }
            }
        }
        let (backwards, piece) = (self.random.chance(2), 1 + self.random.below(40));
        same_view(node, backwards, piece).map_err(|broken| format!("{who}: {broken}"))
    }
}

/// The view is that of a fold from nothing, in whatever pieces (I1).
fn same_view(node: &BareNode, backwards: bool, piece: u64) -> Outcome {
    let differences = node.refolded(backwards, piece).map_err(|error| error.to_string())?;
    ensure(differences.is_empty(), || {
        format!("folded in pieces of {piece}, backwards {backwards}: {differences:?}")
    })
}

/// An entry comes into a collection once, until it leaves it; lines have no gap.
fn journal(lines: &[comity_tlog::ArrivalRow]) -> Outcome {
    let mut inside: BTreeMap<(u32, EntryRef), bool> = BTreeMap::new();
    let mut last: BTreeMap<u32, i64> = BTreeMap::new();
    for (line, expected) in lines.iter().zip(1..) {
        let before = last.insert(line.collection, line.date_added);
        ensure(before.is_none_or(|before| before < line.date_added), || {
            format!("collection {}: `date_added` does not increase", line.collection)
        })?;
        ensure(line.seq == expected, || "the journal of arrivals has a gap".to_owned())?;
        let before = inside.insert((line.collection, line.entry), !line.gone).unwrap_or(false);
        ensure(line.gone || !before, || format!("{:?} arrived twice", line.entry))?;
    }
    Ok(())
}
