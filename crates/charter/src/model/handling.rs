//! How what is shared may be handled.

use serde::Deserialize;

/// How what is shared may be handled when nothing else says so.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// The label of what carries none.
    pub default_tlp: Tlp,
    /// What may be done with what does not say it.
    pub default_pap: Option<Pap>,
    /// Which tiers may receive what is labelled.
    #[serde(default, rename = "ceiling")]
    pub ceilings: Vec<Ceiling>,
    /// Tiers to whose parties nothing is released without an assessment on record.
    #[serde(default)]
    pub assessed: Vec<String>,
}

/// The widest audience of a label and of every stricter one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// From this label on.
    pub tlp: Tlp,
    /// Nobody outside of these tiers receives it.
    pub tiers: Vec<String>,
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

/// The Permissible Actions Protocol (MISP), from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Pap {
    /// No limit on actions.
    Clear,
    /// Active actions are allowed.
    Green,
    /// Passive cross-checks.
    Amber,
    /// Non-detectable actions alone.
    Red,
}

impl Pap {
    /// The label without the prefix `PAP:`.
    pub fn label(self) -> &'static str {
        match self {
            Pap::Clear => "CLEAR",
            Pap::Green => "GREEN",
            Pap::Amber => "AMBER",
            Pap::Red => "RED",
        }
    }
}
