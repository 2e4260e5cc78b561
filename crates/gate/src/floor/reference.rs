//! References: to ids of types that are refused, and what a relationship says of an identity.

use comity_wire::id::Id;
use comity_wire::json::{Object, Value};

use super::code;
use super::place::Place;
use super::walk::{Judge, Verdict};

/// What the type in an id tells about the object behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Never admitted.
    Refused,
    /// Admitted only from a closed list, which the id does not show.
    Account,
    /// Nothing to say.
    Other,
}

fn target(text: &str) -> Target {
    // The prefix alone: a malformed id of a mailbox is still about a mailbox.
    if text.starts_with("email-addr--") {
        Target::Refused
    } else if text.starts_with("user-account--") {
        Target::Account
    } else {
        Target::Other
    }
}

/// A reference that stands alone: nothing is left of what it says without its target.
pub(super) fn single(text: &str, place: &Place<'_>) -> Verdict {
    match target(text) {
        Target::Other => Ok(()),
        Target::Refused => Err(refusal(place, "a reference to a mailbox")),
        Target::Account => Err(refusal(place, "a reference to an account")),
    }
}

/// A list of references. With others beside it, a reference to a refused object is kept and
/// flagged, as in a bundle of which some objects are refused; a list of nothing but mailboxes
/// makes the object a record about them.
pub(super) fn list(judge: &mut Judge<'_>, items: &[Value<'_>], place: &Place<'_>) -> Verdict {
    let targets = || items.iter().filter_map(Value::as_str).map(target);
    if !items.is_empty() && targets().all(|target| target == Target::Refused) {
        if targets().next().is_some() {
            return Err(refusal(place, "nothing but references to mailboxes"));
        }
        return Ok(());
    }
    for (at, target) in targets().enumerate() {
        if target != Target::Other {
            judge.flag(&code::REFERENCE_AMONG, &place.index(at));
        }
    }
    Ok(())
}

fn refusal(place: &Place<'_>, found: &'static str) -> crate::Refusal {
    place
        .refuse(&code::REFERENCE)
        .found(found)
        .required("a reference to something that can be admitted")
}

/// `relationship`: what it may say when one of its ends is an identity.
pub(super) fn relationship(
    judge: &mut Judge<'_>,
    object: &Object<'_>,
    place: &Place<'_>,
) -> Verdict {
    let end = |name: &str| object.str(name).and_then(Id::parse).map(|id| id.object_type);
    let (source, target) = (end("source_ref"), end("target_ref"));
    if source != Some("identity") && target != Some("identity") {
        return Ok(());
    }
    let kind = object.str("relationship_type").unwrap_or("");
    let verb = place.member("relationship_type");
    if is(kind, "attributed-to") || is(kind, "impersonates") {
        return Err(verb
            .refuse(&code::FINDING)
            .found("an accusation of an identity")
            .required("a finding, with its safeguards")
            .hint(
                "write a `finding`; attribution between intrusion sets and campaigns stays here",
            ));
    }
    let is_address =
        |end: Option<&str>| matches!(end, Some("ipv4-addr" | "ipv6-addr" | "mac-addr"));
    if is_address(source) || is_address(target) {
        return Err(place
            .refuse(&code::ADDRESS_IDENTITY)
            .found("an address and an identity")
            .required("no such relationship"));
    }
    let harmless = ["targets", "located-at", "duplicate-of", "derived-from"];
    if !harmless.iter().any(|known| is(kind, known)) {
        judge.flag(&code::IDENTITY_ROLE, &verb);
    }
    Ok(())
}

/// `sighting`: every reference counts, also one among others.
pub(super) fn sighting(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    for name in ["where_sighted_refs", "observed_data_refs"] {
        let here = place.member(name);
        let items = object.get(name).and_then(Value::as_array).unwrap_or(&[]);
        for (at, item) in items.iter().enumerate() {
            single(item.as_str().unwrap_or(""), &here.index(at))?;
        }
    }
    Ok(())
}

/// An address that carries a reference to an identity would join the two.
pub(super) fn of_address(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    for (name, value) in object.iter() {
        let items = value.as_array().unwrap_or(std::slice::from_ref(value));
        let joined =
            |item: &Value<'_>| item.as_str().is_some_and(|text| text.starts_with("identity--"));
        if name != "created_by_ref" && items.iter().any(joined) {
            return Err(place
                .member(name)
                .refuse(&code::ADDRESS_IDENTITY)
                .found("a reference to an identity")
                .required("none but `created_by_ref`"));
        }
    }
    Ok(())
}

/// The verbs of STIX in any spelling: `Attributed_To` accuses as well.
fn is(kind: &str, known: &str) -> bool {
    kind.len() == known.len()
        && kind.bytes().zip(known.bytes()).all(|(left, right)| {
            left.eq_ignore_ascii_case(&right) || (matches!(left, b'_' | b' ') && right == b'-')
        })
}
