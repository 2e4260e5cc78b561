//! Sharing: what is private gets a second entry, in the log `shared`, for the parties that a rule
//! comes to. READ THIS after [`crate::submit`].
//!
//! 1. Each object gets a label: its marking, or what somebody says, whichever is stricter; one that
//!    contradicts what is asked for is refused.
//! 2. The rule is compiled under the charter in force: a list of parties, which may be looked at
//!    before anything is written. An empty list is nobody, and refused.
//! 3. The header gets label, rule and list; the payload is that of the private entry, octet for
//!    octet. It is sealed.
//! 4. The writer appends it, unless the object is shared already: then it says whether all of these
//!    parties have it. Nothing is shared wider by sharing it again; that is a grant.

pub(crate) mod onward;
mod opened;

use std::collections::BTreeMap;

use comity_charter::{Charter, Compiled, Pap, Rule, RuleError, Tlp};
use comity_gate::release::{self, Label};
use comity_gate::{Code, Path, Refusal};
use comity_view::{Position, Readable, Right, query};
use comity_wire::entry::{Audience, Author, Header, Kind, Log};
use comity_wire::id::Id;
use comity_wire::taxii::filter::{Query, Versions};
use serde::Serialize;

use crate::collection::{self, Collection};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::writer::share::{Copied, Draft};
pub(crate) use opened::{Opened, open};

/// Objects that one job of the writer shares, and octets: a commit's worth.
const GROUP_OBJECTS: usize = 1000;
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Objects that a report lists one by one; all are counted.
pub const LISTED_MAX: usize = 10_000;

/// What is to be shared.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The objects, by their ids; without, all that the collection holds.
    pub objects: Option<&'a [String]>,
    /// The audience rule.
    pub rule: &'a str,
    /// The label, where it is not to be that of each object.
    pub tlp: Option<Tlp>,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What a release, or a grant, did or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Object versions that were looked at.
    pub objects: u64,
    /// Those that are shared now, or would be.
    pub shared: u64,
    /// Those that all of these parties have already.
    pub known: u64,
    /// Those that were withdrawn meanwhile.
    pub gone: u64,
    /// Of a collection that is granted, those that are private, and stay so.
    #[serde(skip_serializing_if = "is_none")]
    pub private: u64,
    /// Those that are not shared, or not wider.
    pub refused: u64,
    /// Entries that were written.
    pub entries: u64,
    /// Who receives and who does not, for each label that the objects have.
    pub audiences: Vec<Reached>,
    /// What may be done with the objects that leave: how many have which label of PAP.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permitted: BTreeMap<&'static str, u64>,
    /// The refused, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refused>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What a rule comes to for objects of one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The label.
    pub tlp: String,
    /// How many objects have it.
    pub objects: u64,
    /// What the rule comes to.
    #[serde(flatten)]
    pub compiled: Compiled,
}

/// An object that is not shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its identifier.
    pub id: String,
    /// The stable code.
    pub code: &'static str,
    /// Why.
    pub why: String,
}

/// What goes into the header of an object that leaves.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) tlp: Tlp,
    /// What may be done with it, where anything says so.
    pub(crate) pap: Option<Pap>,
    pub(crate) audience: Audience,
}

/// Whether, and to whom, an object leaves that a party writes into a collection of its own.
pub(crate) fn leaving(
    charter: &Charter,
    party: &str,
    collection: &Collection,
    object: &[u8],
    now: i64,
) -> Result<Option<Leaving>, Refusal> {
    let Some(rule) = &collection.release else { return Ok(None) };
    let limit = rule.label().ok_or_else(|| Refusal::new(&release::RULE, Path::root()))?;
    let tlp = release::label(object, Label::UpTo(limit))?;
    let compiled = Rule::parse(&rule.rule).and_then(|rule| charter.compile(&rule, party, tlp, now));
    let compiled = compiled.map_err(|error| refusal(&error))?;
    if compiled.parties.is_empty() {
        return Err(nobody());
    }
    let pap = release::pap(object, None, charter.handling.default_pap)?;
    let audience = Audience { rule: compiled.rule, parties: compiled.parties };
    Ok(Some(Leaving { tlp, pap, audience }))
}

