//! A seeded simulation of the writer over a disk that fails: at every step, in every way, and
//! with bugs planted, which it has to notice.

use std::collections::{BTreeMap, BTreeSet};

use super::{AUDIT, PRIVATE, Random, SHARED, configs, pending};
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, Range};
use crate::sequencer::mutant::Mutant;
use crate::sequencer::{ArrivalOf, Batch, CommitError, Committed, PendingArrival, Sequencer};
use crate::storage::memory::{Fault, MemoryDisk, MemoryStorage};
use crate::{EntryRef, Head};

const LOGS: [u8; 3] = [SHARED, PRIVATE, AUDIT];

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
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> World {
        World {
            random: Random(seed),
            disk: MemoryDisk::default(),
            observer: Observer::default(),
            now: 1_000_000,
            counter: 0,
            mutant,
        }
    }

    fn start(&mut self) -> Option<Sequencer<MemoryStorage>> {
        let mut random = self.random.clone();
        self.random.next();
        let opened = Sequencer::open(self.disk.open(), configs(), &mut |b| random.fill(b));
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

    /// The clock of a machine: mostly on, sometimes still, sometimes back.
    fn tick(&mut self) {
        match self.random.below(4) {
            0 => {}
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

    /// One life after another, with a fault now and then, two writers now and then.
    fn run(&mut self) -> Outcome<()> {
        let faulty = !self.random.chance(8);
        let twins = self.random.chance(4);
        for _ in 0..6 {
            let Some(mut sequencer) = self.start() else {
                self.crash();
                continue;
            };
            self.observer.judges(&self.disk)?;
            let mut twin = if twins { self.start() } else { None };
            for _ in 0..self.random.below(8) {
                if faulty && self.random.chance(3) {
                    let fault = [
                        Fault::StopBefore,
                        Fault::StopWithin,
                        Fault::FailedButPersisted,
                        Fault::Full,
                        Fault::Flip,
                    ][usize::try_from(self.random.below(5)).unwrap()];
                    self.disk.fail(self.random.below(30), fault);
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
            self.crash();
        }
        self.disk.clear_fault();
        let sequencer = self.start().ok_or("it does not start without faults")?;
        drop(sequencer);
        self.observer.judges(&self.disk)
    }
}

fn first_failing(mutant: Option<Mutant>, seeds: std::ops::Range<u64>) -> Option<(u64, String)> {
    seeds.into_iter().find_map(|seed| {
        let failed = World::new(seed, mutant).run().err()?;
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
    };
    let run = |fault: Option<(u64, Fault)>| -> (u64, bool) {
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
            (Some(Fault::Flip), Ok(())) => {}
            other => panic!("{other:?}"),
        }
        for _ in 0..2 {
            world.crash();
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
    let (steps, _) = run(None);
    assert!(steps > 20, "{steps}");
    for at in 0..steps {
        for fault in [
            Fault::StopBefore,
            Fault::StopWithin,
            Fault::FailedButPersisted,
            Fault::Full,
            Fault::Flip,
        ] {
            let (_, struck) = run(Some((at, fault)));
            assert!(struck, "{at} {fault:?}");
        }
    }
}

#[test]
fn a_full_disk_while_opening_is_named() {
    for at in 0..12 {
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
