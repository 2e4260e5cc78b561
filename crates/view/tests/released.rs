//! The ledger of what is released, against a plain model: who may have an entry is whom it was
//! compiled for and whom it was granted to, until it is withdrawn; however the log is cut up, and
//! whether what was withdrawn is still there when it is folded or not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};

use comity_view::fold::{Consent, Effect, PassedOn};
use comity_view::query::{self, recipients_seen, released_to};
use comity_view::{Folded, ObjectFacts, Position, Queries, Released, View, What};
use comity_wire::id::Uuid;
use comity_wire::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES: u32 = 150;
const STEPS: usize = 50;
const PARTIES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// One entry of the log `shared`; numbers name earlier entries, sets of bits parties.
#[derive(Debug, Clone)]
enum Entry {
    Object(u8),
    Copy(u8),
    Grant(u8, Vec<usize>),
    Withdraw(u8, Vec<usize>),
}

fn entry() -> impl Strategy<Value = Entry> {
    let set = 0u8..16;
    let targets = vec(0usize..STEPS, 0..4);
    prop_oneof![
        3 => set.clone().prop_map(Entry::Object),
        3 => set.clone().prop_map(Entry::Copy),
        3 => (set.clone(), targets.clone()).prop_map(|(set, of)| Entry::Grant(set, of)),
        2 => (set, targets).prop_map(|(set, of)| Entry::Withdraw(set, of)),
    ]
}

fn parties(set: u8) -> Vec<String> {
    let is_in = |at: &usize| set & (1 << at) != 0;
    (0..PARTIES.len()).filter(is_in).map(|at| PARTIES[at].to_owned()).collect()
}

fn shared(index: usize) -> Position {
    Position { log: 0, index: index as u64 }
}

fn private(index: usize) -> Position {
    Position { log: 2, index: index as u64 }
}

/// References go to entries below.
fn below(targets: &[usize], index: usize) -> Vec<Position> {
    targets.iter().filter(|target| **target < index).map(|target| shared(*target)).collect()
}

fn facts(index: usize) -> ObjectFacts<'static> {
    let mut uuid = [7; 16];
    uuid[0] = u8::try_from(index).unwrap();
    ObjectFacts {
        id: "tool",
        object_type: "tool",
        uuid: Uuid(uuid),
        version: "2020-01-01T00:00:00Z",
        instant: Instant::from_micros(0),
        unversioned: false,
        created: None,
        created_by: None,
        revoked: false,
        held_back: false,
        expires: None,
        alone: true,
    }
}

/// Folds a log, some entries at a time. `gone` were erased before it was read.
fn fold(view: &mut View, log: &[Entry], sizes: &[usize], gone: &BTreeSet<usize>) {
    let audiences: Vec<Vec<String>> = log
        .iter()
        .map(|entry| match entry {
            Entry::Object(set) | Entry::Copy(set) => parties(*set),
            Entry::Grant(set, _) | Entry::Withdraw(set, _) => parties(*set),
        })
        .collect();
    let mut all: Vec<Folded<'_>> = Vec::new();
    for (index, entry) in log.iter().enumerate() {
        let what = match entry {
            Entry::Object(_) => What::Object(facts(index)),
            Entry::Copy(_) => What::Copy(private(index)),
            Entry::Grant(_, of) => What::Grant(below(of, index)),
            Entry::Withdraw(_, of) => What::Withdraw(below(of, index)),
        };
        let effect = if gone.contains(&index) {
            Effect::Nothing
        } else {
            Effect::Released(Released { audience: &audiences[index], what })
        };
        all.push(Folded { position: shared(index), effect });
    }
    let mut sizes = sizes.iter().cycle();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).clamp(1, rest.len());
        view.fold(&rest[..size], &[]).unwrap();
        rest = &rest[size..];
    }
}

/// Who may have what, by index, and the shares among it.
type Model = (BTreeMap<usize, BTreeSet<String>>, BTreeMap<usize, BTreeSet<String>>);

