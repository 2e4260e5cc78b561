//! Messages under way.

use std::collections::{BTreeMap, BTreeSet};

use comity_node::sync::Ask;
use comity_wire::entry::Log;

use crate::counts::Counts;
use crate::random::Random;
use crate::swarm::Swarm;

/// Steps that a message takes at most, where they take their time.
const DELAY_MAX: u64 = 12;

#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// A question of a pull.
    Asks { question: u64, log: Log, ask: Ask },
    /// The octets of an answer. `altered` are the openings that are not as they were sent.
    Answers { question: u64, log: Log, octets: Vec<u8>, altered: BTreeSet<u64>, sent: i64 },
    /// A log has grown: its checkpoint.
    Rings { log: Log, note: String },
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) said: Said,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    /// By the step in which it arrives, and the order of sending.
    under_way: BTreeMap<(u64, u64), Message>,
    sent: u64,
    /// Who does not reach whom.
    cut: BTreeSet<(usize, usize)>,
}

impl Network {
    pub(crate) fn send(
        &mut self,
        step: u64,
        message: Message,
        swarm: Swarm,
        random: &mut Random,
        counts: &mut Counts,
    ) {
        let (from, to) = (message.from, message.to);
        if self.cut.contains(&(from, to)) {
            let mutual = self.cut.contains(&(to, from));
            counts.add(if mutual {
                "message cut off both ways"
            } else {
                "message cut off one way"
            });
            return;
        }
        if swarm.loss && random.chance(12) {
            counts.add("message lost");
            return;
        }
        if swarm.twice && random.chance(10) {
            counts.add("message doubled");
            self.put(step + 1 + random.below(DELAY_MAX), message.clone());
        }
        let delay = if swarm.delay { random.below(DELAY_MAX) } else { 0 };
        // Whatever was sent before, and arrives later, is overtaken.
        if self.under_way.range((step + 2 + delay, 0)..).any(|(_, one)| one.to == to) {
            counts.add("message overtaken");
        }
        self.put(step + 1 + delay, message);
    }

    fn put(&mut self, at: u64, message: Message) {
        self.sent += 1;
        self.under_way.insert((at, self.sent), message);
    }

    /// The next message that has arrived by a step.
    pub(crate) fn arrived(&mut self, step: u64) -> Option<Message> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= step).then(|| first.remove())
    }

    /// Cuts a way, or mends one.
    pub(crate) fn toggle(&mut self, from: usize, to: usize) {
        if !self.cut.remove(&(from, to)) {
            self.cut.insert((from, to));
        }
    }
}
