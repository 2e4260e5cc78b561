//! One's own log comes back from those who mirror it: on an empty disk and on yesterday's, over a
//! disk that stops anywhere, from mirrors that say what is not so.

use std::path::Path;

use super::{AUDIT, PRIVATE, Random, SHARED, configs, identities, key, pending};
use crate::checkpoint::Checkpoint;
use crate::commitment::{Commitment, Salt};
use crate::merkle::Range;
use crate::sequencer::{Batch, GrowError, Grown, LogConfig, PendingOpening, Reclaim, Sequencer};
use crate::storage::memory::{Fault, MemoryDisk};
use crate::storage::schema::KEYS;
use crate::storage::{EntryRef, Storage};
use crate::verify::verify;
use crate::{OpenError, Sealed, SqliteStorage};

/// What a mirror has: the leaves, the last note, and what was opened to it.
struct Mirror {
    leaves: Vec<Commitment>,
    note: String,
    openings: Vec<(u64, Salt, Vec<u8>)>,
}

impl Mirror {
    /// Of a log of `size` entries that is made here; every third entry was
    /// opened to nobody.
    fn of(size: u64) -> (Mirror, MemoryDisk) {
        let disk = MemoryDisk::default();
        let mut writer = Sequencer::open(disk.open(), configs(), &mut |o| o.fill(9)).unwrap();
        writer.commit(first(size), 1).unwrap();
        let opened = (0..size).filter(|n| n % 3 != 2);
        let openings = opened.map(|n| {
            let entry = EntryRef { log: SHARED, index: n };
            let envelope = disk.open_entry(entry).unwrap().unwrap();
            (n, disk.salt(entry).unwrap(), envelope)
        });
        let openings = openings.collect();
        let note = writer.head(SHARED).unwrap().note.clone();
        drop(writer);
        (Mirror { leaves: disk.commitments(SHARED), note, openings }, disk)
    }

    fn pending(&self) -> Vec<PendingOpening> {
        self.openings.iter().map(|(n, salt, envelope)| opening(*n, salt, envelope)).collect()
    }
}

fn first(size: u64) -> Batch {
    let entries = (0..size).map(|n| pending(SHARED, &format!("entry {n}"))).collect();
    Batch { entries, ..Batch::default() }
}

fn opening(index: u64, salt: &Salt, envelope: &[u8]) -> PendingOpening {
    let mut random = Random::new(index + 1);
    let sealed = Sealed::received(salt.clone(), envelope.to_vec(), &mut |o| random.fill(o));
    PendingOpening { entry: EntryRef { log: SHARED, index }, sealed: sealed.unwrap() }
}

fn config() -> LogConfig {
    configs().swap_remove(0)
}

/// All of it, in pieces of `piece` leaves. Whoever is cut off calls it again.
fn reclaim<S: Storage>(storage: &mut S, mirror: &Mirror, piece: usize) -> Result<u64, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut log = Reclaim::begin(storage, config()).map_err(|error| told(&error))?;
    loop {
        let from = usize::try_from(log.staged()).unwrap();
        let to = mirror.leaves.len().min(from + piece);
        let grown = log.grow(storage, &mirror.note, from as u64, &mirror.leaves[from..to]);
        if let Grown::Verified(size) = grown.map_err(|error| told(&error))? {
            let kept = log.open(storage, mirror.pending(), &|_| false);
            kept.map_err(|error| told(&error))?;
            return Ok(size);
        }
    }
}

fn sqlite(path: &Path) -> SqliteStorage {
    SqliteStorage::open(path).unwrap()
}

fn goes_on<S: Storage>(storage: S, size: u64) {
    let mut writer = Sequencer::open(storage, configs(), &mut |o| o.fill(9)).unwrap();
    assert_eq!(writer.head(SHARED).unwrap().size, size);
    let entries = vec![pending(SHARED, "after"), pending(PRIVATE, "after")];
    let committed = writer.commit(Batch { entries, ..Batch::default() }, 2).unwrap();
    assert_eq!(committed.entries[0].entry, EntryRef { log: SHARED, index: size });
}

