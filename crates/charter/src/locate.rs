//! Where in its text a charter says something.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A step to a value: a member of a table, or an element of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'s> {
    Member(&'s str),
    Element(usize),
}

impl<'s> From<&'s str> for Step<'s> {
    fn from(name: &'s str) -> Step<'s> {
        Step::Member(name)
    }
}

impl From<usize> for Step<'_> {
    fn from(at: usize) -> Self {
        Step::Element(at)
    }
}

/// The steps to a value, from the top of a charter.
macro_rules! steps {
    ($($step:expr),+ $(,)?) => { &[$($crate::locate::Step::from($step)),+] };
}
pub(crate) use steps;

/// The offset of the value at the end of a path, or of the last value on the way that is there.
pub(crate) fn offset(root: &Spanned<DeTable<'_>>, path: &[Step<'_>]) -> usize {
    let mut offset = 0;
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    for step in path {
        let next = match (value.map(Spanned::get_ref), step) {
            (None, Step::Member(name)) => member(root.get_ref(), name),
            (Some(DeValue::Table(table)), Step::Member(name)) => member(table, name),
            (Some(DeValue::Array(items)), Step::Element(at)) => {
                items.get(*at).map(|item| (item.span().start, item))
            }
            _ => None,
        };
        let Some((start, found)) = next else {
            break;
        };
        offset = start;
        value = Some(found);
    }
    offset
}

fn member<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<(usize, &'t Spanned<DeValue<'i>>)> {
    table.get(name).map(|value| (value.span().start, value))
}
