//! What several parties say of one object version, and what one passes on of another.

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
use comity_node::role::Role;
use comity_tlog::Hash;
use comity_wire::entry::{Kind, Log};
use parties::stranger::{STRANGER, Stranger};
use parties::{ALPHA, BETA, GAMMA, Parties, id, named};
use world::{DAY, tool};

#[test]
fn of_two_contents_under_one_version_the_first_that_arrived_is_served_and_both_are_told_of() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &named(1, "of alpha"), "all");
    parties.give(BETA, 1, &named(1, "of beta"), "all");
    parties.pull(GAMMA, BETA);
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.name(GAMMA, "received"), BETA);
    assert_eq!(parties.name(GAMMA, "received-alpha_example"), ALPHA);
    assert_eq!(parties.name(GAMMA, "received-beta_example"), BETA);
    let (conflicts, count) = parties.node(GAMMA).conflicts().unwrap();
    assert_eq!(count, 1);
    assert_eq!(conflicts[0].id, id(1));
    let claims: Vec<(&str, usize, bool)> = conflicts[0]
        .claims
        .iter()
        .map(|one| (one.origin.as_str(), one.content, one.served))
        .collect();
    assert_eq!(claims.iter().filter(|(.., served)| *served).count(), 1, "{claims:?}");
    assert!(claims.contains(&(BETA, 1, true)) || claims.contains(&(BETA, 0, true)), "{claims:?}");
    assert_ne!(claims[0].1, claims[1].1);
    parties.verify();
}

#[test]
fn when_what_is_served_is_withdrawn_the_next_comes_in_its_place_with_a_later_time() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &named(1, "of alpha"), "all");
    parties.give(BETA, 1, &named(1, "of beta"), "all");
    parties.pull(GAMMA, ALPHA);
    parties.pull(GAMMA, BETA);
    parties.give(BETA, 2, &tool(2), "all");
    parties.pull(GAMMA, BETA);
    let before = parties.rows(GAMMA, "received");
    assert_eq!(parties.shown(GAMMA, "received"), [1, 2]);
    parties.withdraw(ALPHA, 1);
    parties.pull(GAMMA, ALPHA);
    let after = parties.rows(GAMMA, "received");
    // A reader that has come to the last of `before` gets it: it stands behind.
    assert_eq!(parties.shown(GAMMA, "received"), [2, 1]);
    assert_eq!(after[0], before[1]);
    assert!(after[1].1 > before[1].1);
    assert_eq!(parties.origin(GAMMA, after[1].2), BETA);
    assert_eq!(parties.shown(GAMMA, "received-alpha_example"), [0; 0]);
    assert_eq!(parties.node(GAMMA).conflicts().unwrap().1, 0);
    parties.withdraw(BETA, 1);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [2]);
    parties.verify();
}

#[test]
fn equal_content_of_two_parties_is_one_object_and_no_conflict() {
    let parties = Parties::new();
    let spaced = tool(1).replace("\",\"", "\", \"");
    assert_ne!(spaced, tool(1));
    parties.give(ALPHA, 1, &tool(1), "all");
    parties.give(BETA, 1, &spaced, "all");
    parties.pull(GAMMA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    assert_eq!(parties.shown(GAMMA, "received-beta_example"), [1]);
    assert_eq!(parties.node(GAMMA).conflicts().unwrap(), (Vec::new(), 0));
    // Nor is it two among what is adopted.
    assert_eq!(parties.adopt(GAMMA, "received-alpha_example", 1).adopted, 1);
    let again = parties.adopt(GAMMA, "received-beta_example", 1);
    assert_eq!((again.adopted, again.known, again.conflicting), (0, 1, 0));
    assert_eq!(parties.shown(GAMMA, "desk"), [1]);
    // What the party says itself takes the place of what it adopted.
    parties.post(GAMMA, &tool(1));
    assert_eq!(parties.name(GAMMA, "desk"), GAMMA);
    parties.verify();
}

#[test]
fn other_content_is_not_adopted_beside_what_is_there() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &named(1, "of alpha"), "all");
    parties.post(GAMMA, &named(1, "of gamma"));
    parties.pull(GAMMA, ALPHA);
    let adopted = parties.adopt(GAMMA, "received", 1);
    assert_eq!((adopted.adopted, adopted.conflicting), (0, 1));
    assert_eq!(parties.name(GAMMA, "desk"), GAMMA);
    assert_eq!(parties.node(GAMMA).conflicts().unwrap().1, 1, "one's own counts as well");
    parties.verify();
}

