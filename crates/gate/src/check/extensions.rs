//! Extensions, custom types and the definitions of both (S055–S059).

use comity_wire::id::Id;
use comity_wire::json::{Object, Value};
use comity_wire::stix::attack;
use comity_wire::stix::extension::predefined;
use comity_wire::stix::marking::TLP_2_EXTENSION;
use comity_wire::stix::vocabulary::EXTENSION_TYPE;

use super::{At, Check, value, vocabulary};
use crate::refusal::{Code, Refusal};

pub(crate) static KEY: Code = Code {
    id: "extension-key",
    meaning: "an extension is named by its definition's identifier or is a predefined one",
    source: "S055",
};
pub(crate) static CONTENT: Code = Code {
    id: "extension-content",
    meaning: "an extension is an object with content of the kind that its type allows",
    source: "S055, S056",
};
pub(crate) static PROPERTIES: Code = Code {
    id: "extension-properties",
    meaning: "only an extension with properties at the top level lists them in its definition",
    source: "S056",
};
pub(crate) static UNREGISTERED_EXTENSION: Code = Code {
    id: "extension-unregistered",
    meaning: "no schema of this extension is registered here; its content is not judged",
    source: "S057",
};
pub(crate) static UNREGISTERED_TYPE: Code = Code {
    id: "type-unregistered",
    meaning: "no schema of this type is registered here; its content is not judged",
    source: "S058",
};

/// What the extensions of an object say that they add.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Added {
    /// A type of observable.
    pub(crate) observable: bool,
    /// A type of relationship.
    pub(crate) relationship: bool,
    /// Properties at the top level of the object.
    pub(crate) properties: bool,
}

/// Reads what the extensions add, before anything of them is judged.
pub(crate) fn added(object: &Object<'_>) -> Added {
    let mut added = Added::default();
    let extensions = object.get("extensions").and_then(Value::as_object);
    for (_, extension) in extensions.into_iter().flat_map(Object::iter) {
        let kind = extension.as_object().and_then(|extension| extension.str("extension_type"));
        match kind {
            Some("new-sco") => added.observable = true,
            Some("new-sro") => added.relationship = true,
            Some("toplevel-property-extension") => added.properties = true,
            _ => {}
        }
    }
    added
}

impl Check<'_> {
    pub(super) fn extensions(
        &mut self,
        extensions: &Object<'_>,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        for (key, value) in extensions.iter() {
            let here = at.member(key);
            let Value::Object(content) = value else {
                return Err(Refusal::new(&CONTENT, here.path())
                    .found(value.class())
                    .required("an object"));
            };
            if content.is_empty() {
                return Err(Refusal::new(&CONTENT, here.path())
                    .found("an empty object")
                    .required("at least one property"));
            }
            if let Some(shape) = predefined(self.object_type, key) {
                self.part(content, shape, &here)?;
                continue;
            }
            if !is_key(key) {
                return Err(Refusal::new(&KEY, here.path())
                    .found("another key")
                    .required("`extension-definition--UUID`, or a name that ends in `-ext`"));
            }
            extension_type(content, &here)?;
            value::no_null(value, &here)?;
            self.registered(key, &UNREGISTERED_EXTENSION, &here)?;
        }
        Ok(())
    }

    /// A type that the standard does not define.
    pub(super) fn custom_type(&mut self) -> Result<(), Refusal> {
        if self.schema.is_some() {
            return Ok(());
        }
        let at = At::Member(&At::Root, "type");
        let name = self.object_type;
        let extensions = self.object.get("extensions").and_then(Value::as_object);
        let by_extension =
            extensions.into_iter().flat_map(Object::iter).any(|(key, _)| self.is_registered(key));
        if by_extension {
            return Ok(());
        }
        self.registered(name, &UNREGISTERED_TYPE, &at)
    }

    /// Flags what has no schema here, or refuses it where the charter says so.
    fn registered(&mut self, name: &str, code: &'static Code, at: &At<'_>) -> Result<(), Refusal> {
        if self.is_registered(name) {
            return Ok(());
        }
        if self.facts.registered_only {
            return Err(Refusal::new(code, at.path())
                .required("a type or an extension that the charter registers")
                .hint("ask for the registration of its schema by an amendment of the charter"));
        }
        self.flag(code, at);
        Ok(())
    }

    fn is_registered(&self, name: &str) -> bool {
        name == TLP_2_EXTENSION
            || attack::is_type(name)
            || self.facts.registered.iter().any(|known| known == name)
    }

    /// An extension-definition lists properties only where it adds some at the top level (S056).
    pub(super) fn extension_definition(&self) -> Result<(), Refusal> {
        let types = self.object.get("extension_types").and_then(Value::as_array);
        let top_level = types.unwrap_or_default().iter();
        let mut top_level = top_level.filter_map(Value::as_str);
        if !self.object.contains("extension_properties")
            || top_level.any(|kind| kind == "toplevel-property-extension")
        {
            return Ok(());
        }
        let at = At::Member(&At::Root, "extension_properties");
        Err(Refusal::new(&PROPERTIES, at.path())
            .required("`toplevel-property-extension` among the extension types"))
    }
}

/// The name of a definition, or a name of the older way that the standard still lets stand.
fn is_key(key: &str) -> bool {
    let definition = Id::parse(key).is_some_and(|id| id.object_type == "extension-definition");
    definition
        || (key.ends_with("-ext")
            && key.starts_with(|first: char| first.is_ascii_lowercase())
            && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')))
}

fn extension_type(content: &Object<'_>, at: &At<'_>) -> Result<(), Refusal> {
    let Some(kind) = content.get("extension_type") else {
        return Ok(());
    };
    let here = at.member("extension_type");
    let kind = value::string(kind, &here)?;
    vocabulary::closed(kind, EXTENSION_TYPE, &here)?;
    if kind == "toplevel-property-extension" && content.len() > 1 {
        return Err(Refusal::new(&CONTENT, at.path())
            .found("further properties")
            .required("`extension_type` alone; the properties stand at the top level"));
    }
    Ok(())
}
