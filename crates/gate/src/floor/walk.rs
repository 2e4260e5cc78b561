//! The walk: every object, member, reference, pattern, extension and string, each once.
//!
//! Members of an object are *fields of its type*, and so are those that an extension adds and
//! those that a `language-content` translates; [`Judge::fields`] sees them all. What lies deeper
//! is judged by its name and its text.

use comity_wire::id::Id;
use comity_wire::json::{Object, Value};

use super::observable::{self, path};
use super::place::Place;
use super::{
    credits, custom, extension, identity, language_content, observable::url, pattern, property,
    reference, text, threat_actor,
};
use crate::admitted::{Flag, Hold};
use crate::refusal::{Code, Refusal};
use crate::{Facts, Findings};

pub(super) type Verdict = Result<(), Refusal>;

/// What is known while one object is judged.
pub(super) struct Judge<'j> {
    pub(super) facts: &'j Facts,
    pub(super) findings: &'j mut Findings,
}

impl Judge<'_> {
    /// Notes the first place of each code, so that a hostile object cannot fill a page.
    pub(super) fn flag(&mut self, code: &'static Code, place: &Place<'_>) {
        let flags = &mut self.findings.flags;
        if !flags.iter().any(|flag| std::ptr::eq(flag.code, code)) {
            let path = place.path();
            flags.push(Flag { code, path });
        }
    }

    /// Notes the first reason to hold.
    pub(super) fn hold(&mut self, code: &'static Code, place: &Place<'_>) {
        if self.findings.hold.is_none() {
            let path = place.path();
            self.findings.hold = Some(Hold { code, path });
        }
    }

    /// A STIX object, on its own or inside another one.
    pub(super) fn object(&mut self, object: &Object<'_>, place: &Place<'_>) -> Verdict {
        let object_type = object.str("type").unwrap_or("");
        custom::object_type(object_type, &place.member("type"))?;
        match object_type {
            "identity" => identity::object(object, place)?,
            "threat-actor" => threat_actor::object(self, object, place)?,
            "relationship" => reference::relationship(self, object, place)?,
            "sighting" => reference::sighting(object, place)?,
            _ => observable::object(self, object_type, object, place)?,
        }
        self.fields(object_type, object, place)
    }

    /// The members of an object as fields of a type.
    pub(super) fn fields(
        &mut self,
        object_type: &str,
        object: &Object<'_>,
        place: &Place<'_>,
    ) -> Verdict {
        location_of(object, place)?;
        for (name, value) in object.iter() {
            let here = place.member(name);
            property::judge(self, name, value, &here)?;
            match object_type {
                "identity" => identity::field(name, value, &here)?,
                "threat-actor" => threat_actor::field(name, value, &here)?,
                _ => observable::field(self, object_type, name, value, &here)?,
            }
            observable::part_field(self, name, value, &here)?;
            match name {
                "extensions" => extension::judge(self, object_type, value, &here)?,
                "contents" if object_type == "language-content" => {
                    let about = object.str("object_ref").unwrap_or("");
                    language_content::judge(self, about, value, &here)?;
                }
                "objects" => self.embedded(value, &here)?,
                "external_references" => credits::references(self, object_type, value, &here)?,
                "x_mitre_contributors" => credits::contributors(self, value, &here)?,
                "pattern" => {
                    let language = object.str("pattern_type");
                    self.pattern(object_type, language, value, &here)?;
                }
                _ => self.value(object_type, name, value, &here)?,
            }
        }
        Ok(())
    }

    /// The objects inside an `observed-data` of the older form, or inside a bundle in a custom
    /// property: each is judged on its own.
    fn embedded(&mut self, value: &Value<'_>, place: &Place<'_>) -> Verdict {
        match value {
            Value::Object(objects) => {
                for (key, value) in objects.iter() {
                    property::judge(self, key, value, &place.member(key))?;
                    self.value("", key, value, &place.member(key))?;
                }
                Ok(())
            }
            _ => self.value("", "objects", value, place),
        }
    }

    fn pattern(
        &mut self,
        object_type: &str,
        language: Option<&str>,
        value: &Value<'_>,
        place: &Place<'_>,
    ) -> Verdict {
        match value.as_str() {
            Some(text) => pattern::judge(self, language, text, place),
            None => self.value(object_type, "pattern", value, place),
        }
    }

    /// A value below a member named `name`.
    pub(super) fn value(
        &mut self,
        object_type: &str,
        name: &str,
        value: &Value<'_>,
        place: &Place<'_>,
    ) -> Verdict {
        match value {
            Value::String(text) => self.string(object_type, name, text, place),
            Value::Array(items) => {
                if name.ends_with("_refs") {
                    reference::list(self, items, place)?;
                }
                for (at, item) in items.iter().enumerate() {
                    self.value(object_type, name, item, &place.index(at))?;
                }
                Ok(())
            }
            Value::Object(object) => self.part(object_type, object, place),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// An object inside an object: a STIX object if its type says so, else names and texts.
    fn part(&mut self, object_type: &str, object: &Object<'_>, place: &Place<'_>) -> Verdict {
        let inner = object.str("type").unwrap_or("");
        if comity_wire::stix::schema(inner).is_some() || inner == "bundle" {
            return self.object(object, place);
        }
        custom::named_value(object, place)?;
        location_of(object, place)?;
        for (name, value) in object.iter() {
            let here = place.member(name);
            property::judge(self, name, value, &here)?;
            observable::part_field(self, name, value, &here)?;
            match name {
                "extensions" => extension::judge(self, object_type, value, &here)?,
                "external_references" => credits::references(self, object_type, value, &here)?,
                "pattern" => {
                    self.pattern(object_type, object.str("pattern_type"), value, &here)?;
                }
                _ => self.value(object_type, name, value, &here)?,
            }
        }
        Ok(())
    }

    fn string(&mut self, object_type: &str, name: &str, text: &str, place: &Place<'_>) -> Verdict {
        if is_timestamp(text) {
            return Ok(());
        }
        let own = |id: Id<'_>| id.object_type == object_type;
        if name == "id" && Id::parse(text).is_some_and(own) {
            return Ok(());
        }
        if text.starts_with("email-addr--") || text.starts_with("user-account--") {
            // In a list of references `reference::list` has spoken for the whole of it.
            let listed = name.ends_with("_refs") && object_type != "sighting";
            return if listed && Id::parse(text).is_some() {
                Ok(())
            } else {
                reference::single(text, place)
            };
        }
        let is_id = name == "id" || name.ends_with("_ref") || name.ends_with("_refs");
        if is_id && Id::parse(text).is_some() {
            return Ok(());
        }
        custom::misp(name, text, place)?;
        if path::is_at_home(object_type) {
            path::lint(self, text, place);
        }
        if text::is_prose(name) {
            text::lint(self, name, text, place);
            return Ok(());
        }
        url::in_value(self, text, place)?;
        text::value(self, text, place)
    }
}

fn location_of(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    observable::location::coordinates(object, place)
}

/// `2020-01-01T00:00:00Z`: most strings of a STIX object that have digits are these.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    (20..=40).contains(&bytes.len())
        && bytes.get(10) == Some(&b'T')
        && bytes.last() == Some(&b'Z')
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b'Z'))
}
