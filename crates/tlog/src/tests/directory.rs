//! The real store: what a directory holds after commits, erasures, full disks and second writers.

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{AUDIT, PRIVATE, Random, SHARED, configs, identities, pending, sealed};
use crate::checkpoint::Checkpoint;
use crate::merkle::{self, Nodes};
use crate::sequencer::{
    ArrivalOf, Batch, CommitError, OpenError, PendingArrival, PendingEntry, Sequencer,
};
use crate::tile::{TileKind, parse_bundle};
use crate::verify::verify;
use crate::{ArrivalRow, EntryRef, Reader, SqliteStorage, StorageError, TilePath};

pub(super) fn open(dir: &Path, seed: u64) -> Sequencer<SqliteStorage> {
    let mut random = Random::new(seed);
    let storage = SqliteStorage::open(dir).unwrap();
    Sequencer::open(storage, configs(), &mut |bytes| random.fill(bytes)).unwrap()
}

pub(super) fn at(log: u8, index: u64) -> EntryRef {
    EntryRef { log, index }
}

fn sound(dir: &Path) -> crate::verify::Report {
    let report = verify(dir, &identities(), &mut |_| {});
    let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, Vec::<String>::new());
    report
}

fn entries(log: u8, count: usize, size: usize) -> Vec<PendingEntry> {
    (0..count)
        .map(|n| {
            let mut envelope = format!("{{\"n\":{n}}}\n").into_bytes();
            envelope.resize(size, b'x');
            PendingEntry { log, sealed: sealed(&envelope), idem: None }
        })
        .collect()
}

#[test]
fn an_empty_log_has_a_signed_checkpoint() {
    let dir = TempDir::new().unwrap();
    let sequencer = open(dir.path(), 1);
    let reader = Reader::open(dir.path()).unwrap();
    for identity in identities() {
        let head = reader.head(identity.id).unwrap().unwrap();
        let checkpoint = Checkpoint::open(head.note.as_bytes(), &identity.verifier).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (0, merkle::empty_root()));
        assert_eq!(sequencer.head(identity.id), Some(&head));
    }
    assert_eq!(reader.head(99).unwrap(), None);
    drop(sequencer);
    sound(dir.path());
}

