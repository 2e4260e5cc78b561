//! The rules: what a charter that is well-formed may still not say. All of them are asked, and
//! each breach is told with its place.

mod body;
mod decision;
mod genesis;
mod office;
mod organ;
mod party;
mod strict;
mod terms;
mod tier;

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Diagnostic;
use crate::locate::{Step, offset, steps};
use crate::model::Charter;
use crate::parse::File;

pub(crate) use strict::not_harder;

/// Breaches, as they are found.
pub(crate) struct Faults<'t> {
    text: &'t str,
    root: &'t Spanned<DeTable<'t>>,
    found: Vec<Diagnostic>,
}

impl Faults<'_> {
    pub(crate) fn add(
        &mut self,
        path: &[Step<'_>],
        rule: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place = offset(self.root, path);
        self.found.push(Diagnostic::at(self.text, place, rule).found(found).remedy(remedy));
    }
}

/// Every breach of a rule, in the order of the text.
pub(crate) fn faults(
    text: &str,
    root: &Spanned<DeTable<'_>>,
    file: &File,
    charter: &Charter,
) -> Vec<Diagnostic> {
    let mut faults = Faults { text, root, found: Vec::new() };
    body::sizes(charter, &mut faults);
    if !faults.found.is_empty() {
        return faults.found;
    }
    body::check(file, charter, &mut faults);
    terms::check(charter, &mut faults);
    tier::check(charter, &mut faults);
    party::check(charter, &mut faults);
    genesis::check(charter, &mut faults);
    office::check(charter, &mut faults);
    organ::check(charter, &mut faults);
    decision::check(charter, &mut faults);
    faults.found.sort_by_key(|fault| (fault.line, fault.column));
    faults.found
}

/// Whether a text names a tier, an organ and the like: as in a party's identifier, from one on.
fn is_name(id: &str) -> bool {
    (1..=100).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        && !id.starts_with(['.', '-'])
        && !id.ends_with(['.', '-'])
}

/// Tells ids of another form, and those that stand twice.
fn names<'c>(
    table: &str,
    ids: impl Iterator<Item = &'c str>,
    rules: (&'static str, &'static str),
    faults: &mut Faults<'_>,
) {
    let mut known = std::collections::BTreeSet::new();
    for (at, id) in ids.enumerate() {
        let place = steps!(table, at, "id");
        if !is_name(id) {
            let remedy = "letters a-z, digits, `.` and `-`, 1 to 100 of them";
            faults.add(place, rules.0, format!("`{id}`"), remedy);
        }
        if !known.insert(id) {
            let remedy = "an identifier names one thing";
            faults.add(place, rules.1, format!("`{id}` again"), remedy);
        }
    }
}
