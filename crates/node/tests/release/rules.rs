//! What a release has to hold to, one by one.

use comity_charter::Tlp;
use comity_node::NodeError;
use comity_node::grant::Granting;
use comity_node::share::Asked;
use comity_node::submit::{Outcome, Terms};
use comity_wire::entry::{Kind, Log};

use crate::body::{Body, OTHERS, SERVED, id, id_of, tool};

/// An object that waits for an attestation: nobody said how large the group is.
const HELD: &str = r#"{"type":"threat-actor","spec_version":"2.1","id":"threat-actor--8e2e2d2b-17d4-4cbf-938f-00000000aaaa","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"EXERCISE"}"#;

#[test]
fn what_is_shared_has_the_octets_the_list_and_a_reference() {
    let body = Body::new();
    let object = tool(1, None).replace("\"name\"", " \"name\"");
    body.stored(&body.desk, &object);
    let report = body.share(&[id(1)], "tier:member", Some(Tlp::Green)).unwrap();
    assert_eq!((report.objects, report.shared, report.entries), (1, 1, 1));
    let got = body.served("beta.example").remove(0);
    assert_eq!(got.payload, object.as_bytes(), "octet for octet");
    assert_eq!(got.header.audience.rule, "tier:member");
    assert_eq!(got.header.audience.parties, ["beta.example"]);
    assert_eq!((got.header.handling.tlp.as_str(), got.header.log.as_str()), ("GREEN", "shared"));
    assert_eq!(got.header.author.role, "releaser");
    let of = &got.header.refs[0];
    assert_eq!((of.log.as_str(), of.index, got.header.refs.len()), ("private", 0, 1));
    assert_eq!(of.leaf.len(), 66);
    for other in ["gamma.example", "delta.example", "epsilon.example", "alpha.example", "x"] {
        assert!(body.served(other).is_empty(), "{other}");
    }
}

#[test]
fn nobody_is_nobody() {
    let body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    for rule in ["none", "party:epsilon.example", "party:alpha.example"] {
        let refused = body.share(&[id(1)], rule, None).unwrap_err();
        assert!(matches!(refused, NodeError::Nobody { .. }), "{rule}: {refused}");
        assert!(refused.to_string().contains("reaches no party now"), "{refused}");
    }
    let desk = &body.desk;
    let refused = body
        .node()
        .collection_release(&body.releaser, desk, "party:epsilon.example", None)
        .unwrap_err();
    assert!(matches!(refused, NodeError::Nobody { .. }));
    assert_eq!(body.node().released().unwrap().shares, 0);
}

#[test]
fn a_dry_run_says_who_and_why_and_writes_nothing() {
    let body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    body.stored(&body.desk, &tool(2, Some(Tlp::Red)));
    let before = body.node().checkpoint(Log::Shared).unwrap();
    let analyst = body.node().acting("analyst").unwrap();
    let asked = Asked { objects: None, rule: "all", tlp: None, dry_run: true };
    let now = body.node().now();
    let report = body.node().share(&analyst, body.readable(&body.desk), asked, now).unwrap();
    assert_eq!((report.objects, report.shared, report.refused, report.entries), (2, 1, 1, 0));
    assert_eq!(report.refusals[0].code, "release-red");
    let lines = &report.audiences[0].compiled.lines;
    let told: Vec<(&str, bool)> =
        lines.iter().map(|line| (line.party.as_str(), line.receives)).collect();
    let wanted = [
        ("alpha.example", false),
        ("beta.example", true),
        ("gamma.example", true),
        ("delta.example", true),
        ("epsilon.example", false),
    ];
    assert_eq!(told, wanted);
    assert!(lines.iter().all(|line| !line.why.is_empty()));
    assert_eq!(body.node().checkpoint(Log::Shared).unwrap(), before);
    // To do it takes the right.
    let asked = Asked { dry_run: false, ..asked };
    let refused = body.node().share(&analyst, body.readable(&body.desk), asked, now).unwrap_err();
    assert!(refused.to_string().contains("the right to release"), "{refused}");
}

