//! A log of one's own comes back from those who mirror it: a head that its key signed is found at
//! somebody else, and what is here is the beginning of it, or nothing.
//!
//! Nothing is signed that was not signed before. Leaves are stored as they come, above the head
//! that stands; they count once they give the root, and then tiles and head follow in one
//! transaction. If we stop before it, what was stored above the head goes at the next beginning,
//! and the same leaves are taken again.

use std::collections::BTreeSet;

use super::mark::StoredNodes;
use super::{CommitError, GrowError, Grown, LogConfig, OpenError, PendingOpening};
use crate::checkpoint::Checkpoint;
use crate::commitment::Commitment;
use crate::merkle::{self, Hash, Range};
use crate::note::Verifier;
use crate::storage::{EntryRef, Head, INDEX_MAX, KeyRow, Storage, StorageError};
use crate::tile::Edge;

/// Leaves that are read at once while tiles are made of them.
const CHUNK_LEAVES: u64 = 16 * 1024;

/// A log that is taken back. Nothing else may have the store open to write.
pub struct Reclaim {
    config: LogConfig,
    verifier: Verifier,
    /// The head that stands.
    head: Option<Head>,
    /// The leaves that are stored.
    staged: Range,
}

impl Reclaim {
    /// Begins with what is here. What stands above the head, and what opens it, goes.
    ///
    /// # Errors
    /// What is here contradicts itself, or the store cannot be used.
    pub fn begin<S: Storage>(storage: &mut S, config: LogConfig) -> Result<Reclaim, OpenError> {
        let damaged = |what| OpenError::Damaged { log: config.name.clone(), what };
        let verifier = Verifier::new(&config.origin, &config.key.verifying_key())
            .map_err(|_| damaged("its origin cannot be the name of a key"))?;
        let head = storage.head(config.id)?;
        if let Some(head) = &head {
            let said = Checkpoint::open(head.note.as_bytes(), &verifier)
                .map_err(|_| damaged("its checkpoint is not signed by its key"))?;
            if said.size != head.size || said.root != head.root {
                return Err(damaged("its head and its checkpoint differ"));
            }
            if head.range.size() != head.size || head.range.root() != head.root {
                return Err(damaged("its compact range does not give its root"));
            }
        }
        let staged = head.as_ref().map_or_else(Range::default, |head| head.range.clone());
        let reclaim = Reclaim { config, verifier, head, staged };
        reclaim.unstage(storage)?;
        storage.remove_keys_from(EntryRef { log: reclaim.config.id, index: reclaim.size() })?;
        Ok(reclaim)
    }

