//! An entry that holds an object version, opened to be shared or granted.

use comity_tlog::Sealed;
use comity_view::query::{Ask, Ledger};
use comity_view::{Position, query};
use comity_wire::entry::{self, Author, Header, Reference};
use comity_wire::time::Micros;

use crate::node::NodeError;
use crate::release::Sources;
use crate::share::Leaving;
use crate::stores::Logs;
use crate::writer::decide::entry_ref;
use crate::writer::remove::reference_to;
use crate::writer::share::Draft;

/// An entry that holds an object version, opened.
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) object: Vec<u8>,
    pub(crate) id: String,
    pub(crate) ledger: Ledger,
    /// Who attests it, where its own header does not say.
    pub(super) attested: Option<Author>,
    pub(super) reference: Reference,
    /// Of an entry of a peer: how it consents to the release.
    pub(super) consents: Vec<Reference>,
}

impl Opened {
    /// What the copy for others is to say.
    pub(crate) fn draft(
        &self,
        of: Position,
        own: Header,
        leaving: Leaving,
        now: i64,
        seal: impl FnOnce(&Header) -> Result<Sealed, NodeError>,
    ) -> Result<Draft, NodeError> {
        let parties = leaving.audience.parties.clone();
        let from = &self.header;
        let mut header = Header {
            created: Micros(now).to_string(),
            expires: self.ends(of),
            purpose: from.purpose.clone(),
            grade: from.grade.clone(),
            handling: from.handling.clone(),
            audience: leaving.audience,
            refs: std::iter::once(&self.reference).chain(&self.consents).cloned().collect(),
            attested: from.attested.clone().or_else(|| self.attested.clone()),
            ..own
        };
        leaving.tlp.label().clone_into(&mut header.handling.tlp);
        header.handling.pap = leaving.pap.map(|pap| pap.label().to_owned());
        let sealed = seal(&header)?;
        Ok(Draft { of, parties, sealed })
    }

    /// A copy ends with what it is a copy of. What a peer gave ends here sooner than it says, where
    /// the floor or the body says so.
    fn ends(&self, of: Position) -> Option<String> {
        let here = self.ledger.expires.filter(|_| of.is_followed());
        here.map(|here| Micros(here).to_string()).or_else(|| self.header.expires.clone())
    }
}

/// Opens an entry that holds an object version; nothing where it is gone.
pub(crate) fn open(
    Sources(log, view): &Sources<'_, impl Logs, impl Ask>,
    position: Position,
) -> Result<Option<Opened>, NodeError> {
    let Some(mut ledger) = query::ledger(*view, position)? else { return Ok(None) };
    let entry = entry_ref(position);
    let Some(envelope) = log.open_entry(entry)? else { return Ok(None) };
    let Some((header, object)) = parts(&envelope) else { return Ok(None) };
    if position.is_followed() {
        ledger.shared = query::passed_on(*view, &header.origin, position.index)?;
    }
    let attested = match ledger.attested_by {
        Some(record) => log.open_entry(entry_ref(record))?,
        None => None,
    };
    let attested = attested.as_deref().and_then(parts).and_then(|(header, _)| header.attested);
    let id = comity_wire::json::parse(&object)
        .ok()
        .and_then(|value| value.as_object().and_then(|object| object.str("id").map(str::to_owned)));
    let Some(reference) = reference_of(*log, &header, position)? else { return Ok(None) };
    let (id, consents) = (id.unwrap_or_default(), Vec::new());
    Ok(Some(Opened { header, object, id, ledger, attested, reference, consents }))
}

/// Names an entry of the log that a header stands in.
pub(super) fn reference_of(
    log: &impl Logs,
    header: &Header,
    position: Position,
) -> Result<Option<Reference>, NodeError> {
    let commitment = log.commitment(entry_ref(position))?;
    // What is committed to a log says which one it stands in; what says otherwise is void.
    Ok(commitment.map(|commitment| {
        reference_to(&header.origin, &header.log, position.index, &commitment.leaf())
    }))
}

fn parts(envelope: &[u8]) -> Option<(Header, Vec<u8>)> {
    let (line, payload) = entry::split(envelope).ok()?;
    Some((Header::parse(line).ok()?, payload.to_vec()))
}