#[test]
fn sharing_again_is_known_and_never_wider_or_narrower() {
    let body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "party:beta.example,gamma.example", None).unwrap();
    let again = body.share(&[id(1)], "party:gamma.example,beta.example", None).unwrap();
    assert_eq!((again.known, again.shared, again.entries), (1, 0, 0));
    let less = body.share(&[id(1)], "party:beta.example", None).unwrap();
    assert_eq!((less.known, less.entries), (1, 0));
    assert_eq!(body.who_has(&id(1)), ["beta.example", "gamma.example"], "nothing was narrowed");
    let more = body.share(&[id(1)], "all", None).unwrap();
    assert_eq!((more.refused, more.entries), (1, 0));
    assert_eq!(more.refusals[0].code, "release-shared");
    assert!(more.refusals[0].why.contains("without delta.example"), "{more:?}");
    assert!(more.refusals[0].why.contains("comity grant"), "{more:?}");
    assert_eq!(body.who_has(&id(1)), ["beta.example", "gamma.example"]);
    body.grant(&[id(1)], "all").unwrap();
    assert_eq!(body.who_has(&id(1)), SERVED);
    let granted = body.share(&[id(1)], "all", None).unwrap();
    assert_eq!((granted.known, granted.refused), (1, 0));
}

#[test]
fn a_grant_is_for_those_who_lack_it_and_for_nobody_else() {
    let body = Body::new();
    for number in 1..=3 {
        body.stored(&body.desk, &tool(number, None));
    }
    body.share(&[id(1)], "party:beta.example", None).unwrap();
    body.share(&[id(2)], "party:gamma.example", None).unwrap();
    let report = body.grant(&[id(1), id(2), id(3)], "party:beta.example,gamma.example").unwrap();
    assert_eq!((report.objects, report.shared, report.refused, report.entries), (3, 2, 1, 2));
    assert_eq!(report.refusals[0].code, "release-unshared");
    for (party, old, new) in [("beta.example", 1, 2), ("gamma.example", 2, 1)] {
        let got = body.served(party);
        let kinds: Vec<Kind> = got.iter().map(|got| got.header.kind).collect();
        assert_eq!(kinds, [Kind::Share, Kind::Grant, Kind::Share], "{party}");
        assert_eq!(id_of(&got[0].payload), id(old));
        assert_eq!(got[1].header.audience.parties, [party]);
        assert_eq!(id_of(&got[2].payload), id(new));
        assert!(got[2].index < got[1].index, "it is an old entry");
        assert_eq!(got[1].header.refs[0].index, got[2].index);
    }
    assert!(body.served("delta.example").is_empty());
    // A second time there is nothing to do.
    let again = body.grant(&[id(1), id(2)], "party:beta.example,gamma.example").unwrap();
    assert_eq!((again.known, again.entries), (2, 0));
}

#[test]
fn a_new_party_gets_what_was_before_by_a_grant_alone() {
    let mut body = Body::new();
    let before: Vec<_> = OTHERS.into_iter().filter(|(id, _)| *id != "delta.example").collect();
    body.reopen(&before);
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "all", None).unwrap();
    body.reopen(&OTHERS);
    assert!(body.served("delta.example").is_empty());
    body.stored(&body.desk, &tool(2, None));
    body.share(&[id(2)], "all", None).unwrap();
    assert_eq!(body.who_has(&id(2)), SERVED);
    assert_eq!(body.who_has(&id(1)), ["beta.example", "gamma.example"]);
    let desk = &body.desk;
    let granted = body
        .node()
        .widen(&body.releaser, Granting::Collection(desk), "all", body.node().now())
        .unwrap();
    assert_eq!((granted.shared, granted.known, granted.entries), (1, 1, 1));
    assert_eq!(body.who_has(&id(1)), SERVED);
}

