//! Many nodes and a seed: no story breaks a promise, and with a planted bug one does.

use std::collections::BTreeSet;

use comity_exercise::{Body, Length, Mutant, Plant, Ran, World};
use comity_tlog::Sequencer;
use comity_tlog::sequencer;
use comity_tlog::storage::memory::MemoryStorage;

/// Stories that are told with every check of a change.
const SEEDS: u64 = 150;

/// Stories in which a planted bug has to be noticed: some three times what the hardest takes.
const MUTANT_SEEDS: u64 = 150;

/// Stories that are told twice, once with a secret.
const TWINS: u64 = 20;

/// Times that each fault has to strike, and each race to be run, in these stories.
const OFTEN: u64 = 5;

/// What has to happen: what never does is not tested.
const HAPPENS: [&str; 44] = [
    "act within an hour of a change of standing",
    "answer changed",
    "answer under way while its party joins or leaves",
    "clock jumped",
    "disk full",
    "grant under way while its entry is withdrawn",
    "hostile: checkpoint without its leaves",
    "hostile: flood of void entries",
    "hostile: heads of two readers contradict each other",
    "hostile: logs forked",
    "hostile: opening withheld",
    "hostile: reader moved to another branch",
    "hostile: second root signed",
    "hostile: smaller size signed",
    "hostile: two roots of one size seen, and said so",
    "hostile: void entry shown",
    "hostile: void entry signed",
    "leaves that do not give the root refused",
    "message cut off both ways",
    "message cut off one way",
    "message doubled",
    "message lost",
    "message overtaken",
    "onward release",
    "onward release falls when its time is over",
    "onward release falls with its consent",
    "onward release falls with its origin",
    "onward release without consent refused",
    "opening changed, or of another day",
    "opening for whom joined an hour ago",
    "openings taken in another order",
    "page asked for within an hour of joining or leaving",
    "page under way while its entry is withdrawn",
    "power failed",
    "power failed: write lost or torn",
    "process restarted in order",
    "process stopped before a step of the store",
    "process stopped by a read that failed",
    "process stopped while a pull waited",
    "process stopped while it started",
    "process stopped within a step of the store",
    "step done, and reported as failed",
    "step written, not synced, and reported as failed",
    "withdrawal of what is not here",
];

const LENGTH: Length = Length { steps: 300, check_every: 100 };

type Planting = fn(&mut Sequencer<MemoryStorage>);

fn story(body: &Body, seed: u64, plant: Plant) -> Result<Ran, String> {
    World::new(body, seed, LENGTH, plant, false).run()
}

fn first_failing(body: &Body, plant: Plant) -> Option<(u64, String)> {
    (0..MUTANT_SEEDS).find_map(|seed| Some((seed, story(body, seed, plant).err()?)))
}

#[test]
fn no_seed_breaks_a_promise() {
    let body = Body::new().unwrap();
    let mut all = Ran::default();
    for seed in 0..SEEDS {
        let ran = story(&body, seed, Plant::default());
        let ran = ran.unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        all.posted += ran.posted;
        all.kept += ran.kept;
        all.withdrawn += ran.withdrawn;
        all.receipts += ran.receipts;
        all.aside += ran.aside;
        all.stops += ran.stops;
        for (what, often) in ran.happened {
            *all.happened.entry(what).or_default() += often;
        }
    }
    // What never happens cannot go wrong: a story has all of this, and not by accident.
    for (what, often, each) in [
        ("posted", all.posted, 20),
        ("kept", all.kept, 50),
        ("withdrawn at a peer", all.withdrawn, 1),
        ("acknowledged by receipts", all.receipts, 3),
        ("set aside", all.aside, 1),
        ("stops", all.stops, 5),
    ] {
        assert!(often >= SEEDS * each, "{what}: {often} in {SEEDS} stories");
    }
    for what in HAPPENS {
        let often = all.happened.get(what).copied().unwrap_or_default();
        println!("{often:7} {what}");
        assert!(often >= OFTEN, "{what}: {often} in {SEEDS} stories");
    }
    let unknown: Vec<_> = all.happened.keys().filter(|what| !HAPPENS.contains(what)).collect();
    assert!(unknown.is_empty(), "counted, and not required: {unknown:?}");
}

#[test]
fn one_seed_one_story() {
    let body = Body::new().unwrap();
    let mut traces = BTreeSet::new();
    for seed in 0..20 {
        let once = story(&body, seed, Plant::default()).unwrap();
        assert_eq!(Ok(&once), story(&body, seed, Plant::default()).as_ref(), "seed {seed}");
        assert!(traces.insert(once.trace), "seed {seed} tells the story of another");
    }
}

/// A story with a secret and the same with another entry in its place look the same to those whom
/// neither is for (I7).
#[test]
fn a_secret_changes_nothing_for_others() {
    let body = Body::new().unwrap();
    let twins = |seed, plant| World::twins(&body, seed, LENGTH, plant);
    let mut compared = 0;
    for seed in 0..TWINS {
        compared +=
            twins(seed, Plant::default()).unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
    assert!(compared > TWINS * 500, "{compared} things that were seen in {TWINS} stories");
    let plant = Plant { node: Some(Mutant::PagesByLength), ..Plant::default() };
    let found = (0..MUTANT_SEEDS).find_map(|seed| Some((seed, twins(seed, plant).err()?)));
    assert!(found.is_some(), "PagesByLength lived");
    println!("PagesByLength: {found:?}");
}

#[test]
fn every_planted_bug_is_noticed() {
    let body = Body::new().unwrap();
    for mutant in [
        Mutant::Resurrects,
        Mutant::ArrivalOrder,
        Mutant::NoAudience,
        Mutant::CursorFirst,
        Mutant::ReceiptAlone,
        Mutant::GrantToAll,
        Mutant::ArrivesTwice,
        Mutant::PoisonBlocks,
        Mutant::TrustsAudience,
        Mutant::TrustsOrigin,
        Mutant::WorksPerLeaf,
        Mutant::BeyondConsent,
        Mutant::OutlivesConsent,
        Mutant::OutlivesOrigin,
    ] {
        let plant = Plant { node: Some(mutant), ..Plant::default() };
        let found = first_failing(&body, plant);
        assert!(found.is_some(), "{mutant:?} lived");
        println!("{mutant:?}: {found:?}");
    }
}

/// The same for bugs of the writer below: heads of others, keys, times.
#[test]
fn every_bug_planted_in_the_logs_is_noticed() {
    let body = Body::new().unwrap();
    let plants: [(&str, Planting); 4] = [
        ("AcceptsFork", |sequencer| sequencer.plant(sequencer::Mutant::AcceptsFork)),
        ("NoReplay", |sequencer| sequencer.plant(sequencer::Mutant::NoReplay)),
        ("KeysLast", |sequencer| sequencer.plant(sequencer::Mutant::KeysLast)),
        ("ClockAsIs", |sequencer| sequencer.plant(sequencer::Mutant::ClockAsIs)),
    ];
    for (name, plant) in plants {
        let found = first_failing(&body, Plant { log: Some(plant), ..Plant::default() });
        assert!(found.is_some(), "{name} lived");
        println!("{name}: {found:?}");
    }
}
