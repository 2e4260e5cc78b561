//! A stream of a bundle: in pieces of any size it is the same as whole.

#![no_main]

use std::io::{self, Read};

use comity_wire::stix::bundle::Reader;
use libfuzzer_sys::fuzz_target;

/// Gives so many octets at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len());
        (&mut self.0).take(count as u64).read(buffer)
    }
}

fn objects(input: impl Read) -> (Vec<Option<Vec<u8>>>, Option<String>) {
    let mut reader = Reader::new(input);
    let mut found = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(object)) => found.push(object.bytes.map(<[u8]>::to_vec)),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error.to_string())),
        }
    }
}

fuzz_target!(|octets: &[u8]| {
    let Some((first, rest)) = octets.split_first() else { return };
    let size = usize::from(*first) % 16 + 1;
    assert_eq!(objects(rest), objects(Pieces(rest, size)));
});
