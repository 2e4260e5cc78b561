//! A store in memory, for simulation: two journals on a disk that forgets what was not synced, and
//! that can be told to fail at any step.
//!
//! A commit writes a record in several pieces and then syncs. When the power fails, each piece that
//! was not synced is kept or lost by itself, in any order; on the next start a record counts if all
//! of it is there and so is every record before it. This is what SQLite's write-ahead journal
//! promises. When only the process ends, what it wrote whole is there, synced or not; so a store
//! syncs what it finds before it reads it, as the checkpoint at the opening of the real one does.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{ArrivalRow, DedupKey, EntryRef, Follow, Head, INDEX_MAX, KeyRow, Mark, StorageError};
use crate::commitment::{Commitment, Salt};
use crate::merkle::Hash;
use crate::seal;

/// Pieces in which a record is written.
const PIECES: u32 = 4;

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process stops before the step.
    StopBefore,
    /// The process stops while what the step writes is on its way to the disk.
    StopWithin,
    /// The step is done, all of it, and reports a failure.
    FailedButPersisted,
    /// The step is written and not synced, and reports a failure: what a start finds is there until
    /// the power fails.
    FailedUnsynced,
    /// The next read fails; nothing is changed.
    Unreadable,
    /// No space is left; nothing is done.
    Full,
    /// The step is done, with one bit of an entry flipped on its way.
    Flip,
}

/// A file: what is durable, what was written since, what a reader sees. States are shared, and none
/// changes once it is written.
#[derive(Debug, Clone, Default)]
struct File<T> {
    durable: Arc<T>,
    unsynced: Vec<Arc<T>>,
    /// Whether the last of these was cut off.
    torn: bool,
    live: Arc<T>,
}

impl<T> File<T> {
    fn write(&mut self, state: T) {
        let state = Arc::new(state);
        self.unsynced.push(state.clone());
        self.live = state;
    }

    fn sync(&mut self) {
        self.durable = self.live.clone();
        self.unsynced.clear();
        self.torn = false;
    }

    /// The process ends in the middle of what it wrote last, or after it.
    fn stop(&mut self) {
        if self.torn {
            self.unsynced.pop();
            self.torn = false;
        }
        self.live = Arc::clone(self.unsynced.last().unwrap_or(&self.durable));
    }

    /// How many writes are lost, or there in part.
    fn crash(&mut self, random: &mut dyn FnMut() -> u64) -> u64 {
        let unsynced = std::mem::take(&mut self.unsynced);
        let mut lost = unsynced.len() as u64;
        for state in unsynced {
            let all = 1u64 << PIECES;
            if random() % all != all - 1 {
                break;
            }
            self.durable = state;
            lost -= 1;
        }
        self.torn = false;
        self.live = Arc::clone(&self.durable);
        lost
    }
}

/// A leaf, and its body where it is here.
type Row = (Commitment, Option<Arc<[u8]>>);

/// The log store.
#[derive(Debug, Clone, Default)]
struct Tables {
    entries: BTreeMap<i64, Row>,
    tiles: BTreeMap<(u8, u8, u64), Arc<[Hash]>>,
    heads: BTreeMap<u8, Arc<Head>>,
    dedup: BTreeMap<DedupKey, EntryRef>,
    arrivals: BTreeMap<u64, ArrivalRow>,
    clocks: BTreeMap<u32, i64>,
    erasing: BTreeSet<EntryRef>,
    follows: BTreeMap<u8, Follow>,
}

/// The key store.
#[derive(Debug, Clone, Default)]
struct Keys {
    rows: BTreeMap<i64, Arc<KeyRow>>,
    marks: BTreeMap<u8, Mark>,
    secret: Option<[u8; 32]>,
}

#[derive(Debug, Default)]
struct Disk {
    log: File<Tables>,
    keys: File<Keys>,
    marks: File<Vec<Mark>>,
    /// Which handle has a transaction open.
    writer: Option<u64>,
    handles: u64,
    steps: u64,
    plan: Option<(u64, Fault)>,
    /// How often the planned fault strikes again.
    again: u64,
    stopped: bool,
}

impl Disk {
    /// The planned fault strikes, for the last time or not.
    fn strike(&mut self) {
        if self.again == 0 {
            self.plan = None;
        } else {
            self.again -= 1;
        }
    }

    /// All stores that were open are dead.
    fn restart(&mut self) {
        self.writer = None;
        self.plan = None;
        self.again = 0;
        self.stopped = false;
        self.handles += 1;
    }
}

/// What a disk held at one moment, as a copy of a virtual machine keeps it.
#[cfg(test)]
pub(crate) struct Snapshot(Arc<Tables>, Arc<Keys>, Arc<Vec<Mark>>);

/// A simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

impl MemoryDisk {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a store on it. Two at once are two writers without a lock between them.
    pub fn open(&self) -> MemoryStorage {
        let mut disk = self.disk();
        disk.log.sync();
        disk.keys.sync();
        self.handle(&mut disk)
    }

