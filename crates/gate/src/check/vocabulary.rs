//! Words of vocabularies: closed ones bind, open ones are a habit (S010, S011).

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static ENUM: Code = Code {
    id: "value-not-in-enum",
    meaning: "the word is not in the closed vocabulary of the property",
    source: "S011",
};
pub(crate) static WORD: Code = Code {
    id: "vocabulary-form",
    meaning: "a word of an open vocabulary is by habit in lower case with hyphens",
    source: "S010, S011",
};

pub(super) fn closed(text: &str, words: &[&str], at: &At<'_>) -> Result<(), Refusal> {
    if words.contains(&text) {
        return Ok(());
    }
    Err(Refusal::new(&ENUM, at.path()).found("another word").required(words.join(", ")))
}

impl Check<'_> {
    /// Some vocabularies of the standard have words such as `c++` and `x86-64`, so that only what
    /// no vocabulary has is noted: capitals, underscores, white space.
    pub(super) fn open_word(&mut self, text: &str, at: &At<'_>) {
        let odd = text.is_empty()
            || text.bytes().any(|byte| byte.is_ascii_uppercase() || byte <= b' ' || byte == b'_');
        if odd {
            self.flag(&WORD, at);
        }
    }
}
