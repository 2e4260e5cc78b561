//! Messages that arrive, and the pulls that they move.

use std::collections::BTreeSet;

use comity_node::sync::{Ask, Came, Fault, Next, Pull};
use comity_tlog::{EntryRef, GrowError};
use comity_view::Position;
use comity_wire::entry::{Header, Kind, Log};
use comity_wire::release;
use comity_wire::time::Micros;

use crate::body::{CHANGE, CHANGES, PARTIES};
use crate::machine::Pulling;
use crate::network::{Message, Said};
use crate::world::{APART_MAX, World};
use crate::{Outcome, ensure};

/// Leaves that a pull takes at most.
const LEAVES_MAX: u64 = 10_000;

/// Steps of a store that any answer may take: a transaction, the heads, a checkpoint of one's own.
const STEPS_MIN: u64 = 100;

/// Octets of an answer for each step beyond. A leaf has 35, an opening some 1200.
const OCTETS_PER_STEP: u64 = 16;

/// Steps after which nobody waits for an answer any more.
const PATIENCE: u64 = 30;

impl World {
    pub(crate) fn deliver(&mut self, message: Message) -> Outcome {
        let Message { from, to, said } = message;
        if !self.is_up(to) {
            return Ok(());
        }
        match &said {
            Said::Asks { ask, .. } => self.sees_arrive(to, from, &ask.path(), 0),
            Said::Answers { octets, .. } => self.sees_arrive(to, from, "answer", octets.len()),
            Said::Rings { note, .. } => self.sees_arrive(to, from, "ring", note.len()),
        }
        match said {
            Said::Asks { question, log, ask } => {
                let Some(octets) = self.answer(to, from, log, &ask)? else { return Ok(()) };
                let (octets, altered) = self.tampered(to, from, log, &ask, octets);
                let said = Said::Answers { question, log, octets, altered, sent: self.now };
                self.sends(Message { from: to, to: from, said });
                Ok(())
            }
            Said::Answers { question, log, octets, altered, sent } => {
                let Some(number) = self.number(to, from, log) else { return Ok(()) };
                let Some(machine) = self.machines.get_mut(to) else { return Ok(()) };
                // An answer to a question of before, or for a second time: its connection is gone.
                if machine.pulls.get(&number).is_none_or(|pulling| pulling.id != question) {
                    return Ok(());
                }
                let Some(mut pulling) = machine.pulls.remove(&number) else { return Ok(()) };
                self.trace.octets(&octets);
                self.crosses_a_change(from, to, sent);
                let (before, size) = (self.steps(to), octets.len() as u64);
                let next = pulling.pull.next(Came::Answer(octets));
                self.drive(to, number, pulling, next, &altered)?;
                // Who is stopped meanwhile is another process now.
                let took = self.steps(to).saturating_sub(before);
                ensure(took <= STEPS_MIN + size / OCTETS_PER_STEP, || {
                    format!("{to} took {took} steps over an answer of {size} octets")
                })
            }
            Said::Rings { log, note } => match self.number(to, from, log) {
                Some(number) => self.pull(to, number, Some(note)),
                None => Ok(()),
            },
        }
    }

    pub(crate) fn is_up(&self, who: usize) -> bool {
        self.machines.get(who).is_some_and(|machine| machine.node.is_some())
    }

    /// Steps of its store that a machine has taken.
    fn steps(&self, who: usize) -> u64 {
        self.machines.get(who).map_or(0, |machine| machine.disk.steps())
    }

    /// An answer that was sent before somebody's standing changed, and arrives after it.
    fn crosses_a_change(&mut self, from: usize, to: usize, sent: i64) {
        for (change, party) in CHANGES.into_iter().zip(CHANGE) {
            let is = |who: usize| PARTIES.get(who).is_some_and(|one| *one == party);
            if (is(from) || is(to)) && sent < change && change <= self.now {
                self.counts.add("answer under way while its party joins or leaves");
            }
        }
    }

    /// The number at one machine of a log of another.
    pub(crate) fn number(&self, at: usize, of: usize, log: Log) -> Option<u8> {
        let party = self.machines.get(of)?.identity.party();
        let peers = self.machines.get(at)?.identity.peers();
        peers.iter().find(|peer| peer.party == party)?.log(log)
    }

    /// Asks all peers, as a node does now and then whoever rings.
    pub(crate) fn poll(&mut self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let logs: Vec<u8> = machine.identity.follows().iter().map(|log| log.id).collect();
        for number in logs {
            self.pull(who, number, None)?;
        }
        Ok(())
    }

    /// Begins a pull, unless one is under way.
    pub(crate) fn pull(&mut self, who: usize, number: u8, note: Option<String>) -> Outcome {
        let Some(machine) = self.machines.get_mut(who) else { return Ok(()) };
        let Some(node) = &machine.node else { return Ok(()) };
        let waits = |pulling: &Pulling| pulling.since + PATIENCE > self.step;
        if machine.pulls.get(&number).is_some_and(waits) {
            return Ok(());
        }
        machine.pulls.remove(&number);
        let log = machine.identity.follows().iter().find(|log| log.id == number);
        let Some(verifier) = log.map(|log| log.verifier.clone()) else { return Ok(()) };
        let (pull, next) = Pull::begin(verifier, node.place(number), LEAVES_MAX, note);
        let pulling = Pulling { id: 0, pull, since: self.step };
        self.drive(who, number, pulling, next, &BTreeSet::new())
    }

