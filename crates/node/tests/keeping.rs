//! What is kept, how long, and what comes back: backups, logs that were put back, records whose
//! time is over.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use comity_node::quota::Amount;
use comity_node::restore::restore;
use comity_node::resume::{Names, resume};
use comity_node::submit::{Outcome, Terms};
use comity_node::{Access, Directory, Node, NodeError};
use comity_tlog::{EntryRef, Reader};
use comity_wire::entry::Log;
use comity_wire::taxii::filter::{Query, Versions};
use world::{DAY, NOW, World, tool, verified};

fn refused(world: &World) -> String {
    match world.open() {
        Ok(_) => panic!("it opens"),
        Err(error) => error.to_string(),
    }
}

fn put(node: &Node, number: u32) {
    let collection = node.collections().remove(0);
    let (by, object) = (node.local_operator(), tool(number));
    let verdicts =
        node.submit(&by, &collection, &[object.as_bytes()], Terms::default(), node.now()).unwrap();
    assert!(matches!(verdicts[0].outcome, Outcome::Stored(_) | Outcome::Known));
}

fn sizes(root: &Path) -> Vec<u64> {
    let reader = Reader::open(root).unwrap();
    Log::ALL.iter().map(|log| reader.head(log.id()).unwrap().unwrap().size).collect()
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Backups while somebody writes, one after the other: each is whole, and of one moment.
#[test]
fn a_backup_under_load_restores_to_what_its_manifest_says() {
    let world = World::new();
    let node = world.make();
    let stop = AtomicBool::new(false);
    let written = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100_000 {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                put(&node, number);
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        for round in 0..4u64 {
            while written.load(Ordering::SeqCst) < round * 15 {
                std::thread::yield_now();
            }
            let (to, keys) = (world.path(&format!("b{round}")), world.path(&format!("k{round}")));
            let mut last = (0, 0);
            let manifest =
                node.backup(&to, Some(&keys), &mut |done, total| last = (done, total)).unwrap();
            assert_eq!(manifest.party, "cert.example");
            assert!(last.0 > 0 && last.0 == last.1, "{last:?}");
        }
        stop.store(true, Ordering::SeqCst);
    });
    node.close();
    drop(node);
    let mut before = 0;
    for round in 0..4 {
        let directory = Directory::new(world.path(&format!("r{round}")));
        let keys = world.path(&format!("k{round}"));
        let restored = restore(
            &world.path(&format!("b{round}")),
            Some(&keys),
            &directory,
            &world.surroundings,
        )
        .unwrap();
        let report = verified(&directory);
        assert_eq!(report.faults, Vec::<String>::new());
        assert_eq!(report.keyless, 0);
        let said: Vec<u64> = restored.manifest.logs.iter().map(|log| log.size).collect();
        assert_eq!(sizes(directory.root()), said);
        assert!(said[2] >= before && said[2] >= round * 15, "{said:?}");
        before = said[2];
    }
}

