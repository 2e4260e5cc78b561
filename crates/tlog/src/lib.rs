//! Append, sign, tile, prove. Knows bytes, not STIX.
//!
//! | what | specification | module |
//! |---|---|---|
//! | hashes, compact range, proofs | RFC 6962 §2.1, RFC 9162 §2.1 | [`merkle`] |
//! | signed note, vkey | C2SP signed-note | [`note`] |
//! | checkpoint | C2SP tlog-checkpoint | [`checkpoint`] |
//! | tiles, entry bundles, their paths | C2SP tlog-tiles | [`tile`] |
//! | what a leaf says | `docs/spec/log.md` | [`commitment`] |
//! | bodies at rest | `docs/spec/log.md` | [`seal`] |
//! | proof of equivocation | `docs/spec/equivocation.md` | [`equivocation`] |
//!
//! Those do no I/O. [`storage`] is the contract that a store keeps, [`sequencer`] the single
//! writer, [`reader`] the read side, [`verify`] the check of a whole directory, [`backup`] the copy
//! of one. Read [`sequencer`] first.

pub mod backup;
pub mod checkpoint;
pub mod commitment;
pub mod equivocation;
pub mod merkle;
pub mod note;
pub mod reader;
pub mod seal;
pub mod sequencer;
pub mod storage;
pub mod tile;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use equivocation::{Branch, Convicted, Equivocation};
pub use merkle::Hash;
pub use note::Verifier;
pub use reader::{ReadError, Reader};
pub use seal::Sealed;
pub use sequencer::{
    ArrivalOf, Arrived, Batch, Behind, CommitError, Committed, FollowConfig, GrowError, Grown,
    LogConfig, OpenError, PendingArrival, PendingEntry, PendingOpening, Reclaim, Sequenced,
    Sequencer,
};
pub use storage::sqlite::SqliteStorage;
pub use storage::{
    ArrivalRow, EntryRef, FOLLOWED_MIN, Follow, Head, LOG_MAX, Storage, StorageError,
};
pub use tile::TilePath;

#[cfg(test)]
mod tests;
