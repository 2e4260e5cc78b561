//! Input that is not what it should be: by TAXII and by `comity import`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::harness::{Place, Ran, holds};
use super::http::{Reply, TAXII, objects};
use super::sample::{self, CREATED, bundle, envelope, id, tool};

/// Stands in everything that has to be refused, and may not be found anywhere afterwards.
const CANARY: &str = "canary7Qx2";

/// Levels of JSON that no parser should follow.
const DEPTH: usize = 10_000;

/// Carriers that cannot be read: nothing of them is an object.
fn carriers() -> Vec<(&'static str, Vec<u8>)> {
    let whole = envelope(&[tool(1, CANARY)]);
    let deep = "[".repeat(DEPTH);
    let members = format!(r#"{{"id":{deep}"#);
    let objects = format!(r#"{{"objects":[],"{CANARY}":{deep}{}}}"#, "]".repeat(DEPTH));
    vec![
        ("nothing", Vec::new()),
        ("an empty object", b"{}".to_vec()),
        ("a list", format!(r#"["{CANARY}"]"#).into_bytes()),
        ("truncated", whole.as_bytes()[..whole.len() - 2].to_vec()),
        ("text behind it", format!("{whole} {CANARY}").into_bytes()),
        ("not UTF-8", b"{\"objects\":[],\"\xff\xfe\":1}".to_vec()),
        ("objects twice", format!(r#"{{"objects":[],"objects":["{CANARY}"]}}"#).into_bytes()),
        ("objects of another class", format!(r#"{{"objects":"{CANARY}"}}"#).into_bytes()),
        ("10,000 lists", deep.into_bytes()),
        ("10,000 levels in a member", members.into_bytes()),
        ("10,000 levels, all closed", objects.into_bytes()),
    ]
}

#[test]
fn a_carrier_that_cannot_be_read_is_refused_whole() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    for (what, body) in carriers() {
        let reply = desk.add("desk", &body);
        assert_eq!(reply.status, 422, "{what}: {}", reply.text());
        assert!(!reply.text().contains(CANARY), "{what}: {}", reply.text());
        assert!(reply.json()["description"].is_string(), "{what}");
    }
    assert!(desk.get(&objects("desk")).is(200).objects().is_empty());
    served.stop();
    for (what, body) in carriers() {
        let file = place.file("carrier.json", &body);
        let ran = place.run(&["import", "DIR", &file]);
        // An empty object is an envelope of nothing.
        let empty = what == "an empty object";
        assert_eq!(ran.code, Some(i32::from(!empty)), "{what}: {ran:#?}");
        assert!(ran.out.contains("broken off: ") != empty, "{what}: {ran:#?}");
        assert!(!format!("{ran:?}").contains(CANARY), "{what}: {ran:#?}");
    }
    assert!(!served_log(&place).contains(CANARY));
    // What came before the break is stored, as the command says; the rest was on no disk.
    let held = place.files_with(CANARY.as_bytes());
    assert!(held.is_empty(), "{held:?}");
    place.run(&["verify", "DIR"]).exits(0);
}

fn served_log(place: &Place) -> String {
    std::fs::read_to_string(place.beside("serve.log")).unwrap_or_default()
}

/// Objects that are refused, each with its code. The canary stands in each.
fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let long = |text: String| text.into_bytes();
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let tool = |number: u64| tool(number, CANARY);
    let latin = tool(107).replace(CANARY, &format!("{CANARY} ?"));
    let latin = latin.bytes().map(|octet| if octet == b'?' { 0xe9 } else { octet }).collect();
    let person = |members: &str| {
        let at = format!(r#""created":"{CREATED}","modified":"{CREATED}""#);
        let id = "identity--5c2b7f10-0000-4000-8000-000000000001";
        format!(r#"{{"type":"identity","spec_version":"2.1","id":"{id}",{at},{members}}}"#)
    };
    vec![
        ("not-json", long(tool(101).replace(":\"tool\"", ":tool"))),
        (
            "not-json",
            long(tool(102).replace(r#","name""#, &format!(r#","name":"{CANARY}","name""#))),
        ),
        ("not-json", long(tool(103).replace(r#","name""#, &format!(r#","x_deep":{deep},"name""#)))),
        ("not-json", latin),
        ("id-malformed", long(tool(104).replace("\"tool--", "\"campaign--"))),
        ("id-malformed", long(tool(104).replace("tool--", CANARY))),
        ("timestamp-malformed", long(tool(105).replacen(":00.000Z", ":00.000", 1))),
        ("timestamp-malformed", long(tool(105).replacen(CREATED, CANARY, 1))),
        ("property-missing", long(tool(106).replace("\"name\"", "\"description\""))),
        (
            "property-name",
            long(tool(108).replace(r#","name""#, &format!(r#","X {CANARY}":1,"name""#))),
        ),
        (
            "value-class",
            long(tool(109).replace(r#","name""#, &format!(r#","labels":{{"{CANARY}":1}},"name""#))),
        ),
        ("not-an-object", long(format!("\"{CANARY}\""))),
        (
            "floor-identity-class",
            long(person(&format!(r#""name":"{CANARY}","identity_class":"individual""#))),
        ),
        (
            "floor-mailbox",
            long(format!(
                r#"{{"type":"email-addr","spec_version":"2.1","id":"email-addr--5c2b7f10-0000-5000-8000-000000000001","value":"{CANARY}@example.com"}}"#
            )),
        ),
    ]
}

/// A carrier, every other object of it bad.
fn half_bad(first: u64) -> Vec<u8> {
    let mut out = b"{\"type\":\"bundle\",\"id\":\"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d\",\"objects\":[".to_vec();
    for (at, (_, object)) in bad().into_iter().enumerate() {
        out.extend_from_slice(tool(first + at as u64, "good").as_bytes());
        out.push(b',');
        out.extend_from_slice(&object);
        out.push(b',');
    }
    out.extend_from_slice(tool(first + 99, "good").as_bytes());
    out.extend_from_slice(b"]}");
    out
}

fn ids(values: &[Value]) -> BTreeSet<String> {
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    values.iter().map(id).collect()
}

fn good(first: u64) -> BTreeSet<String> {
    let count = bad().len() as u64;
    (0..count).chain([99]).map(|at| id(first + at)).collect()
}

#[test]
fn the_good_half_of_a_bundle_is_stored_and_each_bad_one_is_told() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    let mut seen: Vec<String> = Vec::new();
    // By TAXII.
    let reply = desk.add("desk", half_bad(1000)).is(202);
    let status = reply.json();
    check_status(&status);
    seen.push(reply.text());
    let path = format!("/taxii2/comity/status/{}/", status["id"].as_str().unwrap());
    seen.push(desk.get(&path).is(200).text());
    let page = desk.get(&objects("desk")).is(200);
    assert_eq!(ids(&page.objects()), good(1000));
    seen.push(page.text());
    // By import into a node that serves, then into one that does not.
    let file = place.file("half.json", half_bad(2000));
    let human = place.run(&["import", "DIR", &file]).exits(1);
    check_table(&human);
    let page = desk.get(&objects("desk")).is(200);
    let both: BTreeSet<String> = good(1000).union(&good(2000)).cloned().collect();
    assert_eq!(ids(&page.objects()), both);
    served.stop();
    let again = place.run(&["--json", "import", "DIR", &file]).exits(1);
    check_report(&again.json());
    let ledger = place.run(&["--json", "refusals", "DIR", "--limit", "500"]);
    check_ledger(&ledger.json());
    let shown = place.run(&["refusals", "DIR", "--limit", "500"]).exits(0);
    let export = place.run(&["export", "DIR"]).exits(0);
    for ran in [human, again, ledger, shown, export] {
        seen.extend([ran.out, ran.err]);
    }
    seen.push(served_log(&place));
    for text in &seen {
        assert!(!text.contains(CANARY), "{text}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(place.files_with(CANARY.as_bytes()).is_empty());
    // The search itself finds what is there.
    assert!(!place.files_with(b"SQLite format 3").is_empty());
    assert!(holds(b"a canary", b"can"));
    place.run(&["verify", "DIR"]).exits(0);
}

fn check_status(status: &Value) {
    let wanted = bad().len();
    assert_eq!(status["failure_count"], wanted, "{status:#}");
    assert_eq!(status["success_count"], wanted + 1, "{status:#}");
    let failures = status["failures"].as_array().unwrap();
    for (at, (code, _)) in bad().iter().enumerate() {
        let message = failures[at]["message"].as_str().unwrap();
        assert!(message.contains(code), "{at}: {code}: {message}");
        let number = format!("object {}: ", 2 * at + 2);
        assert!(message.starts_with(&number), "{message}");
    }
}

fn check_table(ran: &Ran) {
    for (at, (code, _)) in bad().iter().enumerate() {
        let number = (2 * at + 2).to_string();
        let row = ran.out.lines().find(|line| {
            let mut cells = line.split_whitespace();
            cells.next() == Some(&number) && cells.next() == Some(code)
        });
        assert!(row.is_some(), "no row {number} {code}: {}", ran.out);
    }
}

fn check_report(report: &Value) {
    let wanted = bad().len();
    assert_eq!(report["refused"], wanted, "{report:#}");
    assert_eq!(report["known"], wanted + 1, "{report:#}");
    for (at, (code, _)) in bad().iter().enumerate() {
        let row = &report["refusals"][at];
        assert_eq!(row["number"], 2 * at + 2, "{row:#}");
        assert_eq!(row["code"], *code, "{row:#}");
    }
}

/// Three times each: one POST, two imports.
fn check_ledger(ledger: &Value) {
    let lines = ledger["refusals"].as_array().unwrap();
    assert_eq!(lines.len(), 3 * bad().len());
    for (at, (code, _)) in bad().iter().enumerate() {
        for (way, times) in [("taxii", 1), ("import", 2)] {
            let found = lines.iter().filter(|line| {
                line["way"] == way && line["code"] == *code && line["number"] == 2 * at + 2
            });
            assert_eq!(found.count(), times, "{way} {code} {ledger:#}");
        }
    }
}

#[test]
fn other_content_under_the_same_id_and_version_is_refused_and_the_first_stays() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(1, "first")])).is(202);
    let status = desk.add("desk", envelope(&[tool(1, CANARY)])).is(202).json();
    assert_eq!(status["failure_count"], 1, "{status:#}");
    let failure = &status["failures"][0];
    assert_eq!(failure["id"], id(1), "{status:#}");
    assert_eq!(failure["version"], CREATED, "{status:#}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("version-conflict"), "{message}");
    let file = place.file("other.json", bundle(&[tool(1, CANARY), tool(2, "second")]));
    let ran = place.run(&["import", "DIR", &file]).exits(1);
    assert!(ran.out.contains("version-conflict"), "{}", ran.out);
    let names = desk.get(&objects("desk")).is(200).objects();
    let names: Vec<&str> = names.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    served.stop();
    assert!(place.files_with(CANARY.as_bytes()).is_empty());
}

#[test]
fn media_types_are_asked_for() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    let body = envelope(&[tool(1, "x")]);
    let post = |headers: &[(&str, &str)]| -> Reply {
        desk.send("POST", &objects("desk"), headers, body.as_bytes())
    };
    let accept = ("Accept", TAXII);
    for wrong in [
        "application/json",
        "text/plain",
        "application/stix+json;version=2.1",
        "application/taxii+json;version=2.0",
    ] {
        let told = post(&[accept, ("Content-Type", wrong)]).is(415).json();
        assert_eq!(told["error_code"], "unsupported-media-type", "{wrong}");
        let told = post(&[("Accept", wrong), ("Content-Type", TAXII)]);
        assert_eq!(told.is(406).json()["error_code"], "not-acceptable", "{wrong}");
    }
    let lines = [format!("Accept: {TAXII}"), "Content-Length: 2".to_owned()];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let bare = desk.raw(&format!("POST {}", objects("desk")), &lines, b"{}");
    assert!(bare.starts_with("HTTP/1.1 415 "), "{bare}");
    let gzip = [accept, ("Content-Type", TAXII), ("Content-Encoding", "gzip")];
    post(&gzip).is(400);
    let zip = [accept, ("Content-Type", TAXII), ("Content-Encoding", "br")];
    post(&zip).is(415);
    assert!(desk.get(&objects("desk")).is(200).objects().is_empty());
}

#[test]
fn a_body_over_the_limit_is_413_and_one_at_the_limit_is_not() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    let root = desk.get("/taxii2/comity/").is(200).json();
    let limit = usize::try_from(root["max_content_length"].as_u64().unwrap()).unwrap();
    let mut body = envelope(&[tool(1, "x")]).into_bytes();
    body.resize(limit, b' ');
    let status = desk.add("desk", &body).is(202).json();
    assert_eq!(status["success_count"], 1);
    // Announced: answered before the body is read.
    let first_line = format!("POST {}", objects("desk"));
    let length = format!("Content-Length: {}", limit + 1);
    let accept = format!("Accept: {TAXII}");
    let media = format!("Content-Type: {TAXII}");
    let told = desk.raw(&first_line, &[&accept, &media, &length], b"");
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    // Not announced: cut off where it goes over.
    body.push(b' ');
    let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let chunks = "Transfer-Encoding: chunked";
    let told = desk.raw(&first_line, &[&accept, &media, chunks], &chunked);
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    assert!(told.contains(&limit.to_string()), "{told}");
    // One object that is too large takes no other with it.
    let large = sample::long(2, 4 * 1024 * 1024 + 1);
    let both = envelope(&[large, tool(3, "x")]);
    let status = desk.add("desk", &both).is(202).json();
    assert_eq!(status["success_count"], 1, "{status:#}");
    let message = status["failures"][0]["message"].as_str().unwrap();
    assert!(message.contains("object-too-large"), "{message}");
}
