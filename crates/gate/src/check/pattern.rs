//! Patterns of indicators (S020, S060–S064). No pattern is ever matched by the gate.

use comity_wire::stix::pattern::{self, Comparison, Step};

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static MALFORMED: Code = Code {
    id: "pattern-malformed",
    meaning: "the pattern is not one of the STIX pattern language",
    source: "S020, S060–S064",
};
pub(crate) static NAMES: Code = Code {
    id: "pattern-names",
    meaning: "a comparison names a type or property that cannot exist",
    source: "S014, S060",
};
pub(crate) static NEVER: Code = Code {
    id: "pattern-never-matches",
    meaning: "the pattern can match nothing",
    source: "S060, S061",
};

impl Check<'_> {
    pub(super) fn indicator_pattern(&mut self) -> Result<(), Refusal> {
        if self.object.str("pattern_type") != Some("stix") {
            return Ok(());
        }
        let Some(text) = self.object.str("pattern") else {
            return Ok(());
        };
        let at = At::Member(&At::Root, "pattern");
        let pattern = pattern::parse(text).map_err(|error| {
            Refusal::new(&MALFORMED, at.path())
                .found(error.to_string())
                .required("a pattern (STIX 2.1 §9)")
        })?;
        if !pattern.comparisons().into_iter().all(is_named) {
            return Err(Refusal::new(&NAMES, at.path())
                .required("types and properties of three characters or more"));
        }
        if pattern.joins_different_types() || pattern.has_empty_window() {
            self.flag(&NEVER, &at);
        }
        Ok(())
    }
}

/// Names as short as none in STIX are typing errors. Capitals and underscores in names of types
/// are let pass: the matcher of whoever wrote them may know them.
fn is_named(comparison: &Comparison) -> bool {
    let first = match comparison.path.first() {
        Some(Step::Property(name)) => name.len() >= 3 || name == "id",
        _ => false,
    };
    comparison.object_type.len() >= 3 && first
}
