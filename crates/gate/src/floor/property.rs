//! Names of properties: what no property of any type may be named for. The names alone are
//! judged, in any spelling (`date_of_birth`, `dateOfBirth`, `DateOfBirth`, `x_acme_dob`).

mod rules;

use comity_wire::json::Value;

use super::place::Place;
use super::walk::{Judge, Verdict};
use super::{code, known, text};
use crate::refusal::{Code, Refusal};
use rules::{How, RULES, Rule, STEMS};

/// What a name was found to be named for.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) code: &'static Code,
    /// In words for a message: a class, never the name itself.
    pub(super) what: &'static str,
}

/// More words than this no schema gives; what is longer cannot be read and is flagged.
const WORDS_MAX: usize = 24;

/// Octets of a name without its separators, for the stems.
const LETTERS_MAX: usize = 250;

/// Judges the name of a member.
pub(super) fn judge(
    judge: &mut Judge<'_>,
    name: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    if known::is_name(name) {
        return Ok(());
    }
    if let Some(subject) = subject(name) {
        return Err(refusal(subject, place));
    }
    let counts = matches!(value, Value::Number(_) | Value::Bool(_));
    if !counts && rules::names_people(name) {
        return Err(place
            .refuse(&code::PERSON_FIELD)
            .found("a property named for a person")
            .required("no such property"));
    }
    if text::mailbox::find(name).is_some() {
        return Err(place
            .refuse(&code::MAILBOX)
            .found("a mailbox as the name of a property")
            .required("no mailbox"));
    }
    let unreadable = !name.is_ascii() || words(name).nth(WORDS_MAX).is_some();
    if unreadable {
        judge.flag(&code::NAME_UNREADABLE, place);
    }
    Ok(())
}

/// The refusal of a member for its name.
pub(super) fn refusal(subject: Subject, place: &Place<'_>) -> Refusal {
    place.refuse(subject.code).found(subject.what).required("no such property")
}

/// What a name is named for, if for anything that is kept out.
pub(super) fn subject(name: &str) -> Option<Subject> {
    let mut list = [""; WORDS_MAX];
    let mut count = 0;
    for (slot, word) in list.iter_mut().zip(words(name)) {
        *slot = word;
        count += 1;
    }
    let list = list.get(..count)?;
    RULES.iter().find(|rule| rule.applies(list)).map(|rule| rule.subject).or_else(|| by_stem(name))
}

impl Rule {
    fn applies(&self, words: &[&str]) -> bool {
        let found = match self.how {
            How::Anywhere => {
                words.windows(self.words.len()).any(|window| is_all(window, self.words))
            }
            How::Last => words.ends_with_words(self.words),
            How::Alone => is_all(strip_vendor(words), self.words),
        };
        found && !words.iter().any(|word| is_one_of(word, self.unless))
    }
}

trait EndsWithWords {
    fn ends_with_words(&self, words: &[&str]) -> bool;
}

impl EndsWithWords for [&str] {
    fn ends_with_words(&self, words: &[&str]) -> bool {
        let start = self.len().checked_sub(words.len());
        start.and_then(|start| self.get(start..)).is_some_and(|tail| is_all(tail, words))
    }
}

/// `x_acme_race` is `race`; `race` is `race`.
fn strip_vendor<'w, 'n>(words: &'w [&'n str]) -> &'w [&'n str] {
    match words {
        [x, _, rest @ ..] if x.eq_ignore_ascii_case("x") && !rest.is_empty() => rest,
        [x, rest @ ..] if x.eq_ignore_ascii_case("x") && !rest.is_empty() => rest,
        _ => words,
    }
}

fn is_all(words: &[&str], known: &[&str]) -> bool {
    words.len() == known.len() && words.iter().zip(known).all(|(word, known)| is_word(word, known))
}

pub(super) fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| is_word(word, known))
}

/// Equal but for case and an `s` of the plural.
fn is_word(word: &str, known: &str) -> bool {
    let (word, known) = (word.as_bytes(), known.as_bytes());
    match word.len().checked_sub(known.len()) {
        Some(0) => word.eq_ignore_ascii_case(known),
        Some(1) => {
            word.last().is_some_and(|last| matches!(last, b's' | b'S'))
                && word.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known))
        }
        _ => false,
    }
}

/// Whether this floor itself uses a word to say what it keeps out.
pub(super) fn is_own_word(word: &str) -> bool {
    let connecting = ["x", "of", "no", "number", "and", "the", "in", "for", "to", "ref"];
    is_one_of(word, &connecting) || RULES.iter().any(|rule| is_one_of(word, rule.words))
}

/// Stems that tell without word borders: `passportnumber`, `dateofbirth`, and other languages.
fn by_stem(name: &str) -> Option<Subject> {
    let mut letters = [0u8; LETTERS_MAX];
    let mut count = 0;
    let lower = name.bytes().filter(u8::is_ascii_alphabetic);
    for (slot, byte) in letters.iter_mut().zip(lower) {
        *slot = byte.to_ascii_lowercase();
        count += 1;
    }
    let letters = std::str::from_utf8(letters.get(..count)?).ok()?;
    STEMS
        .iter()
        .find(
            |(stem, _)| {
                if stem.is_ascii() { letters.contains(stem) } else { name.contains(stem) }
            },
        )
        .map(|(_, subject)| *subject)
}

/// The words of a name, split at everything but letters and where capitals begin a word.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphabetic())
        .flat_map(Camel)
        .filter(|word| !word.is_empty())
}

/// Splits `dateOfBirth` and `SSNNumber` into words.
struct Camel<'n>(&'n str);

impl<'n> Iterator for Camel<'n> {
    type Item = &'n str;

    fn next(&mut self) -> Option<&'n str> {
        if self.0.is_empty() {
            return None;
        }
        let bytes = self.0.as_bytes();
        let is_upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let is_lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        let begins = |at: &usize| is_upper(*at) && (is_lower(*at - 1) || is_lower(*at + 1));
        let end = (1..bytes.len()).find(begins).unwrap_or(bytes.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let of = |name| words(name).collect::<Vec<_>>();
        assert_eq!(of("x_acme_date-of birth"), ["x", "acme", "date", "of", "birth"]);
        assert_eq!(of("dateOfBirth"), ["date", "Of", "Birth"]);
        assert_eq!(of("SSNNumber2"), ["SSN", "Number"]);
        assert_eq!(of(""), [""; 0]);
    }

    #[test]
    fn nothing_of_the_standard_is_forbidden() {
        assert!(subject("opinion").is_none());
        assert!(subject("x_mitre_contributors").is_none());
    }
}
