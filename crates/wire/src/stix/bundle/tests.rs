use super::*;

/// Gives a few octets a call, so that every boundary is met.
struct Trickle<'b>(&'b [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        let (given, rest) = self.0.split_at(count);
        buffer[..count].copy_from_slice(given);
        self.0 = rest;
        Ok(count)
    }
}

fn read(text: &[u8]) -> (Vec<Vec<u8>>, Result<About, BundleError>) {
    let mut reader = Reader::new(Trickle(text, 3));
    let mut objects = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(found)) => objects.push(found.bytes.unwrap().to_vec()),
            Ok(None) => return (objects, Ok(reader.about().clone())),
            Err(error) => return (objects, Err(error)),
        }
    }
}

#[test]
fn s027_gives_the_producers_octets_in_any_order_of_members() {
    let text = br#" {"x":[{"objects":[1]}], "objects" : [ {"a" :  "}]\"\\"} ,{"b":[{}]},[],1.5 ],
        "type":"bundle" , "id":"bundle--1"} "#;
    let (objects, about) = read(text);
    let expected: [&[u8]; 4] = [br#"{"a" :  "}]\"\\"}"#, br#"{"b":[{}]}"#, b"[]", b"1.5"];
    assert_eq!(objects, expected);
    let about = about.unwrap();
    assert_eq!(about.object_type.as_deref(), Some("bundle"));
    assert_eq!(about.id.as_deref(), Some("bundle--1"));
    assert!(!about.has_spec_version && about.has_objects);
    let split = split(text).unwrap();
    assert_eq!(split.objects, expected);
    assert_eq!(split.about, about);
}

#[test]
fn an_envelope_has_no_type_and_may_be_empty() {
    assert!(read(b"{}").1.is_ok());
    let (objects, about) = read(br#"{"more":false,"objects":[]}"#);
    assert!(objects.is_empty() && about.unwrap().has_objects);
}

#[test]
fn truncated_text_gives_the_good_ones_first() {
    let text = br#"{"objects":[{"a":1},{"b":2},{"c":"#;
    let (objects, error) = read(text);
    assert_eq!(objects.len(), 2);
    let offset = text.len() as u64;
    assert!(matches!(
        error,
        Err(BundleError::Truncated { objects: 2, offset: at }) if at == offset
    ));
    for cut in 0..text.len() {
        assert!(matches!(read(&text[..cut]).1, Err(BundleError::Truncated { .. })));
    }
    assert!(split(text).is_err());
}

#[test]
fn what_is_no_carrier_is_refused_by_position() {
    for bad in [
        "[]",
        "1",
        r#"{"type":"indicator","id":"x"}"#,
        r#"{"objects":{}}"#,
        r#"{"objects":[{},]}"#,
        r#"{"objects":[,]}"#,
        r#"{"objects":[{} {}]}"#,
        r#"{"objects":[{}],}"#,
        r#"{"objects":[{}]} x"#,
        r#"{"objects":[],"objects":[]}"#,
        r#"{"objects":[],"obje\u0063ts":[]}"#,
        r#"{"more":tru,"objects":[]}"#,
        r#"{"more":,"objects":[]}"#,
        r#"{more:1}"#,
        r#"{"more" 1}"#,
        "\u{feff}{}",
    ] {
        assert!(matches!(read(bad.as_bytes()).1, Err(BundleError::Form { .. })), "{bad}");
    }
}

#[test]
fn an_object_that_is_too_large_is_skipped_by_position() {
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(OBJECT_BYTES_MAX));
    let text = format!(r#"{{"objects":[{{"a":1}},{large},{{"b":2}}]}}"#);
    let mut reader = Reader::new(text.as_bytes());
    let mut seen = Vec::new();
    while let Some(found) = reader.next().unwrap() {
        seen.push((found.position, found.size, found.bytes.is_some()));
    }
    assert_eq!(seen, [(0, 7, true), (1, large.len() as u64, false), (2, 7, true)]);
    assert!(reader.buffer.capacity() < 3 * OBJECT_BYTES_MAX);
    assert_eq!(split(text.as_bytes()).unwrap().objects[1], large.as_bytes());
    let long = format!(r#"{{"x":"{}"}}"#, "y".repeat(BUNDLE_MEMBER_BYTES_MAX));
    assert!(matches!(read(long.as_bytes()).1, Err(BundleError::Form { .. })));
}

/// Prints how fast a large bundle goes through. Not a test of speed: a figure to read.
#[test]
#[ignore = "prints a figure; run by hand with --ignored --nocapture"]
#[allow(clippy::disallowed_methods, reason = "measures")]
fn throughput() {
    let object = format!(r#"{{"id":"x","description":"{}"}}"#, "word \\\" ".repeat(180));
    let text = format!(r#"{{"objects":[{}]}}"#, vec![object; 25_000].join(","));
    let start = std::time::Instant::now();
    let mut reader = Reader::new(text.as_bytes());
    let mut count = 0;
    while reader.next().unwrap().is_some() {
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} objects, {:.0} MB/s", text.len() as f64 / 1e6 / seconds);
}

proptest::proptest! {
    /// Any text gives the same objects or the same fault, in whatever pieces it comes.
    #[test]
    fn pieces_do_not_matter(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", "\"objects\"", "\"type\"", "\"bundle\"", ":", ",", "1", " ",
                "{\"a\":1}", "\"\\\\\"", "\"", "\\", "null",
            ]),
            0..30,
        ),
        size in 1usize..9,
    ) {
        let text = format!("{{\"objects\":[{}", words.concat());
        let all = |size: usize| {
            let mut reader = Reader::new(Trickle(text.as_bytes(), size));
            let mut objects = Vec::new();
            loop {
                match reader.next() {
                    Ok(Some(found)) => objects.push(found.bytes.unwrap().to_vec()),
                    Ok(None) => return (objects, "good".to_owned()),
                    Err(error) => return (objects, error.to_string()),
                }
            }
        };
        proptest::prop_assert_eq!(all(size), all(usize::MAX));
    }
}
