//! A charter: it is read, or every fault has a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(faults) = comity_charter::parse(text) {
        assert!(!faults.is_empty());
    }
});
