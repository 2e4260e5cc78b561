//! Onward release: owners consent to it, others pass on what they were given, and all of it falls
//! with the consent, with what it is a copy of, and with its time.

use std::collections::BTreeSet;

use comity_charter::{Standing, Tlp};
use comity_node::bare::RECEIVED;
use comity_tlog::EntryRef;
use comity_view::Position;
use comity_wire::consent;
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::act::{author, rule};
use crate::body::PARTIES;
use crate::deliver::header_of;
use crate::truth::Consented;
use crate::world::World;
use crate::{Outcome, ensure};

/// Entries that are looked at for one that others have.
const LOOKED_AT: usize = 6;

/// An entry that passes on what a peer shared.
#[derive(Debug, Clone)]
pub(crate) struct PassedOn {
    /// Where it stands in the log `shared` of who passes it on.
    pub(crate) index: u64,
    /// Whose it is, and where it stands there.
    by: usize,
    of: u64,
    /// The consents that it names, in the same log.
    consents: Vec<u64>,
    /// When its time is over.
    expires: Option<i64>,
}

impl PassedOn {
    /// What an entry says that it passes on, if it does.
    fn of(index: u64, header: &Header) -> Option<PassedOn> {
        let (of, consents) = header.refs.split_first()?;
        if header.kind != Kind::Share || of.origin == header.origin {
            return None;
        }
        let by = PARTIES.iter().position(|party| *party == of.origin)?;
        let expires = header.expires.as_deref().and_then(|text| Micros::parse(text).ok());
        let (expires, consents) =
            (expires.map(|time| time.0), consents.iter().map(|one| one.index).collect());
        Some(PassedOn { index, by, of: of.index, consents, expires })
    }
}

/// A place in a party's own log `shared`.
pub(crate) fn shared_at(index: u64) -> Position {
    Position { log: Log::Shared.id(), index }
}

/// What people do about it.
impl World {
    pub(crate) fn onward(&mut self, who: usize) -> Outcome {
        if !self.is_up(who) {
            return Ok(());
        }
        match self.random.below(16) {
            0..6 => self.consent(who),
            6..12 => self.pass_on(who),
            12..15 => self.take_back_consent(),
            _ => self.take_back_origin(),
        }
    }

    fn consent(&mut self, who: usize) -> Outcome {
        let Some((of, marker, to)) = self.given(who) else { return Ok(()) };
        let wide = self.random.chance(2).then(|| "tier:member".to_owned());
        let rule = wide.unwrap_or_else(|| rule(&mut self.random));
        let own = !self.passes_on_at(who, of.index);
        let index = self.next_shared(who);
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        if own {
            self.truth.consents(marker, &to, &node.compile(&rule, Tlp::Green));
            let given = Consented { index, of: of.index, to: to.clone() };
            self.truth.consents.entry(who).or_default().push(given);
        }
        let consents = node.consent(of, &to, &rule, &author());
        let what = format!("consents that {to} passes {of:?} on to {rule}");
        let given = self.concluded(who, &what, consents)?;
        ensure(own || given != Some(true), || format!("{who} consents about {of:?} of another"))
    }

    /// An entry of somebody's that others have, its object, and one of those who have it.
    fn given(&mut self, who: usize) -> Option<(Position, u64, String)> {
        for _ in 0..LOOKED_AT {
            let size = self.next_shared(who);
            let of = shared_at(self.random.below(size));
            if self.is_signed_void(who, of.index) || self.is_secret(who, of) {
                continue;
            }
            let Some(marker) = self.marker_at(who, of) else { continue };
            let node = self.machines.get(who)?.node.as_ref()?;
            let all: Vec<String> = node.recipients(of.index).ok()?.into_iter().collect();
            let here: Vec<String> =
                all.iter().filter(|to| self.has_already(who, of, to)).cloned().collect();
            if let Some(to) = self.random.pick(if here.is_empty() { &all } else { &here }) {
                return Some((of, marker, to.clone()));
            }
        }
        None
    }

    fn has_already(&self, owner: usize, of: Position, party: &str) -> bool {
        let who = PARTIES.iter().position(|one| *one == party);
        let number = who.and_then(|who| Some((who, self.number(who, owner, Log::Shared)?)));
        number.is_some_and(|(who, log)| self.has(who, Position { log, ..of }))
    }

    fn pass_on(&mut self, who: usize) -> Outcome {
        let Some((who, of, rule)) = self.passable(who) else { return Ok(()) };
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let consented = !node.consented(of).map_err(|error| error.to_string())?.is_empty();
        let adopted = node.adopt(of, &author());
        if self.concluded(who, &format!("adopts {of:?}"), adopted)?.is_none() {
            return Ok(());
        }
        let index = self.next_shared(who);
        self.truth.passed_on.entry(who).or_default().insert(index, None);
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let passed_on = node.pass_on(of, &rule, Tlp::Green, &author());
        let what = format!("passes {of:?} on to {rule}, consented to {consented}: {passed_on:?}");
        match self.concluded(who, &what, passed_on)? {
            Some(true) => self.counts.add("onward release"),
            Some(false) if !consented => {
                self.counts.add("onward release without consent refused");
            }
            _ => {}
        }
        Ok(())
    }

