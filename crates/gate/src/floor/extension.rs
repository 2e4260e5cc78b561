//! Extensions: their members are judged as fields of the object that they extend.

use comity_wire::json::Value;

use super::place::Place;
use super::walk::{Judge, Verdict};
use super::{custom, known};

pub(super) fn judge(
    judge: &mut Judge<'_>,
    object_type: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    let Value::Object(extensions) = value else {
        return judge.value(object_type, "extensions", value, place);
    };
    for (key, value) in extensions.iter() {
        let here = place.member(key);
        if !known::is_name(key) && !known::is_extension_id(key) {
            custom::object_type(key, &here)?;
            super::property::judge(judge, key, value, &here)?;
        }
        match value {
            Value::Object(extension) => judge.fields(object_type, extension, &here)?,
            _ => judge.value(object_type, key, value, &here)?,
        }
    }
    Ok(())
}
