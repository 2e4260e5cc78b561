//! The lines of STIX that bind whoever stores objects: what is one object, what is one version,
//! what is kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use comity_node::collection::{Collection, New};
use comity_node::submit::{Outcome, Terms};
use comity_node::{Directory, Node, Surroundings};
use comity_view::{Reader, Right, Rights};
use comity_wire::taxii::filter::{Query, Versions};
use comity_wire::time::Micros;

const NOW: i64 = 1_780_000_000_000_000;

struct Store {
    node: Node,
    collection: Collection,
    _place: tempfile::TempDir,
}

impl Store {
    fn new() -> Store {
        let place = tempfile::tempdir().unwrap();
        let drawn = std::sync::atomic::AtomicU8::new(1);
        let surroundings = Surroundings {
            now: Arc::new(|| NOW),
            random: Arc::new(move |octets| {
                let one = drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                octets.iter_mut().zip(0u8..=255).for_each(|(octet, at)| *octet = one ^ at);
            }),
            monotonic: Arc::new(|| std::time::Duration::ZERO),
            free: Arc::new(|_| None),
            boot: "test".to_owned(),
            fatal: Arc::new(|what| panic!("{what}")),
        };
        let directory = Directory::new(place.path().join("node"));
        let charter = comity_charter::one_party("cert.example", "Example");
        Node::make(&directory, "cert.example", &charter, &surroundings).unwrap();
        let node = Node::open(directory, surroundings).unwrap();
        let new = New { title: "Desk".to_owned(), ..New::default() };
        let collection = node.collection_add(&new).unwrap();
        Store { node, collection, _place: place }
    }

    fn put(&self, object: &str) -> Outcome {
        let by = self.node.local_operator();
        let objects = [object.as_bytes()];
        let verdicts = self.node.submit(&by, &self.collection, &objects, Terms::default(), NOW);
        verdicts.unwrap().remove(0).outcome
    }

    fn all(&self) -> Vec<String> {
        let reader = Reader::new(0, Rights::of(&[Right::Read]), None, Micros(NOW));
        let readable = reader.readable(self.collection.number, true).unwrap();
        let query = Query { versions: Versions::All, ..Query::default() };
        let page = self.node.page(readable, &query, 100).unwrap();
        let mut objects = Vec::new();
        let each = |object: &[u8]| {
            objects.push(String::from_utf8(object.to_vec()).unwrap());
            true
        };
        self.node.objects(&page.rows, each).unwrap();
        objects
    }
}

fn tool(modified: &str, name: &str) -> String {
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2020-01-01T00:00:00Z","modified":"{modified}","name":"{name}"}}"#
    )
}

fn address(more: &str) -> String {
    let id = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";
    format!(r#"{{"type":"ipv4-addr","id":"{id}","value":"198.51.100.3"{more}}}"#)
}

#[test]
fn s036_two_observables_of_one_id_are_one_and_the_first_is_kept() {
    let store = Store::new();
    assert!(matches!(store.put(&address("")), Outcome::Stored(_)));
    assert_eq!(store.put(&address("")), Outcome::Known);
    assert_eq!(store.put(&address(r#","defanged":true"#)), Outcome::Kept);
    assert_eq!(store.all(), [address("")]);
}

#[test]
fn s040_other_content_of_one_version_is_a_conflict_and_the_first_is_kept() {
    let store = Store::new();
    let first = tool("2020-01-02T00:00:00Z", "first");
    assert!(matches!(store.put(&first), Outcome::Stored(_)));
    // The same instant, spelled otherwise, and other content.
    let Outcome::Refused(refusal) = store.put(&tool("2020-01-02T00:00:00.000Z", "other")) else {
        panic!("taken")
    };
    assert_eq!(refusal.code.id, "version-conflict");
    assert_eq!(store.all(), [first]);
}

#[test]
fn s044_versions_live_side_by_side_and_deletion_is_no_revocation() {
    let store = Store::new();
    let (older, newer) = (tool("2020-01-02T00:00:00Z", "a"), tool("2020-01-03T00:00:00Z", "b"));
    assert!(matches!(store.put(&newer), Outcome::Stored(_)));
    assert!(matches!(store.put(&older), Outcome::Stored(_)));
    assert_eq!(store.all(), [newer.clone(), older.clone()]);
    let reader = Reader::new(0, Rights::of(&[Right::Read]), None, Micros(NOW));
    let readable = reader.readable(store.collection.number, true).unwrap();
    let last = store.node.page(readable, &Query::default(), 9).unwrap();
    let by = store.node.local_operator();
    let positions = last.rows.iter().map(|row| row.position).collect();
    let removed = store.node.remove(&by, &store.collection, positions, NOW).unwrap();
    assert_eq!((removed.left, removed.withdrawn), (1, 1));
    assert_eq!(store.all(), [older]);
    // Not revoked: it may come again.
    assert!(matches!(store.put(&newer), Outcome::Stored(_)));
}
