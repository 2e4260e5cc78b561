//! What a charter says.

use serde::Deserialize;

/// The SHA-256 of a charter's bytes: its name wherever it is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

/// A charter that loaded: well-formed and above the floors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// The name of this text.
    pub hash: Hash,
    /// The name of the body.
    pub body: String,
    /// 1 for the founding charter.
    pub version: u32,
    /// What the body shares intelligence for.
    pub purposes: Vec<Purpose>,
    /// The parties.
    pub parties: Vec<Party>,
    /// How what is shared may be handled.
    pub handling: Handling,
    /// Whether mailboxes and accounts that an attacker controls may stand in patterns.
    pub attacker_mailboxes: bool,
    /// Whether custom types and extensions have to be registered here.
    pub registered_only: bool,
    /// The registered custom types and extension ids.
    pub registered: Vec<String>,
    /// Days that an entry lives when nothing else says so.
    pub retention_days: u32,
    /// Days that records of accesses and of refusals are kept.
    pub audit_days: u32,
    /// Whether an access has to be on disk before it is answered.
    pub audit_before_answer: bool,
}

/// What a body shares intelligence for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Defence of networks and systems.
    NetworkDefence,
    /// Financing of terrorism, of groups and their infrastructure.
    CounterFinancing,
    /// Trafficking of drugs: routes, substances, front organisations.
    CounterNarcotics,
    /// Online recruitment: campaigns and infrastructure.
    CounterRecruitment,
    /// Exercises.
    Exercise,
}

impl Purpose {
    /// The name as a charter and an entry write it.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::NetworkDefence => "network-defence",
            Purpose::CounterFinancing => "counter-financing",
            Purpose::CounterNarcotics => "counter-narcotics",
            Purpose::CounterRecruitment => "counter-recruitment",
            Purpose::Exercise => "exercise",
        }
    }
}

/// A party of the body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// A host-name-like identifier, unique in the body, never reused.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The tier of its standing.
    pub tier: String,
    /// The keys that its node began with; none where it has no node.
    pub genesis: Option<Genesis>,
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

/// How what is shared may be handled when nothing else says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// The label of what carries none.
    pub default_tlp: Tlp,
}

/// The labels of TLP 2.0 (FIRST), from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Tlp {
    /// No limit on disclosure.
    #[serde(rename = "CLEAR")]
    Clear,
    /// The community.
    #[serde(rename = "GREEN")]
    Green,
    /// The recipients' organisations and their clients.
    #[serde(rename = "AMBER")]
    Amber,
    /// The recipients' organisations.
    #[serde(rename = "AMBER+STRICT")]
    AmberStrict,
    /// Named recipients.
    #[serde(rename = "RED")]
    Red,
}

impl Tlp {
    /// The label as FIRST writes it, without the prefix `TLP:`.
    pub fn label(self) -> &'static str {
        match self {
            Tlp::Clear => "CLEAR",
            Tlp::Green => "GREEN",
            Tlp::Amber => "AMBER",
            Tlp::AmberStrict => "AMBER+STRICT",
            Tlp::Red => "RED",
        }
    }
}

impl Charter {
    /// The party of an identifier.
    pub fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == id)
    }

    /// What a party is to the body at a time, in microseconds since 1970.
    pub fn standing(&self, id: &str, _at: i64) -> Standing<'_> {
        self.party(id).map_or(Standing::Out, |party| Standing::In(&party.tier))
    }

    /// The party whose node shows this key to peers.
    pub fn party_of_transport(&self, pin: &str) -> Option<&Party> {
        let shows = |party: &&Party| party.genesis.as_ref().is_some_and(|it| it.transport == pin);
        self.parties.iter().find(shows)
    }
}