/// What a rule comes to, by label: each is compiled once.
pub(crate) struct Audiences<'n> {
    node: &'n Node,
    rule: String,
    now: i64,
    by_label: BTreeMap<Tlp, Result<Reached, RuleError>>,
}

impl<'n> Audiences<'n> {
    pub(crate) fn new(node: &'n Node, rule: &str, now: i64) -> Audiences<'n> {
        Audiences { node, rule: rule.to_owned(), now, by_label: BTreeMap::new() }
    }

    /// The rule.
    fn rule(&self) -> &str {
        &self.rule
    }

    /// The parties for an object of a label.
    pub(crate) fn of(&mut self, tlp: Tlp) -> Result<&[String], Refusal> {
        let (node, rule, now) = (self.node, self.rule.as_str(), self.now);
        let reached = self.by_label.entry(tlp).or_insert_with(|| {
            let compiled = node.compile(rule, tlp, now)?;
            Ok(Reached { tlp: tlp.label().to_owned(), objects: 0, compiled })
        });
        match reached {
            Ok(reached) if reached.compiled.parties.is_empty() => Err(nobody()),
            Ok(reached) => {
                node.require_assessed(&reached.compiled.parties, now)?;
                reached.objects += 1;
                Ok(&reached.compiled.parties)
            }
            Err(error) => Err(refusal(error)),
        }
    }

    pub(crate) fn told(self) -> Vec<Reached> {
        let (node, now) = (self.node, self.now);
        let told = self.by_label.into_values().flatten().map(|mut reached| {
            node.tell_unassessed(&mut reached.compiled, now);
            reached
        });
        told.collect()
    }
}

impl Node {
    /// What a rule of this party comes to.
    pub fn compile(&self, rule: &str, tlp: Tlp, now: i64) -> Result<Compiled, RuleError> {
        self.charter().compile(&Rule::parse(rule)?, &self.config().party, tlp, now)
    }

    /// Whether, and to whom, an object leaves that is written into a collection.
    pub(crate) fn leaving(
        &self,
        collection: &Collection,
        object: &[u8],
        now: i64,
    ) -> Result<Option<Leaving>, Refusal> {
        let leaving = leaving(self.charter(), &self.config().party, collection, object, now)?;
        if let Some(leaving) = &leaving {
            self.require_assessed(&leaving.audience.parties, now)?;
        }
        Ok(leaving)
    }

    /// Shares objects that a collection holds, the last version of each.
    pub fn share(
        &self,
        by: &Checked,
        readable: Readable,
        asked: Asked<'_>,
        now: i64,
    ) -> Result<Report, NodeError> {
        self.share_under(by, readable, asked, None, now)
    }

    /// The same, with a word on what may be done with them (PAP).
    pub fn share_under(
        &self,
        by: &Checked,
        readable: Readable,
        asked: Asked<'_>,
        pap: Option<Pap>,
        now: i64,
    ) -> Result<Report, NodeError> {
        if !asked.dry_run {
            by.require(Right::Release)?;
            self.require_space()?;
        }
        // A rule that cannot be used at all is told at once, and not object by object.
        let least = asked.tlp.unwrap_or(Tlp::Clear);
        let compiled = self.compile(asked.rule, least, now)?;
        if compiled.parties.is_empty() && !asked.dry_run {
            return Err(NodeError::Nobody { rule: compiled.rule });
        }
        let positions = self.selected(readable, asked.objects)?;
        let mut sharing = Sharing {
            node: self,
            author: by.author(),
            asked,
            pap,
            now,
            audiences: BTreeMap::new(),
            drafts: Vec::new(),
            octets: 0,
            report: Report::default(),
        };
        for position in positions {
            sharing.object(position)?;
        }
        sharing.finish()
    }

    fn selected(
        &self,
        readable: Readable,
        objects: Option<&[String]>,
    ) -> Result<Vec<Position>, NodeError> {
        let ids = objects.map(parse_ids).transpose()?;
        let named = ids.clone();
        let query = Query { ids, versions: Versions::Last, ..Query::default() };
        let page = self.page(readable, &query, usize::MAX - 1)?;
        for (object_type, uuid) in named.into_iter().flatten() {
            if !self.holds(readable, &object_type, uuid)? {
                let id = Id { object_type: &object_type, uuid };
                return Err(NodeError::NoObject { id: id.to_string() });
            }
        }
        Ok(page.rows.into_iter().map(|row| row.position).collect())
    }

