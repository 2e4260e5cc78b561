//! Identifiers and UUIDs.

#![no_main]

use comity_wire::id::{Id, Uuid};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Id::parse(text);
    if let Some(uuid) = Uuid::parse(text) {
        assert_eq!(Uuid::parse(&uuid.to_string()).expect("what is written is read"), uuid);
    }
});
