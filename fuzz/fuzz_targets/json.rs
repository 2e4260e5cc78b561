//! Strict JSON: its canonical form is canonical again, and it equals itself.

#![no_main]

use comity_wire::{canonical, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(value) = json::parse(octets) else { return };
    if let Ok(form) = canonical::canonical(&value) {
        let again = json::parse(&form).expect("the canonical form is JSON");
        assert_eq!(canonical::canonical(&again).expect("and has one"), form);
    }
    assert!(canonical::equal(octets, &[octets, b" "].concat()));
});
