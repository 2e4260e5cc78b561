//! Consent to onward release: a party that has what this one shared may release it onward, to these
//! at most, until that is taken back. A `grant` entry says so, which is opened to that party alone.
//!
//! What is withdrawn here falls there: the other's node takes back what it passed on, by itself,
//! and its receipt says how much that was.

use comity_charter::Tlp;
use comity_gate::release;
use comity_gate::{Path, Refusal};
use comity_view::{Position, Right, query};
use comity_wire::limits::ONWARD_PARTIES_MAX;

use crate::collection;
use crate::local::LocalError;
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::share::{self, Audiences, Report};
use crate::withdraw::TakenBack;
use crate::writer::grant::Target;

/// What is consented to.
#[derive(Debug, Clone, Copy)]
pub struct Consenting<'a> {
    /// The objects, in all versions that are shared.
    pub objects: &'a [String],
    /// The party that may release them onward.
    pub party: &'a str,
    /// To whom, at most.
    pub rule: &'a str,
}

impl Node {
    /// Consents to the onward release of what is shared.
    pub fn consent(
        &self,
        by: &Checked,
        what: Consenting<'_>,
        now: i64,
    ) -> Result<Report, NodeError> {
        by.require(Right::Release)?;
        self.require_space()?;
        self.require_other(what.party)?;
        // Whom it passes it on to is others than itself.
        let rule = match what.rule {
            "none" => "none".to_owned(),
            rule => format!("{rule} - party:{}", what.party),
        };
        let compiled = self.compile(&rule, Tlp::Clear, now)?;
        if compiled.parties.is_empty() {
            return Err(NodeError::Nobody { rule: compiled.rule });
        }
        if compiled.parties.len() > ONWARD_PARTIES_MAX {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "`{}` comes to {} parties; required: at most {ONWARD_PARTIES_MAX} for one consent",
                compiled.rule,
                compiled.parties.len()
            ))));
        }
        let mut report = Report::default();
        let mut audiences = Audiences::new(self, &rule, now);
        let mut targets = Vec::new();
        for position in self.versions(what.objects)? {
            report.objects += 1;
            match self.consentable(position, what.party, &mut audiences)? {
                None => report.gone += 1,
                Some(Ok(target)) => targets.push(target),
                Some(Err((id, refusal))) => report.refuse(id, &refusal),
            }
        }
        report.audiences = audiences.told();
        for reached in &mut report.audiences {
            what.rule.clone_into(&mut reached.compiled.rule);
        }
        if targets.is_empty() {
            return Ok(report);
        }
        let party = what.party.to_owned();
        let given = self.writer().consent(party, rule, targets, by.author(), now)?;
        report.shared = given.entries;
        report.known = given.known;
        report.gone += given.gone;
        report.entries = given.grants;
        Ok(report)
    }

    /// The shared entry of an object version, to consent about it. Nothing where it is gone.
    #[allow(clippy::type_complexity, reason = "a refusal with the object that it is about")]
    fn consentable(
        &self,
        position: Position,
        party: &str,
        audiences: &mut Audiences<'_>,
    ) -> Result<Option<Result<Target, (String, Refusal)>>, NodeError> {
        let opened = self.ask(|connections| share::open(&connections.sources(), position))?;
        let Some(opened) = opened else { return Ok(None) };
        let refused = |refusal| Ok(Some(Err((opened.id.clone(), refusal))));
        if position.is_followed() {
            return refused(
                Refusal::new(&release::NOT_OWN, Path::root())
                    .found(format!("an entry of `{}`", opened.header.origin))
                    .required("an object of this party's own: its owner alone consents"),
            );
        }
        let Some(shared) = opened.ledger.shared.first().copied() else {
            return refused(
                Refusal::new(&release::UNSHARED, Path::root())
                    .hint("share it: comity share DIR --collection C --object ID --to RULE"),
            );
        };
        if !self.recipients(shared)?.iter().any(|one| one == party) {
            return refused(
                Refusal::new(&release::UNSHARED, Path::root())
                    .found(format!("`{party}` does not have it"))
                    .hint("open it first: comity grant DIR --object ID --to party:ID"),
            );
        }
        let Some(header) = self.header_of_copy(&opened, position, shared)? else {
            return Ok(None);
        };
        // A label that is not known is taken for the strictest.
        let tlp = collection::label(&header.handling.tlp).unwrap_or(Tlp::Red);
        match audiences.of(tlp) {
            Ok(parties) => {
                let (tlp, purpose) = (header.handling.tlp, header.purpose);
                let parties = parties.to_vec();
                Ok(Some(Ok(Target { position: shared, of: None, tlp, purpose, parties })))
            }
            Err(refusal) => refused(refusal),
        }
    }

    /// Takes consent back that was given to a party; it takes back what it passed on.
    pub fn take_back_consent(
        &self,
        by: &Checked,
        ids: &[String],
        party: &str,
        now: i64,
    ) -> Result<TakenBack, NodeError> {
        by.require(Right::Withdraw)?;
        let versions = self.versions(ids)?;
        let mut going = Vec::new();
        for version in versions.iter().filter(|version| !version.is_followed()) {
            self.ask(|connections| {
                let ledger = query::ledger(&connections.view, *version)?;
                for shared in ledger.map(|ledger| ledger.shared).unwrap_or_default() {
                    let given = query::given_to(&connections.view, shared, party)?;
                    going.extend(given.into_iter().map(|one| one.position));
                }
                Ok(())
            })?;
        }
        if going.is_empty() {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "no consent to the onward release of this was given to `{}`; required: one that \
                 stands",
                party.escape_default()
            ))));
        }
        let removed = self.writer().withdraw(going, by.author(), now)?;
        let told = vec![party.to_owned()];
        Ok(TakenBack { objects: versions.len(), withdrawn: removed.withdrawn, told })
    }

    /// Refuses what is no other party of the charter.
    pub(crate) fn require_other(&self, party: &str) -> Result<(), NodeError> {
        if party != self.config().party && self.charter().party(party).is_some() {
            return Ok(());
        }
        Err(NodeError::Local(LocalError::Refused(format!(
            "`{}` is no other party of the charter; `comity charter show DIR` lists them",
            party.escape_default()
        ))))
    }
}
