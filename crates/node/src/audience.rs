//! From a rule to the parties that it reaches under the charter in force. It fails closed: whoever
//! is not certainly reached is not in the list, and an empty list is nobody.
//!
//! | rule | reaches |
//! |---|---|
//! | `none` | nobody |
//! | `all` | every other party |
//! | `tier:NAME` | the parties in a tier |
//! | `party:ID,ID` | these parties |
//!
//! Of those it takes away the party itself, parties without a node (the charter has no genesis of
//! theirs), and parties that have no standing at that time.

use std::collections::BTreeSet;

use comity_charter::{Charter, Party, Standing, Tlp};
use serde::Serialize;

/// A rule as it was compiled at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compiled {
    /// The rule, as it was written.
    pub rule: String,
    /// Those who receive, in the order of their names.
    pub parties: Vec<String>,
    /// Every party of the charter, in its order, and what the rule says of it.
    pub lines: Vec<Line>,
}

/// What a rule says of one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The party.
    pub party: String,
    /// Whether it receives.
    pub receives: bool,
    /// Why, or why not.
    pub why: String,
}

/// Why a rule cannot be used. Then nothing leaves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {found}; {remedy}")]
pub struct RuleError {
    /// What is broken: a stable name.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

/// [`RuleError::rule`] where a red light meets a rule that does not name parties.
pub const RED: &str = "audience-red";

fn refused(rule: &'static str, found: String, remedy: &str) -> RuleError {
    RuleError { rule, found, remedy: remedy.to_owned() }
}

enum Rule<'r> {
    None,
    All,
    Tier(&'r str),
    Parties(BTreeSet<&'r str>),
}

/// The parties that a rule reaches at a time. `origin` is the party that releases.
pub fn compile(
    charter: &Charter,
    rule: &str,
    origin: &str,
    tlp: Tlp,
    at: i64,
) -> Result<Compiled, RuleError> {
    let parsed = parse(charter, rule)?;
    if tlp == Tlp::Red && matches!(parsed, Rule::All | Rule::Tier(_)) {
        let found = format!("TLP:RED for `{}`", rule.escape_default());
        return Err(refused(RED, found, "TLP:RED is for named recipients: `party:ID,ID`"));
    }
    let lines: Vec<Line> = charter
        .parties
        .iter()
        .map(|party| {
            let (receives, why) = judge(charter, &parsed, party, origin, at);
            Line { party: party.id.clone(), receives, why }
        })
        .collect();
    let reached = lines.iter().filter(|line| line.receives);
    let mut parties: Vec<String> = reached.map(|line| line.party.clone()).collect();
    parties.sort_unstable();
    Ok(Compiled { rule: rule.to_owned(), parties, lines })
}

fn parse<'r>(charter: &Charter, rule: &'r str) -> Result<Rule<'r>, RuleError> {
    let unknown = |what, name: &str| {
        let found = format!("`{what}:{}`", name.escape_default());
        let remedy = "the charter has no such; `comity charter show DIR` lists the parties";
        Err(refused("audience-unknown", found, remedy))
    };
    match rule.split_once(':') {
        None if rule == "none" => Ok(Rule::None),
        None if rule == "all" => Ok(Rule::All),
        Some(("tier", name)) if !name.is_empty() => {
            let known = charter.parties.iter().any(|party| party.tier == name);
            if known { Ok(Rule::Tier(name)) } else { unknown("tier", name) }
        }
        Some(("party", names)) if !names.is_empty() => {
            let names: BTreeSet<&str> = names.split(',').collect();
            match names.iter().find(|name| charter.party(name).is_none()) {
                Some(name) => unknown("party", name),
                None => Ok(Rule::Parties(names)),
            }
        }
        _ => {
            let remedy = "required: `none`, `all`, `tier:NAME` or `party:ID,ID`";
            Err(refused("audience-syntax", format!("`{}`", rule.escape_default()), remedy))
        }
    }
}

