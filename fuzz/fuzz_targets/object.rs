//! A STIX object through the gate: what it says never has to be undone.

#![no_main]

use comity_gate::Facts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    match comity_gate::admit(octets, &Facts::default()) {
        Ok(admitted) => assert!(comity_gate::conforms(octets).is_ok(), "{}", admitted.id()),
        Err(refusal) => assert!(refusal.to_string().len() < 4096),
    }
});
