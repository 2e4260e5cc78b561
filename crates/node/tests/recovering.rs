//! A party's own logs come back from its peers, and what stands in the way of it: files that were
//! cut off, and a look that came to nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod parties;
mod world;

use std::sync::atomic::Ordering;

use comity_node::recover::{Recovered, Recovery};
use comity_node::resume::{Names, resume};
use comity_node::sync::{Ask, Came, Next, Pull};
use comity_node::{Directory, Node, NodeError};
use comity_wire::entry::Log;
use comity_wire::release;
use parties::{ALPHA, GAMMA, Parties};
use world::{DAY, tool};

const MIRRORED: [Log; 2] = [Log::Shared, Log::Acts];

/// Alpha shared two objects, gamma has all of it, and alpha is closed.
fn followed() -> (Parties, Directory) {
    let mut parties = Parties::new();
    for number in [1, 2] {
        parties.give(ALPHA, number, &tool(number), "all");
    }
    parties.pull(GAMMA, ALPHA);
    parties.nodes.remove(ALPHA).unwrap().close();
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    let directory = Directory::new(parties.world.path(ALPHA));
    (parties, directory)
}

fn lose(directory: &Directory, files: &[&str]) {
    for name in files {
        for tail in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(directory.root().join(format!("{name}{tail}")));
        }
    }
}

fn looked(parties: &Parties, directory: &Directory) -> Result<Recovery, NodeError> {
    Recovery::open(directory.clone(), parties.world.surroundings.clone())
}

/// Gets back what gamma has.
fn recover(parties: &Parties, directory: &Directory) -> Result<Recovered, NodeError> {
    recover_of(parties, directory, &MIRRORED)
}

/// Gamma has only some of the logs.
fn recover_of(
    parties: &Parties,
    directory: &Directory,
    logs: &[Log],
) -> Result<Recovered, NodeError> {
    let mut recovery = looked(parties, directory)?;
    let mirror = parties.node(GAMMA);
    for log in logs {
        let note = mirror.mirror_checkpoint(ALPHA, *log)?.unwrap();
        recovery.offer(GAMMA, *log, note.as_bytes()).unwrap();
    }
    let wanted = recovery.decide()?;
    recovery.begin()?;
    for one in wanted.into_iter().filter(|one| logs.contains(&one.log)) {
        let (log, verifier) = (one.log, recovery.verifier(one.log).unwrap().clone());
        let (mut pull, mut next) =
            Pull::begin(verifier, recovery.place(log), u64::MAX, Some(one.note));
        loop {
            let came = match next {
                Next::Ask(Ask::Checkpoint) => panic!("it was told"),
                Next::Ask(Ask::Bundle(path)) => {
                    Came::Answer(mirror.mirror_tile(ALPHA, log, &path)?.unwrap())
                }
                Next::Ask(Ask::Release(from)) => {
                    let page = mirror.mirror_release(ALPHA, log, from)?.unwrap();
                    Came::Answer(release::write(&page))
                }
                Next::Grow { note, from, leaves } => {
                    recovery.grow(log, &note, from, &leaves)?.unwrap();
                    Came::Stored(recovery.place(log))
                }
                Next::Receive(page) => Came::Stored(recovery.receive(log, page)?.0),
                Next::Done => break,
                Next::Failed(fault) => panic!("{fault}"),
            };
            next = pull.next(came);
        }
    }
    recovery.finish()
}

fn goes_on(mut parties: Parties) {
    parties.open(ALPHA);
    parties.give(ALPHA, 3, &tool(3), "all");
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "received-alpha_example"), [1, 2, 3]);
    parties.verify();
}

#[test]
fn a_file_that_was_cut_off_as_the_recovery_began_says_what_to_do() {
    let (parties, directory) = followed();
    lose(&directory, &["log.db", "keys.db", "view.db"]);
    let path = directory.root().join("recovering.json");
    std::fs::write(&path, "").unwrap();
    let told = |error: NodeError| error.to_string();
    let started = Node::open(directory.clone(), parties.world.surroundings.clone());
    assert!(started.map_err(told).err().unwrap().contains("comity peer recover"));
    let refused = recover(&parties, &directory).map_err(told).unwrap_err();
    for words in ["recovering.json` says", "is empty", "remove it", "comity resume"] {
        assert!(refused.contains(words), "{refused}");
    }
    std::fs::remove_file(&path).unwrap();
    let recovered = recover(&parties, &directory).unwrap();
    assert_eq!(recovered.arrived, 2);
    assert!(!path.exists());
    goes_on(parties);
}

