//! Instruments, predecessors and guests: what happened, with each date apart.

use serde::Deserialize;

use crate::date::Date;

/// A treaty, an agreement, a regulation. To adopt, to sign, to bring into force and to begin to
/// work are four events, and sources that name one for another contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Names it.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When its text was adopted.
    pub adopted: Option<Date>,
    /// When it was signed.
    pub signed: Option<Date>,
    /// When it was approved, or ratified, by the last party that had to.
    pub approved: Option<Date>,
    /// When it took effect in law.
    pub in_force: Option<Date>,
    /// When what it sets up began to work.
    pub operational: Option<Date>,
    /// When it ended.
    pub until: Option<Date>,
    /// The instrument that it changes.
    pub amends: Option<String>,
    /// The instrument that has to be in force first.
    pub conditional_on: Option<String>,
}

/// What the body came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// What it was called.
    pub name: String,
    /// Since when.
    pub from: Option<Date>,
    /// Until when.
    pub until: Option<Date>,
}

/// Who was asked to attend once. A guest has no standing, no keys, and is in no audience.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// What it is called: a state or a body, never a person.
    pub name: String,
    /// The tier of guests.
    pub tier: String,
    /// The organ that met.
    pub organ: String,
    /// When.
    pub on: Date,
}
