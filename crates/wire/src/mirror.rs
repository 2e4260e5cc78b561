//! Which heads a mirror holds: JSON lines, one a log. `docs/spec/federation.md` (Mirrors) is the
//! specification.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Logs in one answer: two of each party that a node can follow, and as many again.
pub const HELD_MAX: usize = 512;

/// Octets of one answer: so many lines with the longest names.
pub const HELD_BYTES_MAX: usize = HELD_MAX * 512;

/// The head of a log that a mirror holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The party whose log it is.
    pub party: String,
    /// The name of the log.
    pub log: String,
    /// The SHA-256 of the signed note, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a line has of a signed note.
pub fn digest(note: &str) -> String {
    let mut digits = String::with_capacity(64);
    for octet in Sha256::digest(note.as_bytes()) {
        let _ = write!(digits, "{octet:02x}");
    }
    digits
}

/// Writes an answer.
pub fn write(held: &[Held]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in held {
        // Strings into memory: it cannot fail.
        let _ = serde_json::to_writer(&mut out, one);
        out.push(b'\n');
    }
    out
}

/// Reads an answer; nothing where it is none. No digest in it is taken for one: it is compared.
pub fn parse(octets: &[u8]) -> Option<Vec<Held>> {
    let text = octets.strip_suffix(b"\n").unwrap_or(octets);
    if octets.is_empty() {
        return Some(Vec::new());
    }
    let lines = text.split(|octet| *octet == b'\n');
    let held: Option<Vec<Held>> =
        lines.take(HELD_MAX + 1).map(|line| serde_json::from_slice(line).ok()).collect();
    held.filter(|held| held.len() <= HELD_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(party: &str) -> Held {
        Held { party: party.to_owned(), log: "shared".to_owned(), sha256: digest(party) }
    }

    #[test]
    fn what_is_written_is_read() {
        let all = vec![held("alpha.example"), held("beta.example")];
        assert_eq!(parse(&write(&all)), Some(all));
        assert_eq!(parse(&write(&[])), Some(Vec::new()));
        assert_eq!(
            held("").sha256,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for octets in [
            "\n",
            "{}\n",
            "[]\n",
            "\"\"",
            "{\"party\":\"a\",\"log\":\"shared\"}\n",
            "{\"party\":\"a\",\"log\":\"shared\",\"sha256\":\"\",\"more\":1}\n",
        ] {
            assert_eq!(parse(octets.as_bytes()), None, "{octets}");
        }
        let many: Vec<Held> = (0..=HELD_MAX).map(|one| held(&one.to_string())).collect();
        assert_eq!(parse(&write(&many)), None);
        assert_eq!(parse(&write(&many[1..])).map(|held| held.len()), Some(HELD_MAX));
        assert!(write(&many[1..]).len() < HELD_BYTES_MAX);
    }
}
