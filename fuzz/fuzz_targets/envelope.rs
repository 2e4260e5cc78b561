//! The envelope of an entry, and its header.

#![no_main]

use comity_wire::entry::{self, Header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok((line, payload)) = entry::split(octets) else { return };
    let Ok(header) = Header::parse(line) else { return };
    let Ok(written) = entry::encode(&header, payload) else { return };
    let (line, same) = entry::split(&written).expect("what is written is read");
    assert_eq!(same, payload);
    Header::parse(line).expect("what is written is read");
});
