//! Many at once: what is shared while its private entry goes, what is granted while it is taken back.
//! Whatever comes first, no copy outlives what it is a copy of, and everybody who could open an
//! entry that is gone is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use comity_charter::Tlp;
use comity_node::NodeError;
use comity_tlog::{EntryRef, Reader};
use comity_wire::entry::{Kind, Log};
use comity_wire::taxii::filter::{Query, Versions};

use crate::body::{Body, SERVED, id, tool};

/// Objects that all threads are at.
const OBJECTS: u32 = 6;

/// What each thread does.
const TURNS: u32 = 60;

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
        for releasing in [false, true] {
            let collection = if releasing { &wide } else { &one.desk };
            scope.spawn(move || {
                for turn in 0..TURNS * 2 {
                    one.post(collection, &tool(turn % OBJECTS, None));
                }
            });
            scope.spawn(move || {
                for turn in 0..TURNS {
                    let node = one.node();
                    let uuid = comity_wire::id::Id::parse(&id(turn * 5 % OBJECTS)).unwrap().uuid;
                    let ids = Some(vec![("tool".to_owned(), uuid)]);
                    let query = Query { ids, versions: Versions::All, ..Query::default() };
                    let page = node.page(one.readable(collection), &query, 10).unwrap();
                    let positions = page.rows.into_iter().map(|row| row.position).collect();
                    node.remove(&one.releaser, collection, positions, node.now()).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for turn in 0..TURNS {
                let ids = [id(turn % OBJECTS)];
                let rule = ["party:beta.example", "tier:observer"][turn as usize % 2];
                assert!(one.share(&ids, rule, None).err().as_ref().is_none_or(lost));
                assert!(one.grant(&ids, "all").err().as_ref().is_none_or(lost));
            }
            done.store(1, Ordering::SeqCst);
        });
        scope.spawn(|| {
            while done.load(Ordering::SeqCst) == 0 {
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
