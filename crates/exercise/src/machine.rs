//! A party's machine: a disk that outlives everything, and a process that does not.

use std::collections::BTreeMap;

use comity_node::bare::{BareNode, Identity};
use comity_node::peer::Peer;
use comity_node::sync::Pull;
use comity_tlog::storage::memory::{Fault, MemoryDisk};
use comity_wire::entry::Log;

/// A pull that waits for an answer.
#[derive(Debug)]
pub(crate) struct Pulling {
    /// The question that it waits for an answer to.
    pub(crate) id: u64,
    pub(crate) pull: Pull,
    pub(crate) since: u64,
}

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) identity: Identity,
    pub(crate) disk: MemoryDisk,
    /// The process; none while it is down.
    pub(crate) node: Option<BareNode>,
    /// Its pulls, by the number of the log here.
    pub(crate) pulls: BTreeMap<u8, Pulling>,
    /// The fault that its disk was last told to have.
    pub(crate) planned: Option<Fault>,
    /// How far its clock is from that of the world.
    pub(crate) skew: i64,
    /// The sizes of its own logs that it told its peers of.
    pub(crate) told: BTreeMap<Log, u64>,
}

impl Machine {
    pub(crate) fn new(identity: Identity, skew: i64) -> Machine {
        let (disk, pulls, told) = (MemoryDisk::default(), BTreeMap::new(), BTreeMap::new());
        Machine { identity, disk, node: None, pulls, planned: None, skew, told }
    }

    /// The process is gone, and with it all that was in its memory.
    pub(crate) fn lost(&mut self) {
        if let Some(node) = self.node.take() {
            node.end();
        }
        self.pulls.clear();
        self.told.clear();
    }

    /// Which party's log stands here under a number, and which of its logs.
    pub(crate) fn whose(&self, number: u8) -> Option<(&Peer, Log)> {
        self.identity.peers().iter().find_map(|peer| Some((peer, peer.log_of(number)?)))
    }
}