#[test]
fn a_write_into_a_releasing_collection_is_a_release_and_into_others_none() {
    let body = Body::new();
    let wide = body.releasing("Wide", "all", Tlp::Amber);
    body.stored(&wide, &tool(1, None));
    body.stored(&body.desk, &tool(2, None));
    assert_eq!(body.who_has(&id(1)), SERVED);
    assert!(body.who_has(&id(2)).is_empty());
    let got = body.served("beta.example").remove(0);
    assert_eq!(got.header.handling.tlp, "AMBER", "the label of the collection");
    assert!(got.header.refs.is_empty(), "it stands in no other entry");
    // Marked wider, it keeps its marking; marked stricter, it does not leave.
    body.stored(&wide, &tool(3, Some(Tlp::Clear)));
    assert_eq!(body.served("beta.example")[1].header.handling.tlp, "CLEAR");
    let verdict = body.post(&wide, &tool(4, Some(Tlp::Red)));
    let Outcome::Refused(refusal) = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(refusal.code.id, "release-marking");
    assert!(refusal.hint.is_some());
    // What is here already is shared by a write, once.
    let verdict = body.post(&wide, &tool(2, None));
    assert_eq!(verdict.outcome, Outcome::Known);
    assert_eq!(body.post(&wide, &tool(2, None)).outcome, Outcome::Known);
    assert_eq!(body.objects("beta.example")[&id(2)], 1);
    let copy = body.served("beta.example").into_iter().find(|got| id_of(&got.payload) == id(2));
    assert_eq!(copy.unwrap().header.refs[0].log, "private");
    // What some have is not given to more by writing it again.
    body.stored(&body.desk, &tool(5, None));
    body.share(&[id(5)], "party:gamma.example", None).unwrap();
    let verdict = body.post(&wide, &tool(5, None));
    let missing = ["beta.example", "delta.example"].map(str::to_owned).to_vec();
    assert_eq!(verdict.outcome, Outcome::Narrower(missing));
    assert!(verdict.outcome.message().unwrap().contains("comity grant"));
    assert_eq!(body.who_has(&id(5)), ["gamma.example"]);
    // Off again: private.
    body.node().collection_release(&body.releaser, &wide, "none", None).unwrap();
    body.stored(&body.node().collection(&wide.id).unwrap(), &tool(6, None));
    assert!(body.who_has(&id(6)).is_empty());
}

#[test]
fn a_release_rule_takes_a_releaser() {
    let body = Body::new();
    let analyst = body.node().acting("analyst").unwrap();
    let refused = body.node().collection_release(&analyst, &body.desk, "all", None).unwrap_err();
    assert!(refused.to_string().contains("the right to release"), "{refused}");
    assert!(body.node().collection(&body.desk.id).unwrap().release.is_none());
    body.node().collection_release(&body.releaser, &body.desk, "all", None).unwrap();
    let release = body.node().collection(&body.desk.id).unwrap().release.unwrap();
    assert_eq!((release.rule.as_str(), release.tlp.as_str()), ("all", "AMBER+STRICT"));
    assert_eq!(release.author, body.releaser.account.pseudonym);
    assert!(body.node().acting("nobody").is_err());
    body.node().user_disable("releaser").unwrap();
    assert!(body.node().acting("releaser").is_err());
}

#[test]
fn what_waits_for_an_attestation_goes_to_nobody_before() {
    let mut body = Body::new();
    let wide = body.releasing("Wide", "all", Tlp::Amber);
    let actor = "threat-actor--8e2e2d2b-17d4-4cbf-938f-00000000aaaa".to_owned();
    let verdict = body.post(&wide, HELD);
    let Outcome::Stored(noted) = &verdict.outcome else { panic!("{verdict:?}") };
    assert!(noted.held_back.is_some());
    assert!(body.who_has(&actor).is_empty());
    body.post(&body.desk, HELD);
    let report = body.share(std::slice::from_ref(&actor), "all", None).unwrap();
    assert_eq!((report.refused, report.refusals[0].code), (1, "release-held"));
    // Somebody attests; then it may go, and the attestation goes with it.
    let (node, terms) = (body.node(), Terms { attested: true });
    let attested = node
        .submit(&body.releaser, &body.desk, &[HELD.as_bytes()], terms, node.now())
        .unwrap()
        .remove(0);
    assert_eq!(attested.outcome, Outcome::Attested);
    assert!(body.who_has(&actor).is_empty());
    body.share(std::slice::from_ref(&actor), "all", None).unwrap();
    assert_eq!(body.who_has(&actor), SERVED);
    let got = body.served("beta.example").remove(0);
    let by = got.header.attested.unwrap();
    assert_eq!(by.pseudonym, body.releaser.account.pseudonym);
    body.verify();
}

