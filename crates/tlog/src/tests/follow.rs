//! Logs of others: in pieces, over a disk that stops anywhere, against owners who say what is not
//! so.

use std::path::Path;

use super::{Random, SHARED, configs, identities, key, pending};
use crate::checkpoint::Checkpoint;
use crate::commitment::{Commitment, Salt};
use crate::sequencer::{
    Batch, CommitError, FollowConfig, GrowError, Grown, PendingOpening, Sequencer,
};
use crate::storage::memory::{Fault, MemoryDisk};
use crate::storage::{EntryRef, FOLLOWED_MIN, Storage};
use crate::verify::{LogIdentity, verify};
use crate::{Head, Sealed, SqliteStorage, Verifier};

const PEER: u8 = FOLLOWED_MIN;
const ORIGIN: &str = "beta.example/shared";

fn config() -> FollowConfig {
    let verifier = Verifier::new(ORIGIN, &key(77).verifying_key()).unwrap();
    FollowConfig { id: PEER, name: "beta.example/shared".to_owned(), verifier }
}

/// What somebody else has in his log.
struct Owner {
    leaves: Vec<Commitment>,
    salts: Vec<Salt>,
    envelopes: Vec<Vec<u8>>,
}

impl Owner {
    fn new(entries: u64, seed: u64) -> Owner {
        let mut random = Random::new(seed);
        let mut owner = Owner { leaves: vec![], salts: vec![], envelopes: vec![] };
        for n in 0..entries {
            let mut salt = [0; 32];
            random.fill(&mut salt);
            let envelope = format!("entry {n} of {seed}").into_bytes();
            owner.leaves.push(Commitment::new(&Salt(salt), &envelope));
            owner.salts.push(Salt(salt));
            owner.envelopes.push(envelope);
        }
        owner
    }

    fn note(&self, size: usize) -> String {
        let mut range = crate::merkle::Range::default();
        self.leaves[..size].iter().for_each(|leaf| range.push(leaf.leaf_hash()));
        let origin = ORIGIN.to_owned();
        let checkpoint = Checkpoint { origin, size: size as u64, root: range.root() };
        checkpoint.sign(&key(77)).unwrap()
    }

    fn opening(&self, index: usize) -> PendingOpening {
        let mut random = Random::new(index as u64);
        let (salt, envelope) = (self.salts[index].clone(), self.envelopes[index].clone());
        let sealed = Sealed::received(salt, envelope, &mut |octets| random.fill(octets)).unwrap();
        PendingOpening { entry: at(index), sealed }
    }
}

fn at(index: usize) -> EntryRef {
    EntryRef { log: PEER, index: index as u64 }
}

fn open<S: Storage>(storage: S) -> Sequencer<S> {
    let mut sequencer = Sequencer::open(storage, configs(), &mut |octets| octets.fill(9)).unwrap();
    sequencer.follow(config()).unwrap();
    sequencer
}

fn directory(path: &Path) -> Sequencer<SqliteStorage> {
    open(SqliteStorage::open(path).unwrap())
}

fn with_peer() -> Vec<LogIdentity> {
    let FollowConfig { id, name, verifier } = config();
    let mut all = identities();
    all.push(LogIdentity { id, name, verifier });
    all
}

fn size<S: Storage>(sequencer: &Sequencer<S>) -> u64 {
    sequencer.followed_head(PEER).map_or(0, |head: &Head| head.size)
}

