//! The fold gives the same state however it is cut up, whether it goes along with the logs or
//! begins anew, and knows the first and last version of an object whatever the order of coming.
//!
//! The histories are drawn from a fixed seed. Each withdraws and attests entries of the same log,
//! as nodes do. Some entries are of peers: they come in another order than that of their log, and
//! what is withdrawn of them their owner or this party withdrew.

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

/// Logs that shares stand in: two of this party's own, and those of two peers.
const LOGS: [u8; 4] = [0, 1, Position::FOLLOWED_MIN, Position::FOLLOWED_MIN + 2];

/// What happens to a node. An index names an earlier share.
#[derive(Debug, Clone)]
enum Step {
    Share {
        log: u8,
        object: u8,
        version: u8,
        unversioned: bool,
        held_back: bool,
    },
    /// By its owner, or, of a peer's, by this party.
    Withdraw(Index, bool),
    Attest(Index),
    Come(u32, Index),
    Leave(u32, Index),
}

fn step() -> impl Strategy<Value = Step> {
    let collection = 1..=COLLECTIONS;
    let share = (any::<Index>(), 0u8..4, 0u8..6, 0u8..3, any::<bool>()).prop_map(
        |(log, object, version, unversioned, held_back)| {
            let (log, unversioned) = (*log.get(&LOGS), unversioned == 0);
            Step::Share { log, object, version, unversioned, held_back }
        },
    );
    prop_oneof![
        4 => share,
        1 => any::<(Index, bool)>().prop_map(|(at, purge)| Step::Withdraw(at, purge)),
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
    unversioned: bool,
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
    let (mut next, mut seq) = (BTreeMap::new(), 0);
    for step in steps {
        let mut place = |log: u8| {
            let next: &mut u64 = next.entry(log).or_default();
            *next += 1;
            // What peers open comes in no order.
            let position = Position { log, index: *next - 1 };
            if position.is_followed() { Position { index: *next * 5 % 97, log } } else { position }
        };
        match step {
            Step::Share { log, object, version, unversioned, held_back } => {
                let alone = shares
                    .iter()
                    .all(|one| one.object != *object || withdrawn.contains(&one.position));
                let (object, version, unversioned) = (*object, *version, *unversioned);
                // Of a party's own no two give one version with other content.
                let given = |one: &&Shared| {
                    let same = if one.unversioned && unversioned {
                        true
                    } else {
                        !one.unversioned && !unversioned && one.version == version
                    };
                    one.object == object && same && !one.position.is_followed()
                };
                let given = shares.iter().filter(given);
                let known = given.into_iter().any(|one| !withdrawn.contains(&one.position));
                if known && *log < Position::FOLLOWED_MIN {
                    continue;
                }
                let shared = Shared { position: place(*log), object, version, unversioned, alone };
                shares.push(shared);
                lines.push(Line::Share { shared, held_back: *held_back });
            }
            _ if shares.is_empty() => {}
            Step::Withdraw(index, purge) => {
                let of = index.get(&shares).position;
                withdrawn.push(of);
                let by = if *purge && of.is_followed() { LOGS[0] } else { of.log };
                lines.push(Line::Withdraw { at: place(by), of });
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
            unversioned: shared.unversioned,
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

/// From nothing: log by log, then what peers opened, arrivals last, as a node does when it starts.
fn anew(lines: &[Line], sizes: &[usize]) -> View {
    let mut view = View::in_memory().unwrap();
    // Then nothing is certain.
    let mut lines = lines.to_vec();
    for line in &mut lines {
        if let Line::Share { shared, .. } = line {
            shared.alone = false;
        }
    }
    let log_of = |line: &Line| match line {
        Line::Share { shared, .. } => Some(shared.position.log.min(Position::FOLLOWED_MIN)),
        Line::Withdraw { at, .. } | Line::Attest { at, .. } => {
            Some(at.log.min(Position::FOLLOWED_MIN))
        }
        Line::Arrival(_) => None,
    };
    for log in [Some(1), Some(0), Some(Position::FOLLOWED_MIN), None] {
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

/// A history that one test tells.
fn told(shares: &[(u8, u64, u8, bool)]) -> Vec<Line> {
    let share = |(log, index, version, unversioned): &(u8, u64, u8, bool)| {
        let position = Position { log: *log, index: *index };
        let (version, unversioned) = (*version, *unversioned);
        Shared { position, object: 0, version, unversioned, alone: false }
    };
    let mut lines: Vec<Line> =
        shares.iter().map(|one| Line::Share { shared: share(one), held_back: false }).collect();
    if let Some(Line::Share { shared, .. }) = lines.first_mut() {
        shared.alone = true;
    }
    lines
}

/// Entries of one peer that give one version.
const REPEATED: u64 = 20_000;

/// What it may take: a tenth of a second does. Where each looked at all others it took minutes.
const REPEATED_SECONDS: u64 = 30;

#[test]
#[allow(clippy::disallowed_methods, reason = "it is about time")]
fn a_version_that_is_given_ever_again_takes_no_more_time_each_time() {
    let shares: Vec<(u8, u64, u8, bool)> =
        (0..REPEATED).map(|index| (16, index, 0, false)).collect();
    let mut lines = told(&shares);
    for index in 0..REPEATED {
        let (seq, position) = (i64::try_from(index).unwrap() + 1, Position { log: 16, index });
        let (collection, date_added, gone) = (0, seq, false);
        lines.push(Line::Arrival(Arrival { seq, collection, position, date_added, gone }));
    }
    let began = std::time::Instant::now();
    let mut view = View::in_memory().unwrap();
    in_chunks(&mut view, &lines, &[1000]);
    let seconds = began.elapsed().as_secs();
    assert_eq!(comity_view::query::rivals(&view, 100_000).unwrap().len(), lines.len() / 2);
    assert!(seconds < REPEATED_SECONDS, "{seconds}");
}

fn rivals(view: &View) -> Vec<Position> {
    let all = comity_view::query::rivals(view, 100).unwrap();
    let mut all: Vec<Position> = all.into_iter().map(|one| one.position).collect();
    all.sort();
    all
}

#[test]
fn what_comes_first_in_a_group_and_stands_last_is_a_rival_too() {
    // The first in the queue is the one that is taken for alone.
    for shares in [
        [(20, 0, 0, false), (18, 0, 0, false)],
        [(18, 7, 0, false), (18, 3, 0, false)],
        [(20, 0, 0, true), (0, 0, 1, true)],
    ] {
        let mut view = View::in_memory().unwrap();
        in_chunks(&mut view, &told(&shares), &[STEPS]);
        assert_eq!(rivals(&view).len(), 2, "{shares:?}");
        assert_eq!(view.digest().unwrap(), anew(&told(&shares), &[1]).digest().unwrap());
    }
}

#[test]
fn an_object_without_versions_is_no_rival_of_one_that_has_some() {
    let shares = [(16, 0, 0, true), (18, 0, 0, false), (20, 0, 2, false)];
    for gone in 0..3 {
        let mut lines = told(&shares);
        let mut view = View::in_memory().unwrap();
        fold(&mut view, &lines);
        assert!(rivals(&view).is_empty());
        let (log, index, ..) = shares[gone];
        let of = Position { log, index };
        let withdrawal = Line::Withdraw { at: Position { log, index: 9 }, of };
        fold(&mut view, std::slice::from_ref(&withdrawal));
        lines.push(withdrawal);
        assert!(rivals(&view).is_empty());
        assert_eq!(view.digest().unwrap(), anew(&lines, &[STEPS]).digest().unwrap());
    }
}

#[test]
fn rivals_are_all_of_one_version_until_one_is_left() {
    let mut lines = told(&[(16, 0, 0, true), (18, 5, 1, true), (18, 2, 4, true), (0, 0, 3, true)]);
    let mut view = View::in_memory().unwrap();
    for line in &lines {
        fold(&mut view, std::slice::from_ref(line));
    }
    for (left, of) in [(3, (18, 5)), (2, (16, 0)), (0, (18, 2))] {
        let of = Position { log: of.0, index: of.1 };
        let withdrawal = Line::Withdraw { at: Position { log: of.log, index: 9 + left }, of };
        fold(&mut view, std::slice::from_ref(&withdrawal));
        lines.push(withdrawal);
        assert_eq!(rivals(&view).len(), usize::try_from(left).unwrap());
        assert_eq!(view.digest().unwrap(), anew(&lines, &[STEPS]).digest().unwrap());
    }
}
