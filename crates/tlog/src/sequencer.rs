//! The single writer of a node's logs: pending → staged → checked → signed → committed → released.
//!
//! All logs of a node grow in one transaction, group-committed. The steps are numbered in
//! [`Sequencer::commit`]; at each it says what holds if the process stops there. Recovery is
//! [`Sequencer::open`], and nothing else.
//!
//! A log must never sign two roots for one size. So: the tree is computed twice before each
//! signature, once in memory and once from what was written; the head is swapped only where the
//! old one still stands; a note leaves this module only after the commit; and after an error that
//! leaves in doubt what is stored, this process signs nothing more.

mod append;
mod follow;
mod journal;
mod mark;
pub(crate) mod mutant;
mod reclaim;
mod recover;
mod rename;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::note::Verifier;
use crate::seal::Sealed;
use crate::storage::{EntryRef, Head, Storage, StorageError};
use crate::tile::Edge;

pub use follow::{FollowConfig, GrowError, Grown};
pub use mark::Behind;
pub(crate) use mark::compare;
#[cfg(feature = "mutants")]
pub use mutant::Mutant;
pub use reclaim::Reclaim;
pub use rename::rename;

/// Octets of an envelope. Several times what the formats allow; it bounds one allocation.
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A log to open.
#[derive(Clone)]
pub struct LogConfig {
    /// Its number, at most [`crate::storage::LOG_MAX`].
    pub id: u8,
    /// What it is called, in messages.
    pub name: String,
    /// The origin of its checkpoints, which is also the name of its key.
    pub origin: String,
    /// The key that signs its checkpoints.
    pub key: SigningKey,
}

/// An entry to append.
#[derive(Debug, Clone)]
pub struct PendingEntry {
    /// Which log.
    pub log: u8,
    /// The envelope, sealed.
    pub sealed: Sealed,
    /// Names the request, so that a retry gets the entry of the first try and makes no second.
    pub idem: Option<Vec<u8>>,
}

/// What arrives in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalOf {
    /// The entry at this place in the batch.
    New(usize),
    /// An entry of an earlier commit.
    Old(EntryRef),
}

/// An entry that enters a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingArrival {
    /// Which collection.
    pub collection: u32,
    /// Which entry.
    pub entry: ArrivalOf,
}

/// What one commit does: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Entries to append, in this order within each log.
    pub entries: Vec<PendingEntry>,
    /// Entries that enter collections.
    pub arrivals: Vec<PendingArrival>,
    /// Entries that leave collections.
    pub departures: Vec<(u32, EntryRef)>,
    /// Entries of earlier commits to be erased: body, salt and data key.
    pub erasures: Vec<EntryRef>,
    /// Openings of leaves of others, to be kept.
    pub openings: Vec<PendingOpening>,
    /// Logs of others, and the index below which everything was asked for.
    pub scanned: Vec<(u8, u64)>,
}

/// The opening of a leaf of somebody else.
#[derive(Debug, Clone)]
pub struct PendingOpening {
    /// Which leaf, below the verified head of its log.
    pub entry: EntryRef,
    /// What was opened, sealed for this store.
    pub sealed: Sealed,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequenced {
    /// Log and index.
    pub entry: EntryRef,
    /// Whether it stood there before: the batch was a retry.
    pub duplicate: bool,
}

/// A line of the arrival journal that a commit wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub seq: u64,
    /// The time it was given, in microseconds since 1970.
    pub date_added: i64,
}

/// What a commit did. It exists only once all of it is durable.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// For each entry of the batch, where it stands.
    pub entries: Vec<Sequenced>,
    /// For each opening of the batch, whether it is kept now and was not before. One that does not
    /// open its leaf is not kept.
    pub received: Vec<bool>,
    /// For each arrival of the batch, its line; `None` where the entry was a duplicate, since the
    /// first try journalled it.
    pub arrivals: Vec<Option<Arrived>>,
    /// For each departure, its line.
    pub departures: Vec<Arrived>,
    /// The heads of the logs that grew, with the notes to publish.
    pub heads: Vec<Head>,
    /// Whether everything that was ever to be erased is gone from the files. Where a reader stood
    /// in the way it is not, and the next commit or [`Sequencer::settle`] tries again.
    pub settled: bool,
}