#[test]
fn what_is_committed_is_read_proved_and_survives() {
    let dir = TempDir::new().unwrap();
    let mut random = Random::new(7);
    let mut sequencer = open(dir.path(), 1);
    let mut total = 0u64;
    for round in 0..40 {
        let mut batch = Batch {
            entries: entries(SHARED, 1 + usize::try_from(random.below(40)).unwrap(), 300),
            ..Batch::default()
        };
        batch.entries.push(pending(AUDIT, &format!("access {round}")));
        let committed = sequencer.commit(batch, round).unwrap();
        total += committed.entries.len() as u64 - 1;
        assert_eq!(committed.heads.len(), 2);
        if round % 13 == 0 {
            drop(sequencer);
            sequencer = open(dir.path(), 2);
        }
        assert_eq!(sequencer.head(SHARED).unwrap().size, total);
    }
    let reader = Reader::open(dir.path()).unwrap();
    let head = reader.head(SHARED).unwrap().unwrap();
    assert_eq!(Some(&head), sequencer.head(SHARED));
    // Leaves from bundles give the root, and each tile.
    let mut leaves = Vec::new();
    for n in 0..head.size.div_ceil(256) {
        let width = u16::try_from((head.size - n * 256).min(256)).unwrap();
        let path = TilePath { kind: TileKind::Entries, n, width };
        let bundle = reader.tile(SHARED, &path).unwrap().unwrap();
        let commitments = parse_bundle(&bundle).unwrap();
        let hashes = TilePath { kind: TileKind::Hashes(0), ..path };
        let tile = reader.tile(SHARED, &hashes).unwrap().unwrap();
        let expected: Vec<u8> = commitments.iter().flat_map(|c| c.leaf_hash().0).collect();
        assert_eq!(tile, expected);
        let wider = TilePath { n, width: width + 1, ..path };
        assert!(width == 256 || reader.tile(SHARED, &wider).unwrap().is_none());
        leaves.extend(commitments);
    }
    let hashes: Vec<_> = leaves.iter().map(crate::commitment::Commitment::leaf_hash).collect();
    assert_eq!(merkle::root_of(&hashes), head.root);
    // Proofs from tiles.
    let mut nodes = reader.nodes(SHARED);
    for index in (0..head.size).step_by(97) {
        let proof = merkle::prove_inclusion(index, head.size, &mut nodes).unwrap();
        let leaf = hashes[usize::try_from(index).unwrap()];
        assert!(merkle::check_inclusion(&proof, index, &leaf, head.size, &head.root));
        assert_eq!(nodes.node(0, index).unwrap(), leaf);
    }
    let proof = merkle::prove_consistency(300, head.size, &mut nodes).unwrap();
    let old = merkle::root_of(&hashes[..300]);
    assert!(merkle::check_consistency(&proof, 300, &old, head.size, &head.root));
    // Bodies, salts and commitments belong together.
    let mut seen = 0;
    reader
        .entries(at(SHARED, 0), |entry, envelope| {
            let salt = reader.salt(entry).unwrap().unwrap();
            assert!(leaves[usize::try_from(entry.index).unwrap()].opens(&salt, envelope.unwrap()));
            seen += 1;
            true
        })
        .unwrap();
    assert_eq!(seen, head.size);
    let opened = reader.release(at(AUDIT, 3)).unwrap().unwrap();
    assert_eq!(opened.envelope, b"access 3");
    assert!(reader.open_entry(at(AUDIT, 999)).unwrap().is_none());
    drop(sequencer);
    let report = sound(dir.path());
    assert_eq!(report.opened, total + 40);
}

#[test]
fn a_retry_gets_the_first_answer() {
    let dir = TempDir::new().unwrap();
    let request = || Batch {
        entries: vec![PendingEntry { idem: Some(b"request".to_vec()), ..pending(SHARED, "one") }],
        arrivals: vec![PendingArrival { collection: 1, entry: ArrivalOf::New(0) }],
        ..Batch::default()
    };
    let mut sequencer = open(dir.path(), 1);
    let first = sequencer.commit(request(), 5).unwrap();
    let second = sequencer.commit(request(), 6).unwrap();
    drop(sequencer);
    let mut sequencer = open(dir.path(), 9);
    let third = sequencer.commit(request(), 7).unwrap();
    assert!(!first.entries[0].duplicate && first.arrivals[0].is_some());
    for again in [second, third] {
        assert_eq!(again.entries[0].entry, first.entries[0].entry);
        assert!(again.entries[0].duplicate && again.arrivals[0].is_none());
        assert!(again.heads.is_empty());
    }
    assert_eq!(sequencer.head(SHARED).unwrap().size, 1);
}

