//! Many at once: what is shared while its private entry goes, what is granted while it is taken back.
//! Whatever comes first, no copy outlives what it is a copy of, and everybody who could open an
//! entry that is gone is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use comity_charter::Tlp;
use comity_node::NodeError;
use comity_node::share::Asked;
use comity_node::submit::Terms;
use comity_tlog::{EntryRef, Reader};
use comity_wire::entry::{Kind, Log};
use comity_wire::taxii::filter::{Query, Versions};

use crate::body::{Body, SERVED, id, tool};

/// Objects that all threads are at.
const OBJECTS: u32 = 4;

/// What each thread does.
const TURNS: u32 = 150;

/// Losing a race is no failure: the object was not there, or not any more.
fn lost(error: &NodeError) -> bool {
    matches!(error, NodeError::NoObject { .. })
}

#[test]
fn no_copy_outlives_what_it_is_a_copy_of() {
    let mut body = Body::new();
    let wide = body.releasing("Wide", "all", Tlp::Amber);
    // Who could open what at any time, as the threads see it: by index of the shared entry.
    let seen = std::sync::Mutex::new(BTreeMap::<u64, BTreeSet<&'static str>>::new());
    let (one, done) = (&body, AtomicU32::new(0));
    std::thread::scope(|scope| {
        // Those of the releasing collection are others: what two collections hold goes nowhere.
        for (collection, first) in [(&one.desk, 0), (&one.desk, 0), (&wide, OBJECTS)] {
            scope.spawn(move || {
                let numbers = first..first + OBJECTS;
                let objects: Vec<String> = numbers.map(|number| tool(number, None)).collect();
                let objects: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
                let node = one.node();
                for _ in 0..TURNS {
                    let terms = Terms::default();
                    node.submit(&one.releaser, collection, &objects, terms, node.now()).unwrap();
                }
            });
            scope.spawn(move || {
                for _ in 0..TURNS {
                    let node = one.node();
                    let query = Query { versions: Versions::All, ..Query::default() };
                    let page = node.page(one.readable(collection), &query, 10).unwrap();
                    let positions = page.rows.into_iter().map(|row| row.position).collect();
                    node.remove(&one.releaser, collection, positions, node.now()).unwrap();
                }
            });
        }
        for rule in ["party:beta.example", "tier:observer"] {
            let done = &done;
            scope.spawn(move || {
                for turn in 0..TURNS {
                    let (node, readable) = (one.node(), one.readable(&one.desk));
                    let asked = Asked { objects: None, rule, tlp: None, dry_run: false };
                    node.share(&one.releaser, readable, asked, node.now()).unwrap();
                    let granted = one.grant(&[id(turn % (2 * OBJECTS))], "all");
                    assert!(granted.err().as_ref().is_none_or(lost));
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        scope.spawn(|| {
            while done.load(Ordering::SeqCst) < 2 {
                for party in SERVED {
                    for got in one.served(party) {
                        if got.header.kind == Kind::Share {
                            seen.lock().unwrap().entry(got.index).or_default().insert(party);
                        }
                    }
                }
            }
        });
    });
    let reader = Reader::open(body.world.directory().root()).unwrap();
    let mut there = BTreeSet::new();
    let mut told: BTreeMap<u64, BTreeSet<&'static str>> = BTreeMap::new();
    for party in SERVED {
        let mut objects = BTreeSet::new();
        for got in body.served(party) {
            match got.header.kind {
                Kind::Share => {
                    assert!(objects.insert(crate::body::id_of(&got.payload)), "twice");
                    there.insert(got.index);
                    for of in &got.header.refs {
                        let entry = EntryRef { log: Log::Private.id(), index: of.index };
                        let open = reader.open_entry(entry).unwrap();
                        assert!(open.is_some(), "{party}: the private entry {} is gone", of.index);
                    }
                }
                Kind::Withdraw => {
                    for of in &got.header.refs {
                        told.entry(of.index).or_default().insert(party);
                    }
                }
                _ => {}
            }
        }
    }
    for (index, parties) in seen.into_inner().unwrap() {
        if !there.contains(&index) {
            let told = told.get(&index).cloned().unwrap_or_default();
            assert!(parties.is_subset(&told), "entry {index}: {parties:?}, told {told:?}");
        }
    }
    drop(reader);
    body.verify();
}
