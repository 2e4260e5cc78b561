//! Parties, their standings over time, and the keys that their nodes began with.

use serde::Deserialize;

use crate::date::Date;

/// A party of the body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// A host-name-like identifier, unique in the body, never reused.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The short form of a standing: in this tier, active, at any time.
    pub tier: Option<String>,
    /// Its standings, one after the other.
    #[serde(default, rename = "standing")]
    pub standings: Vec<Term>,
    /// Who controls it, where several parties are controlled by one: the agencies of one state.
    pub control: Option<String>,
    /// The keys that its node began with; none where it has no node.
    pub genesis: Option<Genesis>,
}

/// A standing for some time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// In this tier.
    pub tier: String,
    /// When it was decided. It has no effect: a party is in a tier when its standing begins.
    pub decided: Option<Date>,
    /// When it began; the body's first day, where absent.
    pub from: Option<Date>,
    /// When it ended: not this day any more.
    pub until: Option<Date>,
    /// Only active ones have rights.
    #[serde(default)]
    pub status: Status,
}

impl Term {
    /// Whether it runs at a time.
    pub fn runs(&self, at: i64) -> bool {
        self.start() <= at && at < self.end()
    }

    /// When it has begun for certain.
    pub(crate) fn start(&self) -> i64 {
        self.from.map_or(i64::MIN, |from| from.begun())
    }

    /// The first time at which it may have ended.
    pub(crate) fn end(&self) -> i64 {
        self.until.map_or(i64::MAX, |until| until.start())
    }
}

/// What has become of a standing. Standing and participation are two things: a party that does
/// not take part is dormant, and still counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has the rights of its tier.
    #[default]
    Active,
    /// Its rights are suspended by a decision.
    Suspended,
    /// It does not take part.
    Dormant,
    /// It has left.
    Withdrawn,
}

impl Status {
    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Dormant => "dormant",
            Status::Withdrawn => "withdrawn",
        }
    }
}

/// The public keys of a party's node, as it began: what its peers hold it to. The party compares
/// the fingerprint of the charter that has them with the others, out of band.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The verifier key (C2SP signed-note) of its log `shared`.
    pub shared: String,
    /// That of its log `acts`.
    pub acts: String,
    /// That of its log `audit`, which its reviewer follows.
    pub audit: String,
    /// The SHA-256 of the public key (SubjectPublicKeyInfo) that it shows to peers over TLS:
    /// `sha256//` and base64.
    pub transport: String,
    /// The SHA-256, in hex, of the key that its logs will be signed with next.
    pub next: String,
}

/// What a party is to the body at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'c> {
    /// It is in this tier.
    In(&'c str),
    /// It was, or will be, or is suspended: it has no right now.
    Out,
}
