//! A story: machines, a network, a clock, and what happens step by step.

use comity_node::bare::{BareNode, Mutant};
use std::collections::BTreeMap;

use comity_tlog::Sequencer;
use comity_tlog::storage::memory::{Fault, MemoryStorage};
use comity_wire::entry::Log;

use crate::body::{BEFORE, Body, CHANGES, HOUR, LASTS, PARTIES};
use crate::counts::Counts;
use crate::hostile::Hostile;
use crate::machine::Machine;
use crate::network::{Message, Network, Said};
use crate::random::Random;
use crate::swarm::Swarm;
use crate::tamper::Kept;
use crate::trace::Trace;
use crate::truth::Truth;
use crate::twin::Twin;
use crate::{Outcome, ensure};

/// How long a story is.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// Steps with faults.
    pub steps: u64,
    /// After so many, a node is looked through whole.
    pub check_every: u64,
}

/// A bug that is planted: the test of the test.
#[derive(Clone, Copy, Default)]
pub struct Plant {
    /// In the decisions.
    pub node: Option<Mutant>,
    /// In the writer of the logs.
    pub log: Option<fn(&mut Sequencer<MemoryStorage>)>,
}

impl std::fmt::Debug for Plant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Plant").field("node", &self.node).finish_non_exhaustive()
    }
}

/// What a story came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// The hash of all that happened.
    pub trace: u64,
    /// Object versions that were posted.
    pub posted: u64,
    /// Openings that were kept.
    pub kept: u64,
    /// Entries that a peer erased since their owner withdrew them.
    pub withdrawn: u64,
    /// Withdrawals for which all have a receipt in the end.
    pub receipts: u64,
    /// Openings that were set aside.
    pub aside: u64,
    /// Times that a process ended without being told to.
    pub stops: u64,
    /// How often each fault struck, and each race was run.
    pub happened: BTreeMap<&'static str, u64>,
}

/// Everything there is.
pub struct World {
    pub(crate) machines: Vec<Machine>,
    pub(crate) network: Network,
    pub(crate) truth: Truth,
    pub(crate) random: Random,
    pub(crate) swarm: Swarm,
    pub(crate) trace: Trace,
    pub(crate) plant: Plant,
    pub(crate) step: u64,
    pub(crate) now: i64,
    pub(crate) questions: u64,
    pub(crate) ran: Ran,
    pub(crate) kept: Kept,
    pub(crate) counts: Counts,
    pub(crate) hostile: Option<Hostile>,
    pub(crate) twin: Option<Twin>,
    length: Length,
    lives: u64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("step", &self.step).finish_non_exhaustive()
    }
}

/// How far a clock is from that of the world, in microseconds: a minute.
const SKEW_MAX: u64 = 60 * 1_000_000;

/// How far two clocks are apart.
pub(crate) const APART_MAX: i64 = 2 * SKEW_MAX.cast_signed();

