//! A party that wishes the others ill, from some step on: it has keys of its own and a log of its
//! own, and says with them what it likes.
//!
//! Its log is forked as logs are: a second disk, a second node, the same keys. Each reader is
//! answered from one of the branches, and now and then from the other. What is void by what it says
//! is in its logs for good, since it was signed, and is served to everybody.

use std::collections::BTreeSet;

use comity_charter::Tlp;
use comity_node::bare::{BareNode, DESK};
use comity_node::sync::Ask;
use comity_tlog::Hash;
use comity_tlog::commitment::Commitment;
use comity_tlog::storage::memory::MemoryDisk;
use comity_tlog::tile::{TILE_WIDTH, push_record};
use comity_wire::entry::{Kind, Log};
use comity_wire::release::{self, Opening};

use crate::Outcome;
use crate::act::author;
use crate::body::PARTIES;
use crate::network::{Message, Said};
use crate::random::Random;
use crate::truth::Object;
use crate::world::World;

/// Parties of which one may turn: those that are members all along.
const MEMBERS: usize = 4;

/// Void entries of a flood.
const FLOOD: u64 = 40;

/// What a hostile party has.
#[derive(Debug)]
pub(crate) struct Hostile {
    pub(crate) who: usize,
    from: u64,
    until: u64,
    branch: Option<Branch>,
    /// Void entries that are served, wherever they stand.
    void: Vec<(Log, Opening)>,
    /// All void envelopes that it ever signed, or may have.
    pub(crate) signed: BTreeSet<Vec<u8>>,
    /// Who is cleared, and given nothing.
    starves: usize,
    flooded: bool,
    /// Who was shown two roots of one size, of which log of his.
    pub(crate) contradicted: BTreeSet<(usize, u8)>,
    /// Readers that were ever answered from the second branch.
    pub(crate) misled: BTreeSet<usize>,
}

/// The second branch of its logs.
#[derive(Debug)]
struct Branch {
    disk: MemoryDisk,
    node: BareNode,
    readers: BTreeSet<usize>,
}

impl Hostile {
    pub(crate) fn draw(random: &mut Random) -> Hostile {
        let (who, from) = (random.place(MEMBERS), 20 + random.below(100));
        let until = from + 60 + random.below(150);
        let starves = (who + 1 + random.place(PARTIES.len() - 1)) % PARTIES.len();
        let (branch, void, signed, flooded) = (None, Vec::new(), BTreeSet::new(), false);
        let (contradicted, misled) = (BTreeSet::new(), BTreeSet::new());
        Hostile { who, from, until, branch, void, signed, starves, flooded, contradicted, misled }
    }

    pub(crate) fn set_now(&mut self, now: i64) {
        if let Some(branch) = &mut self.branch {
            branch.node.set_now(now);
        }
    }
}

impl World {
    /// Whether a party is hostile by now. What its own machine is like is nobody's concern then.
    pub(crate) fn turned(&self, who: usize) -> bool {
        self.hostile.as_ref().is_some_and(|one| one.who == who && self.step >= one.from)
    }

    fn lies_now(&self, who: usize) -> bool {
        self.turned(who) && self.hostile.as_ref().is_some_and(|one| self.step < one.until)
    }

    fn branch_for(&self, who: usize, asks: usize) -> Option<&Branch> {
        let hostile = self.hostile.as_ref().filter(|hostile| hostile.who == who)?;
        hostile.branch.as_ref().filter(|branch| branch.readers.contains(&asks))
    }

    /// Whether somebody is answered from the second branch of a hostile party's logs.
    pub(crate) fn is_on_branch(&self, who: usize, asks: usize) -> bool {
        self.branch_for(who, asks).is_some()
    }

    /// The node that answers somebody for a machine.
    pub(crate) fn serving(&self, who: usize, asks: usize) -> Option<&BareNode> {
        let node = self.machines.get(who)?.node.as_ref()?;
        Some(self.branch_for(who, asks).map_or(node, |branch| &branch.node))
    }

    pub(crate) fn mischief(&mut self) -> Outcome {
        let Some(who) = self.hostile.as_ref().map(|hostile| hostile.who) else { return Ok(()) };
        if !self.lies_now(who) || !self.is_up(who) || !self.random.chance(3) {
            return Ok(());
        }
        match self.random.below(9) {
            0 | 1 => self.fork(who),
            2 | 3 => self.act_on_branch(who),
            4 | 5 => {
                let many = 1 + self.random.below(3);
                self.void(who, many)
            }
            6 => self.flood(who),
            7 => self.mislead(who),
            _ => self.claim(who),
        }
    }

