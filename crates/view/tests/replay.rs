//! The fold gives the same state however it is cut up, whether it goes along with the logs or
//! begins anew, and knows the first and last version of an object whatever the order of coming.
//!
//! The histories are drawn from a fixed seed. Each withdraws and attests entries of the same log,
//! as nodes do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::BTreeMap;

use comity_view::fold::Effect;
use comity_view::query::page;
use comity_view::{Arrival, Folded, ObjectFacts, Position, Queries, Reader, Right, Rights, View};
use comity_wire::id::Uuid;
use comity_wire::taxii::filter::{Query, Versions};
use comity_wire::time::{Instant, Micros};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How many histories a test draws.
const CASES: u32 = 200;

/// Steps of a history.
const STEPS: usize = 60;

/// Collections that things come into.
const COLLECTIONS: u32 = 2;

/// What happens to a node. An index names an earlier share.
#[derive(Debug, Clone)]
enum Step {
    Share { log: u8, object: u8, version: u8, held_back: bool },
    Withdraw(Index),
    Attest(Index),
    Come(u32, Index),
    Leave(u32, Index),
}

fn step() -> impl Strategy<Value = Step> {
    let collection = 1..=COLLECTIONS;
    let share =
        (0u8..2, 0u8..4, 0u8..6, any::<bool>()).prop_map(|(log, object, version, held_back)| {
            Step::Share { log, object, version, held_back }
        });
    prop_oneof![
        4 => share,
        1 => any::<Index>().prop_map(Step::Withdraw),
        1 => any::<Index>().prop_map(Step::Attest),
        5 => (collection.clone(), any::<Index>()).prop_map(|(one, at)| Step::Come(one, at)),
        2 => (collection, any::<Index>()).prop_map(|(one, at)| Step::Leave(one, at)),
    ]
}

/// A share, as far as the model asks.
#[derive(Debug, Clone, Copy)]
struct Shared {
    position: Position,
    object: u8,
    version: u8,
    /// Whether no other version of the object is known where it stands in the history.
    alone: bool,
}

/// What one step adds.
#[derive(Debug, Clone)]
enum Line {
    Share { shared: Shared, held_back: bool },
    Withdraw { at: Position, of: Position },
    Attest { at: Position, of: Position },
    Arrival(Arrival),
}

const VERSIONS: [&str; 6] = [
    "2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00.5Z",
    "2021-06-01T00:00:00Z",
    "2019-06-01T00:00:00.000000001Z",
    "2019-06-01T00:00:00Z",
    "2022-01-01T00:00:00Z",
];

fn uuid(object: u8) -> Uuid {
    let mut octets = [0xab; 16];
    octets[0] = object;
    Uuid(octets)
}

/// The fourth is spelt in capitals, which a view has to keep.
fn id(object: u8) -> String {
    let digits = uuid(object).to_string();
    let digits = if object == 3 { digits.to_uppercase() } else { digits };
    format!("tool--{digits}")
}

/// Steps to lines: positions and times are given as a node gives them.
fn history(steps: &[Step]) -> Vec<Line> {
    let (mut lines, mut shares) = (Vec::new(), Vec::<Shared>::new());
    let mut withdrawn = Vec::new();
    let (mut next, mut seq) = ([0u64; 2], 0);
    for step in steps {
        let mut place = |log: u8| {
            let index = next[usize::from(log)];
            next[usize::from(log)] += 1;
            Position { log, index }
        };
        match step {
            Step::Share { log, object, version, held_back } => {
                let alone = shares
                    .iter()
                    .all(|one| one.object != *object || withdrawn.contains(&one.position));
                let (object, version) = (*object, *version);
                let shared = Shared { position: place(*log), object, version, alone };
                shares.push(shared);
                lines.push(Line::Share { shared, held_back: *held_back });
            }
            _ if shares.is_empty() => {}
            Step::Withdraw(index) => {
                let of = index.get(&shares).position;
                withdrawn.push(of);
                lines.push(Line::Withdraw { at: place(of.log), of });
            }
            Step::Attest(index) => {
                let of = index.get(&shares).position;
                lines.push(Line::Attest { at: place(of.log), of });
            }
            Step::Come(collection, index) | Step::Leave(collection, index) => {
                seq += 1;
                let position = index.get(&shares).position;
                let gone = matches!(step, Step::Leave(..));
                let (collection, date_added) = (*collection, 1000 + seq * 7);
                lines.push(Line::Arrival(Arrival { seq, collection, position, date_added, gone }));
            }
        }
    }
    lines
}

