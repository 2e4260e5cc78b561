//! Many nodes in one process, and one seed that decides what happens to them: who posts, shares and
//! withdraws, which message is lost, whose disk fails and when, who lies.
//!
//! The nodes are [`comity_node::bare::BareNode`]s: the sequencer, the decisions, the fold and the
//! asking side are those of a node with files. Around them stand a disk in memory that forgets what
//! was not synced, a network that loses and delays, and clocks that differ. After every step the
//! world is checked against what it may be ([`World::run`] says `Err` where it is not), and in the
//! end, without faults, all have to come to one state.
//!
//! A seed is one story: the same events, the same trace, on any machine.

mod act;
mod body;
mod check;
mod counts;
mod deliver;
mod honest;
mod hostile;
mod machine;
mod network;
mod onward;
mod order;
mod random;
mod settle;
mod swarm;
mod tamper;
mod trace;
mod truth;
mod twin;
mod void;
mod world;

pub use body::Body;
pub use comity_node::bare::Mutant;
pub use world::{Length, Plant, Ran, World};

/// What holds, or what is broken, in words.
pub(crate) type Outcome<T = ()> = Result<T, String>;

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}
