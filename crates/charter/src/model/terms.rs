//! What a charter says in numbers: retention, quotas, deadlines. Each has a floor.

use serde::Deserialize;

use crate::floor;

/// The table `retention`, as it is written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) days: u32,
    #[serde(default = "audit_days")]
    pub(crate) audit_days: u32,
    #[serde(default = "finding_days")]
    pub(crate) finding_days: u32,
    #[serde(default = "finding_days")]
    pub(crate) notice_days: u32,
    #[serde(default = "indicator_days")]
    pub(crate) indicator_days: u32,
    #[serde(default = "alert_hours")]
    pub(crate) alert_hours: u32,
}

impl Retention {
    pub(crate) fn lifetimes(self) -> Lifetimes {
        Lifetimes {
            finding_days: self.finding_days,
            notice_days: self.notice_days,
            indicator_days: self.indicator_days,
            alert_hours: self.alert_hours,
        }
    }
}

/// How long what is no ordinary entry lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Days that a finding on an organisation lives, unless it is renewed.
    pub finding_days: u32,
    /// Days that a notice about content lives.
    pub notice_days: u32,
    /// Days that an address, a domain or a URL lives as an indicator.
    pub indicator_days: u32,
    /// Hours that an alert lives, unless it is confirmed.
    pub alert_hours: u32,
}

fn audit_days() -> u32 {
    floor::AUDIT_DAYS_DEFAULT
}

fn finding_days() -> u32 {
    floor::FINDING_DAYS_MAX
}

fn indicator_days() -> u32 {
    floor::INDICATOR_DAYS_MAX
}

fn alert_hours() -> u32 {
    floor::ALERT_HOURS_MAX
}

/// What one origin may add in a day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Leaves, over all logs that it serves.
    pub leaves_per_day: u64,
    /// Octets of bodies.
    pub octets_per_day: u64,
}

/// What a withdrawal asks of its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Withdrawal {
    /// Hours within which each acknowledges that it is gone.
    pub receipt_hours: u32,
}

impl Default for Withdrawal {
    fn default() -> Withdrawal {
        Withdrawal { receipt_hours: floor::RECEIPT_HOURS_MAX }
    }
}

/// Deadlines of review and redress. What is not given is the longest that the floors admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// Days until it is said whether a challenge is admissible.
    pub admissibility_days: u32,
    /// Days until the challenger is told what there is.
    pub access_days: u32,
    /// Days until the decision. What is not decided by then is suspended.
    pub decision_days: u32,
    /// Days until an order of the reviewer is carried out.
    pub order_days: u32,
    /// Days after which what the reviewer wants withdrawn ends, unless all decide to keep it.
    pub keep_days: u32,
    /// Days that the notice to an organisation concerned may be put off.
    pub notice_days: u32,
    /// Samples that the reviewer takes of its own motion, in a year.
    pub samples_per_year: u32,
}

impl Default for Review {
    fn default() -> Review {
        Review {
            admissibility_days: floor::ADMISSIBILITY_DAYS_MAX,
            access_days: floor::ACCESS_DAYS_MAX,
            decision_days: floor::DECISION_DAYS_MAX,
            order_days: floor::ORDER_DAYS_MAX,
            keep_days: floor::KEEP_DAYS_MAX,
            notice_days: floor::NOTICE_DELAY_DAYS_MAX,
            samples_per_year: floor::SAMPLES_PER_YEAR_MIN,
        }
    }
}

/// The languages of the body (BCP 47).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Languages {
    /// A text is final when it exists in each of these.
    pub authentic: Vec<String>,
    /// What the body works in.
    pub working: Vec<String>,
}

/// How a party leaves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Months from notice to exit.
    pub notice_months: u32,
    /// What binds a party that has left.
    pub duties: Vec<Duty>,
}

/// What binds a party that has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// To let what it received expire.
    Retention,
    /// To carry out corrections and withdrawals.
    Correction,
    /// To answer the reviewer.
    Review,
}

/// A stage of accession, in its order. Each is a guard: the next begins when it is met.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What has to be met.
    pub guard: Guard,
    /// The tier that the accession leads to.
    pub tier: String,
    /// How much of it.
    #[serde(default)]
    pub detail: String,
}

/// What has to be met to become a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// An application.
    Application,
    /// Sponsors among the parties.
    Sponsors,
    /// A standing in another tier before.
    PriorTier,
    /// Criteria, with evidence.
    Criteria,
    /// An opinion on the facts.
    FactFinding,
    /// A memorandum of obligations.
    Memorandum,
    /// Instruments to accept.
    Instruments,
    /// The floors, accepted.
    Floors,
    /// A decision under the rule for `accession`.
    Decision,
    /// Deposit of the instrument.
    Deposit,
    /// Time without a vote.
    Trial,
}
