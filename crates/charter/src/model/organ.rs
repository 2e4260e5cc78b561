//! Organs: who sits in them, who is in the chair, what they decide.

use serde::Deserialize;

use super::decision::Subject;
use crate::date::Date;

/// An organ of the body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organ {
    /// Names it in rules and audiences.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: OrganKind,
    /// Whether it is agreed on only, or works.
    #[serde(default)]
    pub state: OrganState,
    /// Since when.
    pub from: Option<Date>,
    /// Until when.
    pub until: Option<Date>,
    /// The instrument that it stands on.
    pub instrument: Option<String>,
    /// Who sits in it.
    pub seats: Seats,
    /// The classes of subjects that it decides. Each has exactly one rule.
    #[serde(default)]
    pub decides: Vec<Subject>,
    /// Who is in the chair.
    pub chair: Option<Chair>,
}

/// What an organ is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganKind {
    /// Heads of state or of government, or of the parties.
    Summit,
    /// A council.
    Council,
    /// A committee.
    Committee,
    /// Coordinators of the parties.
    Coordinators,
    /// A working group.
    WorkingGroup,
    /// A centre for one subject.
    Centre,
}

impl OrganKind {
    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            OrganKind::Summit => "summit",
            OrganKind::Council => "council",
            OrganKind::Committee => "committee",
            OrganKind::Coordinators => "coordinators",
            OrganKind::WorkingGroup => "working_group",
            OrganKind::Centre => "centre",
        }
    }
}

/// Whether an organ works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganState {
    /// It meets, and decides.
    #[default]
    Active,
    /// It is agreed on, or proposed, and does not meet.
    Proposed,
}

/// Who sits in an organ: all parties of some tiers, and some parties by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seats {
    /// Tiers.
    pub tiers: Vec<String>,
    /// Parties.
    pub parties: Vec<String>,
}

/// The chair of an organ, and how it goes round.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chair {
    /// How the next one is found.
    pub rotation: Rotation,
    /// The language of the alphabet, for `rotation = "alphabet"`.
    pub language: Option<String>,
    /// The order, for `rotation = "list"`.
    #[serde(default)]
    pub order: Vec<String>,
    /// How long a term is.
    pub term_months: Option<u32>,
    /// Whether a party may let the chair go on to the next.
    #[serde(default)]
    pub may_decline: bool,
    /// Who takes the chair when it is empty.
    pub deputy: Option<Deputy>,
    /// What the chair may do.
    #[serde(default)]
    pub powers: Vec<ChairPower>,
    /// Who was, is and will be in it.
    #[serde(default, rename = "term")]
    pub terms: Vec<ChairTerm>,
}

/// How the next chair is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// By the parties' names in a language.
    Alphabet,
    /// By a list.
    List,
    /// By election.
    Election,
    /// Whoever hosts.
    Host,
}

/// Who takes an empty chair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deputy {
    /// The one before.
    Previous,
    /// The one after.
    Next,
}

/// What a chair may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChairPower {
    /// Put proposals.
    Propose,
    /// Say that something is adopted.
    DeclareAdoption,
    /// Begin a silence procedure.
    InvokeSilence,
    /// Rule on order; the organ may reverse it.
    RuleOnOrder,
}

/// A party in the chair.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChairTerm {
    /// The party.
    pub party: String,
    /// Since when.
    pub from: Date,
    /// Until when; not known yet, where absent.
    pub until: Option<Date>,
}
