//! Questions to the view, one file a noun.

mod known;
mod manifest;
mod objects;
mod withdrawal;

pub use known::{
    KnownVersion, collections_of, expired, halves, held, known, position_of, version_text,
};
pub use manifest::{VersionRecord, records};
pub use objects::{Page, Row, exists, is_held, page, state};
pub use withdrawal::{arrivals_of, is_withdrawn, receipts};
