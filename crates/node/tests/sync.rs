//! Nodes of several parties in one process, each with a directory of its own, that follow each
//! other by the function that says what is next, with nothing between them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod parties;
mod world;

use comity_charter::Tlp;
use comity_node::grant::Granting;
use comity_node::submit::Terms;
use comity_node::sync::Ask;
use comity_node::{Directory, Node};
use comity_tlog::TilePath;
use comity_view::{Right, Rights};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::taxii::filter::Query;
use parties::{PARTIES, Parties, genesis, id, readable};
use world::{DAY, tool};

#[test]
fn what_is_released_arrives_at_those_it_is_for_and_at_nobody_else() {
    let mut body = Parties::new();
    for number in 0..5 {
        body.post("alpha.example", &tool(number));
    }
    body.share_all("alpha.example", &[0, 1, 2], "party:beta.example");
    body.share_all("alpha.example", &[3], "tier:member");
    for to in ["beta.example", "gamma.example"] {
        body.pull(to, "alpha.example");
    }
    assert_eq!(body.shown("beta.example", "received"), [0, 1, 2, 3]);
    assert_eq!(body.shown("beta.example", "received-alpha_example"), [0, 1, 2, 3]);
    assert_eq!(body.shown("beta.example", "received-gamma_example"), [0; 0]);
    assert_eq!(body.shown("gamma.example", "received"), [3]);
    let asked = body.pull("beta.example", "alpha.example");
    assert!(asked.iter().all(|ask| *ask == Ask::Checkpoint), "nothing new, nothing more");
    // The same after a start, and after a view that was lost.
    for party in PARTIES {
        body.reopen(party);
    }
    assert_eq!(body.shown("beta.example", "received"), [0, 1, 2, 3]);
    body.nodes.remove("beta.example").unwrap().close();
    std::fs::remove_file(body.world.path("beta.example").join("view.db")).unwrap();
    body.open("beta.example");
    assert_eq!(body.shown("beta.example", "received"), [0, 1, 2, 3]);
    body.verify();
}

#[test]
fn nobody_writes_into_what_is_received() {
    let body = Parties::new();
    let node = &body.nodes["beta.example"];
    let received = node.collection("received").unwrap();
    let by = node.acting("analyst").unwrap();
    let object = tool(1);
    let refused = node.submit(&by, &received, &[object.as_bytes()], Terms::default(), node.now());
    assert!(refused.unwrap_err().to_string().contains("takes what peers release"));
    assert!(!node.grant(&received, by.account.id).write);
    body.verify();
}

#[test]
fn a_grant_brings_what_was_released_before() {
    let body = Parties::new();
    body.post("alpha.example", &tool(1));
    body.share_all("alpha.example", &[1], "party:beta.example");
    body.pull("gamma.example", "alpha.example");
    assert_eq!(body.shown("gamma.example", "received"), [0; 0]);
    let node = &body.nodes["alpha.example"];
    let by = node.acting("releaser").unwrap();
    let ids = [id(1)];
    node.widen(&by, Granting::Objects(&ids), "party:gamma.example", node.now()).unwrap();
    body.pull("gamma.example", "alpha.example");
    assert_eq!(body.shown("gamma.example", "received"), [1]);
    body.verify();
}

/// A page may be made of a longer log than the checkpoint that was verified.
#[test]
fn what_a_later_grant_opens_waits_for_it_and_is_not_set_aside() {
    let body = Parties::new();
    body.post("alpha.example", &tool(1));
    body.share_all("alpha.example", &[1], "party:beta.example");
    let (owner, grantee) = (&body.nodes["alpha.example"], &body.nodes["gamma.example"]);
    let before = owner.checkpoint(Log::Shared).unwrap();
    let by = owner.acting("releaser").unwrap();
    let ids = [id(1)];
    owner.widen(&by, Granting::Objects(&ids), "party:gamma.example", owner.now()).unwrap();
    let peer = grantee.peer("alpha.example").unwrap();
    body.pull_rung("gamma.example", &peer, Log::Shared, Some(before));
    assert_eq!(body.shown("gamma.example", "received"), [0; 0]);
    assert_eq!(grantee.quarantined().unwrap(), []);
    body.pull("gamma.example", "alpha.example");
    assert_eq!(body.shown("gamma.example", "received"), [1]);
    assert_eq!(grantee.quarantined().unwrap(), []);
    body.verify();
}

