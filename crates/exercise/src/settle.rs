//! The end of a story: nothing fails any more, and all have to come to one state (I9).

use comity_charter::Standing;
use comity_node::bare::{BareNode, RECEIVED};
use comity_node::sync::{Came, Next, Pull};
use comity_view::Position;
use comity_wire::entry::{Kind, Log};

use crate::body::PARTIES;
use crate::deliver::header_of;
use crate::world::World;
use crate::{Outcome, ensure};

/// Rounds in which everybody asks everybody. A withdrawal and its receipt take two, and what a
/// receipt sets off none.
const ROUNDS_MAX: u64 = 10;

/// One in so many stories has the openings of one party told again, in another order.
const REORDERED: u64 = 3;

/// Answers that one pull takes at most.
const ANSWERS_MAX: usize = 200;

impl World {
    pub(crate) fn settle(&mut self) -> Outcome {
        self.step += 1;
        self.trace.note(self.step, format_args!("nothing fails any more"));
        self.network = crate::network::Network::default();
        self.repents();
        for who in 0..self.machines.len() {
            if let Some(machine) = self.machines.get_mut(who) {
                machine.disk.clear_fault();
                machine.pulls.clear();
                machine.skew = 0;
                if let Some(node) = &mut machine.node {
                    node.set_now(self.now);
                }
            }
            if self.machines.get(who).is_some_and(|machine| machine.node.is_none()) {
                self.start(who, false)?;
            }
            self.sweep(who)?;
        }
        for (who, number) in std::mem::take(&mut self.truth.tampered) {
            let node = self.machines.get_mut(who).and_then(|machine| machine.node.as_mut());
            let asked = node.map(|node| node.ask_again(number)).transpose();
            asked.map_err(|error| error.to_string())?;
        }
        self.converge()?;
        self.exchange_heads()?;
        for who in 0..self.machines.len() {
            self.glance(who)?;
            self.kept_all(who)?;
            self.has_all(who)?;
            self.not_held_up(who)?;
            self.onward_ended(who)?;
        }
        for _ in 0..2 {
            let who = self.random.place(self.machines.len());
            self.examine(who)?;
        }
        let who = self.random.place(self.machines.len());
        if self.random.chance(REORDERED) {
            self.in_any_order(who)?;
        }
        self.receipts()
    }

    /// Everybody asks everybody, until nothing is new.
    fn converge(&mut self) -> Outcome {
        let mut last = None;
        for round in 0.. {
            ensure(round < ROUNDS_MAX, || "they wake each other for ever".to_owned())?;
            for who in 0..self.machines.len() {
                for of in (0..self.machines.len()).filter(|of| *of != who) {
                    for log in [Log::Acts, Log::Shared] {
                        self.pull_whole(who, of, log)?;
                    }
                }
                self.sweep(who)?;
            }
            let sizes = self.sizes();
            if last.as_ref() == Some(&sizes) {
                return Ok(());
            }
            last = Some(sizes);
        }
        Ok(())
    }

    fn sizes(&self) -> Vec<u64> {
        let logs = [Log::Shared, Log::Acts, Log::Private].map(Log::id);
        let sizes = |machine: &crate::machine::Machine| logs.map(|log| machine.disk.size(log));
        self.machines.iter().flat_map(sizes).collect()
    }

    fn pull_whole(&mut self, who: usize, of: usize, log: Log) -> Outcome {
        let Some(number) = self.number(who, of, log) else { return Ok(()) };
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let followed = machine.identity.follows().iter().find(|one| one.id == number);
        let (Some(followed), Some(node)) = (followed, &machine.node) else { return Ok(()) };
        let place = node.place(number);
        let (mut pull, mut next) = Pull::begin(followed.verifier.clone(), place, u64::MAX, None);
        for _ in 0..ANSWERS_MAX {
            let came = match next {
                Next::Ask(ask) => {
                    let answer = self.answer(of, who, log, &ask)?;
                    Came::Answer(answer.ok_or_else(|| format!("{of} does not answer {ask:?}"))?)
                }
                Next::Grow { note, from, leaves } => {
                    let grown = self.grow(who, number, &note, from, &leaves)?;
                    if !grown && self.turned(of) {
                        return Ok(());
                    }
                    ensure(grown, || format!("{who} does not take leaves of {of}"))?;
                    self.stored(who, number)?
                }
                Next::Receive(page) => {
                    let kept = self.receive(who, number, page, &Default::default())?;
                    ensure(kept, || format!("{who} does not take openings of {of}"))?;
                    self.stored(who, number)?
                }
                Next::Done => return Ok(()),
                Next::Failed(_) if self.turned(of) => return Ok(()),
                Next::Failed(fault) => return Err(format!("{who} from {of}: {fault}")),
            };
            next = pull.next(came);
        }
        Err(format!("{who} never comes to an end with log {log:?} of {of}"))
    }

