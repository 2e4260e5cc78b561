//! Histories that nobody thought of, against a plain model: a party is served exactly what was
//! compiled or granted for it and stands, octets of anything else never, and the ledger is what the
//! logs fold to.

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::Tlp;
use comity_node::collection::Collection;
use comity_wire::taxii::filter::{Query, Versions};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::body::{Body, OTHERS, SERVED, id, id_of, tool};
use crate::world::verified;

/// How many histories are drawn; each is a node of its own.
const CASES: u32 = 12;

/// Steps of a history.
const STEPS: usize = 40;

/// Objects that things happen to.
const OBJECTS: u32 = 5;

/// Rules, and the parties with a node that they reach.
const RULES: [(&str, &[&str]); 5] = [
    ("all", &SERVED),
    ("tier:member", &["beta.example"]),
    ("party:gamma.example,delta.example", &["gamma.example", "delta.example"]),
    ("party:delta.example", &["delta.example"]),
    ("tier:observer", &["gamma.example"]),
];

#[derive(Debug, Clone)]
enum Step {
    /// Into the private collection, or the releasing one.
    Post {
        object: u32,
        releasing: bool,
    },
    Share {
        object: u32,
        rule: usize,
    },
    Grant {
        object: u32,
        rule: usize,
    },
    Delete {
        object: u32,
        releasing: bool,
    },
    Withdraw {
        object: u32,
        keep: bool,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let object = 0..OBJECTS;
    let rule = 0..RULES.len();
    prop_oneof![
        5 => (object.clone(), any::<bool>())
            .prop_map(|(object, releasing)| Step::Post { object, releasing }),
        4 => (object.clone(), rule.clone()).prop_map(|(object, rule)| Step::Share { object, rule }),
        4 => (object.clone(), rule).prop_map(|(object, rule)| Step::Grant { object, rule }),
        2 => (object.clone(), any::<bool>())
            .prop_map(|(object, releasing)| Step::Delete { object, releasing }),
        1 => (object, any::<bool>()).prop_map(|(object, keep)| Step::Withdraw { object, keep }),
        1 => Just(Step::Reopen),
    ]
}

/// What the model knows of an object that is here.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Whether its own entry is in the log `shared`.
    shared_itself: bool,
    desk: bool,
    wide: bool,
    reached: BTreeSet<&'static str>,
}

struct Story {
    body: Body,
    wide: Collection,
    model: BTreeMap<u32, Known>,
}

/// What a write into the releasing collection reaches.
const WIDE: usize = 1;

impl Story {
    fn new() -> Story {
        let body = Body::new();
        let wide = body.releasing("Wide", RULES[WIDE].0, Tlp::Amber);
        Story { body, wide, model: BTreeMap::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Post { object, releasing } => self.post(*object, *releasing),
            Step::Share { object, rule } => self.share(*object, *rule),
            Step::Grant { object, rule } => self.grant(*object, *rule),
            Step::Delete { object, releasing } => self.delete(*object, *releasing),
            Step::Withdraw { object, keep } => self.withdraw(*object, *keep),
            Step::Reopen => self.body.reopen(&OTHERS),
        }
    }

    fn post(&mut self, object: u32, releasing: bool) {
        let collection = if releasing { &self.wide } else { &self.body.desk };
        let verdict = self.body.post(collection, &tool(object, None));
        assert!(!verdict.outcome.is_refused(), "{verdict:?}");
        let new = !self.model.contains_key(&object);
        let known = self.model.entry(object).or_default();
        known.shared_itself |= new && releasing;
        if releasing {
            known.wide = true;
            if known.reached.is_empty() {
                known.reached.extend(RULES[WIDE].1);
            }
        } else {
            known.desk = true;
        }
    }

    fn share(&mut self, object: u32, rule: usize) {
        let known = self.model.get_mut(&object);
        let done = self.body.share(&[id(object)], RULES[rule].0, None);
        let Some(known) = known.filter(|known| known.desk) else {
            assert!(done.is_err());
            return;
        };
        let report = done.unwrap();
        let wanted: BTreeSet<&str> = RULES[rule].1.iter().copied().collect();
        if known.reached.is_empty() {
            assert_eq!(report.shared, 1);
            known.reached.extend(RULES[rule].1);
        } else {
            assert_eq!(report.shared, 0);
            assert_eq!(report.known == 1, wanted.is_subset(&known.reached), "{report:?}");
        }
    }

    fn grant(&mut self, object: u32, rule: usize) {
        let known = self.model.get_mut(&object);
        let done = self.body.grant(&[id(object)], RULES[rule].0);
        let Some(known) = known else {
            assert!(done.is_err());
            return;
        };
        let report = done.unwrap();
        if known.reached.is_empty() {
            assert_eq!((report.refused, report.entries), (1, 0));
        } else {
            let before = known.reached.len();
            known.reached.extend(RULES[rule].1);
            assert_eq!(report.entries > 0, known.reached.len() > before, "{report:?}");
        }
    }

