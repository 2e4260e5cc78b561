//! ATT&CK as it is published: some thirty thousand objects in daily use, read as a stream.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod stix_data;

use std::collections::BTreeMap;
use std::io::Read;

use comity_gate::conforms;
use comity_wire::stix::bundle::Reader;
use stix_data::file;

const BUNDLES: &[&str] = &["enterprise-attack", "ics-attack", "mobile-attack"];

fn unpacked(name: &str) -> Option<impl Read> {
    let file = std::fs::File::open(file(&format!("attack/{name}.json.gz"))?).unwrap();
    Some(flate2::read::GzDecoder::new(file))
}

#[test]
fn every_object_conforms() {
    for name in BUNDLES {
        let Some(input) = unpacked(name) else {
            return;
        };
        let mut reader = Reader::new(input);
        let (mut count, mut flags) = (0, BTreeMap::new());
        let mut refused = Vec::new();
        while let Some(found) = reader.next().unwrap() {
            count += 1;
            match conforms(found.bytes.unwrap()) {
                Ok(noted) => {
                    for flag in noted {
                        *flags.entry(flag.code.id).or_insert(0) += 1;
                    }
                }
                Err(refusal) => refused.push(format!("{}: {refusal}", found.position)),
            }
        }
        println!("{name}: {count} objects, {} refused, flags {flags:?}", refused.len());
        assert!(refused.is_empty(), "{}", refused.join("\n"));
        assert_eq!(reader.about().object_type.as_deref(), Some("bundle"));
    }
}

/// Prints what one object costs. Not a test of speed: figures to read.
#[test]
#[ignore = "prints figures; run by hand with --ignored --nocapture"]
#[allow(clippy::disallowed_methods, reason = "measures")]
fn figures() {
    let Some(mut input) = unpacked("enterprise-attack") else {
        return;
    };
    let mut text = Vec::new();
    input.read_to_end(&mut text).unwrap();

    let start = std::time::Instant::now();
    let mut reader = Reader::new(&text[..]);
    let mut count = 0u32;
    while reader.next().unwrap().is_some() {
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = text.len() as f64 / 1e6;
    println!("stream: {count} objects, {:.0} MB/s", megabytes / seconds);

    let split = comity_wire::stix::bundle::split(&text).unwrap();
    for wanted in ["relationship", "attack-pattern", "malware"] {
        let marker = format!("\"id\":\"{wanted}--");
        let objects: Vec<&[u8]> = split
            .objects
            .iter()
            .copied()
            .filter(|bytes| {
                let text = std::str::from_utf8(bytes).unwrap();
                text.replace(": ", ":").contains(&marker)
            })
            .collect();
        let total: usize = objects.iter().map(|bytes| bytes.len()).sum();
        let time = |work: &dyn Fn(&[u8])| {
            let start = std::time::Instant::now();
            objects.iter().for_each(|bytes| work(bytes));
            start.elapsed().as_secs_f64() * 1e6 / objects.len() as f64
        };
        let parse = time(&|bytes| {
            let _ = std::hint::black_box(comity_wire::json::parse(bytes));
        });
        let whole = time(&|bytes| {
            let _ = std::hint::black_box(conforms(bytes));
        });
        println!(
            "{wanted}: {} objects of {} octets on average, parse {parse:.1} µs, parse and checks \
             {whole:.1} µs",
            objects.len(),
            total / objects.len()
        );
    }
}