    /// Something to pass on, with who it may be that does, and whom it is to go to: more often than
    /// not what its owner consents to.
    fn passable(&mut self, who: usize) -> Option<(usize, Position, String)> {
        let (other, without) = (rule(&mut self.random), self.random.chance(4));
        let given = self.truth.consents.iter();
        let given = given.flat_map(|(owner, given)| given.iter().map(|one| (*owner, one)));
        let known: Vec<_> = given.filter_map(|(owner, given)| self.known(owner, given)).collect();
        let Some((who, of, to)) = self.random.pick(&known).filter(|_| !without).cloned() else {
            let held = self.held(who, RECEIVED);
            return Some((who, *self.random.pick(&held)?, other));
        };
        let beyond = self.random.chance(4);
        let to = self.random.pick(&to).filter(|_| !beyond);
        Some((who, of, to.map_or(other, |to| format!("party:{to}"))))
    }

    /// Who has an entry with a consent, and to whom it may go.
    fn known(&self, owner: usize, given: &Consented) -> Option<(usize, Position, Vec<String>)> {
        let who = PARTIES.iter().position(|party| *party == given.to)?;
        let of = Position { log: self.number(who, owner, Log::Shared)?, index: given.of };
        let node = self.machines.get(who)?.node.as_ref().filter(|_| self.has(who, of))?;
        let to = node.consented(of).ok().filter(|to| !to.is_empty())?;
        let copies = self.truth.passed_on.get(&who).into_iter().flat_map(|all| all.values());
        let passed_on = copies.flatten().any(|copy| (copy.by, copy.of) == (owner, given.of));
        (!passed_on).then_some((who, of, to))
    }

    /// Something that is passed on, and by whom.
    fn passed_on(&mut self) -> Option<(usize, PassedOn)> {
        let mut all = Vec::new();
        for who in 0..self.machines.len() {
            all.extend(self.standing_copies(who).into_iter().map(|copy| (who, copy)));
        }
        self.random.pick(&all).cloned()
    }

    fn take_back_consent(&mut self) -> Outcome {
        let Some((to, copy)) = self.passed_on() else { return Ok(()) };
        let Some(party) = PARTIES.get(to) else { return Ok(()) };
        let Some(node) = self.machines.get_mut(copy.by).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let taken = node.take_back_consent(shared_at(copy.of), party, &author());
        let what = format!("takes back what it consented to {party} about {}", copy.of);
        self.concluded(copy.by, &what, taken).map(drop)
    }

    fn take_back_origin(&mut self) -> Outcome {
        let Some((_, copy)) = self.passed_on() else { return Ok(()) };
        let Some(node) = self.machines.get_mut(copy.by).and_then(|one| one.node.as_mut()) else {
            return Ok(());
        };
        let withdrawn = node.withdraw(&[shared_at(copy.of)], &author());
        let what = format!("withdraws {}, which is passed on", copy.of);
        self.concluded(copy.by, &what, withdrawn).map(drop)
    }

    /// Where the next entry of somebody's log `shared` will stand.
    fn next_shared(&self, who: usize) -> u64 {
        self.machines.get(who).map_or(0, |machine| machine.disk.size(Log::Shared.id()))
    }
}

/// What has to hold of it.
impl World {
    /// Whether an entry of somebody's passes on what is another's.
    pub(crate) fn passes_on_at(&self, who: usize, index: u64) -> bool {
        self.read_passed_on(who, index).is_some()
    }

    fn read_passed_on(&self, who: usize, index: u64) -> Option<PassedOn> {
        PassedOn::of(index, &header_of(&self.shared_entry(who, index)?)?)
    }

    fn shared_entry(&self, who: usize, index: u64) -> Option<Vec<u8>> {
        let entry = EntryRef { log: Log::Shared.id(), index };
        self.machines.get(who)?.disk.open_entry(entry).ok()?
    }

    /// What somebody passed on. An act that failed may have done it. Who has turned signs what
    /// looks like it.
    fn copies(&mut self, who: usize) -> Vec<PassedOn> {
        if self.turned(who) {
            return Vec::new();
        }
        let Some(mut all) = self.truth.passed_on.remove(&who) else { return Vec::new() };
        all.retain(|index, known| {
            if known.is_none() && self.has(who, shared_at(*index)) {
                *known = self.read_passed_on(who, *index);
                return known.is_some();
            }
            true
        });
        let copies = all.values().flatten().cloned().collect();
        self.truth.passed_on.insert(who, all);
        copies
    }

