//! What a test asks of a simulated node's view, and the same logs folded in other ways.

use std::collections::BTreeSet;

use comity_view::query::{self, Withdrawal};
use comity_view::{Position, View};
use comity_wire::entry::Log;

use crate::bare::BareNode;
use crate::fold::{self, Bounds};
use crate::node::NodeError;

impl BareNode {
    /// The hash of the view as it came to be.
    ///
    /// # Errors
    /// The view.
    pub fn digest(&self) -> Result<[u8; 32], NodeError> {
        Ok(self.view.digest()?)
    }

    /// The tables in which the view differs from one that was folded from nothing: the logs in one
    /// order or the other, in pieces of some size.
    ///
    /// # Errors
    /// The view.
    pub fn refolded(&self, backwards: bool, piece: u64) -> Result<Vec<String>, NodeError> {
        let mut view = View::in_memory()?;
        let all = Bounds::now(&self.logs)?;
        for bounds in all.steps(backwards, piece) {
            fold::catch_up_to(&self.logs, &mut view, &self.identity.ground, &bounds)?;
        }
        if view.digest()? == self.view.digest()? {
            return Ok(Vec::new());
        }
        let differences = comity_view::compare(&self.view, &view)?;
        Ok(differences.into_iter().map(|one| format!("{one:?}")).collect())
    }

    /// What a collection holds.
    ///
    /// # Errors
    /// The view.
    pub fn held(&self, collection: u32) -> Result<Vec<Position>, NodeError> {
        Ok(query::held_by(&self.view, collection)?)
    }

    /// The collections that hold an entry.
    ///
    /// # Errors
    /// The view.
    pub fn collections_of(&self, position: Position) -> Result<Vec<u32>, NodeError> {
        Ok(query::collections_of(&self.view, position)?)
    }

    /// Who may open an entry of the log `shared`: nobody, where it was withdrawn.
    ///
    /// # Errors
    /// The view.
    pub fn recipients(&self, index: u64) -> Result<BTreeSet<String>, NodeError> {
        Ok(query::recipients(&self.view, Position { log: Log::Shared.id(), index })?)
    }

    /// The withdrawals of this party, and who acted on them.
    ///
    /// # Errors
    /// The view.
    pub fn withdrawals(&self) -> Result<Vec<Withdrawal>, NodeError> {
        Ok(query::withdrawals(&self.view, usize::MAX)?)
    }
}