#[test]
fn what_expired_gives_its_place_up() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &tool(1), "all");
    parties.pull(GAMMA, ALPHA);
    parties.world.clock.fetch_add(900 * DAY, std::sync::atomic::Ordering::SeqCst);
    parties.give(BETA, 1, &tool(1), "all");
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.name(GAMMA, "received"), ALPHA);
    parties.world.clock.fetch_add(200 * DAY, std::sync::atomic::Ordering::SeqCst);
    // The sweeper looks with the next job of the writer.
    for _ in 0..100 {
        if parties
            .rows(GAMMA, "received")
            .first()
            .is_some_and(|row| parties.origin(GAMMA, row.2) == BETA)
        {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(parties.name(GAMMA, "received"), BETA);
    parties.verify();
}

/// What alpha gave to beta, beta adopted.
fn adopted_by_beta(rule: &str) -> Parties {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &tool(1), rule);
    parties.pull(BETA, ALPHA);
    assert_eq!(parties.adopt(BETA, "received", 1).adopted, 1);
    parties
}

#[test]
fn without_consent_nothing_of_another_party_leaves() {
    let parties = adopted_by_beta("party:beta.example");
    let refused = parties.try_share(BETA, "desk", 1, "party:gamma.example", None);
    assert_eq!((refused.shared, refused.refused), (0, 1));
    assert_eq!(refused.refusals[0].code, "release-not-own");
    assert!(refused.refusals[0].why.contains("--onward beta.example"), "{refused:?}");
    // Nor straight from where it arrives, whoever consents.
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    let received = parties.try_share(BETA, "received", 1, "party:gamma.example", None);
    assert_eq!(received.shared, 1, "it is adopted, wherever it is named: {received:?}");
    parties.verify();
}

#[test]
fn what_is_received_and_not_adopted_does_not_leave() {
    let parties = Parties::new();
    parties.give(ALPHA, 1, &tool(1), "party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    let refused = parties.try_share(BETA, "received", 1, "party:gamma.example", None);
    assert_eq!((refused.shared, refused.refused), (0, 1));
    assert!(refused.refusals[0].why.contains("adopt it first"), "{refused:?}");
    // It is not beta's to take back, adopted or not; what is undone is the adoption.
    let (node, by, ids) = (parties.node(BETA), parties.by(BETA, "releaser"), [id(1)]);
    for _ in 0..2 {
        let refused = node.take_back(&by, &ids, false, node.now()).unwrap_err().to_string();
        assert!(refused.contains("an object of `alpha.example`"), "{refused}");
        assert!(refused.contains("DELETE over TAXII"), "{refused}");
        parties.adopt(BETA, "received", 1);
    }
    parties.verify();
}

#[test]
fn who_does_not_hear_the_owner_any_more_passes_nothing_on() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.node(BETA).peer_remove(ALPHA).unwrap();
    let refused = parties.try_share(BETA, "desk", 1, "party:gamma.example", None);
    assert_eq!(refused.refusals[0].code, "release-not-own");
    assert!(refused.refusals[0].why.contains("comity peer add"), "{refused:?}");
    parties.verify();
}

#[test]
fn with_consent_it_goes_to_those_it_names_and_falls_with_its_origin() {
    let mut parties = adopted_by_beta("party:beta.example");
    let given = parties.consent(ALPHA, 1, BETA, "all");
    assert_eq!((given.shared, given.entries), (1, 1));
    assert_eq!(given.audiences[0].compiled.rule, "all", "as it was asked for");
    assert_eq!(parties.consent(ALPHA, 1, BETA, "party:gamma.example").known, 1);
    parties.pull(BETA, ALPHA);
    parties.share(BETA, 1, "all");
    // The consent is for beta, and gamma never learns what it says.
    parties.pull(GAMMA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.served(ALPHA, GAMMA).len(), 0);
    assert_eq!(parties.shown(GAMMA, "received-beta_example"), [1]);
    let served = parties.served(BETA, GAMMA);
    let (header, payload) = &served[0];
    assert_eq!(payload, tool(1).as_bytes());
    let refs: Vec<(&str, &str, u64)> =
        header.refs.iter().map(|one| (one.origin.as_str(), one.log.as_str(), one.index)).collect();
    assert_eq!(refs, [(ALPHA, "shared", 0), (ALPHA, "shared", 1)]);
    assert_eq!(header.audience.parties, [GAMMA], "its owner has it");
    assert_eq!(header.handling.tlp, "GREEN");
    // Its owner takes it back.
    parties.withdraw(ALPHA, 1);
    parties.pull(BETA, ALPHA);
    assert_eq!(parties.shown(BETA, "desk"), [0; 0]);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    parties.pull(BETA, GAMMA);
    parties.pull(ALPHA, BETA);
    assert_eq!(parties.receipts(BETA, ALPHA)[0]["onward"], 1);
    assert_eq!(parties.receipts(GAMMA, BETA)[0]["onward"], 0);
    assert_eq!(parties.node(ALPHA).withdrawals_open().unwrap(), []);
    assert_eq!(parties.node(BETA).withdrawals_open().unwrap(), []);
    for party in [ALPHA, BETA, GAMMA] {
        assert!(!parties.has_octets(party, b"EXERCISE 1\""), "{party}");
    }
    parties.verify();
}

