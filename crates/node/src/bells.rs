//! Who wants to hear that something happened, and is told by whoever did it. A node has no runtime
//! to wait in: the program that drives it makes of a ring what it needs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::node::Node;

type Bell = Box<dyn Fn() + Send + Sync>;

/// Bells that ring together.
#[derive(Default)]
pub(crate) struct Bells(Mutex<Vec<Bell>>);

impl std::fmt::Debug for Bells {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bells")
    }
}

impl Bells {
    pub(crate) fn hang(&self, bell: impl Fn() + Send + Sync + 'static) {
        self.all().push(Box::new(bell));
    }

    pub(crate) fn ring(&self) {
        self.all().iter().for_each(|bell| bell());
    }

    fn all(&self) -> MutexGuard<'_, Vec<Bell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Calls `bell` after there are other peers to follow, or another charter is in force, for as
    /// long as the node lives. It must not wait, and nothing says which of them it was.
    pub fn on_change(&self, bell: impl Fn() + Send + Sync + 'static) {
        self.changes.hang(bell);
    }
}
