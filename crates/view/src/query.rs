//! Questions to the view, one file a noun.

mod consent;
mod known;
mod manifest;
mod objects;
mod onward;
mod released;
mod rival;
mod withdrawal;

pub use consent::{Consent, Cover, consented, consents, cover, given_to, is_covered};
pub use known::{
    KnownVersion, Version, collections_of, expired, first_arrival, halves, held, holds_version,
    known, position_of, version_text,
};
pub use manifest::{VersionRecord, records};
pub use objects::{Page, Row, exists, is_held, page, state};
pub use onward::{passed_on, passed_on_by, passed_on_of};
pub use released::{
    Came, Counts, ForParty, Ledger, copies, held_by, held_since, last_came, ledger, recipients,
    recipients_seen, released, released_to, stands, versions,
};
pub use rival::{Rival, object_of, rivals};
pub use withdrawal::{Withdrawal, arrivals_of, is_withdrawn, receipts, receipts_in, withdrawals};

use rusqlite::Connection;

use crate::store::{Queries, View};

/// What can be asked: a connection that only reads, or that of the writer where there is no other.
pub trait Ask: sealed::Connected {}

impl Ask for Queries {}
impl Ask for View {}

mod sealed {
    use rusqlite::Connection;

    pub trait Connected {
        fn connected(&self) -> &Connection;
    }
}

impl sealed::Connected for Queries {
    fn connected(&self) -> &Connection {
        &self.connection
    }
}

impl sealed::Connected for View {
    fn connected(&self) -> &Connection {
        self.connection()
    }
}
