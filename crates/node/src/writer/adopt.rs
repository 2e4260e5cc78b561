//! What the writer decides about an adoption.

use comity_tlog::ArrivalOf;
use comity_view::{Position, query};
use comity_wire::canonical;
use comity_wire::entry::{Author, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::adopt::{Adopted, rule};
use crate::node::NodeError;
use crate::stores::Stores;
use crate::writer::decide::{Decided, Planned, entry_ref};
use crate::writer::remove::reference_of_peer;
use crate::writer::share::stored;

impl Decided {
    pub(crate) fn adopt(
        &mut self,
        inner: &impl Stores,
        collection: u32,
        positions: &[Position],
        author: &Author,
        now: i64,
    ) -> Result<Adopted, NodeError> {
        let (mut adopted, mut refs) = (Adopted::default(), Vec::new());
        for position in positions {
            let held = query::collections_of(&*inner.view()?, *position)?;
            if held.is_empty() || self.is_taken_back(*position) {
                adopted.gone += 1;
            } else if held.contains(&collection) || self.arrives_in(collection, *position) {
                adopted.known += 1;
            } else if let Some(twin) = self.twin_in(inner, collection, *position)? {
                if is_equal(inner, twin, *position)? {
                    adopted.known += 1;
                } else {
                    adopted.conflicting += 1;
                }
            } else {
                adopted.adopted += 1;
                self.come(collection, ArrivalOf::Old(entry_ref(*position)));
                refs.extend(reference_of_peer(inner, *position)?);
            }
        }
        if refs.is_empty() {
            return Ok(adopted);
        }
        let log = Log::Private;
        let header = Header {
            created: Micros(now).to_string(),
            refs,
            ..inner.headers().header(log, Kind::Stance, author.clone())
        };
        // What a rule adopts names the rule where it else names a person.
        let mut payload = serde_json::json!({ "stance": "adopted" });
        if author.role == rule::ROLE {
            payload = serde_json::json!({ "stance": "adopted", "rule": author.pseudonym });
        }
        let sealed = inner.entry(&header, payload.to_string().as_bytes())?;
        self.entry(log.id(), sealed, Planned::Nothing);
        Ok(adopted)
    }
}

/// Whether two entries hold the same object.
fn is_equal(inner: &impl Stores, one: Position, other: Position) -> Result<bool, NodeError> {
    Ok(match (stored(inner, one)?, stored(inner, other)?) {
        (Some(one), Some(other)) => canonical::equal(&one, &other),
        _ => false,
    })
}