    /// Does what a pull says, until it asks or ends.
    fn drive(
        &mut self,
        who: usize,
        number: u8,
        mut pulling: Pulling,
        mut next: Next,
        altered: &BTreeSet<u64>,
    ) -> Outcome {
        loop {
            let stored = match next {
                Next::Ask(ask) => {
                    pulling.since = self.step;
                    return self.ask(who, number, pulling, ask);
                }
                Next::Grow { note, from, leaves } => {
                    self.grow(who, number, &note, from, &leaves)?
                }
                Next::Receive(page) => self.receive(who, number, page, altered)?,
                Next::Done => return Ok(()),
                Next::Failed(fault) => return self.failed(who, number, &fault),
            };
            let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
            let Some(node) = node.filter(|_| stored) else { return Ok(()) };
            next = pulling.pull.next(Came::Stored(node.place(number)));
        }
    }

    /// Sends a question. Each has a number of its own, as each has a connection.
    fn ask(&mut self, who: usize, number: u8, mut pulling: Pulling, ask: Ask) -> Outcome {
        self.questions += 1;
        pulling.id = self.questions;
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let Some((peer, log)) = machine.whose(number) else { return Ok(()) };
        let to = self.machines.iter().position(|other| other.identity.party() == peer.party);
        let Some(to) = to else { return Ok(()) };
        self.trace.note(self.step, format_args!("{who} asks {to} for {log:?} {}", ask.path()));
        let said = Said::Asks { question: pulling.id, log, ask };
        if let Some(machine) = self.machines.get_mut(who) {
            machine.pulls.insert(number, pulling);
        }
        self.sends(Message { from: who, to, said });
        Ok(())
    }

    /// What a peer said cannot be used. Where nobody lies, only what was late is that.
    fn failed(&mut self, who: usize, number: u8, fault: &Fault) -> Outcome {
        self.trace.note(self.step, format_args!("{who} gives up on log {number}: {fault}"));
        let late = matches!(fault, Fault::Older { .. });
        let hostile = self.owner(who, number).is_some_and(|of| self.turned(of));
        ensure(late || hostile || self.swarm.garbage, || {
            format!("{who} refuses an honest answer: {fault}")
        })
    }

    pub(crate) fn grow(
        &mut self,
        who: usize,
        number: u8,
        note: &str,
        from: u64,
        leaves: &[comity_tlog::commitment::Commitment],
    ) -> Outcome<bool> {
        let contradiction = self.contradicts(who, number, note);
        let hostile = self.owner(who, number).is_some_and(|of| self.turned(of));
        let Some(node) = self.machines.get_mut(who).and_then(|one| one.node.as_mut()) else {
            return Ok(false);
        };
        match node.grow(number, note, from, leaves) {
            Ok(grown) => {
                ensure(!contradiction, || {
                    format!("{who} sees a second root of log {number}, and says nothing")
                })?;
                self.trace.note(self.step, format_args!("{who} has log {number}: {grown:?}"));
                Ok(true)
            }
            Err(GrowError::Commit(error)) => {
                let error = comity_node::NodeError::Storage(error.to_string());
                self.concluded::<()>(who, "takes leaves", Err(error))?;
                Ok(false)
            }
            Err(refused) => {
                self.trace.note(self.step, format_args!("{who}: log {number}: {refused}"));
                self.said_so(who, number, &refused, contradiction)?;
                let lied = matches!(refused, GrowError::NotItsTree { .. }) && self.swarm.garbage;
                ensure(lied || hostile, || format!("{who} refuses honest leaves: {refused}"))?;
                Ok(false)
            }
        }
    }

    /// Who sees two roots of one size says that, and nobody says it who does not (I4b).
    fn said_so(
        &mut self,
        who: usize,
        number: u8,
        error: &GrowError,
        contradiction: bool,
    ) -> Outcome {
        let says = matches!(error, GrowError::Equivocates { .. });
        ensure(says == contradiction, || {
            format!("{who} sees two roots of log {number}: {contradiction}; and says: {error}")
        })?;
        if says {
            self.counts.add("hostile: two roots of one size seen, and said so");
            if let Some(hostile) = &mut self.hostile {
                hostile.contradicted.insert((who, number));
            }
        } else if matches!(error, GrowError::NotItsTree { .. }) {
            self.counts.add("leaves that do not give the root refused");
        }
        Ok(())
    }

