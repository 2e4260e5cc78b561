//! Domain objects (STIX 2.1 §4).

use super::common::{ANY_REFS, PHASES};
use super::kind::Kind::{Bool, Enum, Float, Integer, List, Ref, Text, Timestamp, Vocabulary};
use super::kind::{
    Family, Kind, Property, Rule, Schema, Shape, TEXTS, Target, WORDS, may, must, one, was,
};
use super::vocabulary::OPINION;

const fn domain(
    name: &'static str,
    properties: &'static [Property],
    rules: &'static [Rule],
) -> Schema {
    Schema { name, family: Family::Domain, shape: Shape { properties, rules } }
}

const SEEN: &[Rule] = &[Rule::NotLater("first_seen", "last_seen")];
const SOFTWARE: Kind = one(&["software"]);

/// All of them, by name.
pub static DOMAIN_OBJECTS: &[Schema] = &[
    domain(
        "attack-pattern",
        &[
            must("name", Text),
            may("description", Text),
            may("aliases", TEXTS),
            may("kill_chain_phases", PHASES),
        ],
        &[],
    ),
    domain(
        "campaign",
        &[
            must("name", Text),
            may("description", Text),
            may("aliases", TEXTS),
            may("first_seen", Timestamp),
            may("last_seen", Timestamp),
            may("objective", Text),
        ],
        SEEN,
    ),
    domain("course-of-action", &[must("name", Text), may("description", Text)], &[]),
    domain(
        "grouping",
        &[
            may("name", Text),
            may("description", Text),
            must("context", Vocabulary),
            must("object_refs", ANY_REFS),
        ],
        &[],
    ),
    domain(
        "identity",
        &[
            must("name", Text),
            may("description", Text),
            may("roles", TEXTS),
            may("identity_class", Vocabulary),
            may("sectors", WORDS),
            may("contact_information", Text),
        ],
        &[],
    ),
    domain("incident", &[must("name", Text), may("description", Text)], &[]),
    domain(
        "indicator",
        &[
            may("name", Text),
            may("description", Text),
            may("indicator_types", WORDS),
            must("pattern", Text),
            must("pattern_type", Vocabulary),
            may("pattern_version", Text),
            must("valid_from", Timestamp),
            may("valid_until", Timestamp),
            may("kill_chain_phases", PHASES),
        ],
        &[Rule::Earlier("valid_from", "valid_until")],
    ),
    domain(
        "infrastructure",
        &[
            must("name", Text),
            may("description", Text),
            may("infrastructure_types", WORDS),
            may("aliases", TEXTS),
            may("kill_chain_phases", PHASES),
            may("first_seen", Timestamp),
            may("last_seen", Timestamp),
        ],
        SEEN,
    ),
    domain(
        "intrusion-set",
        &[
            must("name", Text),
            may("description", Text),
            may("aliases", TEXTS),
            may("first_seen", Timestamp),
            may("last_seen", Timestamp),
            may("goals", TEXTS),
            may("resource_level", Vocabulary),
            may("primary_motivation", Vocabulary),
            may("secondary_motivations", WORDS),
        ],
        SEEN,
    ),
    domain(
        "location",
        &[
            may("name", Text),
            may("description", Text),
            may("latitude", Float(-90.0, 90.0)),
            may("longitude", Float(-180.0, 180.0)),
            may("precision", Float(0.0, f64::MAX)),
            may("region", Vocabulary),
            may("country", Text),
            may("administrative_area", Text),
            may("city", Text),
            may("street_address", Text),
            may("postal_code", Text),
        ],
        &[
            Rule::AnyOf(&["region", "country", "latitude"]),
            Rule::Needs("latitude", "longitude"),
            Rule::Needs("longitude", "latitude"),
            Rule::Needs("precision", "latitude"),
        ],
    ),
    domain(
        "malware",
        &[
            may("name", Text),
            may("description", Text),
            may("malware_types", WORDS),
            must("is_family", Bool),
            may("aliases", TEXTS),
            may("kill_chain_phases", PHASES),
            may("first_seen", Timestamp),
            may("last_seen", Timestamp),
            may("operating_system_refs", List(&SOFTWARE)),
            may("architecture_execution_envs", WORDS),
            may("implementation_languages", WORDS),
            may("capabilities", WORDS),
            may("sample_refs", List(&one(&["artifact", "file"]))),
        ],
        &[Rule::NotLater("first_seen", "last_seen"), Rule::NeedsWhen("is_family", true, "name")],
    ),
    domain(
        "malware-analysis",
        &[
            must("product", Text),
            may("version", Text),
            may("host_vm_ref", SOFTWARE),
            may("operating_system_ref", SOFTWARE),
            may("installed_software_refs", List(&SOFTWARE)),
            may("configuration_version", Text),
            may("modules", TEXTS),
            may("analysis_engine_version", Text),
            may("analysis_definition_version", Text),
            may("submitted", Timestamp),
            may("analysis_started", Timestamp),
            may("analysis_ended", Timestamp),
            may("result_name", Text),
            may("result", Vocabulary),
            may("analysis_sco_refs", List(&Ref(Target::Observable))),
            // The text speaks of files, traffic and artifacts; the published tools take any.
            may("sample_ref", Ref(Target::Observable)),
        ],
        &[
            Rule::AnyOf(&["result", "analysis_sco_refs"]),
            Rule::NotLater("analysis_started", "analysis_ended"),
        ],
    ),
    domain(
        "note",
        &[
            may("abstract", Text),
            must("content", Text),
            may("authors", TEXTS),
            must("object_refs", ANY_REFS),
        ],
        &[],
    ),
    domain(
        "observed-data",
        &[
            must("first_observed", Timestamp),
            must("last_observed", Timestamp),
            must("number_observed", Integer(1, 999_999_999)),
            was("objects", Kind::Dictionary(&Kind::Observed)),
            may("object_refs", List(&Ref(Target::ObservableOrRelationship))),
        ],
        &[
            Rule::AnyOf(&["objects", "object_refs"]),
            Rule::NotBoth("objects", "object_refs"),
            Rule::NotLater("first_observed", "last_observed"),
        ],
    ),
    domain(
        "opinion",
        &[
            may("explanation", Text),
            may("authors", TEXTS),
            must("opinion", Enum(OPINION)),
            must("object_refs", ANY_REFS),
        ],
        &[],
    ),
    domain(
        "report",
        &[
            must("name", Text),
            may("description", Text),
            may("report_types", WORDS),
            must("published", Timestamp),
            must("object_refs", ANY_REFS),
        ],
        &[],
    ),
    domain(
        "threat-actor",
        &[
            must("name", Text),
            may("description", Text),
            may("threat_actor_types", WORDS),
            may("aliases", TEXTS),
            may("first_seen", Timestamp),
            may("last_seen", Timestamp),
            may("roles", WORDS),
            may("goals", TEXTS),
            may("sophistication", Vocabulary),
            may("resource_level", Vocabulary),
            may("primary_motivation", Vocabulary),
            may("secondary_motivations", WORDS),
            may("personal_motivations", WORDS),
        ],
        SEEN,
    ),
    domain(
        "tool",
        &[
            must("name", Text),
            may("description", Text),
            may("tool_types", WORDS),
            may("aliases", TEXTS),
            may("kill_chain_phases", PHASES),
            may("tool_version", Text),
        ],
        &[],
    ),
    domain("vulnerability", &[must("name", Text), may("description", Text)], &[]),
];
