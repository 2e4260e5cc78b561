//! Offices: the secretariat, which serves and does not read, and the reviewer, who reads and
//! belongs to nobody.

use serde::Deserialize;

use super::tier::Right;
use crate::date::Date;

/// An office of the body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// Names it.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub kind: OfficeKind,
    /// What it may do beyond what its kind gives.
    #[serde(default)]
    pub rights: Vec<Right>,
    /// Where it is, over time.
    #[serde(default, rename = "location")]
    pub locations: Vec<Location>,
    /// The seats of its panel. A seat is no person, and says nothing of who sits there.
    #[serde(default, rename = "seat")]
    pub seats: Vec<PanelSeat>,
    /// How many seats together open what is sealed to the panel.
    pub threshold: Option<u32>,
}

/// What an office is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficeKind {
    /// Convenes, publishes, keeps the calendar. It has no right to read.
    Secretariat,
    /// Reviews, and reads what it reviews, whatever the label.
    Reviewer,
}

impl OfficeKind {
    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            OfficeKind::Secretariat => "secretariat",
            OfficeKind::Reviewer => "reviewer",
        }
    }
}

/// Where an office is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// The place.
    pub place: String,
    /// What says so: a text may name one place while the office works in another.
    pub basis: Basis,
    /// Since when.
    pub from: Option<Date>,
    /// Until when.
    pub until: Option<Date>,
}

/// What says where an office is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// An instrument.
    Text,
    /// Where it works.
    Practice,
}

impl Basis {
    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Text => "text",
            Basis::Practice => "practice",
        }
    }
}

/// A seat of a panel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelSeat {
    /// Names it.
    pub id: String,
    /// The parties that nominate for it: each of them has to agree.
    pub nominated_by: Vec<String>,
}
