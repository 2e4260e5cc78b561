//! A message of the control socket.

#![no_main]

use std::io::Read as _;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/comity/src/control/frame.rs"]
#[allow(dead_code)]
mod frame;

fuzz_target!(|octets: &[u8]| {
    let mut rest = octets;
    while let Ok(found) = frame::read(&mut rest.by_ref()) {
        let mut written = Vec::new();
        frame::write(&mut written, found.kind, &found.content).expect("memory takes it");
        let end = octets.len() - rest.len();
        assert_eq!(&octets[end - written.len()..end], written);
    }
});