#[test]
fn times_of_arrival_increase_whatever_the_clock_does() {
    let dir = TempDir::new().unwrap();
    let mut now = [100, 100, 50, -7, 200].into_iter();
    let mut dates = Vec::new();
    for _ in 0..5 {
        let mut sequencer = open(dir.path(), 1);
        let entries = vec![pending(PRIVATE, "a"), pending(PRIVATE, "b")];
        let arrive = |at| PendingArrival { collection: 4, entry: ArrivalOf::New(at) };
        let batch = Batch {
            entries,
            arrivals: vec![arrive(0), arrive(1)],
            departures: if dates.is_empty() { Vec::new() } else { vec![(4, at(PRIVATE, 0))] },
            ..Batch::default()
        };
        let done = sequencer.commit(batch, now.next().unwrap()).unwrap();
        dates.extend(done.arrivals.iter().flatten().chain(&done.departures).map(|a| a.date_added));
    }
    assert_eq!(dates, [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 200, 201, 202]);
    let mut journal: Vec<ArrivalRow> = Vec::new();
    let reader = Reader::open(dir.path()).unwrap();
    reader
        .arrivals(1, |row| {
            journal.push(row);
            true
        })
        .unwrap();
    assert!(journal.iter().map(|row| row.date_added).eq(dates));
    assert!(journal.iter().map(|row| row.seq).eq(1..=14));
    let mut few = 0;
    reader
        .arrivals(13, |_| {
            few += 1;
            true
        })
        .unwrap();
    assert_eq!(few, 2);
    sound(dir.path());
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    let nowhere = [
        Batch { entries: vec![pending(77, "x")], ..Batch::default() },
        Batch { erasures: vec![at(SHARED, 0)], ..Batch::default() },
        Batch { departures: vec![(1, at(SHARED, 0))], ..Batch::default() },
        Batch {
            arrivals: vec![PendingArrival { collection: 1, entry: ArrivalOf::New(0) }],
            ..Batch::default()
        },
        Batch { entries: entries(SHARED, 1, 17 << 20), ..Batch::default() },
    ];
    for batch in nowhere {
        let refused = sequencer.commit(batch, 1);
        assert!(matches!(refused, Err(CommitError::Refused(_))));
    }
    assert_eq!(sequencer.head(SHARED).unwrap().size, 0);
    assert!(sequencer.commit(Batch::default(), 1).unwrap().heads.is_empty());
}

fn files(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(dir).unwrap() {
        all.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    all
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_is_erased_is_nowhere_in_the_files() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    let secret = "the report names the plant at Ems";
    let mut batch = Batch { entries: entries(SHARED, 600, 200), ..Batch::default() };
    batch.entries[300] = pending(SHARED, secret);
    sequencer.commit(batch, 1).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let target = at(SHARED, 300);
    let salt = reader.salt(target).unwrap().unwrap();
    let commitment = reader.commitment(target).unwrap().unwrap();
    let (log, keys) = reader.connections();
    let body: Vec<u8> = log
        .query_row("SELECT body FROM entry WHERE key = ?1", [target.key()], |row| row.get(0))
        .unwrap();
    let dek: [u8; 32] = keys
        .query_row("SELECT dek FROM key WHERE key = ?1", [target.key()], |row| row.get(0))
        .unwrap();
    let before = files(dir.path());
    assert!(!contains(&before, secret.as_bytes()), "bodies are sealed at rest");
    assert!(contains(&before, &salt.0) && contains(&before, &dek) && contains(&before, &body));
    let erase = Batch { erasures: vec![target], ..Batch::default() };
    let done = sequencer.commit(erase, 2).unwrap();
    assert!(done.settled);
    let after = files(dir.path());
    for (what, part) in [("salt", &salt.0[..]), ("data key", &dek), ("body", &body)] {
        assert!(!contains(&after, part), "{what}");
        assert!(!contains(&after, &part[..16]), "half of {what}");
    }
    assert_eq!(reader.open_entry(target).unwrap(), None);
    assert_eq!(reader.salt(target).unwrap().map(|s| s.0), None);
    // The tree is what it was, and so is every proof.
    assert_eq!(reader.commitment(target).unwrap(), Some(commitment));
    let head = reader.head(SHARED).unwrap().unwrap();
    let mut nodes = reader.nodes(SHARED);
    for index in [0, 299, 300, 301, 599] {
        let leaf = nodes.node(0, index).unwrap();
        let proof = merkle::prove_inclusion(index, head.size, &mut nodes).unwrap();
        assert!(merkle::check_inclusion(&proof, index, &leaf, head.size, &head.root));
    }
    let mut erased = Vec::new();
    reader
        .entries(at(SHARED, 299), |entry, body| {
            erased.push((entry.index, body.is_none()));
            entry.index < 301
        })
        .unwrap();
    assert_eq!(erased, [(299, false), (300, true), (301, false)]);
    sequencer.commit(Batch { entries: entries(SHARED, 3, 10), ..Batch::default() }, 3).unwrap();
    drop((sequencer, reader));
    let report = sound(dir.path());
    assert_eq!((report.erased, report.opened), (1, 602));
}

#[test]
fn an_erasure_that_a_reader_delays_is_finished_later() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    for connection in [sequencer_connections(&sequencer).0, sequencer_connections(&sequencer).1] {
        connection.busy_timeout(std::time::Duration::from_millis(20)).unwrap();
    }
    let batch = Batch { entries: entries(SHARED, 3, 10), ..Batch::default() };
    sequencer.commit(batch, 1).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    reader.connections().1.execute_batch("BEGIN; SELECT count(*) FROM key;").unwrap();
    let erase = Batch { erasures: vec![at(SHARED, 1)], ..Batch::default() };
    let done = sequencer.commit(erase, 2).unwrap();
    assert!(!done.settled);
    assert_eq!(reader.open_entry(at(SHARED, 1)).unwrap(), None, "the body is gone at once");
    assert_eq!(sequencer.settle(), Ok(false));
    reader.connections().1.execute_batch("COMMIT").unwrap();
    assert_eq!(sequencer.settle(), Ok(true));
    drop((sequencer, reader));
    sound(dir.path());
}