#[test]
fn leaves_come_in_pieces_and_count_once_they_reach_a_root() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Owner::new(700, 1);
    let mut sequencer = directory(dir.path());
    let note = owner.note(700);
    assert_eq!(sequencer.grow(PEER, &note, 0, &owner.leaves[..256]), Ok(Grown::Staged(256)));
    assert_eq!(size(&sequencer), 0, "nobody is shown what is staged");
    let early = Batch { openings: vec![owner.opening(3)], ..Batch::default() };
    assert!(matches!(sequencer.commit(early, 1), Err(CommitError::Refused(_))));
    drop(sequencer);
    assert!(verify(dir.path(), &with_peer(), &mut |_| {}).is_sound(), "in the middle");
    let mut sequencer = directory(dir.path());
    assert_eq!(
        sequencer.grow(PEER, &note, 300, &owner.leaves[300..]),
        Err(GrowError::Gap { from: 300, required: 256 })
    );
    assert_eq!(sequencer.grow(PEER, &note, 256, &owner.leaves[256..]), Ok(Grown::Verified(700)));
    assert_eq!(sequencer.grow(PEER, &note, 700, &[]), Ok(Grown::Verified(700)), "nothing new");
    let batch = Batch {
        openings: vec![owner.opening(3), owner.opening(699), owner.opening(3)],
        scanned: vec![(PEER, 700)],
        ..Batch::default()
    };
    assert_eq!(sequencer.commit(batch, 1).unwrap().received, [true, true, false]);
    drop(sequencer);
    let report = verify(dir.path(), &with_peer(), &mut |_| {});
    assert_eq!((report.findings.clone(), report.opened, report.unopened), (vec![], 2, 698));
    let sequencer = directory(dir.path());
    assert_eq!(sequencer.followed(PEER).unwrap().scanned, 700);
    let reader = crate::Reader::open(dir.path()).unwrap();
    assert_eq!(reader.open_entry(at(699)).unwrap().unwrap(), owner.envelopes[699]);
    assert!(reader.open_entry(at(4)).unwrap().is_none());
}

#[test]
fn what_an_owner_says_that_is_not_so_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (owner, other) = (Owner::new(500, 1), Owner::new(500, 2));
    let mut sequencer = directory(dir.path());
    sequencer.grow(PEER, &owner.note(300), 0, &owner.leaves[..300]).unwrap();
    let before = sequencer.followed(PEER).unwrap().clone();
    let refused = |sequencer: &mut Sequencer<SqliteStorage>, note: &str, from, leaves: &[_]| {
        let refused = sequencer.grow(PEER, note, from, leaves).unwrap_err();
        assert_eq!(size(sequencer), 300);
        refused
    };
    let note = refused(&mut sequencer, &owner.note(299), 300, &[]);
    assert_eq!(note, GrowError::Older { said: 299, here: 300 });
    let note = refused(&mut sequencer, &other.note(300), 300, &[]);
    assert_eq!(note, GrowError::Equivocates { size: 300 });
    // Another history behind the same beginning, in pieces.
    let mut forked = Owner::new(500, 1);
    forked.leaves[..300].copy_from_slice(&other.leaves[..300]);
    let note = forked.note(500);
    let staged = sequencer.grow(PEER, &note, 300, &forked.leaves[300..400]);
    assert_eq!(staged, Ok(Grown::Staged(400)));
    let not = refused(&mut sequencer, &note, 400, &forked.leaves[400..]);
    assert_eq!(not, GrowError::NotItsTree { size: 500, verified: 300 });
    assert_eq!(*sequencer.followed(PEER).unwrap(), before);
    assert_eq!(
        refused(&mut sequencer, &owner.note(400), 300, &owner.leaves[300..401]),
        GrowError::Beyond { said: 400 }
    );
    let by_nobody = owner.note(400).replace(ORIGIN, "gamma.example/shared");
    assert!(matches!(refused(&mut sequencer, &by_nobody, 300, &[]), GrowError::Checkpoint(_)));
    // And the true one still goes on.
    let grown = sequencer.grow(PEER, &owner.note(500), 300, &owner.leaves[300..]);
    assert_eq!(grown, Ok(Grown::Verified(500)));
    // What does not open its leaf is not kept; what does is, in the same batch.
    let wrong = PendingOpening { entry: at(7), ..owner.opening(8) };
    let batch = Batch { openings: vec![wrong, owner.opening(8)], ..Batch::default() };
    assert_eq!(sequencer.commit(batch, 1).unwrap().received, [false, true]);
    drop(sequencer);
    assert_eq!(verify(dir.path(), &with_peer(), &mut |_| {}).findings, vec![]);
}

