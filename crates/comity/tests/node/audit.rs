//! What is recorded of reads, who sees it, and when it is on disk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_wire::entry::{Header, Kind, split};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::harness::{Place, wait_for};
use super::http::{Client, TAXII, objects};
use super::sample::{envelope, id, tool};

/// The records of the audit log, as it is released to this caller, each with its entry's index.
pub(crate) fn records(client: &Client) -> Vec<Value> {
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let page = client.get(&format!("/log/audit/release?from={from}"));
        if page.status == 503 {
            return found;
        }
        let before = from;
        for line in page.is(200).text().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            match line["scanned_to"].as_u64() {
                Some(to) => from = to,
                None => found.extend(opened(&line)),
            }
        }
        if from == before {
            return found;
        }
    }
}

fn opened(line: &Value) -> Vec<Value> {
    let envelope = STANDARD.decode(line["envelope"].as_str().unwrap()).unwrap();
    let (head, payload) = split(&envelope).unwrap();
    let header = Header::parse(head).unwrap();
    assert_eq!(header.kind, Kind::Access);
    assert_eq!(header.audience.rule, "reviewer");
    serde_json::from_slice(payload).unwrap()
}

/// The pseudonym of a user.
fn pseudonym(place: &Place, name: &str) -> String {
    let users = place.run(&["--json", "user", "list", "DIR"]).exits(0).json();
    let users = users["users"].as_array().unwrap().clone();
    let user = users.iter().find(|user| user["name"] == name).unwrap();
    user["pseudonym"].as_str().unwrap().to_owned()
}