impl World {
    /// The world of a seed. `told`: its lines are kept for a reader.
    pub fn new(body: &Body, seed: u64, length: Length, plant: Plant, told: bool) -> World {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(1));
        let swarm = Swarm::draw(&mut random);
        let machines = body.identities().iter().map(|identity| {
            let skew = if swarm.clocks { random.below(SKEW_MAX).cast_signed() } else { 0 };
            Machine::new(identity.clone(), skew)
        });
        let machines = machines.collect();
        let hostile = swarm.hostile.then(|| Hostile::draw(&mut random));
        let before = BEFORE.0 * HOUR + random.below(BEFORE.1 * HOUR.unsigned_abs()).cast_signed();
        let mut trace = Trace::new(told);
        trace.note(0, format_args!("seed {seed}: {swarm:?}"));
        World {
            machines,
            network: Network::default(),
            truth: Truth::default(),
            random,
            swarm,
            trace,
            plant,
            step: 0,
            now: CHANGES.map(|change| change - before).into_iter().min().unwrap_or(0),
            questions: 0,
            ran: Ran::default(),
            kept: Kept::default(),
            counts: Counts::default(),
            hostile,
            twin: None,
            length,
            lives: 0,
        }
    }

    /// Runs the story to its end.
    ///
    /// # Errors
    /// What is broken, and at which step.
    pub fn run(&mut self) -> Result<Ran, String> {
        self.story().map_err(|broken| format!("step {}: {broken}", self.step))?;
        self.machines.iter_mut().for_each(Machine::lost);
        self.end_branch();
        self.ran.happened = self.counts.take();
        self.ran.trace = self.trace.hash();
        Ok(self.ran.clone())
    }

    fn story(&mut self) -> Outcome {
        for who in 0..self.machines.len() {
            self.start(who, false)?;
        }
        while self.step < self.length.steps {
            self.step += 1;
            self.one()?;
        }
        self.settle()?;
        self.sees_itself()
    }

    /// The lines of the story, where they were kept.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.trace.take_lines()
    }

    fn one(&mut self) -> Outcome {
        self.tick();
        self.faults()?;
        for _ in 0..4 {
            let Some(message) = self.network.arrived(self.step) else { break };
            self.deliver(message)?;
        }
        let who = self.random.place(self.machines.len());
        if self.random.chance(2) {
            self.act(who)?;
        }
        if self.swarm.onward && self.random.chance(2) {
            let who = self.random.place(self.machines.len());
            self.onward(who)?;
        }
        if self.random.chance(6) {
            self.poll(who)?;
        }
        self.mischief()?;
        self.secret()?;
        for who in 0..self.machines.len() {
            self.ring(who);
            self.glance(who)?;
        }
        if self.step.is_multiple_of(self.length.check_every) {
            self.examine(who)?;
        }
        Ok(())
    }

    fn tick(&mut self) {
        let each = (LASTS / i64::try_from(self.length.steps.max(1)).unwrap_or(1)).unsigned_abs();
        self.now += self.random.below(2 * each).cast_signed();
        if self.swarm.clocks && self.random.chance(40) {
            let skew = self.random.below(2 * SKEW_MAX).cast_signed() - SKEW_MAX.cast_signed();
            let who = self.random.place(self.machines.len());
            if let Some(machine) = self.machines.get_mut(who) {
                machine.skew = skew;
                self.counts.add("clock jumped");
            }
        }
        for machine in &mut self.machines {
            let now = self.now + machine.skew;
            if let Some(node) = &mut machine.node {
                node.set_now(now);
            }
        }
        if let Some(hostile) = &mut self.hostile {
            hostile.set_now(self.now);
        }
    }

    /// What goes wrong in this step, and who comes back.
    fn faults(&mut self) -> Outcome {
        let who = self.random.place(self.machines.len());
        if self.swarm.partition && self.random.chance(20) {
            let other = self.random.place(self.machines.len());
            self.trace.note(self.step, format_args!("way {who} to {other} cut or mended"));
            self.network.toggle(who, other);
        }
        self.plan(who);
        if self.swarm.restart && self.random.chance(30) {
            self.restart(who)?;
        }
        for who in 0..self.machines.len() {
            let down = self.machines.get(who).is_some_and(|machine| machine.node.is_none());
            if down && self.random.chance(4) {
                let faulty = self.swarm.stop && self.random.chance(6);
                self.start(who, faulty)?;
            }
        }
        Ok(())
    }

    /// Lets a step of a disk fail that is soon to come.
    fn plan(&mut self, who: usize) {
        if !self.random.chance(12) || !self.is_up(who) {
            return;
        }
        let swarm = self.swarm;
        let stops = [Fault::StopBefore, Fault::StopWithin, Fault::FailedButPersisted];
        let mut faults: Vec<Fault> = Vec::new();
        if swarm.stop {
            faults.extend(stops);
            faults.push(Fault::FailedUnsynced);
        }
        if swarm.full {
            faults.push(Fault::Full);
        }
        if swarm.unreadable {
            faults.push(Fault::Unreadable);
        }
        let Some(fault) = self.random.pick(&faults).copied() else { return };
        let after = self.random.below(40);
        self.trace.note(self.step, format_args!("disk {who} will fail: {fault:?} in {after}"));
        let again = self.random.below(12);
        if self.spared(who) {
            return;
        }
        let Some(machine) = self.machines.get_mut(who) else { return };
        machine.planned = Some(fault);
        match fault {
            Fault::Full => machine.disk.fail_again(after, fault, again),
            fault => machine.disk.fail(after, fault),
        }
    }

    /// Starts a process. `faulty`: its disk may fail meanwhile.
    pub(crate) fn start(&mut self, who: usize, faulty: bool) -> Outcome {
        self.lives += 1;
        let mut draws = self.random.fork();
        let after = self.random.below(30);
        let faulty = faulty && !self.spared(who);
        let Some(machine) = self.machines.get_mut(who) else { return Ok(()) };
        if faulty {
            machine.planned = Some(Fault::StopWithin);
            machine.disk.fail(after, Fault::StopWithin);
        }
        let draw = Box::new(move |octets: &mut [u8]| draws.fill(octets));
        let now = self.now + machine.skew;
        let opened = BareNode::open(&machine.disk, &machine.identity, now, draw, self.plant.node);
        match opened {
            Ok(mut node) => {
                if let Some(plant) = self.plant.log {
                    plant(node.sequencer());
                }
                machine.node = Some(node);
                if faulty {
                    machine.disk.clear_fault();
                }
                self.trace.note(self.step, format_args!("{who} starts"));
                self.glance(who)?;
                self.kept_all(who)
            }
            Err(error) => {
                ensure(faulty, || format!("machine {who} does not start: {error}"))?;
                self.counts.add("process stopped while it started");
                self.stopped(who);
                Ok(())
            }
        }
    }

    /// A process has ended: the machine goes on, or the power failed.
    pub(crate) fn stopped(&mut self, who: usize) {
        let power = self.swarm.power && self.random.chance(2);
        self.trace.note(self.step, format_args!("{who} stops, power: {}", !power));
        self.ran.stops += 1;
        let random = &mut self.random;
        let Some(machine) = self.machines.get_mut(who) else { return };
        self.counts.add(why_stopped(machine.planned));
        if !machine.pulls.is_empty() {
            self.counts.add("process stopped while a pull waited");
        }
        machine.lost();
        if power {
            let lost = machine.disk.crash(&mut || random.next());
            self.counts.add("power failed");
            self.counts.some("power failed: write lost or torn", lost);
        } else {
            machine.disk.kill();
        }
    }

    /// Stops a node in order and starts it again: it has the view that it had (I1).
    fn restart(&mut self, who: usize) -> Outcome {
        let Some(machine) = self.machines.get_mut(who) else { return Ok(()) };
        let Some(node) = &machine.node else { return Ok(()) };
        let before = node.digest().map_err(|error| error.to_string())?;
        machine.lost();
        machine.disk.kill();
        self.counts.add("process restarted in order");
        self.start(who, false)?;
        if self.turned(who) {
            return Ok(());
        }
        let node = self.machines.get(who).and_then(|machine| machine.node.as_ref());
        let after = node.map(BareNode::digest).transpose().map_err(|error| error.to_string())?;
        ensure(after == Some(before), || format!("{who} started with another view than it had"))
    }

    /// Tells the others of what grew.
    fn ring(&mut self, who: usize) {
        for log in [Log::Shared, Log::Acts] {
            let Some(machine) = self.machines.get_mut(who) else { return };
            let Some(node) = &mut machine.node else { return };
            let size = node.sequencer().head(log.id()).map_or(0, |head| head.size);
            if machine.told.insert(log, size) == Some(size) {
                continue;
            }
            let note = node.checkpoint(log).unwrap_or_default().to_owned();
            for to in (0..PARTIES.len()).filter(|to| *to != who) {
                if !self.is_on_branch(who, to) {
                    let said = Said::Rings { log, note: note.clone() };
                    self.sends(Message { from: who, to, said });
                }
            }
        }
    }

    pub(crate) fn sends(&mut self, message: Message) {
        let (swarm, counts) = (self.swarm, &mut self.counts);
        self.network.send(self.step, message, swarm, &mut self.random, counts);
    }
}

fn why_stopped(planned: Option<Fault>) -> &'static str {
    match planned {
        Some(Fault::StopBefore) => "process stopped before a step of the store",
        Some(Fault::StopWithin) => "process stopped within a step of the store",
        Some(Fault::FailedButPersisted) => "step done, and reported as failed",
        Some(Fault::FailedUnsynced) => "step written, not synced, and reported as failed",
        Some(Fault::Unreadable) => "process stopped by a read that failed",
        _ => "process stopped otherwise",
    }
}
