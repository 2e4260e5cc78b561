//! A page of openings, and the payload of a consent.

#![no_main]

use comity_wire::{consent, release};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(page) = release::parse(octets) {
        assert_eq!(release::parse(&release::write(&page)), Ok(page));
    }
    if let Ok(Some(onward)) = consent::read(octets, "alpha.example") {
        assert_eq!(consent::read(&consent::write(&onward), "alpha.example"), Ok(Some(onward)));
    }
});
