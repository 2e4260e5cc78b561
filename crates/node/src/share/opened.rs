//! An entry that holds an object version, opened to be shared or granted.

use comity_view::query::Ledger;
use comity_view::{Position, query};
use comity_wire::entry::{self, Author, Header, Log, Reference};

use crate::node::NodeError;
use crate::query::Connections;
use crate::writer::decide::entry_ref;

/// An entry that holds an object version, opened.
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) object: Vec<u8>,
    pub(crate) id: String,
    pub(crate) ledger: Ledger,
    /// Who attests it, where its own header does not say.
    pub(super) attested: Option<Author>,
    pub(super) reference: Reference,
}

/// Opens an entry that holds an object version; nothing where it is gone.
pub(crate) fn open(
    connections: &Connections,
    party: &str,
    position: Position,
) -> Result<Option<Opened>, NodeError> {
    let fault = |error: comity_tlog::ReadError| NodeError::Storage(error.to_string());
    let Some(ledger) = query::ledger(&connections.view, position)? else { return Ok(None) };
    let (log, entry) = (&connections.log, entry_ref(position));
    let Some(envelope) = log.open_entry(entry).map_err(fault)? else { return Ok(None) };
    let Some(commitment) = log.commitment(entry).map_err(fault)? else { return Ok(None) };
    let Some((header, object)) = parts(&envelope) else { return Ok(None) };
    let attested = match ledger.attested_by {
        Some(record) => log.open_entry(entry_ref(record)).map_err(fault)?,
        None => None,
    };
    let attested = attested.as_deref().and_then(parts).and_then(|(header, _)| header.attested);
    let id = comity_wire::json::parse(&object)
        .ok()
        .and_then(|value| value.as_object().and_then(|object| object.str("id").map(str::to_owned)));
    let reference = Reference {
        origin: party.to_owned(),
        log: Log::from_id(position.log).map_or("", Log::name).to_owned(),
        index: position.index,
        leaf: commitment.leaf().iter().map(|octet| format!("{octet:02x}")).collect(),
    };
    let id = id.unwrap_or_default();
    Ok(Some(Opened { header, object, id, ledger, attested, reference }))
}

fn parts(envelope: &[u8]) -> Option<(Header, Vec<u8>)> {
    let (line, payload) = entry::split(envelope).ok()?;
    Some((Header::parse(line).ok()?, payload.to_vec()))
}
