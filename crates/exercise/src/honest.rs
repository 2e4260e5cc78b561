//! What has to hold of the others while one party is hostile: nothing void is kept, two roots of
//! one size are told of, and nothing holds up what is good.

use std::collections::BTreeSet;

use comity_tlog::{Checkpoint, EntryRef};
use comity_wire::entry::Log;
use comity_wire::release::Opening;

use crate::body::PARTIES;
use crate::world::World;
use crate::{Outcome, ensure};

impl World {
    /// Which party's log stands at a machine under a number.
    pub(crate) fn owner(&self, who: usize, number: u8) -> Option<usize> {
        let (peer, _) = self.machines.get(who)?.whose(number)?;
        PARTIES.iter().position(|party| *party == peer.party)
    }

    /// The openings of a hostile party's page that nobody has to keep: those that are void, and
    /// those of another branch than the one that is followed.
    pub(crate) fn bad(&self, who: usize, number: u8, openings: &[Opening]) -> BTreeSet<u64> {
        if !self.owner(who, number).is_some_and(|of| self.turned(of)) {
            return BTreeSet::new();
        }
        let bad = openings
            .iter()
            .filter(|one| self.is_void(&one.envelope) || !self.opens(who, number, one));
        bad.map(|one| one.index).collect()
    }

    /// Whether a hostile party has something void at an index of its `shared`.
    pub(crate) fn is_signed_void(&self, who: usize, index: u64) -> bool {
        let entry = EntryRef { log: Log::Shared.id(), index };
        let opened = self.machines.get(who).and_then(|one| one.disk.open_entry(entry).ok()?);
        self.turned(who) && opened.is_some_and(|envelope| self.is_void(&envelope))
    }

    fn is_void(&self, envelope: &[u8]) -> bool {
        self.hostile.as_ref().is_some_and(|hostile| hostile.signed.contains(envelope))
    }

    fn opens(&self, who: usize, number: u8, opening: &Opening) -> bool {
        let entry = EntryRef { log: number, index: opening.index };
        let leaf = self.machines.get(who).and_then(|machine| machine.disk.commitment(entry));
        let salt = comity_tlog::commitment::Salt(opening.salt);
        leaf.is_some_and(|leaf| leaf.opens(&salt, &opening.envelope))
    }

    /// Nothing of a void entry is kept.
    pub(crate) fn none_void(&mut self, who: usize, number: u8, openings: &[Opening]) -> Outcome {
        if !self.owner(who, number).is_some_and(|of| self.turned(of)) {
            return Ok(());
        }
        for opening in openings {
            if !self.is_void(&opening.envelope) || !self.opens(who, number, opening) {
                continue;
            }
            self.counts.add("hostile: void entry shown");
            let position = comity_view::Position { log: number, index: opening.index };
            ensure(!self.has(who, position), || {
                format!("{who} keeps {position:?}, which is void by what it says")
            })?;
        }
        Ok(())
    }

    /// Whether a signed note is of the size that a machine has verified, with another root.
    pub(crate) fn contradicts(&self, who: usize, number: u8, note: &str) -> bool {
        let Some(machine) = self.machines.get(who) else { return false };
        let log = machine.identity.follows().iter().find(|log| log.id == number);
        let said = log.and_then(|log| Checkpoint::open(note.as_bytes(), &log.verifier).ok());
        let head = machine.disk.head(number);
        said.zip(head).is_some_and(|(said, head)| said.size == head.size && said.root != head.root)
    }

    /// At the end the honest show each other the heads that they have of the hostile party's logs.
    /// Whoever sees two roots of one size says so, and stays with what he had.
    pub(crate) fn exchange_heads(&mut self) -> Outcome {
        let Some(of) = self.hostile.as_ref().map(|hostile| hostile.who) else { return Ok(()) };
        for log in [Log::Shared, Log::Acts] {
            for (one, other) in pairs(of) {
                let Some(number) = self.number(one, of, log) else { continue };
                let Some(shown) = self.number(other, of, log) else { continue };
                let head = self.machines.get(other).and_then(|machine| machine.disk.head(shown));
                let Some(head) = head else { continue };
                if !self.contradicts(one, number, &head.note) {
                    continue;
                }
                let before = self.machines.get(one).and_then(|machine| machine.disk.head(number));
                ensure(!self.grow(one, number, &head.note, head.size, &[])?, || {
                    format!("{one} is shown another root of {log:?} of {of}, and says nothing")
                })?;
                let after = self.machines.get(one).and_then(|machine| machine.disk.head(number));
                ensure(before == after, || format!("{one} takes the head that {other} shows it"))?;
                self.counts.add("hostile: heads of two readers contradict each other");
                // Here both have what convicts the log: a proof that is kept is to be asked for.
            }
        }
        Ok(())
    }

    /// Whoever was always answered from the first branch, and never saw a second root, has all of
    /// it: what is void, or forged, delays nothing but itself.
    pub(crate) fn not_held_up(&self, who: usize) -> Outcome {
        let Some(hostile) = &self.hostile else { return Ok(()) };
        if who == hostile.who || hostile.misled.contains(&who) {
            return Ok(());
        }
        for log in [Log::Shared, Log::Acts] {
            let Some(number) = self.number(who, hostile.who, log) else { continue };
            let Some(node) = self.machines.get(who).and_then(|one| one.node.as_ref()) else {
                continue;
            };
            let owner = self.machines.get(hostile.who);
            let size = owner.map_or(0, |machine| machine.disk.size(log.id()));
            ensure(
                node.place(number).verified == size
                    || hostile.contradicted.contains(&(who, number)),
                || format!("{who} has not all leaves of {log:?}, of which it saw one branch alone"),
            )?;
        }
        Ok(())
    }
}

/// The honest, two by two.
fn pairs(hostile: usize) -> impl Iterator<Item = (usize, usize)> {
    let honest = move || (0..PARTIES.len()).filter(move |one| *one != hostile);
    honest().flat_map(move |one| honest().filter(move |other| *other != one).map(move |b| (one, b)))
}
