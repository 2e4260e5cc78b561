//! Pages for a peer: nothing is missed and nothing comes twice, wherever it stops.

use comity_charter::Tlp;
use comity_node::grant::Granting;
use comity_node::release::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use comity_node::submit::Terms;
use comity_wire::entry::{Kind, Log};

use crate::body::{Body, id, id_of, tool};

/// Objects: more than two pages.
const OBJECTS: u32 = 600;

#[test]
fn a_grant_of_many_entries_is_read_from_any_place() {
    let body = Body::new();
    let wide = body.releasing("Wide", "party:beta.example", Tlp::Amber);
    let objects: Vec<String> = (0..OBJECTS).map(|number| tool(number, None)).collect();
    let objects: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
    let (node, now) = (body.node(), body.node().now());
    node.submit(&body.releaser, &wide, &objects, Terms::default(), now).unwrap();
    let report = node
        .widen(&body.releaser, Granting::Collection(&wide), "party:gamma.example", now)
        .unwrap();
    assert_eq!((report.shared, report.entries), (600, 3), "255 entries a grant");
    let mut cursors = vec![0];
    let mut ids = Vec::new();
    loop {
        let from = *cursors.last().unwrap();
        let page = node.release_to("gamma.example", Log::Shared, from, now).unwrap();
        assert!(page.openings.len() <= PAGE_ENTRIES_MAX);
        if page.scanned_to == from {
            break;
        }
        assert!(page.scanned_to > from);
        cursors.push(page.scanned_to);
    }
    assert!(cursors.len() > 3, "{cursors:?}");
    for got in body.served("gamma.example") {
        match got.header.kind {
            Kind::Share => ids.push(id_of(&got.payload)),
            Kind::Grant => assert_eq!(got.header.audience.parties, ["gamma.example"]),
            other => panic!("{other:?}"),
        }
    }
    let wanted: Vec<String> = (0..OBJECTS).map(id).collect();
    ids.sort();
    assert_eq!(ids, wanted, "each once");
    // Who stops anywhere and goes on from there has the same.
    for (at, from) in cursors.iter().enumerate() {
        let mut before = 0;
        for place in &cursors[..at] {
            let page = node.release_to("gamma.example", Log::Shared, *place, now).unwrap();
            before += page.openings.len();
        }
        let after = body.served_from("gamma.example", *from).len();
        assert_eq!(before + after, 603);
    }
    let seen = body.served("beta.example");
    assert_eq!(seen.len(), 600, "a grant is not for who has it");
    assert!(seen.windows(2).all(|two| two[0].index < two[1].index));
}

#[test]
fn a_grant_fits_on_a_page_by_octets_too() {
    let mut body = Body::new();
    let wide = body.releasing("Wide", "party:beta.example", Tlp::Amber);
    let long = "x".repeat(900_000);
    for number in 0..12 {
        let object = tool(number, None).replace("EXERCISE", &format!("EXERCISE {long}"));
        body.stored(&wide, &object);
    }
    let (node, now) = (body.node(), body.node().now());
    let report = node
        .widen(&body.releaser, Granting::Collection(&wide), "party:gamma.example", now)
        .unwrap();
    assert_eq!((report.shared, report.entries), (12, 3), "four of some 900 kB a grant");
    let (mut from, mut shares) = (0, 0);
    loop {
        let page = node.release_to("gamma.example", Log::Shared, from, now).unwrap();
        let octets: usize = page.openings.iter().map(|one| one.envelope.len()).sum();
        let last = page.openings.last().map_or(0, |one| one.envelope.len());
        assert!(octets - last <= PAGE_BYTES_MAX, "{octets}");
        shares += page.openings.iter().filter(|one| one.envelope.len() > 900_000).count();
        if page.scanned_to == from {
            break;
        }
        from = page.scanned_to;
    }
    assert_eq!(shares, 12);
    body.verify();
}

#[test]
fn a_withdrawal_of_many_names_some_hundreds_at_a_time() {
    let body = Body::new();
    let wide = body.releasing("Wide", "party:beta.example", Tlp::Amber);
    let objects: Vec<String> = (0..OBJECTS).map(|number| tool(number, None)).collect();
    let objects: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
    let (node, now) = (body.node(), body.node().now());
    node.submit(&body.releaser, &wide, &objects, Terms::default(), now).unwrap();
    let ids: Vec<String> = (0..OBJECTS).map(id).collect();
    body.withdraw(&ids, false);
    let got = body.served("beta.example");
    let refs: Vec<usize> = got.iter().map(|got| got.header.refs.len()).collect();
    assert_eq!(refs, [300, 300]);
    assert!(body.served("gamma.example").is_empty());
}
