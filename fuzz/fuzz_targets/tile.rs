//! The path of a tile, and a bundle of entries.

#![no_main]

use comity_tlog::TilePath;
use comity_tlog::tile::{parse_bundle, push_record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Some(records) = parse_bundle(octets) {
        let mut written = Vec::new();
        records.iter().for_each(|record| push_record(&mut written, record));
        assert_eq!(written, octets);
    }
    let Ok(text) = std::str::from_utf8(octets) else { return };
    if let Some(path) = TilePath::parse(text) {
        assert_eq!(path.to_string(), text);
    }
});
