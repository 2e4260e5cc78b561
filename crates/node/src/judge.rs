//! What the entries of peers mean here: the same when they are opened to this node, and when the
//! view is folded again. It looks at the entry and at charters, never at a clock or at what else
//! is stored.

use std::sync::Arc;

use comity_charter::{Charter, Right};
use comity_gate::{Admitted, Facts, admit};
use comity_view::fold::PassedOn;
use comity_wire::consent;
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::time::{Instant, Micros};

use crate::collection;
use crate::config::Config;
use crate::peer::Peer;
use crate::submit::{DAY_MICROS, ObjectVersion};
use crate::terms;

/// Why an entry of a peer is void, where it is not the gate that says so.
pub(crate) mod code {
    /// Another envelope or another salt than the leaf commits to.
    pub(crate) const NOT_ITS_LEAF: &str = "entry-not-its-leaf";
    /// No header that can be read.
    pub(crate) const NO_HEADER: &str = "entry-header";
    /// It says that it stands in another log.
    pub(crate) const TRANSPLANTED: &str = "entry-transplanted";
    /// Another body than that of the charter.
    pub(crate) const OTHER_BODY: &str = "entry-other-body";
    /// A kind that has no place in this log.
    pub(crate) const KIND: &str = "entry-kind";
    /// It is about entries that it cannot be about.
    pub(crate) const REFS: &str = "entry-refs";
    /// Its label is unknown, or wider than the markings in its object.
    pub(crate) const LABEL: &str = "entry-label";
    /// The person floor would hold it, and nobody attests that it is about no person.
    pub(crate) const UNATTESTED: &str = "entry-unattested";
    /// Not for this party.
    pub(crate) const AUDIENCE: &str = "entry-audience";
    /// It consents to something, and to what cannot be read.
    pub(crate) const CONSENT: &str = "entry-consent";
    /// It gives something to others, and its origin had no right to.
    pub(crate) const RIGHT: &str = "entry-right";
}

/// What judges.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(crate) facts: Facts,
    /// The party that judges.
    party: String,
    /// The charter that founded the body.
    body: String,
    retention_days: u32,
    /// The charters that are or were in force, as far as they are known here: the one in force
    /// first. With the hash of each, as entries name it.
    charters: Arc<[(String, Charter)]>,
}

/// What a good entry of a peer says.
#[derive(Debug)]
pub(crate) enum Says {
    /// An object version.
    Share(Box<ObjectVersion>),
    /// These entries of the same log are taken back.
    Withdraw(Vec<u64>),
    /// These withdrawals of ours were acted on.
    Receipt(Vec<u64>),
    /// These entries of the same log may be released onward, to these parties at most.
    Consent(Vec<u64>, Vec<String>),
    /// Something that has no rows.
    Other,
}

impl Judge {
    /// `before` are the charters that were in force earlier.
    pub(crate) fn new(
        config: &Config,
        charter: &Charter,
        body: &str,
        before: Vec<Charter>,
    ) -> Judge {
        Judge {
            facts: terms::facts(charter),
            party: config.party.clone(),
            body: body.to_owned(),
            retention_days: charter.retention_days,
            charters: std::iter::once(charter.clone())
                .chain(before)
                .map(|charter| (charter.hash.to_string(), charter))
                .collect(),
        }
    }

