//! The counterpart of a submission: an object version leaves a collection. With the last
//! collection that held it, its entry is withdrawn: a `withdraw` entry names it, its content and
//! keys are erased in the same commit, and the tree stays as it was.
//!
//! What was shared falls with it, in the log `shared`, and those who could open it are told:
//! exactly those. So it takes the right to withdraw to remove what is shared.

use comity_view::{Position, Right};
use comity_wire::entry::Log;
use serde::Serialize;

use crate::collection::Collection;
use crate::node::{Node, NodeError};
use crate::password::Checked;

/// What a removal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Object versions that left the collection.
    pub left: usize,
    /// Entries that were withdrawn and erased.
    pub withdrawn: usize,
}

/// What taking an object back did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TakenBack {
    /// Object versions.
    pub objects: usize,
    /// Entries that were withdrawn and erased, private and shared.
    pub withdrawn: usize,
    /// The parties that could open one of them, and are told.
    pub told: Vec<String>,
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
        if collection.release.is_some() || self.are_shared(&positions)? {
            by.require(Right::Withdraw)?;
        }
        self.writer().remove(collection.number, positions, by.author(), now)
    }

    /// Whether anything of this is for others.
    fn are_shared(&self, positions: &[Position]) -> Result<bool, NodeError> {
        for position in positions {
            if !self.copies(*position)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes objects back, all versions, from everybody who could open them and from the node's own
    /// collections. With `keep`, private entries stay, and what was shared of them goes.
    pub fn take_back(
        &self,
        by: &Checked,
        ids: &[String],
        keep: bool,
        now: i64,
    ) -> Result<TakenBack, NodeError> {
        by.require(Right::Withdraw)?;
        let versions = self.versions(ids)?;
        let (mut told, mut going) = (Vec::new(), Vec::new());
        for version in &versions {
            let shared = self.copies(*version)?;
            for entry in &shared {
                told.extend(self.recipients(*entry)?);
            }
            // What another party gave stays here, as it came.
            if version.is_followed() || (keep && version.log == Log::Private.id()) {
                going.extend(shared);
            } else {
                going.push(*version);
            }
        }
        told.sort();
        told.dedup();
        let removed = self.writer().withdraw(going, by.author(), now)?;
        Ok(TakenBack { objects: versions.len(), withdrawn: removed.withdrawn, told })
    }
}
