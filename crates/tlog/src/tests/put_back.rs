//! A log store that was put back to an earlier moment is found, and nothing is signed on it.

use std::path::Path;

use tempfile::TempDir;

use super::directory::{at, open};
use super::{AUDIT, PRIVATE, Random, SHARED, configs, identities, pending};
use crate::sequencer::{Batch, Sequencer};
use crate::storage::memory::{MemoryDisk, MemoryStorage};
use crate::storage::schema::{KEYS, LOG};
use crate::verify::{behind, verify};
use crate::{OpenError, Reader, SqliteStorage};

fn start(disk: &MemoryDisk) -> Result<Sequencer<MemoryStorage>, OpenError> {
    Sequencer::open(disk.open(), configs(), &mut |octets| octets.fill(5))
}

fn one(log: u8, text: &str) -> Batch {
    Batch { entries: vec![pending(log, text)], ..Batch::default() }
}

/// Whether it does not start, since the store was put back; no other error will do.
fn refuses(opened: Result<Sequencer<MemoryStorage>, OpenError>) -> bool {
    match opened {
        Ok(_) => false,
        Err(OpenError::Behind(behind)) => {
            assert!(behind.iter().all(|one| one.here < one.signed), "{behind:?}");
            true
        }
        Err(other) => panic!("{other}"),
    }
}

/// Every earlier state of the log store, after a kill, after a loss of power that takes the
/// unsynced mark, and after one that the node had a quiet moment before.
#[test]
fn every_earlier_store_is_found() {
    for commits in 1..6usize {
        for back in 1..=commits {
            for (power_lost, quiet) in [(false, false), (true, false), (true, true)] {
                let disk = MemoryDisk::default();
                let mut writer = start(&disk).unwrap();
                let mut states = vec![disk.copy_of_logs()];
                for n in 0..commits {
                    let log = [SHARED, PRIVATE, PRIVATE, AUDIT][n % 4];
                    writer.commit(one(log, &format!("entry {n}")), 1).unwrap();
                    states.push(disk.copy_of_logs());
                }
                if quiet {
                    assert_eq!(writer.settle(), Ok(true));
                }
                drop(writer);
                if power_lost {
                    disk.crash(&mut || 0);
                }
                states[commits - back](&disk);
                let found = refuses(start(&disk));
                // The one gap there is: exactly one commit, its mark lost with the power.
                let gap = power_lost && !quiet && back == 1;
                assert_eq!(found, !gap, "{commits} commits, {back} back, {power_lost} {quiet}");
                if found {
                    // Nothing was touched: the newest store opens, with every key.
                    states[commits](&disk);
                    let writer = start(&disk).unwrap();
                    assert_eq!(disk.head(SHARED).unwrap().size, writer.head(SHARED).unwrap().size);
                    for log in [SHARED, PRIVATE, AUDIT] {
                        for index in 0..disk.head(log).unwrap().size {
                            assert!(disk.open_entry(at(log, index)).unwrap().is_some());
                        }
                    }
                }
            }
        }
    }
}

/// A store that went on by itself from an earlier state is as long, and another.
#[test]
fn another_history_of_the_same_length_is_found() {
    let disk = MemoryDisk::default();
    let mut writer = start(&disk).unwrap();
    let before = disk.copy_of_logs();
    let other = MemoryDisk::default();
    let mut stranger = start(&other).unwrap();
    for text in ["a", "b", "c"] {
        writer.commit(one(PRIVATE, text), 1).unwrap();
        stranger.commit(one(PRIVATE, &format!("other {text}")), 1).unwrap();
    }
    for _ in 0..2 {
        stranger.commit(one(PRIVATE, "d"), 1).unwrap();
    }
    drop((writer, before));
    other.copy_of_logs()(&disk);
    match start(&disk).err() {
        Some(OpenError::Behind(behind)) => {
            assert_eq!((behind[0].here, behind[0].signed), (5, 3));
            let told = behind[0].to_string();
            assert!(told.contains("other entries here than it signed"), "{told}");
        }
        other => panic!("{other:?}"),
    }
}

fn copy_logs(from: &Path, to: &Path) {
    let source = rusqlite::Connection::open(LOG.path(from)).unwrap();
    source.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(source);
    for tail in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(to.join(format!("{}{tail}", LOG.file)));
    }
    std::fs::copy(LOG.path(from), LOG.path(to)).unwrap();
}

