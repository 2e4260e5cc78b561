//! A STIX pattern.

#![no_main]

use comity_wire::stix::pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match pattern::parse(text) {
        Ok(pattern) => {
            let _ = (pattern.joins_different_types(), pattern.has_empty_window());
            let _ = pattern.comparisons().len();
        }
        Err(error) => assert!(text.get(..error.offset).is_some(), "{}", error.offset),
    }
});
