//! What the writer decides about a release: whether an object is shared already, and with whom.
//!
//! What is private stays where it is; what others get is a second entry, in the log `shared`, with
//! the same payload and a reference to the first. A group never has both the copy of an entry and
//! its withdrawal (`super::Company`): a copy that has no index yet could not be named.

use std::collections::BTreeSet;

use comity_tlog::Sealed;
use comity_view::{Position, View, query};
use comity_wire::entry::{self, Header, Log};
use comity_wire::time::Micros;

use crate::judge;
use crate::node::NodeError;
use crate::peer;
use crate::stores::{Logs as _, Mutant, Stores};
use crate::submit::ObjectVersion;
use crate::writer::decide::{Decided, Here, Planned, Shared, entry_ref};
use crate::writer::remove::reference;

/// A private entry that is to be shared, or one of another party that is to be passed on: what the
/// copy is to say.
pub(crate) struct Draft {
    pub(crate) of: Position,
    pub(crate) parties: Vec<String>,
    pub(crate) sealed: Sealed,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Copied {
    /// Appended.
    Shared,
    /// These parties have it.
    Known,
    /// It is shared, and these do not have it.
    Narrower(Vec<String>),
    /// What is passed on may not be given to these: its owner took his consent back meanwhile.
    Unconsented(Vec<String>),
    /// The entry is withdrawn.
    Gone,
}

impl Decided {
    /// Shares private entries, and passes on those of others.
    pub(crate) fn share(
        &mut self,
        inner: &impl Stores,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Copied>, NodeError> {
        drafts.into_iter().map(|draft| self.copy(inner, draft)).collect()
    }

    fn copy(&mut self, inner: &impl Stores, copy: Draft) -> Result<Copied, NodeError> {
        if !query::stands(&*inner.view()?, copy.of)? {
            return Ok(Copied::Gone);
        }
        match self.reached(inner, copy.of)? {
            Some(reached) => {
                let missing = missing(&copy.parties, &reached);
                Ok(if missing.is_empty() { Copied::Known } else { Copied::Narrower(missing) })
            }
            None => {
                if copy.of.is_followed() && !inner.logs().planted(Mutant::BeyondConsent) {
                    let consents = query::consents(&*inner.view()?, copy.of)?;
                    let missing = query::cover(&consents, &copy.parties).missing;
                    if !missing.is_empty() {
                        return Ok(Copied::Unconsented(missing));
                    }
                    if !self.is_adopted(inner, copy.of)? {
                        return Ok(Copied::Gone);
                    }
                }
                Ok(if self.append_copy(copy) { Copied::Shared } else { Copied::Gone })
            }
        }
    }

    /// What says nothing about whose it is that it passes on is not appended: it would not fall.
    fn append_copy(&mut self, copy: Draft) -> bool {
        let shared = if copy.of.is_followed() {
            header_of(&copy.sealed).as_ref().and_then(judge::passed_on).map(Shared::Onward)
        } else {
            Some(Shared::Copy(copy.of))
        };
        let Some(shared) = shared else { return false };
        let planned = Planned::Released(copy.parties, shared);
        let place = self.entry(Log::Shared.id(), copy.sealed, planned);
        self.copied.insert(copy.of, place);
        true
    }

    /// Who has what an entry holds; nothing where it is not shared.
    fn reached(
        &self,
        inner: &impl Stores,
        position: Position,
    ) -> Result<Option<BTreeSet<String>>, NodeError> {
        if let Some(place) = self.copied.get(&position) {
            let planned = self.effects.get(*place);
            return Ok(match planned {
                Some(Planned::Released(parties, _)) => Some(parties.iter().cloned().collect()),
                _ => None,
            });
        }
        let view = inner.view()?;
        if position.log == Log::Shared.id() {
            return Ok(Some(query::recipients(&view, position)?));
        }
        let copies = copies_in(inner, &view, position)?;
        if copies.is_empty() {
            return Ok(None);
        }
        let mut reached = BTreeSet::new();
        for copy in copies {
            reached.append(&mut query::recipients(&view, copy)?);
        }
        Ok(Some(reached))
    }

    /// An object that is here comes into a collection that releases: it is shared now, unless it
    /// is already. Gives the parties that the rule reaches and that do not have it.
    pub(super) fn release_known(
        &mut self,
        inner: &impl Stores,
        here: &Here,
        new: &ObjectVersion,
        came: &Sealed,
    ) -> Result<Vec<String>, NodeError> {
        let Some(audience) = &new.release else { return Ok(Vec::new()) };
        let known = match here {
            Here::Stored(known) => known,
            Here::Fresh(place) => {
                let reached = match self.effects.get(*place) {
                    Some(Planned::Share { version, .. }) => version.release.as_ref(),
                    _ => None,
                };
                let reached = reached.into_iter().flat_map(|audience| audience.parties.clone());
                return Ok(missing(&audience.parties, &reached.collect()));
            }
        };
        if let Some(reached) = self.reached(inner, known.position)? {
            return Ok(missing(&audience.parties, &reached));
        }
        let (Some(mut header), Some(payload)) = (header_of(came), stored(inner, known.position)?)
        else {
            return Ok(Vec::new());
        };
        // The copy lives no longer than what it is a copy of.
        let expires = known.expires.unwrap_or(i64::MAX).min(new.expires);
        header.expires = Some(Micros(expires).to_string());
        header.refs = vec![reference(inner, known.position)?];
        let sealed = inner.entry(&header, &payload)?;
        let parties = audience.parties.clone();
        self.append_copy(Draft { of: known.position, parties, sealed });
        Ok(Vec::new())
    }
}

/// The own entries that give others what an entry holds: of a private one its copies, of one of
/// another party what passes it on.
pub(super) fn copies(inner: &impl Stores, position: Position) -> Result<Vec<Position>, NodeError> {
    copies_in(inner, &*inner.view()?, position)
}

fn copies_in(
    inner: &impl Stores,
    view: &View,
    position: Position,
) -> Result<Vec<Position>, NodeError> {
    if !position.is_followed() {
        return Ok(query::copies(view, position)?);
    }
    match peer::sharing(inner.peers(), position) {
        Some(party) => Ok(query::passed_on(view, party, position.index)?),
        None => Ok(Vec::new()),
    }
}

/// The header of an entry that is not committed yet.
fn header_of(sealed: &Sealed) -> Option<Header> {
    Header::of(&sealed.open().ok()?).ok()
}

/// The object that an entry holds, as its producer wrote it; nothing where it was erased.
pub(super) fn stored(
    inner: &impl Stores,
    position: Position,
) -> Result<Option<Vec<u8>>, NodeError> {
    let envelope = inner.logs().open_entry(entry_ref(position))?;
    Ok(envelope
        .and_then(|envelope| entry::split(&envelope).ok().map(|(_, payload)| payload.to_vec())))
}

fn missing(parties: &[String], reached: &BTreeSet<String>) -> Vec<String> {
    parties.iter().filter(|party| !reached.contains(*party)).cloned().collect()
}
