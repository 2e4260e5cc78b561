//! Logs of others. Their leaves are stored as they come, and count from the moment at which they
//! reach a root that their owner signed; a head that does not extend the one before is refused and
//! nothing of it stays. What a leaf commits to comes later, or never.
//!
//! Between two roots leaves are *staged*: stored in the same table, above the head, with the
//! compact range that they give, so that a log of any length is followed in pieces of bounded size
//! and a stop loses one piece. Nobody is shown a staged leaf.

use std::collections::BTreeSet;

use crate::checkpoint::Checkpoint;
use crate::commitment::Commitment;
use crate::merkle::Range;
use crate::note::Verifier;
use crate::storage::{
    EntryRef, FOLLOWED_MIN, Follow, Head, INDEX_MAX, KeyRow, LOG_MAX, Storage, StorageError,
};

use super::mutant::Mutant;
use super::{CommitError, OpenError, PendingOpening, Sequencer};

/// A log of somebody else, to be followed.
#[derive(Debug, Clone)]
pub struct FollowConfig {
    /// Its number here, from [`FOLLOWED_MIN`] to [`LOG_MAX`].
    pub id: u8,
    /// What it is called, in messages.
    pub name: String,
    /// Checks its checkpoints; its name is the origin.
    pub verifier: Verifier,
}

/// A followed log, as of the last commit.
pub(super) struct Followed {
    config: FollowConfig,
    head: Option<Head>,
    follow: Follow,
}

/// A sealed body for a leaf that it opens.
type Body = (EntryRef, Vec<u8>);

/// How far leaves brought a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grown {
    /// They are staged: more are needed to reach the root. The index to go on from.
    Staged(u64),
    /// They reached the root: so many leaves are verified.
    Verified(u64),
}

/// Why a log of somebody else does not grow. But for [`GrowError::Commit`], this is about what its
/// owner said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrowError {
    /// No such log is followed.
    #[error("log {0} is not followed")]
    Unknown(u8),
    /// The checkpoint is not one of this log.
    #[error("the checkpoint cannot be used: {0}")]
    Checkpoint(String),
    /// The checkpoint is older than what is verified here. That alone is no fault: a cache may
    /// hold it.
    #[error("a checkpoint of size {said}, and {here} leaves are verified here")]
    Older {
        /// What the checkpoint says.
        said: u64,
        /// What is verified.
        here: u64,
    },
    /// Two roots for one size, both signed.
    #[error("two signed checkpoints of size {size} have different roots")]
    Equivocates {
        /// The size.
        size: u64,
    },
    /// The leaves do not begin where those that are here end.
    #[error("leaves from index {from}; required: from {required}")]
    Gap {
        /// Where they begin.
        from: u64,
        /// Where they have to.
        required: u64,
    },
    /// More leaves than the checkpoint covers.
    #[error("leaves beyond size {said}, which the checkpoint covers")]
    Beyond {
        /// What the checkpoint says.
        said: u64,
    },
    /// The leaves do not give the root that is signed. What was staged is thrown away.
    #[error(
        "the leaves up to {size} do not give the root that is signed, after {verified} that did"
    )]
    NotItsTree {
        /// The size of the checkpoint.
        size: u64,
        /// Leaves that stay verified.
        verified: u64,
    },
    /// This node's own store.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<StorageError> for GrowError {
    fn from(error: StorageError) -> GrowError {
        GrowError::Commit(error.into())
    }
}