fn sequencer_connections(
    sequencer: &Sequencer<SqliteStorage>,
) -> (&rusqlite::Connection, &rusqlite::Connection) {
    sequencer.storage().connections()
}

#[test]
fn a_second_writer_is_refused_by_the_lock() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path(), 1);
    let second = SqliteStorage::open(dir.path()).err();
    assert!(matches!(second, Some(StorageError::Held(_))));
    drop(first);
    assert!(SqliteStorage::open(dir.path()).is_ok());
}

#[test]
fn a_second_writer_without_a_lock_signs_nothing() {
    let dir = TempDir::new().unwrap();
    let mut random = Random::new(1);
    let mut first = open(dir.path(), 1);
    let storage = SqliteStorage::open_unlocked(dir.path()).unwrap();
    let mut second = Sequencer::open(storage, configs(), &mut |b| random.fill(b)).unwrap();
    let batch = |text| Batch { entries: vec![pending(SHARED, text)], ..Batch::default() };
    first.commit(batch("first"), 1).unwrap();
    let forked = second.commit(batch("second"), 1);
    assert!(matches!(forked, Err(CommitError::Fatal(_))));
    assert!(second.is_dead());
    let again = second.commit(batch("second"), 1);
    assert!(matches!(again, Err(CommitError::Fatal(_))));
    drop(second);
    first.commit(batch("third"), 1).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.open_entry(at(SHARED, 0)).unwrap().as_deref(), Some(&b"first"[..]));
    drop((first, reader));
    sound(dir.path());
}

#[test]
fn a_full_disk_is_named_loses_nothing_and_passes() {
    for keys_full in [false, true] {
        let dir = TempDir::new().unwrap();
        let mut sequencer = open(dir.path(), 1);
        let batch = |count| Batch { entries: entries(SHARED, count, 1500), ..Batch::default() };
        sequencer.commit(batch(100), 1).unwrap();
        let head = sequencer.head(SHARED).cloned();
        let limit = |sequencer: &Sequencer<SqliteStorage>, spare: Option<u32>| {
            let (log, keys) = sequencer_connections(sequencer);
            let connection = if keys_full { keys } else { log };
            let pages: u32 =
                connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
            let most = spare.map_or(1_000_000, |spare| pages + spare);
            connection
                .query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(()))
                .unwrap();
        };
        limit(&sequencer, Some(3));
        for _ in 0..3 {
            let full = sequencer.commit(batch(600), 2);
            assert!(matches!(full, Err(CommitError::StorageFull(_))), "{full:?}");
            assert_eq!(sequencer.head(SHARED), head.as_ref());
            assert!(!sequencer.is_dead());
        }
        let reader = Reader::open(dir.path()).unwrap();
        assert_eq!(reader.head(SHARED).unwrap(), head);
        assert!(reader.open_entry(at(SHARED, 99)).unwrap().is_some());
        limit(&sequencer, None);
        sequencer.commit(batch(600), 3).unwrap();
        drop((sequencer, reader));
        let report = sound(dir.path());
        assert_eq!(report.opened, 700);
    }
}

