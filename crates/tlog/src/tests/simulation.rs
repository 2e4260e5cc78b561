//! A seeded simulation of the writer over a disk that fails: at every step, in every way, and
//! with bugs planted, which it has to notice.

mod asked;
mod ledger;

use std::collections::{BTreeMap, BTreeSet};

use super::{AUDIT, PRIVATE, Random, SHARED, configs, pending};
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, Range};
use crate::sequencer::mutant::Mutant;
use crate::sequencer::{ArrivalOf, Batch, CommitError, Committed, PendingArrival, Sequencer};
use crate::storage::memory::{Fault, MemoryDisk, MemoryStorage};
use crate::{EntryRef, Head};

const LOGS: [u8; 3] = [SHARED, PRIVATE, AUDIT];

const FAULTS: [Fault; 7] = [
    Fault::StopBefore,
    Fault::StopWithin,
    Fault::FailedButPersisted,
    Fault::FailedUnsynced,
    Fault::Unreadable,
    Fault::Full,
    Fault::Flip,
];

/// Ten years, in microseconds: how far a clock that is set wrong may jump.
const JUMP: i64 = 10 * 365 * 24 * 3600 * 1_000_000;

/// What an observer outside knows: everything that was ever answered or published.
#[derive(Default)]
struct Observer {
    /// The one root of each size, from every note that was seen.
    roots: BTreeMap<(u8, u64), Hash>,
    /// The largest size seen of each log.
    sizes: BTreeMap<u8, u64>,
    /// Entries that were acknowledged, with their envelopes.
    acknowledged: BTreeMap<EntryRef, Vec<u8>>,
    /// Which entry a request got.
    requests: BTreeMap<Vec<u8>, EntryRef>,
    /// Entries whose erasure was asked for; of these, those for which it was acknowledged.
    erasing: BTreeSet<EntryRef>,
    erased: BTreeSet<EntryRef>,
    /// Arrival lines that were acknowledged: number, time.
    arrivals: BTreeMap<u64, i64>,
}

type Outcome<T> = Result<T, String>;

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what()) }
}

impl Observer {
    fn sees(&mut self, head: &Head) -> Outcome<()> {
        let configs = configs();
        let config = configs.iter().find(|config| config.id == head.log).unwrap();
        let verifier = crate::Verifier::new(&config.origin, &config.key.verifying_key()).unwrap();
        let note = Checkpoint::open(head.note.as_bytes(), &verifier)
            .map_err(|error| format!("note: {error}"))?;
        let root = *self.roots.entry((head.log, note.size)).or_insert(note.root);
        ensure(root == note.root, || format!("two roots for size {}", note.size))?;
        let size = self.sizes.entry(head.log).or_default();
        ensure(note.size >= *size, || format!("size fell from {size} to {}", note.size))?;
        *size = note.size;
        Ok(())
    }

    fn hears(&mut self, batch: &Batch, committed: &Committed) -> Outcome<()> {
        for head in &committed.heads {
            self.sees(head)?;
        }
        for (asked, got) in batch.entries.iter().zip(&committed.entries) {
            if let Some(idem) = &asked.idem {
                let name = [&[asked.log], idem.as_slice()].concat();
                let before = *self.requests.entry(name).or_insert(got.entry);
                ensure(before == got.entry, || "one request, two entries".to_owned())?;
            }
            let envelope = asked.sealed.open().unwrap();
            let before = self.acknowledged.entry(got.entry).or_insert(envelope.clone());
            ensure(got.duplicate || *before == envelope, || "one place, two entries".to_owned())?;
        }
        let lines = committed.arrivals.iter().flatten().chain(&committed.departures);
        self.arrivals.extend(lines.map(|line| (line.seq, line.date_added)));
        self.erased.extend(batch.erasures.iter().filter(|_| committed.settled));
        Ok(())
    }

