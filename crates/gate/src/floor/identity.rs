//! `identity`: organizations, systems and classes (sectors, categories), stated as such.

use comity_wire::json::{Object, Value};

use super::code;
use super::place::Place;
use super::walk::Verdict;

/// The whole object: only here can something be absent.
pub(super) fn object(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    let Some(value) = object.get("identity_class") else {
        return Err(place
            .refuse(&code::IDENTITY_CLASS)
            .found("no `identity_class`")
            .required(CLASSES)
            .hint(HINT));
    };
    class(value, &place.member("identity_class"))?;
    if value.as_str() == Some("class") && object.contains("contact_information") {
        return Err(place
            .member("contact_information")
            .refuse(&code::IDENTITY_CONTACT)
            .found("a contact")
            .required("none"));
    }
    Ok(())
}

/// One field, also where an extension adds it or a `language-content` translates it.
pub(super) fn field(name: &str, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    match name {
        "identity_class" => class(value, place),
        _ => Ok(()),
    }
}

fn class(value: &Value<'_>, place: &Place<'_>) -> Verdict {
    let found = match value.as_str() {
        Some("organization" | "system" | "class") => return Ok(()),
        Some("individual") => "the class of a person",
        Some("group") => "the class of a group of persons",
        Some("unknown") => "the class `unknown`",
        Some(_) => "another class",
        None => value.class(),
    };
    Err(place.refuse(&code::IDENTITY_CLASS).found(found).required(CLASSES).hint(HINT))
}

const CLASSES: &str = "`organization`, `system` or `class`";
const HINT: &str = "state which of the three it is; a record about a person has no place here";
