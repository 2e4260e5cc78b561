//! How fast a log grows, beside the bare floor of the same run: the same octets put into a table
//! of a SQLite file that is flushed as often.
//!
//!     cargo run --release -p comity-tlog --example append [DIR]

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use comity_tlog::{
    ArrivalOf, Batch, EntryRef, LogConfig, PendingArrival, PendingEntry, Reader, Sealed, Sequencer,
    SigningKey, SqliteStorage,
};

const BODY_BYTES: usize = 1500;
const TOTAL: usize = 51_200;

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for batch in [16, 256, 4096] {
        let total = TOTAL.min(batch * 400) / batch * batch;
        let dir = tempfile::TempDir::new_in(&base)?;
        let floor = floor(dir.path(), total, batch)?;
        let log = log(dir.path(), total, batch)?;
        println!("batch {batch:5}: log {log:8.0}/s, bare {floor:8.0}/s, ratio {:.2}", log / floor);
        let read = read(dir.path(), total)?;
        println!("             opened {read:8.0}/s");
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn rate(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn floor(dir: &Path, total: usize, batch: usize) -> Result<f64, Box<dyn Error>> {
    let mut connection = rusqlite::Connection::open(dir.join("floor.db"))?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 4000; CREATE TABLE t (k INTEGER PRIMARY KEY, b BLOB);",
    )?;
    let body = vec![b'x'; BODY_BYTES];
    let start = Instant::now();
    for _ in 0..total / batch {
        let transaction = connection.transaction()?;
        for _ in 0..batch {
            transaction.prepare_cached("INSERT INTO t (b) VALUES (?1)")?.execute([&body])?;
        }
        transaction.commit()?;
    }
    Ok(rate(total, start))
}

fn log(dir: &Path, total: usize, batch: usize) -> Result<f64, Box<dyn Error>> {
    let config = LogConfig {
        id: 0,
        name: "shared".to_owned(),
        origin: "alpha.example/log/shared".to_owned(),
        key: SigningKey::from_bytes(&[1; 32]),
    };
    let mut seed = 0u64;
    let mut random = |bytes: &mut [u8]| {
        // Not random: the cost of drawing is the system's, and once a batch.
        seed += 1;
        for (at, chunk) in bytes.chunks_mut(8).enumerate() {
            let word = (seed << 32 | at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(slot, byte)| *slot = byte);
        }
    };
    let mut sequencer = Sequencer::open(SqliteStorage::open(dir)?, vec![config], &mut random)?;
    let mut count = 0usize;
    let start = Instant::now();
    for round in 0..total / batch {
        let mut work = Batch::default();
        for at in 0..batch {
            count += 1;
            work.entries.push(PendingEntry {
                log: 0,
                sealed: Sealed::new(vec![b'x'; BODY_BYTES], &mut random)?,
                idem: Some(count.to_be_bytes().to_vec()),
            });
            work.arrivals.push(PendingArrival { collection: 1, entry: ArrivalOf::New(at) });
        }
        sequencer.commit(work, i64::try_from(round)?)?;
    }
    Ok(rate(total, start))
}

fn read(dir: &Path, total: usize) -> Result<f64, Box<dyn Error>> {
    let reader = Reader::open(dir)?;
    let entries: Vec<EntryRef> =
        (0..total as u64).map(|index| EntryRef { log: 0, index }).collect();
    let start = Instant::now();
    let mut octets = 0;
    reader.open_many(&entries, |_, body| octets += body.len())?;
    if octets != total * BODY_BYTES {
        return Err("not everything opened".into());
    }
    Ok(rate(total, start))
}
