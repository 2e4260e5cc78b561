//! What somebody knows who sees everything: who was ever to get what, what was answered and
//! published, who has opened which withdrawal.

use std::collections::{BTreeMap, BTreeSet};

use comity_tlog::Hash;
use comity_view::Position;
use comity_wire::entry::Kind;
use memchr::memmem;

use crate::deliver::header_of;
use crate::onward::PassedOn;
use crate::{Outcome, ensure};

/// Stands in every object, with its number behind it.
const MARKER: &str = "EXERCISE m";

/// An object version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object {
    /// Its marker, which nothing else has.
    pub(crate) marker: u64,
    /// The object that it is a version of.
    pub(crate) id: u64,
    /// Who made it.
    pub(crate) by: usize,
}

impl Object {
    pub(crate) fn json(self) -> Vec<u8> {
        let Object { marker, id, .. } = self;
        let (minute, second) = (marker / 60 % 60, marker % 60);
        let (day, hour) = (1 + marker / 86_400 % 28, marker / 3600 % 24);
        format!(
            r#"{{"type":"tool","spec_version":"2.1","id":"tool--8e2e2d2b-17d4-4cbf-938f-{id:012x}","created":"2020-01-01T00:00:00Z","modified":"2021-01-{day:02}T{hour:02}:{minute:02}:{second:02}Z","name":"{MARKER}{marker:08}"}}"#
        )
        .into_bytes()
    }
}

/// The marker of the object in some octets.
pub(crate) fn marker_in(octets: &[u8]) -> Option<u64> {
    let at = memmem::find(octets, MARKER.as_bytes())? + MARKER.len();
    let digits = octets.get(at..at + 8)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Who passes on what another shared, where some octets are such an entry.
fn passed_on_by(octets: &[u8]) -> Option<String> {
    let header = header_of(octets)?;
    let of = header.refs.first()?;
    (header.kind == Kind::Share && of.origin != header.origin).then_some(header.origin)
}

/// A hash of octets, for comparison (FNV-1a).
pub(crate) fn digest(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A consent that somebody gave, or may have given.
#[derive(Debug, Clone)]
pub(crate) struct Consented {
    /// Where it would stand in the log `shared`.
    pub(crate) index: u64,
    /// The shared entry that it is about.
    pub(crate) of: u64,
    /// Who may pass it on.
    pub(crate) to: String,
}

#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// All object versions that were ever posted.
    pub(crate) objects: Vec<Object>,
    /// The parties that an object version was ever to be released to. What an act may have done
    /// that ended in a failure counts as done.
    released: BTreeMap<u64, BTreeSet<String>>,
    /// The parties that an object version was ever to go onward to, by who passes it on.
    consented: BTreeMap<(u64, String), BTreeSet<String>>,
    /// The consents that each gave, or may have: about which of its shared entries, to whom.
    pub(crate) consents: BTreeMap<usize, Vec<Consented>>,
    /// Indices in the log `shared` of each at which it passed something on, or may have.
    pub(crate) passed_on: BTreeMap<usize, BTreeMap<u64, Option<PassedOn>>>,
    /// The one root of each size of each log.
    roots: BTreeMap<(usize, u8, u64), Hash>,
    /// The largest head that was ever seen of each log.
    heads: BTreeMap<(usize, u8), (u64, Hash)>,
    /// The most leaves that a machine had verified of a log of a peer.
    verified: BTreeMap<(usize, u8), u64>,
    /// What each machine knows to be withdrawn by its owner.
    pub(crate) withdrawn: BTreeMap<usize, BTreeSet<Position>>,
    /// Where openings were changed on their way, so that they are missing until asked for again.
    pub(crate) tampered: BTreeSet<(usize, u8)>,
}

impl Truth {
    pub(crate) fn releases(&mut self, marker: u64, parties: &[String]) {
        self.released.entry(marker).or_default().extend(parties.iter().cloned());
    }

    pub(crate) fn object(&self, marker: u64) -> Option<Object> {
        self.objects.get(usize::try_from(marker).ok()?).copied()
    }

    /// An owner consents that another passes an object version on.
    pub(crate) fn consents(&mut self, marker: u64, by: &str, parties: &[String]) {
        let to = self.consented.entry((marker, by.to_owned())).or_default();
        to.extend(parties.iter().filter(|party| *party != by).cloned());
    }

    /// Whether a party may have some octets (I2): of its own, as its owner released them to it, or
    /// as he consented that another passes them on.
    pub(crate) fn may_have(&self, who: usize, party: &str, octets: &[u8]) -> Outcome {
        let Some(marker) = marker_in(octets) else { return Ok(()) };
        if let Some(by) = passed_on_by(octets).filter(|by| by != party) {
            let to = self.consented.get(&(marker, by.clone()));
            return ensure(to.is_some_and(|parties| parties.contains(party)), || {
                format!("{party} has m{marker} over {by}, and its owner consented to no such thing")
            });
        }
        let own = self.object(marker).is_some_and(|object| object.by == who);
        let released = self.released.get(&marker).is_some_and(|parties| parties.contains(party));
        ensure(own || released, || format!("{party} has m{marker}, which nobody released to it"))
    }

    /// A head of a machine's own log (I5, I8).
    pub(crate) fn sees(&mut self, who: usize, log: u8, size: u64, root: Hash) -> Outcome {
        let known = self.heads.get(&(who, log)).copied();
        if known == Some((size, root)) {
            return Ok(());
        }
        let before = known.map_or(0, |(size, _)| size);
        ensure(size >= before, || {
            format!("log {log} of machine {who} fell from {before} to {size}")
        })?;
        let first = *self.roots.entry((who, log, size)).or_insert(root);
        ensure(first == root, || format!("log {log} of machine {who} has two roots of {size}"))?;
        self.heads.insert((who, log), (size, root));
        Ok(())
    }

    /// The heads that were seen of a machine, by log.
    pub(crate) fn heads_of(&self, who: usize) -> impl Iterator<Item = (u8, u64, Hash)> {
        let of = self.heads.range((who, 0)..=(who, u8::MAX));
        of.map(|((_, log), (size, root))| (*log, *size, *root))
    }

    /// How far a machine verified a log of a peer (I6).
    pub(crate) fn verifies(&mut self, who: usize, number: u8, size: u64) -> Outcome {
        let before = self.verified.entry((who, number)).or_default();
        ensure(size >= *before, || {
            format!("machine {who} had verified {before} leaves of log {number}, and has {size}")
        })?;
        *before = size;
        Ok(())
    }
}
