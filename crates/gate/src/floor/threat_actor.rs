//! `threat-actor`: more than one person, by its own word; held where it does not say.

use comity_wire::json::{Object, Value};

use super::code;
use super::place::Place;
use super::walk::{Judge, Verdict};

/// The whole object: only here can the resource level be absent.
pub(super) fn object(judge: &mut Judge<'_>, object: &Object<'_>, place: &Place<'_>) -> Verdict {
    for (name, value) in object.iter() {
        field(name, value, &place.member(name))?;
    }
    let level = object.str("resource_level").unwrap_or("");
    if !matches!(level, "team" | "organization" | "government") {
        judge.hold(&code::ACTOR_LEVEL, &place.member("resource_level"));
    }
    Ok(())
}

/// One field, also where an extension adds it or a `language-content` translates it.
pub(super) fn field(name: &str, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    match name {
        "resource_level" => match value.as_str() {
            Some(level) if level.trim().eq_ignore_ascii_case("individual") => Err(place
                .refuse(&code::ACTOR_INDIVIDUAL)
                .found("the level of an individual")
                .required("`team`, `organization` or `government`")
                .hint(HINT)),
            _ => Ok(()),
        },
        "personal_motivations" => Err(place
            .refuse(&code::ACTOR_MOTIVATION)
            .found("personal motivations")
            .required("none")
            .hint(HINT)),
        "threat_actor_types" => types(value, place),
        _ => Ok(()),
    }
}

fn types(value: &Value<'_>, place: &Place<'_>) -> Verdict {
    if let Some(items) = value.as_array() {
        for (at, item) in items.iter().enumerate() {
            types(item, &place.index(at))?;
        }
    }
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    // Open vocabulary: `Insider_Disgruntled` and `cyber-activist` say the same as STIX's words.
    let class = if contains(text, "activist") {
        "a type for activists"
    } else if contains(text, "insider") {
        "a type for insiders"
    } else if contains(text, "terrorist") {
        "the type for terrorists"
    } else {
        return Ok(());
    };
    Err(place.refuse(&code::ACTOR_TYPE).found(class).required("another type, or none").hint(HINT))
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

const HINT: &str = "for a named intrusion activity use `intrusion-set`";
