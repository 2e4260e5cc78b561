//! STIX patterns (STIX 2.1 §9, S060–S064): text to a tree. Nothing here matches anything, and no
//! regular expression of a pattern is ever compiled or run (S068).
//!
//! All three conformance levels are read (S067). Length and depth of parentheses are bounded by
//! [`PATTERN_BYTES_MAX`] and [`PATTERN_DEPTH_MAX`]; chains of `AND` and `OR` cost no depth.
//! Comments, which the published grammar skips and the standard does not mention, are refused:
//! text that nothing judges has no place in what is shared.

mod lexer;
mod literal;
mod parser;

use crate::limits::{PATTERN_BYTES_MAX, PATTERN_DEPTH_MAX};

/// A pattern that parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The whole of it.
    pub root: Observation,
}

/// What has to be observed. `FOLLOWEDBY` binds least, then `OR`, then `AND`, then qualifiers.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// `[ … ]`: one observation that passes a test.
    Test(Test),
    /// All of them.
    And(Vec<Observation>),
    /// Any of them.
    Or(Vec<Observation>),
    /// Each not before the one ahead of it.
    FollowedBy(Vec<Observation>),
    /// One expression under qualifiers, each kind once.
    Qualified(Box<Observation>, Vec<Qualifier>),
}

/// The inside of a pair of brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// All of them, on one object.
    And(Vec<Test>),
    /// Any of them.
    Or(Vec<Test>),
    /// One comparison.
    Comparison(Comparison),
}

/// A limit in time or number on an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Qualifier {
    /// `WITHIN n SECONDS`, more than nothing.
    Within(f64),
    /// `REPEATS n TIMES`, at least once.
    Repeats(u64),
    /// `START t'…' STOP t'…'`, as written.
    StartStop(String, String),
}

/// `type:path operator literals`; `EXISTS` has no literal, `IN` has one or more, others have one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The type of observable.
    pub object_type: String,
    /// The way to the value; the first step is a property.
    pub path: Vec<Step>,
    /// Whether `NOT` stands before the operator.
    pub negated: bool,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with.
    pub values: Vec<Literal>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name` or `.'quoted name'`
    Property(String),
    /// `[n]`
    Index(u64),
    /// `[*]`
    AnyIndex,
}

/// How a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=` (and `==`, which the published grammar takes)
    Equal,
    /// `!=` (and `<>`)
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
    /// `IN`
    In,
    /// `LIKE`
    Like,
    /// `MATCHES`
    Matches,
    /// `ISSUBSET`
    IsSubset,
    /// `ISSUPERSET`
    IsSuperset,
    /// `EXISTS`
    Exists,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'text'`, its escapes resolved
    Text(String),
    /// `12`, within ±(2^53 − 1)
    Integer(i64),
    /// `1.5`
    Float(f64),
    /// `true`, `false`
    Bool(bool),
    /// `h'00ff'`: the digits
    Hex(String),
    /// `b'AA=='`: the base64 text
    Binary(String),
    /// `t'…'`: the text. Its shape is checked, not the calendar (S063).
    Timestamp(String),
}

/// Why a text is not a pattern: where, and what class of fault. Never what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at octet {offset}")]
pub struct PatternError {
    /// Octets before the fault.
    pub offset: usize,
    /// The class of the fault.
    pub fault: Fault,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than [`PATTERN_BYTES_MAX`].
    #[error("longer than {PATTERN_BYTES_MAX} octets")]
    TooLong,
    /// Deeper than [`PATTERN_DEPTH_MAX`].
    #[error("parentheses more than {PATTERN_DEPTH_MAX} deep")]
    TooDeep,
    /// A character that begins nothing.
    #[error("a character that begins nothing")]
    Character,
    /// The text ends inside an expression.
    #[error("the text ends too early")]
    End,
    /// Something else was due.
    #[error("{0} expected")]
    Expected(&'static str),
    /// A literal that is not well formed.
    #[error("not well formed: {0}")]
    Literal(&'static str),
    /// The same kind of qualifier twice on one expression.
    #[error("a kind of qualifier twice on one expression")]
    QualifierTwice,
    /// A set of literals of several types.
    #[error("a set of literals of several types")]
    MixedSet,
    /// A hash of the wrong length or alphabet for its algorithm.
    #[error("a hash of the wrong length or alphabet for its algorithm")]
    Hash,
}

/// Reads a pattern.
///
/// # Errors
/// The first fault, by position and class.
pub fn parse(text: &str) -> Result<Pattern, PatternError> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(PatternError { offset: PATTERN_BYTES_MAX, fault: Fault::TooLong });
    }
    parser::Parser::new(text)?.pattern()
}

impl Pattern {
    /// Every comparison, in the order of the text.
    pub fn comparisons(&self) -> Vec<&Comparison> {
        let mut found = Vec::new();
        self.root.comparisons(&mut found);
        found
    }

    /// Whether an `AND` inside one pair of brackets joins comparisons that no single object can
    /// pass, because they share no object type. Such a pattern parses and never matches (S060).
    pub fn joins_different_types(&self) -> bool {
        self.root.tests().iter().any(|test| test.types().is_none_or(|types| types.is_empty()))
    }

    /// Whether a `START` is not before its `STOP`: it parses and never matches (S061).
    pub fn has_empty_window(&self) -> bool {
        self.root.has_empty_window()
    }
}

impl Observation {
    fn comparisons<'p>(&'p self, found: &mut Vec<&'p Comparison>) {
        for test in self.tests() {
            test.comparisons(found);
        }
    }

    /// The insides of all brackets, in the order of the text.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Observation::Test(test) => vec![test],
            Observation::And(all) | Observation::Or(all) | Observation::FollowedBy(all) => {
                all.iter().flat_map(Observation::tests).collect()
            }
            Observation::Qualified(inner, _) => inner.tests(),
        }
    }

    fn has_empty_window(&self) -> bool {
        match self {
            Observation::Test(_) => false,
            Observation::And(all) | Observation::Or(all) | Observation::FollowedBy(all) => {
                all.iter().any(Observation::has_empty_window)
            }
            Observation::Qualified(inner, qualifiers) => {
                qualifiers.iter().any(Qualifier::is_empty_window) || inner.has_empty_window()
            }
        }
    }
}

impl Qualifier {
    fn is_empty_window(&self) -> bool {
        let Qualifier::StartStop(start, stop) = self else {
            return false;
        };
        match (crate::time::Instant::parse(start), crate::time::Instant::parse(stop)) {
            (Ok(start), Ok(stop)) => start >= stop,
            _ => false,
        }
    }
}

impl Test {
    fn comparisons<'p>(&'p self, found: &mut Vec<&'p Comparison>) {
        match self {
            Test::And(all) | Test::Or(all) => all.iter().for_each(|test| test.comparisons(found)),
            Test::Comparison(comparison) => found.push(comparison),
        }
    }

    /// The object types that could pass, sorted; `None` where an inner `AND` leaves none.
    fn types(&self) -> Option<Vec<&str>> {
        match self {
            Test::Comparison(comparison) => Some(vec![&comparison.object_type]),
            Test::Or(all) => {
                let mut types: Vec<&str> = Vec::new();
                for test in all {
                    types.extend(test.types()?);
                }
                types.sort_unstable();
                types.dedup();
                Some(types)
            }
            Test::And(all) => {
                let mut tests = all.iter();
                let mut types = tests.next()?.types()?;
                for test in tests {
                    let other = test.types()?;
                    types.retain(|name| other.binary_search(name).is_ok());
                }
                if types.is_empty() { None } else { Some(types) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
