//! What a store of logs has to keep, in prose; [`sqlite`] is the real one, [`memory`] the one that
//! simulation runs on.
//!
//! There are two durable places. The **key store** holds what opens entries (a salt and a data key
//! each); it is small, never in a backup, and what leaves it is gone. The **log store** holds all
//! else. One transaction spans the log store only.

use crate::commitment::{Commitment, Salt};
use crate::merkle::{Hash, Range};
use crate::seal::DataKey;

pub(crate) mod mark;
pub mod memory;
pub(crate) mod schema;
pub mod sqlite;

pub use mark::Mark;

/// Bits of a row key that hold the index; the log stands above them.
const INDEX_BITS: u32 = 48;

/// The most entries a log may have.
pub const INDEX_MAX: u64 = (1 << INDEX_BITS) - 1;

/// The highest number of a log: row keys are signed 64-bit integers.
pub const LOG_MAX: u8 = 127;

/// From this number on, logs are those of others: their leaves are followed, and signed by their
/// owners. Below it are the node's own.
pub const FOLLOWED_MIN: u8 = 16;

/// Names an entry: its log and its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryRef {
    /// The number of the log.
    pub log: u8,
    /// The index of the leaf.
    pub index: u64,
}

impl EntryRef {
    /// The row key: log and index in one integer, so that each log is one run of rows.
    pub fn key(self) -> i64 {
        (i64::from(self.log) << INDEX_BITS) | i64::try_from(self.index & INDEX_MAX).unwrap_or(0)
    }

    /// Whether it stands in a log of somebody else.
    pub fn is_followed(self) -> bool {
        self.log >= FOLLOWED_MIN
    }

    /// The entry of a row key.
    pub fn from_key(key: i64) -> Option<EntryRef> {
        let key = u64::try_from(key).ok()?;
        let log = u8::try_from(key >> INDEX_BITS).ok()?;
        let index = key & INDEX_MAX;
        (log <= LOG_MAX).then_some(EntryRef { log, index })
    }
}

/// The head of a log: what its last checkpoint says, and what the next append starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the log.
    pub log: u8,
    /// Number of leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
    /// The signed checkpoint.
    pub note: String,
    /// The compact range `[0, size)`.
    pub range: Range,
}

/// How far a log of somebody else is followed, beyond its verified head.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Follow {
    /// The compact range of the leaves that are stored: those under the head, and such as came
    /// after it and have not reached a signed root yet. Nobody is shown the latter.
    pub staged: Range,
    /// Everything below this index was asked for: what its owner releases to this node was taken.
    pub scanned: u64,
}

/// A line of the arrival journal: an entry entered a local collection, or left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrivalRow {
    /// Its place in the journal, from 1, without gaps.
    pub seq: u64,
    /// Which collection.
    pub collection: u32,
    /// Which entry.
    pub entry: EntryRef,
    /// Microseconds since 1970; strictly increasing within a collection.
    pub date_added: i64,
    /// Whether it left.
    pub gone: bool,
}

impl ArrivalRow {
    /// A checksum of the row, stored in it. It guards against decay, not against people.
    pub fn sum(&self) -> [u8; 8] {
        checksum(
            b"arrival",
            &[
                &self.seq.to_be_bytes(),
                &self.collection.to_be_bytes(),
                &self.entry.key().to_be_bytes(),
                &self.date_added.to_be_bytes(),
                &[u8::from(self.gone)],
            ],
        )
    }
}

/// The first 8 octets of a SHA-256 over a label and parts of fixed lengths.
pub(crate) fn checksum(label: &[u8], parts: &[&[u8]]) -> [u8; 8] {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    hasher.update(label);
    parts.iter().for_each(|part| hasher.update(part));
    let digest: [u8; 32] = hasher.finalize().into();
    let mut sum = [0; 8];
    sum.iter_mut().zip(digest).for_each(|(slot, byte)| *slot = byte);
    sum
}

/// What opens an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Which entry.
    pub entry: EntryRef,
    /// Opens the commitment.
    pub salt: Salt,
    /// Opens the body.
    pub data_key: DataKey,
}

/// Names a retry: an HMAC, under a local key, of the idempotency key that the caller gave.
pub type DedupKey = [u8; 16];

