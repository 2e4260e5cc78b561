//! The relationships that the standard suggests (STIX 2.1 §4 and §6, one table a type there).
//! Any other is allowed, too (S021): this table only serves a note.

use super::kind::Family;

/// Whether the standard suggests this combination. What touches a custom type counts as
/// suggested: the table of its author is not known.
pub fn is_suggested(source: &str, relationship: &str, target: &str) -> bool {
    let family = |name: &str| super::schema(name).map(|schema| schema.family);
    let (Some(_), Some(target_family)) = (family(source), family(target)) else {
        return true;
    };
    match relationship {
        "related-to" => return true,
        "derived-from" | "duplicate-of" => return source == target,
        "consists-of" if source == "infrastructure" && target_family == Family::Observable => {
            return true;
        }
        _ => {}
    }
    SUGGESTED.iter().any(|(one, name, others)| {
        *one == source && *name == relationship && others.contains(&target)
    })
}

type Row = (&'static str, &'static str, &'static [&'static str]);

const VICTIMS: &[&str] = &["identity", "location", "vulnerability"];
const MEANS: &[&str] = &["attack-pattern", "infrastructure", "malware", "tool"];
const HOSTS: &[&str] = &["domain-name", "ipv4-addr", "ipv6-addr", "url"];
const INFRASTRUCTURE: &[&str] = &["infrastructure"];
const MALWARE: &[&str] = &["malware"];
const LOCATION: &[&str] = &["location"];
const VULNERABILITY: &[&str] = &["vulnerability"];

static SUGGESTED: &[Row] = &[
    ("attack-pattern", "delivers", MALWARE),
    ("attack-pattern", "targets", VICTIMS),
    ("attack-pattern", "uses", &["malware", "tool"]),
    ("campaign", "attributed-to", &["intrusion-set", "threat-actor"]),
    ("campaign", "compromises", INFRASTRUCTURE),
    ("campaign", "originates-from", LOCATION),
    ("campaign", "targets", VICTIMS),
    ("campaign", "uses", MEANS),
    ("course-of-action", "investigates", &["indicator"]),
    (
        "course-of-action",
        "mitigates",
        &["attack-pattern", "indicator", "malware", "tool", "vulnerability"],
    ),
    ("course-of-action", "remediates", &["malware", "vulnerability"]),
    ("identity", "located-at", LOCATION),
    (
        "indicator",
        "indicates",
        &[
            "attack-pattern",
            "campaign",
            "infrastructure",
            "intrusion-set",
            "malware",
            "threat-actor",
            "tool",
        ],
    ),
    ("indicator", "based-on", &["observed-data"]),
    ("infrastructure", "communicates-with", HOSTS),
    ("infrastructure", "communicates-with", INFRASTRUCTURE),
    ("infrastructure", "consists-of", &["infrastructure", "observed-data"]),
    ("infrastructure", "controls", &["infrastructure", "malware"]),
    ("infrastructure", "delivers", MALWARE),
    ("infrastructure", "has", VULNERABILITY),
    ("infrastructure", "hosts", &["malware", "tool"]),
    ("infrastructure", "located-at", LOCATION),
    ("infrastructure", "uses", INFRASTRUCTURE),
    ("intrusion-set", "attributed-to", &["threat-actor"]),
    ("intrusion-set", "compromises", INFRASTRUCTURE),
    ("intrusion-set", "hosts", INFRASTRUCTURE),
    ("intrusion-set", "owns", INFRASTRUCTURE),
    ("intrusion-set", "originates-from", LOCATION),
    ("intrusion-set", "targets", VICTIMS),
    ("intrusion-set", "uses", MEANS),
    ("malware", "authored-by", &["intrusion-set", "threat-actor"]),
    ("malware", "beacons-to", INFRASTRUCTURE),
    ("malware", "exfiltrate-to", INFRASTRUCTURE),
    ("malware", "communicates-with", HOSTS),
    ("malware", "controls", MALWARE),
    ("malware", "downloads", &["file", "malware", "tool"]),
    ("malware", "drops", &["file", "malware", "tool"]),
    ("malware", "exploits", VULNERABILITY),
    ("malware", "originates-from", LOCATION),
    ("malware", "targets", VICTIMS),
    ("malware", "targets", INFRASTRUCTURE),
    ("malware", "uses", MEANS),
    ("malware", "variant-of", MALWARE),
    ("malware-analysis", "characterizes", MALWARE),
    ("malware-analysis", "analysis-of", MALWARE),
    ("malware-analysis", "static-analysis-of", MALWARE),
    ("malware-analysis", "dynamic-analysis-of", MALWARE),
    ("threat-actor", "attributed-to", &["identity"]),
    ("threat-actor", "compromises", INFRASTRUCTURE),
    ("threat-actor", "hosts", INFRASTRUCTURE),
    ("threat-actor", "owns", INFRASTRUCTURE),
    ("threat-actor", "impersonates", &["identity"]),
    ("threat-actor", "located-at", LOCATION),
    ("threat-actor", "targets", VICTIMS),
    ("threat-actor", "uses", MEANS),
    ("tool", "delivers", MALWARE),
    ("tool", "drops", MALWARE),
    ("tool", "has", VULNERABILITY),
    ("tool", "targets", VICTIMS),
    ("tool", "targets", INFRASTRUCTURE),
    ("tool", "uses", INFRASTRUCTURE),
    ("domain-name", "resolves-to", &["domain-name", "ipv4-addr", "ipv6-addr"]),
    ("ipv4-addr", "resolves-to", &["mac-addr"]),
    ("ipv4-addr", "belongs-to", &["autonomous-system"]),
    ("ipv6-addr", "resolves-to", &["mac-addr"]),
    ("ipv6-addr", "belongs-to", &["autonomous-system"]),
];
