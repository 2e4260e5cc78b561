//! One test a line of the requirements of STIX 2.1 that binds a server, in the order of the
//! lines; those that do not are in [`NOT_BINDING`] with the reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use comity_gate::check::CODES;
use comity_gate::check::lifecycle::{Known, lifecycle};
use comity_gate::{Admitted, Facts, Flag, Refusal, admit, conforms};
use comity_wire::canonical::canonical;
use comity_wire::id::Uuid;
use comity_wire::stix::bundle::Reader;
use comity_wire::stix::marking::{FIXED, Tlp, tlp_of};
use comity_wire::stix::observable_id::observable_uuid;
use comity_wire::time::Instant;
use serde_json::{Value, json};

/// Lines that bind nothing that the gate can see.
const NOT_BINDING: &[(&str, &str)] = &[
    ("S039", "who may issue versions is a rule of trust: the fold keeps both and flags"),
    ("S043", "whether a change is material is the producer's judgement"),
    ("S051", "an unknown marking counts as the most restrictive: judged at release"),
    ("S053", "who the recipients of RED are: judged at release"),
    ("S054", "what a marking's own marking means: judged at release"),
    ("S065", "the gate reads patterns and matches none"),
    ("S066", "the gate reads patterns and matches none"),
];

const UUID: &str = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

fn domain(object_type: &str, more: &Value) -> Value {
    let mut object = json!({
        "type": object_type,
        "spec_version": "2.1",
        "id": format!("{object_type}--{UUID}"),
        "created": "2020-01-01T00:00:00.000Z",
        "modified": "2020-01-01T00:00:00.000Z",
    });
    merge(&mut object, more);
    object
}

fn observable(object_type: &str, more: &Value) -> Value {
    let mut object = json!({"type": object_type, "id": format!("{object_type}--{UUID}")});
    merge(&mut object, more);
    object
}

fn tool(more: &Value) -> Value {
    let mut object = domain("tool", &json!({"name": "x"}));
    merge(&mut object, more);
    object
}

fn indicator(pattern: &str) -> Value {
    domain(
        "indicator",
        &json!({"pattern": pattern, "pattern_type": "stix", "valid_from": "2020-01-01T00:00:00Z"}),
    )
}

fn marking(more: &Value) -> Value {
    let mut object = domain("marking-definition", more);
    object.as_object_mut().unwrap().remove("modified");
    object
}

fn merge(object: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
    }
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

fn verdict(object: &Value) -> Result<Vec<Flag>, Refusal> {
    conforms(object.to_string().as_bytes())
}

#[track_caller]
fn ok(object: &Value) {
    if let Err(refusal) = verdict(object) {
        panic!("{object}: {refusal}");
    }
}

#[track_caller]
fn refused(object: &Value, code: &str, path: &str) {
    refused_text(&object.to_string(), code, path);
}

#[track_caller]
fn refused_text(text: &str, code: &str, path: &str) {
    match conforms(text.as_bytes()) {
        Ok(_) => panic!("taken: {text}"),
        Err(refusal) => {
            assert_eq!((refusal.code.id, refusal.path.as_str()), (code, path), "{text}: {refusal}");
        }
    }
}

#[track_caller]
fn flagged(object: &Value, code: &str, path: &str) {
    let flags = verdict(object).unwrap();
    assert!(
        flags.iter().any(|flag| flag.code.id == code && flag.path.as_str() == path),
        "{object}: {flags:?}"
    );
}

/// Where tests of lines stand, from the root of the repository.
const SOURCES: &[&str] = &[
    "crates/gate/tests/stix_lines.rs",
    "crates/node/tests/stix_store.rs",
    "crates/wire/src/id.rs",
    "crates/wire/src/time.rs",
    "crates/wire/src/stix/bundle.rs",
    "crates/wire/src/stix/form.rs",
    "crates/wire/src/stix/marking.rs",
    "crates/wire/src/stix/observable_id.rs",
    "crates/wire/src/stix/pattern.rs",
];

const PAGE: &str = "docs/reference/stix-lines.md";

/// The tests of a line, with the file of each.
fn tests_of(line: usize) -> Vec<String> {
    let start = format!("fn s{line:03}_");
    let mut tests = Vec::new();
    for source in SOURCES {
        let text = std::fs::read_to_string(root().join(source)).unwrap();
        for found in text.lines().filter_map(|one| one.trim().strip_prefix(&start)) {
            let name = found.split('(').next().unwrap();
            tests.push(format!("`s{line:03}_{name}` ({source})"));
        }
    }
    tests
}

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test asks whether to write what it generates")]
fn every_line_is_tested_or_listed() {
    let mut page = String::from(
        "# Lines of STIX 2.1 and their tests\n\n\
         Written by a test; [stix.md](stix.md) says what each line comes to.\n\n\
         | line | tests, or why there is none |\n|---|---|\n",
    );
    for line in 1..=71 {
        let name = format!("S{line:03}");
        let tests = tests_of(line);
        let listed = NOT_BINDING.iter().find(|(known, _)| *known == name);
        assert!(tests.is_empty() == listed.is_some(), "{name}: {tests:?}, listed {listed:?}");
        let told = listed.map_or(tests.join(", "), |(_, why)| format!("binds nothing here: {why}"));
        page.push_str(&format!("| {name} | {told} |\n"));
    }
    let path = root().join(PAGE);
    if std::env::var("COMITY_ACCEPT").is_ok() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "{PAGE}: differs; COMITY_ACCEPT=1 writes it");
}

