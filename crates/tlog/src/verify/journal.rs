//! The arrival journal and its clocks, the retries, the list of erasures, the secret.

use std::collections::BTreeMap;

use super::Check;
use crate::reader;
use crate::storage::schema::{KEYS, LOG};
use crate::storage::sqlite::read_marks;
use crate::storage::{EntryRef, checksum};

impl Check<'_> {
    pub(super) fn journals(&mut self) {
        let last = self.arrivals();
        self.clocks(last);
        self.retries();
        self.erasing();
        self.orphans();
        self.secret();
    }

    /// Each line's checksum, numbers without gaps, times strictly increasing in a collection.
    fn arrivals(&mut self) -> BTreeMap<u32, i64> {
        let mut last: BTreeMap<u32, i64> = BTreeMap::new();
        let mut next = 1u64;
        let sql = "SELECT seq, collection, log, idx, date_added, gone, sum FROM arrival \
                   ORDER BY seq";
        self.rows(self.log, LOG.file, "arrival", sql, &mut |check, row| {
            check.report.arrivals += 1;
            let seq: i64 = row.get(0)?;
            let place = format!("arrival {seq}");
            let expected = next;
            next = u64::try_from(seq).unwrap_or(next).saturating_add(1);
            let (line, sum) = match reader::arrival(row) {
                Ok(line) => line,
                Err(error) => {
                    check.in_log(place, error.to_string());
                    return Ok(());
                }
            };
            if line.seq != expected {
                check.in_log(format!("arrival {expected}"), "there is none");
            }
            if line.sum() != sum {
                check.in_log(place.clone(), "its checksum differs");
            }
            if !check.exists(line.entry) {
                check.in_log(place.clone(), "names an entry that does not exist");
            }
            let before = last.insert(line.collection, line.date_added);
            if before.is_some_and(|before| before >= line.date_added) {
                check.in_log(place, "its time is not after that of the line before");
            }
            Ok(())
        });
        last
    }

    fn clocks(&mut self, mut last: BTreeMap<u32, i64>) {
        let sql = "SELECT collection, last FROM clock ORDER BY collection";
        self.rows(self.log, LOG.file, "clock", sql, &mut |check, row| {
            let (collection, clock): (u32, i64) = (row.get(0)?, row.get(1)?);
            if last.remove(&collection) != Some(clock) {
                let place = format!("clock {collection}");
                check.in_log(place, "not the time of the last arrival in its collection");
            }
            Ok(())
        });
        for collection in last.into_keys() {
            self.in_log(format!("clock {collection}"), "there is none");
        }
    }

    fn retries(&mut self) {
        let sql = "SELECT mac, key, sum FROM dedup";
        self.rows(self.log, LOG.file, "dedup", sql, &mut |check, row| {
            let mac: [u8; 16] = row.get(0)?;
            let key: i64 = row.get(1)?;
            let sum: [u8; 8] = row.get(2)?;
            let place = || format!("dedup {:032x}", u128::from_be_bytes(mac));
            if sum != checksum(b"dedup", &[&mac, &key.to_be_bytes()]) {
                check.in_log(place(), "its checksum differs");
            } else if !EntryRef::from_key(key).is_some_and(|entry| check.exists(entry)) {
                check.in_log(place(), "names an entry that does not exist");
            }
            Ok(())
        });
    }

    fn erasing(&mut self) {
        let sql = "SELECT erasing.key, entry.key IS NOT NULL AND entry.body IS NULL \
                   FROM erasing LEFT JOIN entry USING (key)";
        self.rows(self.log, LOG.file, "erasing", sql, &mut |check, row| {
            let (key, agreed): (i64, bool) = (row.get(0)?, row.get(1)?);
            if !agreed {
                check.in_log(format!("erasing {key}"), "its entry has a body, or is none");
            }
            Ok(())
        });
    }

    fn secret(&mut self) {
        let sql = "SELECT name, secret, sum FROM local";
        let mut rows = 0;
        self.rows(self.keys, KEYS.file, "local", sql, &mut |check, row| {
            rows += 1;
            let name: String = row.get(0)?;
            let secret: [u8; 32] = row.get(1)?;
            let sum: [u8; 8] = row.get(2)?;
            if name != "dedup" || sum != checksum(b"local", &[name.as_bytes(), &secret]) {
                check.in_keys(format!("local {name}"), "its checksum differs");
            }
            Ok(())
        });
        if rows != 1 {
            self.in_keys("local", "there is not exactly one secret");
        }
        if let Err(error) = read_marks(self.keys) {
            self.in_keys("mark", error.to_string());
        }
        for (connection, file) in [(self.log, LOG.file), (self.keys, KEYS.file)] {
            let sql = "SELECT count(*) FROM library WHERE id = 1";
            let all = self.number(connection, file, "library", "SELECT count(*) FROM library");
            if self.number(connection, file, "library", sql) != 1 || all != 1 {
                self.report.add(file, "library", "there is not exactly one row");
            }
        }
    }

    fn exists(&self, entry: EntryRef) -> bool {
        self.log
            .prepare_cached("SELECT 1 FROM entry WHERE key = ?1")
            .and_then(|mut statement| statement.exists([entry.key()]))
            .unwrap_or(false)
    }
}
