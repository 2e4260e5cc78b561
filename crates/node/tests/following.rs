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
use comity_node::peer::Peer;
use comity_node::role::Role;
use comity_tlog::{Checkpoint, Equivocation, Hash, SigningKey};
use comity_wire::entry::{self, Header, Kind, Log};
use parties::{ALPHA, BETA, GAMMA, Parties, named};
use world::{DAY, tool};

const QUOTAS: &str = "\n[quotas]\nleaves_per_day = 10\noctets_per_day = 1000\n";

/// What the quota leaves ALPHA at GAMMA.
fn left(parties: &Parties) -> u64 {
    let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
    node.leaves_left(&peer, node.now()).unwrap().unwrap()
}

fn charge(parties: &Parties, leaves: u64) {
    let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
    node.charge_leaves(&peer, leaves, node.now()).unwrap();
}

fn charge_octets(parties: &Parties, octets: u64) -> bool {
    let (node, peer) = (parties.node(GAMMA), parties.node(GAMMA).peer(ALPHA).unwrap());
    node.charge_octets(&peer, octets, node.now()).unwrap()
}

#[test]
fn a_restart_gives_a_peer_nothing_of_its_quota_back() {
    let mut parties = Parties::under(QUOTAS);
    charge(&parties, 366 * 10);
    assert!(charge_octets(&parties, 366 * 1000));
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    charge(&parties, 7);
    assert!(charge_octets(&parties, 999));
    for _ in 0..3 {
        parties.reopen(GAMMA);
        assert_eq!(left(&parties), 3);
    }
    // A page is taken whole, and the days after pay for it.
    assert!(charge_octets(&parties, 2001));
    parties.reopen(GAMMA);
    assert!(!charge_octets(&parties, 1));
    assert!(charge_octets(&parties, 0), "what has none costs none");
    charge(&parties, 5);
    assert_eq!(left(&parties), 0);
    // Another peer has its own.
    let other = parties.node(GAMMA).peer(BETA).unwrap();
    let node = parties.node(GAMMA);
    assert_eq!(node.leaves_left(&other, node.now()).unwrap(), Some(366 * 10));
    // A clock that goes back adds nothing; the next day does, less what was too much.
    parties.world.clock.fetch_sub(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 0);
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 8);
    assert!(!charge_octets(&parties, 1));
    parties.world.clock.fetch_add(2 * DAY, Ordering::SeqCst);
    assert!(charge_octets(&parties, 1));
    parties.verify();
}

#[test]
fn a_clock_that_was_years_ahead_keeps_no_peer_waiting_for_them() {
    let parties = Parties::under(QUOTAS);
    parties.world.clock.fetch_add(5000 * DAY, Ordering::SeqCst);
    charge(&parties, 366 * 10);
    parties.world.clock.fetch_sub(4999 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 0);
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 10);
    parties.verify();
}

#[test]
fn who_was_away_for_a_month_may_take_a_month() {
    let mut parties = Parties::under(QUOTAS);
    charge(&parties, 366 * 10);
    parties.world.clock.fetch_add(30 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 300);
    charge(&parties, 120);
    // What one day does not take of it the next ones may, also after a restart.
    parties.reopen(GAMMA);
    assert_eq!(left(&parties), 180);
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 190);
    // However long it was away.
    charge(&parties, 1);
    parties.world.clock.fetch_add(5000 * DAY, Ordering::SeqCst);
    assert_eq!(left(&parties), 3660);
    parties.verify();
}

/// A day on which the line breaks five times: each time both logs are asked anew.
fn a_day_of_pulls(parties: &Parties, peer: &Peer) -> Vec<String> {
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    let pulls = [Log::Acts, Log::Shared].repeat(5);
    let each = pulls.iter().map(|log| parties.pull_within_quota(GAMMA, peer, *log));
    each.filter_map(Result::err).collect()
}

/// Leaves of both logs of a peer that are here: stored, and verified.
fn leaves_of(parties: &Parties, peer: &Peer) -> (u64, u64) {
    let node = parties.node(GAMMA);
    let places = [peer.acts, peer.shared].map(|number| node.place(number).unwrap());
    (places.iter().map(|it| it.staged).sum(), places.iter().map(|it| it.verified).sum())
}

