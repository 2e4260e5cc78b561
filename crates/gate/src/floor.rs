//! The person floor: no record about a natural person. Compiled in; a charter may only tighten.
//!
//! An allow-list that walks every object, property, reference, pattern, extension and string
//! (`walk`). What it finds ends in one of four verdicts: admitted; refused, for what an object
//! *is*; held, until a releaser attests that no record about a person is in it; flagged. Text is
//! never refused for its words.
//!
//! | concern | module |
//! |---|---|
//! | identities, threat actors | `identity`, `threat_actor` |
//! | references and what a relationship says | `reference` |
//! | observables, one file a family | `observable` |
//! | patterns of STIX and of other languages | `pattern` |
//! | names of properties | `property` |
//! | custom types, MISP objects | `custom` |
//! | extensions, translations | `extension`, `language_content` |
//! | mailboxes and numbers in text | `text` |
//! | credits of authorship | `credits` |
//! | searches | `query` |
//! | references to what a bundle lost | `dangling` |
//!
//! What no rule here can see: a name in free text or in the name of a group, and what parties tell
//! each other elsewhere. `docs/reference/person-floor.md` says so.
//!
//! **Invariants.** A verdict depends on the object and on the charter, on nothing else. A refusal,
//! a flag and a hold name place and class, never a value. A clean object costs no allocation, its
//! patterns apart.

mod code;
mod credits;
mod custom;
mod dangling;
mod extension;
mod identity;
mod known;
mod language_content;
mod observable;
mod pattern;
mod place;
mod property;
mod query;
mod reference;
mod text;
mod threat_actor;
mod walk;

pub use dangling::mark_dangling;
pub use query::query_refused;

use comity_wire::json::Object;

use crate::refusal::{Code, Refusal};
use crate::{Facts, Findings};

/// The version of these rules; a charter pins it. It grows when any verdict changes.
pub const FLOOR_VERSION: u32 = 1;

/// Days that an indicator for a URL, a domain, an address or a mailbox may live: six months.
pub const EXPIRY_DAYS_MAX: u32 = 183;

/// All codes of the floor, for the reference page.
pub static CODES: &[&Code] = code::ALL;

pub(crate) fn check(
    object: &Object<'_>,
    facts: &Facts,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let mut judge = walk::Judge { facts, findings };
    judge.object(object, &place::Place::Root)
}