    /// Everything that must hold of the disk after a start.
    fn judges(&mut self, disk: &MemoryDisk) -> Outcome<()> {
        for log in LOGS {
            let head = disk.head(log).ok_or("no head")?;
            self.sees(&head)?;
            let mut range = Range::default();
            let leaves = disk.commitments(log);
            leaves.iter().for_each(|leaf| range.push(leaf.leaf_hash()));
            ensure(range.size() == head.size && range.root() == head.root, || {
                format!("log {log}: the leaves are not those of the head")
            })?;
            for index in 0..head.size {
                let entry = EntryRef { log, index };
                disk.open_entry(entry).map_err(|entry| format!("{entry:?} does not open"))?;
            }
        }
        for (entry, envelope) in &self.acknowledged {
            let size = disk.head(entry.log).map_or(0, |head| head.size);
            ensure(entry.index < size, || format!("{entry:?} was acknowledged and is lost"))?;
            let body = disk.open_entry(*entry).map_err(|entry| format!("{entry:?}"))?;
            let gone = self.erasing.contains(entry);
            ensure(gone || body.as_ref() == Some(envelope), || {
                format!("{entry:?} is not what was acknowledged")
            })?;
        }
        for entry in &self.erased {
            let body = disk.open_entry(*entry).map_err(|entry| format!("{entry:?}"))?;
            ensure(body.is_none() && !disk.has_key(*entry), || {
                format!("{entry:?} is back from erasure")
            })?;
        }
        self.judges_journal(disk)
    }

    fn judges_journal(&self, disk: &MemoryDisk) -> Outcome<()> {
        let journal = disk.arrivals();
        let mut last: BTreeMap<u32, i64> = BTreeMap::new();
        for (line, expected) in journal.iter().zip(1..) {
            ensure(line.seq == expected, || "a gap in the journal".to_owned())?;
            let before = last.insert(line.collection, line.date_added);
            ensure(before.is_none_or(|before| before < line.date_added), || {
                "date_added does not increase".to_owned()
            })?;
        }
        let stored: BTreeMap<u64, i64> =
            journal.iter().map(|line| (line.seq, line.date_added)).collect();
        let kept = self.arrivals.iter().all(|(seq, date)| stored.get(seq) == Some(date));
        ensure(kept, || "an arrival was acknowledged and is lost".to_owned())
    }
}

struct World {
    random: Random,
    disk: MemoryDisk,
    observer: Observer,
    now: i64,
    counter: u64,
    mutant: Option<Mutant>,
    /// A planted bug of the store: it reads what it finds before it syncs.
    unsynced: bool,
    /// Whether the clock stands still in this life.
    stopped_clock: bool,
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> World {
        World {
            random: Random::new(seed),
            disk: MemoryDisk::default(),
            observer: Observer::default(),
            now: 1_000_000,
            counter: 0,
            mutant,
            unsynced: false,
            stopped_clock: false,
        }
    }

    fn start(&mut self) -> Option<Sequencer<MemoryStorage>> {
        let mut random = self.random.clone();
        self.random.next();
        let storage = if self.unsynced { self.disk.open_unsynced() } else { self.disk.open() };
        let opened = Sequencer::open(storage, configs(), &mut |b| random.fill(b));
        let mut sequencer = opened.ok()?;
        sequencer.mutant = self.mutant;
        Some(sequencer)
    }

    fn batch(&mut self, sequencer: &Sequencer<MemoryStorage>) -> Batch {
        let mut batch = Batch::default();
        let random = &mut self.random;
        for _ in 0..random.below(5) {
            let log = LOGS[usize::try_from(random.below(3)).unwrap()];
            self.counter += 1;
            let mut entry = pending(log, &format!("entry {}", self.counter));
            if random.chance(2) {
                // Few names, so that there are retries; a retry says what the first try said.
                let name = u8::try_from(random.below(12)).unwrap();
                entry = pending(log, &format!("request {name}"));
                entry.idem = Some(vec![name]);
            }
            batch.entries.push(entry);
        }
        let old = |random: &mut Random| -> Option<EntryRef> {
            let log = LOGS[usize::try_from(random.below(3)).unwrap()];
            let size = sequencer.head(log)?.size;
            (size > 0).then(|| EntryRef { log, index: random.below(size) })
        };
        for at in 0..batch.entries.len() {
            if random.chance(2) {
                batch.arrivals.push(PendingArrival {
                    collection: u32::try_from(random.below(2)).unwrap(),
                    entry: ArrivalOf::New(at),
                });
            }
        }
        if random.chance(3)
            && let Some(entry) = old(random)
        {
            batch.departures.push((u32::try_from(random.below(2)).unwrap(), entry));
            batch.arrivals.push(PendingArrival { collection: 1, entry: ArrivalOf::Old(entry) });
        }
        if random.chance(6)
            && let Some(entry) = old(random)
        {
            batch.erasures.push(entry);
        }
        batch
    }

