//! `x509-certificate`: servers and authorities, not people.

use comity_wire::json::Value;

use super::super::code;
use super::super::place::Place;
use super::super::text::mailbox;
use super::super::walk::Verdict;

/// One member.
pub(super) fn field(name: &str, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    match (name, value) {
        ("subject" | "issuer", Value::String(text)) => distinguished_name(text, place),
        ("x509_v3_extensions", Value::Object(extensions)) => {
            for (name, value) in extensions.iter() {
                if let (true, Some(text)) = (is_alternative(name), value.as_str()) {
                    distinguished_name(text, &place.member(name))?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_alternative(name: &str) -> bool {
    matches!(
        name,
        "subject_alternative_name" | "issuer_alternative_name" | "subject_directory_attributes"
    )
}

/// A name that has a mailbox, or parts that only people have.
pub(in super::super) fn distinguished_name(text: &str, place: &Place<'_>) -> Verdict {
    let found = if mailbox::find(text).is_some() {
        "a mailbox"
    } else if has_personal_part(text) {
        "the name of a person"
    } else {
        return Ok(());
    };
    Err(place
        .refuse(&code::CERTIFICATE_SUBJECT)
        .found(found)
        .required("the name of a host or an organization"))
}

/// `GN=`, `SN=` and the like; a common name can be anything and proves nothing.
fn has_personal_part(text: &str) -> bool {
    text.split([',', '/', ';', '+']).filter_map(|part| part.split_once('=')).any(|(key, _)| {
        ["GN", "givenName", "SN", "surname", "UID", "initials"]
            .iter()
            .any(|known| key.trim().eq_ignore_ascii_case(known))
    })
}