    /// Those of them that stand.
    pub(crate) fn standing_copies(&mut self, who: usize) -> Vec<PassedOn> {
        let mut copies = self.copies(who);
        copies.retain(|copy| self.has(who, shared_at(copy.index)));
        copies
    }

    /// What came of a peer took back copies with it that stood before.
    pub(crate) fn fall(&mut self, who: usize, number: u8, before: &[PassedOn]) -> Outcome {
        let shared = self.machines.get(who).and_then(|machine| machine.whose(number));
        let of = self.owner(who, number).filter(|_| shared.is_some_and(|it| it.1 == Log::Shared));
        for copy in before.iter().filter(|copy| Some(copy.by) == of) {
            let gone =
                |index: &u64| self.is_withdrawn(who, Position { log: number, index: *index });
            let (origin, consent) = (gone(&copy.of), copy.consents.iter().any(gone));
            let Some(node) = self.machines.get(who).and_then(|one| one.node.as_ref()) else {
                continue;
            };
            if self.has(who, shared_at(copy.index)) {
                ensure(!origin, || format!("{who} passes on {copy:?}, which its owner withdrew"))?;
                let of = Position { log: number, index: copy.of };
                let covered = node.consented(of).map_err(|error| error.to_string())?;
                let to = node.recipients(copy.index).map_err(|error| error.to_string())?;
                ensure(to.iter().all(|party| covered.contains(party)), || {
                    format!("{who} passes on {copy:?} to {to:?}, and {covered:?} may have it")
                })?;
            } else if origin {
                self.counts.add("onward release falls with its origin");
            } else if consent {
                self.counts.add("onward release falls with its consent");
            }
        }
        Ok(())
    }

    /// At the end nothing is passed on, and nobody has anything of it, but what stands at its
    /// owner, to whom he consents, for as long as it lives (I3, I9).
    pub(crate) fn onward_ended(&mut self, who: usize) -> Outcome {
        if self.turned(who) || self.is_out(who) {
            return Ok(());
        }
        for copy in self.copies(who) {
            if self.turned(copy.by) {
                continue;
            }
            let stands = self.has(who, shared_at(copy.index));
            let covered = self.covered(copy.by, who, copy.of);
            if stands {
                ensure(self.has(copy.by, shared_at(copy.of)), || {
                    format!("{who} passes on {copy:?}, which its owner took back")
                })?;
                let over = copy.expires.is_some_and(|expires| expires <= self.now);
                ensure(!over, || format!("{who} passes on {copy:?}, whose time is over"))?;
            }
            for to in (0..PARTIES.len()).filter(|to| *to != who) {
                if !self.turned(to) && !self.is_out(to) {
                    let may = stands && PARTIES.get(to).is_some_and(|to| covered.contains(*to));
                    self.has_of(to, who, &copy, may)?;
                }
            }
        }
        Ok(())
    }

    /// Who may not have it has nothing of it.
    fn has_of(&self, to: usize, who: usize, copy: &PassedOn, may: bool) -> Outcome {
        let Some(number) = self.number(to, who, Log::Shared).filter(|_| !may) else {
            return Ok(());
        };
        let place = Position { log: number, index: copy.index };
        let node = self.machines.get(to).and_then(|machine| machine.node.as_ref());
        let held = node.map(|node| node.collections_of(place)).transpose();
        let held = held.map_err(|error| error.to_string())?.unwrap_or_default();
        ensure(held.is_empty() && !self.has(to, place), || {
            format!("{to} has {copy:?} of {who} in {held:?}, and may not have it any more")
        })
    }

    fn is_out(&self, who: usize) -> bool {
        self.machines.get(who).is_none_or(|machine| {
            let (charter, party) = (machine.identity.charter(), machine.identity.party());
            charter.standing(party, self.now) == Standing::Out
        })
    }

    /// To whom a party may pass on an entry, by what stands of its owner's consents.
    fn covered(&self, owner: usize, by: usize, of: u64) -> BTreeSet<String> {
        let mut covered = BTreeSet::new();
        for given in self.truth.consents.get(&owner).into_iter().flatten() {
            let of_this = given.of == of && PARTIES.get(by).is_some_and(|by| *by == given.to);
            let Some(envelope) = self.shared_entry(owner, given.index).filter(|_| of_this) else {
                continue;
            };
            let Ok((line, payload)) = entry::split(&envelope) else { continue };
            let Ok(header) = Header::parse(line) else { continue };
            let is_it = header.kind == Kind::Grant
                && header.audience.parties.iter().eq([&given.to])
                && header.refs.iter().any(|one| one.index == of);
            let onward = consent::read(payload, &header.origin).ok().flatten().filter(|_| is_it);
            covered.extend(onward.into_iter().flat_map(|onward| onward.parties));
        }
        covered
    }
}
