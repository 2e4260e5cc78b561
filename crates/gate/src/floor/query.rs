//! Queries: no search has a natural person as its key.

use super::code;
use super::observable::url;
use super::text::{mailbox, number};
use crate::refusal::{Path, Refusal};

/// Why a search is not made, if it would look for a person: a mailbox, an account, a phone number,
/// a number of identity papers, or the identifier that one of these has.
pub fn query_refused(text: &str) -> Option<Refusal> {
    let text = text.trim();
    let (phone, document) = number::is_query(text);
    let found = if mailbox::find(text).is_some() {
        "a mailbox"
    } else if has_id(text, "email-addr--") {
        "the identifier of a mailbox"
    } else if has_id(text, "user-account--") {
        "the identifier of an account"
    } else if url::names(text).is_some() {
        "the address of a profile or an account"
    } else if document {
        "a number of identity papers"
    } else if phone {
        "a phone number"
    } else {
        return None;
    };
    Some(
        Refusal::new(&code::QUERY, Path::root())
            .found(found)
            .required("something that stands for no person")
            .hint("what is asked for is not kept here, so there is nothing to find"),
    )
}

/// Identifiers compare without case in the UUID; their types are lower case, but who asks may
/// not know that.
fn has_id(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .windows(prefix.len())
        .any(|window| window.eq_ignore_ascii_case(prefix.as_bytes()))
}
