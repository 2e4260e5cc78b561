//! Questions to the view, one file a noun.

mod known;
mod manifest;
mod objects;
mod released;
mod withdrawal;

pub use known::{
    KnownVersion, collections_of, expired, halves, held, known, position_of, version_text,
};
pub use manifest::{VersionRecord, records};
pub use objects::{Page, Row, exists, is_held, page, state};
pub use released::{
    Counts, ForParty, Ledger, copies, held_by, ledger, recipients, recipients_seen, released,
    released_to, stands, versions,
};
pub use withdrawal::{Withdrawal, arrivals_of, is_withdrawn, receipts, withdrawals};