fn model(log: &[Entry]) -> Model {
    let (mut all, mut shares) = (BTreeMap::new(), BTreeMap::<usize, BTreeSet<String>>::new());
    for (index, entry) in log.iter().enumerate() {
        let audience = match entry {
            Entry::Object(set) | Entry::Copy(set) => {
                let audience: BTreeSet<String> = parties(*set).into_iter().collect();
                if !audience.is_empty() {
                    shares.insert(index, audience.clone());
                }
                audience
            }
            Entry::Grant(set, of) => {
                for target in below(of, index) {
                    let target = usize::try_from(target.index).unwrap();
                    shares.entry(target).and_modify(|have| have.extend(parties(*set)));
                }
                parties(*set).into_iter().collect()
            }
            Entry::Withdraw(set, of) => {
                for target in below(of, index) {
                    let target = usize::try_from(target.index).unwrap();
                    if shares.remove(&target).is_some() {
                        all.remove(&target);
                    }
                }
                parties(*set).into_iter().collect()
            }
        };
        all.insert(index, audience);
    }
    (all, shares)
}

/// Objects and copies that the log itself withdraws: their content is gone when it is read again.
fn erased(log: &[Entry]) -> BTreeSet<usize> {
    let mut gone = BTreeSet::new();
    for (index, entry) in log.iter().enumerate() {
        if let Entry::Withdraw(_, of) = entry {
            for target in below(of, index) {
                let target = usize::try_from(target.index).unwrap();
                if matches!(log[target], Entry::Object(_) | Entry::Copy(_)) {
                    gone.insert(target);
                }
            }
        }
    }
    gone
}

fn check(test: impl Fn(Vec<Entry>, Vec<usize>)) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(&(vec(entry(), 1..STEPS), vec(1usize..20, 1..6)), |(log, sizes)| {
            test(log, sizes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_party_has_what_was_compiled_or_granted_for_it_and_stands() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("view.db");
    check(|log, sizes| {
        View::drop_file(&path).unwrap();
        let (mut view, _) = View::open(&path, "a test").unwrap();
        fold(&mut view, &log, &sizes, &BTreeSet::new());
        let queries = Queries::open(&path).unwrap();
        let (all, shares) = model(&log);
        for party in PARTIES {
            let wanted: Vec<Position> = all
                .iter()
                .filter(|(_, audience)| audience.contains(party))
                // What was granted is served with the grant, and not at its own place.
                .filter(|(index, _)| match &log[**index] {
                    Entry::Object(set) | Entry::Copy(set) => {
                        parties(*set).iter().any(|one| one == party)
                    }
                    _ => true,
                })
                .map(|(index, _)| shared(*index))
                .collect();
            for from in [0, 1, log.len() / 2, log.len()] {
                let page = released_to(&queries, party, from as u64, 3).unwrap();
                let rest = wanted.iter().filter(|position| position.index >= from as u64);
                let rest: Vec<Position> = rest.copied().take(3).collect();
                assert_eq!(page.positions, rest, "{party} from {from}");
                assert_eq!(page.folded, log.len() as u64);
            }
        }
        for (index, entry) in log.iter().enumerate() {
            let have = recipients_seen(&queries, shared(index)).unwrap();
            assert_eq!(have, shares.get(&index).cloned().unwrap_or_default(), "{index}");
            assert_eq!(query::recipients(&view, shared(index)).unwrap(), have);
            let copied = query::copies(&view, private(index)).unwrap();
            let is_copy = matches!(entry, Entry::Copy(_)) && shares.contains_key(&index);
            assert_eq!(copied, if is_copy { vec![shared(index)] } else { Vec::new() });
        }
        let counts = query::released(&queries).unwrap();
        assert_eq!(counts.shares, shares.len() as u64);
        assert!(released_to(&queries, "epsilon", 0, 99).unwrap().positions.is_empty());
    });
}

#[test]
fn the_ledger_is_the_same_however_and_whenever_it_is_folded() {
    check(|log, sizes| {
        let [mut whole, mut one_by_one, mut cut, mut late] =
            [(); 4].map(|()| View::in_memory().unwrap());
        fold(&mut whole, &log, &[STEPS], &BTreeSet::new());
        fold(&mut one_by_one, &log, &[1], &BTreeSet::new());
        fold(&mut cut, &log, &sizes, &BTreeSet::new());
        fold(&mut late, &log, &sizes, &erased(&log));
        for other in [&one_by_one, &cut, &late] {
            let differences = comity_view::compare(&whole, other).unwrap();
            assert!(differences.is_empty(), "{differences:?}");
            assert_eq!(whole.digest().unwrap(), other.digest().unwrap());
        }
        // As a recovery overlaps with what the view has.
        fold(&mut cut, &log, &[STEPS], &BTreeSet::new());
        assert_eq!(whole.digest().unwrap(), cut.digest().unwrap());
    });
}

/// A view that is kept and one that is folded anew are compared by everything that the ledger says.
#[test]
fn a_row_of_the_ledger_that_changes_is_found() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("view.db");
    let log = [Entry::Object(0b0011), Entry::Copy(0b0001), Entry::Grant(0b0100, vec![0])];
    let mut right = View::in_memory().unwrap();
    fold(&mut right, &log, &[1], &BTreeSet::new());
    for (sql, table) in [
        ("UPDATE audience SET parties = 'delta' WHERE parties = 'alpha beta'", "released"),
        ("UPDATE released SET copied = 1 WHERE copied IS NOT NULL", "released"),
        ("DELETE FROM released WHERE kind = 2", "released"),
        ("UPDATE granted SET party = 'delta'", "granted"),
        ("INSERT INTO attestation VALUES (1, 2)", "attestation"),
    ] {
        View::drop_file(&path).unwrap();
        let (mut view, _) = View::open(&path, "a test").unwrap();
        fold(&mut view, &log, &[1], &BTreeSet::new());
        assert!(comity_view::compare(&right, &view).unwrap().is_empty());
        view.close().unwrap();
        rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
        let kept = View::copy_of(&path).unwrap();
        let differences = comity_view::compare(&right, &kept).unwrap();
        assert!(differences.iter().any(|one| one.table == table), "{sql}: {differences:?}");
    }
}

/// A consent of a peer's about many entries, of which some never come.
fn consents(of: u64, parties: &[String]) -> Folded<'_> {
    let of = (100..100 + of).map(|index| Position { log: 16, index }).collect();
    Folded {
        position: Position { log: 16, index: 7 },
        effect: Effect::Consent(Consent { of, parties }),
    }
}

