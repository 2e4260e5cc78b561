//! `email-message`: the subject, what was attached and the path that the message took.

use comity_wire::json::Value;

use super::super::code;
use super::super::place::Place;
use super::super::text::mailbox;
use super::super::walk::Verdict;
use crate::refusal::Refusal;

/// One member.
pub(super) fn field(name: &str, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    if let Some(found) = refused(name) {
        return Err(refusal(place, found));
    }
    match (name, value) {
        ("additional_header_fields", Value::Object(headers)) => {
            for (header, value) in headers.iter() {
                let here = place.member(header);
                if !is_path_header(header) {
                    return Err(refusal(&here, "another header"));
                }
                no_mailbox(value, &here)?;
            }
            Ok(())
        }
        ("received_lines", value) => no_mailbox(value, place),
        ("body_multipart", Value::Array(parts)) => {
            for (at, part) in parts.iter().enumerate() {
                self::part(part, &place.index(at))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The members that are never kept; patterns name the same.
pub(in super::super) fn refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "from_ref" | "sender_ref" => "a sender",
        "to_refs" | "cc_refs" | "bcc_refs" => "recipients",
        "body" => "the body",
        "raw_email_ref" => "the raw message",
        _ => return None,
    })
}

/// Headers that servers add to show the path.
pub(in super::super) fn is_path_header(header: &str) -> bool {
    ["Received", "X-Received", "Received-SPF"]
        .iter()
        .any(|known| header.eq_ignore_ascii_case(known))
}

/// One part: a reference to an attachment, not text.
fn part(part: &Value<'_>, place: &Place<'_>) -> Verdict {
    let Value::Object(part) = part else {
        return Ok(());
    };
    if part.contains("body") {
        return Err(refusal(&place.member("body"), "the body"));
    }
    let attached = part
        .str("content_disposition")
        .is_some_and(|text| text.trim_start().starts_with("attachment"));
    let is_text =
        part.str("content_type").is_some_and(|text| text.trim_start().starts_with("text/"));
    if is_text && !attached {
        return Err(refusal(&place.member("body_raw_ref"), "the body"));
    }
    Ok(())
}

/// `Received: … for <jane@example.org>` says who was written to.
fn no_mailbox(value: &Value<'_>, place: &Place<'_>) -> Verdict {
    if let Some(items) = value.as_array() {
        for (at, item) in items.iter().enumerate() {
            no_mailbox(item, &place.index(at))?;
        }
    }
    match value.as_str().and_then(mailbox::find) {
        Some(_) => Err(place
            .refuse(&code::MAILBOX)
            .found("a mailbox in a header")
            .required("the servers on the path only")),
        None => Ok(()),
    }
}

fn refusal(place: &Place<'_>, found: &'static str) -> Refusal {
    place
        .refuse(&code::MESSAGE_PART)
        .found(found)
        .required("subject, attachments and received lines only")
}
