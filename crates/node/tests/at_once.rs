//! Submissions from many threads at once: what is told is true when it is told, each version is
//! stored once, and the view is that of a fold from nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use comity_node::Node;
use comity_node::collection::{Collection, New};
use comity_node::submit::{Outcome, Terms, Verdict};
use comity_view::{Readable, Reader, Right, Rights};
use comity_wire::taxii::filter::{Query, Versions};
use comity_wire::time::Micros;
use world::{DAY, NOW, World, tool, verified};

const THREADS: u32 = 6;

fn submit(node: &Node, collection: &Collection, objects: &[String]) -> Vec<Verdict> {
    let octets: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
    let by = node.local_operator();
    node.submit(&by, collection, &octets, Terms::default(), node.now()).unwrap()
}

fn readable(node: &Node, collection: &Collection) -> Readable {
    let rights = Rights::of(&[Right::Read]);
    let reader = Reader::new(0, rights, None, Micros(node.now()));
    reader.readable(collection.number, true).unwrap()
}

/// Ids and versions that a collection shows now.
fn shown(node: &Node, collection: &Collection) -> Vec<(String, String)> {
    let query = Query { versions: Versions::All, ..Query::default() };
    let page = node.page(readable(node, collection), &query, 10_000).unwrap();
    let mut shown = Vec::new();
    node.records(&page.rows, |_, record| shown.push((record.id, record.version))).unwrap();
    shown
}

/// The same object with another version or another name.
fn changed(number: u32, version: u32, name: u32) -> String {
    tool(number)
        .replace("\"modified\":\"2020", &format!("\"modified\":\"{}", 2020 + version))
        .replace("EXERCISE", &format!("EXERCISE {name}"))
}

/// Every thread posts the same objects, in its own order, one version after the other, into one of
/// two collections: each version is new to exactly one of them, and each thread reads at once what
/// it was told of.
#[test]
fn the_same_objects_from_many_threads_are_stored_once_and_read_at_once() {
    const OBJECTS: u32 = 12;
    const VERSIONS: u32 = 3;
    let world = World::new();
    let node = world.make();
    node.collection_add(&New { title: "Other".to_owned(), ..New::default() }).unwrap();
    let stored = Mutex::new(BTreeMap::<(String, String), u32>::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (node, stored) = (&node, &stored);
            scope.spawn(move || {
                let collection = node.collections().remove((thread % 2) as usize);
                for version in 0..VERSIONS {
                    for number in (0..OBJECTS).step_by(3) {
                        let of = |at: u32| changed((number + at + thread) % OBJECTS, version, 0);
                        let verdicts = submit(node, &collection, &[of(0), of(1), of(2)]);
                        let shown = shown(node, &collection);
                        for Verdict { id, version, outcome } in verdicts {
                            let told = (id.unwrap(), version.unwrap());
                            assert!(shown.contains(&told), "{told:?} is not read");
                            match outcome {
                                Outcome::Stored(_) => {
                                    *stored.lock().unwrap().entry(told).or_default() += 1;
                                }
                                Outcome::Known => {}
                                other => panic!("{told:?}: {other:?}"),
                            }
                        }
                    }
                }
            });
        }
    });
    let stored = stored.into_inner().unwrap();
    assert_eq!(stored.len(), (OBJECTS * VERSIONS) as usize);
    assert!(stored.values().all(|times| *times == 1), "{stored:?}");
    for collection in node.collections() {
        let mut shown = shown(&node, &collection);
        shown.sort();
        assert!(shown.iter().eq(stored.keys()), "{shown:?}");
    }
    node.close();
    drop(node);
    assert_eq!(verified(&world.directory()).faults, Vec::<String>::new());
}

/// Other content under the same version, from every thread: the first is stored, all others are
/// told of the conflict.
#[test]
fn of_contradicting_contents_at_once_one_is_stored() {
    const ROUNDS: u32 = 20;
    let world = World::new();
    let node = world.make();
    let collection = node.collections().remove(0);
    let (stored, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (node, collection, stored, refused) = (&node, &collection, &stored, &refused);
            scope.spawn(move || {
                for number in 0..ROUNDS {
                    match &submit(node, collection, &[changed(number, 0, thread)])[0].outcome {
                        Outcome::Stored(_) => stored.fetch_add(1, Ordering::SeqCst),
                        Outcome::Refused(refusal) => {
                            assert_eq!(refusal.code.id, "version-conflict");
                            refused.fetch_add(1, Ordering::SeqCst)
                        }
                        other => panic!("{other:?}"),
                    };
                }
            });
        }
    });
    assert_eq!(stored.into_inner(), ROUNDS);
    assert_eq!(refused.into_inner(), ROUNDS * (THREADS - 1));
    assert_eq!(shown(&node, &collection).len(), ROUNDS as usize);
    node.close();
    drop(node);
    assert_eq!(verified(&world.directory()).faults, Vec::<String>::new());
}

/// What has expired is posted by all threads before any sweep came by: withdrawn once, stored once.
#[test]
fn what_has_expired_comes_again_once_from_many_threads() {
    let world = World::new();
    let node = world.make();
    let collection = node.collections().remove(0);
    let objects: Vec<String> = (0..20).map(tool).collect();
    submit(&node, &collection, &objects);
    let days = i64::from(collection.expires_days) + 1;
    world.clock.store(NOW + days * DAY, Ordering::SeqCst);
    let stored = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for verdict in submit(&node, &collection, &objects) {
                    if matches!(verdict.outcome, Outcome::Stored(_)) {
                        stored.fetch_add(1, Ordering::SeqCst);
                    }
                }
                assert_eq!(shown(&node, &collection).len(), 20);
            });
        }
    });
    assert_eq!(stored.into_inner(), 20);
    node.close();
    drop(node);
    let report = verified(&world.directory());
    assert_eq!(report.faults, Vec::<String>::new());
    assert!(report.checked.iter().any(|line| line.contains(" 20 erased")), "{:?}", report.checked);
}
