//! What the payload of a `grant` says beyond opening entries: that their owner consents to another
//! party's releasing them onward, and to whom.

use serde::Serialize;

use crate::json::{self, Value};

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
/// It is no JSON object, or its `onward` names nobody, the party itself, or the same party twice.
pub fn read(payload: &[u8], origin: &str) -> Result<Option<Onward>, Malformed> {
    let payload = json::parse(payload).map_err(|_| Malformed)?;
    let Some(onward) = payload.as_object().ok_or(Malformed)?.get("onward") else {
        return Ok(None);
    };
    let onward = read_onward(onward).ok_or(Malformed)?;
    let ascends = onward.parties.is_sorted_by(|one, next| one < next);
    let own = onward.parties.iter().any(|party| party == origin || party.is_empty());
    if onward.parties.is_empty() || !ascends || own {
        return Err(Malformed);
    }
    Ok(Some(onward))
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
