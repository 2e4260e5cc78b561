//! How often what happened: a fault that never strikes tests nothing.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    pub(crate) fn add(&mut self, what: &'static str) {
        self.some(what, 1);
    }

    pub(crate) fn some(&mut self, what: &'static str, many: u64) {
        if many > 0 {
            *self.0.entry(what).or_default() += many;
        }
    }

    pub(crate) fn take(&mut self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.0)
    }
}