#[test]
fn every_code_stands_once_and_in_the_reference() {
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/stix.md"
    ));
    let page = page.unwrap();
    let mut ids: Vec<&str> = CODES.iter().map(|code| code.id).collect();
    for id in &ids {
        assert!(page.contains(&format!("`{id}`")), "{id}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn s001_identifiers() {
    ok(&tool(&json!({})));
    for id in ["tool--x", "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", ""] {
        refused(&tool(&json!({"id": id})), "id-malformed", "id");
    }
    refused(&tool(&json!({"id": 1})), "value-class", "id");
    refused(&without(tool(&json!({})), "id"), "property-missing", "id");
}

#[test]
fn s002_uuids_in_either_case() {
    ok(&tool(&json!({"id": format!("tool--{}", UUID.to_uppercase())})));
}

#[test]
fn s003_timestamps() {
    ok(&tool(&json!({"modified": "2020-01-01T00:00:00.123456789Z"})));
    ok(&tool(&json!({"modified": "2020-01-01T00:00:00Z"})));
    for bad in ["2022-101-27T13:49:54.326Z", "2023-02-29T00:00:00Z", "2020-01-01T00:00:00+01:00"] {
        refused(&tool(&json!({"modified": bad})), "timestamp-malformed", "modified");
    }
}

#[test]
fn s004_timestamps_compare_by_instant() {
    ok(&tool(&json!({"created": "2020-01-01T00:00:01Z", "modified": "2020-01-01T00:00:01.000Z"})));
}

#[test]
fn s005_numbers() {
    let sighting = |count: Value| {
        domain("sighting", &json!({"sighting_of_ref": format!("tool--{UUID}"), "count": count}))
    };
    ok(&sighting(json!(3)));
    refused(&sighting(json!(3.0)), "value-class", "count");
    refused(&sighting(json!("3")), "value-class", "count");
    let size = |size: Value| observable("file", &json!({"name": "x", "size": size}));
    refused(&size(json!(9_007_199_254_740_992_i64)), "value-out-of-range", "size");
    let large = size(json!(1)).to_string().replace("\"size\":1", "\"size\":1e999");
    refused_text(&large, "not-json", "");
}

#[test]
fn s006_lists_and_dictionaries() {
    refused(&tool(&json!({"labels": []})), "value-empty", "labels");
    refused(&tool(&json!({"labels": [null]})), "value-null", "labels[0]");
    refused(&tool(&json!({"labels": "x"})), "value-class", "labels");
    refused(&tool(&json!({"extensions": {}})), "value-empty", "extensions");
    let process =
        |variables: Value| observable("process", &json!({"environment_variables": variables}));
    ok(&process(json!({"PATH_x-1": "y"})));
    refused(&process(json!({"a b": "y"})), "dictionary-key", "environment_variables.*");
    // What STIX does not define may be empty.
    ok(&tool(&json!({"x_mitre_domains": [], "x_mitre_detection": ""})));
}

#[test]
fn s007_booleans_hex_and_base64() {
    refused(&tool(&json!({"revoked": "true"})), "value-class", "revoked");
    let file = |hex: &str| observable("file", &json!({"name": "x", "magic_number_hex": hex}));
    ok(&file("ffD8"));
    refused(&file("ffd"), "value-malformed", "magic_number_hex");
    let artifact = |text: &str| observable("artifact", &json!({"payload_bin": text}));
    ok(&artifact("AAA="));
    refused(&artifact("AAA"), "value-malformed", "payload_bin");
}

#[test]
fn s008_hashes() {
    let file = |hashes: Value| observable("file", &json!({"hashes": hashes}));
    ok(&file(json!({"MD5": "d41d8cd98f00b204e9800998ecf8427e"})));
    refused(&file(json!({"MD5": "d41d"})), "hash-malformed", "hashes.MD5");
    refused(&file(json!({"SHA-256": "zz"})), "hash-malformed", "hashes.SHA-256");
    refused(&file(json!({"xx": "zz"})), "hash-malformed", "hashes.xx");
    flagged(&file(json!({"x_own": "zz"})), "hash-unknown", "hashes.x_own");
}

#[test]
fn s009_external_references() {
    let with = |reference: Value| tool(&json!({"external_references": [reference]}));
    let at = "external_references[0]";
    ok(&with(json!({"source_name": "cve", "external_id": "CVE-2020-12345"})));
    ok(&with(json!({"source_name": "own", "description": "x"})));
    refused(&with(json!({"source_name": "own"})), "property-none-of", at);
    let id = format!("{at}.external_id");
    for (name, number) in [("cve", "CVE-20-1"), ("capec", "CAPEC-x"), ("CVE", "CVE-2020-1234")] {
        let reference = json!({"source_name": name, "external_id": number});
        refused(&with(reference), "external-id-malformed", &id);
    }
    let url = json!({"source_name": "x", "url": "no scheme"});
    refused(&with(url), "value-malformed", "external_references[0].url");
}

#[test]
fn s010_kill_chain_phases() {
    let with = |phase: Value| tool(&json!({"kill_chain_phases": [phase]}));
    ok(&with(json!({"kill_chain_name": "x", "phase_name": "y"})));
    let missing = "kill_chain_phases[0].phase_name";
    refused(&with(json!({"kill_chain_name": "x"})), "property-missing", missing);
    let odd = json!({"kill_chain_name": "x", "phase_name": "Y z"});
    flagged(&with(odd), "vocabulary-form", missing);
}

#[test]
fn s011_vocabularies() {
    ok(&tool(&json!({"tool_types": ["of-my-own"]})));
    flagged(&tool(&json!({"tool_types": ["My Own"]})), "vocabulary-form", "tool_types[0]");
    let opinion = |word: &str| {
        domain("opinion", &json!({"opinion": word, "object_refs": [format!("tool--{UUID}")]}))
    };
    ok(&opinion("agree"));
    refused(&opinion("maybe"), "value-not-in-enum", "opinion");
}

#[test]
fn s012_strict_json() {
    refused_text(r#"{"type":"tool","type":"tool"}"#, "not-json", "");
    refused_text(r#"{"type":"\ud800"}"#, "not-json", "");
    refused_text("[]", "not-an-object", "");
    assert!(conforms(b"{\"type\":\"\xff\"}").is_err());
}

#[test]
fn s013_null() {
    refused(&tool(&json!({"description": null})), "value-null", "description");
    refused(&tool(&json!({"x_mitre_any": {"deep": [null]}})), "value-null", "x_mitre_any.deep[0]");
}

#[test]
fn s014_names() {
    for name in ["ab", "Abc", "9abc", "a-bc"] {
        refused(&tool(&json!({name: 1})), "property-name", name);
    }
    refused(&tool(&json!({"a".repeat(251): 1})), "property-name", "*");
    for name in ["ab", "x--y", "-xy", "Xyz", "x_y"] {
        let mut object = tool(&json!({"type": name}));
        object["id"] = json!(format!("{name}--{UUID}"));
        refused(&object, "type-malformed", "type");
    }
}

#[test]
fn s015_common_properties() {
    for name in ["created", "modified"] {
        refused(&without(tool(&json!({})), name), "property-missing", name);
    }
    let statement = json!({"definition_type": "statement", "definition": {"statement": "x"}});
    ok(&marking(&statement));
    let mut modified = marking(&statement);
    modified["modified"] = json!("2020-01-01T00:00:00Z");
    flagged(&modified, "property-custom", "modified");
    ok(&observable("url", &json!({"value": "http://x"})));
    let labels = observable("url", &json!({"value": "http://x", "labels": ["x"]}));
    flagged(&labels, "property-custom", "labels");
}

#[test]
fn s016_versions_of_the_standard() {
    let absent = without(tool(&json!({})), "spec_version");
    refused(&absent, "spec-version-unsupported", "spec_version");
    for version in ["2.0", "2.2"] {
        let object = tool(&json!({"spec_version": version}));
        refused(&object, "spec-version-unsupported", "spec_version");
    }
    let url = json!({"value": "http://x", "spec_version": "2.0"});
    refused(&observable("url", &url), "spec-version-unsupported", "spec_version");
    let refusal = verdict(&absent).unwrap_err();
    assert!(refusal.hint.is_some());
}

#[test]
fn s017_what_types_require() {
    let location = |more: Value| domain("location", &more);
    ok(&location(json!({"region": "europe"})));
    ok(&location(json!({"latitude": 1, "longitude": 2.5, "precision": 0})));
    refused(&location(json!({"name": "x"})), "property-none-of", "");
    refused(&location(json!({"latitude": 1})), "property-depends", "latitude");
    let precise = json!({"country": "ch", "precision": 1});
    refused(&location(precise), "property-depends", "precision");
    let malware = |family: bool| domain("malware", &json!({"is_family": family}));
    ok(&malware(false));
    refused(&malware(true), "property-depends", "is_family");
    refused(&observable("process", &json!({})), "property-none-of", "");
    let artifact = |more: Value| observable("artifact", &more);
    refused(&artifact(json!({"url": "http://x"})), "property-depends", "url");
    refused(&artifact(json!({"mime_type": "text/plain"})), "property-none-of", "");
    let both = json!({"url": "http://x", "hashes": {"MD5": "0".repeat(32)}, "payload_bin": ""});
    refused(&artifact(both), "property-excluded", "url");
    let mail = |more: Value| observable("email-message", &more);
    let parts = json!({"is_multipart": false, "body_multipart": [{"body": "x"}]});
    refused(&mail(parts), "property-excluded", "body_multipart");
    refused(&mail(json!({"is_multipart": true, "body": "x"})), "property-excluded", "body");
    refused(&observable("file", &json!({"size": 1})), "property-none-of", "");
    let traffic = observable("network-traffic", &json!({"protocols": ["tcp"]}));
    refused(&traffic, "property-none-of", "");
    let observed = json!({"first_observed": "2020-01-01T00:00:00Z",
        "last_observed": "2020-01-01T00:00:00Z", "number_observed": 1});
    refused(&domain("observed-data", &observed), "property-none-of", "");
    refused(&without(tool(&json!({})), "name"), "property-missing", "name");
}

#[test]
fn s018_order_of_times() {
    let early = "2019-01-01T00:00:00Z";
    refused(&tool(&json!({"modified": early})), "time-order", "modified");
    let mut same = indicator("[file:size = 1]");
    same["valid_until"] = same["valid_from"].clone();
    refused(&same, "time-order", "valid_until");
    let seen = json!({"name": "x", "first_seen": "2020-01-01T00:00:00Z", "last_seen": early});
    refused(&domain("campaign", &seen), "time-order", "last_seen");
    let traffic = |active: bool| {
        observable(
            "network-traffic",
            &json!({"protocols": ["tcp"], "is_active": active,
            "src_ref": format!("ipv4-addr--{UUID}"), "start": early, "end": early}),
        )
    };
    ok(&traffic(false));
    refused(&traffic(true), "property-excluded", "end");
}

#[test]
fn s019_ranges() {
    for (confidence, good) in [(0, true), (100, true), (101, false), (-1, false)] {
        let object = tool(&json!({"confidence": confidence}));
        assert_eq!(verdict(&object).is_ok(), good);
    }
    let far = json!({"latitude": 90.1, "longitude": 0});
    refused(&domain("location", &far), "value-out-of-range", "latitude");
    let port = json!({"protocols": ["tcp"], "src_ref": format!("ipv4-addr--{UUID}"),
        "src_port": 65_536});
    refused(&observable("network-traffic", &port), "value-out-of-range", "src_port");
}

#[test]
fn s020_indicators() {
    ok(&indicator("[file:size = 1]"));
    refused(&indicator("file:size = 1"), "pattern-malformed", "pattern");
    let mut snort = indicator("alert tcp any any");
    snort["pattern_type"] = json!("snort");
    ok(&snort);
    for name in ["pattern", "pattern_type", "valid_from"] {
        let object = without(indicator("[file:size = 1]"), name);
        refused(&object, "property-missing", name);
    }
}

fn relationship(kind: &str, source: &str, target: &str) -> Value {
    domain(
        "relationship",
        &json!({"relationship_type": kind, "source_ref": format!("{source}--{UUID}"),
            "target_ref": format!("{target}--{UUID}")}),
    )
}

#[test]
fn s021_any_combination_of_types_may_be_related() {
    let unusual = relationship("delivers", "identity", "url");
    flagged(&unusual, "relationship-unusual", "relationship_type");
    assert_eq!(verdict(&relationship("uses", "malware", "tool")), Ok(Vec::new()));
    assert_eq!(verdict(&relationship("related-to", "tool", "url")), Ok(Vec::new()));
    assert_eq!(verdict(&relationship("detects", "x-own-type", "tool")), Ok(Vec::new()));
    ok(&relationship("related-to", "x-own-type", "tool"));
    let odd = relationship("Uses", "tool", "tool");
    refused(&odd, "value-malformed", "relationship_type");
}

#[test]
fn s022_what_cannot_be_related() {
    for bad in ["relationship", "sighting", "bundle", "marking-definition", "language-content"] {
        refused(&relationship("uses", bad, "tool"), "reference-type", "source_ref");
        refused(&relationship("uses", "tool", bad), "reference-type", "target_ref");
    }
    let sighting =
        |of: &str| domain("sighting", &json!({"sighting_of_ref": format!("{of}--{UUID}")}));
    ok(&sighting("indicator"));
    refused(&sighting("relationship"), "reference-type", "sighting_of_ref");
    refused(&sighting("url"), "reference-type", "sighting_of_ref");
}

#[test]
fn s023_types_of_references() {
    let by = |creator: &str| tool(&json!({"created_by_ref": format!("{creator}--{UUID}")}));
    ok(&by("identity"));
    refused(&by("tool"), "reference-type", "created_by_ref");
    flagged(&by("source"), "creator-type-custom", "created_by_ref");
    let marked = tool(&json!({"object_marking_refs": [format!("tool--{UUID}")]}));
    refused(&marked, "reference-type", "object_marking_refs[0]");
    let mail = json!({"value": "a@example.com", "belongs_to_ref": format!("mutex--{UUID}")});
    refused(&observable("email-addr", &mail), "reference-type", "belongs_to_ref");
    let broken = tool(&json!({"created_by_ref": "identity--1"}));
    refused(&broken, "reference-malformed", "created_by_ref");
}

#[test]
fn s024_references_may_dangle() {
    ok(&relationship("uses", "malware", "tool"));
}

#[test]
fn s025_an_object_may_refer_to_itself() {
    let own = format!("directory--{UUID}");
    ok(&observable("directory", &json!({"path": "/", "contains_refs": [own]})));
}

#[test]
fn s026_languages() {
    ok(&tool(&json!({"lang": "de-CH"})));
    refused(&tool(&json!({"lang": "german language"})), "value-malformed", "lang");
    let content = |contents: Value| {
        domain(
            "language-content",
            &json!({"object_ref": format!("tool--{UUID}"),
            "object_modified": "2020-01-01T00:00:00Z", "contents": contents}),
        )
    };
    ok(&content(json!({"de": {"name": "x"}})));
    refused(&content(json!({"en_US": {"name": "x"}})), "language-contents", "contents.en_US");
    refused(&content(json!({"de": {"a": "x"}})), "language-contents", "contents.de.a");
    refused(&content(json!({"de": "x"})), "value-class", "contents.de");
}

#[test]
fn s027_a_bundle_is_no_object() {
    let bundle = json!({"type": "bundle", "id": format!("bundle--{UUID}"),
        "objects": [tool(&json!({})), tool(&json!({}))]});
    refused(&bundle, "bundle-as-object", "type");
    let text = bundle.to_string();
    let mut reader = Reader::new(text.as_bytes());
    while let Some(found) = reader.next().unwrap() {
        assert!(conforms(found.bytes.unwrap()).is_ok());
    }
}

#[test]
fn s028_what_was_replaced_is_flagged() {
    let observed = |object: Value| {
        domain(
            "observed-data",
            &json!({"first_observed": "2020-01-01T00:00:00Z",
            "last_observed": "2020-01-01T00:00:00Z", "number_observed": 1,
            "objects": {"0": object}}),
        )
    };
    let file = json!({"type": "file", "name": "x", "parent_directory_ref": "1"});
    flagged(&observed(file), "property-deprecated", "objects");
    let odd = json!({"type": "file", "size": 1});
    refused(&observed(odd), "property-none-of", "objects.0");
}

#[test]
fn s029_mime_charset_and_cpe() {
    let file = |more: Value| observable("file", &more);
    ok(&file(json!({"name": "x", "mime_type": "text/plain", "name_enc": "utf-8"})));
    refused(&file(json!({"name": "x", "mime_type": "plain"})), "value-malformed", "mime_type");
    flagged(&file(json!({"name": "x", "name_enc": "bla.bla"})), "charset-unknown", "name_enc");
    let software = observable("software", &json!({"name": "x", "cpe": "cpe:/a:b"}));
    refused(&software, "value-malformed", "cpe");
}

#[test]
fn s030_any_version_of_uuid() {
    for version in 1..=5 {
        let uuid = format!("8e2e2d2b-17d4-{version}cbf-938f-98ee46b3cd3f");
        ok(&tool(&json!({"id": format!("tool--{uuid}")})));
    }
    ok(&observable("url", &json!({"value": "http://x"})));
}

fn derived(object: &Value) -> Option<Uuid> {
    let text = object.to_string();
    let value = comity_wire::json::parse(text.as_bytes()).unwrap();
    observable_uuid(value.as_object().unwrap())
}

#[test]
fn s031_the_derived_identifier_of_an_address() {
    let address = observable("ipv4-addr", &json!({"value": "198.51.100.3"}));
    let expected = Uuid::parse("28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    assert_eq!(derived(&address), expected);
}

#[test]
fn s032_only_contributing_properties_count() {
    let file = |more: Value| derived(&observable("file", &more));
    assert_eq!(file(json!({"name": "x", "size": 1})), file(json!({"name": "x"})));
    assert_ne!(file(json!({"name": "x"})), file(json!({"name": "y"})));
    assert_eq!(derived(&observable("process", &json!({"pid": 1}))), None);
}

#[test]
fn s033_one_hash_contributes() {
    let file = |hashes: Value| derived(&observable("file", &json!({"hashes": hashes})));
    assert_eq!(file(json!({"SHA-1": "b", "MD5": "a"})), file(json!({"MD5": "a"})));
}

#[test]
fn s034_nothing_to_derive_from_means_a_random_identifier() {
    let mut process = observable("process", &json!({"pid": 1}));
    ok(&process);
    process["id"] = json!("process--ff26c055-6336-5bc5-b98d-13d6226742dd");
    refused(&process, "observable-id-version", "id");
}

#[test]
fn s035_another_identifier_is_flagged_and_never_replaced() {
    let mut address = observable("ipv4-addr", &json!({"value": "198.51.100.4"}));
    address["id"] = json!("ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd");
    flagged(&address, "observable-id-differs", "id");
}

#[test]
fn s037_the_canonical_form_has_one_order_and_no_normalisation() {
    let form = |text: &str| {
        let value = comity_wire::json::parse(text.as_bytes()).unwrap();
        String::from_utf8(canonical(&value).unwrap()).unwrap()
    };
    assert_eq!(
        form(r#"{"b":1.0, "a":1e2,"é":"\u0065\u0301"}"#),
        "{\"a\":100,\"b\":1,\"é\":\"e\u{301}\"}"
    );
}

fn facts(registered_only: bool, registered: &[&str]) -> Facts {
    Facts {
        registered_only,
        registered: registered.iter().map(ToString::to_string).collect(),
        ..Facts::default()
    }
}

fn admitted(object: &Value) -> Admitted {
    let text = object.to_string();
    admit(text.as_bytes(), &facts(false, &[])).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn known(version: &str, revoked: bool) -> Known {
    Known {
        version: Instant::parse(version).unwrap(),
        created: Instant::parse("2020-01-01T00:00:00Z").ok(),
        created_by: None,
        revoked,
    }
}

#[test]
fn s038_what_never_changes() {
    let version = tool(&json!({"modified": "2021-01-01T00:00:00Z"}));
    let before = known("2020-01-01T00:00:00Z", false);
    assert_eq!(lifecycle(&admitted(&version), &[before]), Ok(Vec::new()));
    let other = Known { created: Instant::parse("2019-01-01T00:00:00Z").ok(), ..before };
    let refusal = lifecycle(&admitted(&version), &[before, other]).unwrap_err();
    assert_eq!(refusal.code.id, "version-created-changed");
    let other = Known { created_by: Uuid::parse(UUID), ..before };
    let refusal = lifecycle(&admitted(&version), &[other]).unwrap_err();
    assert_eq!(refusal.code.id, "version-creator-changed");
}

#[test]
fn s041_an_older_version_may_come_late() {
    let late = admitted(&tool(&json!({"modified": "2020-06-01T00:00:00Z"})));
    let flags = lifecycle(&late, &[known("2021-01-01T00:00:00Z", false)]);
    assert_eq!(flags, Ok(Vec::new()));
}

#[test]
fn s042_revocation_is_final() {
    let revoked = known("2020-06-01T00:00:00Z", true);
    let later = admitted(&tool(&json!({"modified": "2021-01-01T00:00:00Z"})));
    let refusal = lifecycle(&later, &[revoked]).unwrap_err();
    assert_eq!(refusal.code.id, "version-after-revocation");
    let earlier = admitted(&tool(&json!({"modified": "2020-02-01T00:00:00Z"})));
    assert!(lifecycle(&earlier, &[revoked]).is_ok());
    let revocation = tool(&json!({"modified": "2020-02-01T00:00:00Z", "revoked": true}));
    let overtaken = known("2020-06-01T00:00:00Z", false);
    let flags = lifecycle(&admitted(&revocation), &[overtaken]).unwrap();
    assert_eq!(flags[0].code.id, "revocation-overtaken");
}

#[test]
fn s045_markings_of_whole_objects() {
    ok(&tool(&json!({"object_marking_refs": [FIXED[0].id]})));
    let own = json!({"definition_type": "statement", "definition": {"statement": "x"},
        "object_marking_refs": [format!("marking-definition--{UUID}")]});
    refused(&marking(&own), "marking-circular", "object_marking_refs[0]");
    let own = json!({"definition_type": "statement", "definition": {"statement": "x"},
        "granular_markings": [{"selectors": ["definition"],
            "marking_ref": format!("marking-definition--{UUID}")}]});
    refused(&marking(&own), "marking-circular", "granular_markings[0]");
}

fn granular(entry: &Value) -> Value {
    tool(&json!({"labels": ["a", "b"], "granular_markings": [entry]}))
}

#[test]
fn s046_granular_markings() {
    ok(&granular(&json!({"selectors": ["name"], "marking_ref": FIXED[0].id})));
    ok(&granular(&json!({"selectors": ["name"], "lang": "de"})));
    let at = "granular_markings[0]";
    refused(&granular(&json!({"selectors": ["name"]})), "property-none-of", at);
    let both = json!({"selectors": ["name"], "lang": "de", "marking_ref": FIXED[0].id});
    refused(&granular(&both), "property-excluded", "granular_markings[0].lang");
    let none = json!({"selectors": [], "lang": "de"});
    refused(&granular(&none), "value-empty", "granular_markings[0].selectors");
}

#[test]
fn s047_selectors() {
    let with = |selector: &str| granular(&json!({"selectors": [selector], "lang": "de"}));
    for good in ["id", "name", "labels", "labels.[1]", "granular_markings.[0].lang"] {
        ok(&with(good));
    }
    let many = granular(&json!({"selectors": vec!["name"; 1001], "lang": "de"}));
    refused(&many, "selector-too-many", "granular_markings");
    let at = "granular_markings[0].selectors[0]";
    for bad in ["labels.[2]", "description", "name.x", "labels.name"] {
        refused(&with(bad), "selector-unresolved", at);
    }
    for bad in ["[0]", "labels.[x]", "labels..name", "", "labels.[]", "la bels"] {
        refused(&with(bad), "selector-malformed", at);
    }
}

#[test]
fn s048_marking_definitions() {
    refused(&marking(&json!({})), "marking-content", "definition");
    let text = json!({"definition_type": "statement", "definition": "x"});
    refused(&marking(&text), "marking-content", "definition");
    let other = json!({"definition_type": "statement", "definition": {"tlp": "x"}});
    refused(&marking(&other), "marking-content", "definition");
    let own = json!({"definition_type": "x-own", "definition": {"any": 1}});
    flagged(&marking(&own), "marking-type-custom", "definition_type");
    let extension = json!({"extensions": {
        format!("extension-definition--{UUID}"): {"extension_type": "property-extension", "x": 1}}});
    ok(&marking(&extension));
}

#[test]
fn s049_traffic_lights_are_fixed() {
    let white: Value = serde_json::from_str(&FIXED[0].object()).unwrap();
    assert_eq!(verdict(&white), Ok(Vec::new()));
    for (name, value) in [
        ("definition", json!({"tlp": "red"})),
        ("name", json!("TLP:RED")),
        ("created", json!("2018-01-20T00:00:00.000Z")),
        ("created_by_ref", json!(format!("identity--{UUID}"))),
    ] {
        let mut altered = white.clone();
        altered[name] = value;
        refused(&altered, "marking-tlp-altered", "");
    }
    flagged(&without(white.clone(), "name"), "marking-tlp-spelling", "");
    let own = json!({"definition_type": "tlp", "definition": {"tlp": "green"}});
    refused(&marking(&own), "marking-tlp-altered", "id");
}

#[test]
fn s050_traffic_lights_of_tlp_2_are_fixed() {
    for fixed in FIXED.iter().filter(|fixed| fixed.second) {
        let light: Value = serde_json::from_str(&fixed.object()).unwrap();
        assert_eq!(verdict(&light), Ok(Vec::new()));
        let mut own = light.clone();
        own["id"] = json!(format!("marking-definition--{UUID}"));
        refused(&own, "marking-tlp-altered", "id");
        let mut altered = light;
        let extension = comity_wire::stix::marking::TLP_2_EXTENSION;
        altered["extensions"][extension]["tlp_2_0"] = json!("other");
        refused(&altered, "marking-tlp-altered", "");
    }
}

#[test]
fn s052_the_lights_have_an_order() {
    let light = |name: &str, second: bool| {
        let fixed = FIXED.iter().find(|it| it.name == name && it.second == second);
        tlp_of(fixed.unwrap().id).unwrap()
    };
    assert_eq!(light("TLP:WHITE", false), light("TLP:CLEAR", true));
    let strict = light("TLP:AMBER+STRICT", true);
    assert!(light("TLP:AMBER", false) < strict && strict < Tlp::Red);
}

fn extended(key: &str, content: &Value) -> Value {
    tool(&json!({"extensions": {key: content}}))
}

const EXTENSION: &str = "extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

#[test]
fn s055_extensions() {
    ok(&extended(EXTENSION, &json!({"extension_type": "property-extension", "x": 1})));
    refused(&extended("other", &json!({"x": 1})), "extension-key", "extensions.other");
    let at = format!("extensions.{EXTENSION}");
    refused(&extended(EXTENSION, &json!({})), "extension-content", &at);
    refused(&extended(EXTENSION, &json!("x")), "extension-content", &at);
    let file = |extension: Value| {
        observable("file", &json!({"name": "x", "extensions": {"archive-ext": extension}}))
    };
    ok(&file(json!({"contains_refs": [format!("file--{UUID}")]})));
    let missing = "extensions.archive-ext.contains_refs";
    refused(&file(json!({"comment": "x"})), "property-missing", missing);
}

#[test]
fn s056_types_of_extensions() {
    let at = format!("extensions.{EXTENSION}");
    let of = |kind: &str| extended(EXTENSION, &json!({"extension_type": kind}));
    ok(&of("toplevel-property-extension"));
    refused(&of("other"), "value-not-in-enum", &format!("{at}.extension_type"));
    let more = json!({"extension_type": "toplevel-property-extension", "x": 1});
    refused(&extended(EXTENSION, &more), "extension-content", &at);
    let definition = |kind: &str| {
        domain(
            "extension-definition",
            &json!({"created_by_ref": format!("identity--{UUID}"),
            "name": "x", "schema": "x", "version": "1.0.0", "extension_types": [kind],
            "extension_properties": ["some"]}),
        )
    };
    ok(&definition("toplevel-property-extension"));
    refused(&definition("new-sdo"), "extension-properties", "extension_properties");
    let missing = without(definition("new-sdo"), "created_by_ref");
    refused(&missing, "property-missing", "created_by_ref");
}

#[test]
fn s057_unknown_extensions_are_flagged_or_need_a_registration() {
    let object = extended(EXTENSION, &json!({"extension_type": "property-extension", "x": 1}));
    let at = format!("extensions.{EXTENSION}");
    flagged(&object, "extension-unregistered", &at);
    let text = object.to_string();
    let strict = admit(text.as_bytes(), &facts(true, &[])).unwrap_err();
    assert_eq!(strict.code.id, "extension-unregistered");
    assert!(admit(text.as_bytes(), &facts(true, &[EXTENSION])).is_ok());
}

#[test]
fn s058_custom_content() {
    flagged(&tool(&json!({"x_own": 1})), "property-custom", "x_own");
    refused(&tool(&json!({"severity": "high"})), "property-reserved", "severity");
    let top = json!({"x_own": 1,
        "extensions": {EXTENSION: {"extension_type": "toplevel-property-extension"}}});
    let flags = verdict(&tool(&top)).unwrap();
    assert!(flags.iter().all(|flag| flag.code.id != "property-custom"));
    let own = domain("x-own-type", &json!({"any": [], "thing": {"a": 1}}));
    flagged(&own, "type-unregistered", "type");
    let text = own.to_string();
    assert!(admit(text.as_bytes(), &facts(true, &[])).is_err());
    assert!(admit(text.as_bytes(), &facts(true, &["x-own-type"])).is_ok());
}

#[test]
fn s059_custom_types_keep_the_common_properties() {
    let own = domain("x-own-type", &json!({"any": 1}));
    ok(&own);
    refused(&without(own.clone(), "created"), "property-missing", "created");
    refused(&without(own, "spec_version"), "spec-version-unsupported", "spec_version");
    let sco = observable(
        "x-own-sco",
        &json!({"any": 1,
        "extensions": {EXTENSION: {"extension_type": "new-sco"}}}),
    );
    ok(&sco);
    refused(&domain("x-own-type", &json!({"9any": 1})), "property-name", "9any");
}

#[track_caller]
fn bad_pattern(pattern: &str) {
    refused(&indicator(pattern), "pattern-malformed", "pattern");
}

#[test]
fn s060_observation_expressions() {
    ok(&indicator("([file:size = 1] AND [url:value = 'x']) OR [file:name = 'y']"));
    bad_pattern("[file:size = 1");
    let never = "[file:size = 1 AND url:value = 'x']";
    flagged(&indicator(never), "pattern-never-matches", "pattern");
    refused(&indicator("[f:size = 1]"), "pattern-names", "pattern");
}

#[test]
fn s061_qualifiers() {
    ok(&indicator("[file:size = 1] REPEATS 2 TIMES WITHIN 5 SECONDS"));
    bad_pattern("[file:size = 1] REPEATS 0 TIMES");
    bad_pattern("[file:size = 1] WITHIN 1 SECONDS WITHIN 2 SECONDS");
    bad_pattern("[file:size = 1] and [file:size = 2]");
    let never = "[file:size = 1] START t'2021-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00Z'";
    flagged(&indicator(never), "pattern-never-matches", "pattern");
}

#[test]
fn s062_operators() {
    ok(&indicator("[file:name NOT IN ('x', 'y') OR EXISTS file:size]"));
    bad_pattern("[file:name IN ('x', 1)]");
    bad_pattern("[file:name LIKE 1]");
}

#[test]
fn s063_literals() {
    ok(&indicator(r"[file:name = 'it\'s' AND file:magic_number_hex = h'ffd8']"));
    bad_pattern(r"[file:name = '\n']");
    bad_pattern("[file:size = 9007199254740992]");
}

#[test]
fn s064_paths() {
    ok(&indicator("[file:extensions.'ntfs-ext'.streams[*].name = 'x']"));
    bad_pattern("[file:extensions.ntfs-ext.sid = 'x']");
    bad_pattern("[file:hashes.MD5 = 'f00']");
}

#[test]
fn s067_all_three_levels_are_read() {
    ok(&indicator("[file:size = 1]"));
    ok(&indicator("[file:size = 1] OR [file:size = 2]"));
    ok(&indicator("[file:size = 1] FOLLOWEDBY [file:size = 2] WITHIN 5 SECONDS"));
}

#[test]
fn s068_a_pattern_cannot_hang_or_overflow() {
    bad_pattern(&"(".repeat(100_000));
    bad_pattern(&" ".repeat(300_000));
    ok(&indicator(r"[file:name MATCHES '^(a+)+$']"));
}

#[test]
fn s069_what_is_not_understood_passes() {
    ok(&tool(&json!({"x_deep": {"a b": [{"": []}, 1.5, true]}})));
}

#[test]
fn s070_open_words_absent_properties_and_dangling_references() {
    let identity = json!({"name": "x", "identity_class": "of-my-own",
        "created_by_ref": format!("identity--{UUID}")});
    ok(&domain("identity", &identity));
}

#[test]
fn s071_should_is_never_a_reason_to_refuse() {
    let mut object = indicator("[x-own:field = 1]");
    merge(&mut object, &json!({"indicator_types": ["Odd"], "labels": [""], "x_y_z": 1}));
    ok(&object);
}
