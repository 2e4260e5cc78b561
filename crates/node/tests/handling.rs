//! What may be done with what is released, and whom somebody has to look into first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod parties;
mod world;

use std::sync::atomic::Ordering;

use comity_charter::{Pap, Tlp};
use comity_node::grant::Granting;
use comity_node::share::{Asked, Report};
use comity_wire::entry::Kind;
use comity_wire::stix::pap;
use parties::{ALPHA, BETA, GAMMA, Parties, id, readable};
use world::{DAY, tool};

fn marked(number: u32, wanted: pap::Pap) -> String {
    let (_, id) = pap::FIXED.iter().rfind(|(one, _)| *one == wanted).unwrap();
    tool(number).replace("\"name\":", &format!("\"object_marking_refs\":[\"{id}\"],\"name\":"))
}

fn share(parties: &Parties, party: &str, number: u32, rule: &str, pap: Option<Pap>) -> Report {
    let (node, ids) = (parties.node(party), [id(number)]);
    let asked = Asked { objects: Some(&ids), rule, tlp: Some(Tlp::Green), dry_run: false };
    let desk = readable(node, &parties.desk(party));
    node.share_under(&parties.by(party, "releaser"), desk, asked, pap, node.now()).unwrap()
}

#[test]
fn what_may_be_done_goes_along_and_is_never_wider_than_the_marking() {
    let parties = Parties::new();
    parties.post(ALPHA, &tool(1));
    parties.post(ALPHA, &marked(2, pap::Pap::Amber));
    parties.post(ALPHA, &tool(3));
    assert_eq!(share(&parties, ALPHA, 1, "all", Some(Pap::Red)).permitted["RED"], 1);
    let refused = share(&parties, ALPHA, 2, "all", Some(Pap::Green));
    assert_eq!(refused.refusals[0].code, "release-marking");
    assert!(refused.permitted.is_empty());
    assert_eq!(share(&parties, ALPHA, 2, "all", None).permitted["AMBER"], 1);
    assert!(share(&parties, ALPHA, 3, "all", None).permitted.is_empty());
    let paps: Vec<Option<String>> = parties
        .served(ALPHA, BETA)
        .into_iter()
        .filter(|(header, _)| header.kind == Kind::Share)
        .map(|(header, _)| header.handling.pap)
        .collect();
    assert_eq!(paps, [Some("RED".to_owned()), Some("AMBER".to_owned()), None]);
    parties.pull(GAMMA, ALPHA);
    assert_eq!(parties.shown(GAMMA, "received"), [1, 2, 3]);
    // Whoever passes it on permits no more.
    parties.pull(BETA, ALPHA);
    parties.adopt(BETA, "received", 1);
    parties.consent(ALPHA, 1, BETA, "party:gamma.example");
    parties.pull(BETA, ALPHA);
    let wider = share(&parties, BETA, 1, "party:gamma.example", Some(Pap::Green));
    assert_eq!(wider.refusals[0].code, "release-marking", "{wider:?}");
    assert_eq!(share(&parties, BETA, 1, "party:gamma.example", None).permitted["RED"], 1);
    parties.verify();
}

#[test]
fn nothing_goes_to_a_party_that_has_to_be_assessed_before_it_is() {
    let parties = Parties::assessing();
    parties.post(ALPHA, &tool(1));
    let refused = share(&parties, ALPHA, 1, "all", None);
    assert_eq!((refused.shared, refused.refusals[0].code), (0, "release-assessment"));
    let told: Vec<(&str, bool, bool)> = refused.audiences[0]
        .compiled
        .lines
        .iter()
        .map(|line| (line.party.as_str(), line.receives, line.why.contains("not assessed")))
        .collect();
    assert_eq!(told, [(ALPHA, false, false), (BETA, false, true), (GAMMA, false, true)]);
    let (node, now) = (parties.node(ALPHA), parties.node(ALPHA).now());
    let (releaser, analyst) = (parties.by(ALPHA, "releaser"), parties.by(ALPHA, "analyst"));
    let digest = "0a".repeat(32);
    let year = now + 365 * DAY;
    assert!(node.assess(&analyst, BETA, &digest, year, now).is_err(), "it takes the right");
    assert!(node.assess(&releaser, ALPHA, &digest, year, now).is_err(), "it is its own");
    assert!(node.assess(&releaser, BETA, "0a", year, now).is_err());
    assert!(node.assess(&releaser, BETA, &digest, now, now).is_err());
    assert!(node.assess(&releaser, BETA, &digest, now + 367 * DAY, now).is_err());
    node.assess(&releaser, BETA, &digest, year, now).unwrap();
    assert_eq!(share(&parties, ALPHA, 1, "party:beta.example", None).shared, 1);
    let ids = [id(1)];
    let widened = |parties: &Parties| {
        let (node, by) = (parties.node(ALPHA), parties.by(ALPHA, "releaser"));
        node.widen(&by, Granting::Objects(&ids), "party:gamma.example", node.now()).unwrap()
    };
    assert_eq!(widened(&parties).refusals[0].code, "release-assessment");
    node.assess(&releaser, GAMMA, &digest, now + DAY, now).unwrap();
    // It ends: then somebody looks anew.
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(widened(&parties).refusals[0].code, "release-assessment");
    node.assess(&releaser, GAMMA, &digest, node.now() + DAY, node.now()).unwrap();
    assert_eq!(widened(&parties).shared, 1);
    assert_eq!(node.assessments().unwrap().len(), 2);
    // A write into a collection that releases is a release.
    parties.world.clock.fetch_add(DAY, Ordering::SeqCst);
    let desk = parties.desk(ALPHA);
    node.collection_release(&releaser, &desk, "party:gamma.example", Some(Tlp::Green)).unwrap();
    let object = tool(2);
    let terms = comity_node::submit::Terms::default();
    let verdicts = node
        .submit(&analyst, &parties.desk(ALPHA), &[object.as_bytes()], terms, node.now())
        .unwrap();
    assert!(verdicts[0].outcome.is_refused(), "{verdicts:?}");
    parties.verify();
}