impl<S: Storage> Sequencer<S> {
    /// Takes up a log of somebody else, where it was left.
    ///
    /// # Errors
    /// What is stored of it contradicts itself or was signed by another key.
    pub fn follow(&mut self, config: FollowConfig) -> Result<(), OpenError> {
        let wrong = |what| OpenError::Config { log: config.name.clone(), what };
        if !(FOLLOWED_MIN..=LOG_MAX).contains(&config.id) || self.followed.contains_key(&config.id)
        {
            return Err(wrong("its number is out of range or given twice"));
        }
        let damaged = |what| OpenError::Damaged { log: config.name.clone(), what };
        let head = self.storage.head(config.id)?;
        let verified = match &head {
            None => Range::default(),
            Some(head) => {
                let said = Checkpoint::open(head.note.as_bytes(), &config.verifier)
                    .map_err(|_| damaged("its checkpoint is not signed by its owner's key"))?;
                if said.size != head.size || said.root != head.root {
                    return Err(damaged("its head and its checkpoint differ"));
                }
                if head.range.size() != head.size || head.range.root() != head.root {
                    return Err(damaged("its compact range does not give its root"));
                }
                head.range.clone()
            }
        };
        let follow = match self.storage.follow(config.id)? {
            Some(follow) if follow.staged.size() < verified.size() => {
                return Err(damaged("fewer leaves are staged than verified"));
            }
            Some(follow) => follow,
            None => Follow { staged: verified, scanned: 0 },
        };
        self.followed.insert(config.id, Followed { config, head, follow });
        Ok(())
    }

    /// The verified head of a followed log; nothing before the first one.
    pub fn followed_head(&self, log: u8) -> Option<&Head> {
        self.followed.get(&log)?.head.as_ref()
    }

    /// How far a followed log is stored and asked for.
    pub fn followed(&self, log: u8) -> Option<&Follow> {
        self.followed.get(&log).map(|followed| &followed.follow)
    }

    /// Whether an entry of a followed log is under its verified head.
    pub(super) fn is_verified(&self, entry: EntryRef) -> bool {
        self.followed_head(entry.log).is_some_and(|head| entry.index < head.size)
    }

    /// Adds leaves of a log of somebody else, on the way to a checkpoint that its owner signed.
    /// With none it says how far the log is. One transaction: all of it or nothing.
    ///
    /// # Errors
    /// See [`GrowError`].
    pub fn grow(
        &mut self,
        log: u8,
        note: &str,
        from: u64,
        leaves: &[Commitment],
    ) -> Result<Grown, GrowError> {
        if self.dead {
            return Err(CommitError::Fatal("an earlier error was fatal".to_owned()).into());
        }
        let followed = self.followed.get(&log).ok_or(GrowError::Unknown(log))?;
        let said = Checkpoint::open(note.as_bytes(), &followed.config.verifier)
            .map_err(|error| GrowError::Checkpoint(error.to_string()))?;
        if said.size > INDEX_MAX {
            return Err(GrowError::Checkpoint(format!("size {}; at most {INDEX_MAX}", said.size)));
        }
        let here = followed.head.as_ref().map_or(0, |head| head.size);
        if said.size < here {
            return Err(GrowError::Older { said: said.size, here });
        }
        if let Some(head) = &followed.head
            && said.size == here
        {
            return if head.root == said.root || self.has(Mutant::AcceptsFork) {
                Ok(Grown::Verified(here))
            } else {
                Err(GrowError::Equivocates { size: here })
            };
        }
        let required = followed.follow.staged.size();
        if from != required {
            return Err(GrowError::Gap { from, required });
        }
        if required.saturating_add(leaves.len() as u64) > said.size {
            return Err(GrowError::Beyond { said: said.size });
        }
        match self.grow_stored(log, &said, note, leaves) {
            Err(GrowError::Commit(error)) => Ok(self.conclude(Err(error))?),
            other => other,
        }
    }