    /// The clock of a machine: mostly on, sometimes still, sometimes back, now and then set wrong
    /// by years.
    fn tick(&mut self) {
        match self.random.below(4) {
            0 => {}
            _ if self.stopped_clock => {}
            2 if self.random.chance(10) => {
                self.now += if self.random.chance(2) { JUMP } else { -JUMP };
            }
            1 => self.now -= i64::try_from(self.random.below(50)).unwrap(),
            _ => self.now += i64::try_from(self.random.below(9)).unwrap(),
        }
    }

    fn commit(
        &mut self,
        sequencer: &mut Sequencer<MemoryStorage>,
        batch: &Batch,
    ) -> Outcome<Result<(), CommitError>> {
        self.tick();
        self.observer.erasing.extend(&batch.erasures);
        self.random.next();
        let result = sequencer.commit(batch.clone(), self.now);
        for head in std::mem::take(&mut sequencer.leaked) {
            self.observer.sees(&head)?;
        }
        match result {
            Ok(committed) => {
                self.observer.hears(batch, &committed)?;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn crash(&mut self) {
        let random = &mut self.random;
        self.disk.crash(&mut || random.next());
    }

    /// The end of a life: of the machine, or of the process alone.
    fn end(&mut self) {
        if self.random.chance(3) { self.disk.kill() } else { self.crash() }
    }

    /// Lets a step fail that is soon to come; a disk that is full may stay so for a while.
    fn plan(&mut self, faults: &[Fault]) {
        let Some(fault) = faults.get(usize::try_from(self.random.below(7)).unwrap()) else {
            return;
        };
        let after = self.random.below(60);
        match fault {
            Fault::Full if self.random.chance(2) => {
                self.disk.fail_again(after, Fault::Full, self.random.below(12));
            }
            fault => self.disk.fail(after, *fault),
        }
    }

    /// One life after another, with a fault now and then, two writers now and then. Each seed has
    /// a set of faults of its own.
    fn run(&mut self) -> Outcome<()> {
        let mut faults = FAULTS.to_vec();
        if !self.random.chance(3) {
            faults.retain(|_| self.random.chance(2));
        }
        let twins = self.random.chance(4);
        for _ in 0..6 {
            self.stopped_clock = self.random.chance(6);
            // Recovery may be stopped as well.
            if self.random.chance(8) {
                self.plan(&faults);
            }
            let Some(mut sequencer) = self.start() else {
                self.end();
                continue;
            };
            self.observer.judges(&self.disk)?;
            let mut twin = if twins { self.start() } else { None };
            for _ in 0..self.random.below(8) {
                if self.random.chance(3) {
                    self.plan(&faults);
                }
                let second = self.random.chance(2);
                let writer = match &mut twin {
                    Some(twin) if second => twin,
                    _ => &mut sequencer,
                };
                let batch = self.batch(writer);
                match self.commit(writer, &batch)? {
                    Err(CommitError::Fatal(_)) => break,
                    Err(CommitError::Refused(why)) => return Err(why.to_owned()),
                    Ok(()) | Err(CommitError::StorageFull(_) | CommitError::Busy(_)) => {}
                }
            }
            self.end();
        }
        self.disk.clear_fault();
        let sequencer = self.start().ok_or("it does not start without faults")?;
        drop(sequencer);
        self.observer.judges(&self.disk)
    }
}

/// The story of a seed, and what it breaks, if anything.
fn failure(seed: u64, mutant: Option<Mutant>) -> Option<String> {
    World::new(seed, mutant).run().err()
}

fn first_failing(mutant: Option<Mutant>, seeds: std::ops::Range<u64>) -> Option<(u64, String)> {
    seeds.into_iter().find_map(|seed| {
        let failed = failure(seed, mutant)?;
        Some((seed, failed))
    })
}

#[test]
fn no_seed_breaks_a_promise() {
    assert_eq!(first_failing(None, 0..3000), None);
}

#[test]
fn one_seed_one_story() {
    for seed in 0..20 {
        let story = |mut world: World| {
            world.run().unwrap();
            (world.disk.steps(), world.disk.head(SHARED), world.disk.arrivals())
        };
        let (once, again) = (World::new(seed, None), World::new(seed, None));
        assert_eq!(story(once), story(again));
    }
}

#[test]
fn every_planted_bug_is_noticed() {
    for mutant in [
        Mutant::KeysLast,
        Mutant::NoteFirst,
        Mutant::NoSwap,
        Mutant::ClockAsIs,
        Mutant::NoCheck,
        Mutant::NoDedup,
        Mutant::EraseFirst,
    ] {
        let found = first_failing(Some(mutant), 0..3000);
        assert!(found.is_some(), "{mutant:?} lived");
        println!("{mutant:?}: {found:?}");
    }
}

/// What a process published that ended without a sync must outlive a loss of power.
#[test]
fn a_store_that_opens_without_a_sync_is_noticed() {
    let found = (0..3000).find_map(|seed| {
        let mut world = World::new(seed, None);
        world.unsynced = true;
        Some((seed, world.run().err()?))
    });
    assert!(found.is_some(), "it lived");
    println!("{found:?}");
}

/// Nobody inside can tell that the whole store was put back to an earlier day: log and keys agree
/// with each other. Whoever saw a later checkpoint can, and at once.
#[test]
fn a_snapshot_put_back_is_seen_from_outside() {
    let mut seen = 0;
    for seed in 0..200 {
        let mut world = World::new(seed, None);
        let mut sequencer = world.start().unwrap();
        let mut kept = None;
        for round in 0..8 {
            let batch = world.batch(&sequencer);
            world.commit(&mut sequencer, &batch).unwrap().unwrap();
            if round == 3 {
                let sizes = LOGS.map(|log| sequencer.head(log).unwrap().size);
                kept = Some((world.disk.snapshot(), sizes));
            }
        }
        let (snapshot, sizes) = kept.unwrap();
        let grown = LOGS.map(|log| sequencer.head(log).unwrap().size) != sizes;
        world.disk.restore(&snapshot);
        assert!(world.start().is_some());
        assert_eq!(world.observer.judges(&world.disk).is_err(), grown, "seed {seed}");
        seen += u64::from(grown);
    }
    assert!(seen > 150, "{seen}");
}

/// Recovery has nothing to do that may not be interrupted: keys without entries and an erasure that
/// was cut off are there, and it is stopped at each step in each way, and starts again.
#[test]
fn a_recovery_may_stop_anywhere() {
    let left_behind = || {
        let mut world = World::new(2, None);
        let mut sequencer = world.start().unwrap();
        let entries = vec![pending(SHARED, "one"), pending(PRIVATE, "two")];
        world.commit(&mut sequencer, &Batch { entries, ..Batch::default() }).unwrap().unwrap();
        let erasing = Batch {
            entries: vec![pending(AUDIT, "three")],
            erasures: vec![EntryRef { log: SHARED, index: 0 }],
            ..Batch::default()
        };
        // Long enough for the commit, too short for the keys of what it erased.
        let before = world.disk.steps();
        let whole = {
            let snapshot = world.disk.snapshot();
            world.commit(&mut sequencer, &erasing).unwrap().unwrap();
            let steps = world.disk.steps() - before;
            world.disk.restore(&snapshot);
            steps
        };
        world.observer = Observer::default();
        let mut sequencer = world.start().unwrap();
        world.disk.fail(whole - 4, Fault::StopBefore);
        let stopped = world.commit(&mut sequencer, &erasing).unwrap();
        assert!(matches!(stopped, Err(CommitError::Fatal(_))), "{stopped:?}");
        world.disk.kill();
        assert_eq!(world.disk.commitments(AUDIT).len(), 1);
        assert!(world.disk.has_key(EntryRef { log: SHARED, index: 0 }));
        world
    };
    let mut world = left_behind();
    let before = world.disk.steps();
    assert!(world.start().is_some());
    let steps = world.disk.steps() - before;
    assert!(steps > 15, "{steps}");
    for at in 0..steps {
        for fault in FAULTS {
            for power in [false, true] {
                let mut world = left_behind();
                world.disk.fail(at, fault);
                let _ = world.start();
                if power {
                    world.crash();
                } else {
                    world.disk.kill();
                }
                assert!(world.start().is_some(), "{at} {fault:?}");
                world.observer.judges(&world.disk).unwrap();
                assert!(!world.disk.has_key(EntryRef { log: SHARED, index: 0 }), "{at} {fault:?}");
            }
        }
    }
}

/// The same batch, stopped at each of its steps in each way; and then the retry.
#[test]
fn a_commit_may_stop_anywhere() {
    let entry = |log, idem: u8| crate::PendingEntry {
        idem: Some(vec![idem]),
        ..pending(log, &format!("entry {idem}"))
    };
    let first = Batch { entries: vec![entry(SHARED, 1), entry(PRIVATE, 2)], ..Batch::default() };
    let batch = Batch {
        entries: vec![entry(SHARED, 3), entry(SHARED, 4), entry(AUDIT, 5), entry(PRIVATE, 2)],
        arrivals: vec![PendingArrival { collection: 9, entry: ArrivalOf::New(1) }],
        departures: vec![(9, EntryRef { log: PRIVATE, index: 0 })],
        erasures: vec![EntryRef { log: SHARED, index: 0 }],
        ..Batch::default()
    };
    let run = |fault: Option<(u64, Fault)>, power: bool| -> (u64, bool) {
        let mut world = World::new(1, None);
        let mut sequencer = world.start().unwrap();
        world.commit(&mut sequencer, &first).unwrap().unwrap();
        let before = world.disk.steps();
        if let Some((after, fault)) = fault {
            world.disk.fail(after, fault);
        }
        let result = world.commit(&mut sequencer, &batch).unwrap();
        let steps = world.disk.steps() - before;
        let struck = world.disk.clear_fault();
        match (fault.map(|(_, fault)| fault), &result) {
            (None, result) => assert_eq!(result, &Ok(())),
            // What is full once is not full twice: either nothing happened or all of it, and the
            // same sequencer goes on.
            (Some(Fault::Full), Ok(()) | Err(CommitError::StorageFull(_))) => {
                world.observer.judges(&world.disk).unwrap();
                assert_eq!(sequencer.settle(), Ok(true));
                world.commit(&mut sequencer, &batch).unwrap().unwrap();
            }
            (Some(_), Err(CommitError::Fatal(_))) => {
                assert!(sequencer.is_dead());
                let again = world.commit(&mut sequencer, &batch).unwrap();
                assert!(matches!(again, Err(CommitError::Fatal(_))));
            }
            (Some(Fault::Flip | Fault::Unreadable), Ok(())) => {}
            other => panic!("{other:?}"),
        }
        for _ in 0..2 {
            if power {
                world.crash();
            } else {
                world.disk.kill();
            }
            let mut sequencer = world.start().unwrap();
            world.observer.judges(&world.disk).unwrap();
            world.commit(&mut sequencer, &batch).unwrap().unwrap();
            world.observer.judges(&world.disk).unwrap();
            assert_eq!(sequencer.head(SHARED).unwrap().size, 3);
            assert_eq!(sequencer.head(AUDIT).unwrap().size, 1);
            assert!(!world.disk.has_key(EntryRef { log: SHARED, index: 0 }));
        }
        (steps, struck)
    };
    let (steps, _) = run(None, true);
    assert!(steps > 20, "{steps}");
    for at in 0..steps {
        for fault in FAULTS {
            let (_, struck) = run(Some((at, fault)), true);
            // Behind the last read there is none that could fail.
            assert!(struck || fault == Fault::Unreadable, "{at} {fault:?}");
            run(Some((at, fault)), false);
        }
    }
}

#[test]
fn a_full_disk_while_opening_is_named() {
    for at in 0..40 {
        let disk = MemoryDisk::default();
        disk.fail(at, Fault::Full);
        let opened = Sequencer::open(disk.open(), configs(), &mut |_| {});
        let full = matches!(
            opened.err(),
            Some(crate::OpenError::Storage(crate::StorageError::Full(_))) | None
        );
        assert!(full, "{at}");
        disk.crash(&mut || 0);
        assert!(Sequencer::open(disk.open(), configs(), &mut |_| {}).is_ok());
    }
}
