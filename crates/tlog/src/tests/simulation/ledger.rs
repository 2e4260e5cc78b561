//! More seeds than every check of a change can run: `just simulate 100000` goes on where the last
//! run ended, and `just simulate seed=77` tells one story again.

use std::fs;
use std::path::{Path, PathBuf};

use super::asked::Asked;
use super::failure;

/// The seeds below are run with every check of a change.
const FIRST: u64 = 3000;

/// After so many seeds the ledger is written: what an interrupted run did counts.
const STEP: u64 = 500;

/// Which seeds were run, in a file.
struct Ledger(PathBuf);

impl Ledger {
    fn open() -> Ledger {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/simulation");
        fs::create_dir_all(&folder).unwrap();
        Ledger(folder.join("seeds.txt"))
    }

    fn next(&self) -> u64 {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let next = text.lines().find_map(|line| line.strip_prefix("next "));
        next.map_or(FIRST, |next| next.parse().unwrap())
    }

    fn done(&self, next: u64) {
        let text = format!("seeds that were run without a failure: {FIRST} to\nnext {next}\n");
        fs::write(&self.0, text).unwrap();
    }
}

#[test]
#[ignore = "takes minutes: `just simulate N`"]
fn more_seeds() {
    let ledger = Ledger::open();
    match Asked::from(std::env::args()) {
        None => panic!("required: how many seeds, or `seed=` and the one to tell again"),
        Some(Asked::Again(seed)) => {
            let failed = failure(seed, None);
            println!("seed {seed}: {failed:?}");
            assert_eq!(failed, None);
        }
        Some(Asked::More(count)) => {
            let from = ledger.next();
            for seed in from..from + count {
                if let Some(failed) = failure(seed, None) {
                    panic!("seed {seed}: {failed}; again: just simulate seed={seed}");
                }
                if (seed + 1) % STEP == 0 || seed + 1 == from + count {
                    ledger.done(seed + 1);
                }
            }
            println!("{count} seeds from {from}, no failure; next {}", ledger.next());
        }
    }
}