#[test]
fn a_lost_disk_comes_back_and_the_log_goes_on_under_its_name() {
    for size in [0, 1, 255, 256, 257, 700] {
        let (mirror, _) = Mirror::of(size);
        let dir = tempfile::tempdir().unwrap();
        let mut storage = sqlite(dir.path());
        assert_eq!(reclaim(&mut storage, &mirror, 100), Ok(size));
        goes_on(storage, size);
        let report = verify(dir.path(), &identities(), &mut |_| {});
        assert!(report.is_sound(), "{size}: {:?}", report.findings);
        let lost = size - mirror.openings.len() as u64;
        assert_eq!((report.opened, report.erased), (size + 2 - lost, lost));
    }
}

/// Yesterday's store, at every size: what is here stays, the rest follows.
#[test]
fn yesterdays_store_is_brought_up_to_what_was_signed() {
    let (mirror, _) = Mirror::of(300);
    for here in [0, 1, 37, 255, 256, 299, 300] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer =
            Sequencer::open(sqlite(dir.path()), configs(), &mut |o| o.fill(9)).unwrap();
        writer.commit(first(here), 1).unwrap();
        let mut storage = writer.into_storage();
        assert_eq!(reclaim(&mut storage, &mirror, 64), Ok(300), "from {here}");
        goes_on(storage, 300);
        let report = verify(dir.path(), &identities(), &mut |_| {});
        assert!(report.is_sound(), "{here}: {:?}", report.findings);
        let lost = (here..300).filter(|n| n % 3 == 2).count() as u64;
        assert_eq!(report.erased, lost, "from {here}");
    }
}

#[test]
fn a_stop_at_any_step_loses_nothing() {
    let (mirror, _) = Mirror::of(20);
    let faults =
        [Fault::StopBefore, Fault::StopWithin, Fault::FailedButPersisted, Fault::FailedUnsynced];
    let mut stops = 0;
    for fault in faults {
        for power in [false, true] {
            for after in 0.. {
                let disk = MemoryDisk::default();
                let mut storage = disk.open();
                disk.fail(after, fault);
                let cut_off = reclaim(&mut storage, &mirror, 7).is_err();
                let struck = disk.clear_fault();
                if power {
                    disk.crash(&mut || 7);
                } else {
                    disk.kill();
                }
                let mut storage = disk.open();
                assert_eq!(reclaim(&mut storage, &mirror, 7), Ok(20), "{fault:?} {after}");
                drop(storage);
                disk.kill();
                goes_on(disk.open(), 20);
                for (n, _, envelope) in &mirror.openings {
                    let entry = EntryRef { log: SHARED, index: *n };
                    assert_eq!(disk.open_entry(entry), Ok(Some(envelope.clone())));
                }
                stops += u64::from(cut_off);
                if !struck {
                    break;
                }
            }
        }
    }
    assert!(stops > 100, "{stops}");
}