#[test]
fn what_is_withdrawn_is_gone_and_its_key_too_even_one_that_a_stop_left() {
    let disk = MemoryDisk::default();
    let owner = Owner::new(4, 1);
    let mut sequencer = open(disk.open());
    sequencer.grow(PEER, &owner.note(4), 0, &owner.leaves).unwrap();
    let kept = Batch { openings: vec![owner.opening(1)], ..Batch::default() };
    sequencer.commit(kept, 1).unwrap();
    // A stop between the key and the body of another one.
    let (key_left, mut step) = (at(2), 0);
    while !(disk.has_key(key_left) && disk.open_entry(key_left) == Ok(None)) {
        disk.fail(step, Fault::StopBefore);
        step += 1;
        let batch = Batch { openings: vec![owner.opening(2)], ..Batch::default() };
        assert!(sequencer.commit(batch, 2).is_err(), "no step left a key");
        disk.kill();
        sequencer = open(disk.open());
    }
    let batch = Batch { erasures: vec![at(1), at(2), at(3)], ..Batch::default() };
    sequencer.commit(batch, 3).unwrap();
    for index in 1..4 {
        assert!(!disk.has_key(at(index)), "{index}");
        assert_eq!(disk.open_entry(at(index)), Ok(None));
    }
}

/// Every way to stop at every step: what was told as verified or kept is there after it, and the
/// same calls reach the same end.
#[test]
fn a_stop_at_any_step_loses_nothing_that_was_told() {
    const FAULTS: [Fault; 5] = [
        Fault::StopBefore,
        Fault::StopWithin,
        Fault::FailedButPersisted,
        Fault::FailedUnsynced,
        Fault::Full,
    ];
    let owner = Owner::new(40, 1);
    let own = || Batch { entries: vec![pending(SHARED, "own")], ..Batch::default() };
    for fault in FAULTS {
        for (step, power) in (0..120).flat_map(|step| [(step, false), (step, true)]) {
            let disk = MemoryDisk::default();
            let mut random = Random::new(step);
            let mut sequencer = open(disk.open());
            disk.fail(step, fault);
            let (mut verified, mut kept, mut tries) = (0, Vec::new(), 0);
            while verified < 40 || kept.len() < 40 {
                tries += 1;
                assert!(tries < 40, "{fault:?} at {step}: no end");
                let _ = sequencer.commit(own(), 5);
                let staged =
                    usize::try_from(sequencer.followed(PEER).unwrap().staged.size()).unwrap();
                let goal = if staged < 20 { 20 } else { 40 };
                let to = (staged + 7).min(goal);
                let grown = sequencer.grow(
                    PEER,
                    &owner.note(goal),
                    staged as u64,
                    &owner.leaves[staged..to],
                );
                if let Ok(Grown::Verified(size)) = grown {
                    verified = size;
                }
                let due =
                    (0..usize::try_from(verified).unwrap()).filter(|index| !kept.contains(index));
                let due: Vec<usize> = due.collect();
                let openings = due.iter().map(|index| owner.opening(*index)).collect();
                let batch = Batch { openings, scanned: vec![(PEER, verified)], ..Batch::default() };
                if sequencer.commit(batch, 6).is_ok() {
                    kept.extend(due);
                }
                if sequencer.is_dead() {
                    if power {
                        disk.crash(&mut || random.next());
                    } else {
                        disk.kill();
                    }
                    sequencer = open(disk.open());
                }
                assert!(size(&sequencer) >= verified, "{fault:?} at {step}: verified and lost");
                for index in &kept {
                    let found = disk.open_entry(at(*index)).unwrap();
                    assert_eq!(found.as_ref(), Some(&owner.envelopes[*index]), "{fault:?} {step}");
                }
            }
            disk.clear_fault();
            assert_eq!(sequencer.followed(PEER).unwrap().scanned, 40);
        }
    }
}