#[test]
fn what_is_withdrawn_is_in_no_later_backup_and_opens_in_no_earlier_one() {
    let world = World::new();
    let node = world.make();
    put(&node, 1);
    put(&node, 2);
    let dek = |path: &Path| -> Vec<Vec<u8>> {
        let keys = rusqlite::Connection::open(path.join("keys.db")).unwrap();
        let mut rows = keys.prepare("SELECT dek FROM key ORDER BY key").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    node.backup(&world.path("early"), None, &mut |_, _| {}).unwrap();
    let before = dek(node.directory().root());
    let collection = node.collections().remove(0);
    let reader = comity_view::Reader::new(
        0,
        comity_view::Rights::of(&[comity_view::Right::Read]),
        None,
        comity_wire::time::Micros(NOW),
    );
    let readable = reader.readable(collection.number, true).unwrap();
    let page = node.page(readable, &Query::default(), 1).unwrap();
    let position = page.rows[0].position;
    let entry = EntryRef { log: position.log, index: position.index };
    let sealed: Vec<u8> = rusqlite::Connection::open(node.directory().root().join("log.db"))
        .unwrap()
        .query_row("SELECT body FROM entry WHERE key = ?1", [entry.key()], |row| row.get(0))
        .unwrap();
    let by = node.local_operator();
    let removed = node.remove(&by, &collection, vec![position], NOW).unwrap();
    assert_eq!(removed.withdrawn, 1);
    let (late, keys) = (world.path("late"), world.path("late keys"));
    node.backup(&late, Some(&keys), &mut |_, _| {}).unwrap();
    let after = dek(&keys);
    let gone: Vec<&Vec<u8>> = before.iter().filter(|key| !after.contains(key)).collect();
    assert_eq!(gone.len(), 1);
    let holds = |path: &Path, octets: &[u8]| {
        std::fs::read(path).unwrap().windows(octets.len()).any(|found| found == octets)
    };
    assert!(holds(&world.path("early").join("log.db"), &sealed[..64]));
    for file in [late.join("log.db"), late.join("local.db"), keys.join("keys.db")] {
        assert!(!holds(&file, &sealed[..64]), "{}", file.display());
        assert!(!holds(&file, gone[0]), "{}", file.display());
    }
    node.close();
    drop(node);
    // The early log with the keys that there are now.
    let mixed = Directory::new(world.path("mixed"));
    restore(&world.path("early"), Some(&keys), &mixed, &world.surroundings).unwrap();
    let reader = Reader::open(mixed.root()).unwrap();
    assert!(reader.open_entry(entry).unwrap().is_none());
    let other = EntryRef { log: entry.log, index: entry.index + 1 };
    assert!(reader.open_entry(other).unwrap().is_some());
    drop(reader);
    assert_eq!(verified(&mixed).keyless, 1);
}

#[test]
fn a_backup_goes_to_a_place_of_its_own() {
    let world = World::new();
    let node = world.make();
    let fails = |to: &Path, keys: Option<&Path>, with: &str| {
        let told = node.backup(to, keys, &mut |_, _| {}).unwrap_err().to_string();
        assert!(told.contains(with), "{told}");
    };
    fails(&world.path("node/backup"), None, "is inside");
    fails(&world.path("b"), Some(&world.path("b/keys")), "No such file");
    std::fs::create_dir(world.path("b")).unwrap();
    fails(&world.path("b"), Some(&world.path("b/keys")), "is inside");
    fails(&world.path("b"), Some(&world.path("b")), "is inside");
    std::fs::write(world.path("b/x"), "x").unwrap();
    fails(&world.path("b"), None, "is not empty");
    std::fs::create_dir(world.path("c.part")).unwrap();
    fails(&world.path("c"), None, "rm -r");
    std::fs::create_dir(world.path("d")).unwrap();
    node.backup(&world.path("d"), Some(&world.path("e")), &mut |_, _| {}).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    for (path, mode) in
        [("d", 0o700), ("e", 0o700), ("e/keys", 0o700), ("e/keys.db", 0o600), ("d/log.db", 0o600)]
    {
        let found = std::fs::metadata(world.path(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    let mut names: Vec<_> = std::fs::read_dir(world.path("d"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = ["charter.toml", "config.toml", "local.db", "log.db", "manifest.json"];
    assert_eq!(names, expected);
}

#[test]
fn a_backup_that_changed_is_not_restored() {
    let world = World::new();
    let node = world.make();
    put(&node, 1);
    node.backup(&world.path("b"), None, &mut |_, _| {}).unwrap();
    let directory = Directory::new(world.path("r"));
    let file = world.path("b/log.db");
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    let told =
        restore(&world.path("b"), None, &directory, &world.surroundings).unwrap_err().to_string();
    assert!(told.contains("not what its manifest says"), "{told}");
    assert!(!directory.root().exists());
    std::fs::write(&file, &whole).unwrap();
    let manifest = world.path("b/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let told =
        restore(&world.path("b"), None, &directory, &world.surroundings).unwrap_err().to_string();
    assert!(told.contains("has format 2, this program reads 1"), "{told}");
    std::fs::write(&manifest, &text).unwrap();
    restore(&world.path("b"), None, &directory, &world.surroundings).unwrap();
    let told =
        restore(&world.path("b"), None, &directory, &world.surroundings).unwrap_err().to_string();
    assert!(told.contains("is not empty"), "{told}");
}

/// The heads of every log that a node ever showed: none contradicts another of its name.
#[derive(Default)]
struct Seen(std::collections::BTreeMap<(String, u64), [u8; 32]>);

impl Seen {
    fn look(&mut self, root: &Path) {
        let reader = Reader::open(root).unwrap();
        for log in Log::ALL {
            let head = reader.head(log.id()).unwrap().unwrap();
            let origin = head.note.lines().next().unwrap().to_owned();
            let before = *self.0.entry((origin, head.size)).or_insert(head.root.0);
            assert_eq!(before, head.root.0, "two roots for {}", head.note);
        }
    }
}

#[test]
fn logs_that_were_put_back_do_not_sign_and_go_on_under_new_names() {
    let world = World::new();
    let root = world.directory().root().to_owned();
    let mut seen = Seen::default();
    let node = world.make();
    put(&node, 1);
    node.close();
    drop(node);
    copy_tree(&root, &world.path("old"));
    let node = world.open().unwrap();
    for number in 2..6 {
        put(&node, number);
        seen.look(&root);
    }
    node.close();
    drop(node);
    copy_tree(&root, &world.path("new"));
    let put_back = |from: &str| {
        for name in ["log.db", "log.db-wal", "log.db-shm"] {
            let _ = std::fs::remove_file(root.join(name));
            let _ = std::fs::copy(world.path(from).join(name), root.join(name));
        }
    };
    put_back("old");
    let told = refused(&world);
    assert!(told.contains("log `private` has 1 entries here and signed 5 before"), "{told}");
    assert!(told.contains("comity resume "), "{told}");
    let report = verified(&world.directory());
    assert!(report.faults.iter().any(|fault| fault.contains("signed 5 before")), "{report:?}");
    // The newest one put back: all is as it was, and there is nothing to resume.
    put_back("new");
    world.open().unwrap().close();
    let nothing = resume(&world.directory(), Names::NewWhereNeeded, &world.surroundings)
        .unwrap_err()
        .to_string();
    assert!(nothing.contains("nothing to resume"), "{nothing}");
    put_back("old");
    let same =
        resume(&world.directory(), Names::Same, &world.surroundings).unwrap_err().to_string();
    assert!(same.contains("would fork"), "{same}");
    let continued = resume(&world.directory(), Names::NewWhereNeeded, &world.surroundings).unwrap();
    let of: Vec<(&str, &str, u64, Option<u64>)> = continued
        .iter()
        .map(|one| (one.log.as_str(), one.origin.as_str(), one.size, one.signed))
        .collect();
    assert_eq!(of, [("private", "cert.example/private/2", 1, Some(5))]);
    let node = world.open().unwrap();
    for number in 2..8 {
        put(&node, number);
        seen.look(&root);
    }
    // What was done is an entry of `acts`.
    let reader = Reader::open(&root).unwrap();
    let size = reader.head(Log::Acts.id()).unwrap().unwrap().size;
    let last = EntryRef { log: Log::Acts.id(), index: size - 1 };
    let said = String::from_utf8(reader.open_entry(last).unwrap().unwrap()).unwrap();
    for part in [r#""continues":[{"#, "cert.example/private/2", r#""signed":5"#, "command-line"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    drop(reader);
    node.close();
    drop(node);
    assert_eq!(verified(&world.directory()).faults, Vec::<String>::new());
    // Once more, and the names count up.
    put_back("old");
    let told = refused(&world);
    assert!(told.contains("log `private` has 1 entries here and signed 7 before"), "{told}");
    let again = resume(&world.directory(), Names::NewWhereNeeded, &world.surroundings).unwrap();
    assert_eq!(again.len(), 2, "`acts` is behind, too: {again:?}");
    let (from, origin) = ("cert.example/private", "cert.example/private/3");
    let private = again.iter().find(|one| one.log == "private").unwrap();
    assert_eq!((private.from.as_str(), private.origin.as_str()), (from, origin));
    let node = world.open().unwrap();
    put(&node, 2);
    seen.look(&root);
    node.close();
    drop(node);
    assert_eq!(verified(&world.directory()).faults, Vec::<String>::new());
}

#[test]
fn a_restored_backup_waits_for_a_decision() {
    let world = World::new();
    let node = world.make();
    put(&node, 1);
    node.backup(&world.path("b"), Some(&world.path("k")), &mut |_, _| {}).unwrap();
    put(&node, 2);
    node.close();
    drop(node);
    let restored = |name: &str, keys: bool| {
        let directory = Directory::new(world.path(name));
        let keys = keys.then(|| world.path("k"));
        restore(&world.path("b"), keys.as_deref(), &directory, &world.surroundings).unwrap();
        directory
    };
    let opens = |directory: &Directory| Node::open(directory.clone(), world.surroundings.clone());
    // With its keys, under the same names: somebody knows that nothing was signed since.
    let same = restored("same", true);
    let told = opens(&same).err().unwrap().to_string();
    assert!(told.contains("restored from a backup of") && told.contains("--same-names"), "{told}");
    let continued = resume(&same, Names::Same, &world.surroundings).unwrap();
    assert!(continued.iter().all(|one| one.origin == one.from) && continued.len() == 4);
    let node = opens(&same).unwrap();
    put(&node, 3);
    node.close();
    drop(node);
    assert_eq!(verified(&same).faults, Vec::<String>::new());
    // Without keys: everything under new names, and what is there does not open.
    let bare = restored("bare", false);
    assert!(!bare.root().join("keys/private.key").exists());
    let report = verified(&bare);
    assert!(report.keyless > 0 && report.keyless == report.faults.len() as u64, "{report:?}");
    let same = resume(&bare, Names::Same, &world.surroundings).unwrap_err().to_string();
    assert!(same.contains("is not here") && same.contains("`--same-names`"), "{same}");
    assert!(bare.root().join("restored.json").exists(), "nothing was decided by it");
    resume(&bare, Names::NewWhereNeeded, &world.surroundings).unwrap();
    let node = opens(&bare).unwrap();
    put(&node, 1);
    assert!(node.checkpoint(Log::Private).unwrap().starts_with("cert.example/private/2\n"));
    node.close();
    drop(node);
    let after = verified(&bare);
    assert_eq!(after.keyless, report.keyless);
    assert_eq!(after.faults.len() as u64, after.keyless, "{after:?}");
}

/// Where a log was forked nothing is missing here, and no name of before can be signed under again.
#[test]
fn a_node_goes_on_under_new_names_where_somebody_says_so() {
    let world = World::new();
    let node = world.make();
    put(&node, 1);
    node.close();
    drop(node);
    let nothing = resume(&world.directory(), Names::NewWhereNeeded, &world.surroundings);
    assert!(nothing.unwrap_err().to_string().contains("--new-names"));
    let continued = resume(&world.directory(), Names::New, &world.surroundings).unwrap();
    assert!(continued.len() == 4 && continued.iter().all(|one| one.origin != one.from));
    let node = world.open().unwrap();
    put(&node, 2);
    assert!(node.checkpoint(Log::Private).unwrap().starts_with("cert.example/private/2\n"));
    node.close();
    drop(node);
    assert_eq!(verified(&world.directory()).faults, Vec::<String>::new());
}

/// A resumption that is cut off at any of its steps is finished by the next call, and no node
/// opens in between.
#[test]
fn a_resumption_may_stop_anywhere() {
    let world = World::new();
    let node = world.make();
    put(&node, 1);
    node.backup(&world.path("b"), Some(&world.path("k")), &mut |_, _| {}).unwrap();
    node.close();
    drop(node);
    let directory = Directory::new(world.path("whole"));
    restore(&world.path("b"), Some(&world.path("k")), &directory, &world.surroundings).unwrap();
    copy_tree(directory.root(), &world.path("before"));
    resume(&directory, Names::NewWhereNeeded, &world.surroundings).unwrap();
    // Stopped: with one new key; with all of them and nothing signed; with heads signed anew, and
    // one key file renamed.
    for (begun, renamed) in [(1, 0), (4, 0), (4, 1)] {
        let name = format!("cut {begun} {renamed}");
        copy_tree(&world.path("before"), &world.path(&name));
        let cut = Directory::new(world.path(&name));
        let done = directory.root().join("keys");
        let keys = cut.root().join("keys");
        for (at, log) in Log::ALL.iter().enumerate().take(begun) {
            let target = if at < renamed { "key" } else { "key.next" };
            let (from, to) = (format!("{}.key", log.name()), format!("{}.{target}", log.name()));
            std::fs::copy(done.join(from), keys.join(to)).unwrap();
        }
        let heads = directory.root().join("log.db");
        if renamed > 0 {
            // That of `acts` has gone on in the whole one; it is still signed under its old name.
            let from = rusqlite::Connection::open(heads).unwrap();
            let to = rusqlite::Connection::open(cut.root().join("log.db")).unwrap();
            for log in [0u8, 2, 3] {
                let note: String = from
                    .query_row("SELECT note FROM head WHERE log = ?1", [log], |row| row.get(0))
                    .unwrap();
                to.execute("UPDATE head SET note = ?2 WHERE log = ?1", (log, note)).unwrap();
            }
        }
        let said: Vec<_> = Log::ALL
            .iter()
            .map(|log| {
                let (log, from) = (log.name(), format!("cert.example/{}", log.name()));
                let origin = format!("{from}/2");
                serde_json::json!({ "log": log, "from": from, "origin": origin, "size": 0, "root": "" })
            })
            .collect();
        std::fs::write(cut.root().join("resumed.json"), serde_json::to_vec(&said).unwrap())
            .unwrap();
        let told = Node::open(cut.clone(), world.surroundings.clone()).err().unwrap().to_string();
        assert!(told.contains("was cut off"), "{told}");
        resume(&cut, Names::NewWhereNeeded, &world.surroundings).unwrap();
        let node = Node::open(cut.clone(), world.surroundings.clone()).unwrap();
        put(&node, 2);
        for log in Log::ALL {
            let origin = format!("cert.example/{}/2\n", log.name());
            assert!(node.checkpoint(log).unwrap().starts_with(&origin));
        }
        node.close();
        drop(node);
        assert_eq!(verified(&cut).faults, Vec::<String>::new());
    }
}

fn wait(what: &str, mut look: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if look() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}

#[test]
fn what_expires_gives_its_collection_space_back() {
    let world = World::new();
    let node = world.make();
    let desk = node.collections().remove(0);
    node.collection_quota(&desk, Amount { objects: 2, octets: 0 }).unwrap();
    put(&node, 1);
    put(&node, 2);
    let (by, object) = (node.local_operator(), tool(3));
    let add = || node.submit(&by, &desk, &[object.as_bytes()], Terms::default(), node.now());
    assert!(matches!(add(), Err(NodeError::Quota(_))));
    let used = || node.collection_use(&desk).unwrap().used;
    assert_eq!(used().objects, 2);
    world.clock.store(NOW + 1097 * DAY, Ordering::SeqCst);
    wait("what has expired", || used() == Amount::default());
    assert!(matches!(add().unwrap()[0].outcome, Outcome::Stored(_)));
    assert_eq!(used().objects, 1);
}

#[test]
fn records_of_accesses_are_erased_when_their_time_is_over() {
    let world = World::new();
    let node = world.make();
    let root = node.directory().root().to_owned();
    let audit = Log::Audit.id();
    let access = |caller: &str| Access {
        at: node.now(),
        caller: caller.to_owned(),
        role: "analyst".to_owned(),
        action: "objects",
        collection: None,
        question: String::new(),
        purpose: None,
        first: None,
        last: None,
        count: 1,
    };
    let reader = Reader::open(&root).unwrap();
    let size = || reader.head(audit).unwrap().unwrap().size;
    let opens = |index| {
        let opened = reader.open_entry(EntryRef { log: audit, index }).unwrap();
        opened.map(|envelope| String::from_utf8(envelope).unwrap())
    };
    node.record(access("u-old")).unwrap();
    wait("the first record", || size() == 1);
    // A refusal of the same day: what is no STIX.
    let collection = node.collections().remove(0);
    let bundle = r#"{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[{"type":"tool"}]}"#;
    node.import(&node.local_operator(), &collection, bundle.as_bytes(), Terms::default(), |_| {})
        .unwrap();
    assert_eq!(node.refusals(10).unwrap().len(), 1);
    // A thousand days on, somebody reads again; nothing is erased, since 1095 are to be kept.
    world.clock.store(NOW + 1000 * DAY, Ordering::SeqCst);
    node.record(access("u-new")).unwrap();
    wait("the second record", || size() == 2);
    assert!(opens(0).unwrap().contains("u-old"));
    assert_eq!(node.refusals(10).unwrap().len(), 1);
    assert_eq!(node.retention().accesses_days, 1095);
    // The day after the last one.
    world.clock.store(NOW + 1097 * DAY, Ordering::SeqCst);
    wait("the erasure", || opens(0).is_none());
    assert!(opens(1).unwrap().contains("u-new"));
    wait("the entry that says so", || size() == 3);
    assert!(opens(2).unwrap().contains(r#"{"erased":{"from":0,"to":1}}"#));
    wait("the ledger", || node.refusals(10).unwrap().is_empty());
    drop(reader);
    node.close();
    drop(node);
    // The leaf stays, and every proof.
    let report = verified(&world.directory());
    assert_eq!(report.faults, Vec::<String>::new());
    assert!(report.checked[0].contains("1 erased"), "{:?}", report.checked);
}

/// When the directories of releases are looked at: what they hold has not expired then.
const RELEASED: i64 = 1_795_737_600_000_000;

/// A directory as each release wrote it: what was in it is in it, and it goes on.
#[test]
fn the_directory_of_every_release_is_as_it_was_and_goes_on() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/releases");
    let mut releases = 0;
    for release in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        releases += 1;
        let world = World::new();
        world.clock.store(RELEASED, Ordering::SeqCst);
        let unpacked = std::process::Command::new("tar")
            .args(["--extract", "--gzip", "--no-same-owner", "--file"])
            .arg(release.join("node.tar.gz"))
            .arg("--directory")
            .arg(world.path(""))
            .status();
        assert!(unpacked.unwrap().success());
        // `43 entries, 41 opened, 2 erased, 3 tiles, 39 arrivals`, as that release counted.
        let told = std::fs::read_to_string(release.join("verify.txt")).unwrap();
        let line = told.lines().next().unwrap();
        let numbers = line.split(|one: char| !one.is_ascii_digit()).filter(|part| !part.is_empty());
        let counts: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        let (erased, arrivals) = (counts[2], counts[4]);
        let node = world.open().unwrap();
        let objects = || {
            let reader = comity_view::Reader::new(
                0,
                comity_view::Rights::of(&[comity_view::Right::Read]),
                None,
                comity_wire::time::Micros(RELEASED),
            );
            let readable = reader.readable(node.collections()[0].number, true).unwrap();
            let query = Query { versions: Versions::All, ..Query::default() };
            let page = node.page(readable, &query, 1000).unwrap();
            let mut opened = 0;
            node.objects(&page.rows, |_| {
                opened += 1;
                true
            })
            .unwrap();
            assert_eq!(opened, page.rows.len());
            opened
        };
        // Each that was withdrawn came and left.
        assert_eq!(objects(), arrivals - 2 * erased);
        assert_eq!(node.refusals(10).unwrap().len(), 1);
        assert_eq!(node.users().unwrap().len(), 2);
        put(&node, 77);
        assert_eq!(objects(), arrivals - 2 * erased + 1);
        node.close();
        drop(node);
        let report = verified(&world.directory());
        assert_eq!(report.faults, Vec::<String>::new());
        let said = format!("{} entries, {} opened, {erased} erased", counts[0] + 1, counts[1] + 1);
        assert!(report.checked[0].contains(&said), "{:?}", report.checked);
    }
    assert!(releases > 0);
}
