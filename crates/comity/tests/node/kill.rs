//! Killed under load, again and again: what was acknowledged is there, and no log ever says two
//! things about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use comity_tlog::merkle::Range;
use comity_tlog::tile::{TILE_WIDTH, TileKind, TilePath, parse_bundle};
use comity_tlog::{Checkpoint, Hash, Verifier};

use super::harness::{Place, Served, wait_for};
use super::http::{Client, TAXII};
use super::sample::{envelope, id, long, tool};

/// How often the node is killed.
const KILLS: usize = 15;

/// Who writes at the same time.
const WRITERS: u64 = 3;

/// Logs that the analyst sees, and the one that the reviewer does.
const LOGS: [(&str, &str); 4] =
    [("shared", "desk"), ("acts", "desk"), ("private", "desk"), ("audit", "reviewer")];

/// What the node said to somebody, over all its lives.
#[derive(Default)]
struct Said {
    /// Objects that it acknowledged.
    acknowledged: Mutex<BTreeSet<String>>,
    /// Objects whose deletion it acknowledged.
    deleted: Mutex<BTreeSet<String>>,
    /// The next number of an object.
    next: Mutex<u64>,
    /// For each log, the root of each size that it signed.
    signed: Mutex<BTreeMap<String, BTreeMap<u64, Hash>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Said {
    fn count(&self) -> usize {
        lock(&self.acknowledged).len()
    }

    /// New numbers, never given before: what was not acknowledged may be there or not.
    fn numbers(&self, count: u64) -> std::ops::Range<u64> {
        let mut next = lock(&self.next);
        let first = *next;
        *next += count;
        first..first + count
    }

    /// Remembers a signed checkpoint. Its size is not below any that was seen before, and its
    /// root the one that was seen for this size.
    fn checkpoint(&self, log: &str, note: &[u8], verifier: &Verifier) -> Checkpoint {
        let checkpoint = Checkpoint::open(note, verifier).unwrap();
        let mut signed = lock(&self.signed);
        let known = signed.entry(log.to_owned()).or_default();
        let before = known.insert(checkpoint.size, checkpoint.root);
        assert!(
            before.is_none_or(|root| root == checkpoint.root),
            "{log}: two roots of size {}",
            checkpoint.size
        );
        checkpoint
    }
}

/// Posts and deletes until the node is gone. Every seventh envelope is large, every eleventh
/// object long.
fn write(said: &Said, client: &Client) {
    for round in 0.. {
        let numbers = said.numbers(if round % 7 == 3 { 80 } else { 1 + round % 4 });
        let object = |number: u64| {
            if number.is_multiple_of(11) { long(number, 40_000) } else { tool(number, "kept") }
        };
        let objects: Vec<String> = numbers.clone().map(object).collect();
        let Some(reply) = client.try_add("desk", envelope(&objects).as_bytes()) else {
            return;
        };
        let status = reply.is(202).json();
        assert_eq!(status["failure_count"], 0, "{status:#}");
        lock(&said.acknowledged).extend(numbers.clone().map(id));
        if round % 6 == 5 {
            let gone = id(numbers.start);
            // From here on it may be there or not, until the answer.
            lock(&said.acknowledged).remove(&gone);
            let path = format!("/taxii2/comity/collections/desk/objects/{gone}/");
            let Some(reply) = client.try_send("DELETE", &path, &[("Accept", TAXII)], &[]) else {
                return;
            };
            reply.is(200);
            lock(&said.deleted).insert(gone);
        }
    }
}

/// Reads checkpoints and objects until the node is gone; sizes never fall while it looks.
fn read(said: &Said, served: &Served, verifiers: &BTreeMap<&str, Verifier>, stop: &AtomicBool) {
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        for (log, user) in LOGS {
            let path = format!("/log/{log}/checkpoint");
            let Some(reply) = served.ask(user).try_send("GET", &path, &[], &[]) else {
                return;
            };
            let size = said.checkpoint(log, &reply.is(200).body, &verifiers[log]).size;
            let before = sizes.insert(log, size).unwrap_or(0);
            assert!(before <= size, "{log}: {before}, then {size}");
        }
        let page = "/taxii2/comity/collections/desk/manifest/?limit=20";
        let headers = [("Accept", TAXII)];
        if served.ask("desk").try_send("GET", page, &headers, &[]).is_none() {
            return;
        }
    }
}

/// All that the collection holds, page by page.
fn manifest(client: &Client) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = String::new();
    loop {
        let path = format!("/taxii2/comity/collections/desk/manifest/?limit=5000{next}");
        let page = client.get(&path).is(200);
        let id = |one: &serde_json::Value| one["id"].as_str().unwrap().to_owned();
        found.extend(page.objects().iter().map(id));
        match page.json()["next"].as_str() {
            Some(token) => next = format!("&next={token}"),
            None => return found,
        }
    }
}