/// Why nothing was committed, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The batch asks for what cannot be. Nothing was changed.
    #[error("the batch cannot be committed: {0}")]
    Refused(&'static str),
    /// No space is left. Nothing was changed; it will work again when there is space.
    #[error("no space left for `{0}`: nothing was written")]
    StorageFull(&'static str),
    /// Another connection held the store for too long. Nothing was changed.
    #[error("`{0}` is held by another connection: nothing was written")]
    Busy(&'static str),
    /// It is not known what is stored, or something else writes these logs. This sequencer signs
    /// nothing more; the process has to end, and recovery at the next start finds out.
    #[error("the logs must not be written any more in this process: {0}")]
    Fatal(String),
}

/// Why the logs could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The store could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A log is configured in a way that cannot be.
    #[error("log `{log}`: {what}")]
    Config {
        /// Which.
        log: String,
        /// What is wrong.
        what: &'static str,
    },
    /// What is stored of a log contradicts itself. Nothing was signed.
    #[error("log `{log}`: {what}; run `comity verify`")]
    Damaged {
        /// Which.
        log: String,
        /// What was found.
        what: &'static str,
    },
    /// Logs are not as they were last signed: the store was put back. Nothing was signed and no
    /// key was removed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Behind(Vec<Behind>),
}

/// One log, as of its last commit.
struct Log {
    config: LogConfig,
    verifier: Verifier,
    head: Head,
    edge: Edge,
    /// The size that the mark in the key store has, as far as this process wrote it.
    marked: Option<u64>,
}

/// The writer.
pub struct Sequencer<S: Storage> {
    storage: S,
    logs: BTreeMap<u8, Log>,
    followed: BTreeMap<u8, follow::Followed>,
    /// Key of the HMAC over idempotency keys.
    secret: Zeroizing<[u8; 32]>,
    /// Entries whose keys have yet to leave the files.
    unsettled: bool,
    /// Why the mark of the heads could not be written, until somebody asks.
    mark_fault: Option<StorageError>,
    /// Set at the first fatal error, never cleared.
    dead: bool,
    #[cfg(any(test, feature = "mutants"))]
    pub(crate) mutant: Option<mutant::Mutant>,
    #[cfg(test)]
    pub(crate) leaked: Vec<Head>,
}

impl<S: Storage> Sequencer<S> {
    /// The head of a log, as of the last commit.
    pub fn head(&self, log: u8) -> Option<&Head> {
        self.logs.get(&log).map(|log| &log.head)
    }

    /// The heads of all logs, as of the last commit.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.logs.values().map(|log| &log.head)
    }

    /// The verifier of a log's checkpoints.
    pub fn verifier(&self, log: u8) -> Option<&Verifier> {
        self.logs.get(&log).map(|log| &log.verifier)
    }

    /// Whether a fatal error ended this sequencer.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Removes what is still to be erased from the key store, and makes it unreadable in the
    /// files. Says whether nothing is left to do. It may be called at any time, and is after each
    /// commit that erases and at opening.
    ///
    /// # Errors
    /// As for a commit. What is left is done later.
    pub fn settle(&mut self) -> Result<bool, CommitError> {
        if self.dead {
            return Err(CommitError::Fatal("an earlier error was fatal".to_owned()));
        }
        self.settle_marks();
        let result = self.settle_erasures();
        self.conclude(result)
    }

    #[cfg(test)]
    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }

    /// Ends the sequencer and hands the store back.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Undoes an open transaction where that is safe, and remembers where it is not.
    fn conclude<T>(&mut self, result: Result<T, CommitError>) -> Result<T, CommitError> {
        let Err(error) = result else { return result };
        if let CommitError::Fatal(_) = error {
            self.dead = true;
            return Err(error);
        }
        if let Err(second) = self.storage.rollback() {
            self.dead = true;
            return Err(CommitError::Fatal(second.to_string()));
        }
        Err(error)
    }
}

impl From<StorageError> for CommitError {
    fn from(error: StorageError) -> CommitError {
        match error {
            StorageError::Full(place) => CommitError::StorageFull(place),
            StorageError::Busy(place) => CommitError::Busy(place),
            other => CommitError::Fatal(other.to_string()),
        }
    }
}