    /// The key of the log, to read its checkpoints with.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Leaves under the head.
    pub fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size)
    }

    /// Leaves that are stored.
    pub fn staged(&self) -> u64 {
        self.staged.size()
    }

    /// The root of the first leaves; nothing beyond the head.
    ///
    /// # Errors
    /// The store.
    pub fn root_at<S: Storage>(
        &self,
        storage: &mut S,
        size: u64,
    ) -> Result<Option<Hash>, StorageError> {
        if size > self.size() {
            return Ok(None);
        }
        merkle::root(size, &mut StoredNodes { storage, log: self.config.id }).map(Some)
    }

    /// Adds leaves on the way to a head that the key of this log signed. With none it says how
    /// far the log is.
    ///
    /// # Errors
    /// As for a log of somebody else. Where the leaves do not give the tree, all that were stored
    /// on the way are gone, whoever gave them; otherwise they stay.
    pub fn grow<S: Storage>(
        &mut self,
        storage: &mut S,
        note: &str,
        from: u64,
        leaves: &[Commitment],
    ) -> Result<Grown, GrowError> {
        let said = Checkpoint::open(note.as_bytes(), &self.verifier)
            .map_err(|error| GrowError::Checkpoint(error.to_string()))?;
        let here = self.size();
        if said.size > INDEX_MAX {
            return Err(GrowError::Checkpoint(format!("size {}; at most {INDEX_MAX}", said.size)));
        }
        if said.size < here {
            return Err(GrowError::Older { said: said.size, here });
        }
        if let Some(head) = self.head.as_ref().filter(|head| head.size == said.size) {
            let same = head.root == said.root;
            return if same {
                Ok(Grown::Verified(here))
            } else {
                Err(GrowError::Equivocates { size: here })
            };
        }
        let required = self.staged.size();
        if from != required {
            return Err(GrowError::Gap { from, required });
        }
        if required.saturating_add(leaves.len() as u64) > said.size {
            return Err(GrowError::Beyond { said: said.size });
        }
        self.stage(storage, leaves)?;
        if self.staged.size() < said.size {
            return Ok(Grown::Staged(self.staged.size()));
        }
        if self.staged.root() != said.root {
            self.staged = self.head.as_ref().map_or_else(Range::default, |head| head.range.clone());
            self.unstage(storage)?;
            return Err(GrowError::NotItsTree { size: said.size, verified: here });
        }
        self.reach(storage, &said)?;
        Ok(Grown::Verified(said.size))
    }

    /// Stores leaves above the head.
    fn stage<S: Storage>(
        &mut self,
        storage: &mut S,
        leaves: &[Commitment],
    ) -> Result<(), StorageError> {
        let mut staged = self.staged.clone();
        storage.begin()?;
        for leaf in leaves {
            let entry = EntryRef { log: self.config.id, index: staged.size() };
            storage.put_entry(entry, leaf, None).or_else(|error| undone(storage, error))?;
            staged.push(leaf.leaf_hash());
        }
        storage.commit()?;
        self.staged = staged;
        Ok(())
    }

    /// Throws away what stands above the head.
    fn unstage<S: Storage>(&self, storage: &mut S) -> Result<(), StorageError> {
        storage.begin()?;
        let above = EntryRef { log: self.config.id, index: self.size() };
        storage.remove_entries_from(above).or_else(|error| undone(storage, error))?;
        storage.commit()
    }

    /// The leaves give the root: tiles and head follow, together.
    fn reach<S: Storage>(&mut self, storage: &mut S, said: &Checkpoint) -> Result<(), CommitError> {
        storage.begin()?;
        match self.reach_stored(storage, said) {
            Ok(head) => {
                storage.commit()?;
                self.head = Some(head);
                Ok(())
            }
            Err(error) => {
                storage.rollback()?;
                Err(error)
            }
        }
    }

    fn reach_stored<S: Storage>(
        &self,
        storage: &mut S,
        said: &Checkpoint,
    ) -> Result<Head, CommitError> {
        let (log, from) = (self.config.id, self.size());
        let fatal = |what: &str| CommitError::Fatal(format!("log `{}`: {what}", self.config.name));
        let mut edge = Edge::load(from, |level, n| storage.tile(log, level, n))?
            .ok_or_else(|| fatal("a tile of its right edge is missing"))?;
        let mut at = from;
        while at < said.size {
            let to = said.size.min(at.saturating_add(CHUNK_LEAVES));
            let mut leaves = Vec::new();
            storage.commitments(log, at, to, &mut |leaf| leaves.push(leaf.leaf_hash()))?;
            for leaf in leaves {
                edge.push(leaf, &mut |level, n, hashes| storage.put_tile(log, level, n, hashes))?;
            }
            at = to;
        }
        for (level, tile) in edge.partial() {
            storage.put_tile(log, level, tile.n, &tile.hashes)?;
        }
        // What was stored is what was meant, and what was signed.
        if edge.root() != said.root {
            return Err(fatal("what was written is not what was meant"));
        }
        // The same text under the same key has the same signature: nothing new is signed. Lines
        // that somebody else put under it stay out.
        let note = said.sign(&self.config.key).map_err(|error| fatal(&error.to_string()))?;
        let range = self.staged.clone();
        let head = Head { log, size: said.size, root: said.root, note, range };
        let old = self.head.as_ref().map(|head| (head.size, head.root));
        if !storage.swap_head(old, &head)? {
            return Err(fatal("another writer changed its head"));
        }
        Ok(head)
    }

    /// Keeps what opens leaves under the head. One that does not open its leaf is not kept, nor
    /// one of an entry that has a body; unless `keyless` says that nothing opens that body, since
    /// no key of it is here.
    ///
    /// At no moment is a key beside a body that it does not open. If we stop in the middle, bodies
    /// without a key are left, or keys without a body, and the next one replaces either.
    ///
    /// # Errors
    /// The store.
    pub fn open<S: Storage>(
        &self,
        storage: &mut S,
        openings: Vec<PendingOpening>,
        keyless: &dyn Fn(EntryRef) -> bool,
    ) -> Result<Vec<bool>, StorageError> {
        let (mut keys, mut bodies, mut sealed_anew) = (Vec::new(), Vec::new(), Vec::new());
        let (mut kept, mut seen) = (Vec::new(), BTreeSet::new());
        for PendingOpening { entry, sealed } in openings {
            let mut leaf = None;
            if entry.log == self.config.id && entry.index < self.size() {
                let to = entry.index.saturating_add(1);
                storage.commitments(entry.log, entry.index, to, &mut |one| leaf = Some(one))?;
            }
            let has_body = storage.has_body(entry)?;
            let opens = leaf == Some(sealed.commitment)
                && (!has_body || keyless(entry))
                && seen.insert(entry);
            kept.push(opens);
            if opens {
                keys.push(KeyRow { entry, salt: sealed.salt, data_key: sealed.data_key });
                let of_its_kind = if has_body { &mut sealed_anew } else { &mut bodies };
                of_its_kind.push((entry, sealed.body));
            }
        }
        if keys.is_empty() {
            return Ok(kept);
        }
        // A key beside the body of the lost one would not open it, and nothing would ever say that
        // this body may be replaced. So these bodies are on the disk before their keys are.
        if !sealed_anew.is_empty() {
            storage.begin()?;
            sealed_anew
                .iter()
                .try_for_each(|(entry, body)| storage.replace_body(*entry, body))
                .or_else(|error| undone(storage, error))?;
            storage.commit()?;
        }
        storage.begin()?;
        storage
            .put_keys(&keys, &[])
            .and_then(|()| {
                bodies.iter().try_for_each(|(entry, body)| storage.replace_body(*entry, body))
            })
            .or_else(|error| undone(storage, error))?;
        storage.commit()?;
        Ok(kept)
    }

    /// Erases what was taken back: the bodies now, the keys when the logs are opened.
    ///
    /// # Errors
    /// The store.
    pub fn erase<S: Storage>(
        &self,
        storage: &mut S,
        indices: impl IntoIterator<Item = u64>,
    ) -> Result<(), StorageError> {
        storage.begin()?;
        for index in indices {
            let entry = EntryRef { log: self.config.id, index };
            storage.erase_body(entry).map(drop).or_else(|error| undone(storage, error))?;
        }
        storage.commit()
    }
}

impl std::fmt::Debug for Reclaim {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Reclaim({})", self.config.origin)
    }
}

/// The transaction is undone; where even that fails, the process has to end anyway.
fn undone<S: Storage, T>(storage: &mut S, error: StorageError) -> Result<T, StorageError> {
    storage.rollback()?;
    Err(error)
}