#[test]
fn consent_that_is_taken_back_takes_along_what_was_passed_on_and_nothing_else() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    let node = parties.node(ALPHA);
    let by = parties.by(ALPHA, "releaser");
    let taken = node.take_back_consent(&by, &[id(1)], BETA, node.now()).unwrap();
    assert_eq!((taken.withdrawn, taken.told.as_slice()), (1, [BETA.to_owned()].as_slice()));
    assert!(node.take_back_consent(&by, &[id(1)], BETA, node.now()).is_err(), "there is none left");
    parties.pull(BETA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    assert_eq!(parties.shown(BETA, "desk"), [1], "what it was given itself stays");
    assert_eq!(parties.receipts(BETA, ALPHA)[0]["onward"], 1);
    let refused = parties.try_share(BETA, "desk", 1, "party:gamma.example", None);
    assert_eq!(refused.refusals[0].code, "release-not-own");
    parties.verify();
}

#[test]
fn consent_covers_those_it_names_and_no_wider_label() {
    let parties = Parties::new();
    parties.post(ALPHA, &tool(1));
    let shared = parties.try_share(ALPHA, "desk", 1, "party:beta.example", Some(Tlp::Amber));
    assert_eq!(shared.shared, 1);
    // Whom it is not open to cannot pass it on.
    let refused = parties.consent(ALPHA, 1, GAMMA, "party:beta.example");
    assert_eq!(refused.refusals[0].code, "release-unshared");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.adopt(BETA, "received", 1);
    let wider = parties.try_share(BETA, "desk", 1, "party:gamma.example", Some(Tlp::Green));
    assert_eq!(wider.refusals[0].code, "release-marking", "{wider:?}");
    let red = parties.try_share(BETA, "desk", 1, "party:gamma.example", Some(Tlp::Red));
    assert_eq!(red.shared, 1, "{red:?}");
    assert_eq!(parties.served(BETA, GAMMA)[0].0.handling.tlp, "RED");
    parties.verify();
}

#[test]
fn what_expires_at_its_owner_is_taken_back_by_who_passed_it_on() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    // Passed on late: it ends when what it passes on does, and not a whole life later.
    parties.world.clock.fetch_add(500 * DAY, std::sync::atomic::Ordering::SeqCst);
    parties.share(BETA, 1, "party:gamma.example");
    let owners = parties.served(ALPHA, BETA)[0].0.expires.clone();
    assert!(owners.is_some());
    assert_eq!(parties.served(BETA, GAMMA)[0].0.expires, owners);
    parties.world.clock.fetch_add(700 * DAY, std::sync::atomic::Ordering::SeqCst);
    let told = || {
        let served = parties.served(BETA, GAMMA);
        served.iter().any(|(header, _)| header.kind == Kind::Withdraw)
    };
    for _ in 0..100 {
        if told() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(told());
    parties.verify();
}

#[test]
fn who_has_it_from_somebody_else_cannot_pass_it_on_by_his_word() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    // Beta cannot consent for what is alpha's, and gamma cannot go by it if it did.
    let refused = parties.consent(BETA, 1, GAMMA, "party:alpha.example");
    assert_eq!(refused.refusals[0].code, "release-not-own");
    parties.adopt(GAMMA, "received", 1);
    let refused = parties.try_share(GAMMA, "desk", 1, "party:alpha.example", None);
    assert_eq!(refused.refusals[0].code, "release-not-own");
    assert!(refused.refusals[0].why.contains("passed on by `beta.example`"), "{refused:?}");
    parties.verify();
}

