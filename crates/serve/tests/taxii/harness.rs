//! A node in a directory of its own, with users of several roles, and requests to it that need
//! no socket.
//!
//! Passwords are slow to hash, so one directory is made per process and copied for each test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use comity_node::collection::{self, Collection, Grant};
use comity_node::role::Role;
use comity_node::{Directory, Node, Surroundings, token};
use comity_view::{Right, Rights};
use serde_json::Value;

use super::ask::{Ask, Record, TAXII};

/// Users, each named after the role; the colleague is a second analyst.
pub(crate) const READER: &str = "reader";
pub(crate) const ANALYST: &str = "analyst";
pub(crate) const COLLEAGUE: &str = "colleague";
pub(crate) const RELEASER: &str = "releaser";
pub(crate) const REVIEWER: &str = "reviewer";
pub(crate) const OPERATOR: &str = "operator";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// 2026-01-01T00:00:00.100000Z: a fraction that ends in zeros, which must be written.
pub(crate) const START: i64 = 1_767_225_600_100_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;

/// Stands still unless it is moved, or told to take a step with every look.
#[derive(Default)]
pub(crate) struct Clock {
    at: AtomicI64,
    step: AtomicI64,
}

impl Clock {
    fn look(&self) -> i64 {
        let step = self.step.load(Ordering::SeqCst);
        self.at.fetch_add(step, Ordering::SeqCst) + step
    }

    pub(crate) fn now(&self) -> i64 {
        self.at.load(Ordering::SeqCst)
    }

    /// Moves the clock, back too.
    pub(crate) fn tick(&self, micros: i64) {
        self.at.fetch_add(micros, Ordering::SeqCst);
    }

    /// From now on the clock moves so far with every look at it.
    pub(crate) fn run(&self, micros_a_look: i64) {
        self.step.store(micros_a_look, Ordering::SeqCst);
    }
}

/// Octets that differ with every call and are the same in every run.
fn drawn(counter: &AtomicU64, octets: &mut [u8]) {
    for chunk in octets.chunks_mut(8) {
        let seed = counter.fetch_add(1, Ordering::SeqCst);
        let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = (mixed ^ (mixed >> 31)).to_le_bytes();
        chunk.copy_from_slice(&mixed[..chunk.len()]);
    }
}

fn surroundings(clock: &Arc<Clock>, counter: u64) -> Surroundings {
    let (clock, counter) = (clock.clone(), Arc::new(AtomicU64::new(counter)));
    Surroundings {
        now: Arc::new(move || clock.look()),
        random: Arc::new(move |octets| drawn(&counter, octets)),
        monotonic: Arc::new(|| std::time::Duration::ZERO),
        free: Arc::new(|_| None),
        boot: "the boot of the tests".to_owned(),
        fatal: Arc::new(|what| panic!("the node ended the process: {what}")),
    }
}

/// A directory with users, as files in memory, and the secrets of their tokens.
struct Template {
    files: Vec<(PathBuf, Vec<u8>)>,
    tokens: Vec<(&'static str, String)>,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(template);

fn template() -> Template {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("node");
    let clock = Arc::new(Clock::default());
    clock.tick(START - HOUR);
    let surroundings = surroundings(&clock, 0);
    let charter = comity_charter::one_party("blue", "Blue");
    Node::make(&Directory::new(&root), "blue", &charter, &surroundings).unwrap();
    let node = Node::open(Directory::new(&root), surroundings).unwrap();
    let users = [
        (READER, Role::Reader),
        (ANALYST, Role::Analyst),
        (COLLEAGUE, Role::Analyst),
        (RELEASER, Role::Releaser),
        (REVIEWER, Role::Reviewer),
    ];
    let mut tokens = Vec::new();
    for (name, role) in users {
        node.user_add(name, role, Some(PASSWORD)).unwrap();
        tokens.push((name, token(&node, name, &Right::ALL)));
    }
    tokens.push((OPERATOR, token(&node, OPERATOR, &Right::ALL)));
    node.close();
    drop(node);
    let mut files = Vec::new();
    collect(&root, Path::new(""), &mut files);
    Template { files, tokens }
}

/// The secret of a user's token, which has all rights of the role.
pub(crate) fn secret(user: &str) -> &'static str {
    let found = TEMPLATE.tokens.iter().find(|(name, _)| *name == user);
    &found.unwrap().1
}

fn token(node: &Node, user: &str, rights: &[Right]) -> String {
    let new = token::New {
        name: "test".to_owned(),
        rights: Rights::of(rights),
        purpose: None,
        expires: START + 3_650 * 24 * HOUR,
    };
    node.token_add(user, &new).unwrap().1
}

fn collect(root: &Path, below: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, files);
        } else {
            files.push((path.clone(), std::fs::read(root.join(&path)).unwrap()));
        }
    }
}

/// A node, and all that a test needs of it.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) node: Arc<Node>,
    pub(crate) clock: Arc<Clock>,
    /// The collection that most tests use; everybody gets what the role gives.
    pub(crate) collection: Collection,
    directory: tempfile::TempDir,
    /// How often the directory was opened: each time draws other octets.
    opened: u64,
}

