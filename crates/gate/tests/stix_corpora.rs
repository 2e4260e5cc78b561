//! Further corpora: objects that a library of OASIS builds and parses, published bundles,
//! patterns, deterministic identifiers, canonical JSON.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod stix_data;

use comity_gate::check::lifecycle::{Known, lifecycle};
use comity_gate::{Admitted, Facts, admit, conforms};
use comity_wire::canonical::canonical;
use comity_wire::id::Id;
use comity_wire::json;
use comity_wire::stix::bundle::Reader;
use comity_wire::stix::observable_id::observable_uuid;
use comity_wire::stix::pattern;
use serde_json::Value;
use stix_data::{compare, file, json as corpus, judge};

/// Objects that the library builds and we refuse, by their place in the file.
const ACCEPTED: &[(&str, &str, &str)] = &[
    ("22", "refused", TLP),
    ("23", "refused", TLP),
    ("129", "refused", NO_EXTENSION),
    ("130", "refused", NO_EXTENSION),
    ("131", "refused", NO_EXTENSION),
    ("132", "refused", NO_EXTENSION),
    ("347", "refused", "one grammar for all versions: a qualifier twice (S061)"),
    ("348", "refused", UUID),
    ("370", "refused", TLP),
    ("411", "refused", "values of request_header are lists, as in the published schema (S017)"),
    ("418", "refused", "an empty dictionary is not sent (S006)"),
];

const TLP: &str = "another marking under the identifier of a traffic light marking (S049)";
const NO_EXTENSION: &str = "a custom observable that no extension says to be one: taken for a \
                            domain object, it lacks their properties (S015, S016)";
const NO_ID: &str = "the library fills in what it misses; a gateway does not (S015)";
const CUSTOM: &str = "custom content that the library refuses by default is flagged (S058)";
const VERSION: &str = "no spec_version means 2.0 (S016)";
const UUID: &str = "a UUID of version 15 (S001)";
const CLASS: &str = "the library turns other values into strings; a gateway does not (S017)";

/// Inputs of the library's parser on which we differ, by their place in the file.
const PARSED: &[(&str, &str, &str)] = &[
    ("2", "refused", NO_ID),
    ("4", "taken", CUSTOM),
    ("11", "taken", CUSTOM),
    ("13", "refused", NO_ID),
    ("16", "taken", CUSTOM),
    ("17", "refused", NO_ID),
    ("19", "refused", NO_ID),
    ("20", "refused", NO_ID),
    ("22", "refused", NO_ID),
    ("24", "refused", VERSION),
    ("26", "refused", NO_ID),
    ("27", "refused", NO_ID),
    ("30", "refused", NO_ID),
    ("32", "refused", NO_ID),
    ("33", "refused", NO_ID),
    ("34", "refused", NO_ID),
    ("37", "refused", NO_EXTENSION),
    ("38", "refused", NO_EXTENSION),
    ("39", "refused", NO_ID),
    ("40", "refused", NO_ID),
    ("57", "refused", VERSION),
    ("58", "refused", UUID),
    ("59", "refused", UUID),
    ("60", "refused", UUID),
    ("61", "refused", UUID),
    ("83", "refused", CLASS),
    ("85", "refused", NO_ID),
    ("86", "refused", NO_ID),
    ("87", "refused", CLASS),
    ("103", "refused", NO_ID),
    ("105", "refused", NO_ID),
    ("109", "refused", NO_ID),
];

/// Published files on which we differ from the validator.
const BUNDLES: &[(&str, &str, &str)] = &[(
    "stix-slider-idioms-2.1/process-observed-data.json",
    "taken",
    "the validator stumbles over its own schemas; nothing in the file breaks a MUST",
)];

fn cases(name: &str) -> Option<Vec<Value>> {
    Some(corpus(name)?["cases"].as_array().unwrap().clone())
}

#[test]
fn objects_that_the_library_builds() {
    let Some(cases) = cases("stix/python-stix2/accepted-objects.json") else {
        return;
    };
    let verdicts = cases.iter().enumerate().map(|(place, case)| {
        let bytes = serde_json::to_vec(&case["object"]).unwrap();
        (place.to_string(), true, judge(&bytes))
    });
    compare(verdicts, ACCEPTED);
}

#[test]
fn inputs_that_the_library_parses() {
    let Some(cases) = cases("stix/python-stix2/parse-cases.json") else {
        return;
    };
    let verdicts = cases.iter().enumerate().map(|(place, case)| {
        let bytes = match &case["input"] {
            Value::String(text) => text.clone().into_bytes(),
            value => serde_json::to_vec(value).unwrap(),
        };
        let expected = case["ok"].as_bool().unwrap();
        (place.to_string(), expected, judge(&bytes))
    });
    compare(verdicts, PARSED);
}