#[test]
fn what_is_passed_on_is_widened_and_taken_back_by_who_passed_it_on() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    let (node, by) = (parties.node(BETA), parties.by(BETA, "releaser"));
    let ids = [id(1)];
    let known = node.widen(&by, Granting::Objects(&ids), "party:gamma.example", node.now());
    assert_eq!(known.unwrap().known, 1);
    let own = node.widen(&by, Granting::Objects(&ids), "all", node.now()).unwrap();
    assert_eq!((own.known, own.refused), (1, 0), "its owner is left out: {own:?}");
    parties.withdraw(BETA, 1);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    assert_eq!(parties.shown(BETA, "desk"), [1], "what was given stays");
    // It is passed on again, and falls when beta lets go of it.
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    let at = parties.rows(BETA, "desk")[0].2;
    let refused =
        node.remove(&parties.by(BETA, "analyst"), &parties.desk(BETA), vec![at], node.now());
    assert!(refused.is_err(), "it takes the right to withdraw");
    node.remove(&by, &parties.desk(BETA), vec![at], node.now()).unwrap();
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    let withdrawals = parties.served(BETA, GAMMA).into_iter();
    assert_eq!(withdrawals.filter(|(header, _)| header.kind == Kind::Withdraw).count(), 2);
    parties.verify();
}

#[test]
fn nobody_reaches_into_the_log_of_another() {
    let (parties, mut stranger) = Stranger::among();
    let node = parties.node(BETA);
    node.peer_add(STRANGER, "127.0.0.1:1").unwrap();
    parties.give(GAMMA, 1, &tool(1), "party:beta.example");
    parties.pull(BETA, GAMMA);
    let gamma = node.peer(GAMMA).unwrap();
    let own = node.peer(STRANGER).unwrap();
    assert_ne!(gamma.shared, own.shared);
    let index = |at: u64| u64::from(gamma.shared ^ own.shared) << 48 | at;
    let consent = r#"{"onward":{"rule":"all","parties":["alpha.example"]}}"#;
    let names = |at| vec![Stranger::names(STRANGER, at)];
    stranger.says((node, BETA), Kind::Grant, names(index(0)), consent);
    // What is not there yet, and what is.
    stranger.says((node, BETA), Kind::Withdraw, names(index(1)), "{}");
    stranger.says((node, BETA), Kind::Withdraw, names(index(0)), "{}");
    stranger.says((node, BETA), Kind::Receipt, vec![Stranger::names(BETA, 16 << 48)], "{}");
    let received = stranger.comes_to(node);
    assert_eq!((received.kept, received.quarantined, received.withdrawn), (0, 4, 0));
    let aside = node.quarantined().unwrap();
    assert!(aside.iter().all(|one| one.code == "entry-header"), "{aside:?}");
    // Nothing of gamma's goes on by a stranger's word, and what it gives next comes in.
    assert_eq!(parties.adopt(BETA, "received", 1).adopted, 1);
    let refused = parties.try_share(BETA, "desk", 1, "party:alpha.example", None);
    assert_eq!((refused.shared, refused.refused), (0, 1), "{refused:?}");
    parties.give(GAMMA, 2, &tool(2), "party:beta.example");
    parties.pull(BETA, GAMMA);
    assert_eq!(parties.shown(BETA, "received"), [1, 2]);
    parties.verify();
}

#[test]
fn who_names_more_parties_than_may_be_consents_to_nothing() {
    let (parties, mut stranger) = Stranger::among();
    let node = parties.node(BETA);
    node.peer_add(STRANGER, "127.0.0.1:1").unwrap();
    let many: Vec<String> = (0..1001).map(|at| format!("p{at:04}.example")).collect();
    let consent = serde_json::json!({ "onward": { "rule": "all", "parties": many } });
    let names = vec![Stranger::names(STRANGER, 0)];
    stranger.says((node, BETA), Kind::Grant, names, &consent.to_string());
    assert_eq!(stranger.comes_to(node).quarantined, 1);
    assert_eq!(node.quarantined().unwrap()[0].code, "entry-consent");
    parties.verify();
}

