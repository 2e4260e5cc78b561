//! Bundles of which some objects were refused: the others enter, and those that point at a refused
//! one keep the reference and are flagged. This is no verdict: it depends on what else was sent.

use std::collections::BTreeSet;

use comity_wire::id::{Id, Uuid};
use comity_wire::json::{self, Value};

use super::code;
use super::place::Place;
use crate::Admitted;
use crate::admitted::Flag;

/// Flags an admitted object that refers to one of those refused. `bytes` are those that were
/// admitted; `refused` holds the ids of the objects that the same bundle lost.
pub fn mark_dangling(admitted: &mut Admitted, bytes: &[u8], refused: &BTreeSet<(String, Uuid)>) {
    if refused.is_empty() {
        return;
    }
    if let Ok(value) = json::parse(bytes) {
        walk(admitted, &value, refused, "", &Place::Root);
    }
}

fn walk(
    admitted: &mut Admitted,
    value: &Value<'_>,
    refused: &BTreeSet<(String, Uuid)>,
    name: &str,
    place: &Place<'_>,
) {
    match value {
        Value::String(text) if name.ends_with("_ref") || name.ends_with("_refs") => {
            let id = Id::parse(text).map(|id| (id.object_type.to_owned(), id.uuid));
            if id.is_some_and(|id| refused.contains(&id)) {
                let (code, path) = (&code::DANGLING, place.path());
                admitted.flag(Flag { code, path });
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(admitted, item, refused, name, &place.index(at));
            }
        }
        Value::Object(object) => {
            for (name, value) in object.iter() {
                walk(admitted, value, refused, name, &place.member(name));
            }
        }
        _ => {}
    }
}
