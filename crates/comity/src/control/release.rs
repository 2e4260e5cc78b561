//! What leaves a node, by command: acts of a named user whose role has the right, whoever may open
//! the directory. An import into a collection that such a user made release is his release, too.

use comity_charter::{Pap, Tlp};
use comity_node::collection::{self, Collection};
use comity_node::grant::Granting;
use comity_node::share::Asked;
use comity_node::{Checked, Node};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::command::Failure;
use crate::control::request::{find, reader};

/// A release rule for a collection.
#[derive(Serialize, Deserialize)]
pub(crate) struct Releasing {
    pub(crate) rule: String,
    pub(crate) tlp: Option<String>,
    pub(crate) by: String,
}

impl Releasing {
    /// Refuses what [`Releasing::set`] would refuse.
    pub(super) fn check(&self, node: &Node) -> Result<(), Failure> {
        let tlp = self.tlp.as_deref().map(parse_tlp).transpose()?;
        node.release_rule(&node.acting(&self.by)?, &self.rule, tlp)?;
        Ok(())
    }

    pub(super) fn set(&self, node: &Node, collection: &Collection) -> Result<(), Failure> {
        let tlp = self.tlp.as_deref().map(parse_tlp).transpose()?;
        node.collection_release(&node.acting(&self.by)?, collection, &self.rule, tlp)?;
        Ok(())
    }
}

/// Objects to share.
#[derive(Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) collection: Option<String>,
    /// None: all that the collection holds.
    pub(crate) objects: Option<Vec<String>>,
    pub(crate) to: String,
    pub(crate) tlp: Option<String>,
    pub(crate) pap: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) by: Option<String>,
}

pub(super) fn share(node: &Node, share: &Share) -> Result<Value, Failure> {
    let collection = find(node, share.collection.as_deref())?;
    let readable = reader(node)
        .readable(collection.number, true)
        .ok_or_else(|| Failure::new("the collection cannot be read"))?;
    let asked = Asked {
        objects: share.objects.as_deref(),
        rule: &share.to,
        tlp: share.tlp.as_deref().map(parse_tlp).transpose()?,
        dry_run: share.dry_run,
    };
    let by: Checked = match &share.by {
        Some(by) => node.acting(by)?,
        None if share.dry_run => node.local_operator(),
        None => return Err(Failure::new("say who shares: --by USER, with the right to release")),
    };
    let pap = share.pap.as_deref().map(parse_pap).transpose()?;
    let report = node.share_under(&by, readable, asked, pap, node.now())?;
    let mut value = json!(report);
    if let Some(members) = value.as_object_mut() {
        members.insert("dry_run".to_owned(), json!(share.dry_run));
        members.insert("collection".to_owned(), json!(collection));
    }
    Ok(value)
}

pub(super) fn grant(
    node: &Node,
    objects: &[String],
    collection: Option<&str>,
    to: &str,
    by: &str,
) -> Result<Value, Failure> {
    let by = node.acting(by)?;
    let collection = collection.map(|name| find(node, Some(name))).transpose()?;
    let what = match &collection {
        Some(collection) => Granting::Collection(collection),
        None => Granting::Objects(objects),
    };
    Ok(json!(node.widen(&by, what, to, node.now())?))
}

pub(super) fn withdraw(
    node: &Node,
    objects: &[String],
    keep: bool,
    by: &str,
) -> Result<Value, Failure> {
    Ok(json!(node.take_back(&node.acting(by)?, objects, keep, node.now())?))
}

/// How many entries of the log `shared` stand.
pub(super) fn counts(node: &Node) -> Result<Value, Failure> {
    let counts = node.released()?;
    Ok(json!({
        "shares": counts.shares,
        "grants": counts.grants,
        "withdrawals": counts.withdrawals,
        "consents": counts.consents,
    }))
}

pub(super) fn parse_tlp(text: &str) -> Result<Tlp, Failure> {
    collection::label(text).ok_or_else(|| {
        Failure::new(format!(
            "no TLP label `{}`; labels: CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
            text.escape_default()
        ))
    })
}

fn parse_pap(text: &str) -> Result<Pap, Failure> {
    collection::pap(text).ok_or_else(|| {
        Failure::new(format!(
            "no PAP label `{}`; labels: CLEAR, GREEN, AMBER, RED",
            text.escape_default()
        ))
    })
}