/// What alpha gave to beta, beta passed on to gamma.
fn passed_on() -> Parties {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    parties.pull(ALPHA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    parties
}

#[test]
fn what_comes_back_without_peers_stays_its_owners_and_falls_with_it() {
    let mut parties = passed_on();
    parties.recover(BETA, GAMMA, false);
    let node = parties.node(BETA);
    assert_eq!(parties.served(BETA, GAMMA).len(), 1);
    assert!(node.collection("recovered").is_none(), "it is no object of its own");
    node.user_add("releaser", Role::Releaser, Some("an exercise pass phrase")).unwrap();
    let by = parties.by(BETA, "releaser");
    let widened = node.widen(&by, Granting::Objects(&[id(1)]), "all", node.now());
    assert!(widened.is_err(), "{widened:?}");
    node.peer_add(ALPHA, "127.0.0.1:1").unwrap();
    parties.withdraw(ALPHA, 1);
    parties.pull(BETA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    assert_eq!(parties.receipts(BETA, ALPHA)[0]["onward"], 1);
    parties.verify();
}

#[test]
fn consent_that_is_taken_back_while_its_holder_recovers_takes_along_what_names_it() {
    let mut parties = passed_on();
    let node = parties.node(ALPHA);
    let by = parties.by(ALPHA, "releaser");
    node.take_back_consent(&by, &[id(1)], BETA, node.now()).unwrap();
    // The consent is erased: nobody serves it again.
    parties.recover(BETA, GAMMA, true);
    parties.pull(BETA, ALPHA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    assert_eq!(parties.receipts(BETA, ALPHA)[0]["onward"], 1);
    assert_eq!(parties.shown(BETA, "received"), [1], "what it was given itself stays");
    parties.verify();
}

#[test]
fn of_a_party_that_is_halted_nothing_is_passed_on() {
    let parties = adopted_by_beta("party:beta.example");
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    parties.node(BETA).meet(ALPHA, |contact| contact.halted = Some("exercise".to_owned()));
    let refused = parties.try_share(BETA, "desk", 1, "party:gamma.example", None);
    assert_eq!((refused.shared, refused.refused), (0, 1), "{refused:?}");
    assert!(refused.refusals[0].why.contains("comity peer show"), "{refused:?}");
    parties.verify();
}

#[test]
fn what_was_passed_on_of_a_party_falls_when_it_is_convicted() {
    let (parties, mut stranger) = Stranger::among();
    let node = parties.node(BETA);
    node.peer_add(STRANGER, "127.0.0.1:1").unwrap();
    let consent = r#"{"onward":{"rule":"all","parties":["gamma.example"]}}"#;
    stranger.says((node, BETA), Kind::Share, Vec::new(), &tool(1));
    stranger.says((node, BETA), Kind::Grant, vec![Stranger::names(STRANGER, 0)], consent);
    assert_eq!(stranger.comes_to(node).kept, 2, "{:?}", node.quarantined());
    assert_eq!(parties.adopt(BETA, "received", 1).adopted, 1);
    parties.share(BETA, 1, "party:gamma.example");
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [1]);
    let other = Stranger::signs(2, Hash([9; 32]));
    let proof = node.contradiction(STRANGER, Log::Shared, other.as_bytes()).unwrap().unwrap();
    node.convict(STRANGER, Log::Shared, &proof).unwrap();
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    let refused = parties.try_share(BETA, "desk", 1, "party:gamma.example", None);
    assert_eq!((refused.shared, refused.refused), (0, 1), "{refused:?}");
    parties.verify();
}

#[test]
fn what_was_passed_on_of_a_party_falls_when_it_is_followed_no_longer() {
    let parties = passed_on();
    let node = parties.node(BETA);
    assert_eq!(node.peer_remove(ALPHA).unwrap().withdrawn, 1);
    assert!(node.peer_remove(ALPHA).is_err(), "nothing is left to do");
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    assert_eq!(parties.shown(BETA, "desk"), [1], "what it was given itself stays");
    parties.verify();
}

#[test]
fn what_was_passed_on_falls_when_what_is_ones_own_takes_its_place() {
    let parties = passed_on();
    parties.post(BETA, &tool(1));
    assert_eq!(parties.name(BETA, "desk"), BETA);
    parties.pull(GAMMA, BETA);
    assert_eq!(parties.shown(GAMMA, "received"), [0; 0]);
    parties.verify();
}

#[test]
fn a_copy_falls_once_where_consent_and_share_are_taken_back_together() {
    let parties = passed_on();
    let node = parties.node(ALPHA);
    let by = parties.by(ALPHA, "releaser");
    node.take_back_consent(&by, &[id(1)], BETA, node.now()).unwrap();
    parties.withdraw(ALPHA, 1);
    parties.pull(BETA, ALPHA);
    let told = parties.served(BETA, GAMMA).into_iter();
    assert_eq!(told.filter(|(header, _)| header.kind == Kind::Withdraw).count(), 1);
    parties.verify();
}
