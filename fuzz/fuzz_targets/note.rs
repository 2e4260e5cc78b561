//! A signed note, its checkpoint, and a verifier key.

#![no_main]

use comity_tlog::note::Note;
use comity_tlog::{Checkpoint, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(note) = Note::parse(octets) {
        assert!(note.verify(&[]).is_err(), "nobody is known, so nothing is good");
    }
    let Ok(text) = std::str::from_utf8(octets) else { return };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        Checkpoint::parse(&checkpoint.text()).expect("what is written is read");
    }
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.vkey(), text);
    }
});
