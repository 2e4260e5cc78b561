//! JSON read strictly: UTF-8, no duplicate member names, no nesting beyond a limit (I-JSON,
//! RFC 7493). Strings borrow from the text where they can, members keep their order.
//!
//! `serde_json::Value` keeps the last of two equal names, so that two readers of one text can
//! disagree about it. Everything that is judged goes through this type instead.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::limits::JSON_DEPTH_MAX;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; whether it was written with a fraction or an exponent is kept.
    Number(serde_json::Number),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A JSON object: members in the order of the text, each name once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// Why a text is not acceptable JSON. Positions are counted from 1; no content is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The octets are not UTF-8.
    #[error("not UTF-8 at octet {offset}")]
    Utf8 {
        /// How many octets before it are good.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("not JSON at line {line}, column {column}: {what}")]
    Syntax {
        /// Line of the fault.
        line: usize,
        /// Column of the fault.
        column: usize,
        /// The class of the fault.
        what: &'static str,
    },
    /// A name stands twice in one object.
    #[error("a member name stands twice in one object, at line {line}, column {column}")]
    DuplicateName {
        /// Line behind the second one.
        line: usize,
        /// Column behind the second one.
        column: usize,
    },
    /// Nested too deeply.
    #[error("nested more than {JSON_DEPTH_MAX} levels deep, at line {line}, column {column}")]
    TooDeep {
        /// Line of the first level too many.
        line: usize,
        /// Column of the first level too many.
        column: usize,
    },
}

/// Reads one JSON value from the whole of `bytes`.
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::Utf8 { offset: error.valid_up_to() })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| classify(&error))
}

const DUPLICATE: &str = "comity: duplicate member name";
const DEEP: &str = "comity: nested too deeply";

fn classify(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    if text.starts_with(DUPLICATE) {
        JsonError::DuplicateName { line, column }
    } else if text.starts_with(DEEP) || text.starts_with("recursion limit") {
        JsonError::TooDeep { line, column }
    } else {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "the text ends too early",
            _ if text.starts_with("trailing characters") => "text after the value",
            _ if text.starts_with("trailing comma") => "a comma with nothing behind it",
            _ if text.contains("surrogate") || text.contains("hex escape") => {
                "half of a surrogate pair, or a bad escape"
            }
            _ if text.starts_with("number out of range") => "a number out of range",
            _ if text.starts_with("control character") => "a control character in a string",
            _ => "a character that cannot stand here",
        };
        JsonError::Syntax { line, column, what }
    }
}

impl<'a> Value<'a> {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if it was written as one: no fraction, no exponent.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The number as a float, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// What kind of JSON value this is, in words for a message.
    pub fn class(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if number.is_f64() => "a number with a fraction",
            Value::Number(_) => "an integer",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

impl<'a> Object<'a> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The value of a member that is a string.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Whether a member stands here.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Carries the depth down, since serde's visitors have no state of their own.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: de::Error>(self) -> Result<Seed, E> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(E::custom(DEEP));
        }
        Ok(Seed { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::with_capacity(12);
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value_seed(inner)?));
        }
        if has_duplicate(&members) {
            return Err(de::Error::custom(DUPLICATE));
        }
        Ok(Value::Object(Object { members }))
    }
}

/// Pairwise for the few members of a usual object, sorted for the many of a hostile one.
fn has_duplicate(members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    if members.len() <= 24 {
        return members
            .iter()
            .enumerate()
            .any(|(at, (name, _))| members.iter().take(at).any(|(other, _)| other == name));
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.get(1))
}

/// A member name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => serializer.collect_seq(items),
            Value::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> JsonError {
        parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn reads_values_and_keeps_order_and_borrows() {
        let value = parse(br#"{"b":[1,-2,3.0,true,null],"a":"x","e":"\u00e9"}"#).unwrap();
        let object = value.as_object().unwrap();
        let names: Vec<&str> = object.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "e"]);
        assert!(matches!(object.get("a"), Some(Value::String(Cow::Borrowed("x")))));
        assert_eq!(object.str("e"), Some("é"));
        let list = object.get("b").unwrap().as_array().unwrap();
        assert_eq!(list[0].as_integer(), Some(1));
        assert_eq!(list[2].as_integer(), None, "3.0 is not written as an integer");
        assert_eq!(list[4].class(), "null");
    }

    #[test]
    fn refuses_a_duplicate_name_at_any_level_and_of_any_spelling() {
        assert!(matches!(error(r#"{"a":1,"a":2}"#), JsonError::DuplicateName { .. }));
        assert!(matches!(error(r#"{"x":{"a":1,"\u0061":2}}"#), JsonError::DuplicateName { .. }));
        let many: Vec<String> = (0..100).map(|n| format!("\"k{}\":0", n % 99)).collect();
        assert!(matches!(
            error(&format!("{{{}}}", many.join(","))),
            JsonError::DuplicateName { .. }
        ));
    }

    #[test]
    fn refuses_ten_thousand_levels_without_a_stack_overflow() {
        let text = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(matches!(error(&text), JsonError::TooDeep { .. }));
        let text = "[".repeat(JSON_DEPTH_MAX) + &"]".repeat(JSON_DEPTH_MAX);
        assert!(parse(text.as_bytes()).is_ok());
        let text = "[".repeat(JSON_DEPTH_MAX + 1) + &"]".repeat(JSON_DEPTH_MAX + 1);
        assert!(matches!(error(&text), JsonError::TooDeep { .. }));
    }

    #[test]
    fn refuses_truncated_not_utf8_and_trailing_text() {
        assert!(matches!(
            error(r#"{"a":"#),
            JsonError::Syntax { what: "the text ends too early", .. }
        ));
        assert!(matches!(error("{} x"), JsonError::Syntax { what: "text after the value", .. }));
        assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err(), JsonError::Utf8 { offset: 6 });
        assert!(matches!(error(r#""\ud800""#), JsonError::Syntax { .. }));
        assert!(matches!(error("NaN"), JsonError::Syntax { .. }));
        assert!(matches!(error("1e999"), JsonError::Syntax { what: "a number out of range", .. }));
    }
}
