//! Where a check stands in an object. The path is only spelt out when there is something to say,
//! so that a good object costs no allocation.

use crate::refusal::Path;

/// A place: the object itself, or a member or position of another place.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// The object itself.
    Root,
    /// A member of a place.
    Member(&'a At<'a>, &'a str),
    /// A position of a place.
    Index(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(crate) fn member(&'a self, name: &'a str) -> At<'a> {
        At::Member(self, name)
    }

    pub(crate) fn index(&'a self, at: usize) -> At<'a> {
        At::Index(self, at)
    }

    pub(crate) fn path(&self) -> Path {
        match self {
            At::Root => Path::root(),
            At::Member(parent, name) => parent.path().member(name),
            At::Index(parent, at) => parent.path().index(*at),
        }
    }
}
