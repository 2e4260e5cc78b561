//! What a node keeps about those it follows: what they added today, what was set aside, and by which
//! rules their releases are adopted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod parties;
mod world;

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_charter::Tlp;
use comity_node::adopt::New;
use comity_node::role::Role;
use comity_tlog::{Checkpoint, Equivocation, Hash, SigningKey};
use comity_wire::entry::{self, Header, Kind, Log};
use parties::{ALPHA, BETA, GAMMA, Parties, named};
use world::{DAY, tool};

const QUOTAS: &str = "\n[quotas]\nleaves_per_day = 10\noctets_per_day = 1000\n";

#[test]
fn a_restart_gives_a_peer_nothing_of_its_quota_back() {
    let mut parties = Parties::under(QUOTAS);
    // After its first day, in the middle of one.
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    let left = |parties: &Parties| {
        let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
        node.leaves_left(&peer, node.now()).unwrap().unwrap()
    };
    assert_eq!(left(&parties), 10);
    let charge = |parties: &Parties, leaves: u64, octets: u64| {
        let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
        node.charge_leaves(&peer, leaves, node.now()).unwrap();
        node.charge_octets(&peer, octets, node.now())
    };
    charge(&parties, 7, 900).unwrap();
    for _ in 0..3 {
        parties.reopen(GAMMA);
        assert_eq!(left(&parties), 3);
        let refused = charge(&parties, 0, 101).unwrap_err().to_string();
        assert!(refused.contains("1000 octets"), "{refused}");
    }
    charge(&parties, 5, 100).unwrap();
    assert_eq!(left(&parties), 0);
    // Another peer has its own, as has another day; a clock that goes back begins none.
    let other = parties.node(GAMMA).peer(BETA).unwrap();
    assert_eq!(
        parties.node(GAMMA).leaves_left(&other, parties.node(GAMMA).now()).unwrap(),
        Some(10)
    );
    parties.world.clock.fetch_sub(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 0);
    parties.world.clock.fetch_add(2 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 10);
    parties.verify();
}

#[test]
fn who_was_away_for_a_month_may_take_a_month() {
    let mut parties = Parties::under(QUOTAS);
    let left = |parties: &Parties| {
        let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
        node.leaves_left(&peer, node.now()).unwrap().unwrap()
    };
    let charge = |parties: &Parties, leaves: u64| {
        let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
        node.charge_leaves(&peer, leaves, node.now()).unwrap();
    };
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    charge(&parties, 10);
    parties.world.clock.fetch_add(30 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 300);
    charge(&parties, 120);
    // The rest of that day has the rest of the month, also after a restart; the next day its own.
    parties.reopen(GAMMA);
    assert_eq!(left(&parties), 180);
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 10);
    // However long it was away.
    charge(&parties, 1);
    parties.world.clock.fetch_add(5000 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 3660);
    parties.verify();
}

#[test]
fn the_first_day_is_one_although_midnight_is_in_it() {
    let parties = Parties::under(QUOTAS);
    let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
    let first = 366 * 10;
    assert_eq!(node.leaves_left(&peer, node.now()).unwrap(), Some(first));
    node.charge_leaves(&peer, first, node.now()).unwrap();
    parties.world.clock.fetch_add(DAY - 1, Ordering::SeqCst);
    assert_eq!(node.leaves_left(&peer, node.now()).unwrap(), Some(0));
    parties.world.clock.fetch_add(1, Ordering::SeqCst);
    assert_eq!(node.leaves_left(&peer, node.now()).unwrap(), Some(10));
    parties.verify();
}

#[test]
fn what_opens_soundly_later_is_not_set_aside_any_more() {
    let parties = Parties::new();
    for number in [1, 2] {
        parties.give(ALPHA, number, &tool(number), "party:beta.example");
    }
    parties.pull(GAMMA, ALPHA);
    let (alpha, gamma) = (parties.node(ALPHA), parties.node(GAMMA));
    let peer = gamma.peer(ALPHA).unwrap();
    let page = alpha.release_to(BETA, Log::Shared, 0, alpha.now()).unwrap();
    assert_eq!(gamma.receive(&peer, Log::Shared, page, gamma.now()).unwrap().quarantined, 2);
    assert_eq!(gamma.quarantined().unwrap().len(), 2);
    let granted = comity_node::grant::Granting::Objects(&[parties::id(1)]);
    let by = parties.by(ALPHA, "releaser");
    alpha.widen(&by, granted, "party:gamma.example", alpha.now()).unwrap();
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    let aside = gamma.quarantined().unwrap();
    assert_eq!(aside.iter().map(|one| one.index).collect::<Vec<_>>(), [1]);
    parties.verify();
}

