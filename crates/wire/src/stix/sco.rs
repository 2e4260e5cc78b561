//! Cyber-observables (STIX 2.1 §6). Their predefined extensions are in [`super::extension`].

use super::kind::Form::{
    Base64, Charset, Cpe, Email, Ipv4, Ipv6, Language, Mac, Mime, NotEmpty, RegistryKey, Url,
};
use super::kind::Kind::{
    Any, Bool, Dictionary, Enum, Form, Hashes, Integer, List, Part, Ref, Text, Timestamp,
    Vocabulary,
};
use super::kind::{
    COUNT, Family, HEX, INTEGER, Kind, Property, Rule, Schema, Shape, TEXTS, Target, may, must,
    one, was,
};
use super::vocabulary::{ENCRYPTION_ALGORITHM, REGISTRY_DATATYPE};

const fn observable(
    name: &'static str,
    properties: &'static [Property],
    rules: &'static [Rule],
) -> Schema {
    Schema { name, family: Family::Observable, shape: Shape { properties, rules } }
}

const PORT: Kind = Integer(0, 65_535);
const ADDRESS: Kind = one(&["domain-name", "ipv4-addr", "ipv6-addr", "mac-addr"]);
const MAILBOX: Kind = one(&["email-addr"]);
const MAILBOXES: Kind = List(&MAILBOX);
const ARTIFACT: Kind = one(&["artifact"]);
const ACCOUNT: Kind = one(&["user-account"]);
const TRAFFIC: Kind = one(&["network-traffic"]);