#[test]
fn the_parties_of_a_consent_stand_once_whatever_it_is_about() {
    let parties: Vec<String> = (0..1000).map(|at| format!("p{at:0>99}")).collect();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("view.db");
    let (mut view, _) = View::open(&path, "boot").unwrap();
    view.fold(&[consents(500, &parties)], &[]).unwrap();
    let octets: u64 = std::fs::read_dir(place.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(octets < 2_000_000, "{octets} octets");
    let of = Position { log: 16, index: 599 };
    assert_eq!(query::consents(&view, of).unwrap()[0].parties, parties);
    let none = BTreeSet::new();
    assert!(query::is_covered(&view, of, &parties, &none).unwrap());
    let going = BTreeSet::from([Position { log: 16, index: 7 }]);
    assert!(!query::is_covered(&view, of, &parties[..1], &going).unwrap());
    let other = ["q.example".to_owned()];
    assert!(!query::is_covered(&view, of, &other, &none).unwrap());
}

#[test]
fn what_is_passed_on_is_found_by_the_names_of_what_it_goes_by_until_it_is_withdrawn() {
    let named = PassedOn { origin: "alpha".to_owned(), of: 3, consents: vec![5, 6] };
    let audience = ["gamma".to_owned()];
    let released = |what| Effect::Released(Released { audience: &audience, what });
    let mut view = View::in_memory().unwrap();
    let passed_on = Folded { position: shared(0), effect: released(What::Onward(&named)) };
    view.fold(&[passed_on], &[]).unwrap();
    assert_eq!(query::passed_on(&view, "alpha", 3).unwrap(), [shared(0)]);
    assert_eq!(query::passed_on(&view, "alpha", 5).unwrap(), []);
    assert_eq!(query::passed_on(&view, "beta", 3).unwrap(), []);
    assert_eq!(query::passed_on_by(&view, "alpha", 6).unwrap(), [(shared(0), 3)]);
    assert_eq!(query::passed_on_of(&view, "alpha").unwrap(), [shared(0)]);
    let what = What::Withdraw(vec![shared(0)]);
    view.fold(&[Folded { position: shared(1), effect: released(what) }], &[]).unwrap();
    assert_eq!(query::passed_on_by(&view, "alpha", 6).unwrap(), []);
    assert_eq!(query::passed_on_of(&view, "alpha").unwrap(), []);
}
