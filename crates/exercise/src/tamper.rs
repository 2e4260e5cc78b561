//! Answers, and what becomes of them on their way.

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::Standing;
use comity_node::sync::Ask;
use comity_wire::entry::{Kind, Log};
use comity_wire::release::{self, Opening};

use crate::body::{CHANGE, CHANGES, HOUR, PARTIES};
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

impl Kept {
    /// The openings that one sent another.
    pub(crate) fn sent(&self, from: usize, to: usize, log: Log) -> &[Opening] {
        self.openings.get(&(from, to, log)).map_or(&[], Vec::as_slice)
    }
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
        let Some(node) = self.serving(who, asks) else { return Ok(None) };
        let Some(party) = self.machines.get(asks).map(|one| one.identity.party().to_owned()) else {
            return Ok(None);
        };
        let answer = match ask {
            Ask::Checkpoint => node.checkpoint(log).map(|note| note.as_bytes().to_vec()),
            Ask::Bundle(path) => node.bundle(log, path).map_err(|error| error.to_string())?,
            Ask::Release(from) => {
                let page = node.release_to(&party, log, *from);
                let page = page.map_err(|error| error.to_string())?;
                if !self.turned(who) {
                    self.may_go(who, asks, &party, log, &page)?;
                }
                self.near_a_change(asks, &page);
                if self.swarm.replay {
                    let kept = self.kept.openings.entry((who, asks, log)).or_default();
                    kept.extend(page.openings.iter().cloned());
                }
                Some(release::write(&page))
            }
        };
        self.sees_sent(asks, who, log, ask, answer.as_deref());
        Ok(self.lies(who, asks, log, ask, answer))
    }

    /// Counts what is asked for by somebody who has just joined or left.
    fn near_a_change(&mut self, asks: usize, page: &release::Page) {
        for (change, party) in CHANGES.into_iter().zip(CHANGE) {
            let near = self.now >= change && self.now - change < HOUR;
            if near && PARTIES.get(asks).is_some_and(|one| *one == party) {
                self.counts.some("opening for whom joined an hour ago", page.openings.len() as u64);
                self.counts.add("page asked for within an hour of joining or leaving");
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
        // What is drawn for one answer changes nothing of what is drawn later.
        let random = &mut self.random.fork();
        // Which opening is changed depends on how many there are.
        if self.spared(asks) {
            return (octets, altered);
        }
        if self.swarm.garbage && random.chance(8) {
            octets = self.garbage(who, log, ask, octets, random);
            self.counts.add("answer changed");
        }
        if let (Ask::Release(from), Ok(page)) = (ask, release::parse(&octets)) {
            if self.swarm.poison && random.chance(4) {
                octets = poisoned(page, &mut altered, random);
            } else if self.swarm.replay && page.scanned_to > *from && random.chance(3) {
                octets = self.replayed((who, asks, log), page, &mut altered, random);
            }
        }
        if !altered.is_empty()
            && let Some(number) = self.number(asks, who, log)
        {
            self.counts.some("opening changed, or of another day", altered.len() as u64);
            self.trace
                .note(self.step, format_args!("{asks} is given other openings at {altered:?}"));
            self.truth.tampered.insert((asks, number));
        }
        (octets, altered)
    }

    fn garbage(
        &mut self,
        who: usize,
        log: Log,
        ask: &Ask,
        mut octets: Vec<u8>,
        random: &mut Random,
    ) -> Vec<u8> {
        let kept = self.kept.notes.entry((who, log)).or_default();
        if *ask == Ask::Checkpoint {
            kept.push(octets.clone());
        }
        match random.below(4) {
            0 if *ask == Ask::Checkpoint => random.pick(kept).cloned().unwrap_or_default(),
            1 => vec![0xff; random.place(2000)],
            2 => {
                octets.truncate(random.place(octets.len()));
                octets
            }
            // A page's octets are changed by poison, which says where.
            _ if matches!(ask, Ask::Release(_)) => absurd(random),
            _ => {
                flip(&mut octets, random);
                octets
            }
        }
    }

    /// What was sent once comes again, in front of the page: it may be withdrawn since.
    fn replayed(
        &mut self,
        way: (usize, usize, Log),
        mut page: release::Page,
        altered: &mut BTreeSet<u64>,
        random: &mut Random,
    ) -> Vec<u8> {
        let kept = self.kept.openings.entry(way).or_default();
        for _ in 0..4 {
            if let Some(opening) = random.pick(kept) {
                page.openings.insert(0, opening.clone());
                // Without the grant that it came with it may be set aside.
                altered.insert(opening.index);
            }
        }
        release::write(&page)
    }
}

/// One opening is changed.
fn poisoned(mut page: release::Page, altered: &mut BTreeSet<u64>, random: &mut Random) -> Vec<u8> {
    let place = random.place(page.openings.len());
    if let Some(opening) = page.openings.get_mut(place) {
        flip(&mut opening.envelope, random);
        altered.insert(opening.index);
    }
    release::write(&page)
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
