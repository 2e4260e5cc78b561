//! What is wrong with a charter, where, by which rule, and what to do about it.

use std::fmt;

/// One fault of a charter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The rule that is broken: a stable name.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

impl Diagnostic {
    pub(crate) fn at(text: &str, offset: usize, rule: &'static str) -> Diagnostic {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Diagnostic { line, column, rule, found: String::new(), remedy: String::new() }
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Diagnostic {
        self.found = found.into();
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Diagnostic {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "line {}, column {}: {}: {}; {}",
            self.line, self.column, self.rule, self.found, self.remedy
        )
    }
}
