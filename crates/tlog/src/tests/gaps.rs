//! What the store leaves in pages from which rows were moved: nothing, at any time.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::directory::open;
use super::{AUDIT, PRIVATE, Random, SHARED, pending};
use crate::commitment::Commitment;
use crate::sequencer::Batch;
use crate::storage::Storage as _;
use crate::storage::sqlite::gap;
use crate::{EntryRef, Reader, SqliteStorage, StorageError};

const FILES: [(&str, usize); 2] = [("log.db", 8192), ("keys.db", 4096)];

/// Octets in gaps that are not zero, over all pages of both files.
fn in_gaps(dir: &Path) -> usize {
    let of_file = |(name, page_size): (&str, usize)| {
        let file = std::fs::read(dir.join(name)).unwrap();
        let pages = file.chunks(page_size).enumerate();
        pages
            .filter_map(|(n, page)| Some(page[gap(page, n == 0)?].iter().filter(|one| **one != 0)))
            .map(Iterator::count)
            .sum::<usize>()
    };
    FILES.into_iter().map(of_file).sum()
}

/// What would open each entry, and the beginning and the end of its sealed body.
fn secrets(dir: &Path) -> BTreeMap<i64, Vec<Vec<u8>>> {
    let reader = Reader::open(dir).unwrap();
    let (log, keys) = reader.connections();
    let mut found = BTreeMap::<i64, Vec<Vec<u8>>>::new();
    let mut statement = keys.prepare("SELECT key, salt, dek FROM key").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        found.insert(row.get(0).unwrap(), vec![row.get(1).unwrap(), row.get(2).unwrap()]);
    }
    let mut statement = log.prepare("SELECT key, body FROM entry WHERE body NOT NULL").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (key, body): (i64, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let ends = [body[..32].to_vec(), body[body.len() - 32..].to_vec()];
        found.get_mut(&key).unwrap().extend(ends);
    }
    found
}

fn grow(sequencer: &mut crate::Sequencer<SqliteStorage>, random: &mut Random, commits: usize) {
    for _ in 0..commits {
        // In the tables, each of these logs but the last stands before another.
        let log = [SHARED, PRIVATE, AUDIT][usize::try_from(random.next() % 3).unwrap()];
        // Equal texts would be sealed in equal octets here.
        let mut text = format!("{} ", random.next());
        text.push_str(&"x".repeat(usize::try_from(random.next() % 2000).unwrap()));
        let batch = Batch { entries: vec![pending(log, &text)], ..Batch::default() };
        sequencer.commit(batch, 1).unwrap();
    }
}

fn nowhere(dir: &Path, gone: &[Vec<u8>]) {
    for name in ["log.db", "log.db-wal", "keys.db", "keys.db-wal"] {
        let Ok(file) = std::fs::read(dir.join(name)) else { continue };
        let starts: std::collections::HashSet<&[u8]> = gone.iter().map(|one| &one[..16]).collect();
        let found = file.windows(16).filter(|window| starts.contains(window)).count();
        assert_eq!(found, 0, "{name} has something that was erased");
    }
}

#[test]
fn rows_that_were_moved_leave_nothing_behind_them() {
    let dir = TempDir::new().unwrap();
    let (mut sequencer, mut random) = (open(dir.path(), 1), Random::new(7));
    let mut moved = 0;
    for round in 0..6 {
        grow(&mut sequencer, &mut random, 60);
        let known = secrets(dir.path());
        let keys: Vec<i64> = known.keys().copied().filter(|_| random.next() % 3 == 0).collect();
        let mask = (1_i64 << 48) - 1;
        let entry = |key: &i64| EntryRef {
            log: u8::try_from(key >> 48).unwrap(),
            index: u64::try_from(key & mask).unwrap(),
        };
        let erasures = keys.iter().map(entry).collect();
        assert!(sequencer.commit(Batch { erasures, ..Batch::default() }, 2).unwrap().settled);
        let gone: Vec<Vec<u8>> = keys.iter().flat_map(|key| known[key].clone()).collect();
        nowhere(dir.path(), &gone);
        // An end as that of a killed process: the journal stays, and the next start has it.
        grow(&mut sequencer, &mut random, 20);
        let left = TempDir::new().unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            if !file.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(file.path(), left.path().join(file.file_name())).unwrap();
            }
        }
        drop(open(left.path(), 1));
        assert_eq!(in_gaps(left.path()), 0, "round {round}");
        moved += keys.len();
        nowhere(left.path(), &gone);
    }
    drop(sequencer);
    assert_eq!(in_gaps(dir.path()), 0);
    assert!(moved > 50);
}

/// Makes a file one that was written before gaps were cleared.
fn age(dir: &Path, (name, page_size): (&str, usize), version: u32) {
    let path = dir.join(name);
    let mut file = std::fs::read(&path).unwrap();
    for (n, page) in file.chunks_mut(page_size).enumerate() {
        if let Some(gap) = gap(page, n == 0) {
            page[gap].fill(b'g');
        }
    }
    // The version of the tables (SQLite, file format, 1.3.15).
    file[60..64].copy_from_slice(&version.to_be_bytes());
    std::fs::write(&path, file).unwrap();
}

