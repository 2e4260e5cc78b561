//! Non-interference: one story told twice, with a secret entry and with another in its place. What
//! a party observes that neither of them is for has to be the same, octet for octet and step for
//! step, but for what follows from the leaf: the leaf itself, roots and signatures.

use comity_charter::Tlp;
use comity_node::bare::{BareNode, DESK};
use comity_node::sync::Ask;
use comity_tlog::tile::{TILE_WIDTH, parse_bundle};
use comity_view::Position;
use comity_wire::entry::Log;

use crate::act::author;
use crate::body::{Body, PARTIES};
use crate::random::Random;
use crate::truth::{self, Object};
use crate::world::{Length, Plant, World};
use crate::{Outcome, ensure};

/// The marker of the secret, which no object of the story has.
const SECRET: u64 = 99_999_999;

/// Parties that may be cleared: those that are members all along.
const MEMBERS: usize = 4;

/// Octets of the longer of the two.
const LONG: usize = 6000;

/// Days that it lives: it does not end within the story.
const DAYS: u32 = 30;

/// Which of the two stories it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// A long object, for one party.
    Secret,
    /// A short one, for another.
    Other,
}

/// What is secret, and what others see meanwhile.
#[derive(Debug)]
pub(crate) struct Twin {
    which: Which,
    at: u64,
    origin: usize,
    cleared: [usize; 2],
    /// Its index in the log `shared` of its origin, once it is there.
    index: Option<u64>,
    seen: Vec<Vec<Seen>>,
}

/// Something that a party saw: when, from whom, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    step: u64,
    from: usize,
    what: String,
}

impl Twin {
    fn draw(seed: u64, which: Which) -> Twin {
        let mut random = Random::new(seed.wrapping_add(0x7715));
        let (at, origin) = (40 + random.below(100), random.place(MEMBERS));
        let cleared = [1, 2].map(|by| (origin + by) % MEMBERS);
        let seen = vec![Vec::new(); PARTIES.len()];
        Twin { which, at, origin, cleared, index: None, seen }
    }

    /// Whether a party knows of the secret, or of what stands in its place.
    fn knows(&self, who: usize) -> bool {
        who == self.origin || self.cleared.contains(&who)
    }

    fn for_whom(&self) -> usize {
        let [one, other] = self.cleared;
        if self.which == Which::Secret { one } else { other }
    }

    fn json(&self) -> Vec<u8> {
        let json = Object { marker: SECRET, id: SECRET, by: self.origin }.json();
        let octets = if self.which == Which::Secret { LONG } else { 1 };
        let said = format!("\"description\":\"{}\",\"name\":", "x".repeat(octets));
        String::from_utf8_lossy(&json).replacen("\"name\":", &said, 1).into_bytes()
    }
}

impl World {
    /// Tells a story twice, and compares what those saw who are not to know.
    ///
    /// # Errors
    /// What is broken in one of them, or differs.
    pub fn twins(body: &Body, seed: u64, length: Length, plant: Plant) -> Result<u64, String> {
        let told = [Which::Secret, Which::Other].map(|which| {
            let mut world = World::new(body, seed, length, plant, false);
            world.hostile = None;
            world.twin = Some(Twin::draw(seed, which));
            let ran = world.run();
            ran.and_then(|_| world.twin.take().ok_or_else(|| "no twin".to_owned()))
        });
        let [secret, other] = told;
        let (secret, other) = (secret?, other?);
        ensure(secret.index.is_some() && secret.index == other.index, || {
            format!("the secret is at {:?}, and the other at {:?}", secret.index, other.index)
        })?;
        let mut compared = 0;
        for who in (0..PARTIES.len()).filter(|who| !secret.knows(*who)) {
            let (one, two) = (secret.seen.get(who), other.seen.get(who));
            let (Some(one), Some(two)) = (one, two) else { continue };
            let at = one.iter().zip(two).position(|(one, two)| one != two);
            let at = at.or((one.len() != two.len()).then_some(one.len().min(two.len())));
            if let Some(at) = at {
                return Err(format!("{who} sees {:?} or {:?}", one.get(at), two.get(at)));
            }
            compared += one.len() as u64;
        }
        Ok(compared)
    }