    /// Judges what a peer opened. `Err` holds the code under which it is void.
    pub(crate) fn judge(
        &self,
        from: &Peer,
        log: Log,
        envelope: &[u8],
    ) -> Result<(Header, Says), &'static str> {
        let (line, payload) = entry::split(envelope).map_err(|_| code::NO_HEADER)?;
        let header = Header::parse(line).map_err(|_| code::NO_HEADER)?;
        if header.origin != from.party || header.log != log.name() {
            return Err(code::TRANSPLANTED);
        }
        if header.body != self.body {
            return Err(code::OTHER_BODY);
        }
        // A share that went to others first comes with a grant: whoever takes a page looks for it,
        // since an entry alone cannot say so.
        let named = header.kind == Kind::Share || header.audience.parties.contains(&self.party);
        if log == Log::Shared && !named {
            return Err(code::AUDIENCE);
        }
        if log == Log::Shared && matches!(header.kind, Kind::Share | Kind::Grant) {
            self.may_share(&header)?;
        }
        let says = match (log, header.kind) {
            (Log::Shared, Kind::Share) => Says::Share(Box::new(self.version(&header, payload)?)),
            (Log::Shared, Kind::Withdraw) => Says::Withdraw(of_the_same_log(&header)?),
            (Log::Shared, Kind::Receipt) => Says::Receipt(self.receipted(&header)?),
            (Log::Shared, Kind::Grant) => consent(&header, payload)?,
            (Log::Shared, Kind::Inquiry) => Says::Other,
            (Log::Acts, Kind::Share | Kind::Withdraw | Kind::Grant | Kind::Receipt)
            | (Log::Acts, Kind::Access)
            | (Log::Shared | Log::Private | Log::Audit, _) => return Err(code::KIND),
            (Log::Acts, _) => Says::Other,
        };
        Ok((header, says))
    }

    /// Whoever gives something to others has the right to, when he writes it, under the charter
    /// that he goes by. What a later charter takes from him leaves what he wrote before as it was.
    /// Where the charter that he names was never in force here, the one that is decides: whoever
    /// makes one up gains nothing by it.
    fn may_share(&self, header: &Header) -> Result<(), &'static str> {
        let named = self.charters.iter().find(|(hash, _)| *hash == header.charter);
        let created = Micros::parse(&header.created).map_err(|_| code::NO_HEADER)?;
        let charter = named.or(self.charters.first()).map(|(_, charter)| charter);
        let may = |charter: &Charter| charter.has_right(&header.origin, Right::Share, created.0);
        if charter.is_some_and(may) { Ok(()) } else { Err(code::RIGHT) }
    }

    /// The object of a share that is for others, whoever wrote it. The same gate as for what is
    /// submitted, and for what is released: a label narrower than the markings in the object is
    /// none, and nothing goes to others that waits for an attestation.
    pub(crate) fn shareable(
        &self,
        header: &Header,
        payload: &[u8],
    ) -> Result<Admitted, &'static str> {
        comes_from(header).ok_or(code::REFS)?;
        let admitted = admit(payload, &self.facts).map_err(|refusal| refusal.code.id)?;
        let label = collection::label(&header.handling.tlp).ok_or(code::LABEL)?;
        let pap = header.handling.pap.as_deref().map(collection::pap);
        // A word that is none says nothing that could be kept to.
        let permits =
            pap != Some(None) && comity_gate::release::permits_no_more(payload, pap.flatten());
        if !permits || !comity_gate::release::agrees(payload, label) {
            return Err(code::LABEL);
        }
        if admitted.hold().is_some() && header.attested.is_none() {
            return Err(code::UNATTESTED);
        }
        Ok(admitted)
    }

    fn version(&self, header: &Header, payload: &[u8]) -> Result<ObjectVersion, &'static str> {
        let admitted = self.shareable(header, payload)?;
        let created = Micros::parse(&header.created).map_err(|_| code::NO_HEADER)?;
        let (text, instant, unversioned) = match admitted.version() {
            Some(version) => (version.text.clone(), version.instant, false),
            None => (header.created.clone(), Instant::from_micros(created.0), true),
        };
        // It lives as long as its owner says, and no longer than the floor and this body allow.
        let days = admitted.expiry_days_max().unwrap_or(u32::MAX).min(self.retention_days);
        let longest = created.0.saturating_add(i64::from(days).saturating_mul(DAY_MICROS));
        let said = header.expires.as_deref().and_then(|text| Micros::parse(text).ok());
        Ok(ObjectVersion {
            held_back: false,
            release: None,
            expires: said.map_or(longest, |said| said.0.min(longest)),
            admitted,
            text,
            instant,
            unversioned,
            created: header.created.clone(),
            attested: None,
        })
    }

    /// The withdrawals of ours that a receipt is about.
    fn receipted(&self, header: &Header) -> Result<Vec<u64>, &'static str> {
        let ours =
            |one: &entry::Reference| one.origin == self.party && one.log == Log::Shared.name();
        if header.refs.is_empty() || !header.refs.iter().all(ours) {
            return Err(code::REFS);
        }
        Ok(header.refs.iter().map(|one| one.index).collect())
    }
}

/// Where what a `share` holds comes from: its author's own private log, or none that it names; or
/// another party, whose entry it names first, and behind it how that party consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance<'h> {
    /// The party itself.
    Own,
    /// This entry of another party.
    Onward(&'h entry::Reference),
}

/// Nothing where the references are neither the one nor the other.
pub(crate) fn comes_from(header: &Header) -> Option<Provenance<'_>> {
    let refs = header.refs.as_slice();
    let Some(first) = refs.first() else { return Some(Provenance::Own) };
    if first.origin == header.origin {
        let own = refs.len() == 1 && first.log == Log::Private.name();
        return own.then_some(Provenance::Own);
    }
    let of_owner =
        |one: &entry::Reference| one.origin == first.origin && one.log == Log::Shared.name();
    // The entry, and what consents: without the second, nobody said that it may go on.
    (refs.len() > 1 && refs.iter().all(of_owner)).then_some(Provenance::Onward(first))
}

/// What a share passes on of another party, by its references.
pub(crate) fn passed_on(header: &Header) -> Option<PassedOn> {
    let Some(Provenance::Onward(of)) = comes_from(header) else { return None };
    let consents = header.refs.iter().skip(1).map(|one| one.index).collect();
    Some(PassedOn { origin: of.origin.clone(), of: of.index, consents })
}

/// What a grant consents to, if to anything, whoever wrote it. It is about entries of its own log.
pub(crate) fn consent(header: &Header, payload: &[u8]) -> Result<Says, &'static str> {
    let onward = consent::read(payload, &header.origin).map_err(|_| code::CONSENT)?;
    let Some(onward) = onward else { return Ok(Says::Other) };
    Ok(Says::Consent(of_the_same_log(header)?, onward.parties))
}

/// Nobody takes back what is not his, or what stands in another log; nor does he consent for it.
fn of_the_same_log(header: &Header) -> Result<Vec<u64>, &'static str> {
    let own = |one: &entry::Reference| one.origin == header.origin && one.log == header.log;
    if header.refs.is_empty() || !header.refs.iter().all(own) {
        return Err(code::REFS);
    }
    Ok(header.refs.iter().map(|one| one.index).collect())
}

#[cfg(test)]
mod tests;
