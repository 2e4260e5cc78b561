//! Audiences: a rule in words of the charter, and the list of parties that it comes to.
//!
//! What leaves a node is compiled to parties, and shown before it leaves. Each party of the
//! charter has a line that says whether it receives, and why. An empty list means nobody.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::model::{Charter, Party, Right, Standing, Status, Tlp};

/// [`RuleError::rule`] where a red light meets a rule that does not name parties.
pub const RED: &str = "audience-red";

/// Octets of a rule. It stands in the header of each entry: room for a body of fifty by name.
pub const RULE_BYTES_MAX: usize = 4096;

/// Terms of a rule: as many as somebody can still read.
pub const RULE_TERMS_MAX: usize = 64;

/// Who is meant: some, less others. Exclusions come last, wherever they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    include: Vec<Term>,
    exclude: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    All,
    Tier(String),
    Parties(Vec<String>),
    Organ(String),
}

/// Why a rule is none, or does not go with the charter or the label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {found}; {remedy}")]
pub struct RuleError {
    /// The rule that is broken: a stable name.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

/// What a rule comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compiled {
    /// The rule, as it is written out.
    pub rule: String,
    /// Who receives: sorted, without the origin. Empty means nobody.
    pub parties: Vec<String>,
    /// Every party of the charter, in its order.
    pub lines: Vec<Line>,
}

/// What a rule comes to for one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The party.
    pub party: String,
    /// Whether it receives.
    pub receives: bool,
    /// Why, or why not.
    pub why: String,
}

impl Rule {
    /// Reads a rule: `none`, or terms with ` + ` and ` - ` between them. A term is `all`,
    /// `tier:ID`, `organ:ID`, or `party:ID,ID`.
    pub fn parse(text: &str) -> Result<Rule, RuleError> {
        let mut rule = Rule { include: Vec::new(), exclude: Vec::new() };
        if text.len() > RULE_BYTES_MAX {
            return Err(syntax(
                format!("a rule of {} octets", text.len()),
                format!("at most {RULE_BYTES_MAX}: name a tier or an organ"),
            ));
        }
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        if words == ["none"] {
            return Ok(rule);
        }
        if words.len() > 2 * RULE_TERMS_MAX {
            let remedy = format!("at most {RULE_TERMS_MAX} terms");
            return Err(syntax(format!("{} words", words.len()), remedy));
        }
        let mut words = words.into_iter();
        let mut list = &mut rule.include;
        loop {
            let Some(word) = words.next() else {
                let remedy =
                    "a term: `all`, `tier:ID`, `organ:ID` or `party:ID,ID`; or `none` alone";
                return Err(syntax("the end of the rule".to_owned(), remedy.to_owned()));
            };
            list.push(term(word)?);
            list = match words.next() {
                None => return Ok(rule),
                Some("+") => &mut rule.include,
                Some("-") => &mut rule.exclude,
                Some(word) => {
                    let remedy = "` + ` or ` - ` between terms, with a space on each side";
                    return Err(syntax(format!("`{word}`"), remedy.to_owned()));
                }
            };
        }
    }

    /// Whether it names parties alone, as RED requires.
    fn is_by_name(&self) -> bool {
        self.include.iter().all(|term| matches!(term, Term::Parties(_)))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.include.is_empty() {
            return formatter.write_str("none");
        }
        let included =
            self.include.iter().enumerate().map(|(at, one)| (if at > 0 { " + " } else { "" }, one));
        let excluded = self.exclude.iter().map(|term| (" - ", term));
        included.chain(excluded).try_for_each(|(sign, term)| write!(formatter, "{sign}{term}"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::All => formatter.write_str("all"),
            Term::Tier(id) => write!(formatter, "tier:{id}"),
            Term::Parties(ids) => write!(formatter, "party:{}", ids.join(",")),
            Term::Organ(id) => write!(formatter, "organ:{id}"),
        }
    }
}

fn term(word: &str) -> Result<Term, RuleError> {
    if word == "all" {
        return Ok(Term::All);
    }
    if word == "none" {
        let remedy = "`none` stands alone; take the other terms out, or take `none` out";
        return Err(syntax("`none` among other terms".to_owned(), remedy.to_owned()));
    }
    let term = match word.split_once(':') {
        Some((_, "")) => None,
        Some(("tier", id)) => Some(Term::Tier(id.to_owned())),
        Some(("organ", id)) => Some(Term::Organ(id.to_owned())),
        Some(("party", ids)) => {
            let ids: Vec<String> = ids.split(',').map(str::to_owned).collect();
            (!ids.iter().any(String::is_empty)).then_some(Term::Parties(ids))
        }
        Some(_) | None => None,
    };
    term.ok_or_else(|| {
        let remedy = "`all`, `tier:ID`, `organ:ID` or `party:ID,ID`, without spaces in it";
        syntax(format!("`{word}`"), remedy.to_owned())
    })
}

fn syntax(found: String, remedy: String) -> RuleError {
    RuleError { rule: "audience-syntax", found, remedy }
}

impl Charter {
    /// Who receives what `origin` says, under a label, at a time in microseconds since 1970.
    ///
    /// # Errors
    /// The rule names what is not in the charter; it is too wide for the label; the origin may not
    /// share. Then nothing leaves.
    pub fn compile(
        &self,
        rule: &Rule,
        origin: &str,
        tlp: Tlp,
        at: i64,
    ) -> Result<Compiled, RuleError> {
        self.agree(rule, origin, tlp, at)?;
        let named = self.named(&rule.include, at);
        let left_out = self.named(&rule.exclude, at);
        let lines: Vec<Line> = self
            .parties
            .iter()
            .map(|party| {
                let id = party.id.as_str();
                let why = if id == origin {
                    Err("it is the origin".to_owned())
                } else if !named.contains(id) {
                    Err("the rule does not name it".to_owned())
                } else if left_out.contains(id) {
                    Err("the rule leaves it out".to_owned())
                } else {
                    self.cleared(party, tlp, at)
                };
                let receives = why.is_ok();
                Line { party: id.to_owned(), receives, why: why.unwrap_or_else(|why| why) }
            })
            .collect();
        let mut parties: Vec<String> =
            lines.iter().filter(|line| line.receives).map(|line| line.party.clone()).collect();
        parties.sort_unstable();
        Ok(Compiled { rule: rule.to_string(), parties, lines })
    }

