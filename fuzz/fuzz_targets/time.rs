//! Timestamps: the order of instants is that of their keys.

#![no_main]

use comity_wire::time::{Instant, Micros};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (left, right) = text.split_once('|').unwrap_or((text, ""));
    if let Ok(micros) = Micros::parse(left) {
        assert_eq!(Micros::parse(&micros.to_string()).expect("what is written is read"), micros);
    }
    let Ok(left) = Instant::parse(left) else { return };
    let key = left.sort_key();
    assert_eq!(Instant::from_sort_key(&key).expect("a key is read"), left);
    if let Ok(right) = Instant::parse(right) {
        assert_eq!(left.cmp(&right), key.cmp(&right.sort_key()));
    }
});