/// The stances of a party's private log: author's role, and payload.
/// The key that a party's log is signed with.
fn signing_key(parties: &Parties, party: &str, log: Log) -> SigningKey {
    let path = parties.world.path(party).join("keys").join(format!("{}.key", log.name()));
    let text = std::fs::read_to_string(path).unwrap();
    let octets = STANDARD.decode(text.trim().splitn(5, '+').nth(4).unwrap()).unwrap();
    SigningKey::from_bytes(octets[1..].try_into().unwrap())
}

#[test]
fn a_proof_by_the_key_of_today_is_kept_beside_one_by_an_earlier_key() {
    let mut parties = Parties::new();
    parties.pull(GAMMA, ALPHA);
    let node = parties.node(GAMMA);
    let (_, head) = node.verified_head(ALPHA, Log::Acts).unwrap().unwrap();
    let origin = head.note.lines().next().unwrap().to_owned();
    let said = |root| Checkpoint { origin: origin.clone(), size: head.size, root };
    let [one, other] = [Hash([1; 32]), Hash([2; 32])];
    let before = SigningKey::from_bytes(&[7; 32]);
    let [first, second] = [one, other].map(|root| said(root).sign(&before).unwrap());
    let earlier = Equivocation::of_one_size(&first, &second, other).text();
    let evidence = parties.world.path(GAMMA).join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    std::fs::write(evidence.join("alpha.example.acts.proof"), &earlier).unwrap();
    assert_eq!(node.evidence(ALPHA).unwrap(), []);

    let fork = said(one).sign(&signing_key(&parties, ALPHA, Log::Acts)).unwrap();
    let proof = node.contradiction(ALPHA, Log::Acts, fork.as_bytes()).unwrap().unwrap();
    for _ in 0..2 {
        let node = parties.node(GAMMA);
        node.convict(ALPHA, Log::Acts, &proof).unwrap();
        let kept = node.evidence(ALPHA).unwrap();
        assert_eq!(kept.iter().map(|one| one.text.clone()).collect::<Vec<_>>(), [proof.text()]);
        parties.reopen(GAMMA);
        assert_eq!(parties.node(GAMMA).evidence(ALPHA).unwrap(), kept);
    }
    let mut names = std::fs::read_dir(&evidence)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["alpha.example.acts.1.proof", "alpha.example.acts.proof"]);
    let kept = std::fs::read_to_string(evidence.join(&names[0])).unwrap();
    assert_eq!(kept, earlier);
}

fn stances(parties: &Parties, party: &'static str) -> Vec<(String, serde_json::Value)> {
    let reader = comity_tlog::Reader::open(&parties.world.path(party)).unwrap();
    let mut found = Vec::new();
    let from = comity_tlog::EntryRef { log: Log::Private.id(), index: 0 };
    reader
        .entries(from, |_, envelope| {
            let (line, payload) = entry::split(envelope.unwrap()).unwrap();
            let header = Header::parse(line).unwrap();
            if header.kind == Kind::Stance {
                found.push((header.author.role, serde_json::from_slice(payload).unwrap()));
            }
            true
        })
        .unwrap();
    found
}

fn rule(party: &str) -> New {
    New { party: party.to_owned(), ..New::default() }
}

#[test]
fn a_rule_adopts_what_arrives_and_each_adoption_names_it() {
    let mut parties = Parties::new();
    parties.give(ALPHA, 1, &tool(1), "all");
    parties.pull(GAMMA, ALPHA);
    let (node, by) = (parties.node(GAMMA), parties.by(GAMMA, "analyst"));
    let desk = parties.desk(GAMMA);
    let (made, adopted) = node.adopt_rule_add(&by, &rule(ALPHA), &desk, node.now()).unwrap();
    assert_eq!(adopted.adopted, 0, "what is there stays where it is, unless it is meant");
    parties.give(ALPHA, 2, &tool(2), "all");
    parties.give(BETA, 3, &tool(3), "all");
    parties.pull(GAMMA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "desk"), [2]);
    let told = stances(&parties, GAMMA);
    assert_eq!(told[0].1["stance"], "adopts");
    assert_eq!(told[0].1["rule"], made.name);
    assert_eq!((told[1].0.as_str(), &told[1].1["stance"]), ("rule", &"adopted".into()));
    assert_eq!(told[1].1["rule"], made.name);
    assert_eq!(told.len(), 2);
    // It goes on after a start, and takes nothing twice.
    parties.reopen(GAMMA);
    parties.give(ALPHA, 4, &tool(4), "all");
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "desk"), [2, 4]);
    // What its owner takes back leaves, as anything that is adopted.
    parties.withdraw(ALPHA, 2);
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "desk"), [4]);
    let (node, by) = (parties.node(GAMMA), parties.by(GAMMA, "analyst"));
    node.adopt_rule_remove(&by, made.id, node.now()).unwrap();
    assert!(node.adopt_rule_remove(&by, made.id, node.now()).is_err());
    parties.give(ALPHA, 5, &tool(5), "all");
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "desk"), [4]);
    assert_eq!(stances(&parties, GAMMA).last().unwrap().1["stance"], "adopts-no-more");
    parties.verify();
}

