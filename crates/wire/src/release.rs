//! A page of openings: JSON lines, one an opening, and a last one that says how far the log was
//! looked through. `docs/spec/log.md` is the specification.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::limits::{ENVELOPE_BYTES_MAX, INDEX_MAX};

/// Openings on one page. A page has some 256; one with a `grant` has those of the entries that it
/// names, too.
pub const OPENINGS_MAX: usize = 1024;

/// What a leaf commits to, and the salt that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The index of the leaf.
    pub index: u64,
    /// The salt.
    pub salt: [u8; 32],
    /// The envelope.
    pub envelope: Vec<u8>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Opening").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A page of openings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order in which they were sent.
    pub openings: Vec<Opening>,
    /// Everything below this index was looked at.
    pub scanned_to: u64,
}

/// Why octets are not a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A line is not of its form.
    #[error("line {line}: not an opening, and not the last line of a page")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// It ends without its last line.
    #[error("the page ends without `scanned_to`: it was cut off")]
    CutOff,
    /// Too many.
    #[error("more than {OPENINGS_MAX} openings")]
    TooMany,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningLine<'a> {
    index: u64,
    #[serde(borrow)]
    salt: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    envelope: std::borrow::Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastLine {
    scanned_to: u64,
}

/// Writes a page.
pub fn write(page: &Page) -> Vec<u8> {
    let mut out = Vec::new();
    for opening in &page.openings {
        let line = OpeningLine {
            index: opening.index,
            salt: STANDARD.encode(opening.salt).into(),
            envelope: STANDARD.encode(&opening.envelope).into(),
        };
        push(&mut out, &line);
    }
    push(&mut out, &LastLine { scanned_to: page.scanned_to });
    out
}

fn push(out: &mut Vec<u8>, line: &impl Serialize) {
    // Numbers and strings into memory: it cannot fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

/// Reads a page. An envelope beyond the limit is left out of it, as one that does not open: whoever
/// sent it is told of by the caller.
///
/// # Errors
/// The octets are not a whole page.
pub fn parse(octets: &[u8]) -> Result<Page, PageError> {
    let mut page = Page::default();
    let mut ended = false;
    for (at, line) in octets.split(|octet| *octet == b'\n').enumerate() {
        let fault = PageError::Line { line: at + 1 };
        if line.is_empty() && ended {
            continue;
        }
        if ended {
            return Err(fault);
        }
        if let Ok(last) = serde_json::from_slice::<LastLine>(line) {
            page.scanned_to = last.scanned_to;
            ended = true;
            continue;
        }
        if line.is_empty() {
            return Err(PageError::CutOff);
        }
        if page.openings.len() == OPENINGS_MAX {
            return Err(PageError::TooMany);
        }
        page.openings.push(opening(line).ok_or(fault)?);
    }
    if ended { Ok(page) } else { Err(PageError::CutOff) }
}

fn opening(line: &[u8]) -> Option<Opening> {
    let line: OpeningLine<'_> = serde_json::from_slice(line).ok()?;
    let salt = STANDARD.decode(line.salt.as_bytes()).ok()?.try_into().ok()?;
    if line.index > INDEX_MAX || line.envelope.len() > ENVELOPE_BYTES_MAX.div_ceil(3) * 4 {
        return None;
    }
    let envelope = STANDARD.decode(line.envelope.as_bytes()).ok()?;
    Some(Opening { index: line.index, salt, envelope })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let opening = |index: u8, envelope: &[u8]| Opening {
            index: u64::from(index),
            salt: [index; 32],
            envelope: envelope.to_vec(),
        };
        Page { openings: vec![opening(3, b"{}\n{}"), opening(1, &[0, 255, 10])], scanned_to: 9 }
    }

    #[test]
    fn a_page_comes_back_as_it_was_written() {
        for page in [page(), Page { scanned_to: 7, ..Page::default() }] {
            assert_eq!(parse(&write(&page)), Ok(page));
        }
    }

    #[test]
    fn a_page_cut_off_anywhere_is_told() {
        let whole = write(&page());
        for end in 0..whole.len() - 1 {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        // The newline behind the last line may be missing.
        assert_eq!(parse(&whole[..whole.len() - 1]), Ok(page()));
    }

    #[test]
    fn what_is_no_page_is_told_with_its_line() {
        let more = [write(&page()), b"{\"scanned_to\":9}\n".to_vec()].concat();
        assert_eq!(parse(&more), Err(PageError::Line { line: 4 }));
        let salt = STANDARD.encode([0; 31]);
        let short = format!("{{\"index\":1,\"salt\":\"{salt}\",\"envelope\":\"\"}}\n");
        assert_eq!(parse(short.as_bytes()), Err(PageError::Line { line: 1 }));
        let many =
            Page { openings: vec![page().openings[0].clone(); OPENINGS_MAX + 1], scanned_to: 1 };
        assert_eq!(parse(&write(&many)), Err(PageError::TooMany));
        assert_eq!(parse(b""), Err(PageError::CutOff));
    }
}
