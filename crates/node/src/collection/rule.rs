//! Release rules: with one, a write into a collection is a release. Off unless somebody with the
//! right to release enables it, under his name.

use std::collections::BTreeMap;

use comity_charter::Tlp;
use comity_view::Right;
use rusqlite::params_from_iter;
use serde::Serialize;

use crate::collection::{Collection, label};
use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::password::Checked;

/// What a write into a collection releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseRule {
    /// The audience rule.
    pub rule: String,
    /// The TLP label of what has no marking. Nothing leaves that is marked stricter.
    pub tlp: String,
    /// What entries call the account that enabled it.
    pub author: String,
    /// When that was, in microseconds since 1970.
    pub since: i64,
}

impl ReleaseRule {
    /// The label; an unknown one is a damaged row, and then nothing leaves.
    pub(crate) fn label(&self) -> Option<Tlp> {
        label(&self.tlp)
    }
}

pub(super) fn read(local: &Local) -> Result<BTreeMap<u32, ReleaseRule>, LocalError> {
    let connection = local.lock();
    let mut statement =
        connection.prepare("SELECT collection, rule, tlp, author, since FROM release_rule")?;
    let rows = statement.query_map([], |row| {
        let (rule, tlp, author, since) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((row.get(0)?, ReleaseRule { rule, tlp, author, since }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn set(local: &Local, collection: u32, rule: Option<&ReleaseRule>) -> Result<(), LocalError> {
    let connection = local.lock();
    let Some(rule) = rule else {
        connection.execute("DELETE FROM release_rule WHERE collection = ?1", [collection])?;
        return Ok(());
    };
    connection.execute(
        "INSERT OR REPLACE INTO release_rule VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params_from_iter(with_sum([
            collection.into(),
            rule.rule.clone().into(),
            rule.tlp.clone().into(),
            rule.author.clone().into(),
            rule.since.into(),
        ])),
    )?;
    Ok(())
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let columns = "collection, rule, tlp, author, since";
    local::damaged(local, "release_rule", "collection", columns)
}

impl Node {
    /// The release rule that somebody would enable; none where it is `none`. Without a label, the
    /// charter's default is the limit.
    pub fn release_rule(
        &self,
        by: &Checked,
        rule: &str,
        tlp: Option<Tlp>,
    ) -> Result<Option<ReleaseRule>, NodeError> {
        by.require(Right::Release)?;
        let tlp = tlp.unwrap_or(self.charter().handling.default_tlp);
        let compiled = self.compile(rule, tlp, self.now())?;
        if rule == NONE {
            return Ok(None);
        }
        if compiled.parties.is_empty() {
            return Err(NodeError::Nobody { rule: compiled.rule });
        }
        let (rule, tlp) = (compiled.rule, tlp.label().to_owned());
        let author = by.account.pseudonym.clone();
        Ok(Some(ReleaseRule { rule, tlp, author, since: self.now() }))
    }

    /// Makes writes into a collection releases, or with the rule `none` private again. It takes
    /// effect at once, for what comes; what was released stays so.
    pub fn collection_release(
        &self,
        by: &Checked,
        collection: &Collection,
        rule: &str,
        tlp: Option<Tlp>,
    ) -> Result<Option<ReleaseRule>, NodeError> {
        let rule = self.release_rule(by, rule, tlp)?;
        set(&self.local, collection.number, rule.as_ref())?;
        self.read_catalog()?;
        Ok(rule)
    }
}

/// The rule that reaches nobody, on purpose.
const NONE: &str = "none";