#[test]
fn an_attestation_in_a_releasing_collection_releases() {
    let mut body = Body::new();
    let wide = body.releasing("Wide", "all", Tlp::Amber);
    body.post(&wide, HELD);
    let (node, terms) = (body.node(), Terms { attested: true });
    node.submit(&body.releaser, &wide, &[HELD.as_bytes()], terms, node.now()).unwrap();
    let got = body.served("beta.example").remove(0);
    assert_eq!(got.header.refs[0].log, "private");
    assert!(got.header.attested.is_some());
    body.verify();
}

#[test]
fn markings_and_labels_agree_or_nothing_leaves() {
    let body = Body::new();
    let lights = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
    let mut number = 0;
    for marked in lights {
        for asked in lights.map(Some).into_iter().chain([None]) {
            number += 1;
            body.stored(&body.desk, &tool(number, Some(marked)));
            let report = body.share(&[id(number)], "party:beta.example", asked).unwrap();
            let may = asked.is_none_or(|asked| marked <= asked);
            assert_eq!(report.shared == 1, may, "{marked:?} {asked:?} {report:?}");
            if may {
                let got = body.served("beta.example").pop().unwrap();
                assert_eq!(got.header.handling.tlp, asked.unwrap_or(marked).label());
            } else {
                assert_eq!(report.refusals[0].code, "release-marking");
            }
        }
    }
    // No marking and nothing said: what its collection says, and that is the charter's strictest.
    body.stored(&body.desk, &tool(100, None));
    body.share(&[id(100)], "party:beta.example", None).unwrap();
    assert_eq!(body.served("beta.example").pop().unwrap().header.handling.tlp, "AMBER+STRICT");
}

#[test]
fn a_withdrawal_is_told_to_exactly_those_who_could_open_it() {
    let mut body = Body::new();
    for number in 1..=4 {
        body.stored(&body.desk, &tool(number, None));
    }
    body.share(&[id(1), id(2)], "party:beta.example", None).unwrap();
    body.share(&[id(3)], "party:gamma.example", None).unwrap();
    body.grant(&[id(2)], "party:delta.example").unwrap();
    let before: Vec<usize> = SERVED.iter().map(|party| body.served(party).len()).collect();
    assert_eq!(before, [2, 1, 2]);
    let told = body
        .node()
        .take_back(&body.releaser, &[id(1), id(2), id(3), id(4)], false, body.node().now())
        .unwrap();
    assert_eq!((told.objects, told.withdrawn), (4, 7));
    assert_eq!(told.told, ["beta.example", "delta.example", "gamma.example"]);
    let withdrawn = |party: &str| {
        let all = body.served(party);
        assert!(all.iter().all(|got| got.header.kind != Kind::Share), "{party}");
        let of = all.into_iter().filter(|got| got.header.kind == Kind::Withdraw);
        of.map(|got| {
            let parties = got.header.audience.parties.clone();
            (parties, got.header.refs.iter().map(|of| of.index).collect::<Vec<_>>())
        })
        .collect::<Vec<_>>()
    };
    let [beta, gamma, delta] = SERVED;
    let one = (vec![beta.to_owned()], vec![0]);
    let two = (vec![beta.to_owned(), delta.to_owned()], vec![1]);
    assert_eq!(withdrawn(beta), [one, two.clone()]);
    assert_eq!(withdrawn(delta), [two]);
    assert_eq!(withdrawn(gamma), [(vec![gamma.to_owned()], vec![2])]);
    body.verify();
}

