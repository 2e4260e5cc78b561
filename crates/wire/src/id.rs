//! STIX identifiers: `type--UUID` (STIX 2.1 §2.9). UUIDs compare without case; the text is kept
//! as received.

use sha2::{Digest as _, Sha256};

/// An identifier, parsed but not judged: whether the type fits the object is the gate's question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id<'a> {
    /// What stands before `--`.
    pub object_type: &'a str,
    /// The UUID's octets.
    pub uuid: Uuid,
}

/// The octets of a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl<'a> Id<'a> {
    /// Reads `type--UUID`. Any UUID of the RFC 4122 form and a version from 1 to 5 will do.
    pub fn parse(text: &'a str) -> Option<Id<'a>> {
        let split = text.len().checked_sub(38)?;
        let (object_type, rest) = text.split_at_checked(split)?;
        let uuid = Uuid::parse(rest.strip_prefix("--")?)?;
        if !is_type_name(object_type) || !(1..=5).contains(&uuid.version()) || !uuid.is_rfc4122() {
            return None;
        }
        Some(Id { object_type, uuid })
    }
}

impl std::fmt::Display for Id<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}--{}", self.object_type, self.uuid)
    }
}

/// Whether a text can be the name of a STIX type (S014): 3 to 250 of `a-z 0-9 -`, no hyphen at an
/// end and no two together, a letter first.
pub fn is_type_name(text: &str) -> bool {
    (3..=250).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Where the digits of each octet of a UUID begin.
const OCTET_AT: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The value of a hexadecimal digit; `0xff` for anything else.
fn digit(byte: u8) -> u8 {
    /// Identifiers are read several times for each object: a table beats comparisons.
    #[allow(
        clippy::indexing_slicing,
        reason = "computed when the program is compiled: an index beyond the end does not compile"
    )]
    const VALUES: [u8; 256] = {
        let mut values = [0xff; 256];
        let mut value = 0;
        while value < 16 {
            values[b"0123456789abcdef"[value as usize] as usize] = value;
            values[b"0123456789ABCDEF"[value as usize] as usize] = value;
            value += 1;
        }
        values
    };
    VALUES.get(usize::from(byte)).copied().unwrap_or(0xff)
}

impl Uuid {
    /// Reads the 36 characters of a UUID, hexadecimal digits in either case.
    pub fn parse(text: &str) -> Option<Uuid> {
        let digits: &[u8; 36] = text.as_bytes().try_into().ok()?;
        let mut octets = [0u8; 16];
        // A digit that is none sets the high bits, and is found once at the end.
        let mut all = 0u8;
        for (octet, place) in octets.iter_mut().zip(OCTET_AT) {
            let pair = digits.get(place..place + 2)?;
            let (high, low) = (digit(*pair.first()?), digit(*pair.last()?));
            all |= high | low;
            *octet = high << 4 | low & 0x0f;
        }
        let hyphens = [8, 13, 18, 23].iter().all(|at| digits.get(*at) == Some(&b'-'));
        (hyphens && all < 0x10).then_some(Uuid(octets))
    }

    /// The version digit.
    pub fn version(&self) -> u8 {
        self.0[6] >> 4
    }

    /// Whether the variant bits are those of RFC 4122.
    pub fn is_rfc4122(&self) -> bool {
        self.0[8] >> 6 == 0b10
    }

    /// Half as many octets, for tables in memory and on disk that may confuse two UUIDs and look
    /// again: those of its SHA-256. Whoever chooses UUIDs cannot choose many that are confused, and
    /// so make each look a long one.
    pub fn half(&self) -> u64 {
        let digest: [u8; 32] = Sha256::digest(self.0).into();
        digest.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// Makes a version 4 UUID of sixteen random octets.
    pub fn from_random(mut octets: [u8; 16]) -> Uuid {
        octets[6] = (octets[6] & 0x0f) | 0x40;
        octets[8] = (octets[8] & 0x3f) | 0x80;
        Uuid(octets)
    }
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{octet:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s001_identifier_form() {
        let id = Id::parse("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f").unwrap();
        assert_eq!(id.object_type, "indicator");
        assert_eq!(id.to_string(), "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
        for bad in [
            "tool--blablabla",
            "indicator-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "indicator--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f",
            "indicator--8e2e2d2b-17d4-4cbf-138f-98ee46b3cd3f",
            "corpor@tion--4527e5de-8572-446a-a57a-706f15467461",
            "-ab--4527e5de-8572-446a-a57a-706f15467461",
            "é--4527e5de-8572-446a-a57a-706f15467461",
            "",
        ] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn uuids_that_differ_in_both_halves_alike_are_not_confused() {
        let halves: std::collections::BTreeSet<u64> = (0..=255)
            .map(|octet: u8| {
                let mut octets = [7; 16];
                octets[7] ^= octet;
                octets[11] ^= octet;
                Uuid(octets).half()
            })
            .collect();
        assert_eq!(halves.len(), 256);
    }

    #[test]
    fn s002_uuid_compares_without_case() {
        let lower = Id::parse("tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f").unwrap();
        let upper = Id::parse("tool--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F").unwrap();
        assert_eq!(lower, upper);
    }
}