#[test]
fn a_backlog_of_days_comes_in_over_days_and_its_withdrawals_with_it() {
    let parties = Parties::under("\n[quotas]\nleaves_per_day = 10\noctets_per_day = 100000\n");
    parties.give(ALPHA, 0, &tool(0), "all");
    parties.pull(GAMMA, ALPHA);
    let peer = parties.node(GAMMA).peer(ALPHA).unwrap();
    let alpha = parties.node(ALPHA);
    // On one day: 33 leaves of `shared`, and of `acts` one each day, which comes first.
    for number in 1..32 {
        parties.give(ALPHA, number, &tool(number), "all");
    }
    parties.withdraw(ALPHA, 0);
    charge(&parties, left(&parties));
    let text = charter_after(&parties);
    let (mut days, mut before) = (0, leaves_of(&parties, &peer).0);
    while parties.shown(GAMMA, "received") != (1..32).collect::<Vec<_>>() {
        days += 1;
        assert!(days < 10, "it never comes: {:?}", leaves_of(&parties, &peer));
        alpha.propose(&parties.by(ALPHA, "delegate"), &text).unwrap();
        a_day_of_pulls(&parties, &peer);
        let stored = leaves_of(&parties, &peer).0;
        assert!(stored - before <= 10, "{stored} after {before}");
        before = stored;
    }
    let (stored, verified) = leaves_of(&parties, &peer);
    assert_eq!(stored, verified);
    assert_eq!(days, 4, "32 leaves, and an act each day, at 10 a day");
    parties.verify();
}

#[test]
fn who_was_away_has_the_days_left_that_one_of_them_did_not_take() {
    let mut parties = Parties::under("\n[quotas]\nleaves_per_day = 10\noctets_per_day = 100000\n");
    let peer = parties.node(GAMMA).peer(ALPHA).unwrap();
    charge(&parties, left(&parties));
    parties.world.clock.fetch_add(9 * DAY, Ordering::SeqCst);
    for number in 0..90 {
        parties.give(ALPHA, number, &tool(number), "all");
    }
    let text = charter_after(&parties);
    parties.node(ALPHA).propose(&parties.by(ALPHA, "delegate"), &text).unwrap();
    // `acts` comes, and then the line breaks; it is the day after when it stands again.
    parties.pull_within_quota(GAMMA, &peer, Log::Acts).unwrap();
    parties.reopen(GAMMA);
    assert_eq!(a_day_of_pulls(&parties, &peer), Vec::<String>::new());
    let (stored, verified) = leaves_of(&parties, &peer);
    assert!(stored == verified && verified > 90, "{stored} stored, {verified} verified");
    assert_eq!(parties.shown(GAMMA, "received").len(), 90);
    parties.verify();
}

#[test]
fn a_peer_that_floods_costs_a_quota_a_day_and_no_more() {
    let parties = Parties::under(QUOTAS);
    let peer = parties.node(GAMMA).peer(ALPHA).unwrap();
    charge(&parties, left(&parties));
    assert!(charge_octets(&parties, 366 * 1000));
    let (mut opened, mut stored) = (0, leaves_of(&parties, &peer).0);
    for day in 0..8 {
        // Twice what it may.
        for number in 20 * day..20 * (day + 1) {
            parties.give(ALPHA, number, &tool(number), "all");
        }
        assert!(!a_day_of_pulls(&parties, &peer).is_empty());
        let (now, verified) = leaves_of(&parties, &peer);
        assert!(now - stored <= 10, "{now} after {stored}");
        (stored, opened) = (now, verified);
    }
    // It is behind, and comes in as far as it may: to a root that was signed meanwhile.
    assert_eq!(stored, 80);
    assert!(opened >= 60, "{opened} verified");
    let node = parties.node(GAMMA);
    assert_eq!(node.leaves_left(&peer, node.now()).unwrap(), Some(0));
    parties.verify();
}

#[test]
fn pages_that_are_more_than_a_day_come_in_over_days() {
    let parties = Parties::under("\n[quotas]\nleaves_per_day = 1000\noctets_per_day = 500\n");
    let peer = parties.node(GAMMA).peer(ALPHA).unwrap();
    assert!(charge_octets(&parties, 366 * 500));
    for number in 0..10 {
        parties.give(ALPHA, number, &tool(number), "all");
    }
    let at_once = parties.served(ALPHA, GAMMA);
    let octets: usize = at_once.iter().map(|(_, payload)| payload.len()).sum();
    assert!(octets > 1000, "the page of {octets} is more than a day's");
    let mut days = 0;
    let mut wait_for = |shown: usize| {
        while parties.shown(GAMMA, "received").len() != shown {
            days += 1;
            assert!(days < 100, "it never comes");
            a_day_of_pulls(&parties, &peer);
        }
    };
    wait_for(10);
    // The page that was too large is paid for before the next comes.
    parties.withdraw(ALPHA, 1);
    wait_for(9);
    assert!(days as usize >= octets / 500, "{octets} octets in {days} days");
    parties.verify();
}

/// A charter to succeed the one of the body: what is proposed stands in `acts`.
fn charter_after(parties: &Parties) -> String {
    let text = std::fs::read_to_string(parties.world.path(ALPHA).join("charter.toml")).unwrap();
    let hash = comity_charter::parse(&text).unwrap().hash;
    text.replace("version = 1\n", &format!("version = 2\nprevious = \"{hash}\"\n"))
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