fn judge(
    charter: &Charter,
    rule: &Rule<'_>,
    party: &Party,
    origin: &str,
    at: i64,
) -> (bool, String) {
    let (meant, why) = match rule {
        Rule::None => (false, "the rule is for nobody".to_owned()),
        Rule::All => (true, "the rule is for all".to_owned()),
        Rule::Tier(name) if party.tier == *name => (true, format!("in the tier `{name}`")),
        Rule::Tier(name) => (false, format!("not in the tier `{name}`")),
        Rule::Parties(names) if names.contains(party.id.as_str()) => (true, "named".to_owned()),
        Rule::Parties(_) => (false, "not named".to_owned()),
    };
    if party.id == origin {
        return (false, "releases it".to_owned());
    }
    if !meant {
        return (false, why);
    }
    if charter.standing(&party.id, at) == Standing::Out {
        return (false, "has no standing now".to_owned());
    }
    if party.genesis.is_none() {
        return (false, "has no node: the charter has no genesis of it".to_owned());
    }
    (true, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charter() -> Charter {
        let genesis = "\n[party.genesis]\nshared = \"\"\nacts = \"\"\naudit = \"\"\n\
                       transport = \"\"\nnext = \"\"\n";
        let mut text = comity_charter::one_party("alpha.example", "EXERCISE");
        for (id, tier, node) in [
            ("gamma.example", "member", true),
            ("beta.example", "member", true),
            ("delta.example", "observer", true),
            ("epsilon.example", "observer", false),
        ] {
            text.push_str(&format!(
                "\n[[party]]\nid = \"{id}\"\nname = \"EXERCISE\"\ntier = \"{tier}\"\n{}",
                if node { genesis } else { "" }
            ));
        }
        comity_charter::parse(&text).unwrap()
    }

    fn reached(rule: &str, tlp: Tlp) -> Result<Vec<String>, RuleError> {
        compile(&charter(), rule, "alpha.example", tlp, 0).map(|compiled| compiled.parties)
    }

    #[test]
    fn a_rule_reaches_those_it_means_and_no_other() {
        for (rule, wanted) in [
            ("none", vec![]),
            ("all", vec!["beta.example", "delta.example", "gamma.example"]),
            ("tier:member", vec!["beta.example", "gamma.example"]),
            ("tier:observer", vec!["delta.example"]),
            ("party:gamma.example,beta.example", vec!["beta.example", "gamma.example"]),
            ("party:alpha.example,epsilon.example", vec![]),
        ] {
            assert_eq!(reached(rule, Tlp::Green).unwrap(), wanted, "{rule}");
        }
    }

    #[test]
    fn every_party_is_told_with_its_reason() {
        let compiled = compile(&charter(), "all", "alpha.example", Tlp::Green, 0).unwrap();
        let told: Vec<(&str, bool, &str)> = compiled
            .lines
            .iter()
            .map(|line| (line.party.as_str(), line.receives, line.why.as_str()))
            .collect();
        let wanted = [
            ("alpha.example", false, "releases it"),
            ("gamma.example", true, "the rule is for all"),
            ("beta.example", true, "the rule is for all"),
            ("delta.example", true, "the rule is for all"),
            ("epsilon.example", false, "has no node: the charter has no genesis of it"),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn red_is_for_named_parties() {
        for rule in ["all", "tier:member"] {
            assert_eq!(reached(rule, Tlp::Red).unwrap_err().rule, RED);
        }
        assert_eq!(reached("party:beta.example", Tlp::Red).unwrap(), ["beta.example"]);
        assert_eq!(reached("none", Tlp::Red).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_rule_reaches_nobody() {
        for rule in ["", "ALL", "party:", "tier:", "organ:x", "all ", "party:a b", "*"] {
            assert!(reached(rule, Tlp::Green).is_err(), "{rule}");
        }
        let unknown = reached("party:beta.example,zeta.example", Tlp::Green).unwrap_err();
        assert!(unknown.to_string().contains("`party:zeta.example`"), "{unknown}");
        assert!(reached("tier:partner", Tlp::Green).is_err());
    }
}
