//! Canonical JSON (RFC 8785), for the deterministic ids of observables, and the equality of JSON
//! texts. What is stored and signed is the producer's own text.

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
/// 2^53) are told apart here, since a status must not call new content known.
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
            left == right || (left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64()
        }
        _ => left == right,
    }
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
    }
}
