//! Why an object may not enter: a stable code, where, what was found, what is required.
//!
//! **Invariant:** a refusal names the path and the class of what was found, never the value. It
//! is written to a ledger and to log lines that outlive the object.

use std::borrow::Cow;
use std::fmt;

/// A stable code, shown to people and to programs. The tables of codes stand beside the checks.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The code itself, lower case with hyphens. Never changes once released.
    pub id: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// The line of a specification, or the rule of the person floor, that asks for it.
    pub source: &'static str,
}

/// Where in an object: member names and list positions, such as `external_references[0].url`.
/// Names that STIX could not have given are shown as `*`, since they may hold content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(String);

/// Why an object may not enter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The stable code.
    pub code: &'static Code,
    /// Where it was found.
    pub path: Path,
    /// The class of what was found, never its value.
    pub found: Cow<'static, str>,
    /// What is required instead.
    pub required: Cow<'static, str>,
    /// What the sender can do about it.
    pub hint: Option<&'static str>,
}

impl Refusal {
    /// A refusal that still has to say what was found and what is required.
    pub fn new(code: &'static Code, path: Path) -> Refusal {
        Refusal { code, path, found: Cow::Borrowed(""), required: Cow::Borrowed(""), hint: None }
    }

    /// Says what class of thing was found.
    pub fn found(mut self, found: impl Into<Cow<'static, str>>) -> Refusal {
        self.found = found.into();
        self
    }

    /// Says what is required.
    pub fn required(mut self, required: impl Into<Cow<'static, str>>) -> Refusal {
        self.required = required.into();
        self
    }

    /// Says what the sender can do.
    pub fn hint(mut self, hint: &'static str) -> Refusal {
        self.hint = Some(hint);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.id, self.code.meaning)?;
        if !self.path.0.is_empty() {
            write!(formatter, " at `{}`", self.path)?;
        }
        if !self.found.is_empty() {
            write!(formatter, "; found {}", self.found)?;
        }
        if !self.required.is_empty() {
            write!(formatter, "; required {}", self.required)?;
        }
        if let Some(hint) = self.hint {
            write!(formatter, "; {hint}")?;
        }
        Ok(())
    }
}

impl Path {
    /// The object itself.
    pub fn root() -> Path {
        Path::default()
    }

    /// A member of what this path names.
    #[must_use]
    pub fn member(&self, name: &str) -> Path {
        let shown = if is_plain(name) { name } else { "*" };
        if self.0.is_empty() { Path(shown.to_owned()) } else { Path(format!("{}.{shown}", self.0)) }
    }

    /// A position in the list that this path names.
    #[must_use]
    pub fn index(&self, at: usize) -> Path {
        Path(format!("{}[{at}]", self.0))
    }

    /// The text of the path; empty for the object itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A name that a schema could have given: a property, an extension's id, a hash algorithm.
fn is_plain(name: &str) -> bool {
    (1..=80).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_does_not_show_names_that_may_be_content() {
        let path = Path::root().member("extensions").member("jane.doe@example.org").index(2);
        assert_eq!(path.as_str(), "extensions.*[2]");
    }
}
