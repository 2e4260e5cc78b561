//! Meta objects (STIX 2.1 §7).

use super::common::CREATOR;
use super::kind::Kind::{Any, Dictionary, Enum, List, Ref, Text, Timestamp, Vocabulary};
use super::kind::{Family, Schema, Shape, TEXTS, Target, may, must};
use super::vocabulary::EXTENSION_TYPE;

/// All of them. A bundle is none: it carries objects and means nothing.
pub static META_OBJECTS: &[Schema] = &[
    Schema {
        name: "extension-definition",
        family: Family::Meta,
        shape: Shape {
            properties: &[
                must("created_by_ref", CREATOR),
                must("name", Text),
                may("description", Text),
                must("schema", Text),
                must("version", Text),
                must("extension_types", List(&Enum(EXTENSION_TYPE))),
                may("extension_properties", TEXTS),
            ],
            rules: &[],
        },
    },
    Schema {
        name: "language-content",
        family: Family::Meta,
        shape: Shape {
            properties: &[
                must("object_ref", Ref(Target::Any)),
                may("object_modified", Timestamp),
                must("contents", Dictionary(&Dictionary(&Any))),
            ],
            rules: &[],
        },
    },
    Schema {
        name: "marking-definition",
        family: Family::Marking,
        shape: Shape {
            properties: &[
                may("name", Text),
                may("definition_type", Vocabulary),
                may("definition", Any),
            ],
            rules: &[],
        },
    },
];