    /// A planted bug: a store that reads what it finds without a sync.
    #[cfg(test)]
    pub(crate) fn open_unsynced(&self) -> MemoryStorage {
        self.handle(&mut self.disk())
    }

    fn handle(&self, disk: &mut Disk) -> MemoryStorage {
        disk.handles += 1;
        MemoryStorage { disk: self.clone(), handle: disk.handles, transaction: None }
    }

    /// Another disk with the same on it. Who opens both has two writers with one key.
    pub fn copied(&self) -> MemoryDisk {
        let disk = self.disk();
        let (log, keys, marks) = (disk.log.clone(), disk.keys.clone(), disk.marks.clone());
        MemoryDisk(Arc::new(Mutex::new(Disk { log, keys, marks, ..Disk::default() })))
    }

    /// Steps taken so far. Every read, every change and every commit is one.
    pub fn steps(&self) -> u64 {
        self.disk().steps
    }

    /// Makes the step after the next `after` ones fail.
    pub fn fail(&self, after: u64, fault: Fault) {
        let mut disk = self.disk();
        disk.plan = Some((disk.steps + after, fault));
        disk.again = 0;
    }

    /// The same, and so do some of those that follow, of the kinds that it can strike.
    pub fn fail_again(&self, after: u64, fault: Fault, again: u64) {
        self.fail(after, fault);
        self.disk().again = again;
    }

    /// Takes a planned fault back, and says whether it had struck.
    pub fn clear_fault(&self) -> bool {
        let mut disk = self.disk();
        let again = std::mem::take(&mut disk.again);
        disk.plan.take().is_none() || again > 0
    }

    /// The power fails: what was not synced is lost, torn or kept, as `random` has it. All stores
    /// that were open are dead. How many writes of the two stores are lost.
    pub fn crash(&self, random: &mut dyn FnMut() -> u64) -> u64 {
        let mut disk = self.disk();
        let lost = disk.log.crash(random) + disk.keys.crash(random);
        disk.marks.crash(random);
        disk.restart();
        lost
    }

    /// The process ends, and the machine runs on: what was written whole is there, and what was not
    /// synced may still be lost with the power. All stores that were open are dead.
    pub fn kill(&self) {
        let mut disk = self.disk();
        disk.log.stop();
        disk.keys.stop();
        disk.marks.stop();
        disk.restart();
    }

    /// Keeps what there is.
    #[cfg(test)]
    pub(crate) fn snapshot(&self) -> Snapshot {
        let disk = self.disk();
        Snapshot(disk.log.live.clone(), disk.keys.live.clone(), disk.marks.live.clone())
    }

    /// Puts back what was kept; the rest is forgotten. All stores that were open are dead.
    #[cfg(test)]
    pub(crate) fn restore(&self, Snapshot(tables, keys, marks): &Snapshot) {
        let mut disk = self.disk();
        disk.log = File { live: tables.clone(), ..File::default() };
        disk.keys = File { live: keys.clone(), ..File::default() };
        disk.marks = File { live: marks.clone(), ..File::default() };
        disk.log.sync();
        disk.keys.sync();
        disk.marks.sync();
        disk.restart();
    }

    /// The commitments of a log.
    pub fn commitments(&self, log: u8) -> Vec<Commitment> {
        let disk = self.disk();
        let rows = disk.log.live.entries.range(span(log, 0, INDEX_MAX));
        rows.map(|(_, (commitment, _))| *commitment).collect()
    }

    /// The head of a log.
    pub fn head(&self, log: u8) -> Option<Head> {
        self.disk().log.live.heads.get(&log).map(|head| Head::clone(head))
    }

    /// Leaves of a log that are under its head.
    pub fn size(&self, log: u8) -> u64 {
        self.disk().log.live.heads.get(&log).map_or(0, |head| head.size)
    }

    /// The commitment of an entry.
    pub fn commitment(&self, entry: EntryRef) -> Option<Commitment> {
        self.disk().log.live.entries.get(&entry.key()).map(|(commitment, _)| *commitment)
    }

    /// The salt of an entry.
    pub fn salt(&self, entry: EntryRef) -> Option<Salt> {
        self.disk().keys.live.rows.get(&entry.key()).map(|row| row.salt.clone())
    }

    /// Octets of an entry's envelope; nothing where it is erased or does not exist.
    pub fn envelope_size(&self, entry: EntryRef) -> Option<u64> {
        let disk = self.disk();
        let (_, body) = disk.log.live.entries.get(&entry.key())?;
        body.as_ref().map(|body| body.len().saturating_sub(seal::TAG_BYTES) as u64)
    }

