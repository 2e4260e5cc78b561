//! Granting: more parties may open what is shared already. A `grant` entry names shared entries;
//! its audience is exactly the parties that did not have them. Nothing is ever narrowed: what was
//! given is taken back by withdrawing it, and by nothing else.
//!
//! A party that joins the body gets what was shared before by a grant alone.

use comity_charter::Tlp;
use comity_gate::release;
use comity_gate::{Path, Refusal};
use comity_view::{Position, Right, query};
use comity_wire::entry::Header;

use crate::collection::{self, Collection};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::peer;
use crate::share::{Audiences, Opened, Report, open, parse_ids};
use crate::writer::grant::Target;

/// What is to be opened.
#[derive(Debug, Clone, Copy)]
pub enum Granting<'a> {
    /// All versions of these objects that are shared.
    Objects(&'a [String]),
    /// All that a collection holds and that is shared.
    Collection(&'a Collection),
}

/// What the writer did about a grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Shared entries that more parties may open now.
    pub(crate) entries: u64,
    /// Those that all of the parties could open before.
    pub(crate) known: u64,
    /// Those that were withdrawn meanwhile.
    pub(crate) gone: u64,
    /// `grant` entries.
    pub(crate) grants: u64,
}

impl Node {
    /// Opens what is shared to more parties.
    pub fn widen(
        &self,
        by: &Checked,
        what: Granting<'_>,
        rule: &str,
        now: i64,
    ) -> Result<Report, NodeError> {
        by.require(Right::Release)?;
        self.require_space()?;
        let compiled = self.compile(rule, Tlp::Clear, now)?;
        if compiled.parties.is_empty() {
            return Err(NodeError::Nobody { rule: compiled.rule });
        }
        let mut report = Report::default();
        let mut audiences = Audiences::new(self, rule, now);
        let mut targets = Vec::new();
        let by_name = matches!(what, Granting::Objects(_));
        for position in self.meant(what)? {
            report.objects += 1;
            self.target(position, by_name, &mut audiences, &mut targets, &mut report)?;
        }
        report.audiences = audiences.told();
        if targets.is_empty() {
            return Ok(report);
        }
        let granted = self.writer().grant(rule.to_owned(), targets, by.author(), now)?;
        report.shared = granted.entries;
        report.known = granted.known;
        report.gone += granted.gone;
        report.entries = granted.grants;
        Ok(report)
    }

    /// The entries that hold what is meant, private or shared.
    fn meant(&self, what: Granting<'_>) -> Result<Vec<Position>, NodeError> {
        let ids = match what {
            Granting::Objects(ids) => ids,
            Granting::Collection(collection) => {
                let number = collection.number;
                let held =
                    self.ask(|connections| Ok(query::held_by(&connections.view, number)?))?;
                return self.ours(held);
            }
        };
        self.versions(ids)
    }

    /// Of some entries those of this party's own, and those that it passed on.
    fn ours(&self, entries: Vec<Position>) -> Result<Vec<Position>, NodeError> {
        let mut ours = Vec::with_capacity(entries.len());
        for entry in entries {
            if !entry.is_followed() || !self.copies(entry)?.is_empty() {
                ours.push(entry);
            }
        }
        Ok(ours)
    }

    /// The entries of the log `shared` that give others what an entry holds.
    pub(crate) fn copies(&self, entry: Position) -> Result<Vec<Position>, NodeError> {
        if entry.is_followed() {
            let peers = self.peers()?;
            let Some(party) = peer::sharing(&peers, entry) else { return Ok(Vec::new()) };
            return self
                .ask(|connections| Ok(query::passed_on(&connections.view, party, entry.index)?));
        }
        let ledger = self.ask(|connections| Ok(query::ledger(&connections.view, entry)?))?;
        Ok(ledger.map(|ledger| ledger.shared).unwrap_or_default())
    }

    /// The entries that hold versions of some objects, wherever they are held: those of this
    /// party's own, and those that it passed on.
    pub(crate) fn versions(&self, ids: &[String]) -> Result<Vec<Position>, NodeError> {
        let mut all = Vec::new();
        for (text, (object_type, uuid)) in ids.iter().zip(parse_ids(ids)?) {
            let versions = self
                .ask(|connections| Ok(query::versions(&connections.view, &object_type, uuid)?))?;
            let party = versions.iter().find_map(|version| self.owner_of(*version));
            // Nobody but its owner opens it to others, or takes it back.
            let versions = self.ours(versions)?;
            if versions.is_empty() {
                let id = text.clone();
                return Err(match party {
                    Some(party) => NodeError::Theirs { id, party },
                    None => NodeError::NoObject { id },
                });
            }
            all.extend(versions);
        }
        Ok(all)
    }

    /// The other party whose entry this is.
    fn owner_of(&self, position: Position) -> Option<String> {
        let peers = if position.is_followed() { self.peers().ok()? } else { return None };
        peers.into_iter().find(|peer| peer.shared == position.log).map(|peer| peer.party)
    }

    /// The shared entries of one object version, with the parties that a rule comes to for it. One
    /// that is private is refused where it was named, and passed over otherwise.
    fn target(
        &self,
        position: Position,
        by_name: bool,
        audiences: &mut Audiences<'_>,
        targets: &mut Vec<Target>,
        report: &mut Report,
    ) -> Result<(), NodeError> {
        let opened = self.ask(|connections| open(&connections.sources(), position))?;
        let Some(mut opened) = opened else {
            report.gone += 1;
            return Ok(());
        };
        // Of several shared entries of one version the first is opened: they have one content.
        let Some(shared) = opened.ledger.shared.first().copied() else {
            if !by_name {
                report.private += 1;
                return Ok(());
            }
            let refusal = Refusal::new(&release::UNSHARED, Path::root())
                .hint("share it: comity share DIR --collection C --object ID --to RULE");
            report.refuse(opened.id, &refusal);
            return Ok(());
        };
        let Some(header) = self.header_of_copy(&opened, position, shared)? else {
            report.gone += 1;
            return Ok(());
        };
        // A label that is not known is taken for the strictest.
        let tlp = collection::label(&header.handling.tlp).unwrap_or(Tlp::Red);
        let mut judged = audiences.of(tlp).map(<[String]>::to_vec);
        let of = position.is_followed().then_some(position);
        if let (Some(of), Ok(parties)) = (of, &mut judged) {
            // Its owner has it.
            parties.retain(|party| *party != opened.header.origin);
            let parties = std::mem::take(parties);
            judged = self.consent_to(of, &mut opened, &parties)?.map(|()| parties);
        }
        match judged {
            Ok(parties) => {
                let (tlp, purpose) = (header.handling.tlp, header.purpose);
                targets.push(Target { position: shared, of, tlp, purpose, parties });
            }
            Err(refusal) => report.refuse(opened.id, &refusal),
        }
        Ok(())
    }

    /// The header of a shared entry: of the entry itself, or of its copy.
    pub(crate) fn header_of_copy(
        &self,
        opened: &Opened,
        position: Position,
        shared: Position,
    ) -> Result<Option<Header>, NodeError> {
        if position == shared {
            return Ok(Some(opened.header.clone()));
        }
        self.ask(|connections| header_at(connections, shared))
    }
}

fn header_at(
    connections: &crate::query::Connections,
    position: Position,
) -> Result<Option<Header>, NodeError> {
    let envelope = connections.log.open_entry(crate::writer::decide::entry_ref(position))?;
    Ok(envelope.and_then(|envelope| Header::of(&envelope).ok()))
}
