//! What it all adds up to: the fold of the logs into state that can be asked.
//!
//! The view is disposable. It holds index values, not bodies, and nothing that could not be
//! folded again from the logs: another schema version, another boot of the machine after a kill,
//! or a digest that differs is answered by dropping it and folding anew.
//!
//! **Invariants**
//! - The fold depends on entries and arrivals alone: no clock, no order of arrival between logs.
//!   It stores deadlines; queries take `now` as an argument.
//! - No query without a [`Readable`], which only a [`Reader`] with the right to read gives.
//! - Pages are found by position in an index, never by counting or by reading objects.

use comity_wire::limits::INDEX_MAX;

mod digest;
pub mod fold;
pub mod query;
mod reader;
mod store;

pub use digest::{Difference, compare};
pub use fold::{Arrival, Folded, ObjectFacts, Released, What};
pub use reader::{Readable, Reader, Right, Rights};
pub use store::{Opened, Queries, SCHEMA_VERSION, View, ViewError};

/// The position of an entry in this node: its log and its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number of the log.
    pub log: u8,
    /// The index of the leaf.
    pub index: u64,
}

impl Position {
    const INDEX_BITS: u32 = INDEX_MAX.count_ones();

    /// From this number on, logs are those of others. Their entries come in any order, so they are
    /// folded with the journal of arrivals, which names each once, and not by their index.
    pub const FOLLOWED_MIN: u8 = 16;

    /// Whether it is in a log of somebody else.
    pub fn is_followed(self) -> bool {
        self.log >= Position::FOLLOWED_MIN
    }

    /// The position as one integer, ascending within a log. An index that no entry has is behind
    /// all of its log, and in no other.
    pub fn key(self) -> i64 {
        let index = i64::try_from(self.index.min(INDEX_MAX)).unwrap_or(0);
        (i64::from(self.log) << Position::INDEX_BITS) | index
    }

    /// The position that [`Position::key`] gave this integer for.
    pub fn from_key(key: i64) -> Position {
        let index = key.unsigned_abs() & INDEX_MAX;
        Position { log: u8::try_from(key >> Position::INDEX_BITS).unwrap_or(u8::MAX), index }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_index_reaches_into_another_log() {
        for log in [0, 2, Position::FOLLOWED_MIN, u8::MAX >> 1] {
            for index in [0, 5, INDEX_MAX, INDEX_MAX + 1, (2 << 48) | 5, u64::MAX] {
                let at = Position::from_key(Position { log, index }.key());
                assert_eq!(at, Position { log, index: index.min(INDEX_MAX) });
            }
        }
    }
}
