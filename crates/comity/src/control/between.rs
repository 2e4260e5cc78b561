//! What parties have to do with each other beyond sharing, by command: consent to pass something
//! on, whom somebody looked into first, by which rules releases are adopted, where they disagree.

use comity_node::Node;
use comity_node::adopt::New;
use comity_node::consent::Consenting;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::command::Failure;
use crate::control::release::parse_tlp;
use crate::control::request::find;

/// What a command asks.
#[derive(Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub(crate) enum Between {
    Consent { objects: Vec<String>, party: String, to: String, by: String },
    WithdrawConsent { objects: Vec<String>, party: String, by: String },
    AssessAdd { party: String, sha256: String, expires: i64, by: String },
    Assessments,
    AdoptRuleAdd(RuleAdd),
    AdoptRules,
    AdoptRuleRemove { id: i64, by: String },
    Conflicts,
}

/// A rule of adoption to be made.
#[derive(Serialize, Deserialize)]
pub(crate) struct RuleAdd {
    pub(crate) from: String,
    pub(crate) collection: String,
    pub(crate) types: Vec<String>,
    pub(crate) tlp_max: Option<String>,
    pub(crate) existing: bool,
    pub(crate) by: String,
}

impl Between {
    /// Carries it out.
    pub(super) fn execute(self, node: &Node) -> Result<Value, Failure> {
        match self {
            Between::Consent { objects, party, to, by } => {
                consent(node, &objects, &party, &to, &by)
            }
            Between::WithdrawConsent { objects, party, by } => {
                withdraw_consent(node, &objects, &party, &by)
            }
            Between::AssessAdd { party, sha256, expires, by } => {
                let by = node.acting(&by)?;
                let made = node.assess(&by, &party, &sha256, expires, node.now())?;
                Ok(json!({ "assessment": made }))
            }
            Between::Assessments => Ok(json!({ "assessments": node.assessments()? })),
            Between::AdoptRuleAdd(add) => {
                let tlp = add.tlp_max.as_deref().map(parse_tlp).transpose()?;
                let (party, types, existing) = (add.from, add.types, add.existing);
                let new = New { party, types, tlp, existing };
                adopt_rule_add(node, &new, &add.collection, &add.by)
            }
            Between::AdoptRules => adopt_rules(node),
            Between::AdoptRuleRemove { id, by } => adopt_rule_remove(node, id, &by),
            Between::Conflicts => conflicts(node),
        }
    }
}

fn consent(
    node: &Node,
    objects: &[String],
    party: &str,
    to: &str,
    by: &str,
) -> Result<Value, Failure> {
    let what = Consenting { objects, party, rule: to };
    Ok(json!(node.consent(&node.acting(by)?, what, node.now())?))
}

fn withdraw_consent(
    node: &Node,
    objects: &[String],
    party: &str,
    by: &str,
) -> Result<Value, Failure> {
    Ok(json!(node.take_back_consent(&node.acting(by)?, objects, party, node.now())?))
}

fn adopt_rule_add(node: &Node, new: &New, collection: &str, by: &str) -> Result<Value, Failure> {
    let into = find(node, Some(collection))?;
    let (rule, adopted) = node.adopt_rule_add(&node.acting(by)?, new, &into, node.now())?;
    Ok(json!({ "rule": rule, "adopted": adopted }))
}

/// The rules, with the names of collections and users instead of their numbers.
fn adopt_rules(node: &Node) -> Result<Value, Failure> {
    let (collections, users) = (node.collections(), node.users()?);
    let mut rules = Vec::new();
    for rule in node.adopt_rules()? {
        let into = collections.iter().find(|one| one.number == rule.collection);
        let by = users.iter().find(|one| one.id == rule.account);
        let mut value = json!(rule);
        if let Some(members) = value.as_object_mut() {
            members.insert("into".to_owned(), json!(into.map(|one| one.title.clone())));
            members.insert("by".to_owned(), json!(by.map(|one| one.name.clone())));
        }
        rules.push(value);
    }
    Ok(json!({ "rules": rules }))
}

fn adopt_rule_remove(node: &Node, id: i64, by: &str) -> Result<Value, Failure> {
    Ok(json!({ "rule": node.adopt_rule_remove(&node.acting(by)?, id, node.now())? }))
}

fn conflicts(node: &Node) -> Result<Value, Failure> {
    let (conflicts, count) = node.conflicts()?;
    Ok(json!({ "conflicts": conflicts, "count": count }))
}