/// All of them, by name.
pub static OBSERVABLES: &[Schema] = &[
    observable(
        "artifact",
        &[
            may("mime_type", Form(Mime)),
            may("payload_bin", Form(Base64)),
            may("url", Form(Url)),
            may("hashes", Hashes),
            may("encryption_algorithm", Enum(ENCRYPTION_ALGORITHM)),
            may("decryption_key", Text),
        ],
        &[
            Rule::AnyOf(&["payload_bin", "url"]),
            Rule::NotBoth("payload_bin", "url"),
            Rule::Needs("url", "hashes"),
            Rule::Needs("decryption_key", "encryption_algorithm"),
        ],
    ),
    observable(
        "autonomous-system",
        &[must("number", COUNT), may("name", Text), may("rir", Text)],
        &[],
    ),
    observable(
        "directory",
        &[
            must("path", Text),
            may("path_enc", Form(Charset)),
            may("ctime", Timestamp),
            may("mtime", Timestamp),
            may("atime", Timestamp),
            may("contains_refs", List(&one(&["file", "directory"]))),
        ],
        &[],
    ),
    observable(
        "domain-name",
        &[
            must("value", Form(NotEmpty)),
            was("resolves_to_refs", List(&one(&["domain-name", "ipv4-addr", "ipv6-addr"]))),
        ],
        &[],
    ),
    observable(
        "email-addr",
        &[must("value", Form(Email)), may("display_name", Text), may("belongs_to_ref", ACCOUNT)],
        &[],
    ),
    observable(
        "email-message",
        &[
            must("is_multipart", Bool),
            may("date", Timestamp),
            may("content_type", Text),
            may("from_ref", MAILBOX),
            may("sender_ref", MAILBOX),
            may("to_refs", MAILBOXES),
            may("cc_refs", MAILBOXES),
            may("bcc_refs", MAILBOXES),
            may("message_id", Text),
            may("subject", Text),
            may("received_lines", TEXTS),
            may("additional_header_fields", Dictionary(&Any)),
            may("body", Text),
            may("body_multipart", List(&Part(&MIME_PART))),
            may("raw_email_ref", ARTIFACT),
        ],
        &[
            Rule::NotWhen("is_multipart", true, "body"),
            Rule::NotWhen("is_multipart", false, "body_multipart"),
        ],
    ),
    observable(
        "file",
        &[
            may("hashes", Hashes),
            may("size", COUNT),
            may("name", Text),
            may("name_enc", Form(Charset)),
            may("magic_number_hex", HEX),
            may("mime_type", Form(Mime)),
            may("ctime", Timestamp),
            may("mtime", Timestamp),
            may("atime", Timestamp),
            may("parent_directory_ref", one(&["directory"])),
            may("contains_refs", List(&Ref(Target::Observable))),
            may("content_ref", ARTIFACT),
        ],
        &[Rule::AnyOf(&["hashes", "name"])],
    ),
    observable(
        "ipv4-addr",
        &[
            must("value", Form(Ipv4)),
            was("resolves_to_refs", List(&one(&["mac-addr"]))),
            was("belongs_to_refs", List(&one(&["autonomous-system"]))),
        ],
        &[],
    ),
    observable(
        "ipv6-addr",
        &[
            must("value", Form(Ipv6)),
            was("resolves_to_refs", List(&one(&["mac-addr"]))),
            was("belongs_to_refs", List(&one(&["autonomous-system"]))),
        ],
        &[],
    ),
    observable("mac-addr", &[must("value", Form(Mac))], &[]),
    observable("mutex", &[must("name", Text)], &[]),
    observable(
        "network-traffic",
        &[
            may("start", Timestamp),
            may("end", Timestamp),
            may("is_active", Bool),
            may("src_ref", ADDRESS),
            may("dst_ref", ADDRESS),
            may("src_port", PORT),
            may("dst_port", PORT),
            must("protocols", TEXTS),
            may("src_byte_count", COUNT),
            may("dst_byte_count", COUNT),
            may("src_packets", COUNT),
            may("dst_packets", COUNT),
            may("ipfix", Dictionary(&Any)),
            may("src_payload_ref", ARTIFACT),
            may("dst_payload_ref", ARTIFACT),
            may("encapsulates_refs", List(&TRAFFIC)),
            may("encapsulated_by_ref", TRAFFIC),
        ],
        &[
            Rule::AnyOf(&["src_ref", "dst_ref"]),
            Rule::NotLater("start", "end"),
            Rule::NotWhen("is_active", true, "end"),
        ],
    ),
    observable(
        "process",
        &[
            may("is_hidden", Bool),
            may("pid", INTEGER),
            may("created_time", Timestamp),
            may("cwd", Text),
            may("command_line", Text),
            may("environment_variables", Dictionary(&Text)),
            may("opened_connection_refs", List(&TRAFFIC)),
            may("creator_user_ref", ACCOUNT),
            may("image_ref", one(&["file"])),
            may("parent_ref", one(&["process"])),
            may("child_refs", List(&one(&["process"]))),
        ],
        &[Rule::AnyProperty],
    ),
    observable(
        "software",
        &[
            must("name", Text),
            may("cpe", Form(Cpe)),
            may("swid", Text),
            may("languages", List(&Form(Language))),
            may("vendor", Text),
            may("version", Text),
        ],
        &[],
    ),
    observable("url", &[must("value", Form(Url))], &[]),
    observable(
        "user-account",
        &[
            may("user_id", Text),
            may("credential", Text),
            may("account_login", Text),
            may("account_type", Vocabulary),
            may("display_name", Text),
            may("is_service_account", Bool),
            may("is_privileged", Bool),
            may("can_escalate_privs", Bool),
            may("is_disabled", Bool),
            may("account_created", Timestamp),
            may("account_expires", Timestamp),
            may("credential_last_changed", Timestamp),
            may("account_first_login", Timestamp),
            may("account_last_login", Timestamp),
        ],
        &[Rule::AnyProperty],
    ),
    observable(
        "windows-registry-key",
        &[
            may("key", Form(RegistryKey)),
            may("values", List(&Part(&REGISTRY_VALUE))),
            may("modified_time", Timestamp),
            may("creator_user_ref", ACCOUNT),
            may("number_of_subkeys", COUNT),
        ],
        &[Rule::AnyProperty],
    ),
    observable(
        "x509-certificate",
        &[
            may("is_self_signed", Bool),
            may("hashes", Hashes),
            may("version", Text),
            may("serial_number", Text),
            may("signature_algorithm", Text),
            may("issuer", Text),
            may("validity_not_before", Timestamp),
            may("validity_not_after", Timestamp),
            may("subject", Text),
            may("subject_public_key_algorithm", Text),
            may("subject_public_key_modulus", Text),
            may("subject_public_key_exponent", INTEGER),
            may("x509_v3_extensions", Part(&X509_V3)),
        ],
        &[Rule::AnyProperty],
    ),
];

static MIME_PART: Shape = Shape {
    properties: &[
        may("body", Text),
        may("body_raw_ref", one(&["artifact", "file"])),
        may("content_type", Text),
        may("content_disposition", Text),
    ],
    rules: &[Rule::AnyOf(&["body", "body_raw_ref"])],
};

static REGISTRY_VALUE: Shape = Shape {
    properties: &[may("name", Text), may("data", Text), may("data_type", Enum(REGISTRY_DATATYPE))],
    rules: &[Rule::AnyProperty],
};

static X509_V3: Shape = Shape {
    properties: &[
        may("basic_constraints", Text),
        may("name_constraints", Text),
        may("policy_constraints", Text),
        may("key_usage", Text),
        may("extended_key_usage", Text),
        may("subject_key_identifier", Text),
        may("authority_key_identifier", Text),
        may("subject_alternative_name", Text),
        may("issuer_alternative_name", Text),
        may("subject_directory_attributes", Text),
        may("crl_distribution_points", Text),
        may("inhibit_any_policy", Text),
        may("private_key_usage_period_not_before", Timestamp),
        may("private_key_usage_period_not_after", Timestamp),
        may("certificate_policies", Text),
        may("policy_mappings", Text),
    ],
    rules: &[Rule::AnyProperty],
};