    fn grow_stored(
        &mut self,
        log: u8,
        said: &Checkpoint,
        note: &str,
        leaves: &[Commitment],
    ) -> Result<Grown, GrowError> {
        let followed = self.followed.get(&log).ok_or(GrowError::Unknown(log))?;
        let mut follow = followed.follow.clone();
        let old = followed.head.as_ref().map(|head| (head.size, head.root));
        let verified =
            followed.head.as_ref().map_or_else(Range::default, |head| head.range.clone());
        self.storage.begin()?;
        for leaf in leaves {
            let entry = EntryRef { log, index: follow.staged.size() };
            self.storage.put_entry(entry, leaf, None)?;
            follow.staged.push(leaf.leaf_hash());
        }
        let reached = follow.staged.size() == said.size;
        if reached && follow.staged.root() != said.root && !self.has(Mutant::NoReplay) {
            // Whatever these leaves are, they are not this log. Those under the head stay.
            self.storage.rollback()?;
            self.unstage(log, verified)?;
            let verified = old.map_or(0, |(size, _)| size);
            return Err(GrowError::NotItsTree { size: said.size, verified });
        }
        let mut head = None;
        if reached {
            let range = follow.staged.clone();
            let new = Head { log, size: said.size, root: said.root, note: note.to_owned(), range };
            if !self.storage.swap_head(old, &new)? {
                let what = "another writer changed the head of a followed log";
                return Err(CommitError::Fatal(what.to_owned()).into());
            }
            head = Some(new);
        }
        self.storage.set_follow(log, &follow)?;
        self.storage.commit()?;
        let staged = follow.staged.size();
        if let Some(followed) = self.followed.get_mut(&log) {
            followed.follow = follow;
            followed.head = head.or_else(|| followed.head.take());
        }
        Ok(if reached { Grown::Verified(staged) } else { Grown::Staged(staged) })
    }

    /// Throws staged leaves away.
    fn unstage(&mut self, log: u8, verified: Range) -> Result<(), GrowError> {
        let Some(followed) = self.followed.get(&log) else { return Ok(()) };
        let follow = Follow { staged: verified, scanned: followed.follow.scanned };
        self.storage.begin()?;
        self.storage.remove_entries_from(EntryRef { log, index: follow.staged.size() })?;
        self.storage.set_follow(log, &follow)?;
        self.storage.commit()?;
        self.adopt_follows(vec![(log, follow)]);
        Ok(())
    }

    /// Which openings open their leaves. The keys of those are to be kept before the bodies are.
    pub(super) fn stage_openings(
        &mut self,
        openings: Vec<PendingOpening>,
        keys: &mut Vec<KeyRow>,
    ) -> Result<Vec<Option<Body>>, CommitError> {
        let mut staged = Vec::with_capacity(openings.len());
        let mut seen = BTreeSet::new();
        for PendingOpening { entry, sealed } in openings {
            let mut leaf = None;
            let (from, to) = (entry.index, entry.index.saturating_add(1));
            self.storage.commitments(entry.log, from, to, &mut |stored| leaf = Some(stored))?;
            // A body that is here stays under the key that it has.
            let opens = leaf == Some(sealed.commitment)
                && !self.storage.has_body(entry)?
                && seen.insert(entry);
            if !opens {
                staged.push(None);
                continue;
            }
            keys.push(KeyRow { entry, salt: sealed.salt, data_key: sealed.data_key });
            staged.push(Some((entry, sealed.body)));
        }
        Ok(staged)
    }

    /// Keeps the bodies.
    pub(super) fn store_openings(
        &mut self,
        staged: Vec<Option<Body>>,
    ) -> Result<Vec<bool>, CommitError> {
        let mut received = Vec::with_capacity(staged.len());
        for opening in staged {
            received.push(match opening {
                Some((entry, body)) => self.storage.put_body(entry, &body)?,
                None => false,
            });
        }
        Ok(received)
    }

    pub(super) fn note_scanned(
        &mut self,
        scanned: &[(u8, u64)],
    ) -> Result<Vec<(u8, Follow)>, CommitError> {
        let mut follows = Vec::with_capacity(scanned.len());
        for (log, to) in scanned {
            let Some(followed) = self.followed.get(log) else { continue };
            let verified = followed.head.as_ref().map_or(0, |head| head.size);
            let mut follow = followed.follow.clone();
            // It goes back to zero where somebody wants everything again, never beyond the head.
            follow.scanned = (*to).min(verified);
            self.storage.set_follow(*log, &follow)?;
            follows.push((*log, follow));
        }
        Ok(follows)
    }

    pub(super) fn adopt_follows(&mut self, follows: Vec<(u8, Follow)>) {
        for (log, follow) in follows {
            if let Some(followed) = self.followed.get_mut(&log) {
                followed.follow = follow;
            }
        }
    }
}
