//! Entries, bodies and keys; tiles of all levels; heads.

use rusqlite::types::ValueRef;

use super::{Check, LogIdentity, Progress};
use crate::checkpoint::Checkpoint;
use crate::commitment::{Commitment, Salt};
use crate::merkle::{Hash, Range, hashes_of};
use crate::seal::{self, DataKey};
use crate::storage::schema::{KEYS, LOG};
use crate::storage::sqlite::{read_follow, read_head, read_tile};
use crate::storage::{EntryRef, FOLLOWED_MIN, Head, INDEX_MAX};
use crate::tile::Edge;

/// Entries between two calls of the progress callback.
const STRIDE: u64 = 1024;

/// A tree that grows while the entries go by, to be compared with what is stored.
#[derive(Default)]
struct Grown {
    range: Range,
    edge: Edge,
    /// The range under the head, where more leaves follow.
    at_head: Option<Range>,
    /// A gap in the entries: from there on nothing can be compared.
    broken: bool,
}

impl Check<'_> {
    pub(super) fn trees(&mut self) {
        let heads: Vec<(LogIdentity, Option<Head>)> = self
            .logs
            .iter()
            .map(|log| (log.clone(), self.log, log.id))
            .map(|(log, connection, id)| (log, read_head(connection, id)))
            .map(|(log, head)| match head {
                Ok(Some(head)) => (log, Some(head)),
                // Followed, and not reached yet.
                Ok(None) if log.id >= FOLLOWED_MIN => (log, None),
                Ok(None) => {
                    let place = format!("head {}", log.name);
                    self.report.add(LOG.file, place, "there is none");
                    (log, None)
                }
                Err(error) => {
                    let place = format!("head {}", log.name);
                    self.report.add(LOG.file, place, error.to_string());
                    (log, None)
                }
            })
            .collect();
        self.total = heads.iter().filter_map(|(_, h)| h.as_ref()).map(|h| h.size).sum();
        self.tick();
        for (log, head) in &heads {
            let grown = self.entries(log, head.as_ref());
            if let Some(head) = head {
                self.head(log, head, &grown);
            }
            if log.id >= FOLLOWED_MIN {
                self.follow(log, head.as_ref(), &grown);
            }
        }
        self.tick();
        let tiles = self.report.tiles;
        let known = i64::try_from(self.done).unwrap_or(i64::MAX);
        if self.number(self.log, LOG.file, "entry", "SELECT count(*) FROM entry") != known {
            self.in_log("entry", "there are entries of logs that do not exist");
        }
        let rows = self.number(self.log, LOG.file, "tile", "SELECT count(*) FROM tile");
        if rows != i64::try_from(tiles).unwrap_or(i64::MAX) {
            self.in_log("tile", "there are tiles that belong to no tree, or too few");
        }
        let rows = self.number(self.log, LOG.file, "head", "SELECT count(*) FROM head");
        let due = heads.iter().filter(|(log, head)| log.id < FOLLOWED_MIN || head.is_some());
        if rows != i64::try_from(due.count()).unwrap_or(i64::MAX) {
            self.in_log("head", "there are heads of logs that do not exist, or too few");
        }
    }

    fn tick(&mut self) {
        let (done, total) = (self.done, self.total);
        (self.progress)(Progress { done, total });
    }

    /// Every entry of a log: its place, its body, its key; and every full tile on the way.
    fn entries(&mut self, log: &LogIdentity, head: Option<&Head>) -> Grown {
        let mut grown = Grown::default();
        let first = EntryRef { log: log.id, index: 0 };
        let last = EntryRef { log: log.id, index: INDEX_MAX };
        let sql = format!(
            "SELECT key, commitment, body FROM entry WHERE key BETWEEN {} AND {} ORDER BY key",
            first.key(),
            last.key()
        );
        self.rows(self.log, LOG.file, "entry", &sql, &mut |check, row| {
            let key: i64 = row.get(0)?;
            let Some(entry) = EntryRef::from_key(key) else {
                return Ok(());
            };
            check.done += 1;
            check.report.entries += 1;
            if check.done % STRIDE == 0 {
                check.tick();
            }
            if entry.index != grown.range.size() && !grown.broken {
                grown.broken = true;
                let place = format!("entry {}/{}", log.name, grown.range.size());
                check.in_log(place, "there is none");
            }
            if !entry.is_followed() && head.is_some_and(|head| entry.index >= head.size) {
                let place = format!("entry {}", check.place(entry));
                check.in_log(place, "stands above the head of its log");
            }
            let commitment = match row.get::<_, [u8; 32]>(1) {
                Ok(commitment) => Commitment(commitment),
                Err(error) => {
                    grown.broken = true;
                    return Err(error);
                }
            };
            if head.is_some_and(|head| head.size == grown.range.size()) {
                grown.at_head = Some(grown.range.clone());
            }
            check.grow(log, &mut grown, &commitment);
            check.body(entry, &commitment, row.get_ref(2)?);
            Ok(())
        });
        grown
    }

    fn grow(&mut self, log: &LogIdentity, grown: &mut Grown, commitment: &Commitment) {
        if grown.broken {
            return;
        }
        let leaf = commitment.leaf_hash();
        grown.range.push(leaf);
        // Of a log of somebody else there are no tiles: its leaves are all that is kept.
        if log.id >= FOLLOWED_MIN {
            return;
        }
        let grew: Result<(), std::convert::Infallible> =
            grown.edge.push(leaf, &mut |level, n, hashes| {
                self.tile(log, level, n, hashes);
                Ok(())
            });
        match grew {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// A stored tile against the hashes that it has to hold.
    fn tile(&mut self, log: &LogIdentity, level: u8, n: u64, expected: &[Hash]) {
        self.report.tiles += 1;
        let place = format!("tile {}/{level}/{n}", log.name);
        let stored = match read_tile(self.log, log.id, level, n) {
            Ok(stored) => stored,
            Err(error) => return self.in_log(place, error.to_string()),
        };
        let Some(stored) = stored else {
            return self.in_log(place, "there is none");
        };
        let Some(hashes) = hashes_of(&stored).filter(|hashes| hashes.len() == expected.len())
        else {
            return self.in_log(place, "not as wide as the tree asks for");
        };
        let wrong = hashes.iter().zip(expected).position(|(is, must)| is != must);
        if let Some(at) = wrong {
            self.in_log(place, format!("hash {at} does not follow from the entries"));
        }
    }

    /// A body against its key and its commitment.
    fn body(&mut self, entry: EntryRef, commitment: &Commitment, body: ValueRef<'_>) {
        let key = self.keys.prepare_cached("SELECT salt, dek FROM key WHERE key = ?1").and_then(
            |mut statement| {
                let mut rows = statement.query([entry.key()])?;
                let Some(row) = rows.next()? else {
                    return Ok(None);
                };
                Ok(Some((Salt(row.get(0)?), DataKey(row.get(1)?))))
            },
        );
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                let place = format!("key {}", self.place(entry));
                return self.in_keys(place, format!("not of its form: {error}"));
            }
        };
        let place = format!("entry {}", self.place(entry));
        match (body, key) {
            // A stop within an opening leaves a key, which the next opening replaces.
            (ValueRef::Null, _) if entry.is_followed() => self.report.unopened += 1,
            (ValueRef::Null, None) => self.report.erased += 1,
            (ValueRef::Null, Some(_)) => {
                self.report.erased += 1;
                if !self.is_erasing(entry) {
                    let place = format!("key {}", self.place(entry));
                    self.in_keys(place, "the key of an entry without a body");
                }
            }
            (ValueRef::Blob(_), None) => self.keyless.push(entry),
            (ValueRef::Blob(sealed), Some((salt, data_key))) => {
                let mut body = sealed.to_vec();
                if seal::unseal(&data_key, commitment, &mut body).is_err() {
                    self.in_log(place, "body does not open with its key");
                } else if commitment.opens(&salt, &body) {
                    self.report.opened += 1;
                } else {
                    self.in_log(place, "body does not open its commitment");
                }
            }
            _ => self.in_log(place, "body is not octets"),
        }
    }

    fn is_erasing(&self, entry: EntryRef) -> bool {
        self.log
            .prepare_cached("SELECT 1 FROM erasing WHERE key = ?1")
            .and_then(|mut statement| statement.exists([entry.key()]))
            .unwrap_or(false)
    }

    /// A head against its note and against the tree that the entries give.
    fn head(&mut self, log: &LogIdentity, head: &Head, grown: &Grown) {
        let place = format!("head {}", log.name);
        match Checkpoint::open(head.note.as_bytes(), &log.verifier) {
            Err(error) => self.in_log(place.clone(), format!("note: {error}")),
            Ok(checkpoint) if checkpoint.size != head.size || checkpoint.root != head.root => {
                self.in_log(place.clone(), "note: says another size or root");
            }
            // Others may have more signatures under it.
            Ok(_) if log.id >= FOLLOWED_MIN => {}
            Ok(checkpoint) => {
                // Ours have one spelling: no extension lines, one signature.
                let again = format!("{}\n", checkpoint.text());
                if !head.note.starts_with(&again) || head.note.lines().count() != 5 {
                    self.in_log(place.clone(), "note: is not spelt as we spell it");
                }
            }
        }
        if grown.broken || log.id >= FOLLOWED_MIN {
            return;
        }
        for (level, tile) in grown.edge.partial() {
            self.tile(log, level, tile.n, &tile.hashes);
        }
        if grown.range.size() != head.size || grown.range.root() != head.root {
            self.in_log(place.clone(), "size or root do not follow from the entries");
        }
        if grown.range != head.range {
            self.in_log(place.clone(), "range does not follow from the entries");
        }
        if grown.edge.root() != head.root {
            self.in_log(place, "root does not follow from the tiles");
        }
    }

    /// A log of somebody else: the leaves under its head give the root that is signed, and all of
    /// them the range that is staged.
    fn follow(&mut self, log: &LogIdentity, head: Option<&Head>, grown: &Grown) {
        let place = format!("follow {}", log.name);
        if grown.broken {
            return;
        }
        let at_head = match head {
            Some(head) if head.size == grown.range.size() => Some(&grown.range),
            Some(_) => grown.at_head.as_ref(),
            None => None,
        };
        if let Some(head) = head
            && at_head.is_none_or(|range| range.root() != head.root || *range != head.range)
        {
            let place = format!("head {}", log.name);
            self.in_log(place, "size, root or range do not follow from the leaves");
        }
        match read_follow(self.log, log.id) {
            Err(error) => self.in_log(place, error.to_string()),
            Ok(None) if grown.range.size() == 0 => {}
            Ok(None) => self.in_log(place, "there is none"),
            Ok(Some(follow)) if follow.staged != grown.range => {
                self.in_log(place, "the staged range does not follow from the leaves");
            }
            Ok(Some(follow)) if follow.scanned > head.map_or(0, |head| head.size) => {
                self.in_log(place, "more was asked for than is verified");
            }
            Ok(Some(_)) => {}
        }
    }

    /// Keys without entries, and the secret of this store.
    pub(super) fn orphans(&mut self) {
        let (log, keys) = (self.log, self.keys);
        self.rows(keys, KEYS.file, "key", "SELECT key FROM key ORDER BY key", &mut |check, row| {
            let key: i64 = row.get(0)?;
            let entry = EntryRef::from_key(key);
            let known = entry.filter(|entry| check.logs.iter().any(|log| log.id == entry.log));
            let Some(entry) = known else {
                check.in_keys(format!("key {key}"), "the key of a log that does not exist");
                return Ok(());
            };
            let exists = log
                .prepare_cached("SELECT 1 FROM entry WHERE key = ?1")
                .and_then(|mut statement| statement.exists([key]));
            let above = read_head(log, entry.log)
                .ok()
                .flatten()
                .is_some_and(|head| entry.index >= head.size);
            if !exists.unwrap_or(true) && !above {
                let place = format!("key {}", check.place(entry));
                check.in_keys(place, "the key of an entry that does not exist");
            }
            Ok(())
        });
    }
}
