//! Credits of authorship: who wrote a source, who contributed a technique. They are admitted
//! byte for byte and neither linted nor indexed; a name that stands under a work is its author's.

use comity_wire::json::Value;

use super::place::Place;
use super::walk::{Judge, Verdict};
use super::{code, property};

/// `external_references`: what STIX defines is a bibliography; anything else in it is not.
pub(super) fn references(
    judge: &mut Judge<'_>,
    object_type: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    let items = value.as_array().unwrap_or(std::slice::from_ref(value));
    for (at, item) in items.iter().enumerate() {
        let here = place.index(at);
        let Value::Object(reference) = item else {
            judge.value(object_type, "", item, &here)?;
            continue;
        };
        for (name, value) in reference.iter() {
            let member = here.member(name);
            match (name, value) {
                ("url", Value::String(url)) if is_mailto(url) => {
                    judge.flag(&code::TEXT_MAILBOX, &member);
                }
                ("source_name" | "description" | "url" | "external_id", Value::String(_))
                | ("hashes", _) => {}
                _ => {
                    property::judge(judge, name, value, &member)?;
                    judge.value(object_type, name, value, &member)?;
                }
            }
        }
    }
    Ok(())
}

/// A mailbox is no publication. It is admitted as it stands, but marked.
fn is_mailto(url: &str) -> bool {
    url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
}

/// `x_mitre_contributors`: a list of names, nothing deeper.
pub(super) fn contributors(judge: &mut Judge<'_>, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    match value {
        Value::String(_) => Ok(()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                if !matches!(item, Value::String(_)) {
                    judge.value("", "", item, &place.index(at))?;
                }
            }
            Ok(())
        }
        _ => judge.value("", "", value, place),
    }
}
