//! Characters to tokens.

use super::{Fault, Literal, PatternError, literal};

/// A token and the octets before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'p> {
    pub(super) at: usize,
    pub(super) kind: Kind<'p>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'p> {
    /// A keyword, a type or a property, told apart by where it stands.
    Word(&'p str),
    /// Brackets, operators, commas.
    Sign(&'static str),
    /// A constant other than `true` and `false`.
    Literal(Literal),
    /// Nothing is left.
    End,
}

/// The words that cannot be the names of types or properties without quotes.
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "AND"
            | "OR"
            | "NOT"
            | "FOLLOWEDBY"
            | "LIKE"
            | "MATCHES"
            | "ISSUPERSET"
            | "ISSUBSET"
            | "EXISTS"
            | "IN"
            | "START"
            | "STOP"
            | "SECONDS"
            | "TIMES"
            | "WITHIN"
            | "REPEATS"
            | "true"
            | "false"
    )
}

pub(super) struct Lexer<'p> {
    text: &'p str,
    at: usize,
}

impl<'p> Lexer<'p> {
    pub(super) fn new(text: &'p str) -> Lexer<'p> {
        Lexer { text, at: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Token<'p>, PatternError> {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        let at = self.at;
        let kind = match rest.bytes().next() {
            None => Kind::End,
            Some(b'\'') => Kind::Literal(Literal::Text(self.quoted()?)),
            Some(prefix @ (b't' | b'h' | b'b')) if rest.as_bytes().get(1) == Some(&b'\'') => {
                self.at += 1;
                Kind::Literal(self.typed(prefix, at)?)
            }
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => Kind::Word(self.word()),
            Some(b'0'..=b'9') => Kind::Literal(self.number()?),
            Some(b'+' | b'-') => Kind::Literal(self.number()?),
            Some(b'.') if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                Kind::Literal(self.number()?)
            }
            Some(_) => Kind::Sign(self.sign()?),
        };
        Ok(Token { at, kind })
    }

    fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, octets: usize) -> &'p str {
        let taken = self.rest().get(..octets).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    fn word(&mut self) -> &'p str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
        self.take(end.unwrap_or(rest.len()))
    }

    fn number(&mut self) -> Result<Literal, PatternError> {
        let at = self.at;
        let rest = self.rest();
        let end = rest.bytes().enumerate().position(|(place, byte)| {
            let sign = place == 0 && matches!(byte, b'+' | b'-');
            !(sign || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
        });
        let text = self.take(end.unwrap_or(rest.len()));
        literal::number(text)
            .map_err(|what| PatternError { offset: at, fault: Fault::Literal(what) })
    }

    fn typed(&mut self, prefix: u8, at: usize) -> Result<Literal, PatternError> {
        let text = self.quoted()?;
        let (fits, what, literal) = match prefix {
            b't' => (literal::is_timestamp(&text), "a timestamp", Literal::Timestamp(text)),
            b'h' => (
                text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "hexadecimal digits",
                Literal::Hex(text),
            ),
            _ => (crate::stix::is_base64(&text), "base64", Literal::Binary(text)),
        };
        if fits {
            Ok(literal)
        } else {
            Err(PatternError { offset: at, fault: Fault::Literal(what) })
        }
    }

    /// A text in single quotes. A backslash stands before a quote or a backslash and nowhere else.
    fn quoted(&mut self) -> Result<String, PatternError> {
        let start = self.at;
        let error = |offset, fault| Err(PatternError { offset, fault });
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            match character {
                '\'' => {
                    self.at = start + place + 1;
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('\'' | '\\'))) => text.push(escaped),
                    Some(_) => return error(start + place, Fault::Literal("an escape")),
                    None => return error(self.text.len(), Fault::End),
                },
                other => text.push(other),
            }
        }
        error(self.text.len(), Fault::End)
    }

    fn sign(&mut self) -> Result<&'static str, PatternError> {
        const SIGNS: &[&str] =
            &["==", "!=", "<>", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ":", ".", ",", "*"];
        let rest = self.rest();
        let found = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let sign =
            found.copied().ok_or(PatternError { offset: self.at, fault: Fault::Character })?;
        self.at += sign.len();
        Ok(sign)
    }
}