/// Folds some lines in one go.
fn fold(view: &mut View, lines: &[Line]) {
    let ids: Vec<String> = (0..4).map(id).collect();
    let facts = |shared: &Shared, held_back: bool| {
        let version = VERSIONS[usize::from(shared.version)];
        ObjectFacts {
            id: &ids[usize::from(shared.object)],
            object_type: if shared.object == 2 { "campaign" } else { "tool" },
            uuid: uuid(shared.object),
            version,
            instant: Instant::parse(version).unwrap(),
            unversioned: false,
            created: None,
            created_by: None,
            revoked: shared.version == 5,
            held_back,
            expires: None,
            alone: shared.alone,
        }
    };
    let (mut entries, mut arrivals) = (Vec::new(), Vec::new());
    for line in lines {
        let (position, effect) = match line {
            Line::Share { shared, held_back } => {
                (shared.position, Effect::Share(facts(shared, *held_back)))
            }
            Line::Withdraw { at, of } => (*at, Effect::Withdraw(vec![*of])),
            Line::Attest { at, of } => (*at, Effect::Attest(vec![*of])),
            Line::Arrival(arrival) => {
                arrivals.push(*arrival);
                continue;
            }
        };
        entries.push(Folded { position, effect });
    }
    entries.sort_by_key(|entry| entry.position);
    view.fold(&entries, &arrivals).unwrap();
}

fn in_chunks(view: &mut View, mut lines: &[Line], sizes: &[usize]) {
    let mut sizes = sizes.iter().cycle();
    while !lines.is_empty() {
        let size = (*sizes.next().unwrap()).clamp(1, lines.len());
        fold(view, &lines[..size]);
        lines = &lines[size..];
    }
}

/// From nothing: log by log, arrivals last, as a node does when it starts.
fn anew(lines: &[Line], sizes: &[usize]) -> View {
    let mut view = View::in_memory().unwrap();
    let log_of = |line: &Line| match line {
        Line::Share { shared, .. } => Some(shared.position.log),
        Line::Withdraw { at, .. } | Line::Attest { at, .. } => Some(at.log),
        Line::Arrival(_) => None,
    };
    for log in [Some(1), Some(0), None] {
        let part: Vec<Line> = lines.iter().filter(|line| log_of(line) == log).cloned().collect();
        in_chunks(&mut view, &part, sizes);
    }
    view
}

fn check<S: Strategy>(strategy: &S, test: impl Fn(S::Value)) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(strategy, |value| {
            test(value);
            Ok(())
        })
        .unwrap();
}

fn steps_and_sizes() -> impl Strategy<Value = (Vec<Step>, Vec<usize>)> {
    (vec(step(), 1..STEPS), vec(1usize..20, 1..6))
}

#[test]
fn any_chunks_give_the_same_state() {
    check(&steps_and_sizes(), |(steps, sizes)| {
        let lines = history(&steps);
        let [mut whole, mut one_by_one, mut cut] = [(); 3].map(|()| View::in_memory().unwrap());
        in_chunks(&mut whole, &lines, &[STEPS]);
        in_chunks(&mut one_by_one, &lines, &[1]);
        in_chunks(&mut cut, &lines, &sizes);
        let digest = whole.digest().unwrap();
        assert_eq!(digest, one_by_one.digest().unwrap());
        assert_eq!(digest, cut.digest().unwrap());
    });
}

#[test]
fn going_along_equals_beginning_anew() {
    check(&steps_and_sizes(), |(steps, sizes)| {
        let lines = history(&steps);
        let mut along = View::in_memory().unwrap();
        in_chunks(&mut along, &lines, &sizes);
        let again = anew(&lines, &sizes);
        let differences = comity_view::compare(&along, &again).unwrap();
        assert!(differences.is_empty(), "{differences:?}");
        assert_eq!(along.digest().unwrap(), again.digest().unwrap());
    });
}

