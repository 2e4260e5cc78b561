//! Translations (S026): keys are language tags, and under each are names of properties.

use comity_wire::json::{Object, Value};
use comity_wire::stix::form::is_language;

use super::{At, Check, schema};
use crate::refusal::{Code, Refusal};

pub(crate) static CONTENTS: Code = Code {
    id: "language-contents",
    meaning: "contents map language tags to properties of the object that is translated",
    source: "S026",
};

impl Check<'_> {
    /// The object that is translated may not be here, so that only names are judged.
    pub(super) fn language_content(&self) -> Result<(), Refusal> {
        let Some(Value::Object(contents)) = self.object.get("contents") else {
            return Ok(());
        };
        let at = At::Member(&At::Root, "contents");
        for (tag, translated) in contents.iter() {
            let here = at.member(tag);
            if !is_language(tag) {
                return Err(
                    Refusal::new(&CONTENTS, here.path()).required("a language tag (RFC 5646)")
                );
            }
            for (name, _) in translated.as_object().into_iter().flat_map(Object::iter) {
                if !schema::is_property_name(name) {
                    return Err(Refusal::new(&CONTENTS, here.member(name).path())
                        .required("the name of a property"));
                }
            }
        }
        Ok(())
    }
}