#[test]
fn a_rule_is_for_types_and_labels_and_for_what_is_there_where_that_is_said() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &tool(1), "all");
    parties.post(ALPHA, &tool(2));
    assert_eq!(parties.try_share(ALPHA, "desk", 2, "all", Some(Tlp::Amber)).shared, 1);
    parties.pull(GAMMA, ALPHA);
    let (node, by, desk) = (parties.node(GAMMA), parties.by(GAMMA, "analyst"), parties.desk(GAMMA));
    let types = vec!["malware".to_owned()];
    let of_type = New { types, existing: true, ..rule(ALPHA) };
    let (_, none) = node.adopt_rule_add(&by, &of_type, &desk, node.now()).unwrap();
    assert_eq!(none.adopted, 0);
    let types = vec!["malware".to_owned(), "tool".to_owned()];
    let green = New { types, tlp: Some(Tlp::Green), existing: true, ..rule(ALPHA) };
    let (_, one) = node.adopt_rule_add(&by, &green, &desk, node.now()).unwrap();
    assert_eq!(one.adopted, 1);
    assert_eq!(parties.shown(GAMMA, "desk"), [1]);
    parties.give(ALPHA, 3, &named(3, "three"), "all");
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "desk"), [1, 3]);
    parties.verify();
}

#[test]
fn a_rule_stops_with_its_authors_right_and_with_its_collection() {
    let parties = Parties::new();
    let (node, by, desk) = (parties.node(GAMMA), parties.by(GAMMA, "analyst"), parties.desk(GAMMA));
    let received = node.collection("received").unwrap();
    assert!(node.adopt_rule_add(&by, &rule(ALPHA), &received, node.now()).is_err());
    assert!(node.adopt_rule_add(&by, &rule("delta.example"), &desk, node.now()).is_err());
    node.user_add("reader", Role::Reader, Some("an exercise pass phrase")).unwrap();
    let reader = parties.by(GAMMA, "reader");
    assert!(node.adopt_rule_add(&reader, &rule(ALPHA), &desk, node.now()).is_err());
    node.adopt_rule_add(&by, &rule(ALPHA), &desk, node.now()).unwrap();
    node.adopt_rule_add(&parties.by(GAMMA, "releaser"), &rule(BETA), &desk, node.now()).unwrap();
    node.user_role("analyst", Role::Reader).unwrap();
    for (number, party) in [(1, ALPHA), (2, BETA)] {
        parties.give(party, number, &tool(number), "all");
        parties.pull(GAMMA, party);
    }
    assert_eq!(parties.shown(GAMMA, "desk"), [2]);
    let rules = node.adopt_rules().unwrap();
    assert!(rules[0].stopped.as_ref().unwrap().contains("lost the right"), "{rules:?}");
    assert_eq!(rules[1].stopped, None);
    // With the right again it stays stopped: somebody has to say so anew.
    node.user_role("analyst", Role::Analyst).unwrap();
    let releaser = parties.by(GAMMA, "releaser");
    node.collection_release(&releaser, &desk, "all", Some(Tlp::Green)).unwrap();
    for (number, party) in [(3, ALPHA), (4, BETA)] {
        parties.give(party, number, &tool(number), "all");
        parties.pull(GAMMA, party);
    }
    assert_eq!(parties.shown(GAMMA, "desk"), [2]);
    let rules = node.adopt_rules().unwrap();
    assert!(rules[1].stopped.as_ref().unwrap().contains("releases what is written"), "{rules:?}");
    let told = stances(&parties, GAMMA);
    let ended = told.iter().filter(|(_, told)| told["stance"] == "adopts-no-more").count();
    assert_eq!(ended, 2);
    parties.verify();
}
