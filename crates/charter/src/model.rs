//! What a charter says.

mod decision;
mod handling;
mod instrument;
mod office;
mod organ;
mod part;
mod party;
mod terms;
mod tier;

use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

pub use decision::{DecisionRule, Electorate, Minus, Subject};
pub use handling::{Ceiling, Handling, Pap, Tlp};
pub use instrument::{Guest, Instrument, Predecessor};
pub use office::{Basis, Location, Office, OfficeKind, PanelSeat};
pub use organ::{
    Chair, ChairPower, ChairTerm, Deputy, Organ, OrganKind, OrganState, Rotation, Seats,
};
pub use part::{
    Absence, Abstention, Adoption, Base, Breaker, Effect, EffectKind, EffectOn, Escalation, Force,
    Invoker, Missed, Participation, Provisional, Quorum, Reach, RecordedOpinion, Reservation,
    ReservationEffect, Secrecy, Silence, Sunset, Taken, Urgent,
};
pub use party::{Genesis, Party, Standing, Status, Term};
pub(crate) use terms::Retention;
pub use terms::{Duty, Exit, Guard, Languages, Lifetimes, Quotas, Review, Stage, Withdrawal};
pub use tier::{Right, Tier};

/// The SHA-256 of a charter's bytes: its name wherever it is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Hash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut octets = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != octets.len() || !rest.is_empty() {
            return None;
        }
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            *octet = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Hash(octets))
    }

    /// The name of a text.
    pub fn of(text: &str) -> Hash {
        Hash(Sha256::digest(text.as_bytes()).into())
    }

    /// Sixty digits in twelve groups of five, to be read aloud and compared out of band.
    ///
    /// Whoever drafts a charter could draft many, and look for two that sound alike: sixty digits
    /// are what makes that as hard as 2^99.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha512::new();
        hasher.update(b"comity/charter-fingerprint/v1\0");
        hasher.update(self.0);
        let digest = hasher.finalize();
        let groups = digest.as_chunks::<5>().0.iter().map(|octets| {
            let number = octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
            format!("{:05}", number % 100_000)
        });
        groups.collect::<Vec<_>>().join(" ")
    }
}

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
    /// The charter that this one succeeds; none for the founding one.
    pub previous: Option<Hash>,
    /// Why this charter is an illustration, where it is one.
    pub illustration: Option<String>,
    /// What the body shares intelligence for.
    pub purposes: Vec<Purpose>,
    /// The tiers.
    pub tiers: Vec<Tier>,
    /// The parties.
    pub parties: Vec<Party>,
    /// Who attended as a guest.
    pub guests: Vec<Guest>,
    /// The offices.
    pub offices: Vec<Office>,
    /// The organs.
    pub organs: Vec<Organ>,
    /// The decision rules.
    pub rules: Vec<DecisionRule>,
    /// What the body came from.
    pub predecessors: Vec<Predecessor>,
    /// Its instruments.
    pub instruments: Vec<Instrument>,
    /// The stages of accession.
    pub accession: Vec<Stage>,
    /// How a party leaves.
    pub exit: Option<Exit>,
    /// Its languages.
    pub languages: Languages,
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
    /// How long what is no ordinary entry lives.
    pub lifetimes: Lifetimes,
    /// What one origin may add in a day; no quota, where absent.
    pub quotas: Option<Quotas>,
    /// What a withdrawal asks of its recipients.
    pub withdrawal: Withdrawal,
    /// Deadlines of review and redress.
    pub review: Review,
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

impl Charter {
    /// The party of an identifier.
    pub fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == id)
    }

    /// The party whose node shows this key to peers.
    pub fn party_of_transport(&self, pin: &str) -> Option<&Party> {
        let shows = |party: &&Party| party.genesis.as_ref().is_some_and(|it| it.transport == pin);
        self.parties.iter().find(shows)
    }

    /// The tier of an identifier.
    pub fn tier(&self, id: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.id == id)
    }

    /// The organ of an identifier.
    pub fn organ(&self, id: &str) -> Option<&Organ> {
        self.organs.iter().find(|organ| organ.id == id)
    }

    /// The rule by which an organ decides a class of subjects: exactly one, for what it decides.
    pub fn rule(&self, organ: &str, subject: Subject) -> Option<&DecisionRule> {
        self.organ(organ).filter(|organ| organ.decides.contains(&subject))?;
        self.rules.iter().find(|rule| rule.is_for(organ, subject))
    }
}