    /// Who may open an entry of the log `shared`: those that it was compiled for, and those that it
    /// was granted to.
    pub fn recipients(&self, position: Position) -> Result<Vec<String>, NodeError> {
        self.ask(|connections| {
            Ok(query::recipients_seen(&connections.view, position)?.into_iter().collect())
        })
    }

    /// How many entries stand in the log `shared`.
    pub fn released(&self) -> Result<query::Counts, NodeError> {
        self.ask(|connections| Ok(query::released(&connections.view)?))
    }
}

/// A share under way.
struct Sharing<'a> {
    node: &'a Node,
    author: Author,
    asked: Asked<'a>,
    pap: Option<Pap>,
    now: i64,
    /// By the party whose objects they are for, where it is another: it has them, and is left out.
    audiences: BTreeMap<Option<String>, Audiences<'a>>,
    drafts: Vec<(String, Draft)>,
    octets: usize,
    report: Report,
}

impl Sharing<'_> {
    fn object(&mut self, position: Position) -> Result<(), NodeError> {
        self.report.objects += 1;
        let opened = self.node.ask(|connections| open(&connections.sources(), position))?;
        let Some(mut opened) = opened else {
            self.report.gone += 1;
            return Ok(());
        };
        let judged = self.judge(&opened, position);
        let judged = match judged {
            Ok(leaving) if position.is_followed() => self
                .node
                .consent_to(position, &mut opened, &leaving.audience.parties)?
                .map(|()| leaving),
            judged => judged,
        };
        if let Ok(Leaving { pap: Some(pap), .. }) = &judged {
            *self.report.permitted.entry(pap.label()).or_default() += 1;
        }
        match judged {
            Err(refusal) => self.report.refuse(opened.id, &refusal),
            Ok(leaving) if !opened.ledger.shared.is_empty() => self.known(&opened, &leaving)?,
            Ok(_) if self.asked.dry_run => self.report.shared += 1,
            Ok(leaving) => {
                let draft = self.draft(position, &opened, leaving)?;
                self.octets += opened.object.len();
                self.drafts.push((opened.id, draft));
            }
        }
        if self.drafts.len() >= GROUP_OBJECTS || self.octets >= GROUP_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn judge(&mut self, opened: &Opened, position: Position) -> Result<Leaving, Refusal> {
        if opened.ledger.held_back {
            return Err(Refusal::new(&release::HELD, Path::root())
                .required("an attestation by a releaser")
                .hint("import it again with --attest"));
        }
        let owner = position.is_followed().then(|| opened.header.origin.clone());
        let default = self.default(&opened.header);
        let given = match self.asked.tlp {
            Some(tlp) => Label::Exactly(tlp),
            None => Label::Unmarked(default),
        };
        let tlp = release::label(&opened.object, given)?;
        let pap = self.pap(opened)?;
        if owner.is_some() {
            onward::require_no_wider(&opened.header, tlp, pap)?;
        }
        let (node, rule, now) = (self.node, self.asked.rule, self.now);
        let audiences = self.audiences.entry(owner).or_insert_with_key(|owner| {
            Audiences::new(node, &onward::without(rule, owner.as_deref()), now)
        });
        let rule = audiences.rule().to_owned();
        let parties = audiences.of(tlp)?.to_vec();
        Ok(Leaving { tlp, pap, audience: Audience { rule, parties } })
    }

    /// The label of what has no marking: what its collection said, else the charter.
    fn default(&self, header: &Header) -> Tlp {
        let charter = self.node.charter().handling.default_tlp;
        collection::label(&header.handling.tlp).unwrap_or(charter)
    }

    /// What may be done with it: what is said, else its marking, else what it came with, else the
    /// charter.
    fn pap(&self, opened: &Opened) -> Result<Option<Pap>, Refusal> {
        let came = opened.header.handling.pap.as_deref().and_then(collection::pap);
        let default = came.or(self.node.charter().handling.default_pap);
        let pap = release::pap(&opened.object, self.pap, default)?;
        // A marking that is wider than what it came with opens nothing.
        Ok(if self.pap.is_none() { pap.max(came) } else { pap })
    }

    /// One that is shared already: nothing is done, and what would be missing is told.
    fn known(&mut self, opened: &Opened, leaving: &Leaving) -> Result<(), NodeError> {
        let mut reached = Vec::new();
        for shared in &opened.ledger.shared {
            reached.extend(self.node.recipients(*shared)?);
        }
        let lacks = |party: &&String| !reached.contains(*party);
        let missing: Vec<String> = leaving.audience.parties.iter().filter(lacks).cloned().collect();
        self.report.known_to(opened.id.clone(), &missing);
        Ok(())
    }

    fn draft(&self, of: Position, opened: &Opened, leaving: Leaving) -> Result<Draft, NodeError> {
        let own = self.node.headers().header(Log::Shared, Kind::Share, self.author.clone());
        let seal = |header: &Header| self.node.surroundings.entry(header, &opened.object);
        opened.draft(of, own, leaving, self.now, seal)
    }

    fn send(&mut self) -> Result<(), NodeError> {
        self.octets = 0;
        let (ids, drafts): (Vec<String>, Vec<Draft>) =
            std::mem::take(&mut self.drafts).into_iter().unzip();
        if drafts.is_empty() {
            return Ok(());
        }
        let copied = self.node.writer().share(drafts)?;
        for (id, copied) in ids.into_iter().zip(copied) {
            match copied {
                Copied::Shared => {
                    self.report.shared += 1;
                    self.report.entries += 1;
                }
                Copied::Known => self.report.known_to(id, &[]),
                Copied::Narrower(missing) => self.report.known_to(id, &missing),
                Copied::Unconsented(missing) => {
                    self.report.refuse(id, &onward::unconsented(&missing, &[]));
                }
                Copied::Gone => self.report.gone += 1,
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Report, NodeError> {
        self.send()?;
        let mut report = self.report;
        let audiences = self.audiences.into_values();
        report.audiences = audiences.flat_map(Audiences::told).collect();
        if report.audiences.is_empty() {
            // Nothing was looked at, or nothing may leave; the rule is explained all the same.
            let tlp = self.asked.tlp.unwrap_or(self.node.charter().handling.default_tlp);
            let compiled = self.node.compile(self.asked.rule, tlp, self.now);
            let tlp = tlp.label().to_owned();
            report.audiences.extend(compiled.map(|mut compiled| {
                self.node.tell_unassessed(&mut compiled, self.now);
                Reached { tlp, objects: 0, compiled }
            }));
        }
        Ok(report)
    }
}

impl Report {
    pub(crate) fn refuse(&mut self, id: String, refusal: &Refusal) {
        self.refused += 1;
        if self.refusals.len() < LISTED_MAX {
            let (code, why) = (refusal.code.id, refusal.to_string());
            self.refusals.push(Refused { id, code, why });
        }
    }

    fn known_to(&mut self, id: String, missing: &[String]) {
        if missing.is_empty() {
            self.known += 1;
            return;
        }
        let refusal = Refusal::new(&release::ELSEWHERE, Path::root())
            .found(format!("without {}", missing.join(", ")))
            .hint("widen it: comity grant DIR --object ID --to RULE");
        self.refuse(id, &refusal);
    }
}

/// Identifiers as a query takes them.
pub(crate) fn parse_ids(ids: &[String]) -> Result<Vec<(String, comity_wire::id::Uuid)>, NodeError> {
    ids.iter()
        .map(|text| match Id::parse(text) {
            Some(id) => Ok((id.object_type.to_owned(), id.uuid)),
            None => Err(NodeError::NoObject { id: text.escape_default().to_string() }),
        })
        .collect()
}

pub(crate) fn nobody() -> Refusal {
    Refusal::new(&release::NOBODY, Path::root())
        .required("a rule that reaches a party with standing and a node")
        .hint("comity share --dry-run says why, party by party")
}

fn refusal(error: &RuleError) -> Refusal {
    let code: &'static Code =
        if error.rule == comity_charter::RED { &release::RED } else { &release::RULE };
    Refusal::new(code, Path::root()).required(error.to_string())
}
