//! Custom types, and pairs of a name and a value: the ways in which a record about a person is
//! written when no property is named for it. MISP's persons and passports come like this.

use comity_wire::json::Object;

use super::code;
use super::place::Place;
use super::property::{self, Subject, is_one_of};
use super::walk::Verdict;

/// Refuses a type, or the name of an extension, that is named for people or what is theirs.
pub(super) fn object_type(name: &str, place: &Place<'_>) -> Verdict {
    if comity_wire::stix::schema(name).is_some() {
        return Ok(());
    }
    match person_type(name) {
        Some(found) => Err(refusal(place, found)),
        None => Ok(()),
    }
}

/// Whether a type is named for people: also the types that the patterns name.
pub(super) fn person_type(name: &str) -> Option<&'static str> {
    if property::words(name).any(|word| is_one_of(word, PEOPLE)) {
        return Some("a type for persons");
    }
    property::subject(name).map(|subject| subject.what)
}

/// An object such as `{"object_relation": "passport-number", "value": …}`: the value is what the
/// name says, wherever the name stands.
pub(super) fn named_value(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    if !object.contains("value") && !object.contains("values") {
        return Ok(());
    }
    for (name, value) in object.iter() {
        let names = is_one_of(
            name,
            &["key", "field", "name", "type", "category", "label", "attribute", "property"],
        );
        if let (true, Some(text)) = (names, value.as_str()) {
            relation(text, &place.member(name))?;
        }
    }
    Ok(())
}

/// The properties by which MISP's objects and attributes say what they are, and its tags.
pub(super) fn misp(name: &str, text: &str, place: &Place<'_>) -> Verdict {
    match name {
        "x_misp_name"
        | "x_misp_type"
        | "x_misp_category"
        | "x_misp_meta_category"
        | "object_relation"
        | "x_misp_object_relation"
        | "meta-category"
        | "meta_category" => relation(text, place),
        "labels" | "tags" if text.starts_with("misp:") => {
            text.split('"').nth(1).map_or(Ok(()), |value| relation(value, place))
        }
        // The schema of an extension, or the list of what it adds.
        "extension_properties" => match property::subject(text) {
            Some(subject) => Err(property::refusal(subject, place)),
            None => Ok(()),
        },
        "schema" => schema(text, place),
        _ => Ok(()),
    }
}

/// A word that says what a value is.
fn relation(text: &str, place: &Place<'_>) -> Verdict {
    // Whole sentences are no names of fields.
    if text.len() > 80 || text.split(' ').count() > 4 {
        return Ok(());
    }
    if let Some(found) = person_type(text) {
        return Err(refusal(place, found));
    }
    if is_account(text) {
        return Err(place
            .refuse(&code::ACCOUNT)
            .found("an object or attribute for accounts")
            .required("no account"));
    }
    if MISP.iter().any(|known| text.eq_ignore_ascii_case(known)) {
        return Err(refusal(place, "an attribute that only a person has"));
    }
    Ok(())
}

/// `facebook-account`, `github-user` and the like, but not what banks and services call so.
fn is_account(text: &str) -> bool {
    let lower_ends = |tail: &str| {
        text.len()
            .checked_sub(tail.len())
            .and_then(|at| text.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(tail))
    };
    lower_ends("-account") || lower_ends("-user") || text.eq_ignore_ascii_case("social network")
}

/// A JSON schema in a string gives names of properties; each is judged.
fn schema(text: &str, place: &Place<'_>) -> Verdict {
    let quoted = text.split('"').skip(1).step_by(2);
    for name in quoted.filter(|name| name.len() <= 80 && !name.contains(' ')) {
        if let Some(Subject { code, what }) = property::subject(name) {
            return Err(place.refuse(code).found(what).required("no such property"));
        }
    }
    Ok(())
}

fn refusal(place: &Place<'_>, found: &'static str) -> crate::Refusal {
    place.refuse(&code::PERSON_TYPE).found(found).required("a type that is about no person")
}

const PEOPLE: &[&str] = &[
    "person",
    "people",
    "individual",
    "human",
    "suspect",
    "citizen",
    "fugitive",
    "employee",
    "passenger",
    "traveller",
    "traveler",
    "migrant",
    "dissident",
    "activist",
    "mailbox",
];

/// Attribute types and relations of MISP that are not told by the words of their names alone.
const MISP: &[&str] = &[
    "full-name",
    "redress-number",
    "payment-details",
    "special-service-request",
    "passenger-name-record-locator-number",
    "place-port-of-original-embarkation",
    "place-port-of-clearance",
    "place-port-of-onward-foreign-destination",
    "issue-date-of-the-visa",
    "eppn",
    "prtn",
    "whois-registrant-name",
    "whois-registrant-email",
    "whois-registrant-phone",
    "email-src-display-name",
    "email-dst-display-name",
];
