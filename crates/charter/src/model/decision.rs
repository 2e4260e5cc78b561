//! Decision rules as data: who decides, what adopts, what silence and absence mean.
//!
//! A rule is a value made of parts. The engine that carries a motion by it is elsewhere; what a
//! rule may not say is in `check/decision.rs`.

use serde::Deserialize;

use super::part::{
    Absence, Abstention, Adoption, Effect, Escalation, Force, Participation, Provisional, Quorum,
    RecordedOpinion, Reservation, Secrecy, Silence, Sunset, Urgent,
};

/// A class of subjects. Each that an organ decides has exactly one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// How the organ works.
    Procedure,
    /// A joint statement.
    Statement,
    /// A programme of cooperation.
    Programme,
    /// An exercise.
    Exercise,
    /// A memorandum with another body.
    Memorandum,
    /// Who fills a seat or an office.
    Election,
    /// A new party.
    Accession,
    /// To suspend a party.
    Suspension,
    /// To expel a party.
    Expulsion,
    /// A finding on an organisation.
    Finding,
    /// To renew a finding.
    Renewal,
    /// To withdraw a finding.
    Delisting,
    /// What becomes of a recommendation of the reviewer.
    Review,
    /// To suspend a safeguard.
    Safeguard,
    /// To change the charter.
    Amendment,
}

impl Subject {
    /// What nobody may get by silence, by absence or alone.
    pub const PROTECTED: [Subject; 4] =
        [Subject::Finding, Subject::Renewal, Subject::Safeguard, Subject::Amendment];

    /// What is decided against a party.
    pub const SANCTIONS: [Subject; 2] = [Subject::Suspension, Subject::Expulsion];

    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Procedure => "procedure",
            Subject::Statement => "statement",
            Subject::Programme => "programme",
            Subject::Exercise => "exercise",
            Subject::Memorandum => "memorandum",
            Subject::Election => "election",
            Subject::Accession => "accession",
            Subject::Suspension => "suspension",
            Subject::Expulsion => "expulsion",
            Subject::Finding => "finding",
            Subject::Renewal => "renewal",
            Subject::Delisting => "delisting",
            Subject::Review => "review",
            Subject::Safeguard => "safeguard",
            Subject::Amendment => "amendment",
        }
    }
}

/// How an organ decides some classes of subjects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRule {
    /// Names it.
    pub id: String,
    /// The organs that it is for; all, where absent.
    pub organs: Option<Vec<String>>,
    /// The classes of subjects that it is for.
    pub subjects: Vec<Subject>,
    /// Who decides.
    #[serde(default)]
    pub electorate: Electorate,
    /// What adopts.
    pub adoption: Adoption,
    /// What an abstention means.
    #[serde(default)]
    pub abstention: Abstention,
    /// What absence means.
    #[serde(default)]
    pub absence: Absence,
    /// How many have to be there.
    pub quorum: Option<Quorum>,
    /// Whether silence adopts; it does not, where absent.
    pub silence: Option<Silence>,
    /// Opinions on the record, which block nothing.
    pub recorded_opinion: Option<RecordedOpinion>,
    /// Reservations.
    pub reservation: Option<Reservation>,
    /// Who takes part in what was decided.
    #[serde(default)]
    pub participation: Participation,
    /// What a decision does.
    #[serde(default)]
    pub effect: Effect,
    /// When it takes effect.
    #[serde(default)]
    pub force: Force,
    /// The instrument that has to be in force first.
    pub conditional_on: Option<String>,
    /// Effect before it is in force.
    pub provisional: Option<Provisional>,
    /// When it ends by itself.
    pub sunset: Option<Sunset>,
    /// What becomes of a failure.
    pub escalation: Option<Escalation>,
    /// The shorter way.
    pub urgent: Option<Urgent>,
    /// What of it is kept back.
    #[serde(default)]
    pub secrecy: Secrecy,
}

/// Who decides: the seats of the organ, or the parties of some tiers, less some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Electorate {
    /// The tiers; the seats of the organ, where absent.
    pub tiers: Option<Vec<String>>,
    /// Who of them does not decide.
    pub minus: Vec<Minus>,
    /// How many parties may be left out as concerned.
    pub concerned_max: Option<u32>,
    /// Days from admission to the first vote.
    pub waiting_days: u32,
}

/// Who does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Minus {
    /// Who is suspended.
    Suspended,
    /// Who has not paid.
    Arrears,
    /// Whom it is about.
    Concerned,
    /// Who has stepped back.
    Recused,
}

impl DecisionRule {
    /// Whether it is for an organ and a class of subjects.
    pub fn is_for(&self, organ: &str, subject: Subject) -> bool {
        self.subjects.contains(&subject)
            && self.organs.as_ref().is_none_or(|organs| organs.iter().any(|one| one == organ))
    }

    /// Whether it is for one of some classes of subjects.
    pub(crate) fn is_among(&self, subjects: &[Subject]) -> bool {
        self.subjects.iter().any(|one| subjects.contains(one))
    }
}