    /// The number of the last line of the journal of arrivals, 0 where it is empty.
    pub fn last_arrival(&self) -> u64 {
        self.disk().log.live.arrivals.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// The journal of arrivals from a line on.
    pub fn arrivals_from(&self, seq: u64) -> Vec<ArrivalRow> {
        self.disk().log.live.arrivals.range(seq..).map(|(_, row)| *row).collect()
    }

    /// The journal of arrivals.
    pub fn arrivals(&self) -> Vec<ArrivalRow> {
        self.disk().log.live.arrivals.values().copied().collect()
    }

    /// The envelope of an entry: `Err` where the body is there and does not open its commitment.
    pub fn open_entry(&self, entry: EntryRef) -> Result<Option<Vec<u8>>, EntryRef> {
        let disk = self.disk();
        let Some((commitment, Some(body))) = disk.log.live.entries.get(&entry.key()) else {
            return Ok(None);
        };
        let row = disk.keys.live.rows.get(&entry.key()).ok_or(entry)?;
        let mut body = body.to_vec();
        seal::unseal(&row.data_key, commitment, &mut body).map_err(|_| entry)?;
        let opens = commitment.opens(&row.salt, &body);
        opens.then_some(Some(body)).ok_or(entry)
    }

    /// The log store as it is now, to be put back later.
    pub fn copy_of_logs(&self) -> impl Fn(&MemoryDisk) + use<> {
        let log = self.disk().log.clone();
        move |disk: &MemoryDisk| disk.disk().log.clone_from(&log)
    }

    /// Whether anything that opens an entry is still there.
    pub fn has_key(&self, entry: EntryRef) -> bool {
        self.disk().keys.live.rows.contains_key(&entry.key())
    }
}

fn span(log: u8, from: u64, to: u64) -> std::ops::Range<i64> {
    let at = |index| EntryRef { log, index }.key();
    at(from)..at(to)
}

/// A store on a simulated disk.
#[derive(Debug)]
pub struct MemoryStorage {
    disk: MemoryDisk,
    handle: u64,
    transaction: Option<Tables>,
}

fn stopped() -> StorageError {
    StorageError::Io("stopped".to_owned())
}

/// What a step has to do about the plan.
enum Step {
    Go,
    GoThenFail,
    Unsynced,
    Within,
    Flip,
}

impl MemoryStorage {
    fn step(disk: &mut Disk) -> Result<Step, StorageError> {
        if disk.stopped {
            return Err(stopped());
        }
        let at = disk.steps;
        disk.steps += 1;
        let due = |(planned, fault): &(u64, Fault)| *planned <= at && *fault != Fault::Unreadable;
        let Some((_, fault)) = disk.plan.filter(due) else {
            return Ok(Step::Go);
        };
        disk.strike();
        match fault {
            Fault::Full => Err(StorageError::Full("memory")),
            Fault::StopBefore => {
                disk.stopped = true;
                Err(stopped())
            }
            Fault::StopWithin => Ok(Step::Within),
            Fault::FailedButPersisted => Ok(Step::GoThenFail),
            Fault::FailedUnsynced => Ok(Step::Unsynced),
            // Strikes where something is read.
            Fault::Unreadable => Ok(Step::Go),
            Fault::Flip => Ok(Step::Flip),
        }
    }

    /// A change within the transaction. Until the commit none of it is on the disk, so that all
    /// ways to stop within it are one.
    fn change<R>(&mut self, work: impl FnOnce(&mut Tables, bool) -> R) -> Result<R, StorageError> {
        let mut disk = self.disk.disk();
        let step = MemoryStorage::step(&mut disk)?;
        let flip = matches!(step, Step::Flip);
        if matches!(step, Step::Within | Step::GoThenFail | Step::Unsynced) {
            disk.stopped = true;
            return Err(stopped());
        }
        let tables = self
            .transaction
            .as_mut()
            .ok_or_else(|| StorageError::Io("no transaction".to_owned()))?;
        Ok(work(tables, flip))
    }

    fn read<R>(&self, work: impl FnOnce(&Tables) -> R) -> Result<R, StorageError> {
        let mut disk = self.disk.disk();
        if disk.stopped {
            return Err(stopped());
        }
        let at = disk.steps;
        disk.steps += 1;
        if disk.plan.is_some_and(|(planned, fault)| planned <= at && fault == Fault::Unreadable) {
            disk.strike();
            return Err(StorageError::Io("a read failed".to_owned()));
        }
        Ok(work(self.transaction.as_ref().unwrap_or(&*disk.log.live)))
    }

    /// A transaction on the key store: written and synced.
    fn change_keys(&mut self, work: impl FnOnce(&mut Keys)) -> Result<(), StorageError> {
        let mut disk = self.disk.disk();
        let step = MemoryStorage::step(&mut disk)?;
        let mut state = Keys::clone(&disk.keys.live);
        work(&mut state);
        disk.keys.write(state);
        if matches!(step, Step::Within | Step::Unsynced) {
            disk.keys.torn = matches!(step, Step::Within);
            disk.stopped = true;
            return Err(stopped());
        }
        disk.keys.sync();
        if matches!(step, Step::GoThenFail) {
            disk.stopped = true;
            return Err(stopped());
        }
        Ok(())
    }
}
