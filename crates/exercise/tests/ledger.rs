//! More stories than every check of a change can run: `just simulate 100000` goes on where the last
//! run ended, and `just simulate seed=77` tells one again, line by line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is run by hand, and tells what it found"
)]

#[path = "../../tlog/src/tests/simulation/asked.rs"]
mod asked;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use asked::Asked;
use comity_exercise::{Body, Length, Plant, World};

/// The stories below are run with every check of a change.
const FIRST: u64 = 150;

/// After so many stories the ledger is written: what an interrupted run did counts.
const STEP: u64 = 1000;

/// Threads that tell stories.
const THREADS: u64 = 2;

const LENGTH: Length = Length { steps: 300, check_every: 100 };

/// Which stories were told, in a page that is checked in.
struct Ledger(PathBuf);

impl Ledger {
    fn open() -> Ledger {
        Ledger(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulation.md"))
    }

    fn next(&self) -> u64 {
        let text = fs::read_to_string(&self.0).unwrap();
        let next = text.lines().find_map(|line| line.strip_prefix("Next seed: "));
        next.map_or(FIRST, |next| next.parse().unwrap())
    }

    /// The stories before `next` were told, and one took so many seconds of a processor.
    fn done(&self, next: u64, each: f64) {
        let text = fs::read_to_string(&self.0).unwrap();
        let told = next - FIRST;
        let lines = text.lines().map(|line| match line.split_once(": ") {
            Some(("Next seed", _)) => format!("Next seed: {next}\n"),
            Some(("Stories told without a failure", _)) => {
                format!("Stories told without a failure: {told}\n")
            }
            Some(("Seconds of a processor for each", _)) => {
                format!("Seconds of a processor for each: {each:.3}\n")
            }
            _ => format!("{line}\n"),
        });
        fs::write(&self.0, lines.collect::<String>()).unwrap();
    }
}

/// Every so many stories one is told twice besides, with a secret and with another entry.
const TWICE: u64 = 20;

fn told_twice(body: &Body, seed: u64) -> Result<(), String> {
    if !seed.is_multiple_of(TWICE) {
        return Ok(());
    }
    let compared = World::twins(body, seed, LENGTH, Plant::default());
    compared.map(drop).map_err(|broken| format!("told twice: {broken}"))
}

/// Seconds of a processor that this process has used, as the system counts them: hundredths, the
/// 14th and 15th field behind the name of the program.
fn used() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Tells some stories, on all threads, and gives those that failed.
fn tell(seeds: std::ops::Range<u64>) -> Vec<(u64, String)> {
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let body = Body::new().unwrap();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let told = World::new(&body, seed, LENGTH, Plant::default(), false).run();
                    if let Err(broken) = told.map(drop).and_then(|()| told_twice(&body, seed)) {
                        failed.lock().unwrap().push((seed, broken));
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

#[test]
#[ignore = "takes minutes: `just simulate N`"]
fn more_stories() {
    let (body, ledger) = (Body::new().unwrap(), Ledger::open());
    match Asked::from(std::env::args()) {
        None => panic!("required: how many seeds, or `seed=` and the one to tell again"),
        Some(Asked::Again(seed)) => {
            let mut world = World::new(&body, seed, LENGTH, Plant::default(), true);
            let told = world.run();
            world.take_lines().iter().for_each(|line| println!("{line}"));
            println!("seed {seed}: {told:?}");
            assert!(told.is_ok());
            assert_eq!(told_twice(&body, seed), Ok(()));
        }
        Some(Asked::More(count)) => {
            let from = ledger.next();
            let to = from + count;
            for start in (from..to).step_by(usize::try_from(STEP).unwrap()) {
                let (end, before) = (to.min(start + STEP), used());
                let failed = tell(start..end);
                for (seed, broken) in &failed {
                    println!("seed {seed}: {broken}; again: just simulate seed={seed}");
                }
                assert!(failed.is_empty());
                let each = (used() - before) / u32::try_from(end - start).map(f64::from).unwrap();
                println!("{start} to {end}: {each:.3} s of a processor for each");
                ledger.done(end, each);
            }
            println!("{count} stories from {from}, no failure; next {to}");
        }
    }
}
