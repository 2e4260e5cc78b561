//! The predefined extensions of cyber-observables (STIX 2.1 §6), by type and name.

use super::kind::Kind::{
    Any, Bool, Dictionary, Enum, Float, Hashes, List, Part, Text, Timestamp, Vocabulary,
};
use super::kind::{COUNT, HEX, INTEGER, Property, Rule, Shape, TEXTS, may, must, one};
use super::vocabulary::{
    ADDRESS_FAMILY, INTEGRITY_LEVEL, SERVICE_START, SERVICE_STATUS, SERVICE_TYPE, SOCKET_TYPE,
};

/// The shape of a predefined extension, `None` where the type has none of that name.
pub fn predefined(object_type: &str, name: &str) -> Option<&'static Shape> {
    PREDEFINED
        .iter()
        .find(|(owner, known, _)| *owner == object_type && *known == name)
        .map(|(_, _, shape)| shape)
}

/// Whether any type has a predefined extension of this name.
pub fn is_predefined_name(name: &str) -> bool {
    PREDEFINED.iter().any(|(_, known, _)| *known == name)
}

const fn any_of(properties: &'static [Property]) -> Shape {
    Shape { properties, rules: &[Rule::AnyProperty] }
}

const fn plain(properties: &'static [Property]) -> Shape {
    Shape { properties, rules: &[] }
}

static PREDEFINED: &[(&str, &str, Shape)] = &[
    (
        "file",
        "archive-ext",
        plain(&[must("contains_refs", List(&one(&["directory", "file"]))), may("comment", Text)]),
    ),
    (
        "file",
        "ntfs-ext",
        any_of(&[may("sid", Text), may("alternate_data_streams", List(&Part(&DATA_STREAM)))]),
    ),
    (
        "file",
        "pdf-ext",
        any_of(&[
            may("version", Text),
            may("is_optimized", Bool),
            may("document_info_dict", Dictionary(&Text)),
            may("pdfid0", Text),
            may("pdfid1", Text),
        ]),
    ),
    (
        "file",
        "raster-image-ext",
        any_of(&[
            may("image_height", INTEGER),
            may("image_width", INTEGER),
            may("bits_per_pixel", INTEGER),
            may("exif_tags", Dictionary(&Any)),
        ]),
    ),
    (
        "file",
        "windows-pebinary-ext",
        plain(&[
            must("pe_type", Vocabulary),
            may("imphash", Text),
            may("machine_hex", HEX),
            may("number_of_sections", COUNT),
            may("time_date_stamp", Timestamp),
            may("pointer_to_symbol_table_hex", HEX),
            may("number_of_symbols", COUNT),
            may("size_of_optional_header", COUNT),
            may("characteristics_hex", HEX),
            may("file_header_hashes", Hashes),
            may("optional_header", Part(&OPTIONAL_HEADER)),
            may("sections", List(&Part(&SECTION))),
        ]),
    ),
    (
        "network-traffic",
        "http-request-ext",
        plain(&[
            must("request_method", Text),
            must("request_value", Text),
            may("request_version", Text),
            may("request_header", Dictionary(&TEXTS)),
            may("message_body_length", COUNT),
            may("message_body_data_ref", one(&["artifact"])),
        ]),
    ),
    (
        "network-traffic",
        "icmp-ext",
        plain(&[must("icmp_type_hex", HEX), must("icmp_code_hex", HEX)]),
    ),
    (
        "network-traffic",
        "socket-ext",
        plain(&[
            must("address_family", Enum(ADDRESS_FAMILY)),
            may("is_blocking", Bool),
            may("is_listening", Bool),
            may("options", Dictionary(&INTEGER)),
            may("socket_type", Enum(SOCKET_TYPE)),
            may("socket_descriptor", COUNT),
            may("socket_handle", INTEGER),
        ]),
    ),
    ("network-traffic", "tcp-ext", any_of(&[may("src_flags_hex", HEX), may("dst_flags_hex", HEX)])),
    (
        "process",
        "windows-process-ext",
        any_of(&[
            may("aslr_enabled", Bool),
            may("dep_enabled", Bool),
            may("priority", Text),
            may("owner_sid", Text),
            may("window_title", Text),
            may("startup_info", Dictionary(&Any)),
            may("integrity_level", Enum(INTEGRITY_LEVEL)),
        ]),
    ),
    (
        "process",
        "windows-service-ext",
        any_of(&[
            may("service_name", Text),
            may("descriptions", TEXTS),
            may("display_name", Text),
            may("group_name", Text),
            may("start_type", Enum(SERVICE_START)),
            may("service_dll_refs", List(&one(&["file"]))),
            may("service_type", Enum(SERVICE_TYPE)),
            may("service_status", Enum(SERVICE_STATUS)),
        ]),
    ),
    (
        "user-account",
        "unix-account-ext",
        any_of(&[
            may("gid", INTEGER),
            may("groups", TEXTS),
            may("home_dir", Text),
            may("shell", Text),
        ]),
    ),
];

static DATA_STREAM: Shape = plain(&[must("name", Text), may("hashes", Hashes), may("size", COUNT)]);

static SECTION: Shape = plain(&[
    must("name", Text),
    may("size", COUNT),
    may("entropy", Float(f64::MIN, f64::MAX)),
    may("hashes", Hashes),
]);

static OPTIONAL_HEADER: Shape = any_of(&[
    may("magic_hex", HEX),
    may("major_linker_version", INTEGER),
    may("minor_linker_version", INTEGER),
    may("size_of_code", COUNT),
    may("size_of_initialized_data", COUNT),
    may("size_of_uninitialized_data", COUNT),
    may("address_of_entry_point", INTEGER),
    may("base_of_code", INTEGER),
    may("base_of_data", INTEGER),
    may("image_base", INTEGER),
    may("section_alignment", INTEGER),
    may("file_alignment", INTEGER),
    may("major_os_version", INTEGER),
    may("minor_os_version", INTEGER),
    may("major_image_version", INTEGER),
    may("minor_image_version", INTEGER),
    may("major_subsystem_version", INTEGER),
    may("minor_subsystem_version", INTEGER),
    may("win32_version_value_hex", HEX),
    may("size_of_image", COUNT),
    may("size_of_headers", COUNT),
    may("checksum_hex", HEX),
    may("subsystem_hex", HEX),
    may("dll_characteristics_hex", HEX),
    may("size_of_stack_reserve", COUNT),
    may("size_of_stack_commit", COUNT),
    may("size_of_heap_reserve", COUNT),
    may("size_of_heap_commit", COUNT),
    may("loader_flags_hex", HEX),
    may("number_of_rva_and_sizes", INTEGER),
    may("hashes", Hashes),
]);