#[test]
fn what_is_folded_twice_counts_once() {
    check(&steps_and_sizes(), |(steps, sizes)| {
        let lines = history(&steps);
        let mut once = View::in_memory().unwrap();
        in_chunks(&mut once, &lines, &sizes);
        let before = once.digest().unwrap();
        // As a recovery overlaps with what the view has.
        in_chunks(&mut once, &lines, &[STEPS]);
        assert_eq!(once.digest().unwrap(), before);
    });
}

/// What a collection holds, by a plain model: `date_added` of each entry that is in it.
fn model(lines: &[Line]) -> BTreeMap<u32, Vec<(i64, Shared)>> {
    let mut alive: Vec<Shared> = Vec::new();
    let mut held: BTreeMap<u32, Vec<(i64, Shared)>> = BTreeMap::new();
    for line in lines {
        match line {
            Line::Share { shared, .. } => alive.push(*shared),
            Line::Attest { .. } => {}
            Line::Withdraw { of, .. } => {
                alive.retain(|shared| shared.position != *of);
                held.values_mut().for_each(|all| all.retain(|(_, one)| one.position != *of));
            }
            Line::Arrival(arrival) => {
                let all = held.entry(arrival.collection).or_default();
                let is_in = all.iter().any(|(_, one)| one.position == arrival.position);
                let known = alive.iter().find(|one| one.position == arrival.position);
                if arrival.gone {
                    all.retain(|(_, one)| one.position != arrival.position);
                } else if let (Some(known), false) = (known, is_in) {
                    all.push((arrival.date_added, *known));
                }
            }
        }
    }
    held
}

/// The entries at one end of each object's versions: by the instant, then by the position.
fn ends(all: &[(i64, Shared)], last: bool) -> Vec<i64> {
    let order = |one: &Shared| {
        let instant = Instant::parse(VERSIONS[usize::from(one.version)]).unwrap();
        (instant.sort_key(), one.position.key())
    };
    let mut dates: Vec<i64> = all
        .iter()
        .filter(|(_, one)| {
            let others = all.iter().filter(|(_, other)| other.object == one.object);
            let end = others.map(|(_, other)| order(other));
            let end = if last { end.max() } else { end.min() };
            end == Some(order(one))
        })
        .map(|(date_added, _)| *date_added)
        .collect();
    dates.sort_unstable();
    dates
}

#[test]
fn first_and_last_follow_the_versions_and_not_their_coming() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("view.db");
    check(&steps_and_sizes(), |(steps, sizes)| {
        View::drop_file(&path).unwrap();
        let lines = history(&steps);
        let (mut view, _) = View::open(&path, "a test").unwrap();
        in_chunks(&mut view, &lines, &sizes);
        let queries = Queries::open(&path).unwrap();
        let reader = Reader::new(1, Rights::of(&[Right::Read]), None, Micros(0));
        for (collection, all) in model(&lines) {
            let readable = reader.readable(collection, true).unwrap();
            let ask = |versions: Versions| {
                let query = Query { versions, ..Query::default() };
                let page = page(&queries, readable, &query, 1000).unwrap();
                page.rows.iter().map(|row| row.date_added.0).collect::<Vec<_>>()
            };
            let first = Versions::Some { first: true, last: false, exact: Vec::new() };
            let last = Versions::Some { first: false, last: true, exact: Vec::new() };
            let mut dates: Vec<i64> = all.iter().map(|(date_added, _)| *date_added).collect();
            dates.sort_unstable();
            assert_eq!(ask(Versions::All), dates);
            assert_eq!(ask(first), ends(&all, false), "first of {all:?}");
            assert_eq!(ask(last), ends(&all, true), "last of {all:?}");
            assert_eq!(ask(Versions::Last), ends(&all, true));
            let (_, holds) = comity_view::query::state(&queries, readable).unwrap();
            assert_eq!(usize::try_from(holds).unwrap(), all.len());
        }
    });
}