    /// One log becomes two. Both branches grow by one entry, so that one size has two roots.
    fn fork(&mut self, who: usize) -> Outcome {
        let readers = (0..PARTIES.len()).filter(|one| *one != who && self.random.chance(2));
        let readers: BTreeSet<usize> = readers.collect();
        let mut draws = self.random.fork();
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        if self.hostile.as_ref().is_none_or(|hostile| hostile.branch.is_some()) {
            return Ok(());
        }
        let (disk, now) = (machine.disk.copied(), self.now + machine.skew);
        let draw = Box::new(move |octets: &mut [u8]| draws.fill(octets));
        let mut node = BareNode::open(&disk, &machine.identity, now, draw, None)
            .map_err(|error| error.to_string())?;
        node.act(Kind::Accept, b"{\"charter\":\"EXERCISE, branch\"}", &author())
            .map_err(|error| error.to_string())?;
        self.trace.note(self.step, format_args!("{who} forks its logs for {readers:?}"));
        self.counts.add("hostile: logs forked");
        if let Some(hostile) = &mut self.hostile {
            hostile.misled.extend(&readers);
            hostile.branch = Some(Branch { disk, node, readers });
        }
        self.state(who)?;
        self.ring_branch(who);
        Ok(())
    }

    /// Somebody is answered from the other branch from now on.
    fn mislead(&mut self, who: usize) -> Outcome {
        let reader = self.random.place(PARTIES.len());
        let Some(hostile) = &mut self.hostile else { return Ok(()) };
        let Some(branch) = hostile.branch.as_mut().filter(|_| reader != who) else {
            return Ok(());
        };
        if !branch.readers.remove(&reader) {
            branch.readers.insert(reader);
        }
        hostile.misled.insert(reader);
        self.counts.add("hostile: reader moved to another branch");
        self.trace.note(self.step, format_args!("{reader} sees another branch of {who}"));
        self.ring_branch(who);
        Ok(())
    }

    fn act_on_branch(&mut self, who: usize) -> Outcome {
        let (what, marker) = (self.random.below(3), self.truth.objects.len() as u64);
        let Some(hostile) = &mut self.hostile else { return Ok(()) };
        let Some(Branch { node, .. }) = &mut hostile.branch else { return Ok(()) };
        let desk = node.held(DESK).map_err(|error| error.to_string())?;
        let own: Vec<_> = desk.into_iter().filter(|one| !one.is_followed()).collect();
        let done = match what {
            0 => node.act(Kind::Accept, b"{\"charter\":\"EXERCISE, again\"}", &author()),
            1 => {
                let object = Object { marker, id: marker, by: who };
                self.truth.objects.push(object);
                let rule = "tier:member";
                self.truth.releases(marker, &node.compile(rule, Tlp::Green));
                node.post(&object.json(), &author()).and_then(|_| {
                    let of = node.held(DESK)?.into_iter().rfind(|one| !one.is_followed());
                    of.map_or(Ok(()), |of| node.share(of, rule, Tlp::Green, &author()).map(drop))
                })
            }
            _ => match self.random.pick(&own) {
                Some(of) => node.withdraw(&[*of], &author()).map(drop),
                None => Ok(()),
            },
        };
        done.map_err(|error| format!("the second branch: {error}"))?;
        self.trace.note(self.step, format_args!("{who} acts {what} on its second branch"));
        self.ring_branch(who);
        Ok(())
    }

    fn ring_branch(&mut self, who: usize) {
        let branch = self.hostile.as_ref().and_then(|hostile| hostile.branch.as_ref());
        let Some(branch) = branch else { return };
        let notes = [Log::Shared, Log::Acts].map(|log| {
            let note = branch.node.checkpoint(log).unwrap_or_default().to_owned();
            Said::Rings { log, note }
        });
        for to in branch.readers.clone() {
            for said in notes.clone() {
                self.sends(Message { from: who, to, said });
            }
        }
    }

    fn flood(&mut self, who: usize) -> Outcome {
        match &mut self.hostile {
            Some(hostile) if !hostile.flooded => hostile.flooded = true,
            _ => return Ok(()),
        }
        self.counts.add("hostile: flood of void entries");
        self.void(who, FLOOD)
    }

