//! Which objects this node may have seen: the UUID of every version that the view knows or is about
//! to. Nearly every object that is submitted is new, and one look here says so; without it each
//! would take a walk down an index with random keys, and would have to wait for the groups that are
//! still being folded.
//!
//! A yes may be wrong (half of a UUID is kept), and then the view is asked. A no is never wrong:
//! what was ever added stays, also what is withdrawn or was never committed.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::BuildHasherDefault;

use comity_view::{View, query};
use comity_wire::id::Uuid;

use crate::node::NodeError;

/// Some 9 to 18 octets for each version.
#[derive(Default)]
pub(crate) struct Known(HashSet<u64, BuildHasherDefault<DefaultHasher>>);

impl Known {
    /// What a view knows.
    pub(crate) fn of(view: &View) -> Result<Known, NodeError> {
        let mut known = Known::default();
        query::halves(view, |half| {
            known.0.insert(half);
        })?;
        Ok(known)
    }

    pub(crate) fn add(&mut self, uuid: Uuid) {
        self.0.insert(uuid.half());
    }

    pub(crate) fn may_have(&self, uuid: Uuid) -> bool {
        self.0.contains(&uuid.half())
    }
}
