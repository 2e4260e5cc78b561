//! A place for the directory of a node, and a clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use comity_node::collection::New;
use comity_node::verify::{Report, verify_directory};
use comity_node::{Directory, Node, NodeError, Surroundings};

pub(crate) const NOW: i64 = 1_780_000_000_000_000;
pub(crate) const DAY: i64 = 86_400 * 1_000_000;

/// A place for directories, a clock that tests set, and numbers that never repeat.
pub(crate) struct World {
    place: tempfile::TempDir,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) surroundings: Surroundings,
}

impl World {
    pub(crate) fn new() -> World {
        let clock = Arc::new(AtomicI64::new(NOW));
        let (now, drawn) = (clock.clone(), AtomicU64::new(1));
        let surroundings = Surroundings {
            now: Arc::new(move || now.load(Ordering::SeqCst)),
            random: Arc::new(move |octets| {
                for chunk in octets.chunks_mut(8) {
                    let number = drawn.fetch_add(1, Ordering::SeqCst);
                    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
                    chunk.copy_from_slice(&mixed[..chunk.len()]);
                }
            }),
            monotonic: Arc::new(|| std::time::Duration::ZERO),
            free: Arc::new(|_| None),
            boot: "test".to_owned(),
            fatal: Arc::new(|what| panic!("{what}")),
        };
        World { place: tempfile::tempdir().unwrap(), clock, surroundings }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn directory(&self) -> Directory {
        Directory::new(self.path("node"))
    }

    #[allow(dead_code, reason = "not every test is about a body of one")]
    pub(crate) fn make(&self) -> Node {
        let charter = comity_charter::one_party("cert.example", "Example");
        Node::make(&self.directory(), "cert.example", &charter, &self.surroundings).unwrap();
        let node = self.open().unwrap();
        node.collection_add(&New { title: "Desk".to_owned(), ..New::default() }).unwrap();
        node
    }

    pub(crate) fn open(&self) -> Result<Node, NodeError> {
        Node::open(self.directory(), self.surroundings.clone())
    }
}

pub(crate) fn tool(number: u32) -> String {
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"tool--8e2e2d2b-17d4-4cbf-938f-{number:012x}","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"EXERCISE {number}"}}"#
    )
}

pub(crate) fn verified(directory: &Directory) -> Report {
    verify_directory(directory, |_, _| {}).unwrap()
}
