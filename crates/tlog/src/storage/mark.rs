//! How far a log is known to have signed, as noted outside of the log store.
//!
//! A log must never sign two roots for one size. A log store that was put back to an earlier day
//! knows nothing of what it signed since. So each head is noted in two places besides, and a
//! store that is behind either of them is not written.

use super::{Head, StorageError, checksum};
use crate::merkle::Hash;

/// The first line of a mark, up to its version.
const TITLE: &str = "comity head mark ";

/// The version of its form.
const VERSION: u32 = 1;

/// A size that a log has signed, and its root there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The number of the log.
    pub log: u8,
    /// The origin it signed under. A log that goes on under another name is another log.
    pub origin: String,
    /// The size.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

impl Mark {
    /// The mark of a head.
    pub fn of(origin: &str, head: &Head) -> Mark {
        Mark { log: head.log, origin: origin.to_owned(), size: head.size, root: head.root }
    }

    /// A checksum of the row that holds it. It guards against decay, not against people.
    pub(crate) fn sum(&self) -> [u8; 8] {
        checksum(b"mark", &[self.line().as_bytes()])
    }

    fn line(&self) -> String {
        let root: String = self.root.0.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{} {} {root} {}\n", self.log, self.size, self.origin)
    }

    fn parse(line: &str) -> Option<Mark> {
        let mut words = line.splitn(4, ' ');
        let log = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let hex = words.next()?;
        let octets: Option<Vec<u8>> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
            .collect();
        let root = Hash::from_slice(&octets?)?;
        Some(Mark { log, origin: words.next()?.to_owned(), size, root })
    }
}

/// The text of a mark file: a title, a line for each log, a sum.
pub(crate) fn text<'m>(marks: impl Iterator<Item = &'m Mark>) -> String {
    let mut text = format!("{TITLE}{VERSION}\n");
    marks.for_each(|mark| text.push_str(&mark.line()));
    let sum: String =
        checksum(b"marks", &[text.as_bytes()]).iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{text}sum {sum}\n")
}

/// The marks of a text; what stands behind its sum is of an earlier, longer one. A text that was
/// torn on its way to the disk holds none: the other places are for that.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Mark>, StorageError> {
    let text = String::from_utf8_lossy(text);
    let Some((first, rest)) = text.split_once('\n') else { return Ok(Vec::new()) };
    match first.strip_prefix(TITLE).map(str::parse::<u32>) {
        Some(Ok(VERSION)) => {}
        Some(Ok(found)) if found > VERSION => {
            return Err(StorageError::Version { file: "head.mark", found, known: VERSION });
        }
        _ => return Ok(Vec::new()),
    }
    let mut marks = Vec::new();
    for line in rest.lines() {
        if line.starts_with("sum ") {
            let whole = format!("{line}\n").into_bytes();
            let agrees = self::text(marks.iter()).as_bytes().ends_with(&whole);
            return Ok(if agrees { marks } else { Vec::new() });
        }
        match Mark::parse(line) {
            Some(mark) => marks.push(mark),
            None => return Ok(Vec::new()),
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_its_text_and_a_torn_one_is_none() {
        let mark = |log, size| Mark {
            log,
            origin: "alpha.example/log/private".to_owned(),
            size,
            root: Hash([7; 32]),
        };
        let marks = [mark(0, 17), mark(3, 281_474_976_710_655)];
        let whole = text(marks.iter());
        assert_eq!(parse(whole.as_bytes()).unwrap(), marks);
        assert_eq!(parse(format!("{whole}of before\nsum 0\n").as_bytes()).unwrap(), marks);
        for length in 0..whole.len() - 1 {
            assert_eq!(parse(&whole.as_bytes()[..length]).unwrap(), [], "{length}");
        }
        assert_eq!(parse(whole.replace("17", "16").as_bytes()).unwrap(), []);
        let newer = whole.replacen("mark 1", "mark 2", 1);
        let told = parse(newer.as_bytes()).unwrap_err().to_string();
        assert_eq!(told, "`head.mark` has version 2, this program knows 1; run the later program");
    }
}
