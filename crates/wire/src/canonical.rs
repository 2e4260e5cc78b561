//! Canonical JSON (RFC 8785), for the deterministic ids of observables, and the equality of JSON
//! texts. What is stored and signed is the producer's own text.

use sha2::{Digest as _, Sha256};

use crate::json::{Object, Value};

/// The canonical text of a value.
///
/// # Errors
/// A number that no IEEE double holds; [`crate::json::parse`] refuses those already.
pub fn canonical(value: &Value<'_>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

/// Whether two texts are the same JSON value, whatever their white space, member order and
/// spelling of strings and numbers. Texts that are not JSON are equal to nothing but themselves.
///
/// It is the equality of RFC 8785 but for one thing: integers that no double tells apart (beyond
/// 2^53) are told apart here, since a status must not call new content known. [`digest`] tells the
/// same apart.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    match (crate::json::parse(left), crate::json::parse(right)) {
        (Ok(left), Ok(right)) => same(&left, &right),
        _ => false,
    }
}

fn same(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => same_members(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right || Amount::of(left) == Amount::of(right)
        }
        _ => left == right,
    }
}

/// What a number says, however it is written.
#[derive(PartialEq)]
enum Amount {
    Whole(i128),
    /// The bits of a double that is no whole number, or one beyond all integers that are told
    /// apart.
    Other(u64),
}

impl Amount {
    fn of(number: &serde_json::Number) -> Amount {
        if let Some(whole) = number.as_i128() {
            return Amount::Whole(whole);
        }
        let double = number.as_f64().unwrap_or_default();
        // 2^64: integers beyond are read as doubles.
        let whole = double.fract() == 0.0 && double.abs() < 18_446_744_073_709_551_616.0;
        let whole = whole.then(|| format!("{double:.0}").parse().ok()).flatten();
        whole.map_or(Amount::Other(double.to_bits()), Amount::Whole)
    }
}

/// SHA-256 of a text's value: the same for texts that are [`equal`], and for no others.
pub fn digest(text: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    match crate::json::parse(text) {
        Ok(value) => feed(&mut hash, &value),
        Err(_) => {
            hash.update(b"?");
            hash.update(text);
        }
    }
    hash.finalize().into()
}

/// Each value says its kind and how long it is, so that no two feed the same octets.
fn feed(hash: &mut Sha256, value: &Value<'_>) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(truth) => hash.update([b'b', u8::from(*truth)]),
        Value::Number(number) => match Amount::of(number) {
            Amount::Whole(whole) => {
                hash.update(b"i");
                hash.update(whole.to_be_bytes());
            }
            Amount::Other(bits) => {
                hash.update(b"d");
                hash.update(bits.to_be_bytes());
            }
        },
        Value::String(text) => feed_text(hash, text),
        Value::Array(items) => {
            hash.update(b"a");
            hash.update((items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| feed(hash, item));
        }
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value<'_>)> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            hash.update(b"o");
            hash.update((members.len() as u64).to_be_bytes());
            for (name, value) in members {
                feed_text(hash, name);
                feed(hash, value);
            }
        }
    }
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update(b"s");
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

/// Names are unique in each, so equal counts and every name found mean equal sets. Producers
/// mostly keep an order, so the same place is looked at first.
fn same_members(left: &Object<'_>, right: &Object<'_>) -> bool {
    left.len() == right.len()
        && left.iter().zip(right.iter()).all(|((name, value), (other, there))| {
            let there = if name == other { Some(there) } else { right.get(name) };
            there.is_some_and(|there| same(value, there))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways in which texts are compared.
    fn equal(left: &[u8], right: &[u8]) -> bool {
        let equal = super::equal(left, right);
        assert_eq!(digest(left) == digest(right), equal, "{left:?} {right:?}");
        equal
    }

    #[test]
    fn equality_ignores_order_space_and_spelling() {
        assert!(equal(br#"{"a":1.0,"b":[2]}"#, br#"{ "b" : [2.0], "a" : 1 }"#));
        assert!(equal(br#"{"a":"\u00e9"}"#, "{\"a\":\"é\"}".as_bytes()));
        assert!(!equal(br#"{"a":"e\u0301"}"#, br#"{"a":"\u00e9"}"#), "no Unicode normalisation");
        assert!(!equal(br#"{"a":1}"#, br#"{"a":"1"}"#));
        assert!(!equal(br#"{"a":1,"b":1}"#, br#"{"a":1,"c":1}"#));
        assert!(!equal(b"[1,2]", b"[2,1]"));
        assert!(!equal(b"{", b"["));
    }

    #[test]
    fn integers_beyond_a_double_are_told_apart() {
        assert!(!equal(b"9007199254740993", b"9007199254740992"));
        assert!(equal(b"9007199254740993", b" 9007199254740993 "));
        assert!(equal(b"100", b"1e2"));
        assert!(!equal(b"9007199254740993", b"9007199254740992.0"));
        assert!(equal(b"9007199254740992", b"9007199254740992.0"));
        assert!(equal(b"18446744073709551615", b"18446744073709551615"));
        assert!(!equal(b"18446744073709551615", b"18446744073709551616"));
        assert!(equal(b"18446744073709551616", b"18446744073709551617"), "no integer is so large");
        assert!(equal(b"-9223372036854775808", b"-9.223372036854775808e18"));
        assert!(!equal(b"-9223372036854775808", b"9223372036854775808"));
    }

    #[test]
    fn every_part_counts() {
        assert!(equal(b"0", b"-0.0"));
        assert!(!equal(b"0.5", b"0.25"));
        assert!(!equal(b"null", b"false"));
        assert!(!equal(b"false", b"true"));
        assert!(!equal(b"[]", b"{}"));
        assert!(!equal(b"[[1],2]", b"[[1,2]]"));
        assert!(!equal(br#"["ab","c"]"#, br#"["a","bc"]"#));
        assert!(!equal(br#"{"a":{"b":1},"c":2}"#, br#"{"a":{"b":1,"c":2}}"#));
        assert!(equal(b"{", b"{"));
        assert!(!equal(b"\"{\"", b"{"));
    }
}
