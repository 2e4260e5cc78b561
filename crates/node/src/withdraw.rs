//! The counterpart of a submission: an object version leaves a collection. With the last
//! collection that held it, its entry is withdrawn: a `withdraw` entry names it, its content and
//! keys are erased in the same commit, and the tree stays as it was.

use comity_view::Position;

use crate::collection::Collection;
use crate::node::{Node, NodeError};
use crate::password::Checked;

/// What a removal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Object versions that left the collection.
    pub left: usize,
    /// Entries among them that were withdrawn and erased.
    pub withdrawn: usize,
}

impl Node {
    /// Takes object versions out of a collection. Those that are not in it (any more) are passed
    /// over, so that two clients may do the same.
    pub fn remove(
        &self,
        by: &Checked,
        collection: &Collection,
        positions: Vec<Position>,
        now: i64,
    ) -> Result<Removed, NodeError> {
        self.writer().remove(collection.number, positions, by.author(), now)
    }
}
