//! The properties that name an object: type, id, versions. Everything else leans on them.

use comity_wire::id::{Id, Uuid};
use comity_wire::json::Object;
use comity_wire::time::Instant;

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

pub(crate) fn check(object: &Object<'_>) -> Result<Head, Refusal> {
    let refuse = |name| Refusal::new(&ID_MALFORMED, Path::root().member(name));
    let id = object.str("id").ok_or_else(|| refuse("id"))?;
    let object_type = object.str("type").ok_or_else(|| refuse("type"))?;
    let parsed = Id::parse(id).filter(|id| id.object_type == object_type);
    let uuid = parsed.ok_or_else(|| refuse("id"))?.uuid;
    let instant = |name| object.str(name).and_then(|text| Instant::parse(text).ok());
    let version = ["modified", "created"].iter().find_map(|name| {
        let text = object.str(name)?;
        Some(Version {
            text: text.to_owned(),
            instant: Instant::parse(text).ok()?,
        })
    });
    Ok(Head {
        id: id.to_owned(),
        object_type: object_type.to_owned(),
        uuid,
        version,
        created: instant("created"),
        created_by: object.str("created_by_ref").map(str::to_owned),
        revoked: object
            .get("revoked")
            .and_then(|value| value.as_bool())
            .unwrap_or(false),
    })
}