/// As above, where `log.db` is here and `keys.db` is not: a key that is here opens its body at
/// every stop, since nobody replaces a body that has a key.
#[test]
fn a_stop_while_bodies_are_replaced_leaves_no_key_that_opens_nothing() {
    let (mirror, written) = Mirror::of(20);
    let logs = written.copy_of_logs();
    let faults =
        [Fault::StopBefore, Fault::StopWithin, Fault::FailedButPersisted, Fault::FailedUnsynced];
    let again = |disk: &MemoryDisk, storage: &mut _| {
        let log = Reclaim::begin(storage, config()).map_err(|error| error.to_string())?;
        let keyless = |entry| !disk.has_key(entry);
        log.open(storage, mirror.pending(), &keyless).map_err(|error| error.to_string())
    };
    let mut stops = 0;
    for fault in faults {
        for power in [false, true] {
            for after in 0.. {
                let disk = MemoryDisk::default();
                logs(&disk);
                let mut storage = disk.open();
                disk.fail(after, fault);
                let cut_off = again(&disk, &mut storage).is_err();
                let struck = disk.clear_fault();
                if power {
                    disk.crash(&mut || 7);
                } else {
                    disk.kill();
                }
                for index in 0..20 {
                    let entry = EntryRef { log: SHARED, index };
                    let sound = disk.open_entry(entry).is_ok() || !disk.has_key(entry);
                    assert!(sound, "{fault:?} {after}: {index}");
                }
                let mut storage = disk.open();
                again(&disk, &mut storage).unwrap();
                drop(storage);
                disk.kill();
                goes_on(disk.open(), 20);
                for (n, _, envelope) in &mirror.openings {
                    let entry = EntryRef { log: SHARED, index: *n };
                    assert_eq!(disk.open_entry(entry), Ok(Some(envelope.clone())), "{after}");
                }
                stops += u64::from(cut_off);
                if !struck {
                    break;
                }
            }
        }
    }
    assert!(stops > 100, "{stops}");
}

#[test]
fn a_mirror_that_lies_gives_nothing() {
    let (mirror, _) = Mirror::of(40);
    let mut storage = MemoryDisk::default().open();
    let mut log = Reclaim::begin(&mut storage, config()).unwrap();
    // Leaves of another log; then one leaf that is another.
    let mut wrong = mirror.leaves.clone();
    wrong[17] = Commitment([7; 32]);
    for leaves in [Mirror::of(41).0.leaves[1..].to_vec(), wrong] {
        let grown = log.grow(&mut storage, &mirror.note, 0, &leaves);
        assert_eq!(grown, Err(GrowError::NotItsTree { size: 40, verified: 0 }));
        assert_eq!((log.size(), log.staged()), (0, 0));
    }
    // A head that another key signed, under our name; and one that is somebody else's.
    let said = Checkpoint::open(mirror.note.as_bytes(), log.verifier()).unwrap();
    let other = Checkpoint { origin: "beta.example/shared".to_owned(), ..said.clone() };
    for note in [said.sign(&key(200)).unwrap(), other.sign(&config().key).unwrap()] {
        let grown = log.grow(&mut storage, &note, 0, &mirror.leaves);
        assert!(matches!(grown, Err(GrowError::Checkpoint(_))), "{grown:?}");
    }
    assert_eq!(log.grow(&mut storage, &mirror.note, 0, &mirror.leaves), Ok(Grown::Verified(40)));
    // Two heads of one size, both ours: nothing is chosen.
    let mut range = Range::default();
    (0..40).for_each(|n| range.push(Commitment([n; 32]).leaf_hash()));
    let fork = Checkpoint { root: range.root(), ..said.clone() }.sign(&config().key).unwrap();
    assert_eq!(log.grow(&mut storage, &fork, 40, &[]), Err(GrowError::Equivocates { size: 40 }));
    let older = Checkpoint { size: 3, ..said }.sign(&config().key).unwrap();
    let grown = log.grow(&mut storage, &older, 40, &[]);
    assert_eq!(grown, Err(GrowError::Older { said: 3, here: 40 }));
    // Openings: of another index, with another salt, beyond the head; the good one once.
    let (_, salt, envelope) = &mirror.openings[0];
    let lies = vec![
        opening(1, salt, envelope),
        opening(0, &Salt([3; 32]), envelope),
        opening(0, salt, b"another envelope"),
        opening(40, salt, envelope),
        opening(0, salt, envelope),
        opening(0, salt, envelope),
    ];
    let kept = log.open(&mut storage, lies, &|_| false).unwrap();
    assert_eq!(kept, [false, false, false, false, true, false]);
    let again = log.open(&mut storage, mirror.pending(), &|_| false).unwrap();
    assert_eq!(again.iter().filter(|kept| !**kept).count(), 1, "the one that is here");
}