/// The version says that the gaps were cleared: where the upgrade stops, either it is as it was,
/// or there is nothing in them. Here it stops at its last step, which makes a table that is there.
#[test]
fn an_upgrade_that_stops_has_not_said_that_gaps_are_clear() {
    for (file, version) in FILES.into_iter().zip([2, 1]) {
        let dir = TempDir::new().unwrap();
        let mut sequencer = open(dir.path(), 1);
        grow(&mut sequencer, &mut Random::new(7), 200);
        // More than one piece.
        for n in 0..10 {
            let text = format!("{n}{}", "x".repeat(1_000_000));
            let batch = Batch { entries: vec![pending(SHARED, &text)], ..Batch::default() };
            sequencer.commit(batch, 1).unwrap();
        }
        drop(sequencer);
        age(dir.path(), file, version);
        assert!(in_gaps(dir.path()) > 0);
        let stopped = SqliteStorage::open(dir.path());
        assert!(stopped.err().unwrap().to_string().contains("already exists"));
        assert_eq!(in_gaps(dir.path()), 0, "{}", file.0);
        let left = std::fs::read(dir.path().join(file.0)).unwrap();
        assert_eq!(left[60..64], version.to_be_bytes(), "{}", file.0);
    }
}

/// A file that was written before gaps were cleared.
#[test]
fn an_upgrade_clears_the_gaps_of_all_pages() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    grow(&mut sequencer, &mut Random::new(7), 200);
    drop(sequencer);
    FILES.into_iter().zip([3, 2]).for_each(|(file, version)| age(dir.path(), file, version));
    assert!(in_gaps(dir.path()) > 0);
    drop(open(dir.path(), 1));
    assert_eq!(in_gaps(dir.path()), 0);
}

/// A copy of the keys is made of pages that nobody has cleared yet, too.
#[test]
fn a_copy_of_the_keys_has_nothing_in_its_gaps() {
    let [dir, to] = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let (mut sequencer, mut random) = (open(dir.path(), 1), Random::new(7));
    grow(&mut sequencer, &mut random, 200);
    drop(sequencer);
    age(dir.path(), FILES[1], 3);
    assert!(in_gaps(dir.path()) > 0);
    let snapshot = crate::backup::Snapshot::take(dir.path()).unwrap();
    snapshot.copy_log(to.path(), &mut |_| {}).unwrap();
    snapshot.copy_keys(to.path(), &mut |_| {}).unwrap();
    assert_eq!(in_gaps(to.path()), 0);
}

#[test]
fn a_long_journal_is_moved_without_its_gaps() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    let journal = || std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
    let (mut longest, mut moved) = (0, false);
    for _ in 0..40 {
        let text = "x".repeat(1_000_000);
        let batch = Batch { entries: vec![pending(SHARED, &text)], ..Batch::default() };
        sequencer.commit(batch, 1).unwrap();
        moved |= journal() < longest;
        longest = longest.max(journal());
    }
    assert!(moved && longest < 40_000_000, "{longest}");
    assert_eq!(in_gaps(dir.path()), 0);
}

/// Where there are more pages than the first octet tells apart, those of a body may look like those
/// of a tree: nothing in such a file is cleared, and no file becomes one.
#[test]
fn a_body_in_a_file_that_is_too_large_stays_whole() {
    let dir = TempDir::new().unwrap();
    let mut storage = SqliteStorage::open(dir.path()).unwrap();
    let [entry, more] = [0, 1].map(|index| EntryRef { log: SHARED, index });
    // As a number of rows and a beginning of rows these octets make sense.
    let body = vec![0x0a; 40_000];
    storage.begin().unwrap();
    storage.put_entry(entry, &Commitment([1; 32]), Some(&body)).unwrap();
    storage.commit().unwrap();
    drop(storage);
    // Its third page goes to where page numbers begin as trees do. The file has a hole before it.
    let file = File::options().read(true).write(true).open(dir.path().join("log.db")).unwrap();
    let (size, far) = (FILES[0].1, 0x0200_0000_u32);
    let at = |page: u32| u64::from(page - 1) * size as u64;
    let pages = u32::try_from(file.metadata().unwrap().len() / size as u64).unwrap();
    let page = |number| {
        let mut page = vec![0; size];
        file.read_exact_at(&mut page, at(number)).unwrap();
        page
    };
    let next = |page: &[u8]| u32::from_be_bytes(page[..4].try_into().unwrap());
    let of_body = |page: &[u8]| page[4..].iter().all(|octet| *octet == 0x0a);
    let near = (2..=pages).find(|n| of_body(&page(*n)) && next(&page(*n)) != 0).unwrap();
    file.write_all_at(&page(next(&page(near))), at(far)).unwrap();
    file.write_all_at(&far.to_be_bytes(), at(near)).unwrap();
    file.write_all_at(&far.to_be_bytes(), 28).unwrap();

    let mut storage = SqliteStorage::open(dir.path()).unwrap();
    let touched = "UPDATE sqlite_dbpage SET data = data WHERE pgno = ?1";
    assert_eq!(storage.connections().0.execute(touched, [near]).unwrap(), 1);
    assert!(storage.scrub().unwrap());
    let kept: Vec<u8> = storage
        .connections()
        .0
        .query_row("SELECT body FROM entry WHERE key = ?1", [entry.key()], |row| row.get(0))
        .unwrap();
    assert!(kept == body);
    storage.begin().unwrap();
    let full = storage.put_entry(more, &Commitment([2; 32]), Some(&body));
    assert_eq!(full, Err(StorageError::Full("log.db")));
    storage.rollback().unwrap();
}
