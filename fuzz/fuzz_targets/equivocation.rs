//! A proof that a log signed two histories.

#![no_main]

use comity_tlog::{Equivocation, Verifier};
use libfuzzer_sys::fuzz_target;

// Of `docs/spec/vectors/equivocation.json`.
const VKEY: &str = "alpha/shared+d85f8c0a+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

fuzz_target!(|octets: &[u8]| {
    let Ok(proof) = Equivocation::parse(octets) else { return };
    assert_eq!(Equivocation::parse(proof.text().as_bytes()), Ok(proof.clone()));
    let verifier = Verifier::parse(VKEY).expect("the key of the vectors");
    if let Ok(convicted) = proof.check(&verifier) {
        assert!(convicted.smaller.0 <= convicted.larger.0);
        assert!(convicted.smaller != convicted.larger, "one head contradicts nothing");
    }
});
