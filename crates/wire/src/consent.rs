//! What the payload of a `grant` says beyond opening entries: that their owner consents to another
//! party's releasing them onward, and to whom.

use serde::Serialize;

use crate::json::{self, Value};
use crate::limits::{ONWARD_PARTIES_MAX, PARTY_BYTES_MAX};

/// To whom the audience of a grant may release onward what the grant names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Onward {
    /// The rule that the list was compiled from.
    pub rule: String,
    /// The parties: these at most, in the order of their octets, none twice.
    pub parties: Vec<String>,
}

/// The payload.
#[derive(Serialize)]
struct Payload<'a> {
    onward: &'a Onward,
}

/// Says that there is an `onward`, and that it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads the payload of a grant of a party; members that are not known are passed over. One without
/// consent is nothing more than a grant.
///
/// # Errors
/// It is no JSON object, or its `onward` names nobody, the party itself, the same party twice, more
/// than [`ONWARD_PARTIES_MAX`], or what can be no id of a party.
pub fn read(payload: &[u8], origin: &str) -> Result<Option<Onward>, Malformed> {
    let payload = json::parse(payload).map_err(|_| Malformed)?;
    let Some(onward) = payload.as_object().ok_or(Malformed)?.get("onward") else {
        return Ok(None);
    };
    let onward = read_onward(onward).ok_or(Malformed)?;
    let ascends = onward.parties.is_sorted_by(|one, next| one < next);
    let others = onward.parties.iter().all(|party| party != origin && can_be_party(party));
    if !(1..=ONWARD_PARTIES_MAX).contains(&onward.parties.len()) || !ascends || !others {
        return Err(Malformed);
    }
    Ok(Some(onward))
}

fn can_be_party(id: &str) -> bool {
    (1..=PARTY_BYTES_MAX).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_graphic())
}

fn read_onward(onward: &Value<'_>) -> Option<Onward> {
    let onward = onward.as_object()?;
    let parties = onward.get("parties")?.as_array()?.iter();
    let parties = parties.map(|party| party.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some(Onward { rule: onward.str("rule")?.to_owned(), parties })
}

/// Writes the payload of a grant that consents.
pub fn write(onward: &Onward) -> Vec<u8> {
    // Strings alone: nothing in it can fail to be written.
    serde_json::to_vec(&Payload { onward }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let parties = vec!["beta.example".to_owned(), "gamma.example".to_owned()];
        let onward = Onward { rule: "tier:member".to_owned(), parties };
        assert_eq!(read(&write(&onward), "alpha.example"), Ok(Some(onward)));
        assert_eq!(read(b"{}", "alpha.example"), Ok(None));
        assert_eq!(read(br#"{"later":[1]}"#, "alpha.example"), Ok(None));
    }

    #[test]
    fn no_more_parties_than_may_be_and_no_longer_names() {
        let read = |parties: Vec<String>| {
            read(&write(&Onward { rule: "all".to_owned(), parties }), "alpha.example").map(|_| ())
        };
        let many = |number: usize| (0..number).map(|at| format!("p{at:05}.example")).collect();
        assert_eq!(read(many(ONWARD_PARTIES_MAX)), Ok(()));
        assert_eq!(read(many(ONWARD_PARTIES_MAX + 1)), Err(Malformed));
        assert_eq!(read(vec!["p".repeat(PARTY_BYTES_MAX)]), Ok(()));
        for name in ["p".repeat(PARTY_BYTES_MAX + 1), "beta gamma".to_owned()] {
            assert_eq!(read(vec![name]), Err(Malformed));
        }
    }

    #[test]
    fn nobody_oneself_and_anybody_twice_is_malformed() {
        for parties in [
            "[]",
            r#"["alpha.example"]"#,
            r#"[""]"#,
            r#"["beta.example","beta.example"]"#,
            r#"["gamma.example","beta.example"]"#,
            r#""beta.example""#,
        ] {
            let payload = format!(r#"{{"onward":{{"rule":"all","parties":{parties}}}}}"#);
            assert_eq!(read(payload.as_bytes(), "alpha.example"), Err(Malformed), "{parties}");
        }
        for payload in ["", "[]", "1", r#"{"onward":1}"#, r#"{"onward":{"rule":"all"}}"#] {
            assert_eq!(read(payload.as_bytes(), "alpha.example"), Err(Malformed), "{payload}");
        }
    }
}
