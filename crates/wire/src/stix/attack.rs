//! What MITRE ATT&CK adds to STIX: types and properties of the ATT&CK specification 3.3.0. They
//! are registered everywhere, since there is hardly a body that does not share them.

/// The types that ATT&CK adds, sorted.
const TYPES: [&str; 8] = [
    "x-mitre-analytic",
    "x-mitre-asset",
    "x-mitre-collection",
    "x-mitre-data-component",
    "x-mitre-data-source",
    "x-mitre-detection-strategy",
    "x-mitre-matrix",
    "x-mitre-tactic",
];

/// The properties that ATT&CK adds to these and to types of the standard, without `x_mitre_`,
/// sorted. Those that older releases had are among them.
const PROPERTIES: [&str; 36] = [
    "aliases",
    "analytic_refs",
    "attack_spec_version",
    "collection_layers",
    "contents",
    "contributors",
    "data_source_ref",
    "data_sources",
    "defense_bypassed",
    "deprecated",
    "detection",
    "domains",
    "effective_permissions",
    "first_seen_citation",
    "impact_type",
    "is_subtechnique",
    "last_seen_citation",
    "log_source_references",
    "log_sources",
    "modified_by_ref",
    "mutable_elements",
    "network_requirements",
    "old_attack_id",
    "permissions_required",
    "platforms",
    "related_assets",
    "remote_support",
    "sectors",
    "shortname",
    "system_requirements",
    "tactic_refs",
    "tactic_type",
    "techniques",
    "technique_refs",
    "variants",
    "version",
];

/// Whether ATT&CK adds this type.
pub fn is_type(name: &str) -> bool {
    TYPES.binary_search(&name).is_ok()
}

/// Whether ATT&CK adds this property.
pub fn is_property(name: &str) -> bool {
    name.strip_prefix("x_mitre_").is_some_and(|rest| PROPERTIES.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s058_what_attack_adds_is_known_and_nothing_like_it() {
        assert!(TYPES.is_sorted());
        assert!(is_type("x-mitre-tactic") && !is_type("x-mitre-person"));
        assert!(is_property("x_mitre_platforms"));
        assert!(!is_property("x_mitre_nationality") && !is_property("platforms"));
    }
}
