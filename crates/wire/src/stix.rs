//! STIX 2.1: what the standard says, as data. Whether an object keeps to it is the gate's question.
//!
//! | what | module |
//! |---|---|
//! | types, properties, rules | [`sdo`], [`sro`], [`sco`], [`meta`], [`common`], by [`kind`] |
//! | predefined extensions | [`extension`] |
//! | forms of strings, hashes | [`form`], [`hash`] |
//! | relationships that are suggested | [`relationship`] |
//! | patterns | [`pattern`] |
//! | traffic light markings, permissible actions | [`marking`], [`pap`] |
//! | identifiers of observables | [`observable_id`] |
//! | bundles and envelopes | [`bundle`] |

pub mod attack;
pub mod bundle;
pub mod common;
pub mod extension;
pub mod form;
pub mod hash;
pub mod kind;
pub mod marking;
pub mod meta;
pub mod observable_id;
pub mod pap;
pub mod pattern;
pub mod relationship;
pub mod sco;
pub mod sdo;
pub mod sro;
pub mod vocabulary;

use kind::Schema;

/// The table of a type; `None` for a custom one.
pub fn schema(object_type: &str) -> Option<&'static Schema> {
    // Relationships first: they are most of what is shared.
    [sro::RELATIONSHIPS, sdo::DOMAIN_OBJECTS, sco::OBSERVABLES, meta::META_OBJECTS]
        .into_iter()
        .flatten()
        .find(|schema| schema.name == object_type)
}

/// Whether a text is base64 with its padding (RFC 4648 §4, S007). Nothing is decoded.
pub fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('='));
    let digits = digits.unwrap_or(text);
    text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