    /// Signs entries that are void by what they say.
    fn void(&mut self, who: usize, many: u64) -> Outcome {
        let on_branch = self.random.chance(2);
        let log = if self.random.chance(5) { Log::Acts } else { Log::Shared };
        let made: Vec<Vec<u8>> = (0..many).filter_map(|_| self.void_entry(who, log)).collect();
        if let Some(hostile) = &mut self.hostile {
            // A commit that fails may be there.
            hostile.signed.extend(made.iter().cloned());
        }
        let appended = match &mut self.hostile {
            Some(Hostile { branch: Some(branch), .. }) if on_branch => {
                branch.node.appends(log, made)
            }
            _ => match self.machines.get_mut(who).and_then(|one| one.node.as_mut()) {
                Some(node) => node.appends(log, made),
                None => return Ok(()),
            },
        };
        if let Some(openings) = self.concluded(who, "signs void entries", appended)? {
            self.counts.some("hostile: void entry signed", openings.len() as u64);
            if let Some(hostile) = &mut self.hostile {
                hostile.void.extend(openings.into_iter().map(|opening| (log, opening)));
            }
        }
        self.ring_branch(who);
        Ok(())
    }

    /// Signs a checkpoint of a tree that there is not: smaller, of the same size, or larger.
    fn forged(&mut self, who: usize, asks: usize, log: Log) -> Option<String> {
        let mut root = [0; 32];
        self.random.fill(&mut root);
        let (way, by) = (self.random.below(3), 1 + self.random.below(3));
        let note = self.serving(who, asks)?.checkpoint(log)?;
        let size = size_of(note);
        let (what, size) = match way {
            0 => ("hostile: smaller size signed", size.saturating_sub(by)),
            1 => ("hostile: second root signed", size),
            _ => ("hostile: checkpoint without its leaves", size + by),
        };
        self.counts.add(what);
        self.machines.get(who)?.identity.signs(log, size, Hash(root)).ok()
    }

    fn claim(&mut self, who: usize) -> Outcome {
        let to = self.random.place(PARTIES.len());
        let log = if self.random.chance(2) { Log::Shared } else { Log::Acts };
        if to == who {
            return Ok(());
        }
        if let Some(note) = self.forged(who, to, log) {
            self.sends(Message { from: who, to, said: Said::Rings { log, note } });
        }
        Ok(())
    }

    /// What a hostile party makes of an answer.
    pub(crate) fn lies(
        &mut self,
        who: usize,
        asks: usize,
        log: Log,
        ask: &Ask,
        answer: Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        if !self.turned(who) {
            return answer;
        }
        let now = self.lies_now(who);
        match (ask, answer) {
            (Ask::Checkpoint, answer) if now && self.random.chance(8) => {
                self.forged(who, asks, log).map(String::into_bytes).or(answer)
            }
            // Whoever follows a forged checkpoint is given leaves.
            (Ask::Bundle(path), None) => {
                let mut bundle = Vec::new();
                for _ in 0..path.width.min(TILE_WIDTH) {
                    let mut leaf = [0; 32];
                    self.random.fill(&mut leaf);
                    push_record(&mut bundle, &Commitment(leaf));
                }
                Some(bundle)
            }
            (Ask::Release(from), Some(octets)) => {
                let Ok(mut page) = release::parse(&octets) else { return Some(octets) };
                if now && self.hostile.as_ref().is_some_and(|hostile| hostile.starves == asks) {
                    self.counts.some("hostile: opening withheld", page.openings.len() as u64);
                    page.openings.clear();
                }
                self.with_void(&mut page, log, *from);
                Some(release::write(&page))
            }
            (_, answer) => answer,
        }
    }

    /// Puts the void entries between the others that are looked through.
    fn with_void(&mut self, page: &mut release::Page, log: Log, from: u64) {
        let Some(hostile) = &self.hostile else { return };
        for (of, opening) in &hostile.void {
            if *of == log && (from..page.scanned_to).contains(&opening.index) {
                let place = self.random.place(page.openings.len() + 1);
                page.openings.insert(place, opening.clone());
            }
        }
    }

    /// It tells no more lies; what it signed stays.
    pub(crate) fn repents(&mut self) {
        if let Some(hostile) = &mut self.hostile {
            hostile.until = 0;
        }
    }

    /// Disks of the second branch are no machine's; whoever ends a story lets go of them.
    pub(crate) fn end_branch(&mut self) {
        let branch = self.hostile.as_mut().and_then(|hostile| hostile.branch.take());
        if let Some(Branch { node, disk, .. }) = branch {
            node.end();
            drop(disk);
        }
    }
}

fn size_of(note: &str) -> u64 {
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}
