//! What people at a node do, and what a node does by itself.

use comity_charter::Tlp;
use comity_node::NodeError;
use comity_node::bare::{DESK, RECEIVED};
use comity_node::collection::ReleaseRule;
use comity_view::Position;
use comity_wire::entry::{Author, Kind, Log};

use crate::body::{CHANGES, HOUR, PARTIES};
use crate::onward::shared_at;
use crate::random::Random;
use crate::truth::{Object, marker_in};
use crate::world::World;
use crate::{Outcome, ensure};

/// Days that a desk keeps what is posted, where all is to expire soon.
const SOON_DAYS: u32 = 1;

/// The same, else.
const DAYS: u32 = 30;

pub(crate) fn author() -> Author {
    Author { role: "releaser".to_owned(), pseudonym: "u-exercise".to_owned() }
}

pub(crate) fn rule(random: &mut Random) -> String {
    match random.below(4) {
        0 => "tier:member".to_owned(),
        1 => format!("tier:member - party:{}", random.pick(&PARTIES).copied().unwrap_or_default()),
        _ => format!("party:{}", random.pick(&PARTIES).copied().unwrap_or_default()),
    }
}

impl World {
    pub(crate) fn act(&mut self, who: usize) -> Outcome {
        if CHANGES.iter().any(|change| (self.now - change).abs() < HOUR) {
            self.counts.add("act within an hour of a change of standing");
        }
        match self.random.below(20) {
            0..6 => self.post(who),
            6..11 => self.share(who),
            11 | 12 => self.grant(who),
            13 | 14 => self.withdraw(who),
            15 => self.remove(who),
            16 | 17 => self.adopt(who),
            18 => self.state(who),
            _ => self.sweep(who),
        }
    }

    /// What an act came to. A failure of the disk is none of the story; that content stands in its
    /// words would be.
    pub(crate) fn concluded<T>(
        &mut self,
        who: usize,
        what: &str,
        result: Result<T, NodeError>,
    ) -> Outcome<Option<T>> {
        match result {
            Ok(done) => {
                self.trace.note(self.step, format_args!("{who} {what}"));
                Ok(Some(done))
            }
            Err(error) => {
                if matches!(error, NodeError::Full) {
                    self.counts.add("disk full");
                }
                let error = error.to_string();
                self.trace.note(self.step, format_args!("{who} {what}: {error}"));
                ensure(marker_in(error.as_bytes()).is_none(), || format!("told: {error}"))?;
                let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
                if node.is_some_and(comity_node::bare::BareNode::is_dead) {
                    self.stopped(who);
                }
                Ok(None)
            }
        }
    }

    pub(crate) fn held(&self, who: usize, collection: u32) -> Vec<Position> {
        let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
        let mut held = node.and_then(|node| node.held(collection).ok()).unwrap_or_default();
        // What a hostile party put into its acts is no object to the others.
        held.retain(|one| one.log != Log::Acts.id() && !self.is_secret(who, *one));
        held
    }

    fn own(&mut self, who: usize) -> Option<Position> {
        let mut held = self.held(who, DESK);
        held.retain(|position| !position.is_followed());
        self.random.pick(&held).copied()
    }

    pub(crate) fn marker_at(&self, who: usize, position: Position) -> Option<u64> {
        let entry = comity_tlog::EntryRef { log: position.log, index: position.index };
        marker_in(&self.machines.get(who)?.disk.open_entry(entry).ok()??)
    }

    /// A new object, a new version of one that somebody has, or one that was posted before.
    fn object(&mut self, who: usize) -> Object {
        let (marker, earlier) = (self.truth.objects.len() as u64, self.random.chance(4));
        let known = self.random.pick(&self.truth.objects).copied().filter(|_| earlier);
        match known {
            Some(object) if object.by == who && self.random.chance(2) => object,
            other => {
                let id = other.map_or(marker, |object| object.id);
                let object = Object { marker, id, by: who };
                self.truth.objects.push(object);
                object
            }
        }
    }