#[test]
fn copies_fall_with_what_they_are_copies_of() {
    let mut body = Body::new();
    let second = comity_node::collection::New { title: "B".to_owned(), ..Default::default() };
    let second = body.node().collection_add(&second).unwrap();
    body.stored(&body.desk, &tool(1, None));
    body.post(&second, &tool(1, None));
    body.share(&[id(1)], "party:beta.example", None).unwrap();
    let rows = |collection| {
        let query = comity_wire::taxii::filter::Query::default();
        let page = body.node().page(body.readable(collection), &query, 10).unwrap();
        page.rows.into_iter().map(|row| row.position).collect::<Vec<_>>()
    };
    let (node, now) = (body.node(), body.node().now());
    // An analyst may not take back what others have.
    let analyst = node.acting("analyst").unwrap();
    let refused = node.remove(&analyst, &body.desk, rows(&body.desk), now).unwrap_err();
    assert!(refused.to_string().contains("the right to withdraw"), "{refused}");
    // As long as a collection holds it, it stays.
    node.remove(&body.releaser, &body.desk, rows(&body.desk), now).unwrap();
    assert_eq!(body.who_has(&id(1)), ["beta.example"]);
    let removed = node.remove(&body.releaser, &second, rows(&second), now).unwrap();
    assert_eq!(removed.withdrawn, 2);
    assert!(body.who_has(&id(1)).is_empty());
    let kinds: Vec<Kind> = body.served("beta.example").iter().map(|got| got.header.kind).collect();
    assert_eq!(kinds, [Kind::Withdraw]);
    // It may be shared again: a withdrawal names an entry, not an object.
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "party:gamma.example", None).unwrap();
    assert_eq!(body.who_has(&id(1)), ["gamma.example"]);
    body.verify();
}

#[test]
fn what_was_shared_can_be_taken_back_and_kept() {
    let mut body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "all", None).unwrap();
    body.withdraw(&[id(1)], true);
    assert!(body.who_has(&id(1)).is_empty());
    let query = comity_wire::taxii::filter::Query::default();
    let page = body.node().page(body.readable(&body.desk), &query, 10).unwrap();
    assert_eq!(page.rows.len(), 1, "the private entry is here");
    body.share(&[id(1)], "party:beta.example", None).unwrap();
    assert_eq!(body.who_has(&id(1)), ["beta.example"]);
    body.verify();
}

#[test]
fn what_has_expired_is_not_served_and_its_recipients_are_told() {
    let body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "party:beta.example", None).unwrap();
    let days = i64::from(body.desk.expires_days);
    let later = crate::world::NOW + days * crate::world::DAY;
    let page = body.node().release_to("beta.example", Log::Shared, 0, later).unwrap();
    assert!(page.openings.is_empty());
    body.world.clock.store(later + crate::world::DAY, std::sync::atomic::Ordering::SeqCst);
    // Any write lets the writer look for what has expired.
    body.stored(&body.desk, &tool(2, None));
    body.stored(&body.desk, &tool(3, None));
    let kinds: Vec<Kind> = body.served("beta.example").iter().map(|got| got.header.kind).collect();
    assert_eq!(kinds, [Kind::Withdraw]);
    assert!(body.served("gamma.example").is_empty());
}

#[test]
fn standing_is_that_of_the_moment() {
    let mut body = Body::new();
    body.stored(&body.desk, &tool(1, None));
    body.share(&[id(1)], "all", None).unwrap();
    let acts = |body: &Body, party: &str| {
        body.node().release_to(party, Log::Acts, 0, body.node().now()).unwrap().openings.len()
    };
    assert_eq!(body.who_has(&id(1)), SERVED);
    assert_eq!(acts(&body, "gamma.example"), 2);
    let without: Vec<_> = OTHERS.into_iter().filter(|(id, _)| *id != "gamma.example").collect();
    body.reopen(&without);
    assert_eq!(body.who_has(&id(1)), ["beta.example", "delta.example"]);
    assert_eq!(acts(&body, "gamma.example"), 0);
    let place = body.node().release_to("gamma.example", Log::Shared, 0, body.node().now());
    assert_eq!(place.unwrap().scanned_to, 0, "its place stays");
    body.reopen(&OTHERS);
    assert_eq!(body.who_has(&id(1)), SERVED);
    for log in [Log::Private, Log::Audit] {
        let page = body.node().release_to("beta.example", log, 0, body.node().now()).unwrap();
        assert!(page.openings.is_empty());
    }
}
