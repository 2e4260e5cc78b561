//! A charter: it is read, or every fault has a line.

#![no_main]

use std::collections::BTreeMap;

use comity_charter::{Date, diff, with_geneses};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match comity_charter::parse(text) {
        Ok(charter) => {
            for at in [i64::MIN, 0, i64::MAX] {
                let body = charter.as_of(Date::of(at));
                assert_eq!(body.tiers.len(), charter.tiers.len());
            }
            assert!(diff(&charter, &charter).is_empty());
            assert!(with_geneses(text, &BTreeMap::new()).is_ok_and(|same| same == text));
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
});
