//! Where the walk is, kept on the stack; a `Path` is built only when there is something to say.

use super::{known, property};
use crate::refusal::{Code, Path, Refusal};

/// A position in the object that is judged.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    pub(super) fn member(&'p self, name: &'p str) -> Place<'p> {
        Place::Member(self, name)
    }

    pub(super) fn index(&'p self, at: usize) -> Place<'p> {
        Place::Index(self, at)
    }

    pub(super) fn refuse(&self, code: &'static Code) -> Refusal {
        Refusal::new(code, self.path())
    }

    pub(super) fn path(&self) -> Path {
        match self {
            Place::Root => Path::root(),
            Place::Index(parent, at) => parent.path().index(*at),
            Place::Member(parent, name) => {
                let shown = if is_shown(parent, name) { name } else { "*" };
                parent.path().member(shown)
            }
        }
    }
}

/// Whether a name may be written down. Keys of a dictionary can be content (`{"jane-doe": …}`),
/// so a name is shown when a standard or this floor has given its words. On the top level, where
/// a schema gives the names, one without digits will do.
fn is_shown(parent: &Place<'_>, name: &str) -> bool {
    known::is_extension_id(name)
        || property::words(name).all(known::is_word)
        || (matches!(parent, Place::Root) && !name.bytes().any(|byte| byte.is_ascii_digit()))
}