impl World {
    /// In memory where that can be had, since hundreds of nodes would wait for the disk most of
    /// the time.
    pub(crate) fn new() -> World {
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        World::at(memory.unwrap())
    }

    /// On disk, for tests of many megabytes.
    pub(crate) fn on_disk() -> World {
        World::at(tempfile::tempdir().unwrap())
    }

    fn at(directory: tempfile::TempDir) -> World {
        for (path, bytes) in &TEMPLATE.files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let clock = Arc::new(Clock::default());
        clock.tick(START);
        let node = open(&directory, &clock, 1);
        let new = collection::New { title: "Main".to_owned(), ..collection::New::default() };
        let collection = node.collection_add(&new).unwrap();
        World {
            router: comity_serve::router(node.clone()),
            node,
            clock,
            collection,
            directory,
            opened: 1,
        }
    }

    /// Stops the node and opens its directory again.
    pub(crate) fn restart(self) -> World {
        self.reopen(|_| ())
    }

    /// Stops the node, throws the view away, and has it folded from the logs.
    pub(crate) fn refold(self) -> World {
        self.reopen(|root| std::fs::remove_file(root.join("view.db")).unwrap())
    }

    fn reopen(mut self, meanwhile: impl FnOnce(&Path)) -> World {
        self.router = Router::new();
        let World { mut node, clock, collection, directory, opened, .. } = self;
        // The task that sent the last answer may hold the node a moment longer.
        while let Err(held) = Arc::try_unwrap(node).map(drop) {
            std::thread::sleep(std::time::Duration::from_millis(1));
            node = held;
        }
        meanwhile(directory.path());
        let opened = opened + 1;
        let node = open(&directory, &clock, opened);
        World {
            router: comity_serve::router(node.clone()),
            node,
            clock,
            collection,
            directory,
            opened,
        }
    }

    /// A further collection; `rights` name users that get less than their role gives.
    pub(crate) fn collection(&self, title: &str, rights: &[(&str, &str)]) -> Collection {
        let rights = rights
            .iter()
            .map(|(user, grant)| ((*user).to_owned(), Grant::parse(grant).unwrap()))
            .collect();
        let new = collection::New { title: title.to_owned(), rights, ..collection::New::default() };
        self.node.collection_add(&new).unwrap()
    }

    /// A token of a user that is cut down to some rights.
    pub(crate) fn token(&self, user: &str, rights: &[Right]) -> String {
        token(&self.node, user, rights)
    }

    /// The path of something in the main collection.
    pub(crate) fn path(&self, rest: &str) -> String {
        path(&self.collection, rest)
    }

    /// A request by the analyst, who accepts TAXII 2.1.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask::new(self, method, path).by(ANALYST).header("accept", TAXII)
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    /// A GET of something in the main collection.
    pub(crate) fn read(&self, rest: &str) -> Ask<'_> {
        self.ask("GET", &self.path(rest))
    }

    /// A POST of a body to the main collection.
    pub(crate) fn post(&self, body: impl Into<Body>) -> Ask<'_> {
        self.ask("POST", &self.path("objects/")).header("content-type", TAXII).body(body)
    }

    /// Posts objects to a collection and expects all of them to be taken. Gives the status.
    pub(crate) async fn add_to(&self, to: &Collection, objects: &[String]) -> Value {
        let reply = self.post(envelope(objects)).to(&path(to, "objects/")).send().await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let status = reply.json();
        assert_eq!(status["success_count"], objects.len(), "{status}");
        status
    }

    pub(crate) async fn add(&self, objects: &[String]) -> Value {
        self.add_to(&self.collection, objects).await
    }

    /// The ids of the objects that a query of the main collection gives, in their order.
    pub(crate) async fn ids(&self, query: &str) -> Vec<String> {
        let reply = self.read(&format!("objects/?{query}")).ok().await;
        reply.member("objects", "id")
    }

    /// The manifest of the main collection.
    pub(crate) async fn manifest(&self, query: &str) -> Vec<Record> {
        let reply = self.read(&format!("manifest/?{query}")).ok().await;
        let records = reply.json()["objects"].as_array().cloned();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        records
            .unwrap_or_default()
            .iter()
            .map(|record| Record {
                id: text(&record["id"]),
                version: text(&record["version"]),
                date_added: text(&record["date_added"]),
            })
            .collect()
    }
}

fn open(directory: &tempfile::TempDir, clock: &Arc<Clock>, opened: u64) -> Arc<Node> {
    let place = Directory::new(directory.path());
    Arc::new(Node::open(place, surroundings(clock, opened << 32)).unwrap())
}

/// The path of something in a collection.
pub(crate) fn path(collection: &Collection, rest: &str) -> String {
    format!("/taxii2/comity/collections/{}/{rest}", collection.id)
}

/// An envelope of objects.
pub(crate) fn envelope(objects: &[String]) -> String {
    format!("{{\"objects\":[{}]}}", objects.join(","))
}
