//! Planted bugs: the test of the simulation. Each is a step of a commit done wrong, and the
//! simulation has to notice every one. Outside tests all of this is constant `false`; the feature
//! `mutants` is for tests of other crates, and no other dependency may ask for it.

use crate::storage::{EntryRef, Storage};

use super::append::{Signed, Staged};
use super::{CommitError, Sequencer};

/// A step done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(any(test, feature = "mutants")),
    expect(dead_code, reason = "only tests plant bugs; the code reads the same")
)]
#[cfg_attr(
    not(feature = "mutants"),
    allow(unreachable_pub, reason = "it is reached with the feature alone")
)]
pub enum Mutant {
    /// Keys are written after the entries they open.
    KeysLast,
    /// The note leaves the process before the commit.
    NoteFirst,
    /// The head is replaced, whatever stands there.
    NoSwap,
    /// Times are taken from the clock as it is.
    ClockAsIs,
    /// Nothing is read back before signing.
    NoCheck,
    /// Retries are not looked up.
    NoDedup,
    /// Keys of erased entries go before the commit that erases.
    EraseFirst,
    /// A head of somebody else is taken without its leaves having to give its root.
    NoReplay,
    /// A second root of a size that is verified is passed over in silence.
    AcceptsFork,
}

impl<S: Storage> Sequencer<S> {
    /// Plants a bug.
    #[cfg(any(test, feature = "mutants"))]
    pub fn plant(&mut self, mutant: Mutant) {
        self.mutant = Some(mutant);
    }

    #[cfg(any(test, feature = "mutants"))]
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    #[cfg(not(any(test, feature = "mutants")))]
    pub(super) const fn has(&self, _mutant: Mutant) -> bool {
        false
    }

    /// With [`Mutant::NoteFirst`], what an observer would have seen by now.
    pub(super) fn leak(&mut self, signed: &[Signed]) {
        #[cfg(test)]
        if self.has(Mutant::NoteFirst) {
            self.leaked.extend(signed.iter().map(|signed| signed.head.clone()));
        }
        #[cfg(not(test))]
        let _ = signed;
    }

    pub(super) fn put_keys(&mut self, staged: &Staged, last: bool) -> Result<(), CommitError> {
        if self.has(Mutant::KeysLast) == last {
            self.keep_keys(&staged.keys)?;
        }
        Ok(())
    }

    pub(super) fn erase_early(&mut self, entries: &[EntryRef]) -> Result<(), CommitError> {
        if self.has(Mutant::EraseFirst) {
            self.storage.remove_keys(entries)?;
        }
        Ok(())
    }
}
