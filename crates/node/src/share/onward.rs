//! Releasing onward what another party released to this one: with its consent, to those it consents
//! to, under a label that is no wider than its own.
//!
//! Consent is an entry of the other party's that was opened to this one ([`crate::consent`]).
//! Nobody else consents for it, and silence is none. What is passed on names it, and falls with it.

use comity_charter::{Pap, Tlp};
use comity_gate::release;
use comity_gate::{Path, Refusal};
use comity_view::Position;
use comity_view::query::{self, Ask, Cover};
use comity_wire::entry::{Header, Reference};

use crate::collection;
use crate::judge::{Provenance, comes_from};
use crate::node::{Node, NodeError};
use crate::release::Sources;
use crate::share::opened::{Opened, reference_of};
use crate::stores::{Logs, Mutant};

/// An audience rule without the party whose object it is about: it has it.
pub(crate) fn without(rule: &str, owner: Option<&str>) -> String {
    match owner {
        Some(owner) if rule != "none" => format!("{rule} - party:{owner}"),
        _ => rule.to_owned(),
    }
}

/// Nobody opens wider what another marked.
pub(crate) fn require_no_wider(header: &Header, tlp: Tlp, pap: Option<Pap>) -> Result<(), Refusal> {
    // A label that is not known is taken for the strictest.
    let theirs = header.handling.pap.as_deref().map(|it| collection::pap(it).unwrap_or(Pap::Red));
    if pap < theirs {
        let theirs = theirs.map_or("", Pap::label);
        return Err(Refusal::new(&release::MARKED, Path::root())
            .found(format!("PAP:{theirs} from `{}`", header.origin))
            .required(format!("PAP:{theirs} or stricter"))
            .hint("leave --pap out, or name a stricter label"));
    }
    let theirs = collection::label(&header.handling.tlp).unwrap_or(Tlp::Red);
    if tlp >= theirs {
        return Ok(());
    }
    Err(Refusal::new(&release::MARKED, Path::root())
        .found(format!("TLP:{} from `{}`", theirs.label(), header.origin))
        .required(format!("TLP:{} or stricter", theirs.label()))
        .hint("leave --tlp out, or name a stricter label"))
}

/// What is to be done where consent is missing for some parties. `covered` are those that may have
/// it.
pub(super) fn unconsented(missing: &[String], covered: &[String]) -> Refusal {
    let covered = if covered.is_empty() { "nobody".to_owned() } else { covered.join(", ") };
    Refusal::new(&release::ONWARD, Path::root())
        .found(format!("no consent for {}", missing.join(", ")))
        .required(format!("parties among those that it consents to: {covered}"))
        .hint("name them: --to party:ID,ID; or ask its owner for more")
}

impl Node {
    /// Whether the owner of an entry consents to its release to some parties; then the entry names
    /// how.
    pub(crate) fn consent_to(
        &self,
        of: Position,
        opened: &mut Opened,
        parties: &[String],
    ) -> Result<Result<(), Refusal>, NodeError> {
        if let Some(refusal) = self.not_ours(of, &opened.header)? {
            return Ok(Err(refusal));
        }
        let own = self.config().party.as_str();
        self.ask(|connections| by_consent(&connections.sources(), own, of, opened, parties))
    }

    /// Why something of another party cannot be released onward, whoever consents.
    fn not_ours(&self, of: Position, header: &Header) -> Result<Option<Refusal>, NodeError> {
        let own = self.config().party.as_str();
        if let Some(refusal) = came_onward(own, header) {
            return Ok(Some(refusal));
        }
        // Whoever does not hear its owner would not hear that it is taken back.
        let followed = self.is_following(&header.origin)?;
        if !followed {
            let refusal = Refusal::new(&release::NOT_OWN, Path::root())
                .found(format!("an entry of `{}`, whose node is not heard", header.origin))
                .hint(
                    "see why: comity peer show DIR PARTY; follow it again: comity peer add DIR PARTY \
                     HOST:PORT",
                );
            return Ok(Some(refusal));
        }
        let arrivals = self.ask(|connections| Ok(query::arrivals_of(&connections.view, of)?))?;
        let adopted = arrivals.iter().any(|(collection, _)| self.is_own(*collection));
        let refusal = || {
            Refusal::new(&release::NOT_OWN, Path::root())
                .found("an object that was received, and is in no collection of this party's own")
                .hint("adopt it first: comity adopt DIR --object ID --collection C --by USER")
        };
        Ok((!adopted).then(refusal))
    }
}

/// Why a party cannot release onward what came onward to it: it came over somebody who may pass it
/// on, and cannot consent for whose it is.
pub(crate) fn came_onward(own: &str, header: &Header) -> Option<Refusal> {
    let Some(Provenance::Onward(first)) = comes_from(header) else { return None };
    let refusal = Refusal::new(&release::NOT_OWN, Path::root())
        .found(format!("an entry of `{}`, passed on by `{}`", first.origin, header.origin))
        .required(format!("a release to `{own}` by `{}` itself, and its consent", first.origin));
    Some(refusal)
}

/// Whether what an owner consents to covers some parties; then what was opened names how.
pub(crate) fn by_consent(
    Sources(log, view): &Sources<'_, impl Logs, impl Ask>,
    own: &str,
    of: Position,
    opened: &mut Opened,
    parties: &[String],
) -> Result<Result<(), Refusal>, NodeError> {
    let consents = query::consents(*view, of)?;
    if consents.is_empty() {
        return Ok(Err(not_own(&opened.header.origin, own, &opened.id)));
    }
    let Cover { mut by, missing } = query::cover(&consents, parties);
    if log.planted(Mutant::BeyondConsent) {
        by = consents.iter().map(|one| one.position).collect();
    } else if !missing.is_empty() {
        let mut covered: Vec<String> = consents.into_iter().flat_map(|one| one.parties).collect();
        covered.sort_unstable();
        covered.dedup();
        return Ok(Err(unconsented(&missing, &covered)));
    }
    opened.consents = references(*log, &opened.header, &by)?;
    Ok(Ok(()))
}

fn not_own(owner: &str, own: &str, id: &str) -> Refusal {
    Refusal::new(&release::NOT_OWN, Path::root())
        .found(format!("an entry of `{owner}`, which consents to no onward release"))
        .required(format!(
            "the consent of `{owner}`: there, comity grant DIR --object {id} --onward {own} \
             --to RULE"
        ))
}

fn references(
    log: &impl Logs,
    header: &Header,
    consents: &[Position],
) -> Result<Vec<Reference>, NodeError> {
    let mut references = Vec::with_capacity(consents.len());
    for consent in consents {
        references.extend(reference_of(log, header, *consent)?);
    }
    Ok(references)
}