    fn delete(&mut self, object: u32, releasing: bool) {
        let collection = if releasing { &self.wide } else { &self.body.desk };
        let node = self.body.node();
        let ids =
            Some(vec![("tool".to_owned(), comity_wire::id::Id::parse(&id(object)).unwrap().uuid)]);
        let query = Query { ids, versions: Versions::All, ..Query::default() };
        let page = node.page(self.body.readable(collection), &query, 10).unwrap();
        let positions = page.rows.into_iter().map(|row| row.position).collect();
        node.remove(&self.body.releaser, collection, positions, node.now()).unwrap();
        if let Some(known) = self.model.get_mut(&object) {
            if releasing {
                known.wide = false;
            } else {
                known.desk = false;
            }
            if !known.wide && !known.desk {
                self.model.remove(&object);
            }
        }
    }

    fn withdraw(&mut self, object: u32, keep: bool) {
        let Some(known) = self.model.get_mut(&object) else { return };
        self.body.withdraw(&[id(object)], keep);
        if keep && !known.shared_itself {
            known.reached.clear();
        } else {
            self.model.remove(&object);
        }
    }

    /// Every party is served what the model says, each object once, and no other octets.
    fn check(&self) {
        for party in SERVED {
            let wanted: BTreeMap<String, usize> = self
                .model
                .iter()
                .filter(|(_, known)| known.reached.contains(party))
                .map(|(object, _)| (id(*object), 1))
                .collect();
            assert_eq!(self.body.objects(party), wanted, "{party}");
            for got in self.body.served(party) {
                let parties = &got.header.audience.parties;
                assert!(!parties.is_empty());
                let own = got.header.origin == "alpha.example";
                assert!(own && got.header.log == "shared");
                if got.payload != b"{}" {
                    let object = id_of(&got.payload);
                    assert!(wanted.contains_key(&object), "{party} has {object}");
                }
            }
        }
        assert!(self.body.served("epsilon.example").is_empty());
    }
}

#[test]
fn each_party_is_served_what_is_for_it_and_no_other_octet() {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(&vec(step(), STEPS..=STEPS), |steps| {
            let mut story = Story::new();
            for step in &steps {
                let before: BTreeMap<u32, Known> = story.model.clone();
                story.take(step);
                story.check();
                // Nothing is narrowed but by what takes back.
                let takes = matches!(step, Step::Delete { .. } | Step::Withdraw { .. });
                for (object, known) in before.into_iter().filter(|_| !takes) {
                    assert!(known.reached.is_subset(&story.model[&object].reached));
                }
            }
            same_ledger(&mut story);
            Ok(())
        })
        .unwrap();
}

/// The ledger that went along is the one that the logs fold to.
fn same_ledger(story: &mut Story) {
    let directory = story.body.world.directory();
    story.body.node.take().unwrap().close();
    let along = verified(&directory);
    assert_eq!(along.faults, Vec::<String>::new());
    std::fs::remove_file(directory.view()).unwrap();
    story.body.node = Some(story.body.world.open().unwrap());
    story.check();
    story.body.node.take().unwrap().close();
    let again = verified(&directory);
    assert_eq!((again.faults, again.view_digest), (Vec::new(), along.view_digest));
}

/// A node that ends without closing finds its ledger again: what was folded, and what was not.
#[test]
fn a_killed_node_has_its_ledger_again() {
    let mut story = Story::new();
    for object in 0..OBJECTS {
        story.post(object, object % 2 == 0);
    }
    for object in 0..OBJECTS {
        if object % 2 == 1 {
            story.share(object, 0);
        }
        story.grant(object, 3);
    }
    story.withdraw(0, false);
    let directory = story.body.world.directory();
    // The files as a kill leaves them, at another place.
    let copy = story.body.world.path("killed");
    std::fs::create_dir(&copy).unwrap();
    copy_tree(directory.root(), &copy);
    let killed = comity_node::Directory::new(&copy);
    let open = || comity_node::Node::open(killed.clone(), story.body.world.surroundings.clone());
    let again = open().unwrap();
    for party in SERVED {
        let log = comity_wire::entry::Log::Shared;
        let one = again.release_to(party, log, 0, again.now()).unwrap();
        let other = story.body.node().release_to(party, log, 0, again.now()).unwrap();
        let octets = |page: &comity_wire::release::Page| {
            page.openings.iter().map(|one| (one.index, one.envelope.clone())).collect::<Vec<_>>()
        };
        assert_eq!(octets(&one), octets(&other), "{party}");
        assert!(!one.openings.is_empty());
    }
    again.close();
    drop(again);
    assert_eq!(verified(&killed).faults, Vec::<String>::new());
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
