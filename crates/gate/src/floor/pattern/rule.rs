//! Sigma, YARA, Snort, Suricata, PCRE, SPL and whatever else: scanned line by line.
//!
//! The scan cannot show that a comparison is exact, so the leave that a charter may give for the
//! attacker's own mailbox reaches only patterns of STIX.

use super::super::observable::url;
use super::super::place::Place;
use super::super::text::{mailbox, number};
use super::super::walk::{Judge, Verdict};
use super::super::{EXPIRY_DAYS_MAX, code, property};
use super::account;

/// What the lines of a list belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Credits,
    Accounts,
    Other,
}

/// Judges a rule of any language.
pub(super) fn judge(
    judge: &mut Judge<'_>,
    language: &str,
    text: &str,
    place: &Place<'_>,
) -> Verdict {
    if matches!(language, "snort" | "suricata") || text.contains("://") || has_address(text) {
        judge.findings.expiry_days_max = Some(EXPIRY_DAYS_MAX);
    }
    let mut list = List::Other;
    for line in text.split(['\n', ';']) {
        let item = line.trim_start();
        if !item.starts_with("- ") {
            list = list_of(item);
        } else if list == List::Accounts && account::is_persons(item.trim_start_matches("- ")) {
            return Err(account_refusal(place, "an account"));
        }
        self::line(judge, line, list == List::Credits, place)?;
    }
    Ok(())
}

fn line(judge: &mut Judge<'_>, line: &str, is_credit: bool, place: &Place<'_>) -> Verdict {
    if mailbox::find(line).is_some() {
        if !is_credit {
            return Err(place
                .refuse(&code::PATTERN_MAILBOX)
                .found("a mailbox in a rule")
                .required("no mailbox")
                .hint("a charter can admit an attacker's mailbox in a STIX pattern only"));
        }
        // Who wrote the rule may stand under it; whether that is what stands here, a person says.
        judge.hold(&code::TEXT_MAILBOX, place);
    }
    if is_credit {
        return Ok(());
    }
    if url::names_account(line) {
        return Err(account_refusal(place, "the address of a profile"));
    }
    if account::in_line(line) {
        return Err(account_refusal(place, "an account"));
    }
    if let Some(subject) = key(line).and_then(property::subject) {
        let is_sensitive = std::ptr::eq(subject.code, &raw const code::SENSITIVE_FIELD);
        if is_sensitive || std::ptr::eq(subject.code, &raw const code::PERSON_FIELD) {
            return Err(property::refusal(subject, place));
        }
    }
    let found = number::find(line);
    if found.phone == number::Sure::Yes {
        judge.hold(&code::TEXT_PHONE, place);
    }
    if found.document == number::Sure::Yes {
        judge.hold(&code::TEXT_DOCUMENT, place);
    }
    Ok(())
}

fn account_refusal(place: &Place<'_>, found: &'static str) -> crate::Refusal {
    place
        .refuse(&code::PATTERN_ACCOUNT)
        .found(found)
        .required("built-in accounts such as `root` or `SYSTEM`")
        .hint("a charter can admit an attacker's account in a STIX pattern only")
}

/// What the list behind a line holds.
fn list_of(line: &str) -> List {
    let Some(key) = key(line) else {
        return List::Other;
    };
    if ["author", "authors", "reference", "references"]
        .iter()
        .any(|known| key.eq_ignore_ascii_case(known))
    {
        List::Credits
    } else if account::is_field(key) {
        List::Accounts
    } else {
        List::Other
    }
}

/// `key` of `key: value`, `key = value` and `key|contains: value`.
fn key(line: &str) -> Option<&str> {
    let end = line.find([':', '='])?;
    let key = line.get(..end)?.split('|').next()?;
    let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\'']);
    let plain =
        key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (plain && !key.is_empty()).then_some(key)
}

/// Whether a text holds an IPv4 address.
fn has_address(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').any(|part| {
        part.split('.').count() == 4 && part.split('.').all(|octet| octet.parse::<u8>().is_ok())
    })
}