    fn post(&mut self, who: usize) -> Outcome {
        let object = self.object(who);
        let days = if self.swarm.expiry { SOON_DAYS } else { DAYS };
        let rule = rule(&mut self.random);
        let direct = self.swarm.direct && self.random.chance(3);
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let (tlp, author) = (Tlp::Green, author());
        if direct {
            self.truth.releases(object.marker, &node.compile(&rule, tlp));
        }
        let release = direct.then(|| ReleaseRule {
            rule: rule.clone(),
            tlp: tlp.label().to_owned(),
            author: author.pseudonym.clone(),
            since: 0,
        });
        node.set_desk(release, days);
        let posted = node.post(&object.json(), &author);
        let what = format!("posts m{} of {}, direct {direct} {rule}", object.marker, object.id);
        if self.concluded(who, &what, posted)? == Some(true) {
            self.ran.posted += 1;
        }
        Ok(())
    }

    fn share(&mut self, who: usize) -> Outcome {
        let Some(of) = self.own(who) else { return Ok(()) };
        let (marker, rule) = (self.marker_at(who, of), rule(&mut self.random));
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        if let Some(marker) = marker {
            self.truth.releases(marker, &node.compile(&rule, Tlp::Green));
        }
        let shared = node.share(of, &rule, Tlp::Green, &author());
        self.concluded(who, &format!("shares {of:?} with {rule}"), shared).map(drop)
    }

    fn grant(&mut self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let log = Log::Shared.id();
        let of = Position { log, index: self.random.below(machine.disk.size(log)) };
        let passed_on = self.passes_on_at(who, of.index);
        // Whom something of another may go to, its owner has said.
        let marker = self.marker_at(who, of).filter(|_| !passed_on);
        let rule = rule(&mut self.random);
        // Granted by its owner, what named nobody is for somebody.
        if self.is_signed_void(who, of.index) || self.is_secret(who, of) {
            return Ok(());
        }
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        if let Some(marker) = marker {
            self.truth.releases(marker, &node.compile(&rule, Tlp::Green));
        }
        let granted = node.grant(of, &rule, Tlp::Green, &author());
        self.concluded(who, &format!("grants {of:?} to {rule}"), granted).map(drop)
    }

    fn withdraw(&mut self, who: usize) -> Outcome {
        let several = 1 + self.random.below(3);
        let of: Vec<Position> = (0..several).filter_map(|_| self.own(who)).collect();
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let withdrawn = node.withdraw(&of, &author());
        self.concluded(who, &format!("withdraws {of:?}"), withdrawn).map(drop)
    }

    fn remove(&mut self, who: usize) -> Outcome {
        let held = self.held(who, DESK);
        let Some(of) = self.random.pick(&held).copied() else { return Ok(()) };
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let removed = node.remove(of, &author());
        self.concluded(who, &format!("removes {of:?}"), removed).map(drop)
    }

    fn adopt(&mut self, who: usize) -> Outcome {
        let held = self.held(who, RECEIVED);
        let Some(of) = self.random.pick(&held).copied() else { return Ok(()) };
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let adopted = node.adopt(of, &author());
        self.concluded(who, &format!("adopts {of:?}"), adopted).map(drop)
    }

    pub(crate) fn state(&mut self, who: usize) -> Outcome {
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let stated = node.act(Kind::Accept, b"{\"charter\":\"EXERCISE\"}", &author());
        self.concluded(who, "states something", stated).map(drop)
    }

    pub(crate) fn sweep(&mut self, who: usize) -> Outcome {
        let passed_on = self.standing_copies(who);
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let swept = node.sweep();
        self.concluded(who, "sweeps", swept)?;
        let over = passed_on.iter().filter(|copy| !self.has(who, shared_at(copy.index))).count();
        self.counts.some("onward release falls when its time is over", over as u64);
        Ok(())
    }
}
