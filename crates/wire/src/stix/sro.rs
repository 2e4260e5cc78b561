//! Relationships (STIX 2.1 §5).

use super::kind::Kind::{Bool, Integer, List, Ref, Text, Timestamp};
use super::kind::{Family, Form, Kind, Rule, Schema, Shape, Target, may, must, one};

/// Both of them.
pub static RELATIONSHIPS: &[Schema] = &[
    Schema {
        name: "relationship",
        family: Family::Relationship,
        shape: Shape {
            properties: &[
                must("relationship_type", Kind::Form(Form::RelationshipType)),
                may("description", Text),
                must("source_ref", Ref(Target::End)),
                must("target_ref", Ref(Target::End)),
                may("start_time", Timestamp),
                may("stop_time", Timestamp),
            ],
            rules: &[Rule::Earlier("start_time", "stop_time")],
        },
    },
    Schema {
        name: "sighting",
        family: Family::Relationship,
        shape: Shape {
            properties: &[
                may("description", Text),
                may("first_seen", Timestamp),
                may("last_seen", Timestamp),
                may("count", Integer(0, 999_999_999)),
                must("sighting_of_ref", Ref(Target::Domain)),
                may("observed_data_refs", List(&one(&["observed-data"]))),
                may("where_sighted_refs", List(&one(&["identity", "location"]))),
                may("summary", Bool),
            ],
            rules: &[Rule::NotLater("first_seen", "last_seen")],
        },
    },
];
