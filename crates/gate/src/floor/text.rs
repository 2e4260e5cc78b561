//! Strings. In prose the linters hold or flag and never refuse; a value that *is* a mailbox or a
//! phone number, outside prose, is a record.
//!
//! No keyword for a people, a faith or a party is looked for: ATT&CK names an ethnic community
//! 293 times, as the victim that it is.

pub(super) mod mailbox;
pub(super) mod number;

use super::code;
use super::observable::url;
use super::place::Place;
use super::walk::{Judge, Verdict};

/// Members that hold sentences or names of things, by the standard or by habit.
pub(super) fn is_prose(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "description"
            | "descriptions"
            | "abstract"
            | "content"
            | "explanation"
            | "aliases"
            | "x_mitre_aliases"
            | "objective"
            | "goals"
            | "labels"
            | "statement"
            | "definition"
            | "contact_information"
            | "subject"
            | "summary"
            | "channel"
            | "x_mitre_detection"
            | "x_mitre_system_requirements"
            | "authors"
            | "comment"
            | "comments"
            | "notes"
    )
}

/// Lints prose.
pub(super) fn lint(judge: &mut Judge<'_>, name: &str, text: &str, place: &Place<'_>) {
    let seen = scan(text);
    if seen.mailbox {
        match mailbox::find(text) {
            Some(mailbox::Kind::Personal) => judge.hold(&code::TEXT_MAILBOX, place),
            // The mailbox of a role is what the contact of an organization is for.
            Some(mailbox::Kind::Role) if name == "contact_information" => {}
            Some(mailbox::Kind::Role) => judge.flag(&code::TEXT_MAILBOX, place),
            None => {}
        }
    }
    if seen.digits {
        numbers(judge, text, place);
    }
    if seen.url && url::names_account(text) {
        judge.flag(&code::TEXT_ACCOUNT, place);
    }
}

/// Judges any other string: the whole of it may be a record.
pub(super) fn value(judge: &mut Judge<'_>, text: &str, place: &Place<'_>) -> Verdict {
    let seen = scan(text);
    if seen.mailbox {
        if mailbox::is_record(text) {
            return Err(place.refuse(&code::MAILBOX).found("a mailbox").required("no mailbox"));
        }
        match mailbox::find(text) {
            Some(mailbox::Kind::Personal) => judge.hold(&code::TEXT_MAILBOX, place),
            Some(mailbox::Kind::Role) => judge.flag(&code::TEXT_MAILBOX, place),
            None => {}
        }
    }
    if seen.digits {
        if number::is_phone(text) {
            return Err(place
                .refuse(&code::PHONE)
                .found("a phone number")
                .required("no phone number"));
        }
        if number::is_document(text) {
            return Err(place
                .refuse(&code::DOCUMENT)
                .found("a number of identity papers")
                .required("no such number"));
        }
        numbers(judge, text, place);
    }
    Ok(())
}

fn numbers(judge: &mut Judge<'_>, text: &str, place: &Place<'_>) {
    let found = number::find(text);
    match found.phone {
        number::Sure::Yes => judge.hold(&code::TEXT_PHONE, place),
        number::Sure::Perhaps => judge.flag(&code::TEXT_PHONE, place),
        number::Sure::No => {}
    }
    match found.document {
        number::Sure::Yes => judge.hold(&code::TEXT_DOCUMENT, place),
        number::Sure::Perhaps => judge.flag(&code::TEXT_DOCUMENT, place),
        number::Sure::No => {}
    }
}

/// What is worth a second look; one pass, so that clean text costs little.
pub(super) struct Seen {
    pub(super) mailbox: bool,
    pub(super) digits: bool,
    pub(super) url: bool,
}

/// Digits of the shortest number that is looked for.
const DIGITS_MIN: u32 = 6;

pub(super) fn scan(text: &str) -> Seen {
    let mut seen = Seen { mailbox: text.contains('@'), digits: false, url: false };
    let mut run = 0u32;
    let mut obfuscated = false;
    let mut previous = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                run += 1;
                seen.digits |= run >= DIGITS_MIN;
            }
            b' ' | b'-' | b'.' | b')' => {}
            b'(' | b'[' | b'%' | 0xEF => obfuscated = true,
            b':' => {
                seen.url = true;
                run = 0;
            }
            b'<' => seen.digits |= previous == b'<',
            _ => run = 0,
        }
        previous = byte;
    }
    seen.mailbox |= obfuscated && mailbox::has_other_sign(text);
    seen.url &= text.contains("://");
    seen
}
