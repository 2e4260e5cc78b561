//! The properties that whole families of types share (STIX 2.1 §3.2, S015), and their parts.

use super::kind::Kind::{
    Bool, Extensions, Granular, Hashes, Integer, List, Part, Ref, Text, Timestamp, Vocabulary,
};
use super::kind::{Family, Form, Kind, Property, Rule, Shape, TEXTS, Target, may, must, one};

pub(crate) const CREATOR: Kind = Ref(Target::Creator);
pub(crate) const MARKINGS: Kind = List(&one(&["marking-definition"]));
pub(crate) const PHASES: Kind = List(&Part(&KILL_CHAIN_PHASE));
pub(crate) const REFERENCES: Kind = List(&Part(&EXTERNAL_REFERENCE));

/// The common properties of a family.
pub fn common(family: Family) -> &'static [Property] {
    match family {
        Family::Domain | Family::Relationship => OBJECT,
        Family::Observable => OBSERVABLE,
        Family::Meta => META,
        Family::Marking => MARKING,
    }
}

const OBJECT: &[Property] = &[
    must("type", Text),
    must("spec_version", Text),
    must("id", Text),
    must("created", Timestamp),
    must("modified", Timestamp),
    may("created_by_ref", CREATOR),
    may("revoked", Bool),
    may("labels", TEXTS),
    may("confidence", Integer(0, 100)),
    may("lang", Kind::Form(Form::Language)),
    may("external_references", REFERENCES),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", Granular),
    may("extensions", Extensions),
];

const OBSERVABLE: &[Property] = &[
    must("type", Text),
    may("spec_version", Text),
    must("id", Text),
    may("defanged", Bool),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", Granular),
    may("extensions", Extensions),
];

const META: &[Property] = &[
    must("type", Text),
    must("spec_version", Text),
    must("id", Text),
    must("created", Timestamp),
    must("modified", Timestamp),
    may("created_by_ref", CREATOR),
    may("revoked", Bool),
    may("labels", TEXTS),
    may("confidence", Integer(0, 100)),
    may("external_references", REFERENCES),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", Granular),
    may("extensions", Extensions),
];

const MARKING: &[Property] = &[
    must("type", Text),
    must("spec_version", Text),
    must("id", Text),
    must("created", Timestamp),
    may("created_by_ref", CREATOR),
    may("external_references", REFERENCES),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", Granular),
    may("extensions", Extensions),
];

/// §2.5
pub static EXTERNAL_REFERENCE: Shape = Shape {
    properties: &[
        must("source_name", Text),
        may("description", Text),
        may("url", Kind::Form(Form::Url)),
        may("hashes", Hashes),
        may("external_id", Text),
    ],
    rules: &[Rule::AnyOf(&["description", "url", "external_id"])],
};

/// §2.11
pub static KILL_CHAIN_PHASE: Shape = Shape {
    properties: &[must("kill_chain_name", Vocabulary), must("phase_name", Vocabulary)],
    rules: &[],
};

/// §7.2.3
pub static GRANULAR_MARKING: Shape = Shape {
    properties: &[
        must("selectors", TEXTS),
        may("marking_ref", one(&["marking-definition"])),
        may("lang", Kind::Form(Form::Language)),
    ],
    rules: &[Rule::AnyOf(&["marking_ref", "lang"]), Rule::NotBoth("marking_ref", "lang")],
};

/// Names that the standard keeps for itself and gives no meaning: no object may carry them.
pub const RESERVED_PROPERTIES: &[&str] = &["action", "phone_numbers", "severity", "username"];

/// A type name that the standard keeps for itself.
pub const RESERVED_TYPES: &[&str] = &["action"];

pub(crate) const ANY_REFS: Kind = List(&Ref(Target::Any));