    /// Takes a page. Whatever else is on it, what is good of it is kept.
    pub(crate) fn receive(
        &mut self,
        who: usize,
        number: u8,
        page: release::Page,
        altered: &BTreeSet<u64>,
    ) -> Outcome<bool> {
        let copies = self.standing_copies(who);
        let Some(machine) = self.machines.get_mut(who) else { return Ok(false) };
        let whose = machine.whose(number).map(|(peer, log)| (peer.clone(), log));
        let (Some((peer, log)), Some(node)) = (whose, machine.node.as_mut()) else {
            return Ok(false);
        };
        let (openings, party) = (page.openings.clone(), machine.identity.party().to_owned());
        let received = node.receive(&peer, log, page);
        let bad = self.bad(who, number, &openings);
        let altered: &BTreeSet<u64> = &altered.union(&bad).copied().collect();
        self.races(who, number, log, &openings);
        let what = format!("takes {} openings of log {number}", openings.len());
        let Some((received, aside)) = self.concluded(who, &what, received)? else {
            return Ok(false);
        };
        if !aside.is_empty() {
            self.trace.note(self.step, format_args!("{who} sets {aside:?} aside, of log {number}"));
        }
        self.ran.kept += received.kept as u64;
        self.ran.withdrawn += received.withdrawn as u64;
        self.ran.aside += aside.len() as u64;
        for opening in &openings {
            self.opened(who, Position { log: number, index: opening.index })?;
        }
        self.stays_gone(who)?;
        self.fall(who, number, &copies)?;
        self.none_void(who, number, &openings)?;
        for opening in openings.iter().filter(|one| !altered.contains(&one.index)) {
            let position = Position { log: number, index: opening.index };
            let kept = self.has(who, position) || self.is_withdrawn(who, position);
            // A share that was granted falls with a grant that does not open.
            let alone = altered.is_empty() || names(&opening.envelope, &party);
            if !alone {
                continue;
            }
            // What expired here was purged, and does not come back by coming again.
            ensure(kept || self.may_have_expired(&opening.envelope), || {
                format!("{who} was given {position:?}, and does not have it")
            })?;
        }
        Ok(true)
    }

    /// Counts what crossed on its way: a page and a withdrawal, a grant and a withdrawal.
    fn races(&mut self, who: usize, number: u8, log: Log, openings: &[release::Opening]) {
        let Some(of) = self.owner(who, number).filter(|_| log == Log::Shared) else { return };
        let gone = |index: u64| !self.has(of, Position { log: log.id(), index });
        let (mut fetched, mut granted, mut early) = (0, 0, 0);
        for opening in openings {
            let Some(header) = header_of(&opening.envelope) else { continue };
            fetched += u64::from(gone(opening.index));
            let refs = || header.refs.iter().map(|one| one.index);
            granted += u64::from(header.kind == Kind::Grant && refs().any(gone));
            let here = |index: u64| self.has(who, Position { log: number, index });
            early += u64::from(header.kind == Kind::Withdraw && !refs().all(here));
        }
        self.counts.some("page under way while its entry is withdrawn", fetched);
        self.counts.some("grant under way while its entry is withdrawn", granted);
        self.counts.some("withdrawal of what is not here", early);
    }

    /// What a machine knows now that it has opened an entry.
    fn opened(&mut self, who: usize, position: Position) -> Outcome {
        let Position { log: number, index } = position;
        let opened = self.machines.get(who).and_then(|machine| {
            header_of(&machine.disk.open_entry(EntryRef { log: number, index }).ok()??)
        });
        let Some(header) = opened.filter(|header| header.kind == Kind::Withdraw) else {
            return Ok(());
        };
        let targets = header.refs.iter().map(|one| Position { log: number, index: one.index });
        let targets: Vec<Position> = targets.collect();
        let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
        for target in &targets {
            let held = node.map(|node| node.collections_of(*target)).transpose();
            let held = held.map_err(|error| error.to_string())?.unwrap_or_default();
            ensure(held.is_empty(), || format!("{who} holds {target:?}, which is withdrawn"))?;
        }
        self.truth.withdrawn.entry(who).or_default().extend(targets);
        Ok(())
    }

    pub(crate) fn has(&self, who: usize, position: Position) -> bool {
        let entry = EntryRef { log: position.log, index: position.index };
        self.machines.get(who).is_some_and(|machine| machine.disk.envelope_size(entry).is_some())
    }

    /// Whether an entry's time is over by any of the clocks.
    pub(crate) fn may_have_expired(&self, envelope: &[u8]) -> bool {
        let expires = header_of(envelope).and_then(|header| header.expires);
        let expires = expires.and_then(|text| Micros::parse(&text).ok());
        expires.is_some_and(|expires| expires.0 <= self.now + APART_MAX)
    }

    pub(crate) fn is_withdrawn(&self, who: usize, position: Position) -> bool {
        self.truth.withdrawn.get(&who).is_some_and(|all| all.contains(&position))
    }
}

/// Whether an entry is for a party by its own words.
fn names(envelope: &[u8], party: &str) -> bool {
    let header = header_of(envelope);
    header.is_some_and(|header| header.audience.parties.iter().any(|one| one == party))
}

pub(crate) fn header_of(envelope: &[u8]) -> Option<Header> {
    Header::of(envelope).ok()
}