#[test]
fn a_file_that_was_put_back_is_found_and_the_newest_one_is_taken() {
    let (dir, old, newest) =
        (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let commit = |text: &str| {
        let mut writer = open(dir.path(), 1);
        writer.commit(one(PRIVATE, text), 7).unwrap();
    };
    commit("first");
    copy_logs(dir.path(), old.path());
    commit("second");
    copy_logs(dir.path(), newest.path());
    copy_logs(old.path(), dir.path());
    let storage = SqliteStorage::open(dir.path()).unwrap();
    let told = Sequencer::open(storage, configs(), &mut |_| {}).err().unwrap().to_string();
    assert_eq!(told, "log `private` has 1 entries here and signed 2 before");
    let found = behind(dir.path(), None, &identities()).unwrap();
    assert_eq!((found.len(), found[0].here, found[0].signed), (1, 1, 2));
    copy_logs(newest.path(), dir.path());
    drop(open(dir.path(), 1));
    assert_eq!(behind(dir.path(), None, &identities()).unwrap(), []);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.open_entry(at(PRIVATE, 1)).unwrap().unwrap(), b"second");
}

/// The mark in `keys.db` alone: what is left where the mark file is lost.
#[test]
fn without_the_mark_file_two_commits_back_are_found() {
    let (dir, old) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for n in 0..3 {
        let mut writer = open(dir.path(), 1);
        writer.commit(one(PRIVATE, "x"), n).unwrap();
        drop(writer);
        if n == 0 {
            copy_logs(dir.path(), old.path());
        }
    }
    copy_logs(old.path(), dir.path());
    std::fs::remove_file(dir.path().join("head.mark")).unwrap();
    let storage = SqliteStorage::open(dir.path()).unwrap();
    assert!(matches!(
        Sequencer::open(storage, configs(), &mut |_| {}).err(),
        Some(OpenError::Behind(_))
    ));
}

/// A whole directory that is put back knows nothing; a mark on another volume does.
#[test]
fn a_mark_elsewhere_finds_a_directory_that_was_put_back() {
    let (dir, old, volume) =
        (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let outside = volume.path().join("heads");
    let told = SqliteStorage::open_marked(dir.path(), &outside).err().unwrap().to_string();
    assert!(told.contains("touch "), "{told}");
    std::fs::write(&outside, "").unwrap();
    let mut random = Random::new(4);
    let mut commit = || {
        let storage = SqliteStorage::open_marked(dir.path(), &outside).unwrap();
        let mut writer = Sequencer::open(storage, configs(), &mut |b| random.fill(b))?;
        writer.commit(one(PRIVATE, "x"), 1).unwrap();
        Ok::<_, OpenError>(())
    };
    commit().unwrap();
    let files = ["log.db", "keys.db", "head.mark"];
    for name in files {
        std::fs::copy(dir.path().join(name), old.path().join(name)).unwrap();
    }
    commit().unwrap();
    for name in files {
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("{name}{tail}")));
        }
        std::fs::copy(old.path().join(name), dir.path().join(name)).unwrap();
    }
    assert!(matches!(commit(), Err(OpenError::Behind(_))));
    assert_eq!(behind(dir.path(), Some(&outside), &identities()).unwrap().len(), 1);
}

/// A file of the version before is brought up to date; one of a later version is left alone.
#[test]
fn versions_of_the_files() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path(), 1));
    let keys = rusqlite::Connection::open(KEYS.path(dir.path())).unwrap();
    keys.execute_batch("DROP TABLE mark; PRAGMA user_version = 1; PRAGMA schema_version = 3")
        .unwrap();
    drop(keys);
    let told = Reader::open(dir.path()).err().unwrap().to_string();
    assert!(told.contains("has version 1") && told.contains("start the node once"), "{told}");
    drop(open(dir.path(), 1));
    let report = verify(dir.path(), &identities(), &mut |_| {});
    assert!(report.is_sound(), "{:?}", report.findings);
    for schema in [&LOG, &KEYS] {
        let file = rusqlite::Connection::open(schema.path(dir.path())).unwrap();
        let known = schema.user_version;
        file.pragma_update(None, "user_version", known + 1).unwrap();
        let expected = format!(
            "`{}` has version {}, this program knows {known}; run the later program",
            schema.file,
            known + 1
        );
        let told = SqliteStorage::open(dir.path()).err().unwrap().to_string();
        assert_eq!(told, expected);
        assert_eq!(Reader::open(dir.path()).err().unwrap().to_string(), expected);
        file.pragma_update(None, "user_version", known).unwrap();
    }
    std::fs::write(dir.path().join("head.mark"), "comity head mark 2\nanything\n").unwrap();
    let told = SqliteStorage::open(dir.path()).map(|mut storage| {
        use crate::Storage as _;
        storage.marks().err().unwrap().to_string()
    });
    let told = told.unwrap_or_else(|error| error.to_string());
    assert!(told.contains("`head.mark` has version 2"), "{told}");
}
