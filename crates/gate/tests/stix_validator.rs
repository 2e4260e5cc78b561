//! The cases of the OASIS validator's own test suite, judged here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod stix_data;

use stix_data::{compare, json, judge};

/// Where our verdict is not the validator's, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("val-0043", "taken", BUNDLE_ID),
    ("val-0044", "taken", BUNDLE_ID),
    ("val-0109", "refused", NAME),
    ("val-0110", "refused", NAME),
    ("val-0113", "taken", "an empty list in a custom property: its value is not bound"),
    ("val-0128", "taken", LANGUAGE),
    ("val-0396", "taken", LANGUAGE),
    ("val-0244", "refused", TLP),
    ("val-0245", "refused", TLP),
    ("val-0249", "refused", TLP),
    ("val-0252", "refused", TLP),
    ("val-0253", "refused", TLP),
    ("val-0262", "refused", "a list of objects is neither an object nor a bundle"),
    ("val-0266", "refused", SHORT_UUID),
    ("val-0268", "refused", SHORT_UUID),
    ("val-0269", "refused", SHORT_UUID),
    ("val-0270", "refused", SHORT_UUID),
    ("val-0271", "refused", SHORT_UUID),
    ("val-0272", "refused", SHORT_UUID),
    ("val-0273", "refused", SHORT_UUID),
    ("val-0274", "refused", SHORT_UUID),
    ("val-0275", "refused", SHORT_UUID),
    ("val-0276", "refused", SHORT_UUID),
    ("val-0278", "refused", SHORT_UUID),
    ("val-0279", "refused", SHORT_UUID),
    ("val-0280", "refused", SHORT_UUID),
    ("val-0283", "refused", SHORT_UUID),
    ("val-0284", "refused", SHORT_UUID),
    ("val-0285", "refused", SHORT_UUID),
    ("val-0296", "taken", CHARSET),
    ("val-0303", "taken", CHARSET),
    ("val-0306", "refused", MIME),
    ("val-0307", "refused", MIME),
];

const BUNDLE_ID: &str = "a bundle carries objects; what it says of itself is not stored (S027)";
const NAME: &str = "the whole name of a property is judged, not its beginning only (S014)";
const LANGUAGE: &str = "well formed; the registry of languages grows and is not copied (S026)";
const CHARSET: &str = "flagged; the registry of character sets is not copied (S029)";
const TLP: &str = "other content under the identifier of a traffic light marking (S049)";
const SHORT_UUID: &str = "`src_ref` has a UUID of 35 characters, which the suite overlooks (S001)";
const MIME: &str = "`bla` has no form of a media type; judged for artifacts only there (S029)";

#[test]
fn validator_cases() {
    let Some(corpus) = json("stix/stix-validator/validator-cases.json") else {
        return;
    };
    let cases = corpus["cases"].as_array().unwrap().iter().map(|case| {
        let bytes = serde_json::to_vec(&case["input"]).unwrap();
        (
            case["id"].as_str().unwrap().to_owned(),
            case["valid_on_musts_only"].as_bool().unwrap(),
            judge(&bytes),
        )
    });
    compare(cases, DIFFERENCES);
}

#[test]
fn example_files() {
    let Some(corpus) = json("stix/stix-validator/test-example-files.json") else {
        return;
    };
    let cases = corpus["cases"].as_array().unwrap().iter().map(|case| {
        (
            case["file"].as_str().unwrap().to_owned(),
            case["valid_on_musts_only"].as_bool().unwrap_or(false),
            judge(case["text"].as_str().unwrap().as_bytes()),
        )
    });
    compare(cases, &[]);
}
