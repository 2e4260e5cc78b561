//! `artifact`: samples and hashes, not documents.

use comity_wire::json::Object;

use super::super::code;
use super::super::place::Place;
use super::super::walk::{Judge, Verdict};
use crate::refusal::Refusal;

/// The whole object: the content type counts only where a payload is.
pub(super) fn object(judge: &mut Judge<'_>, object: &Object<'_>, place: &Place<'_>) -> Verdict {
    let Some(payload) = object.str("payload_bin") else {
        return Ok(());
    };
    let place = place.member("payload_bin");
    let mime = object.str("mime_type").unwrap_or("");
    let mime = mime.split(';').next().unwrap_or("").trim();
    if let Some(found) = by_type(mime).or_else(|| by_content(payload)) {
        return Err(refusal(&place, found));
    }
    if !is_sample(mime) {
        judge.hold(&code::PAYLOAD_UNKNOWN, &place);
    }
    Ok(())
}

fn refusal(place: &Place<'_>, found: &'static str) -> Refusal {
    place
        .refuse(&code::PAYLOAD)
        .found(found)
        .required("the payload of a sample")
        .hint("keep `hashes`, or `url` and `hashes`, and leave the payload out")
}

/// What a content type says that is kept out.
fn by_type(mime: &str) -> Option<&'static str> {
    let is =
        |head: &str| mime.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
    if is("text/") || is("application/json") || is("application/xml") {
        Some("a payload of text")
    } else if is("image/") {
        Some("a payload of an image")
    } else if is("audio/") || is("video/") {
        Some("a payload of sound or film")
    } else if is("message/")
        || is("multipart/")
        || is("application/mbox")
        || is("application/vnd.ms-outlook")
    {
        Some("a payload of mail")
    } else if is("application/csv")
        || is("application/sql")
        || is("application/vnd.sqlite3")
        || is("application/x-sqlite3")
    {
        Some("a payload of a table")
    } else if OFFICE.iter().any(|office| is(office)) {
        Some("a payload of an office document")
    } else {
        None
    }
}

const OFFICE: &[&str] = &[
    "application/pdf",
    "application/rtf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-word",
    "application/vnd.openxmlformats",
    "application/vnd.oasis.opendocument",
    "application/epub",
];

/// What the first octets say, whatever the type: pictures, documents, readable text.
fn by_content(payload: &str) -> Option<&'static str> {
    let starts = |heads: &[&str]| heads.iter().any(|head| payload.starts_with(head));
    if starts(&["/9j/", "iVBORw0KGgo", "R0lGOD"]) {
        return Some("a payload of an image");
    }
    if starts(&["JVBERi0", "0M8R4KGxGuE", "e1xydGY"]) {
        return Some("a payload of an office document");
    }
    let mut octets = Octets::new(payload).take(SNIFFED).peekable();
    let printed =
        |octet| matches!(octet, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..=0xBF | 0xC2..=0xF4);
    let readable = octets.peek().is_some() && octets.all(printed);
    readable.then_some("a payload of text")
}

/// Octets at the start of a payload that are looked at.
const SNIFFED: usize = 96;

/// Decodes base64 as it goes, up to the first padding.
struct Octets<'p> {
    digits: std::str::Bytes<'p>,
    bits: u32,
    count: u32,
}

impl<'p> Octets<'p> {
    fn new(text: &'p str) -> Octets<'p> {
        Octets { digits: text.bytes(), bits: 0, count: 0 }
    }
}

impl Iterator for Octets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        while self.count < 8 {
            let digit = self.digits.next()?;
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            self.bits = ((self.bits << 6) | u32::from(value)) & 0xffff;
            self.count += 6;
        }
        self.count -= 8;
        u8::try_from((self.bits >> self.count) & 0xff).ok()
    }
}

/// Types of programs.
fn is_sample(mime: &str) -> bool {
    SAMPLES.iter().any(|known| mime.eq_ignore_ascii_case(known))
}

const SAMPLES: &[&str] = &[
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/vnd.microsoft.portable-executable",
    "application/wasm",
    "application/x-dosexec",
    "application/x-elf",
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-msdos-program",
    "application/x-msdownload",
    "application/x-sharedlib",
];
