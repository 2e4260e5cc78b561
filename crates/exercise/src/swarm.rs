//! Which faults a story has. Each seed switches a part of them on: a world with all of them at once
//! hides what two of them do together.

use crate::random::Random;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Swarm {
    /// Messages are lost.
    pub(crate) loss: bool,
    /// Messages take their time, and overtake each other.
    pub(crate) delay: bool,
    /// Messages come twice.
    pub(crate) twice: bool,
    /// One does not hear another, for a while.
    pub(crate) partition: bool,
    /// A process stops at some step of its store.
    pub(crate) stop: bool,
    /// The power fails.
    pub(crate) power: bool,
    /// A disk is full, for a while.
    pub(crate) full: bool,
    /// A read fails.
    pub(crate) unreadable: bool,
    /// A node is stopped in order, and started again.
    pub(crate) restart: bool,
    /// Clocks are apart, and jump.
    pub(crate) clocks: bool,
    /// Answers are changed: a checkpoint of yesterday, octets that are none of it.
    pub(crate) garbage: bool,
    /// An opening is changed, so that it does not open its leaf.
    pub(crate) poison: bool,
    /// What was released once comes again.
    pub(crate) replay: bool,
    /// What is posted expires soon.
    pub(crate) expiry: bool,
    /// What is posted is released at once.
    pub(crate) direct: bool,
    /// One party is hostile, for a part of the story.
    pub(crate) hostile: bool,
    /// Owners consent that others pass their objects on.
    pub(crate) onward: bool,
}

impl Swarm {
    pub(crate) fn draw(random: &mut Random) -> Swarm {
        let mut on = || random.chance(2);
        Swarm {
            loss: on(),
            delay: on(),
            twice: on(),
            partition: on(),
            stop: on(),
            power: on(),
            full: on(),
            unreadable: on(),
            restart: on(),
            clocks: on(),
            garbage: on(),
            poison: on(),
            replay: on(),
            expiry: on(),
            direct: on(),
            hostile: on(),
            onward: on(),
        }
    }
}
