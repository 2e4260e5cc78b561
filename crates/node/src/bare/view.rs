//! What a test asks of a simulated node's view, and the same logs folded in other ways.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use comity_view::query::{self, Withdrawal};
use comity_view::{Position, View};
use comity_wire::entry::Log;

use crate::bare::BareNode;
use crate::fold::{self, Bounds};
use crate::node::NodeError;

/// Views of nodes that have ended, to be emptied and folded into again. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Spares(Rc<RefCell<Vec<View>>>);

impl Spares {
    /// An empty view.
    pub(super) fn take(&self) -> Result<View, NodeError> {
        let spare = self.0.borrow_mut().pop();
        let emptied = spare.map(View::emptied).transpose()?;
        Ok(emptied.map_or_else(View::in_memory, Ok)?)
    }

    fn give(&self, view: View) {
        self.0.borrow_mut().push(view);
    }
}

impl BareNode {
    /// The process ends. Nothing of it is left but the room that its view took.
    pub fn end(self) {
        self.identity.spares.give(self.view);
    }

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
        let mut view = self.identity.spares.take()?;
        let all = Bounds::now(&self.logs)?;
        for bounds in all.steps(backwards, piece) {
            fold::catch_up_to(&self.logs, &mut view, &self.identity.ground, &bounds)?;
        }
        let mut differences = Vec::new();
        if view.digest()? != self.view.digest()? {
            differences = comity_view::compare(&self.view, &view)?;
        }
        self.identity.spares.give(view);
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