    fn agree(&self, rule: &Rule, origin: &str, tlp: Tlp, at: i64) -> Result<(), RuleError> {
        let refused =
            |rule, found, remedy: &str| Err(RuleError { rule, found, remedy: remedy.to_owned() });
        for term in rule.include.iter().chain(&rule.exclude) {
            let (what, unknown) = match term {
                Term::All => continue,
                Term::Tier(id) => ("tier", self.tier(id).is_none().then_some(id)),
                Term::Organ(id) => ("organ", self.organ(id).is_none().then_some(id)),
                Term::Parties(ids) => ("party", ids.iter().find(|id| self.party(id).is_none())),
            };
            if let Some(id) = unknown {
                let remedy = "`comity charter show` lists tiers, organs and parties";
                return refused("audience-unknown", format!("`{what}:{id}`"), remedy);
            }
        }
        if !self.has_right(origin, Right::Share, at) {
            let remedy = "only a party in good standing, in a tier with the right `share`, shares";
            return refused("audience-origin", format!("`{origin}` may not share"), remedy);
        }
        if tlp == Tlp::Red && !rule.is_by_name() {
            let remedy = "TLP:RED is for named recipients: name them as `party:ID,ID`, \
                          or take a wider label";
            return refused(RED, format!("TLP:RED for `{rule}`"), remedy);
        }
        Ok(())
    }

    /// The parties that some terms name.
    fn named(&self, terms: &[Term], at: i64) -> BTreeSet<&str> {
        let is_named = |party: &&Party| {
            terms.iter().any(|term| match term {
                Term::All => true,
                Term::Tier(id) => {
                    let tier = self.tier_and_status(party, at);
                    tier.is_some_and(|(tier, _)| self.is_now(id, &tier.id, at))
                }
                Term::Parties(ids) => ids.contains(&party.id),
                Term::Organ(id) => {
                    self.organ(id).is_some_and(|organ| self.sits_in(&party.id, organ, at))
                }
            })
        };
        self.parties.iter().filter(is_named).map(|party| party.id.as_str()).collect()
    }

    /// Whether a party that is named may receive: as what it does, or why not.
    fn cleared(&self, party: &Party, tlp: Tlp, at: i64) -> Result<String, String> {
        let tier = match self.standing(&party.id, at) {
            Standing::In(tier) => tier,
            Standing::Out => return Err(self.why_out(party, at)),
        };
        if !self.has_right(&party.id, Right::Receive, at) {
            return Err(format!("tier `{tier}` has no right to receive"));
        }
        let ceilings = &self.handling.ceilings;
        let closed = ceilings.iter().find(|ceiling| {
            ceiling.tlp <= tlp && !ceiling.tiers.iter().any(|one| self.is_now(one, tier, at))
        });
        if let Some(ceiling) = closed {
            let label = ceiling.tlp.label();
            return Err(format!("TLP:{label} and stricter does not go to tier `{tier}`"));
        }
        if party.genesis.is_none() {
            return Err("it has no node: the charter has no keys of it".to_owned());
        }
        Ok(format!("tier `{tier}`"))
    }

    fn why_out(&self, party: &Party, at: i64) -> String {
        match self.tier_and_status(party, at) {
            Some((tier, Status::Suspended)) => format!("suspended in tier `{}`", tier.id),
            Some((tier, Status::Dormant)) => format!("dormant in tier `{}`", tier.id),
            Some((_, Status::Withdrawn)) => "it has withdrawn".to_owned(),
            Some((_, Status::Active)) | None => "it has no standing now".to_owned(),
        }
    }
}
