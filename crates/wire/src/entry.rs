//! The entry of a log: one line of header JSON, a newline, the payload as its producer wrote it.
//! `docs/spec/entry.md` is the specification.
//!
//! Once authored an envelope is an opaque byte string: it is verified, stored and sent as it is,
//! never written again from what was parsed. A reader takes header members that it does not know
//! (a later version may add some); an author writes none.

use serde::{Deserialize, Serialize};

use crate::json::{self, JsonError};
use crate::limits::{ENVELOPE_BYTES_MAX, HEADER_BYTES_MAX, INDEX_MAX, LEAF_CHARS};

/// The version of the envelope format.
pub const VERSION: u32 = 1;

/// The logs of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Content for others.
    Shared,
    /// What the party states to the whole body.
    Acts,
    /// Own collections and drafts.
    Private,
    /// Accesses, for the reviewer.
    Audit,
}

impl Log {
    /// All of them, by number.
    pub const ALL: [Log; 4] = [Log::Shared, Log::Acts, Log::Private, Log::Audit];

    /// The number of the log in stores.
    pub fn id(self) -> u8 {
        match self {
            Log::Shared => 0,
            Log::Acts => 1,
            Log::Private => 2,
            Log::Audit => 3,
        }
    }

    /// The name of the log in paths and headers.
    pub fn name(self) -> &'static str {
        match self {
            Log::Shared => "shared",
            Log::Acts => "acts",
            Log::Private => "private",
            Log::Audit => "audit",
        }
    }

    /// The log of a name.
    pub fn from_name(name: &str) -> Option<Log> {
        Log::ALL.into_iter().find(|log| log.name() == name)
    }

    /// The log of a number.
    pub fn from_id(id: u8) -> Option<Log> {
        Log::ALL.into_iter().find(|log| log.id() == id)
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An object version.
    Share,
    /// Takes entries back.
    Withdraw,
    /// Releases an old entry to more parties.
    Grant,
    /// Says what was done about a withdrawal.
    Receipt,
    /// The peers' heads that this party verified.
    Heads,
    /// The keys of this party's logs.
    Key,
    /// Accepts a charter.
    Accept,
    /// A proposal to decide.
    Motion,
    /// What a party says to a motion.
    Position,
    /// What came of a motion.
    Outcome,
    /// A party's own look into something.
    Inquiry,
    /// What a party makes of something.
    Stance,
    /// An attribution, with its reasons.
    Finding,
    /// An objection, to the reviewer.
    Challenge,
    /// What the reviewer decides.
    Order,
    /// What a party promises.
    Commitment,
    /// How far it came.
    Progress,
    /// A record of what happened.
    Record,
    /// Who read what.
    Access,
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub v: u32,
    /// The SHA-256, in hex, of the charter that founded the body.
    pub body: String,
    /// The party.
    pub origin: String,
    /// The log.
    pub log: String,
    /// What the entry is.
    pub kind: Kind,
    /// Who wrote it.
    pub author: Author,
    /// Names the request, so that a retry makes no second entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idem: Option<String>,
    /// When, by the author's clock: a TAXII timestamp.
    pub created: String,
    /// When it ends: a TAXII timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// What it may be used for.
    pub purpose: String,
    /// How the source and the information are graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// How it may be handled.
    pub handling: Handling,
    /// Who may open it.
    pub audience: Audience,
    /// The SHA-256, in hex, of the charter in force.
    pub charter: String,
    /// The index of the author's own latest `heads` entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// The entries that this one is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<Reference>,
    /// The signature of a person's own key over the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<String>,
    /// Who attests that no record about a natural person is in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attestation>,
}

/// Who wrote an entry: a role and a pseudonym, never a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The role.
    pub role: String,
    /// What the node calls the account.
    pub pseudonym: String,
}

/// Who attests, as [`Author`] names people.
pub type Attestation = Author;

/// How content may be handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handling {
    /// A TLP 2.0 label, without `TLP:`.
    pub tlp: String,
    /// A PAP label, without `PAP:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pap: Option<String>,
}

/// Who may open an entry. No party means nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// The rule that the list was compiled from.
    pub rule: String,
    /// The parties.
    pub parties: Vec<String>,
}

/// Names an entry of any log, with the leaf it must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The party.
    pub origin: String,
    /// The log.
    pub log: String,
    /// The index.
    pub index: u64,
    /// The leaf, in hex.
    pub leaf: String,
}

/// Why octets are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Too large.
    #[error("an envelope of {found} octets; required: at most {ENVELOPE_BYTES_MAX}")]
    TooLarge {
        /// Its octets.
        found: usize,
    },
    /// No header line.
    #[error("no header line of at most {HEADER_BYTES_MAX} octets")]
    NoHeader,
    /// The header line is not JSON as it must be.
    #[error("the header is {0}")]
    Json(#[from] JsonError),
    /// The header lacks a member, or one has another type.
    #[error("the header does not have its members, at column {column}")]
    Members {
        /// Where the reader stopped.
        column: usize,
    },
    /// A reference names nothing that can be an entry.
    #[error(
        "a reference with the index {index} and a leaf of {leaf} characters; required: an index of \
         at most {INDEX_MAX}, and {LEAF_CHARS} lower-case hexadecimal digits"
    )]
    Reference {
        /// Its index.
        index: u64,
        /// Characters of its leaf.
        leaf: usize,
    },
    /// A version of the format that this program does not know.
    #[error("format version {found}; required: {VERSION}")]
    Version {
        /// Which.
        found: u32,
    },
}

