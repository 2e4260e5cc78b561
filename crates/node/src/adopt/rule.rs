//! Adoption by a rule: what a party releases, of these types, up to this label, comes into a
//! collection of one's own as it arrives. Somebody with the right to adopt says so once; an entry
//! of the private log has it, and each adoption names the rule where it else names a person.
//!
//! A rule is worth what its author's right is worth: where that is gone, or the collection is not
//! what it was, it stops, says why, and does nothing until somebody makes another.

use comity_charter::Tlp;
use comity_view::{Right, query};
use comity_wire::entry::{Author, Header, Kind, Log};
use comity_wire::time::Micros;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;
use serde_json::json;

use crate::account;
use crate::adopt::{ADOPTED_AT_A_TIME, Adopted};
use crate::collection::{self, Collection};
use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::writer::decide::entry_ref;

/// Rules of a node: what one look at each arrival can bear.
const RULES_MAX: usize = 100;

/// The role that adoptions by a rule name.
pub(crate) const ROLE: &str = "rule";

/// What a new rule is to adopt.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// The party whose release it is.
    pub party: String,
    /// Types of objects; none is all.
    pub types: Vec<String>,
    /// The strictest label.
    pub tlp: Option<Tlp>,
    /// Also what is there already.
    pub existing: bool,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptRule {
    /// Its number here.
    pub id: i64,
    /// What entries name it by.
    pub name: String,
    /// The party whose release it adopts.
    pub party: String,
    /// The number of the collection that it adopts into.
    #[serde(skip)]
    pub collection: u32,
    /// Types of objects; none is all.
    pub types: Vec<String>,
    /// The strictest label.
    pub tlp: Option<String>,
    /// The account whose rule it is.
    pub account: i64,
    /// Since when, in microseconds since 1970.
    pub since: i64,
    /// Why it does nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

impl Node {
    /// Makes a rule. What arrives from now on is adopted by it, and what is there where that is
    /// said.
    pub fn adopt_rule_add(
        &self,
        by: &Checked,
        new: &New,
        into: &Collection,
        now: i64,
    ) -> Result<(AdoptRule, Adopted), NodeError> {
        by.require(Right::Adopt)?;
        self.require_space()?;
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        if let Some(why) = self.unfit(into.number) {
            return Err(refused(format!("{why}; adopt into another collection")));
        }
        let peer = self.peer(&new.party)?;
        if new.types.iter().any(|one| one.is_empty() || one.contains(char::is_whitespace)) {
            return Err(refused("a type is a word of STIX, such as `indicator`".to_owned()));
        }
        if self.adopt_rules()?.len() >= RULES_MAX {
            return Err(refused(format!(
                "there are {RULES_MAX} rules, no more can be; `comity adopt rule remove DIR ID`"
            )));
        }
        let rule = AdoptRule {
            id: 0,
            name: self.draw_uuid().to_string(),
            party: peer.party.clone(),
            collection: into.number,
            types: new.types.clone(),
            tlp: new.tlp.map(|tlp| tlp.label().to_owned()),
            account: by.account.id,
            since: now,
            stopped: None,
        };
        // If we stop before the next step, there is an entry about a rule that does nothing.
        self.state_rule(&rule, "adopts", &by.author(), now)?;
        let number = peer.collection;
        let last = self.ask(|connections| Ok(query::last_came(&connections.view, number)?))?;
        let from = if new.existing { None } else { last };
        let rule = insert(&self.local, rule, from.unwrap_or(i64::MIN))?;
        let adopted = self.apply(&rule, now)?;
        Ok((rule, adopted))
    }

    /// All rules, by their numbers.
    pub fn adopt_rules(&self) -> Result<Vec<AdoptRule>, NodeError> {
        Ok(list(&self.local)?)
    }

    /// Ends a rule. What it adopted stays.
    pub fn adopt_rule_remove(
        &self,
        by: &Checked,
        id: i64,
        now: i64,
    ) -> Result<AdoptRule, NodeError> {
        by.require(Right::Adopt)?;
        let rule = self.adopt_rules()?.into_iter().find(|rule| rule.id == id);
        let rule = rule.ok_or_else(|| LocalError::Missing {
            what: "rule",
            name: id.to_string(),
            command: "comity adopt rule list DIR",
        })?;
        // If we stop before the next step, it goes on; whoever ended it got no answer.
        self.state_rule(&rule, "adopts-no-more", &by.author(), now)?;
        delete(&self.local, id)?;
        Ok(rule)
    }

    /// Applies the rules about a party, or all, to what came since they were applied last. What
    /// goes wrong with one is told, and comes up again with what arrives next.
    pub(crate) fn apply_adopt_rules(&self, party: Option<&str>, now: i64) {
        let rules = match self.adopt_rules() {
            Ok(rules) => rules,
            Err(error) => return tracing::warn!(%error, "the rules of adoption cannot be read"),
        };
        let about = |rule: &&AdoptRule| party.is_none_or(|party| rule.party == party);
        for rule in rules.iter().filter(about).filter(|rule| rule.stopped.is_none()) {
            if let Err(error) = self.apply(rule, now) {
                tracing::warn!(%error, rule = rule.id, "a rule of adoption was not applied");
            }
        }
    }

    fn apply(&self, rule: &AdoptRule, now: i64) -> Result<Adopted, NodeError> {
        let mut done = Adopted::default();
        if let Some(why) = self.cannot_go_on(rule)? {
            self.stop_rule(rule, &why, now)?;
            return Ok(done);
        }
        let collection = self.peer(&rule.party)?.collection;
        let author = Author { role: ROLE.to_owned(), pseudonym: rule.name.clone() };
        // A rule that is removed meanwhile has no mark: what was read once holds.
        let Some(mut from) = adopted_to(&self.local, rule)? else { return Ok(done) };
        loop {
            let arrived = self.ask(|connections| {
                Ok(query::held_since(&connections.view, collection, from, ADOPTED_AT_A_TIME)?)
            })?;
            let Some(last) = arrived.last() else { return Ok(done) };
            let mut positions = Vec::with_capacity(arrived.len());
            for one in &arrived {
                let of_type = rule.types.is_empty() || rule.types.contains(&one.object_type);
                if of_type && self.is_within(rule, one.position)? {
                    positions.push(one.position);
                }
            }
            if !positions.is_empty() {
                let author = author.clone();
                let some = self.writer().adopt(rule.collection, positions, author, now)?;
                done.adopted += some.adopted;
                done.known += some.known;
                done.gone += some.gone;
                done.conflicting += some.conflicting;
            }
            // If we stop before, these are adopted once more, which changes nothing.
            from = last.date_added;
            if !set_adopted_to(&self.local, rule, from)? {
                return Ok(done);
            }
        }
    }

    /// Whether the label of an entry is one that a rule adopts.
    fn is_within(
        &self,
        rule: &AdoptRule,
        position: comity_view::Position,
    ) -> Result<bool, NodeError> {
        let Some(most) = rule.tlp.as_deref().and_then(collection::label) else {
            return Ok(rule.tlp.is_none());
        };
        self.ask(|connections| {
            let opened = connections.log.open_entry(entry_ref(position))?;
            let header = opened.and_then(|envelope| Header::of(&envelope).ok());
            let label = header.and_then(|header| collection::label(&header.handling.tlp));
            Ok(label.is_some_and(|label| label <= most))
        })
    }

    /// Why a rule may not go on.
    fn cannot_go_on(&self, rule: &AdoptRule) -> Result<Option<String>, NodeError> {
        if let Some(why) = self.unfit(rule.collection) {
            return Ok(Some(why));
        }
        if !self.is_following(&rule.party)? {
            return Ok(Some(format!("`{}` is not followed any more", rule.party)));
        }
        let account = account::list(&self.local)?.into_iter().find(|one| one.id == rule.account);
        let Some(account) = account.filter(|account| !account.disabled) else {
            return Ok(Some("its author has no account any more".to_owned()));
        };
        let lost = Checked::of_account(account).require(Right::Adopt).err();
        Ok(lost.map(|error| format!("its author lost the right: {error}")))
    }

    /// Why nothing is adopted into a collection.
    fn unfit(&self, number: u32) -> Option<String> {
        let collection = self.collections().into_iter().find(|one| one.number == number);
        match collection {
            None => Some("its collection is not there".to_owned()),
            Some(one) if self.is_receiving(&one) => {
                Some(format!("`{}` takes what peers release, and nothing else", one.title))
            }
            Some(one) if one.release.is_some() => {
                Some(format!("`{}` releases what is written to it", one.title))
            }
            Some(_) => None,
        }
    }

    fn stop_rule(&self, rule: &AdoptRule, why: &str, now: i64) -> Result<(), NodeError> {
        tracing::warn!(rule = rule.id, why, "a rule of adoption stops");
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        self.state_rule(rule, "adopts-no-more", &author, now)?;
        let stopped = AdoptRule { stopped: Some(why.to_owned()), ..rule.clone() };
        Ok(set_stopped(&self.local, &stopped)?)
    }

    /// An entry of the private log about a rule. It names no collection: those are local.
    fn state_rule(
        &self,
        rule: &AdoptRule,
        stance: &str,
        author: &Author,
        now: i64,
    ) -> Result<(), NodeError> {
        let header = Header {
            created: Micros(now).to_string(),
            ..self.headers().header(Log::Private, Kind::Stance, author.clone())
        };
        let payload = json!({
            "stance": stance,
            "rule": rule.name,
            "from": rule.party,
            "types": rule.types,
            "tlp_max": rule.tlp,
        });
        let sealed = self.surroundings.entry(&header, payload.to_string().as_bytes())?;
        self.writer().append(vec![(Log::Private.id(), sealed)])
    }
}

fn list(local: &Local) -> Result<Vec<AdoptRule>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare_cached(
        "SELECT id, name, party, collection, types, tlp, account, since, stopped FROM adopt_rule
         ORDER BY id",
    )?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<AdoptRule> {
    let types: String = row.get(4)?;
    Ok(AdoptRule {
        id: row.get(0)?,
        name: row.get(1)?,
        party: row.get(2)?,
        collection: row.get(3)?,
        types: types.split_whitespace().map(str::to_owned).collect(),
        tlp: row.get(5)?,
        account: row.get(6)?,
        since: row.get(7)?,
        stopped: row.get(8)?,
    })
}

/// A new row, and from where on it is applied.
fn insert(local: &Local, rule: AdoptRule, from: i64) -> Result<AdoptRule, LocalError> {
    // One lock for all of it: two rules that are made at once have two numbers.
    let connection = local.lock();
    let sql = "SELECT coalesce(max(id), 0) + 1 FROM adopt_rule";
    let next: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    let rule = AdoptRule { id: next, ..rule };
    connection.execute("INSERT OR REPLACE INTO adopted_to VALUES (?1, ?2)", params![next, from])?;
    write(&connection, &rule)?;
    Ok(rule)
}

fn write(connection: &Connection, rule: &AdoptRule) -> Result<(), LocalError> {
    let sql = "INSERT OR REPLACE INTO adopt_rule VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.execute(sql, params_from_iter(values(rule)))?;
    Ok(())
}

/// Notes that a rule stopped, where it is still there: its number may be another's by now.
fn set_stopped(local: &Local, rule: &AdoptRule) -> Result<(), LocalError> {
    let sql = "UPDATE adopt_rule SET party = ?3, collection = ?4, types = ?5, tlp = ?6,
        account = ?7, since = ?8, stopped = ?9, sum = ?10 WHERE id = ?1 AND name = ?2";
    local.lock().execute(sql, params_from_iter(values(rule)))?;
    Ok(())
}

/// A row, with its sum.
fn values(rule: &AdoptRule) -> impl Iterator<Item = Value> {
    with_sum([
        rule.id.into(),
        rule.name.clone().into(),
        rule.party.clone().into(),
        rule.collection.into(),
        rule.types.join(" ").into(),
        rule.tlp.clone().into(),
        rule.account.into(),
        rule.since.into(),
        rule.stopped.clone().into(),
    ])
}

/// How far a rule was applied; nothing where it was removed.
fn adopted_to(local: &Local, rule: &AdoptRule) -> Result<Option<i64>, LocalError> {
    let found = local
        .lock()
        .prepare_cached(
            "SELECT date_added FROM adopt_rule LEFT JOIN adopted_to ON rule = id
             WHERE id = ?1 AND name = ?2",
        )?
        .query_row(params![rule.id, rule.name], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    Ok(found.map(|date_added| date_added.unwrap_or(i64::MIN)))
}

/// Says whether the rule is there.
fn set_adopted_to(local: &Local, rule: &AdoptRule, date_added: i64) -> Result<bool, LocalError> {
    let sql = "INSERT OR REPLACE INTO adopted_to
        SELECT id, ?3 FROM adopt_rule WHERE id = ?1 AND name = ?2";
    Ok(local.lock().execute(sql, params![rule.id, rule.name, date_added])? > 0)
}

fn delete(local: &Local, id: i64) -> Result<(), LocalError> {
    let connection = local.lock();
    connection.execute("DELETE FROM adopt_rule WHERE id = ?1", [id])?;
    connection.execute("DELETE FROM adopted_to WHERE rule = ?1", [id])?;
    Ok(())
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let columns = "id, name, party, collection, types, tlp, account, since, stopped";
    local::damaged(local, "adopt_rule", "id", columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> AdoptRule {
        AdoptRule {
            id: 0,
            name: name.to_owned(),
            party: "alpha.example".to_owned(),
            collection: 2,
            types: Vec::new(),
            tlp: None,
            account: 1,
            since: 0,
            stopped: None,
        }
    }

    #[test]
    fn what_is_noted_of_a_rule_that_was_removed_brings_it_not_back_and_is_not_of_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let local = Local::open(&directory.path().join("local.db")).unwrap();
        let first = insert(&local, rule("first"), 7).unwrap();
        assert_eq!(adopted_to(&local, &first).unwrap(), Some(7));
        delete(&local, first.id).unwrap();
        let stopped = AdoptRule { stopped: Some("why".to_owned()), ..first.clone() };
        // Whoever applies it still had read it before.
        assert_eq!(adopted_to(&local, &first).unwrap(), None);
        assert!(!set_adopted_to(&local, &first, 9).unwrap());
        set_stopped(&local, &stopped).unwrap();
        assert_eq!(list(&local).unwrap(), []);
        let second = insert(&local, rule("second"), 20).unwrap();
        assert_eq!(second.id, first.id);
        assert!(!set_adopted_to(&local, &first, 9).unwrap());
        set_stopped(&local, &stopped).unwrap();
        assert_eq!(list(&local).unwrap(), std::slice::from_ref(&second));
        assert_eq!(adopted_to(&local, &second).unwrap(), Some(20));
        let stopped = AdoptRule { stopped: Some("why".to_owned()), ..second };
        set_stopped(&local, &stopped).unwrap();
        assert_eq!(list(&local).unwrap(), [stopped]);
        assert_eq!(damaged(&local).unwrap(), Vec::<String>::new());
    }
}
