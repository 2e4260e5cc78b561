//! The parts of a decision rule: what adopts, what silence and absence mean, what a decision does.

use serde::Deserialize;

use crate::date::Date;

/// Of which number a fraction is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Those who are there and say yes or no.
    PresentVoting,
    /// Those who are there.
    Present,
    /// The electorate.
    Eligible,
    /// All parties.
    All,
}

/// What adopts. A fraction is reached, not passed: 2/3 of 6 are 4.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Adoption {
    /// Nobody objects.
    Consensus,
    /// Everybody says yes.
    Unanimity,
    /// So many of so many say yes.
    Fraction {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
        /// Of whom.
        of: Base,
    },
    /// So many say yes.
    Count {
        /// How many.
        n: u32,
    },
    /// A fraction of the parties, and one of their weight; fewer than some cannot block.
    Double {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
        /// Of whom.
        of: Base,
        /// Numerator of the weight.
        weight_num: u32,
        /// Denominator of the weight.
        weight_den: u32,
        /// Parties that it takes to block.
        min_blockers: u32,
    },
    /// It takes effect unless everybody says no.
    ReverseConsensus,
}

/// What an abstention means, from the lightest to the heaviest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Abstention {
    /// It counts for nothing.
    #[default]
    Neutral,
    /// It does not stand in the way of unanimity or consensus.
    NotBlocking,
    /// It counts as a no.
    CountsAgainst,
    /// Who abstains is not bound, and does not impede; too many of them, and nothing is adopted.
    Constructive {
        /// Whether a declaration is needed.
        declaration_required: bool,
        /// Whether who abstains is not bound.
        not_bound: bool,
        /// From this fraction of the parties on, nothing is adopted: numerator and denominator.
        cap_members: Option<[u32; 2]>,
        /// The same, of their weight.
        cap_weight: Option<[u32; 2]>,
    },
}

/// What absence means.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Absence {
    /// It counts for nothing.
    #[default]
    Neutral,
    /// Who was absent may object for some hours.
    ObjectWindow {
        /// How many.
        hours: u32,
    },
    /// It counts as consent.
    Consent,
}

/// How many have to be there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// What is enough.
    pub reach: Reach,
    /// When it is taken.
    #[serde(default)]
    pub taken: Taken,
    /// What follows when it is missed.
    #[serde(default)]
    pub missed: Missed,
    /// What is enough when the organ meets again.
    pub reconvened: Option<Reach>,
}

/// A number of electors, or a fraction of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reach {
    /// A number.
    Count {
        /// How many.
        n: u32,
    },
    /// A fraction of the electorate.
    Fraction {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
    },
}

/// When a quorum is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// When the meeting opens.
    Opening,
    /// At each decision.
    #[default]
    Decision,
}

/// What follows when there is no quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// It is put off.
    #[default]
    Adjourn,
    /// The organ is called again, with the quorum for that.
    Reconvene,
    /// It lapses.
    Lapse,
}

/// A silence procedure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Hours that it lasts at least.
    pub min_hours: u32,
    /// Whether only hours of work count.
    #[serde(default)]
    pub working_hours: bool,
    /// Who may begin one.
    pub invoked_by: Invoker,
    /// Whether that needs consensus.
    #[serde(default)]
    pub needs_consensus: bool,
    /// What breaks it.
    pub broken_by: Vec<Breaker>,
    /// How often it may be extended.
    #[serde(default)]
    pub extensions_max: u32,
    /// Whether the outcome is told to all.
    pub outcome_notice: bool,
}

/// Who begins a silence procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invoker {
    /// The chair.
    Chair,
    /// Any party.
    Party,
    /// The secretariat.
    Secretariat,
}

/// What breaks silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// An objection.
    Objection,
    /// An amendment.
    Amendment,
    /// A request for more time.
    Extension,
}

/// Opinions on the record. They never block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOpinion {
    /// Characters that one may have.
    pub chars_max: u32,
    /// Whether it is published.
    pub published: bool,
}

