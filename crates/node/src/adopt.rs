//! What a party makes its own of what peers released to it. Received is not adopted: it is for
//! somebody here to say that something of it belongs among the party's own, and a `stance` in the
//! private log says that it was done and by whom.
//!
//! What is adopted stays its owner's entry. When he takes it back it leaves this collection too.

pub(crate) mod rule;

use comity_view::{Position, Readable, Right};
use comity_wire::id::Id;
use comity_wire::taxii::filter::{Query, Versions};
use serde::Serialize;

use crate::collection::Collection;
use crate::local::LocalError;
use crate::node::{Node, NodeError};
use crate::password::Checked;
pub use rule::{AdoptRule, New};

/// What an adoption did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Adopted {
    /// Object versions that came into the collection.
    pub adopted: usize,
    /// Those that were in it.
    pub known: usize,
    /// Those that were taken back meanwhile.
    pub gone: usize,
    /// Those of which the collection holds the same version with other content.
    pub conflicting: usize,
}

impl Node {
    /// Brings object versions of a receiving collection into one of this party's own. Without
    /// `ids`, all that it holds.
    pub fn adopt(
        &self,
        by: &Checked,
        from: Readable,
        ids: Option<&[String]>,
        into: &Collection,
        now: i64,
    ) -> Result<Adopted, NodeError> {
        by.require(Right::Adopt)?;
        self.require_space()?;
        self.require_own(into)?;
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        if into.release.is_some() {
            return Err(refused(format!(
                "`{}` releases what is written to it, and what a peer released may not be passed \
                 on without its consent; adopt into another collection",
                into.title
            )));
        }
        let mut query = Query { versions: Versions::All, ..Query::default() };
        if let Some(ids) = ids {
            let parsed = ids.iter().map(|id| {
                let parsed = Id::parse(id).map(|id| (id.object_type.to_owned(), id.uuid));
                parsed.ok_or_else(|| refused(format!("`{id}` is no identifier of STIX")))
            });
            query.ids = Some(parsed.collect::<Result<_, _>>()?);
        }
        let page = self.page(from, &query, usize::MAX - 1)?;
        let positions: Vec<Position> =
            page.rows.iter().map(|row| row.position).filter(|one| one.is_followed()).collect();
        if positions.is_empty() {
            return Err(refused(
                "nothing of this was received; `comity export DIR --collection received` shows \
                 what was"
                    .to_owned(),
            ));
        }
        let mut done = Adopted::default();
        for positions in positions.chunks(ADOPTED_AT_A_TIME) {
            let some = self.writer().adopt(into.number, positions.to_vec(), by.author(), now)?;
            done.adopted += some.adopted;
            done.known += some.known;
            done.gone += some.gone;
            done.conflicting += some.conflicting;
        }
        Ok(done)
    }
}

/// Object versions that one `stance` names: what a header has room for.
pub(crate) const ADOPTED_AT_A_TIME: usize = 200;