#[test]
fn withdrawn_it_is_gone_everywhere_and_each_says_so() {
    let mut body = Parties::new();
    for number in [1, 2] {
        body.post("alpha.example", &tool(number));
    }
    body.share_all("alpha.example", &[1, 2], "tier:member");
    for to in ["beta.example", "gamma.example"] {
        body.pull(to, "alpha.example");
    }
    body.withdraw("alpha.example", 1);
    for to in ["beta.example", "gamma.example"] {
        body.pull(to, "alpha.example");
        assert_eq!(body.shown(to, "received"), [2]);
        body.pull("alpha.example", to);
    }
    // The receipts, as the origin opens them.
    let (mut receipts, node) = (Vec::new(), &body.nodes["alpha.example"]);
    for from in ["beta.example", "gamma.example"] {
        let page =
            body.nodes[from].release_to("alpha.example", Log::Shared, 0, node.now()).unwrap();
        for opening in page.openings {
            let (line, payload) = entry::split(&opening.envelope).unwrap();
            let header = Header::parse(line).unwrap();
            assert_eq!(header.kind, Kind::Receipt);
            assert_eq!(header.audience.parties, ["alpha.example"]);
            let payload: serde_json::Value = serde_json::from_slice(payload).unwrap();
            receipts.push((header.refs[0].origin.clone(), payload));
        }
    }
    assert_eq!(receipts.len(), 2);
    assert!(receipts.iter().all(|(origin, payload)| {
        origin == "alpha.example" && payload["readers"] == 0 && payload["readers_complete"] == true
    }));
    // A late body does not come back, not even for somebody who asks for everything again.
    let secret = b"EXERCISE 1\"";
    for party in PARTIES {
        body.reopen(party);
    }
    for party in PARTIES {
        let root = body.world.path(party);
        for file in walk(&root) {
            let octets = std::fs::read(&file).unwrap();
            let found = octets.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{party}: {}", file.display());
        }
    }
    body.verify();
}

