//! Opening the logs, which is also the recovery from any stop.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::merkle::Range;
use crate::note::Verifier;
use crate::storage::{EntryRef, FOLLOWED_MIN, Head, INDEX_MAX, Storage};
use crate::tile::{Edge, TILE_WIDTH};

use super::{Log, LogConfig, OpenError, Sequencer};

impl<S: Storage> Sequencer<S> {
    /// Opens the logs: checks each head against its note, its compact range and the tiles of the
    /// right edge, and all of them against the marks; signs the empty checkpoint of a log that is
    /// new, removes keys without entries, and finishes erasures. `random` is drawn from once.
    ///
    /// # Errors
    /// What is stored contradicts itself, or the store cannot be used. Nothing was signed for a
    /// log that is damaged.
    pub fn open(
        storage: S,
        configs: Vec<LogConfig>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Self, OpenError> {
        let mut fresh = Zeroizing::new([0; 32]);
        random(fresh.as_mut_slice());
        let mut sequencer = Sequencer {
            storage,
            logs: BTreeMap::new(),
            followed: BTreeMap::new(),
            secret: Zeroizing::new([0; 32]),
            unsettled: false,
            mark_fault: None,
            dead: false,
            #[cfg(any(test, feature = "mutants"))]
            mutant: None,
            #[cfg(test)]
            leaked: Vec::new(),
        };
        sequencer.secret = Zeroizing::new(sequencer.storage.local_secret(&fresh)?);
        // Shorter than it was: of another day, whatever else is wrong with it. Then damage, which
        // has its own words; then what is whole, and another history. Only then is anything
        // written.
        sequencer.check_marks(&configs, false)?;
        for config in &configs {
            if let Some(head) = sequencer.storage.head(config.id)? {
                sequencer.check_log(config, &verifier(config)?, &head)?;
            }
        }
        sequencer.check_marks(&configs, true)?;
        for config in configs {
            let log = sequencer.open_log(config)?;
            sequencer.logs.insert(log.config.id, log);
        }
        sequencer.mark_heads();
        sequencer.open_erasures()?;
        Ok(sequencer)
    }

    fn open_log(&mut self, config: LogConfig) -> Result<Log, OpenError> {
        let wrong = |what| OpenError::Config { log: config.name.clone(), what };
        if config.id >= FOLLOWED_MIN || self.logs.contains_key(&config.id) {
            return Err(wrong("its number is too high or given twice"));
        }
        let verifier = verifier(&config)?;
        let head = match self.storage.head(config.id)? {
            Some(head) => head,
            None => self.create(&config)?,
        };
        let edge = self.check_log(&config, &verifier, &head)?;
        // Keys above the head belong to a commit that did not happen.
        self.storage.remove_keys_from(EntryRef { log: config.id, index: head.size })?;
        Ok(Log { config, verifier, head, edge, marked: None })
    }

    /// A log is born with a signed checkpoint of size 0, so that there is never an unsigned one.
    fn create(&mut self, config: &LogConfig) -> Result<Head, OpenError> {
        let damaged = |what| OpenError::Damaged { log: config.name.clone(), what };
        let mut entries = 0u64;
        self.storage.commitments(config.id, 0, INDEX_MAX, &mut |_| entries += 1)?;
        if entries > 0 {
            return Err(damaged("there are entries and no head"));
        }
        let range = Range::default();
        let checkpoint = Checkpoint { origin: config.origin.clone(), size: 0, root: range.root() };
        let note =
            checkpoint.sign(&config.key).map_err(|_| damaged("its origin cannot be signed"))?;
        let head = Head { log: config.id, size: 0, root: checkpoint.root, note, range };
        self.storage.begin()?;
        if !self.storage.swap_head(None, &head)? {
            self.storage.rollback()?;
            return Err(damaged("another writer created it just now"));
        }
        self.storage.commit()?;
        Ok(head)
    }

    /// The head must be signed, its range and the edge tiles must give its root, the leaves of the
    /// last tile must be those of the entries, and nothing may stand above it.
    fn check_log(
        &mut self,
        config: &LogConfig,
        verifier: &Verifier,
        head: &Head,
    ) -> Result<Edge, OpenError> {
        let damaged = |what| OpenError::Damaged { log: config.name.clone(), what };
        let checkpoint = Checkpoint::open(head.note.as_bytes(), verifier)
            .map_err(|_| damaged("its checkpoint is not signed by its key"))?;
        if checkpoint.size != head.size || checkpoint.root != head.root {
            return Err(damaged("its head and its checkpoint differ"));
        }
        if head.range.size() != head.size || head.range.root() != head.root {
            return Err(damaged("its compact range does not give its root"));
        }
        let storage = &mut self.storage;
        let edge = Edge::load(head.size, |level, n| storage.tile(config.id, level, n))?
            .ok_or_else(|| damaged("a tile of its right edge is missing"))?;
        if edge.root() != head.root {
            return Err(damaged("the tiles of its right edge do not give its root"));
        }
        let from = head.size - head.size % u64::from(TILE_WIDTH);
        let mut leaves = Vec::new();
        self.storage.commitments(config.id, from, INDEX_MAX, &mut |commitment| {
            leaves.push(commitment.leaf_hash());
        })?;
        let level_0 = edge.partial().find(|(level, _)| *level == 0);
        let tile = level_0.map(|(_, tile)| tile.hashes.as_slice());
        if leaves != tile.unwrap_or_default() {
            return Err(damaged("its last entries are not those of its last tile"));
        }
        Ok(edge)
    }

    /// Finishes the erasures that a stop interrupted. Where a body is still there the list is
    /// wrong, and no key is removed on its word.
    fn open_erasures(&mut self) -> Result<(), OpenError> {
        self.unsettled = !self.storage.erasing()?.is_empty();
        match self.settle_erasures() {
            Ok(_) => Ok(()),
            Err(error) => Err(OpenError::Storage(crate::StorageError::Io(error.to_string()))),
        }
    }
}

fn verifier(config: &LogConfig) -> Result<Verifier, OpenError> {
    Verifier::new(&config.origin, &config.key.verifying_key()).map_err(|_| OpenError::Config {
        log: config.name.clone(),
        what: "its origin cannot be the name of a key",
    })
}