#[test]
fn another_history_of_ones_own_is_found() {
    let (mirror, _) = Mirror::of(40);
    let mut writer =
        Sequencer::open(MemoryDisk::default().open(), configs(), &mut |o| o.fill(9)).unwrap();
    let entries = vec![pending(SHARED, "another beginning")];
    writer.commit(Batch { entries, ..Batch::default() }, 1).unwrap();
    let mut storage = writer.into_storage();
    let mut log = Reclaim::begin(&mut storage, config()).unwrap();
    let grown = log.grow(&mut storage, &mirror.note, 1, &mirror.leaves[1..]);
    assert_eq!(grown, Err(GrowError::NotItsTree { size: 40, verified: 1 }));
    assert_ne!(log.root_at(&mut storage, 1).unwrap().unwrap(), mirror.leaves[0].leaf_hash());
    assert_eq!(log.root_at(&mut storage, 2), Ok(None));
}

/// `log.db` came out of a backup, and what opens it did not: who was given it gives it back.
#[test]
fn bodies_that_nothing_opens_are_replaced() {
    let (mirror, _) = Mirror::of(9);
    let dir = tempfile::tempdir().unwrap();
    let mut storage = sqlite(dir.path());
    reclaim(&mut storage, &mirror, 100).unwrap();
    goes_on(storage, 9);
    for tail in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("{}{tail}", KEYS.file)));
    }
    let mut storage = sqlite(dir.path());
    let log = Reclaim::begin(&mut storage, config()).unwrap();
    assert_eq!(log.open(&mut storage, mirror.pending(), &|_| false).unwrap(), [false; 6]);
    assert_eq!(log.open(&mut storage, mirror.pending(), &|_| true).unwrap(), [true; 6]);
    drop(storage);
    let reader = crate::Reader::open(dir.path()).unwrap();
    for (index, _, envelope) in &mirror.openings {
        let entry = EntryRef { log: SHARED, index: *index };
        assert_eq!(reader.open_entry(entry).unwrap().as_ref(), Some(envelope));
    }
}

/// What was taken back is erased again before anything opens the logs.
#[test]
fn what_was_taken_back_does_not_come_back() {
    let (mirror, _) = Mirror::of(9);
    let dir = tempfile::tempdir().unwrap();
    let mut storage = sqlite(dir.path());
    reclaim(&mut storage, &mirror, 100).unwrap();
    let log = Reclaim::begin(&mut storage, config()).unwrap();
    log.erase(&mut storage, [0, 2, 4]).unwrap();
    goes_on(storage, 9);
    let reader = crate::Reader::open(dir.path()).unwrap();
    for (index, there) in [(0, false), (1, true), (2, false), (3, true), (4, false)] {
        let entry = EntryRef { log: SHARED, index };
        assert_eq!(reader.salt(entry).unwrap().is_some(), there, "{index}");
    }
    let report = verify(dir.path(), &identities(), &mut |_| {});
    assert!(report.is_sound(), "{:?}", report.findings);
}

/// The marks know of more than anybody gives back: to go on would still fork the log.
#[test]
fn what_nobody_has_keeps_the_log_closed() {
    let (mirror, disk) = Mirror::of(5);
    let mut writer = Sequencer::open(disk.open(), configs(), &mut |o| o.fill(9)).unwrap();
    let entries = vec![pending(SHARED, "seen by nobody"), pending(AUDIT, "read")];
    writer.commit(Batch { entries, ..Batch::default() }, 1).unwrap();
    drop(writer);
    MemoryDisk::default().copy_of_logs()(&disk);
    let mut storage = disk.open();
    assert_eq!(reclaim(&mut storage, &mirror, 100), Ok(5));
    let opened = Sequencer::open(storage, configs(), &mut |o| o.fill(9));
    match opened.err() {
        Some(OpenError::Behind(behind)) => {
            let shared = behind.iter().find(|one| one.log == "shared").unwrap();
            assert_eq!((shared.here, shared.signed), (5, 6));
        }
        other => panic!("{other:?}"),
    }
}