fn walk(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_log_of_any_length_comes_in_pieces_and_pages() {
    const OBJECTS: u32 = 700;
    let body = Parties::new();
    let node = &body.nodes["alpha.example"];
    let by = node.acting("releaser").unwrap();
    let desk = body.desk("alpha.example");
    node.collection_release(&by, &desk, "tier:member", Some(Tlp::Green)).unwrap();
    let desk = body.desk("alpha.example");
    let objects: Vec<String> = (0..OBJECTS).map(tool).collect();
    let octets: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
    node.submit(&by, &desk, &octets, Terms::default(), node.now()).unwrap();
    let asked = body.pull("beta.example", "alpha.example");
    let bundles = asked.iter().filter(|ask| matches!(ask, Ask::Bundle(TilePath { .. }))).count();
    let pages = asked.iter().filter(|ask| matches!(ask, Ask::Release(_))).count();
    assert_eq!((bundles, pages), (1 + 3, 1 + 3), "{asked:?}");
    assert_eq!(body.shown("beta.example", "received").len(), OBJECTS as usize);
    body.verify();
}

#[test]
fn what_is_adopted_is_among_ones_own_until_its_owner_takes_it_back() {
    let body = Parties::new();
    for number in [1, 2, 3] {
        body.post("alpha.example", &tool(number));
    }
    body.share_all("alpha.example", &[1, 2, 3], "tier:member");
    body.pull("beta.example", "alpha.example");
    let node = &body.nodes["beta.example"];
    let desk = body.desk("beta.example");
    let received = readable(node, &node.collection("received").unwrap());
    let by = node.acting("analyst").unwrap();
    let ids = [id(1), id(2)];
    let done = node.adopt(&by, received, Some(&ids), &desk, node.now()).unwrap();
    assert_eq!((done.adopted, done.known), (2, 0));
    let done = node.adopt(&by, received, None, &desk, node.now()).unwrap();
    assert_eq!((done.adopted, done.known), (1, 2));
    assert_eq!(body.shown("beta.example", &desk.id), [1, 2, 3]);
    let reader = Rights::of(&[Right::Read]);
    assert!(!reader.has(Right::Adopt));
    body.withdraw("alpha.example", 2);
    body.pull("beta.example", "alpha.example");
    assert_eq!(body.shown("beta.example", &desk.id), [1, 3]);
    // It leaves a collection of one's own, and stays received.
    let page = node.page(readable(node, &desk), &Query::default(), 10).unwrap();
    let one = page.rows[0].position;
    let removed = node.remove(&by, &desk, vec![one], node.now()).unwrap();
    assert_eq!((removed.left, removed.withdrawn), (1, 0));
    assert_eq!(body.shown("beta.example", "received"), [1, 3]);
    body.verify();
}

#[test]
fn what_is_over_is_purged_where_it_was_received_and_does_not_come_again() {
    let body = Parties::new();
    body.post("alpha.example", &tool(1));
    body.share_all("alpha.example", &[1], "tier:member");
    body.pull("beta.example", "alpha.example");
    body.world.clock.fetch_add(1100 * DAY, std::sync::atomic::Ordering::SeqCst);
    body.post("beta.example", &tool(2));
    assert_eq!(body.shown("beta.example", "received"), [0; 0]);
    body.pull("beta.example", "alpha.example");
    assert_eq!(body.shown("beta.example", "received"), [0; 0]);
    body.verify();
}

/// Version 2 of a charter, with one party more.
fn successor(of: &str, party: &str, genesis: &str) -> String {
    let hash = comity_charter::parse(of).unwrap().hash;
    let (head, tail) = of.split_once("\n[handling]").unwrap();
    let head = head.replace("version = 1\n", &format!("version = 2\nprevious = \"{hash}\"\n"));
    format!(
        "{head}\n[[party]]\nid = \"{party}\"\nname = \"EXERCISE\"\ntier = \"member\"\n{genesis}\n[handling]{tail}"
    )
}

#[test]
fn a_party_proposes_so_many_texts_and_is_told_of_the_one_that_nobody_would_see() {
    let body = Parties::new();
    let first = std::fs::read_to_string(body.world.path("alpha.example").join("charter.toml"));
    let first = first.unwrap();
    let hash = comity_charter::parse(&first).unwrap().hash;
    let successor = format!("version = 2\nprevious = \"{hash}\"\n");
    let second = first.replace("version = 1\n", &successor);
    let text = |number: usize| format!("{second}# EXERCISE {number}\n");
    let (alpha, beta) = (&body.nodes["alpha.example"], &body.nodes["beta.example"]);
    let by = alpha.acting("delegate").unwrap();
    let texts_max = 64;
    // One that was proposed before is no other one.
    for _ in 0..=texts_max {
        alpha.propose(&by, &text(0)).unwrap();
    }
    for number in 1..texts_max {
        alpha.propose(&by, &text(number)).unwrap();
    }
    assert_eq!(alpha.proposals().unwrap().len(), texts_max);
    let refused = alpha.propose(&by, &text(texts_max)).unwrap_err().to_string();
    assert!(refused.contains("64 charters") && refused.contains("another party"), "{refused}");
    alpha.propose(&by, &text(0)).unwrap();
    // Those of others are counted by themselves, and the same texts are seen everywhere.
    beta.propose(&beta.acting("delegate").unwrap(), &text(texts_max)).unwrap();
    beta.propose(&beta.acting("delegate").unwrap(), &text(1)).unwrap();
    for (to, from) in [
        ("alpha.example", "beta.example"),
        ("gamma.example", "beta.example"),
        ("gamma.example", "alpha.example"),
    ] {
        body.pull(to, from);
    }
    for party in ["alpha.example", "gamma.example"] {
        let proposals = body.nodes[party].proposals().unwrap();
        assert_eq!(proposals.len(), texts_max + 1, "{party}");
        let both = proposals.iter().filter(|one| one.proposed_by.len() == 2).count();
        assert_eq!(both, 1, "{party}");
    }
    body.verify();
}

#[test]
fn a_charter_is_succeeded_when_every_party_accepts_and_a_new_one_joins() {
    let mut body = Parties::new();
    body.post("alpha.example", &tool(1));
    body.share_all("alpha.example", &[1], "tier:member");
    let first = std::fs::read_to_string(body.world.path("alpha.example").join("charter.toml"));
    let first = first.unwrap();
    let new = Directory::new(body.world.path("delta.example"));
    Node::make(
        &new,
        "delta.example",
        &successor(&first, "delta.example", ""),
        &body.world.surroundings,
    )
    .unwrap();
    let second = successor(&first, "delta.example", &genesis(&new, "delta.example"));
    let alpha = &body.nodes["alpha.example"];
    let by = alpha.acting("delegate").unwrap();
    let charter = alpha.propose(&by, &second).unwrap();
    let hash = charter.hash.to_string();
    assert!(alpha.propose(&alpha.acting("analyst").unwrap(), &second).is_err());
    alpha.accept(&by, &hash).unwrap();
    assert_eq!(alpha.successor(), None, "two have yet to accept it");
    assert_eq!(alpha.proposals().unwrap()[0].missing, ["beta.example", "gamma.example"]);
    for to in ["beta.example", "gamma.example"] {
        body.pull(to, "alpha.example");
        let node = &body.nodes[to];
        assert!(node.accept(&node.acting("delegate").unwrap(), &"0".repeat(64)).is_err());
        node.accept(&node.acting("delegate").unwrap(), &hash).unwrap();
    }
    for (to, from) in [
        ("alpha.example", "beta.example"),
        ("alpha.example", "gamma.example"),
        ("beta.example", "gamma.example"),
        ("gamma.example", "beta.example"),
    ] {
        body.pull(to, from);
    }
    let founding = comity_charter::parse(&first).unwrap().hash.to_string();
    for party in PARTIES {
        assert_eq!(body.nodes[party].successor().as_ref(), Some(&hash), "{party}");
        body.reopen(party);
        assert_eq!(body.nodes[party].charter().hash.to_string(), hash);
        assert_eq!(body.nodes[party].body(), founding, "the body stays the same");
    }
    // The new one: its history begins with the charter that founded the body.
    let refused = Node::found_under(&new, &second, &[], None).unwrap_err();
    assert!(refused.to_string().contains("--before"), "{refused}");
    Node::found_under(&new, &second, std::slice::from_ref(&first), None).unwrap();
    body.open("delta.example");
    body.nodes["delta.example"].peer_add("alpha.example", "127.0.0.1:1").unwrap();
    body.pull("delta.example", "alpha.example");
    assert_eq!(body.shown("delta.example", "received"), [0; 0], "what was before comes by a grant");
    let alpha = &body.nodes["alpha.example"];
    let by = alpha.acting("releaser").unwrap();
    let ids = [id(1)];
    alpha.widen(&by, Granting::Objects(&ids), "party:delta.example", alpha.now()).unwrap();
    body.pull("delta.example", "alpha.example");
    body.pull("beta.example", "alpha.example");
    assert_eq!(body.shown("delta.example", "received"), [1]);
    assert_eq!(body.shown("beta.example", "received"), [1]);
    body.verify();
}

#[test]
fn what_is_for_another_party_is_set_aside_whoever_passes_it_on() {
    let body = Parties::new();
    for number in [1, 2] {
        body.post("alpha.example", &tool(number));
    }
    body.share_all("alpha.example", &[1], "party:beta.example");
    body.share_all("alpha.example", &[2], "party:gamma.example");
    body.pull("gamma.example", "alpha.example");
    let (alpha, gamma) = (&body.nodes["alpha.example"], &body.nodes["gamma.example"]);
    let peer = gamma.peer("alpha.example").unwrap();
    let page = alpha.release_to("beta.example", Log::Shared, 0, alpha.now()).unwrap();
    assert_eq!(page.openings.len(), 1);
    let received = gamma.receive(&peer, Log::Shared, page, gamma.now()).unwrap();
    assert_eq!((received.kept, received.quarantined), (0, 1));
    assert_eq!(body.shown("gamma.example", "received"), [2]);
    let aside = gamma.quarantined().unwrap();
    assert_eq!((aside[0].index, aside[0].code.as_str()), (0, "entry-audience"));
    body.verify();
}