#[test]
fn a_file_of_names_that_was_cut_off_says_what_to_do() {
    let (parties, directory) = followed();
    lose(&directory, &["log.db", "keys.db", "view.db"]);
    let path = directory.root().join("resumed.json");
    std::fs::write(
        directory.root().join("recovering.json"),
        r#"{"lost":true,"restored":false,"before":{}}"#,
    )
    .unwrap();
    std::fs::write(&path, "").unwrap();
    let resumed = resume(&directory, Names::NewWhereNeeded, &parties.world.surroundings).map(drop);
    for refused in [recover(&parties, &directory).map(drop), resumed] {
        let refused = refused.unwrap_err().to_string();
        for words in ["resumed.json` says", "is empty", "remove it"] {
            assert!(refused.contains(words), "{refused}");
        }
    }
    std::fs::remove_file(&path).unwrap();
    recover(&parties, &directory).unwrap();
    goes_on(parties);
}

/// `log.db` is here, what opens it is not; whoever looks and goes away leaves it so.
#[test]
fn a_look_that_came_to_nothing_makes_no_file_of_keys() {
    let (parties, directory) = followed();
    lose(&directory, &["keys.db"]);
    let names = || {
        let files = std::fs::read_dir(directory.root()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.retain(|name| !name.to_string_lossy().ends_with("-shm"));
        names.retain(|name| !name.to_string_lossy().ends_with("-wal"));
        names.sort();
        names
    };
    let before = names();
    let mut recovery = looked(&parties, &directory).unwrap();
    let note = parties.node(GAMMA).mirror_checkpoint(ALPHA, Log::Shared).unwrap().unwrap();
    recovery.offer(GAMMA, Log::Shared, note.as_bytes()).unwrap();
    recovery.decide().unwrap();
    drop(recovery);
    assert_eq!(names(), before);
    let recovered = recover(&parties, &directory).unwrap();
    let opened: Vec<_> = recovered.logs.iter().map(|log| (log.log, log.opened, log.lost)).collect();
    assert!(opened.iter().all(|(_, opened, _)| *opened > 0), "{opened:?}");
}

/// Yesterday's logs came back, and nobody mirrors `acts`, which goes on under a new name. That is
/// cut off where its head is signed by the new key, and the file of that has not its name yet.
#[test]
fn a_recovery_that_was_cut_off_as_a_log_got_its_name_is_finished() {
    let (mut parties, directory) = followed();
    let root = directory.root();
    let stores = ["log.db", "keys.db"].map(|name| (root.join(name), root.join(name)));
    let stores = stores.map(|(from, to)| (std::fs::read(from).unwrap(), to));
    parties.open(ALPHA);
    parties.give(ALPHA, 3, &tool(3), "all");
    parties.pull(GAMMA, ALPHA);
    parties.nodes.remove(ALPHA).unwrap().close();
    lose(&directory, &["log.db", "keys.db", "view.db", "head.mark"]);
    stores.into_iter().for_each(|(octets, to)| std::fs::write(to, octets).unwrap());

    // The old key cannot be kept under this name.
    let keys = Node::log_keys(&directory).unwrap();
    let id = keys.acts.split('+').nth(1).unwrap();
    let taken = root.join("keys").join(format!("acts.{id}.key"));
    std::os::unix::fs::symlink("nowhere", &taken).unwrap();
    recover_of(&parties, &directory, &[Log::Shared]).map(drop).unwrap_err();
    assert!(root.join("keys").join("acts.key.next").exists());
    std::fs::remove_file(taken).unwrap();

    let recovered = recover_of(&parties, &directory, &[Log::Shared]).unwrap();
    let acts = recovered.continues.iter().find(|one| one.log == "acts").unwrap();
    assert_eq!(acts.origin, "alpha.example/acts/2");
    parties.open(ALPHA);
    parties.verify();
}