/// Recomputes the roots of every size that was ever signed from the entries that are served.
fn no_log_forked(said: &Said, served: &Served, verifiers: &BTreeMap<&str, Verifier>) {
    for (log, user) in LOGS {
        let client = served.ask(user);
        let note = client.get(&format!("/log/{log}/checkpoint")).is(200).body;
        let now = said.checkpoint(log, &note, &verifiers[log]);
        let signed = lock(&said.signed)[log].clone();
        let last = *signed.keys().next_back().unwrap();
        assert_eq!(last, now.size, "{log}: a larger tree was signed before");
        let mut range = Range::default();
        let mut checked = 0;
        let width = u64::from(TILE_WIDTH);
        for n in 0..now.size.div_ceil(width) {
            let here = (now.size - n * width).min(width);
            let path = TilePath { kind: TileKind::Entries, n, width: u16::try_from(here).unwrap() };
            let bundle = client.get(&format!("/log/{log}/{path}")).is(200).body;
            for commitment in parse_bundle(&bundle).unwrap() {
                range.push(commitment.leaf_hash());
                if let Some(root) = signed.get(&range.size()) {
                    assert_eq!(*root, range.root(), "{log} forked at {}", range.size());
                    checked += 1;
                }
            }
        }
        assert_eq!(range.size(), now.size);
        let empty = usize::from(signed.contains_key(&0));
        assert_eq!(checked + empty, signed.len(), "{log}");
    }
}

fn verifiers(served: &Served) -> BTreeMap<&'static str, Verifier> {
    LOGS.into_iter()
        .map(|(log, user)| {
            let text = served.ask(user).get(&format!("/log/{log}/vkey")).is(200);
            (log, Verifier::parse(text.text().trim()).unwrap())
        })
        .collect()
}

/// Kills the node however a life ends, so that those who ask it end, too.
struct End<'a>(&'a Served, &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.kill_now();
        self.1.store(true, Ordering::Relaxed);
    }
}

/// One life: writers and a reader, until the node has acknowledged so much more and is killed.
fn live_and_die(
    said: &Said,
    served: &Served,
    verifiers: &BTreeMap<&str, Verifier>,
    more: usize,
    look: bool,
    place: &Place,
) {
    let wanted = said.count() + more;
    let stop = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let _end = End(served, &stop);
        for _ in 0..WRITERS {
            let client = served.ask("desk");
            scope.spawn(move || write(said, &client));
        }
        let polls = scope.spawn(|| read(said, served, verifiers, &stop));
        wait_for("acknowledgements", || {
            (said.count() >= wanted || polls.is_finished()).then_some(())
        });
        look.then(|| place.run(&["verify", "DIR"]))
    });
    if let Some(ran) = seen {
        ran.exits(0);
    }
}

/// What was acknowledged, against what is there.
fn nothing_lost(said: &Said, served: &Served) -> usize {
    let there = manifest(&served.ask("desk"));
    let lost: Vec<String> = lock(&said.acknowledged).difference(&there).cloned().collect();
    assert!(lost.is_empty(), "{lost:?}");
    let back: Vec<String> = lock(&said.deleted).intersection(&there).cloned().collect();
    assert!(back.is_empty(), "deleted, and there again: {back:?}");
    there.len()
}

#[test]
fn what_was_acknowledged_survives_and_no_log_forks() {
    let place = Place::with_desk();
    place.user("reviewer", "reviewer");
    let said = Said::default();
    let first = place.serve();
    let keys = verifiers(&first);
    first.stop();
    for round in 0..KILLS {
        let served = place.serve();
        nothing_lost(&said, &served);
        no_log_forked(&said, &served, &keys);
        let more = [1, 40, 5, 120, 15][round % 5];
        // Once in a while somebody verifies while everybody writes.
        live_and_die(&said, &served, &keys, more, round % 5 == 3, &place);
        // As it was left, without a start that repairs.
        place.run(&["verify", "DIR"]).exits(0);
    }
    let served = place.serve();
    let there = nothing_lost(&said, &served);
    no_log_forked(&said, &served, &keys);
    served.stop();
    let kept = place.run(&["--json", "verify", "DIR"]).exits(0).json();
    std::fs::remove_file(place.path().join("view.db")).unwrap();
    place.run(&["collection", "list", "DIR"]).exits(0);
    let again = place.run(&["--json", "verify", "DIR"]).exits(0).json();
    assert!(kept["view_digest"].is_string(), "{kept:#}");
    assert_eq!(kept["view_digest"], again["view_digest"]);
    let deleted = lock(&said.deleted).len();
    println!("{KILLS} kills, {} acknowledged, {deleted} deleted, {there} there", said.count());
}
