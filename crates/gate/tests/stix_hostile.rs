//! Hostile input: no panic, no value in a refusal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use comity_gate::conforms;
use comity_wire::stix;
use comity_wire::stix::common::common;
use comity_wire::stix::pattern;
use comity_wire::stix::{meta, sco, sdo, sro};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "jane.doe@example.org";

fn base(object_type: &str) -> Value {
    json!({
        "type": object_type,
        "spec_version": "2.1",
        "id": format!("{object_type}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
        "created": "2020-01-01T00:00:00.000Z",
        "modified": "2020-01-01T00:00:00.000Z",
    })
}

/// Whatever stands wherever: what is said about it does not quote it.
#[test]
fn no_refusal_and_no_flag_quotes_a_value() {
    let shapes = [
        json!(SECRET),
        json!([SECRET]),
        json!({"own": SECRET}),
        json!({SECRET: 1}),
        json!([{SECRET: {"x": SECRET}}]),
    ];
    let mut refusals = 0;
    let types = [sdo::DOMAIN_OBJECTS, sro::RELATIONSHIPS, sco::OBSERVABLES, meta::META_OBJECTS];
    for schema in types.into_iter().flatten() {
        let properties = schema.shape.properties.iter().chain(common(schema.family));
        for property in properties {
            for shape in &shapes {
                let mut object = base(schema.name);
                object[property.name] = shape.clone();
                let text = match conforms(object.to_string().as_bytes()) {
                    Ok(flags) => format!("{flags:?}"),
                    Err(refusal) => {
                        refusals += 1;
                        format!("{refusal} {refusal:?}")
                    }
                };
                assert!(!text.contains("jane"), "{}.{}: {text}", schema.name, property.name);
            }
        }
    }
    assert!(refusals > 1000);
}

#[test]
fn a_pattern_that_fails_is_not_quoted() {
    let mut object = base("indicator");
    object["valid_from"] = json!("2020-01-01T00:00:00Z");
    object["pattern_type"] = json!("stix");
    object["pattern"] = json!(format!("[email-addr:value = '{SECRET}'"));
    let refusal = conforms(object.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.code.id, "pattern-malformed");
    assert!(!format!("{refusal:?}").contains("jane"));
}

#[test]
fn every_type_of_the_tables_has_a_name_of_its_own() {
    let types = [sdo::DOMAIN_OBJECTS, sro::RELATIONSHIPS, sco::OBSERVABLES, meta::META_OBJECTS];
    let mut names: Vec<&str> = types.into_iter().flatten().map(|it| it.name).collect();
    assert_eq!(names.len(), 19 + 2 + 18 + 3);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 42);
    assert!(names.iter().all(|name| stix::schema(name).is_some()));
}

/// Many members and many selectors do not cost their product.
#[test]
fn work_is_bounded_by_size() {
    let mut object = base("tool");
    object["name"] = json!("x");
    for place in 0..20_000 {
        object[format!("x_property_{place}")] = json!(1);
    }
    let selectors: Vec<String> = (0..20_000).map(|place| format!("x_property_{place}")).collect();
    object["granular_markings"] = json!([{"selectors": selectors, "lang": "de"}]);
    let refusal = conforms(object.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.code.id, "selector-too-many");
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "[",
        "]",
        "(",
        ")",
        "AND",
        "OR",
        "FOLLOWEDBY",
        "NOT",
        "IN",
        "EXISTS",
        "WITHIN",
        "SECONDS",
        "REPEATS",
        "TIMES",
        "START",
        "STOP",
        "file:size",
        "url:value",
        "=",
        "<>",
        "LIKE",
        "1",
        "'x'",
        "t'2020-01-01T00:00:00Z'",
        "h'00'",
        "true",
        ",",
        ".",
        "*",
        "5",
        "'",
        "\\",
        "é",
    ])
}

proptest! {
    // What fails is printed; nothing is written beside the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn patterns_of_any_words_do_not_panic(words in prop::collection::vec(word(), 0..40)) {
        let text = words.join(" ");
        match pattern::parse(&text) {
            Ok(pattern) => {
                let _ = (pattern.joins_different_types(), pattern.has_empty_window());
            }
            Err(error) => prop_assert!(error.offset <= text.len()),
        }
    }

    #[test]
    fn altered_objects_do_not_panic(at in 0usize..400, octet in any::<u8>()) {
        let text = br#"{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","pattern":"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'] WITHIN 5 SECONDS","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z","granular_markings":[{"selectors":["pattern"],"lang":"de"}]}"#;
        let mut bytes = text.to_vec();
        let at = at % bytes.len();
        bytes[at] = octet;
        let _ = conforms(&bytes);
    }
}