    /// In its step the secret is shared, or what stands in its place.
    pub(crate) fn secret(&mut self) -> Outcome {
        let Some(twin) = self.twin.as_mut().filter(|twin| twin.at == self.step) else {
            return Ok(());
        };
        let (who, json) = (twin.origin, twin.json());
        let Some(party) = PARTIES.get(twin.for_whom()) else { return Ok(()) };
        let Some(machine) = self.machines.get_mut(who) else { return Ok(()) };
        let Some(node) = &mut machine.node else { return Ok(()) };
        let own = machine.identity.party().to_owned();
        self.truth.releases(SECRET, &[own, (*party).to_owned()]);
        node.set_desk(None, DAYS);
        let index = machine.disk.size(Log::Shared.id());
        let shared = node.post(&json, &author()).and_then(|_| {
            let last = node.held(DESK)?.into_iter().rfind(|one| !one.is_followed());
            let rule = format!("party:{party}");
            last.map_or(Ok(false), |of| node.share(of, &rule, Tlp::Green, &author()))
        });
        ensure(matches!(shared, Ok(true)), || format!("the secret is not shared: {shared:?}"))?;
        twin.index = Some(index);
        Ok(())
    }

    /// Whether somebody's disk is spared, so that what it holds changes nothing of when it fails.
    pub(crate) fn spared(&self, who: usize) -> bool {
        self.twin.as_ref().is_some_and(|twin| twin.knows(who))
    }

    /// Whether a place is that of the secret: nobody acts on it, for that would be seen.
    pub(crate) fn is_secret(&self, who: usize, position: Position) -> bool {
        self.twin.is_some() && self.marker_at(who, position) == Some(SECRET)
    }

    fn sees(&mut self, who: usize, from: usize, what: impl FnOnce(&Twin) -> String) {
        let step = self.step;
        if let Some(twin) = self.twin.as_mut().filter(|twin| !twin.knows(who)) {
            let what = what(twin);
            if let Some(seen) = twin.seen.get_mut(who) {
                seen.push(Seen { step, from, what });
            }
        }
    }

    /// A ring arrives, or an answer; what is in it was seen when it was sent.
    pub(crate) fn sees_arrive(&mut self, who: usize, from: usize, what: &str, octets: usize) {
        self.sees(who, from, |_| format!("{what}, {octets} octets"));
    }

    /// What is sent to somebody.
    pub(crate) fn sees_sent(
        &mut self,
        who: usize,
        from: usize,
        log: Log,
        ask: &Ask,
        octets: Option<&[u8]>,
    ) {
        self.sees(who, from, |twin| {
            let secret = twin.index.filter(|_| from == twin.origin && log == Log::Shared);
            let Some(octets) = octets else { return format!("nothing to {ask:?}") };
            let shown = match (ask, secret) {
                (Ask::Checkpoint, Some(secret)) => without_root(octets, secret),
                (Ask::Bundle(path), Some(secret)) => {
                    without_leaf(octets, secret, path.n * u64::from(TILE_WIDTH))
                }
                _ => octets.to_vec(),
            };
            let (all, hash) = (octets.len(), truth::digest(&shown));
            format!("{log:?} {}: {all} octets, {hash}", ask.path())
        });
    }

    /// What somebody is in the end: the view, the work that was done, the heads of the own logs.
    pub(crate) fn sees_itself(&mut self) -> Outcome {
        if self.twin.is_none() {
            return Ok(());
        }
        for who in 0..self.machines.len() {
            let Some(machine) = self.machines.get(who) else { continue };
            let digest = machine.node.as_ref().map(BareNode::digest).transpose();
            let digest = digest.map_err(|error| error.to_string())?;
            let heads = Log::ALL.map(|log| machine.disk.head(log.id()).map(|head| head.note));
            let what = format!("{digest:?}, {} steps, {heads:?}", machine.disk.steps());
            self.sees(who, who, |_| what);
        }
        Ok(())
    }
}

/// A checkpoint whose tree has the secret in it: origin and size, and how long it is.
fn without_root(octets: &[u8], secret: u64) -> Vec<u8> {
    let text = String::from_utf8_lossy(octets);
    let mut lines = text.lines();
    let (origin, size) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if size.parse::<u64>().is_ok_and(|size| size > secret) {
        return format!("{origin} {size}").into_bytes();
    }
    octets.to_vec()
}

/// A bundle without the one leaf of the secret.
fn without_leaf(octets: &[u8], secret: u64, first: u64) -> Vec<u8> {
    let leaves = parse_bundle(octets).unwrap_or_default();
    let others = (first..).zip(leaves).filter(|(index, _)| *index != secret);
    others.flat_map(|(_, leaf)| leaf.leaf()).collect()
}