    fn stored(&self, who: usize, number: u8) -> Outcome<Came> {
        let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
        node.map(|node| Came::Stored(node.place(number))).ok_or_else(|| format!("{who} is down"))
    }

    /// A machine has every head of the others, and all that is released to it and stands.
    fn has_all(&self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get(who) else { return Ok(()) };
        let Some(node) = &machine.node else { return Ok(()) };
        let party = machine.identity.party();
        let honest = |of: usize| of != who && !self.turned(of) && !self.turned(who);
        for (of, other) in self.machines.iter().enumerate().filter(|(of, _)| honest(*of)) {
            let Some(owner) = &other.node else { continue };
            for log in [Log::Shared, Log::Acts] {
                let Some(number) = self.number(who, of, log) else { continue };
                let (here, there) = (node.place(number).verified, other.disk.size(log.id()));
                ensure(here == there, || {
                    format!("{who} has {here} leaves of {log:?} of {of}, which has {there}")
                })?;
            }
            if other.identity.charter().standing(party, self.now) == Standing::Out {
                continue;
            }
            let Some(number) = self.number(who, of, Log::Shared) else { continue };
            for index in 0..other.disk.size(Log::Shared.id()) {
                if let Some(kind) = self.is_for(owner, of, party, index)? {
                    self.holds(who, node, Position { log: number, index }, kind)?;
                }
            }
        }
        Ok(())
    }

    /// What a shared entry is that stands, is for a party, and has not expired: an object, or the
    /// consent to pass one on.
    fn is_for(
        &self,
        owner: &BareNode,
        of: usize,
        party: &str,
        index: u64,
    ) -> Outcome<Option<Kind>> {
        let recipients = owner.recipients(index).map_err(|error| error.to_string())?;
        if !recipients.contains(party) {
            return Ok(None);
        }
        let entry = comity_tlog::EntryRef { log: Log::Shared.id(), index };
        let envelope = self.machines.get(of).and_then(|one| one.disk.open_entry(entry).ok()?);
        let envelope = envelope.ok_or_else(|| format!("{of} lost the shared entry {index}"))?;
        let kind = header_of(&envelope).map(|header| header.kind);
        Ok(kind.filter(|_| !self.may_have_expired(&envelope)))
    }

    /// It is here, and an object is served: by this entry, or by one that came first and gives the
    /// same version.
    fn holds(&self, who: usize, node: &BareNode, position: Position, kind: Kind) -> Outcome {
        ensure(self.has(who, position), || format!("{who} never got {position:?}"))?;
        let held = node.collections_of(position).map_err(|error| error.to_string())?;
        if kind != Kind::Share || held.contains(&RECEIVED) {
            return Ok(());
        }
        let marker = self.marker_at(who, position);
        let all = node.held(RECEIVED).map_err(|error| error.to_string())?;
        let served = all.iter().any(|other| self.marker_at(who, *other) == marker);
        ensure(marker.is_some() && served, || format!("{who} has {position:?} in no collection"))
    }

    /// Every withdrawal has a receipt of each party that it is for and that is in standing.
    fn receipts(&mut self) -> Outcome {
        for of in 0..self.machines.len() {
            let Some(machine) = self.machines.get(of) else { continue };
            let Some(node) = &machine.node else { continue };
            let charter = machine.identity.charter();
            let own = charter.standing(machine.identity.party(), self.now);
            if own == Standing::Out || self.turned(of) {
                continue;
            }
            for withdrawal in node.withdrawals().map_err(|error| error.to_string())? {
                for party in &withdrawal.parties {
                    let peer = machine.identity.peers().iter().find(|peer| peer.party == *party);
                    let Some(peer) = peer else { continue };
                    let hostile = PARTIES.iter().position(|one| one == party);
                    let hostile = hostile.is_some_and(|who| self.turned(who));
                    let out = hostile || charter.standing(party, self.now) == Standing::Out;
                    ensure(out || withdrawal.receipts.contains(&peer.shared), || {
                        format!("{of} has no receipt of {party} for {:?}", withdrawal.position)
                    })?;
                }
                self.ran.receipts += 1;
            }
        }
        Ok(())
    }
}
