//! `language-content`: a translated field is judged as the field that it translates.

use comity_wire::id::Id;
use comity_wire::json::Value;

use super::place::Place;
use super::reference;
use super::walk::{Judge, Verdict};

/// `contents`, of a translation of the object that `about` names.
pub(super) fn judge(
    judge: &mut Judge<'_>,
    about: &str,
    value: &Value<'_>,
    place: &Place<'_>,
) -> Verdict {
    reference::single(about, place)?;
    let object_type = Id::parse(about).map_or("", |id| id.object_type);
    let Value::Object(languages) = value else {
        return judge.value(object_type, "contents", value, place);
    };
    for (language, value) in languages.iter() {
        let here = place.member(language);
        super::property::judge(judge, language, value, &here)?;
        match value {
            Value::Object(fields) => judge.fields(object_type, fields, &here)?,
            _ => judge.value(object_type, "", value, &here)?,
        }
    }
    Ok(())
}
