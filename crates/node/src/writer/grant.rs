//! What the writer decides about a grant: who has an entry already, and how many entries one grant
//! opens.
//!
//! A page of openings has to hold a grant with all that it opens: its reader goes on behind it, and
//! would never see the rest. So a grant names fewer entries than a page has, and no more octets.

use std::collections::{BTreeMap, BTreeSet};

use comity_view::{Position, query};
use comity_wire::consent::{self, Onward};
use comity_wire::entry::{Audience, Author, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::grant::Granted;
use crate::node::NodeError;
use crate::release::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::stores::{Logs as _, Stores};
use crate::writer::decide::{Decided, Planned, Shared, entry_ref};
use crate::writer::remove::{references, references_max};

/// A shared entry that is to be opened to more parties, and what its header says.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) position: Position,
    /// Where it passes on an entry of a peer: that one.
    pub(crate) of: Option<Position>,
    pub(crate) tlp: String,
    pub(crate) purpose: String,
    pub(crate) parties: Vec<String>,
}

/// Entries that one grant may open together: the same parties lack them, under the same terms.
type Together = BTreeMap<(Vec<String>, String, String), Vec<Position>>;

impl Decided {
    /// Opens shared entries to those of the parties that do not have them.
    pub(crate) fn grant(
        &mut self,
        inner: &impl Stores,
        rule: &str,
        targets: &[Target],
        author: &Author,
        now: i64,
    ) -> Result<Granted, NodeError> {
        let mut granted = Granted::default();
        let mut together = Together::new();
        for target in targets {
            let reached = query::recipients(&*inner.view()?, target.position)?;
            if reached.is_empty() || self.is_taken_back(target.position) {
                granted.gone += 1;
                continue;
            }
            let lacks = |party: &&String| !reached.contains(*party);
            let missing: Vec<String> = target.parties.iter().filter(lacks).cloned().collect();
            if missing.is_empty() {
                granted.known += 1;
                continue;
            }
            if let Some(of) = target.of {
                // Its owner may have taken his consent back meanwhile.
                if !query::is_covered(&*inner.view()?, of, &missing, &BTreeSet::new())? {
                    granted.gone += 1;
                    continue;
                }
            }
            granted.entries += 1;
            let terms = (missing, target.tlp.clone(), target.purpose.clone());
            together.entry(terms).or_default().push(target.position);
        }
        for ((parties, tlp, purpose), positions) in together {
            for positions in pages(inner, &parties, &positions)? {
                let mut header = Header {
                    created: Micros(now).to_string(),
                    purpose: purpose.clone(),
                    audience: Audience { rule: rule.to_owned(), parties: parties.clone() },
                    refs: references(inner, &positions)?,
                    ..inner.headers().header(Log::Shared, Kind::Grant, author.clone())
                };
                header.handling.tlp.clone_from(&tlp);
                let sealed = inner.entry(&header, b"{}")?;
                let planned = Planned::Released(parties.clone(), Shared::Grant(positions));
                self.entry(Log::Shared.id(), sealed, planned);
                granted.grants += 1;
            }
        }
        Ok(granted)
    }
}

impl Decided {
    /// Consents to the onward release of shared entries by a party that has them. Each is an entry
    /// of its own: so one can be taken back, and the others stay.
    pub(crate) fn consent(
        &mut self,
        inner: &impl Stores,
        to: &str,
        rule: &str,
        targets: &[Target],
        author: &Author,
        now: i64,
    ) -> Result<Granted, NodeError> {
        let mut granted = Granted::default();
        for target in targets {
            let reached = query::recipients(&*inner.view()?, target.position)?;
            if !reached.contains(to) || self.is_taken_back(target.position) {
                granted.gone += 1;
                continue;
            }
            let given = query::given_to(&*inner.view()?, target.position, to)?;
            if query::cover(&given, &target.parties).missing.is_empty() {
                granted.known += 1;
                continue;
            }
            let (audience, rule) = (vec![to.to_owned()], rule.to_owned());
            let onward = Onward { rule, parties: target.parties.clone() };
            let mut header = Header {
                created: Micros(now).to_string(),
                purpose: target.purpose.clone(),
                audience: Audience { rule: format!("party:{to}"), parties: audience.clone() },
                refs: references(inner, &[target.position])?,
                ..inner.headers().header(Log::Shared, Kind::Grant, author.clone())
            };
            header.handling.tlp.clone_from(&target.tlp);
            let sealed = inner.entry(&header, &consent::write(&onward))?;
            let planned = Shared::Consent(target.position, onward.parties);
            self.entry(Log::Shared.id(), sealed, Planned::Released(audience, planned));
            granted.entries += 1;
            granted.grants += 1;
        }
        Ok(granted)
    }
}

/// Splits entries so that each part fits on a page, behind the grant.
fn pages(
    inner: &impl Stores,
    parties: &[String],
    positions: &[Position],
) -> Result<Vec<Vec<Position>>, NodeError> {
    let entries_max = references_max(&inner.headers().party, parties).min(PAGE_ENTRIES_MAX - 1);
    let octets_max = PAGE_BYTES_MAX as u64;
    let (mut pages, mut page, mut octets) = (Vec::new(), Vec::new(), 0_u64);
    for position in positions {
        let size = inner.logs().envelope_size(entry_ref(*position))?.unwrap_or(0);
        let full = page.len() >= entries_max || octets.saturating_add(size) > octets_max;
        if full && !page.is_empty() {
            pages.push(std::mem::take(&mut page));
            octets = 0;
        }
        page.push(*position);
        octets = octets.saturating_add(size);
    }
    if !page.is_empty() {
        pages.push(page);
    }
    Ok(pages)
}
