//! Is it STIX 2.1? The MUSTs that bind an object, one file a check. The tables of types stand in
//! `comity_wire::stix`; `docs/reference/stix.md` says line by line what is refused or flagged.
//!
//! What is custom is not judged beyond its name and the absence of null: the MUSTs of STIX bind
//! the properties that STIX defines.

mod at;
mod extensions;
mod granular;
mod hashes;
pub mod head;
mod ids;
mod language;
pub mod lifecycle;
mod marking;
mod pattern;
mod references;
mod refs;
mod relationship;
mod schema;
mod times;
mod value;
mod vocabulary;

use comity_wire::json::Object;
use comity_wire::stix;
use comity_wire::stix::kind::{Family, Schema};

use crate::admitted::Flag;
use crate::refusal::{Code, Refusal};
use crate::{Facts, Findings};
pub(crate) use at::At;
use extensions::Added;

/// All codes of these checks, for the reference page.
pub static CODES: &[&Code] = &[
    &TOO_LARGE,
    &NOT_AN_OBJECT,
    &NOT_JSON,
    &head::ID_MALFORMED,
    &head::TYPE_MALFORMED,
    &head::CARRIER,
    &head::SPEC_VERSION,
    &schema::MISSING,
    &schema::CLASS,
    &schema::FORM,
    &schema::RANGE,
    &schema::NULL,
    &schema::EMPTY,
    &schema::KEY,
    &schema::NAME,
    &schema::RESERVED,
    &schema::NONE_OF,
    &schema::EXCLUDED,
    &schema::DEPENDS,
    &schema::CUSTOM,
    &schema::DEPRECATED,
    &schema::CHARSET,
    &times::TIMESTAMP,
    &times::ORDER,
    &refs::REFERENCE,
    &refs::TARGET,
    &refs::CREATOR,
    &relationship::UNUSUAL,
    &references::EXTERNAL_ID,
    &hashes::HASH,
    &hashes::HASH_UNKNOWN,
    &vocabulary::ENUM,
    &vocabulary::WORD,
    &ids::VERSION,
    &ids::DIFFERS,
    &language::CONTENTS,
    &marking::CONTENT,
    &marking::TLP,
    &marking::TLP_SPELLING,
    &marking::CIRCULAR,
    &marking::OTHER_TYPE,
    &granular::SELECTOR,
    &granular::TOO_MANY,
    &granular::UNRESOLVED,
    &extensions::KEY,
    &extensions::CONTENT,
    &extensions::PROPERTIES,
    &extensions::UNREGISTERED_EXTENSION,
    &extensions::UNREGISTERED_TYPE,
    &pattern::MALFORMED,
    &pattern::NAMES,
    &pattern::NEVER,
    &lifecycle::CREATED_CHANGED,
    &lifecycle::CREATOR_CHANGED,
    &lifecycle::REVOKED,
    &lifecycle::OVERTAKEN,
];

pub(crate) static TOO_LARGE: Code = Code {
    id: "object-too-large",
    meaning: "the object is larger than a node takes",
    source: "limits: OBJECT_BYTES_MAX",
};
pub(crate) static NOT_AN_OBJECT: Code =
    Code { id: "not-an-object", meaning: "a STIX object is a JSON object", source: "STIX 2.1 §3" };
pub(crate) static NOT_JSON: Code =
    Code { id: "not-json", meaning: "the text is not JSON as STIX asks for it", source: "S012" };

/// What the checks of one object share.
pub(crate) struct Check<'o> {
    object: &'o Object<'o>,
    object_type: &'o str,
    schema: Option<&'static Schema>,
    family: Family,
    facts: &'o Facts,
    added: Added,
    /// Whether an observable inside observed-data is being judged.
    embedded: bool,
    flags: &'o mut Vec<Flag>,
}

/// Judges an object whose head is good.
pub(crate) fn check(
    object: &Object<'_>,
    facts: &Facts,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let object_type = object.str("type").unwrap_or_default();
    let schema = stix::schema(object_type);
    let added = extensions::added(object);
    let mut check = Check {
        object,
        object_type,
        schema,
        family: family(schema, added),
        facts,
        added,
        embedded: false,
        flags: &mut findings.flags,
    };
    check.whole()
}

/// The family of a type. A custom type is a domain object unless its extension says otherwise.
fn family(schema: Option<&Schema>, added: Added) -> Family {
    match schema {
        Some(schema) => schema.family,
        None if added.observable => Family::Observable,
        None if added.relationship => Family::Relationship,
        None => Family::Domain,
    }
}

impl Check<'_> {
    fn whole(&mut self) -> Result<(), Refusal> {
        self.object()?;
        self.modified_not_before_created()?;
        self.observable_id()?;
        self.custom_type()?;
        self.granular_markings()?;
        match self.object_type {
            "relationship" => self.suggested_relationship(),
            "indicator" => self.indicator_pattern()?,
            "marking-definition" => self.marking_definition()?,
            "language-content" => self.language_content()?,
            "extension-definition" => self.extension_definition()?,
            _ => {}
        }
        self.not_marked_by_itself()
    }

    /// Notes something that is no reason to refuse: the first place of each code, so that a
    /// hostile object cannot fill a page.
    fn flag(&mut self, code: &'static Code, at: &At<'_>) {
        if !self.flags.iter().any(|flag| std::ptr::eq(flag.code, code)) {
            let path = at.path();
            self.flags.push(Flag { code, path });
        }
    }
}
