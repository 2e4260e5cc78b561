//! The person floor at its boundary: one object in, one verdict out. `floor/cases.json` holds the
//! cases, row by row of the table in `docs/reference/person-floor.md`.
//!
//! `§` in a case stands for a value that nobody may read in a refusal.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests: a panic is the failure, a printed line the count or the skip"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use comity_gate::floor::{self, mark_dangling, query_refused};
use comity_gate::{Admitted, Facts, Refusal, admit};
use comity_wire::id::Id;
use proptest::prelude::*;
use serde_json::{Value, json};

const CANARY: &str = "zqxcanaryvw";

#[derive(serde::Deserialize)]
struct Case {
    row: String,
    name: String,
    expect: String,
    #[serde(default)]
    facts: String,
    object: Value,
}

#[test]
fn every_case_of_every_row() {
    let cases = cases();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// One case: `admit` and `admit-custom` want neither hold nor flag of the floor, `expiry` a life of
/// six months, the others name their code.
fn check(case: &Case) -> Result<(), String> {
    let fail =
        |got: String| Err(format!("{}: {}: want {}, got {got}", case.row, case.name, case.expect));
    let result = admit(&bytes(case, CANARY), &facts(&case.facts));
    let (verb, code) = case.expect.split_once(' ').unwrap_or((&case.expect, ""));
    match (verb, result) {
        ("refuse", Err(refusal)) if refusal.code.id == code => no_value(&refusal, CANARY),
        ("refuse", Ok(admitted)) => fail(summary(&admitted)),
        (_, Err(refusal)) => fail(refusal.to_string()),
        (verb, Ok(admitted)) => {
            let good = match verb {
                "hold" => admitted.hold().is_some_and(|hold| hold.code.id == code),
                "flag" => {
                    admitted.hold().is_none() && admitted.flags().iter().any(|f| f.code.id == code)
                }
                "expiry" => is_clean(&admitted) && admitted.expiry_days_max() == Some(183),
                _ => is_clean(&admitted) && admitted.expiry_days_max().is_none(),
            };
            if good { Ok(()) } else { fail(summary(&admitted)) }
        }
    }
}

fn is_clean(admitted: &Admitted) -> bool {
    let of_floor = |id: &str| id.starts_with("floor-");
    admitted.hold().is_none() && !admitted.flags().iter().any(|flag| of_floor(flag.code.id))
}

fn summary(admitted: &Admitted) -> String {
    let flags: Vec<_> = admitted.flags().iter().map(|flag| flag.code.id).collect();
    let hold = admitted.hold().map(|hold| hold.code.id);
    format!("hold {hold:?}, flags {flags:?}, expiry {:?}", admitted.expiry_days_max())
}

fn no_value(refusal: &Refusal, canary: &str) -> Result<(), String> {
    for text in [refusal.to_string(), format!("{refusal:?}")] {
        if text.to_lowercase().contains(canary) {
            return Err(format!("the value stands in: {text}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the value is, no refusal, flag or hold of any case shows it.
    #[test]
    fn no_message_contains_the_value(canary in "[a-z]{9,14}q") {
        for case in cases() {
            match admit(&bytes(&case, &canary), &facts(&case.facts)) {
                Err(refusal) => {
                    prop_assert_eq!(no_value(&refusal, &canary), Ok(()), "{}", case.name);
                }
                Ok(admitted) => {
                    let shown = format!("{:?} {:?}", admitted.flags(), admitted.hold());
                    prop_assert!(!shown.contains(&canary), "{}: {}", case.name, shown);
                }
            }
        }
    }
}

#[test]
fn every_code_is_met_and_every_row_lets_something_pass() {
    let cases = cases();
    let named: BTreeSet<&str> =
        cases.iter().filter_map(|case| case.expect.split_once(' ')).map(|(_, code)| code).collect();
    let elsewhere = ["floor-query", "floor-dangling-reference", "floor-document"];
    for code in floor::CODES {
        let met = named.contains(code.id) || elsewhere.contains(&code.id);
        assert!(met, "no case for {}", code.id);
    }
    let rows: BTreeSet<&str> = cases.iter().map(|case| case.row.as_str()).collect();
    // Whole rows of the table that let nothing pass, or that keep nothing out by themselves.
    let none_pass = ["email-addr", "sanctions list", "sighting", "bundles"];
    let all_pass = [
        "campaign",
        "malware",
        "tool",
        "attack-pattern",
        "infrastructure",
        "vulnerability",
        "course-of-action",
        "grouping",
        "opinion",
        "report",
        "file",
        "x_mitre_contributors",
        "bibliography",
        "network-traffic",
    ];
    for row in rows {
        let some = |wanted: bool| {
            let passes = |case: &&Case| {
                let verb = case.expect.split(' ').next().unwrap_or("");
                matches!(verb, "admit" | "admit-custom" | "expiry") == wanted
            };
            cases.iter().filter(|case| case.row == row).any(|case| passes(&case))
        };
        assert!(some(true) || none_pass.contains(&row) || row == "network-traffic", "{row}");
        assert!(some(false) || all_pass.contains(&row), "{row}");
    }
    assert_eq!(floor::FLOOR_VERSION, 1);
}

#[test]
fn the_page_lists_every_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/person-floor.md");
    let text = std::fs::read_to_string(page).unwrap();
    for code in floor::CODES {
        assert!(text.contains(&format!("`{}`", code.id)), "{}", code.id);
    }
}

#[test]
fn a_machine_readable_zone_is_a_document() {
    let zone = format!("P<UTO{}<<ANNA<MARIA<<<<<<<", "ERIKSSON");
    let object = json!({"type": "malware", "name": "x", "is_family": true, "x_scan": zone});
    let refusal = admit(&whole(&object), &facts("")).unwrap_err();
    assert_eq!(refusal.code.id, "floor-document");
    assert!(!refusal.to_string().contains("ERIKSSON"));
}

#[test]
fn created_by_ref_to_a_refused_id() {
    let refused = "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let object = json!({
        "type": "malware", "name": "x", "is_family": true,
        "created_by_ref": refused.to_uppercase().replace("IDENTITY", "identity"),
    });
    let bytes = whole(&object);
    let mut admitted = admit(&bytes, &facts("")).unwrap();
    let id = Id::parse(refused).unwrap();
    mark_dangling(&mut admitted, &bytes, &BTreeSet::new());
    assert!(is_clean(&admitted), "nothing was refused");
    mark_dangling(&mut admitted, &bytes, &BTreeSet::from([(id.object_type.to_owned(), id.uuid)]));
    let flag = admitted.flags().iter().find(|f| f.code.id == "floor-dangling-reference").unwrap();
    assert_eq!(flag.path.as_str(), "created_by_ref");
    assert!(admitted.created_by().is_some(), "the reference is kept");
}

/// A hostile text costs its length, not the square of it: these would take many minutes.
#[test]
fn long_hostile_text_comes_to_an_end() {
    let repeated =
        ["%40", "<", "://", "=", "= ", "@", "1 ", "1.", "P<", "a@a.", "[at]", "S-1-5-21-"];
    for unit in repeated {
        let text = unit.repeat(300_000 / unit.len());
        for object in [
            json!({"type": "malware", "name": "x", "is_family": true, "description": text}),
            json!({"type": "malware", "name": "x", "is_family": true, "x_more": text}),
            json!({"type": "indicator", "pattern": text, "pattern_type": "spl",
                "valid_from": "2020-01-01T00:00:00Z"}),
            json!({"type": "process", "command_line": text}),
            json!({"type": "malware", "name": "x", "is_family": true, "x_more": {text.clone(): 1}}),
        ] {
            let _ = admit(&whole(&object), &facts(""));
        }
    }
}

#[test]
fn queries_for_people_are_refused() {
    for text in [
        "zqxcanaryvw@example.org",
        "zqxcanaryvw%40example.org",
        "email-addr--4527e5de-8572-446a-a57a-706f15467461",
        "EMAIL-ADDR--4527e5de-8572-446a-a57a-706f15467461",
        "user-account--4527e5de-8572-446a-a57a-706f15467461",
        "+44 20 7946 0958",
        "0044 20 7946 0958",
        "202-555-0123",
        "4420794609",
        "AB1234567",
        "passport AB1234567",
        "123-45-6789",
        "https://twitter.com/zqxcanaryvw",
    ] {
        let refusal = query_refused(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(refusal.code.id, "floor-query");
        assert!(!refusal.to_string().contains(text) && !refusal.found.is_empty());
    }
    for text in [
        "",
        "APT28",
        "Uyghur",
        "CVE-2021-34527",
        "192.168.100.200",
        "198.51.100.0/24",
        "2020-01-01",
        "2020-01-01T00:00:00.000Z",
        "T1059.001",
        "KB4012598",
        "10.0.19041.1288",
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "d41d8cd98f00b204e9800998ecf8427e",
        "https://evil.example/gate.php",
        "evil.example",
        "AS64512",
        "8080",
    ] {
        assert!(query_refused(text).is_none(), "{text}");
    }
}

#[test]
fn attack_enters_whole() {
    let Some(folder) = data("attack") else { return };
    for name in ["enterprise", "ics", "mobile"] {
        let path = folder.join(format!("{name}-attack.json.gz"));
        let Some(objects) = unpack(&path).map(|bytes| objects_of(&bytes)) else {
            println!("skipped: {name}-attack.json.gz is absent");
            continue;
        };
        let mitre = objects.iter().find(|object| object["type"] == "identity").unwrap();
        assert_eq!(mitre["identity_class"], "organization");
        let tally = tally(&objects);
        println!("{name}: {} objects\n{tally:#?}", objects.len());
        assert!(!tally.keys().any(|key| key.starts_with("refuse floor-")), "{tally:?}");
    }
}

#[test]
fn public_bundles() {
    let Some(folder) = data("stix/bundles") else {
        return;
    };
    let mut objects = Vec::new();
    for set in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(set.unwrap().path()).unwrap() {
            objects.extend(objects_of(&std::fs::read(file.unwrap().path()).unwrap()));
        }
    }
    objects.retain(|object| object.get("type").is_some() && object.get("id").is_some());
    let tally = tally(&objects);
    println!("bundles: {} objects\n{tally:#?}", objects.len());
    for object in &objects {
        let class = object["identity_class"].as_str();
        if object["type"] == "identity" && class != Some("organization") {
            let code = admit(&whole(object), &facts("")).unwrap_err().code.id;
            assert_eq!(code, "floor-identity-class");
        }
        if object["type"] == "email-addr" {
            assert!(admit(&whole(object), &facts("")).is_err());
        }
    }
}

/// Verdict and code to how often, and the first place of each.
fn tally(objects: &[Value]) -> BTreeMap<String, (usize, String)> {
    let mut tally = BTreeMap::new();
    let mut count = |key: String, place: String| {
        let entry = tally.entry(key).or_insert((0, place));
        entry.0 += 1;
    };
    for object in objects {
        let of = |path: &str| format!("{} {path}", object["id"].as_str().unwrap_or(""));
        match admit(&serde_json::to_vec(object).unwrap(), &facts("")) {
            Err(refusal) => count(format!("refuse {}", refusal.code.id), of(refusal.path.as_str())),
            Ok(admitted) => {
                if let Some(hold) = admitted.hold() {
                    count(format!("hold {}", hold.code.id), of(hold.path.as_str()));
                }
                for flag in admitted.flags() {
                    count(format!("flag {}", flag.code.id), of(flag.path.as_str()));
                }
                count("admit".to_owned(), String::new());
            }
        }
    }
    tally
}

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    if !path.is_dir() {
        println!("skipped: the public data `{folder}` is absent");
        return None;
    }
    Some(path)
}

fn unpack(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn objects_of(bytes: &[u8]) -> Vec<Value> {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    match &value["objects"] {
        Value::Array(objects) => objects.clone(),
        _ => vec![value],
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("floor/cases.json")).unwrap()
}

fn bytes(case: &Case, canary: &str) -> Vec<u8> {
    String::from_utf8(whole(&case.object)).unwrap().replace('§', canary).into_bytes()
}

/// The object with the members that every object has.
fn whole(object: &Value) -> Vec<u8> {
    let mut object = object.clone();
    let kind = object["type"].as_str().unwrap().to_owned();
    let members = object.as_object_mut().unwrap();
    let mut set = |name: &str, value: Value| {
        members.entry(name).or_insert(value);
    };
    set("id", json!(format!("{kind}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")));
    set("spec_version", json!("2.1"));
    let family = comity_wire::stix::schema(&kind).map(|schema| schema.family);
    if family != Some(comity_wire::stix::kind::Family::Observable) {
        set("created", json!("2020-01-01T00:00:00.000Z"));
        set("modified", json!("2020-01-01T00:00:00.000Z"));
    }
    if kind == "language-content" {
        set("object_modified", json!("2020-01-01T00:00:00.000Z"));
    }
    serde_json::to_vec(&object).unwrap()
}

fn facts(name: &str) -> Facts {
    Facts {
        admits_attacker_mailboxes: name == "mailboxes",
        network_defence: name != "no-defence",
        registered_only: false,
        registered: Vec::new(),
    }
}