/// Writes an envelope.
///
/// # Errors
/// The header line or the whole is too large.
pub fn encode(header: &Header, payload: &[u8]) -> Result<Vec<u8>, EntryError> {
    let mut envelope = Vec::with_capacity(payload.len() + 640);
    // A header is strings and numbers: it can always be written, and JSON text holds no newline.
    serde_json::to_writer(&mut envelope, header).map_err(|_| EntryError::NoHeader)?;
    if envelope.len() > HEADER_BYTES_MAX {
        return Err(EntryError::NoHeader);
    }
    envelope.push(b'\n');
    envelope.extend_from_slice(payload);
    if envelope.len() > ENVELOPE_BYTES_MAX {
        return Err(EntryError::TooLarge { found: envelope.len() });
    }
    Ok(envelope)
}

/// The header line and the payload of an envelope.
///
/// # Errors
/// The octets have no header line, or are too many.
pub fn split(envelope: &[u8]) -> Result<(&[u8], &[u8]), EntryError> {
    if envelope.len() > ENVELOPE_BYTES_MAX {
        return Err(EntryError::TooLarge { found: envelope.len() });
    }
    let searched = envelope.get(..=HEADER_BYTES_MAX).unwrap_or(envelope);
    let end = memchr::memchr(b'\n', searched).ok_or(EntryError::NoHeader)?;
    let (header, rest) = envelope.split_at_checked(end).ok_or(EntryError::NoHeader)?;
    Ok((header, rest.get(1..).unwrap_or_default()))
}

impl Header {
    /// Reads the header of an envelope.
    ///
    /// # Errors
    /// As [`split`] and [`Header::parse`].
    pub fn of(envelope: &[u8]) -> Result<Header, EntryError> {
        Header::parse(split(envelope)?.0)
    }

    /// Reads a header line.
    ///
    /// # Errors
    /// It is not JSON, says something twice, lacks a member, has another version, or has a
    /// reference that names no entry.
    pub fn parse(line: &[u8]) -> Result<Header, EntryError> {
        json::parse(line)?;
        let header: Header = serde_json::from_slice(line)
            .map_err(|error| EntryError::Members { column: error.column() })?;
        if header.v != VERSION {
            return Err(EntryError::Version { found: header.v });
        }
        match header.refs.iter().find(|one| !one.names_an_entry()) {
            Some(Reference { index, leaf, .. }) => {
                Err(EntryError::Reference { index: *index, leaf: leaf.len() })
            }
            None => Ok(header),
        }
    }
}

impl Reference {
    fn names_an_entry(&self) -> bool {
        let digit = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
        self.index <= INDEX_MAX && self.leaf.len() == LEAF_CHARS && self.leaf.bytes().all(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            v: VERSION,
            body: "00".repeat(32),
            origin: "cert.example".to_owned(),
            log: Log::Private.name().to_owned(),
            kind: Kind::Share,
            author: Author { role: "analyst".to_owned(), pseudonym: "a-1".to_owned() },
            idem: None,
            created: "2026-01-01T00:00:00.000000Z".to_owned(),
            expires: None,
            purpose: "network-defence".to_owned(),
            grade: None,
            handling: Handling { tlp: "AMBER".to_owned(), pap: None },
            audience: Audience { rule: "none".to_owned(), parties: Vec::new() },
            charter: "00".repeat(32),
            seen: None,
            refs: Vec::new(),
            inner: None,
            attested: None,
        }
    }

    #[test]
    fn an_envelope_comes_apart_as_it_was_put_together() {
        let payload = b"{\n  \"type\": \"tool\"\n}";
        let envelope = encode(&header(), payload).unwrap();
        let (line, rest) = split(&envelope).unwrap();
        assert_eq!(Header::parse(line), Ok(header()));
        assert_eq!(rest, payload, "newlines of the payload are its own");
    }

    #[test]
    fn what_is_no_envelope_is_told() {
        assert_eq!(split(b"{}"), Err(EntryError::NoHeader));
        assert_eq!(split(&vec![b' '; HEADER_BYTES_MAX + 2]), Err(EntryError::NoHeader));
        assert!(matches!(Header::parse(b"{\"v\":1,\"v\":1}"), Err(EntryError::Json(_))));
        assert!(matches!(Header::parse(b"{\"v\":1}"), Err(EntryError::Members { .. })));
        let line = serde_json::to_string(&Header { v: 2, ..header() }).unwrap();
        assert_eq!(Header::parse(line.as_bytes()), Err(EntryError::Version { found: 2 }));
    }

    #[test]
    fn a_reference_names_what_can_be_an_entry() {
        let parsed = |index: u64, leaf: String| {
            let (origin, log) = ("cert.example".to_owned(), "shared".to_owned());
            let refs = vec![Reference { origin, log, index, leaf }];
            Header::parse(&serde_json::to_vec(&Header { refs, ..header() }).unwrap())
        };
        let leaf = || format!("01{}", "ab".repeat(32));
        assert!(parsed(INDEX_MAX, leaf()).is_ok());
        for index in [INDEX_MAX + 1, (2 << 48) | 5, u64::MAX] {
            let refused = Err(EntryError::Reference { index, leaf: LEAF_CHARS });
            assert_eq!(parsed(index, leaf()), refused);
        }
        for leaf in [String::new(), leaf() + "0", leaf().to_uppercase(), "g".repeat(LEAF_CHARS)] {
            assert!(matches!(parsed(0, leaf), Err(EntryError::Reference { .. })));
        }
    }
}
