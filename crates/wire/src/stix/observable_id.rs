//! The deterministic identifiers of cyber-observables (STIX 2.1 §2.9, S031–S033): UUIDv5 over the
//! canonical JSON of the properties that make an observable what it is.

use serde::ser::{Serialize, SerializeMap, Serializer};
use sha1::{Digest, Sha1};

use crate::id::Uuid;
use crate::json::{Object, Value};

/// `00abedb4-aa42-466c-9c01-fed23315a9b7`
const NAMESPACE: [u8; 16] = [
    0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
];

/// The properties that go into the identifier of a type; `None` for a type that is no observable
/// of the standard, and an empty list for `process`, which has no deterministic identifier.
pub fn contributing(object_type: &str) -> Option<&'static [&'static str]> {
    Some(match object_type {
        "artifact" => &["hashes", "payload_bin"],
        "autonomous-system" => &["number"],
        "directory" => &["path"],
        "domain-name" | "email-addr" | "ipv4-addr" | "ipv6-addr" | "mac-addr" | "url" => &["value"],
        "email-message" => &["from_ref", "subject", "body"],
        "file" => &["hashes", "name", "parent_directory_ref", "extensions"],
        "mutex" => &["name"],
        "network-traffic" => &[
            "start",
            "end",
            "src_ref",
            "dst_ref",
            "src_port",
            "dst_port",
            "protocols",
            "extensions",
        ],
        "process" => &[],
        "software" => &["name", "cpe", "swid", "vendor", "version"],
        "user-account" => &["account_type", "user_id", "account_login"],
        "windows-registry-key" => &["key", "values"],
        "x509-certificate" => &["hashes", "serial_number"],
        _ => return None,
    })
}

/// The identifier's UUID, where the object is an observable of the standard and at least one
/// contributing property stands in it.
pub fn observable_uuid(object: &Object<'_>) -> Option<Uuid> {
    let names = contributing(object.str("type")?)?;
    let identity = Identity { object, names };
    identity.members().next()?;
    let name = serde_json_canonicalizer::to_vec(&identity).ok()?;
    let digest = Sha1::new().chain_update(NAMESPACE).chain_update(&name).finalize();
    let mut octets = [0u8; 16];
    for (octet, digest) in octets.iter_mut().zip(digest) {
        *octet = digest;
    }
    octets[6] = (octets[6] & 0x0f) | 0x50;
    octets[8] = (octets[8] & 0x3f) | 0x80;
    Some(Uuid(octets))
}

/// What goes into the hash.
struct Identity<'o> {
    object: &'o Object<'o>,
    names: &'static [&'static str],
}

impl<'o> Identity<'o> {
    fn members(&self) -> impl Iterator<Item = (&'static str, &'o Value<'o>)> {
        let object = self.object;
        self.names.iter().filter_map(move |name| object.get(name).map(|value| (*name, value)))
    }
}

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.members() {
            match value {
                Value::Object(hashes) if name == "hashes" => {
                    map.serialize_entry(name, &OneHash(hashes))?;
                }
                value => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// Exactly one hash goes in (S033): the first that stands of four algorithms, else the one whose
/// name is lowest by code point. The standard leaves the latter open; a fixed rule beats the order
/// in which a producer happened to write.
struct OneHash<'o>(&'o Object<'o>);

impl Serialize for OneHash<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let preferred =
            ["MD5", "SHA-1", "SHA-256", "SHA-512"].into_iter().find(|name| self.0.contains(name));
        let lowest = || self.0.iter().map(|(name, _)| name).min();
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = preferred.or_else(lowest)
            && let Some(hash) = self.0.get(name)
        {
            map.serialize_entry(name, hash)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(text: &str) -> Option<String> {
        let value = crate::json::parse(text.as_bytes()).unwrap();
        observable_uuid(value.as_object().unwrap()).map(|uuid| uuid.to_string())
    }

    #[test]
    fn s031_only_what_contributes_counts() {
        let plain = uuid(r#"{"type":"ipv4-addr","value":"198.51.100.3"}"#);
        let more = uuid(r#"{"value":"198.51.100.3", "x":1,"type":"ipv4-addr","defanged":true}"#);
        assert_eq!(plain, more);
        assert_eq!(plain.unwrap().as_bytes()[14], b'5');
    }

    #[test]
    fn s032_types_without_an_identity_have_none() {
        assert_eq!(uuid(r#"{"type":"process","pid":1}"#), None);
        assert_eq!(uuid(r#"{"type":"file","size":1}"#), None);
        assert_eq!(uuid(r#"{"type":"indicator","name":"x"}"#), None);
    }

    #[test]
    fn s033_one_hash_and_a_fixed_choice() {
        let of = |hashes: &str| uuid(&format!(r#"{{"type":"file","hashes":{{{hashes}}}}}"#));
        assert_eq!(of(r#""SHA-256":"b","MD5":"a""#), of(r#""MD5":"a""#));
        assert_eq!(of(r#""TLSH":"t","SSDEEP":"s""#), of(r#""SSDEEP":"s""#));
    }
}