fn digest(question: &str) -> String {
    let digest = Sha256::digest(question.as_bytes());
    digest[..8].iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A node with three objects, an analyst, and the one who looks at the log.
fn place() -> Place {
    let place = Place::with_desk();
    place.user("reviewer", "reviewer");
    let three: Vec<String> = (0..3).map(|number| tool(number, "x")).collect();
    let file = place.file("three.json", envelope(&three));
    place.run(&["import", "DIR", &file]).exits(0);
    place
}

#[test]
fn reads_are_recorded_for_the_reviewer_by_pseudonym_and_digest() {
    let place = place();
    let desk = pseudonym(&place, "desk");
    let served = place.serve();
    let client = served.ask("desk");
    let question = "limit=2&match[type]=tool";
    let page = client.get(&format!("{}?{question}", objects("desk"))).is(200);
    let ends = ["first", "last"].map(|end| {
        let name = format!("x-taxii-date-added-{end}");
        page.headers[&name].to_str().unwrap().to_owned()
    });
    let one = format!("{}{}/", objects("desk"), id(1));
    client.get(&one).is(200);
    client.get(&format!("{one}versions/")).is(200);
    client.get("/taxii2/comity/collections/desk/manifest/").is(200);
    client.get(&format!("{}{}/", objects("desk"), id(77))).is(404);
    client.get("/log/private/release").is(200);
    let reviewer = served.ask("reviewer");
    let wanted = ["objects", "object", "versions", "manifest", "release"];
    let found = wait_for("the records", || {
        let found = records(&reviewer);
        let has = |action: &&str| found.iter().any(|record| record["action"] == **action);
        wanted.iter().all(has).then_some(found)
    });
    let mine: Vec<&Value> = found.iter().filter(|one| one["caller"] == desk).collect();
    let page = mine.iter().find(|one| one["action"] == "objects").unwrap();
    assert_eq!(page["question"], digest(question));
    assert_eq!((&page["count"], &page["times"]), (&2.into(), &1.into()));
    assert_eq!(page["role"], "analyst");
    let listed = client.get("/taxii2/comity/collections/").is(200).json();
    assert_eq!(page["collection"], listed["collections"][0]["id"]);
    for (end, text) in ["first", "last"].iter().zip(ends) {
        let micros = comity_wire::time::Micros::parse(&text).unwrap();
        assert_eq!(page[end], micros.0, "{page:#}");
    }
    // One that found nothing is recorded, too.
    let unknown = mine.iter().filter(|one| one["action"] == "object");
    let counts: Vec<u64> = unknown.filter_map(|one| one["count"].as_u64()).collect();
    assert!(counts.contains(&0) && counts.contains(&1), "{found:#?}");
    // No name of a user, no question in clear.
    let text = serde_json::to_string(&found).unwrap();
    for word in ["\"desk\"", "\"reviewer\"", "match", "limit=", &id(1)] {
        let roles = text.replace("\"role\":\"reviewer\"", "");
        assert!(!roles.contains(word), "{word}: {text}");
    }
    served.stop();
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn nobody_but_a_reviewer_reads_the_records() {
    let place = place();
    let roles = ["reader", "analyst", "releaser", "delegate", "operator"];
    for role in roles {
        place.user(&format!("the-{role}"), role);
    }
    let served = place.serve();
    served.ask("desk").get(&objects("desk")).is(200);
    let reviewer = served.ask("reviewer");
    wait_for("the record", || (!records(&reviewer).is_empty()).then_some(()));
    for role in roles {
        let client = served.ask(&format!("the-{role}"));
        client.get("/log/audit/release").is(403);
        let wanted = if role == "operator" { 200 } else { 403 };
        client.get("/log/audit/checkpoint").is(wanted);
        client.get("/log/audit/vkey").is(wanted);
        client.get("/log/audit/tile/entries/000.p/1").is(wanted);
    }
    let anonymous = Client::anonymous(&served.url);
    anonymous.get("/log/audit/release").is(401);
    // Nor does it reach anybody by another log.
    for log in ["private", "acts", "shared"] {
        let told = served.ask("desk").get(&format!("/log/{log}/release")).is(200);
        for line in told.text().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Some(envelope) = line["envelope"].as_str() {
                let envelope = STANDARD.decode(envelope).unwrap();
                let header = Header::parse(split(&envelope).unwrap().0).unwrap();
                assert_ne!(header.kind, Kind::Access);
            }
        }
    }
}

#[test]
fn equal_reads_of_one_second_are_one_record_with_their_number() {
    let place = place();
    let served = place.serve();
    let client = served.ask("desk");
    for _ in 0..40 {
        client.get(&objects("desk")).is(200);
    }
    let reviewer = served.ask("reviewer");
    let found = wait_for("forty reads", || {
        let mut found = records(&reviewer);
        found.retain(|record| record["action"] == "objects");
        let times = |record: &Value| record["times"].as_u64().unwrap();
        (found.iter().map(times).sum::<u64>() == 40).then_some(found)
    });
    let seconds: std::collections::BTreeSet<i64> =
        found.iter().filter_map(|record| record["at"].as_i64()).collect();
    println!("40 reads: {} records, {} seconds", found.len(), seconds.len());
    assert!(found.len() < 40, "{found:#?}");
}

/// Asks once, kills the node as soon as the answer is there, and counts what the log has.
fn recorded_at_death(place: &Place, round: usize) -> usize {
    let served = place.serve();
    let path = format!("{}?limit={}", objects("desk"), round + 1);
    let headers = [("Accept", TAXII)];
    served.ask("desk").send("GET", &path, &headers, &[]).is(200);
    served.kill();
    let question = digest(&format!("limit={}", round + 1));
    let reader = comity_tlog::Reader::open(&place.path()).unwrap();
    let mut found = 0;
    let from = comity_tlog::EntryRef { log: comity_wire::entry::Log::Audit.id(), index: 0 };
    reader
        .entries(from, |_, envelope| {
            let records: Vec<Value> =
                serde_json::from_slice(split(envelope.unwrap()).unwrap().1).unwrap();
            let mine = records.iter().filter(|record| record["question"] == question);
            found += mine.count();
            true
        })
        .unwrap();
    found
}

#[test]
fn with_a_strict_charter_the_record_is_on_disk_before_the_answer() {
    let place = Place::empty();
    let text = comity_charter::one_party("cert.example", "Strict")
        .replace("before_answer = false", "before_answer = true");
    let charter = place.file("charter.toml", &text);
    let line = ["init", "DIR", "--charter", &charter, "--party", "cert.example"];
    place.run(&line).exits(0);
    place.user("desk", "analyst");
    place.collection("desk");
    for round in 0..5 {
        assert_eq!(recorded_at_death(&place, round), 1, "round {round}");
    }
    place.run(&["verify", "DIR"]).exits(0);
}