/// Reservations to what was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Articles that nobody may reserve on.
    #[serde(default)]
    pub closed_articles: Vec<String>,
    /// Days in which to make one.
    pub window_days: u32,
    /// Whether it has to agree with the purpose of the text.
    pub compatibility: bool,
    /// Void when this fraction objects: numerator and denominator.
    pub void_if_objected: Option<[u32; 2]>,
    /// What it does between who reserves and who objects.
    pub effect: ReservationEffect,
}

/// What a reservation does between who makes it and who objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEffect {
    /// What it is about does not apply between them.
    ArticleNotBetweenThem,
    /// Nothing of the text applies between them.
    NothingBetweenThem,
}

/// Who takes part in what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Participation {
    /// Everybody, or it is not adopted.
    #[default]
    AllOrNone,
    /// Who wants to; so many at least.
    OptIn {
        /// How many.
        min: u32,
    },
    /// Everybody but who stays out.
    OptOut {
        /// Whether who stays out is not bound.
        not_bound: bool,
        /// Whether it may join later.
        may_join_later: bool,
        /// Whether it may not block.
        may_not_block: bool,
    },
    /// Everybody but some, for some subjects.
    MinusX {
        /// Whether that needs consensus first.
        needs_consensus_first: bool,
    },
}

/// What a decision does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Effect {
    /// How far it binds.
    pub kind: EffectKind,
    /// Whom.
    pub on: EffectOn,
    /// Whether each party inquires for itself before it has any effect on it.
    pub own_inquiry: bool,
}

impl Default for Effect {
    fn default() -> Effect {
        Effect { kind: EffectKind::Political, on: EffectOn::Consenting, own_inquiry: true }
    }
}

/// How far a decision binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// In law.
    Binding,
    /// As a recommendation.
    Recommendatory,
    /// As a political word.
    Political,
}

/// Whom a decision is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectOn {
    /// All parties.
    All,
    /// Those who consented.
    Consenting,
    /// Those whom it names.
    Addressees,
}

/// When a decision takes effect.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Force {
    /// When it is adopted.
    #[default]
    Adoption,
    /// On a date.
    On {
        /// Which.
        date: Date,
    },
    /// Some days after so many instruments are deposited.
    Instruments {
        /// How many.
        n: u32,
        /// Days after.
        days: u32,
    },
    /// Some days after the last notification.
    LastNotification {
        /// Days after.
        days: u32,
    },
}

/// Effect before it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisional {
    /// Which articles.
    pub articles: Vec<String>,
    /// For which parties; those that say so, where empty.
    #[serde(default)]
    pub parties: Vec<String>,
    /// Until when at the latest.
    pub until: Option<Date>,
    /// Whether a party's notice ends it for that party.
    pub stop_on_notice: bool,
}

/// An end by itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sunset {
    /// Days after which it ends.
    pub days: u32,
    /// The rule by which it is renewed: this one, or a stricter one.
    pub renewed_by: Option<String>,
}

/// What becomes of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Escalation {
    /// It comes up again.
    Defer {
        /// Days later.
        days: u32,
    },
    /// Another organ has it.
    Refer {
        /// Which.
        organ: String,
    },
    /// It is mediated.
    Mediation,
    /// It is dropped.
    Drop,
}

/// The shorter way. What it decides lapses unless it is confirmed the long way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Urgent {
    /// Hours that it takes.
    pub window_hours: u32,
    /// Hours after which it lapses.
    pub lapse_hours: u32,
}

/// What of a decision is kept back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrecy {
    /// Days for which positions of parties may be kept back.
    pub positions_days: u32,
    /// Whether the organ's position, and its reasons, are public.
    pub outcome_public: bool,
}

impl Default for Secrecy {
    fn default() -> Secrecy {
        Secrecy { positions_days: 0, outcome_public: true }
    }
}
