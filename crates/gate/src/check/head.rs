//! The properties that name an object: type, id, versions. Everything else leans on them.

use comity_wire::id::{Id, Uuid, is_type_name};
use comity_wire::json::{Object, Value};
use comity_wire::stix;
use comity_wire::stix::common::RESERVED_TYPES;
use comity_wire::stix::kind::Family;
use comity_wire::time::Instant;

use super::{extensions, schema};
use crate::admitted::Version;
use crate::refusal::{Code, Path, Refusal};

/// What the rest of the flow needs of an object, read once.
#[derive(Debug)]
pub struct Head {
    pub(crate) id: String,
    pub(crate) object_type: String,
    pub(crate) uuid: Uuid,
    pub(crate) version: Option<Version>,
    pub(crate) created: Option<Instant>,
    pub(crate) created_by: Option<String>,
    pub(crate) revoked: bool,
}

pub(crate) static ID_MALFORMED: Code = Code {
    id: "id-malformed",
    meaning: "an identifier is `type--UUID`, its type that of the object",
    source: "S001",
};
pub(crate) static TYPE_MALFORMED: Code = Code {
    id: "type-malformed",
    meaning: "a type is 3 to 250 of `a-z 0-9 -`, a letter first, and none that STIX reserves",
    source: "S014, S058",
};
pub(crate) static CARRIER: Code = Code {
    id: "bundle-as-object",
    meaning: "a bundle carries objects and is none",
    source: "S027",
};
pub(crate) static SPEC_VERSION: Code =
    Code { id: "spec-version-unsupported", meaning: "only STIX 2.1 is taken", source: "S016" };

pub(crate) fn check(object: &Object<'_>) -> Result<Head, Refusal> {
    let object_type = text(object, "type")?;
    let id = text(object, "id")?;
    if object_type == "bundle" {
        return Err(Refusal::new(&CARRIER, Path::root().member("type"))
            .found("a bundle")
            .required("one of the objects that it carries")
            .hint("import the bundle as a file, or send its objects in an envelope"));
    }
    if !is_type_name(object_type) || RESERVED_TYPES.contains(&object_type) {
        return Err(Refusal::new(&TYPE_MALFORMED, Path::root().member("type"))
            .found("another string")
            .required("a type name"));
    }
    let parsed = Id::parse(id).filter(|id| id.object_type == object_type);
    let Some(Id { uuid, .. }) = parsed else {
        return Err(Refusal::new(&ID_MALFORMED, Path::root().member("id"))
            .found("another string")
            .required("the object's type, two hyphens, a UUID of version 1 to 5"));
    };
    spec_version(object, object_type)?;
    let instant = |name| object.str(name).and_then(|text| Instant::parse(text).ok());
    let created = instant("created");
    Ok(Head {
        id: id.to_owned(),
        object_type: object_type.to_owned(),
        uuid,
        version: version(object, object_type),
        created,
        created_by: object.str("created_by_ref").map(str::to_owned),
        revoked: object.get("revoked").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn text<'o>(object: &'o Object<'_>, name: &'static str) -> Result<&'o str, Refusal> {
    let path = || Path::root().member(name);
    match object.get(name) {
        None => Err(Refusal::new(&schema::MISSING, path()).required("a string")),
        Some(value) => value.as_str().ok_or_else(|| {
            Refusal::new(&schema::CLASS, path()).found(value.class()).required("a string")
        }),
    }
}

/// S016: absent means 2.1 for a cyber-observable and 2.0 for everything else.
fn spec_version(object: &Object<'_>, object_type: &str) -> Result<(), Refusal> {
    let found = match object.get("spec_version") {
        Some(value) if value.as_str() == Some("2.1") => return Ok(()),
        None if is_observable(object, object_type) => return Ok(()),
        None => "none, which means 2.0",
        Some(value) if value.as_str() == Some("2.0") => "2.0",
        Some(value) if value.as_str().is_some() => "another version",
        Some(value) => value.class(),
    };
    let path = Path::root().member("spec_version");
    Err(Refusal::new(&SPEC_VERSION, path)
        .found(found)
        .required("`2.1`")
        .hint("convert the object to STIX 2.1 where it was made; it is not stamped anew here"))
}

/// A cyber-observable of the standard or by the word of its own extension.
fn is_observable(object: &Object<'_>, object_type: &str) -> bool {
    match stix::schema(object_type) {
        Some(schema) => schema.family == Family::Observable,
        None => extensions::added(object).observable,
    }
}

/// `modified`, else `created`. Observables and marking-definitions have no versions: what stands
/// in such a property there is custom.
fn version(object: &Object<'_>, object_type: &str) -> Option<Version> {
    let names: &[&str] = match stix::schema(object_type).map(|schema| schema.family) {
        _ if is_observable(object, object_type) => &[],
        Some(Family::Marking) => &["created"],
        _ => &["modified", "created"],
    };
    let text = names.iter().find_map(|name| object.str(name))?;
    Some(Version { text: text.to_owned(), instant: Instant::parse(text).ok()? })
}
