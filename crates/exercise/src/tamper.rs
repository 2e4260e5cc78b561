//! Answers, and what becomes of them on their way.

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::Standing;
use comity_node::sync::Ask;
use comity_wire::entry::{Kind, Log};
use comity_wire::release::{self, Opening};

use crate::deliver::header_of;
use crate::random::Random;
use crate::world::World;
use crate::{Outcome, ensure};

/// What was once sent, to be sent again.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    notes: BTreeMap<(usize, Log), Vec<Vec<u8>>>,
    openings: BTreeMap<(usize, usize, Log), Vec<Opening>>,
}

impl World {
    /// What a machine answers; nothing where it has none. It is checked before anybody has it.
    pub(crate) fn answer(
        &mut self,
        who: usize,
        asks: usize,
        log: Log,
        ask: &Ask,
    ) -> Outcome<Option<Vec<u8>>> {
        let Some(node) = self.machines.get(who).and_then(|machine| machine.node.as_ref()) else {
            return Ok(None);
        };
        let Some(party) = self.machines.get(asks).map(|one| one.identity.party().to_owned()) else {
            return Ok(None);
        };
        match ask {
            Ask::Checkpoint => Ok(node.checkpoint(log).map(|note| note.as_bytes().to_vec())),
            Ask::Bundle(path) => node.bundle(log, path).map_err(|error| error.to_string()),
            Ask::Release(from) => {
                let page = node.release_to(&party, log, *from);
                let page = page.map_err(|error| error.to_string())?;
                self.may_go(who, asks, &party, log, &page)?;
                if self.swarm.replay {
                    let kept = self.kept.openings.entry((who, asks, log)).or_default();
                    kept.extend(page.openings.iter().cloned());
                }
                Ok(Some(release::write(&page)))
            }
        }
    }

    /// Whether a page is for a party, by what is known of its openings and by what they say (I2).
    fn may_go(
        &self,
        who: usize,
        asks: usize,
        party: &str,
        log: Log,
        page: &release::Page,
    ) -> Outcome {
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let now = machine.node.as_ref().map_or(0, comity_node::bare::BareNode::now);
        let out = machine.identity.charter().standing(party, now) == Standing::Out;
        ensure(!out || page.openings.is_empty(), || format!("{party} is out, and is served"))?;
        for opening in &page.openings {
            self.truth.may_have(asks, party, &opening.envelope)?;
            let header = header_of(&opening.envelope).ok_or("an entry without a header")?;
            let named = header.audience.parties.iter().any(|one| one == party);
            // A share that was granted later names those that it was first for.
            ensure(named || log == Log::Acts || header.kind == Kind::Share, || {
                format!("{party} is served a {:?} that is not for it", header.kind)
            })?;
        }
        Ok(())
    }

    /// What arrives of an answer, and which openings are not as they were sent, or of another day.
    pub(crate) fn tampered(
        &mut self,
        who: usize,
        asks: usize,
        log: Log,
        ask: &Ask,
        mut octets: Vec<u8>,
    ) -> (Vec<u8>, BTreeSet<u64>) {
        let mut altered = BTreeSet::new();
        if self.swarm.garbage && self.random.chance(8) {
            octets = self.garbage(who, log, ask, octets);
        }
        if let (Ask::Release(from), Ok(page)) = (ask, release::parse(&octets)) {
            if self.swarm.poison && self.random.chance(4) {
                octets = self.poisoned(page, &mut altered);
            } else if self.swarm.replay && page.scanned_to > *from && self.random.chance(3) {
                octets = self.replayed(who, asks, log, page, &mut altered);
            }
        }
        if !altered.is_empty()
            && let Some(number) = self.number(asks, who, log)
        {
            self.trace
                .note(self.step, format_args!("{asks} is given other openings at {altered:?}"));
            self.truth.tampered.insert((asks, number));
        }
        (octets, altered)
    }

    fn garbage(&mut self, who: usize, log: Log, ask: &Ask, mut octets: Vec<u8>) -> Vec<u8> {
        let kept = self.kept.notes.entry((who, log)).or_default();
        if *ask == Ask::Checkpoint {
            kept.push(octets.clone());
        }
        match self.random.below(4) {
            0 if *ask == Ask::Checkpoint => self.random.pick(kept).cloned().unwrap_or_default(),
            1 => vec![0xff; self.random.place(2000)],
            2 => {
                octets.truncate(self.random.place(octets.len()));
                octets
            }
            // A page's octets are changed by poison, which says where.
            _ if matches!(ask, Ask::Release(_)) => absurd(&mut self.random),
            _ => {
                flip(&mut octets, &mut self.random);
                octets
            }
        }
    }

    /// One opening is changed, and one is added for a leaf that may not be there.
    fn poisoned(&mut self, mut page: release::Page, altered: &mut BTreeSet<u64>) -> Vec<u8> {
        let place = self.random.place(page.openings.len());
        if let Some(opening) = page.openings.get_mut(place) {
            flip(&mut opening.envelope, &mut self.random);
            altered.insert(opening.index);
        }
        release::write(&page)
    }

    /// What was sent once comes again, in front of the page: it may be withdrawn since.
    fn replayed(
        &mut self,
        who: usize,
        asks: usize,
        log: Log,
        mut page: release::Page,
        altered: &mut BTreeSet<u64>,
    ) -> Vec<u8> {
        let kept = self.kept.openings.entry((who, asks, log)).or_default();
        for _ in 0..4 {
            if let Some(opening) = self.random.pick(kept) {
                page.openings.insert(0, opening.clone());
                // Without the grant that it came with it may be set aside.
                altered.insert(opening.index);
            }
        }
        release::write(&page)
    }
}

fn flip(octets: &mut [u8], random: &mut Random) {
    let place = random.place(octets.len());
    if let Some(octet) = octets.get_mut(place) {
        *octet ^= 1 << random.below(8);
    }
}

/// A page that says what no page can: an entry at the end of all numbers.
fn absurd(random: &mut Random) -> Vec<u8> {
    let opening =
        Opening { index: u64::MAX - random.below(3), salt: [7; 32], envelope: vec![b'{'; 3000] };
    release::write(&release::Page { openings: vec![opening], scanned_to: 0 })
}
