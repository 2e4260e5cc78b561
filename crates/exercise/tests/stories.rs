//! Many nodes and a seed: no story breaks a promise, and with a planted bug one does.

use std::collections::BTreeSet;

use comity_exercise::{Body, Length, Mutant, Plant, Ran, World};
use comity_tlog::Sequencer;
use comity_tlog::sequencer;
use comity_tlog::storage::memory::MemoryStorage;

/// Stories that are told with every check of a change.
const SEEDS: u64 = 150;

/// Stories in which a planted bug has to be noticed: some five times what the hardest takes.
const MUTANT_SEEDS: u64 = 50;

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
    let plants: [(&str, Planting); 3] = [
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