/// Why a store could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No space is left. After [`Storage::rollback`] everything is as before [`Storage::begin`].
    #[error("no space left for `{0}`")]
    Full(&'static str),
    /// Another connection holds the store for longer than was waited. Nothing was changed.
    #[error("`{0}` is held by another connection")]
    Busy(&'static str),
    /// Another process is the writer of this directory.
    #[error("the logs in `{0}` are in use by another process; stop it first")]
    Held(String),
    /// What is stored is not what was written.
    #[error("damaged: {0}; run `comity verify`")]
    Damaged(String),
    /// Written by another version of the program.
    #[error("`{file}` has version {found}, this program knows {known}; {}", version_help(*.found, *.known))]
    Version {
        /// Which file.
        file: &'static str,
        /// What it says.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// An error after which it is not known what is stored. The process must end and open again.
    #[error("input or output failed: {0}")]
    Io(String),
}

fn version_help(found: u32, known: u32) -> &'static str {
    if found > known {
        "run the later program"
    } else {
        "start the node once, which brings it up to date"
    }
}

/// The store of a sequencer.
///
/// **Consistency.** What [`begin`](Storage::begin) to [`commit`](Storage::commit) changes in the
/// log store becomes visible to other connections together, at the commit, or never. Within the
/// transaction the writer reads what it wrote, from where it wrote it, not from a copy of its own.
/// There is one transaction at a time; `begin` waits for, or refuses, a second writer.
///
/// **Durability.** [`commit`](Storage::commit), [`put_keys`](Storage::put_keys) and
/// [`remove_keys`](Storage::remove_keys) return `Ok` only when what they did outlives a loss of
/// power. Where they return [`StorageError::Full`] or [`StorageError::Busy`], nothing of it was
/// done (`put_keys` excepted: rows above the heads may stay). Where they return anything else,
/// either may be the case, and nobody may act on a guess.
///
/// **Concurrency.** One writer. Any number of readers on connections of their own, who never block
/// it and see whole commits. `put_keys` and `remove_keys` take effect at once, in or out of a
/// transaction; a sequencer calls `put_keys` only within one, so that two writers cannot replace
/// each other's keys.
///
/// **Absence.** A row that is not there is `None` or nothing, never an error.
pub trait Storage {
    /// Starts a transaction on the log store.
    fn begin(&mut self) -> Result<(), StorageError>;
    /// Ends it. What it wrote is durable when this returns `Ok`.
    fn commit(&mut self) -> Result<(), StorageError>;
    /// Ends it, undoing all of it. Without a transaction it does nothing.
    fn rollback(&mut self) -> Result<(), StorageError>;

    /// The head of a log.
    fn head(&mut self, log: u8) -> Result<Option<Head>, StorageError>;
    /// Puts a new head where `old` (size and root; `None`: no row) stands. Says whether it did.
    fn swap_head(&mut self, old: Option<(u64, Hash)>, new: &Head) -> Result<bool, StorageError>;

    /// Adds an entry with its sealed body, or a leaf alone. The row must not exist.
    fn put_entry(
        &mut self,
        entry: EntryRef,
        commitment: &Commitment,
        body: Option<&[u8]>,
    ) -> Result<(), StorageError>;
    /// Whether an entry has a body.
    fn has_body(&mut self, entry: EntryRef) -> Result<bool, StorageError>;
    /// Gives an entry that has no body one. Says whether it did.
    fn put_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<bool, StorageError>;
    /// Gives an entry a body, in place of one that nothing opens any more.
    fn replace_body(&mut self, entry: EntryRef, body: &[u8]) -> Result<(), StorageError>;
    /// Removes the entries of a log from an index on, which nobody was shown.
    fn remove_entries_from(&mut self, from: EntryRef) -> Result<(), StorageError>;
    /// How far a log of somebody else is followed.
    fn follow(&mut self, log: u8) -> Result<Option<Follow>, StorageError>;
    /// Notes it.
    fn set_follow(&mut self, log: u8, follow: &Follow) -> Result<(), StorageError>;
    /// The commitments of a log from an index on, in order, below `to`.
    fn commitments(
        &mut self,
        log: u8,
        from: u64,
        to: u64,
        each: &mut dyn FnMut(Commitment),
    ) -> Result<(), StorageError>;
    /// Removes the body of an entry and notes, in the same transaction, that its key has to go;
    /// of an entry of somebody else's log also where there is no body, since a stop within its
    /// opening may have left a key. Says whether anything is noted.
    fn erase_body(&mut self, entry: EntryRef) -> Result<bool, StorageError>;
    /// Entries whose body was removed, whose key may still be there.
    fn erasing(&mut self) -> Result<Vec<EntryRef>, StorageError>;
    /// Strikes them off that list.
    fn erased(&mut self, entries: &[EntryRef]) -> Result<(), StorageError>;

    /// Writes a tile, in place of a narrower one.
    fn put_tile(&mut self, log: u8, level: u8, n: u64, hashes: &[Hash])
    -> Result<(), StorageError>;
    /// Reads a tile.
    fn tile(&mut self, log: u8, level: u8, n: u64) -> Result<Option<Vec<Hash>>, StorageError>;

    /// Notes which entry a retry means.
    fn put_dedup(&mut self, key: &DedupKey, entry: EntryRef) -> Result<(), StorageError>;
    /// The entry that a retry means.
    fn dedup(&mut self, key: &DedupKey) -> Result<Option<EntryRef>, StorageError>;

    /// Adds a line to the arrival journal.
    fn put_arrival(&mut self, row: &ArrivalRow) -> Result<(), StorageError>;
    /// The number of the last line of the journal, 0 where it is empty.
    fn last_seq(&mut self) -> Result<u64, StorageError>;
    /// The last `date_added` given in a collection.
    fn clock(&mut self, collection: u32) -> Result<Option<i64>, StorageError>;
    /// Sets it.
    fn set_clock(&mut self, collection: u32, last: i64) -> Result<(), StorageError>;

    /// Writes keys, in place of such as were left by a commit that did not happen; and with them,
    /// all or nothing, marks in place of earlier ones of the same logs.
    fn put_keys(&mut self, rows: &[KeyRow], marks: &[Mark]) -> Result<(), StorageError>;
    /// Removes keys.
    fn remove_keys(&mut self, entries: &[EntryRef]) -> Result<(), StorageError>;
    /// Removes the keys of a log from an index on.
    fn remove_keys_from(&mut self, from: EntryRef) -> Result<(), StorageError>;
    /// Notes heads where no restored log store has them, without waiting for the disk.
    fn mark_heads(&mut self, marks: &[Mark]) -> Result<(), StorageError>;
    /// Waits until what was noted is on the disk.
    fn sync_marks(&mut self) -> Result<(), StorageError>;
    /// All marks that are kept anywhere; of one log there may be several.
    fn marks(&mut self) -> Result<Vec<Mark>, StorageError>;
    /// Makes what was removed unreadable in the files themselves, journals included. `false`:
    /// a reader stands in the way, try later.
    fn scrub(&mut self) -> Result<bool, StorageError>;
    /// The secret under which idempotency keys are kept; `fresh` becomes it where there is none.
    fn local_secret(&mut self, fresh: &[u8; 32]) -> Result<[u8; 32], StorageError>;
}
