//! The property names of STIX 2.1 and of ATT&CK. They were read one by one: none of them is named
//! for what the floor keeps out, so that the walk need not take them apart, and all may be shown.

use std::sync::LazyLock;

use hashbrown::HashSet;

use super::property;

/// Whether a name is one of them. Asked for each member of each object.
pub(super) fn is_name(name: &str) -> bool {
    static SET: LazyLock<HashSet<&str>> = LazyLock::new(|| NAMES.iter().copied().collect());
    SET.contains(name)
}

/// Whether a word may be written down: one of these names has it, or this floor itself.
pub(super) fn is_word(word: &str) -> bool {
    let mut known = NAMES.iter().flat_map(|name| name.split(['_', '-']));
    known.any(|known| known.eq_ignore_ascii_case(word)) || property::is_own_word(word)
}

/// Whether a name is the id of an extension's definition.
pub(super) fn is_extension_id(name: &str) -> bool {
    comity_wire::id::Id::parse(name).is_some_and(|id| id.object_type == "extension-definition")
}

#[rustfmt::skip]
static NAMES: &[&str] = &[
    "abstract", "access_type", "account_created", "account_expires", "account_first_login",
    "account_last_login", "account_login", "account_type", "additional_header_fields",
    "address_family", "address_of_entry_point", "administrative_area", "aggregation", "alias",
    "aliases", "aliases_refs", "alternate_data_streams", "analysis_definition_version",
    "analysis_ended", "analysis_engine_version", "analysis_sco_refs", "analysis_started",
    "architecture_execution_envs", "archive-ext", "arguments", "aslr_enabled", "asn", "atime",
    "authors", "av_result_refs", "base_of_code", "base_of_data", "bcc_refs", "belongs_to_ref",
    "belongs_to_refs", "bits_per_pixel", "block", "body", "body_multipart", "body_raw_ref",
    "can_escalate_privs", "capabilities", "cc_refs", "channel", "characteristics_hex",
    "checksum_hex", "child_refs", "city", "command_line", "comment_ref", "confidence",
    "configuration_version", "contact_information", "contains_refs", "content",
    "content_disposition", "content_ref", "content_type", "contents", "context", "country",
    "cpe", "created", "created_by_ref", "created_time", "creator_user_ref", "credential",
    "credential_last_changed", "ctime", "cwd", "data", "data_type", "date", "decryption_key",
    "defanged", "definition", "definition_type", "dep_enabled", "description", "descriptions",
    "disabled", "display_name", "dll_characteristics_hex", "document_info_dict",
    "domain_name_ref", "dst_byte_count", "dst_flags_hex", "dst_packets", "dst_payload_ref",
    "dst_port", "dst_ref", "dynamic_analysis_refs", "encapsulated_by_ref", "encapsulates_refs",
    "encryption_algorithm", "end", "entropy", "environment_variables", "exif_tags",
    "explanation", "extension_properties", "extension_type", "extension_types", "extensions",
    "external_id", "external_references", "field", "file_alignment", "file_header_hashes",
    "first_observed", "first_seen", "from_ref", "gid", "goals", "granular_markings",
    "group_name", "groups", "hashes", "home_dir", "host_vm_ref", "http-request-ext", "icmp-ext",
    "icmp_code_hex", "icmp_type_hex", "id", "identity_class", "image_base", "image_height",
    "image_ref", "image_refs", "image_width", "implementation_languages", "indicator_types",
    "infrastructure_types", "installed_software_refs", "integrity_level", "ipfix", "is_active",
    "is_blocking", "is_disabled", "is_encrypted", "is_family", "is_hidden", "is_listening",
    "is_multipart", "is_named", "is_optional", "is_privileged", "is_self_signed",
    "is_service_account", "issuer", "key", "kill_chain_name", "kill_chain_phases", "lang",
    "languages", "last_observed", "last_seen", "latitude", "loader_flags_hex", "longitude",
    "machine_hex", "magic_hex", "magic_number_hex", "major_image_version",
    "major_linker_version", "major_os_version", "major_subsystem_version", "malware_types",
    "marking_ref", "message_body_data_ref", "message_body_length", "message_id", "mime_type",
    "minor_image_version", "minor_linker_version", "minor_os_version", "minor_subsystem_version",
    "modified", "modified_time", "modules", "mtime", "name", "name_enc", "ntfs-ext", "number",
    "number_observed", "number_of_rva_and_sizes", "number_of_sections", "number_of_subkeys",
    "number_of_symbols", "object", "object_marking_refs", "object_modified", "object_ref",
    "object_refs", "objective", "objects", "observed_data_refs", "opened_connection_refs",
    "operating_system_ref", "operating_system_refs", "opinion", "optional_header", "options",
    "owner_sid", "parent_directory_ref", "parent_ref", "path", "path_enc", "pattern",
    "pattern_type", "pattern_version", "payload_bin", "pdf-ext", "pdfid0", "pdfid1", "pe_type",
    "personal_motivations", "phase_name", "pid", "pointer_to_symbol_table_hex", "postal_code",
    "precision", "primary_motivation", "priority", "product", "protocols", "published", "rank",
    "raster-image-ext", "raw_email_ref", "received_lines", "region", "related_asset_sectors",
    "relationship_type", "report_types", "request_header", "request_method", "request_value",
    "request_version", "resolves_to_refs", "resource_level", "result", "result_name", "revoked",
    "rir", "roles", "sample_ref", "sample_refs", "schema", "secondary_motivations",
    "section_alignment", "sections", "sectors", "selectors", "sender_ref", "serial_number",
    "service_dll_refs", "service_name", "service_status", "service_type", "shell", "sid",
    "sighting_of_ref", "signature_algorithm", "size", "size_of_code", "size_of_headers",
    "size_of_heap_commit", "size_of_heap_reserve", "size_of_image", "size_of_initialized_data",
    "size_of_optional_header", "size_of_stack_commit", "size_of_stack_reserve",
    "size_of_uninitialized_data", "socket-ext", "socket_descriptor", "socket_handle",
    "socket_type", "sophistication", "source_name", "source_ref", "spec_version",
    "src_byte_count", "src_flags_hex", "src_packets", "src_payload_ref", "src_port", "src_ref",
    "start", "start_time", "start_type", "startup_info", "statement", "static_analysis_refs",
    "stop_time", "street_address", "subject", "subject_public_key_algorithm", "submitted",
    "subsystem_hex", "summary", "swid", "tactic_refs", "target_ref", "tcp-ext",
    "threat_actor_types", "time_date_stamp", "tlp", "tlp_2_0", "to_refs", "tool_types",
    "tool_version", "type", "unix-account-ext", "url", "user_id", "valid_from", "valid_until",
    "validity_not_after", "validity_not_before", "value", "values", "vendor", "version",
    "where_sighted_refs", "win32_version_value_hex", "window_title", "windows-pebinary-ext",
    "windows-process-ext", "windows-service-ext", "x509_v3_extensions", "x_mitre_aliases",
    "x_mitre_analytic_refs", "x_mitre_attack_spec_version", "x_mitre_collection_layers",
    "x_mitre_contents", "x_mitre_contributors", "x_mitre_data_component_ref",
    "x_mitre_data_source_ref", "x_mitre_data_sources", "x_mitre_defense_bypassed",
    "x_mitre_deprecated", "x_mitre_detection", "x_mitre_domains",
    "x_mitre_effective_permissions", "x_mitre_first_seen_citation", "x_mitre_impact_type",
    "x_mitre_is_subtechnique", "x_mitre_last_seen_citation", "x_mitre_log_source_references",
    "x_mitre_log_sources", "x_mitre_modified_by_ref", "x_mitre_mutable_elements",
    "x_mitre_network_requirements", "x_mitre_old_attack_id", "x_mitre_permissions_required",
    "x_mitre_platforms", "x_mitre_related_assets", "x_mitre_remote_support", "x_mitre_sectors",
    "x_mitre_shortname", "x_mitre_system_requirements", "x_mitre_tactic_type", "x_mitre_version",
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_names_are_sorted() {
        assert!(super::NAMES.is_sorted());
    }
}