#[test]
fn published_bundles() {
    let Some(root) = file("stix/bundles") else {
        return;
    };
    let mut verdicts = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        let index = std::fs::read(folder.join("INDEX.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        for entry in index["files"].as_array().unwrap() {
            let name = entry["file"].as_str().unwrap();
            let text = std::fs::read(folder.join(name)).unwrap();
            let id = format!("{}/{name}", folder.file_name().unwrap().display());
            let expected = entry["reference_validator_musts_valid"].as_bool().unwrap();
            verdicts.push((id, expected, judge(&text)));
        }
    }
    compare(verdicts, BUNDLES);
}

#[test]
fn s060_patterns() {
    let Some(cases) = cases("stix/patterns/validity-stix2.1.json") else {
        return;
    };
    let verdicts = cases.iter().enumerate().map(|(place, case)| {
        let text = case["pattern"].as_str().unwrap();
        let verdict = pattern::parse(text).map(|_| Vec::new());
        (
            place.to_string(),
            case["expected_valid"].as_bool().unwrap(),
            verdict.map_err(|error| error.to_string()),
        )
    });
    compare(verdicts, &[]);
}

#[test]
fn s031_s032_s033_deterministic_identifiers() {
    for (name, all) in [
        ("stix/deterministic-ids/vectors-python-stix2.json", true),
        ("stix/deterministic-ids/sco-uuidv5.json", false),
    ] {
        let Some(cases) = cases(name) else {
            return;
        };
        let mut agreed = 0;
        for case in &cases {
            let bytes = serde_json::to_vec(&case["object"]).unwrap();
            let parsed = json::parse(&bytes).unwrap();
            let object = parsed.as_object().unwrap();
            let given = Id::parse(object.str("id").unwrap()).unwrap().uuid;
            let derived = observable_uuid(object);
            if all || case["agree"] == true {
                assert_eq!(derived, Some(given), "{}", case["object"]);
                agreed += 1;
            } else {
                let recomputed = case["id_recomputed"].as_str().and_then(Id::parse);
                assert_eq!(derived, recomputed.map(|id| id.uuid), "{}", case["object"]);
                assert_ne!(derived, Some(given));
            }
        }
        println!("{name}: {agreed} of {} agree", cases.len());
    }
}

#[test]
fn s035_an_identifier_of_an_older_formula_is_flagged_and_taken() {
    let Some(cases) = cases("stix/deterministic-ids/sco-uuidv5.json") else {
        return;
    };
    let mut flagged = 0;
    for case in cases.iter().filter(|case| case["agree"] == false) {
        let bytes = serde_json::to_vec(&case["object"]).unwrap();
        if let Ok(flags) = conforms(&bytes) {
            flagged += usize::from(flags.iter().any(|it| it.code.id == "observable-id-differs"));
        }
    }
    println!("{flagged} flagged of {}", cases.len());
    assert!(flagged > 150);
}

#[test]
fn s037_canonical_json() {
    let Some(cases) = cases("stix/jcs/rfc8785-vectors.json") else {
        return;
    };
    for case in &cases {
        let value = json::parse(case["input_text"].as_str().unwrap().as_bytes()).unwrap();
        let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
        assert_eq!(text, case["canonical_text"].as_str().unwrap());
    }
    println!("{} vectors", cases.len());
}

#[test]
fn s027_published_bundles_are_read_octet_by_octet() {
    let Some(root) = file("stix/bundles/cti-documentation") else {
        return;
    };
    for entry in std::fs::read_dir(root).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        let Some(objects) = value["objects"].as_array() else {
            continue;
        };
        let mut reader = Reader::new(&text[..]);
        for object in objects {
            let found = reader.next().unwrap().unwrap();
            let bytes = found.bytes.unwrap();
            let start = usize::try_from(found.offset).unwrap();
            assert_eq!(bytes, &text[start..start + bytes.len()]);
            assert_eq!(&serde_json::from_slice::<Value>(bytes).unwrap(), object);
        }
        assert!(reader.next().unwrap().is_none());
    }
}

/// The object as it would enter; `None` where the floor or the standard refuses it.
fn entered(object: &Value) -> Option<Admitted> {
    admit(object.to_string().as_bytes(), &Facts::default()).ok()
}

#[test]
fn s038_s042_versions_that_the_library_makes() {
    let Some(cases) = cases("stix/python-stix2/versioning.json") else {
        return;
    };
    let (mut good, mut bad) = (0, 0);
    for case in &cases {
        let Some(before) = entered(&case["input"]) else {
            continue;
        };
        let Some(version) = before.version() else {
            continue;
        };
        let known = Known {
            version: version.instant,
            created: before.created(),
            created_by: before.created_by().map(|id| id.uuid),
            revoked: before.revoked(),
        };
        if case["ok"] == true {
            let Some(after) = entered(&case["result"]) else {
                continue;
            };
            assert!(lifecycle(&after, &[known]).is_ok(), "{case}");
            good += 1;
        } else if case["error"] == "RevokeError" {
            let mut again = case["input"].clone();
            again["modified"] = "2100-01-01T00:00:00Z".into();
            assert!(lifecycle(&entered(&again).unwrap(), &[known]).is_err());
            bad += 1;
        }
    }
    println!("{good} versions taken, {bad} refused, of {} calls", cases.len());
    assert!(good >= 10 && bad == 1);
}
