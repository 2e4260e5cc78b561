//! Canonical JSON (RFC 8785). It serves two things only: to tell whether two texts say the same,
//! and to derive the deterministic ids of observables. What is stored and signed is the
//! producer's own text.

use crate::json::Value;

/// The canonical text of a value.
///
/// # Errors
/// A number that no IEEE double holds; [`crate::json::parse`] refuses those already.
pub fn canonical(value: &Value<'_>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

/// Whether two texts are the same JSON value, whatever their white space, member order and
/// spelling of numbers. Texts that are not JSON are equal to nothing.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    let (Ok(left), Ok(right)) = (crate::json::parse(left), crate::json::parse(right)) else {
        return false;
    };
    match (canonical(&left), canonical(&right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_ignores_order_space_and_number_spelling() {
        assert!(equal(
            br#"{"a":1.0,"b":[2]}"#,
            br#"{ "b" : [2.0], "a" : 1 }"#
        ));
        assert!(
            !equal(br#"{"a":"e\u0301"}"#, br#"{"a":"\u00e9"}"#),
            "no Unicode normalisation"
        );
        assert!(!equal(br#"{"a":1}"#, br#"{"a":"1"}"#));
        assert!(!equal(b"{", b"["));
    }
}