#[test]
fn damage_to_the_edge_is_found_at_the_start() {
    let statements = [
        "UPDATE head SET size = size + 1 WHERE log = 0",
        "UPDATE head SET root = zeroblob(32) WHERE log = 0",
        "UPDATE head SET note = replace(note, 'shared', 'stolen') WHERE log = 0",
        "UPDATE head SET range = zeroblob(length(range)) WHERE log = 0",
        "DELETE FROM head WHERE log = 0",
        "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE log = 0 AND level = 0 AND n = 1",
        "DELETE FROM tile WHERE log = 0 AND level = 1",
        "UPDATE entry SET commitment = zeroblob(32) WHERE key = 299",
        "DELETE FROM entry WHERE key = 299",
        "DELETE FROM entry WHERE key = 270",
        "INSERT INTO entry VALUES (300, zeroblob(32), NULL)",
        "INSERT INTO erasing VALUES (7)",
        "PRAGMA user_version = 9",
    ];
    for statement in statements {
        let dir = TempDir::new().unwrap();
        let mut sequencer = open(dir.path(), 1);
        let batch = Batch { entries: entries(SHARED, 300, 40), ..Batch::default() };
        sequencer.commit(batch, 1).unwrap();
        sequencer_connections(&sequencer).0.execute_batch(statement).unwrap();
        drop(sequencer);
        let opened = SqliteStorage::open(dir.path()).map_err(OpenError::from);
        let opened = opened.and_then(|s| Sequencer::open(s, configs(), &mut |_| {}));
        let error = opened.err().unwrap_or_else(|| panic!("opens after {statement}"));
        let told = error.to_string();
        let helps = ["comity verify", "run the later program"];
        assert!(helps.iter().any(|help| told.contains(help)), "{statement}: {told}");
        assert!(!verify(dir.path(), &identities(), &mut |_| {}).is_sound(), "{statement}");
    }
}

#[test]
fn a_stop_between_body_and_key_of_an_erasure_is_mended() {
    let dir = TempDir::new().unwrap();
    let mut sequencer = open(dir.path(), 1);
    let batch = Batch { entries: entries(SHARED, 3, 40), ..Batch::default() };
    sequencer.commit(batch, 1).unwrap();
    sequencer_connections(&sequencer)
        .0
        .execute_batch("UPDATE entry SET body = NULL WHERE key = 1; INSERT INTO erasing VALUES (1)")
        .unwrap();
    drop(sequencer);
    sound(dir.path());
    drop(open(dir.path(), 1));
    let reader = Reader::open(dir.path()).unwrap();
    assert!(reader.salt(at(SHARED, 1)).unwrap().is_none());
    let left: u32 = reader
        .connections()
        .0
        .query_row("SELECT count(*) FROM erasing", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    sound(dir.path());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn envelopes_come_back_octet_for_octet(envelopes in proptest::collection::vec(any::<Vec<u8>>(), 1..20)) {
        let dir = TempDir::new().unwrap();
        let mut sequencer = open(dir.path(), 1);
        let entries = envelopes.iter().map(|envelope| PendingEntry {
            log: PRIVATE, sealed: sealed(envelope), idem: None,
        });
        let batch = Batch { entries: entries.collect(), ..Batch::default() };
        let done = sequencer.commit(batch, 1).unwrap();
        let all: Vec<EntryRef> = done.entries.iter().map(|entry| entry.entry).collect();
        let mut read = Vec::new();
        Reader::open(dir.path()).unwrap().open_many(&all, |_, body| read.push(body.to_vec())).unwrap();
        prop_assert_eq!(read, envelopes);
    }
}
