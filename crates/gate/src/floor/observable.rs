//! Cyber-observables, one file a family. `object` judges what only the whole object shows, `field`
//! one member: also one that an extension adds or a `language-content` translates.

pub(super) mod account;
mod artifact;
mod certificate;
pub(super) mod location;
pub(super) mod message;
pub(super) mod path;
pub(super) mod url;

use comity_wire::json::{Object, Value};

use super::place::Place;
use super::walk::{Judge, Verdict};
use super::{code, property, reference};

/// Rules that need the whole object.
pub(super) fn object(
    judge: &mut Judge<'_>,
    object_type: &str,
    object: &Object<'_>,
    place: &Place<'_>,
) -> Verdict {
    match object_type {
        "email-addr" => Err(place
            .refuse(&code::MAILBOX)
            .found("an object for a mailbox")
            .required("no such object")
            .hint(
                "a mailbox that an attacker controls can only stand in the pattern of an \
                   indicator, and only where the charter admits it",
            )),
        "user-account" => account::object(object, place),
        "artifact" => artifact::object(judge, object, place),
        "ipv4-addr" | "ipv6-addr" | "mac-addr" => {
            purpose(judge, place)?;
            reference::of_address(object, place)
        }
        _ => Ok(()),
    }
}

/// Rules for one member of an object of a type.
pub(super) fn field(
    judge: &mut Judge<'_>,
    object_type: &str,
    name: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    match object_type {
        "email-message" => message::field(name, value, place)?,
        "x509-certificate" => certificate::field(name, value, place)?,
        "location" => location::field(name, place)?,
        "email-addr" if matches!(name, "value" | "display_name") => {
            return Err(place
                .refuse(&code::MAILBOX)
                .found("a field of a mailbox")
                .required("no mailbox"));
        }
        "user-account" => account::field(name, value, place)?,
        _ => {}
    }
    if name == "authors" {
        authors(judge, value, place);
    }
    Ok(())
}

/// Rules for a member at any depth of an object of any type.
pub(super) fn part_field(
    judge: &mut Judge<'_>,
    name: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    match name {
        "creator_user_ref" => {
            Err(place.refuse(&code::CREATOR_USER).found("a reference to a user").required("none"))
        }
        "exif_tags" => location::exif(judge, value, place),
        "environment_variables" => {
            account::environment(judge, value, place);
            Ok(())
        }
        "document_info_dict" => {
            document_authors(judge, value, place);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Addresses serve network defence and nothing else.
pub(super) fn purpose(judge: &Judge<'_>, place: &Place<'_>) -> Verdict {
    if judge.facts.network_defence {
        return Ok(());
    }
    Err(place
        .refuse(&code::PURPOSE)
        .found("an address, in a body without that purpose")
        .required("the purpose `network-defence` in the charter"))
}

/// `authors` of a note, opinion or report: words for a role or an organization.
fn authors(judge: &mut Judge<'_>, value: &Value<'_>, place: &Place<'_>) {
    let items = value.as_array().unwrap_or(std::slice::from_ref(value));
    for (at, item) in items.iter().enumerate() {
        let Some(author) = item.as_str() else {
            continue;
        };
        if !is_role(author) {
            judge.flag(&code::AUTHOR, &place.index(at));
        }
    }
}

/// Words of roles and organizations, one of which an author has to have.
fn is_role(author: &str) -> bool {
    property::words(author).any(|word| property::is_one_of(word, ROLES))
}

const ROLES: &[&str] = &[
    "agency",
    "analyst",
    "authority",
    "cell",
    "center",
    "centre",
    "cert",
    "csirt",
    "department",
    "desk",
    "division",
    "editor",
    "group",
    "isac",
    "lab",
    "ministry",
    "office",
    "operations",
    "reporter",
    "research",
    "reviewer",
    "secretariat",
    "sector",
    "security",
    "service",
    "soc",
    "team",
    "unit",
];

/// The authors that office software writes into a file.
fn document_authors(judge: &mut Judge<'_>, value: &Value<'_>, place: &Place<'_>) {
    let Value::Object(info) = value else {
        return;
    };
    for (name, value) in info.iter() {
        let is_author = ["author", "lastmodifiedby", "manager"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        if is_author && !value.as_str().is_some_and(is_role) {
            judge.flag(&code::AUTHOR, &place.member(name));
        }
    }
}
