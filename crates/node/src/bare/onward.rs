//! Onward release between simulated nodes, as the callers of a node with files ask for it.

use comity_charter::Tlp;
use comity_tlog::EntryRef;
use comity_view::{Position, query};
use comity_wire::entry::{Audience, Author, Header, Kind};

use crate::bare::{BareNode, DESK};
use crate::collection;
use crate::fold;
use crate::judge::{Provenance, comes_from};
use crate::node::NodeError;
use crate::release::Sources;
use crate::share::{self, Leaving, onward};
use crate::stores::Logs as _;
use crate::writer::grant::Target;

impl BareNode {
    /// Consents to the onward release of a shared entry by a party that has it. Says whether that
    /// is anything new.
    ///
    /// # Errors
    /// The disk.
    pub fn consent(
        &mut self,
        shared: Position,
        to: &str,
        rule: &str,
        author: &Author,
    ) -> Result<bool, NodeError> {
        let header = self.header_of(shared)?.filter(|header| header.kind == Kind::Share);
        let own = |header: &Header| matches!(comes_from(header), Some(Provenance::Own));
        let Some(header) = header.filter(own) else { return Ok(false) };
        let rule = onward::without(rule, Some(to));
        // A label that is not known is taken for the strictest.
        let label = collection::label(&header.handling.tlp).unwrap_or(Tlp::Red);
        let (tlp, purpose, parties) =
            (header.handling.tlp, header.purpose, self.compile(&rule, label));
        if parties.is_empty() {
            return Ok(false);
        }
        let targets = [Target { position: shared, of: None, tlp, purpose, parties }];
        let now = self.now;
        let given =
            self.group(|decided, node| decided.consent(node, to, &rule, &targets, author, now))?;
        Ok(given.entries > 0)
    }

    /// Takes back what a party was consented to about a shared entry. Says how many consents.
    ///
    /// # Errors
    /// The disk.
    pub fn take_back_consent(
        &mut self,
        shared: Position,
        from: &str,
        author: &Author,
    ) -> Result<usize, NodeError> {
        let given = query::given_to(&self.view, shared, from)?;
        let going: Vec<Position> = given.into_iter().map(|one| one.position).collect();
        self.withdraw(&going, author)
    }

    /// Releases onward what a peer released, and was adopted. Says whether it did.
    ///
    /// # Errors
    /// The disk.
    pub fn pass_on(
        &mut self,
        of: Position,
        rule: &str,
        tlp: Tlp,
        author: &Author,
    ) -> Result<bool, NodeError> {
        let sources = Sources(&self.logs, &self.view);
        let Some(mut opened) = share::open(&sources, of)? else { return Ok(false) };
        let own = self.identity.party();
        let rule = onward::without(rule, Some(&opened.header.origin));
        let parties = self.compile(&rule, tlp);
        let adopted = query::collections_of(&self.view, of)?.contains(&DESK);
        if parties.is_empty()
            || !adopted
            || !opened.ledger.shared.is_empty()
            || onward::came_onward(own, &opened.header).is_some()
            || onward::require_no_wider(&opened.header, tlp, None).is_err()
            || onward::by_consent(&sources, own, of, &mut opened, &parties)?.is_err()
        {
            return Ok(false);
        }
        let audience = Audience { rule, parties };
        self.copy(of, &opened, Leaving { tlp, pap: None, audience }, author)
    }

    /// The parties that an entry of a peer may be released onward to, as far as its owner's word is
    /// here.
    ///
    /// # Errors
    /// The view.
    pub fn consented(&self, of: Position) -> Result<Vec<String>, NodeError> {
        let consents = query::consents(&self.view, of)?;
        Ok(consents.into_iter().flat_map(|one| one.parties).collect())
    }

    /// The entry of a peer that an entry of this node's own passes on, if it does.
    pub(super) fn passed_on(&self, shared: Position) -> Result<Option<Position>, NodeError> {
        let Some(header) = self.header_of(shared)? else { return Ok(None) };
        let Some(Provenance::Onward(of)) = comes_from(&header) else { return Ok(None) };
        Ok(fold::position_of(of, self.identity.peers()))
    }

    /// Whether the owner of an entry consents to its release to some parties. It has it itself, and
    /// is left out.
    pub(super) fn covers(
        &self,
        of: Position,
        parties: &mut Vec<String>,
    ) -> Result<bool, NodeError> {
        let sources = Sources(&self.logs, &self.view);
        let Some(mut opened) = share::open(&sources, of)? else { return Ok(false) };
        parties.retain(|party| *party != opened.header.origin);
        let own = self.identity.party();
        Ok(onward::by_consent(&sources, own, of, &mut opened, parties)?.is_ok())
    }

    fn header_of(&self, position: Position) -> Result<Option<Header>, NodeError> {
        let entry = EntryRef { log: position.log, index: position.index };
        let envelope = self.logs.open_entry(entry)?;
        Ok(envelope.and_then(|envelope| Header::of(&envelope).ok()))
    }
}
