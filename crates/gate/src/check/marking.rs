//! Marking-definitions (S045, S048–S050). The traffic lights are fixed objects: a copy with other
//! content, or the same content under another id, would let content travel further than meant.

use comity_wire::canonical::canonical;
use comity_wire::id::Id;
use comity_wire::json::{self, Object, Value};
use comity_wire::stix::marking::{Fixed, TLP_2_EXTENSION, fixed};
use comity_wire::time::Instant;

use super::{At, Check, value};
use crate::refusal::{Code, Refusal};

pub(crate) static CONTENT: Code = Code {
    id: "marking-content",
    meaning: "a marking-definition has a definition of its type, or extensions that mark",
    source: "S048",
};
pub(crate) static TLP: Code = Code {
    id: "marking-tlp-altered",
    meaning: "the traffic light markings are fixed objects; nobody else may make one",
    source: "S049, S050",
};
pub(crate) static TLP_SPELLING: Code = Code {
    id: "marking-tlp-spelling",
    meaning: "a traffic light marking without its name, or with its time written otherwise",
    source: "S049, S050",
};
pub(crate) static CIRCULAR: Code = Code {
    id: "marking-circular",
    meaning: "a marking-definition cannot mark itself",
    source: "S045",
};
pub(crate) static OTHER_TYPE: Code = Code {
    id: "marking-type-custom",
    meaning: "a definition type besides statement and tlp; extensions have replaced them",
    source: "S048",
};

impl Check<'_> {
    pub(super) fn marking_definition(&mut self) -> Result<(), Refusal> {
        let object = self.object;
        self.definition(object)?;
        let uuid = object.str("id").and_then(Id::parse).map(|id| id.uuid);
        let fixed = uuid.and_then(fixed);
        if let Some(fixed) = fixed {
            let as_printed = fixed.object();
            if same(object, &as_printed) {
                return Ok(());
            }
            if same_but_for_spelling(object, fixed, &as_printed) {
                self.flag(&TLP_SPELLING, &At::Root);
                return Ok(());
            }
            return Err(Refusal::new(&TLP, At::Root.path())
                .found("other content under the identifier of a traffic light marking")
                .required("the content that the standard prints")
                .hint("take the marking from the standard, or from this node, and send that"));
        }
        let second = object.get("extensions").and_then(Value::as_object);
        let claims = object.str("definition_type") == Some("tlp")
            || second.is_some_and(|extensions| extensions.contains(TLP_2_EXTENSION));
        if claims {
            return Err(Refusal::new(&TLP, At::Root.member("id").path())
                .found("a traffic light marking under an identifier of its own")
                .required("the identifier that the standard prints"));
        }
        Ok(())
    }

    fn definition(&mut self, object: &Object<'_>) -> Result<(), Refusal> {
        let at = At::Member(&At::Root, "definition");
        let (kind, definition) = (object.str("definition_type"), object.get("definition"));
        let (kind, definition) = match (kind, definition) {
            (Some(kind), Some(definition)) => (kind, definition),
            (None, None) if object.contains("extensions") => return Ok(()),
            _ => {
                return Err(Refusal::new(&CONTENT, at.path())
                    .required("`definition_type` and `definition`, or `extensions`"));
            }
        };
        let Value::Object(definition) = definition else {
            return Err(Refusal::new(&CONTENT, at.path())
                .found(definition.class())
                .required("an object"));
        };
        let word = match kind {
            "statement" => "statement",
            "tlp" => "tlp",
            _ => {
                self.flag(&OTHER_TYPE, &At::Member(&At::Root, "definition_type"));
                return Ok(());
            }
        };
        match definition.get(word) {
            None => Err(Refusal::new(&CONTENT, at.path()).required(format!("`{word}`"))),
            Some(text) => value::string(text, &at.member(word)).map(|_| ()),
        }
    }

    /// S045: whatever marks it, a marking-definition is not marked by itself.
    pub(super) fn not_marked_by_itself(&self) -> Result<(), Refusal> {
        if self.object_type != "marking-definition" {
            return Ok(());
        }
        let own = self.object.str("id").and_then(Id::parse);
        let is_own = |text: Option<&str>| own.is_some() && text.and_then(Id::parse) == own;
        let refs = self.object.get("object_marking_refs");
        for (place, marking) in items(refs).iter().enumerate() {
            if is_own(marking.as_str()) {
                let at = At::Member(&At::Root, "object_marking_refs");
                return Err(Refusal::new(&CIRCULAR, at.index(place).path()));
            }
        }
        let granular = self.object.get("granular_markings");
        for (place, entry) in items(granular).iter().enumerate() {
            if is_own(entry.as_object().and_then(|entry| entry.str("marking_ref"))) {
                let at = At::Member(&At::Root, "granular_markings");
                return Err(Refusal::new(&CIRCULAR, at.index(place).path()));
            }
        }
        Ok(())
    }
}

fn items<'v, 'a>(value: Option<&'v Value<'a>>) -> &'v [Value<'a>] {
    value.and_then(Value::as_array).unwrap_or_default()
}

/// Older libraries leave the name out and trim the zeros of `created`: nobody is misled by that.
fn same_but_for_spelling(object: &Object<'_>, fixed: &Fixed, as_printed: &str) -> bool {
    let Ok(Value::Object(expected)) = json::parse(as_printed.as_bytes()) else {
        return false;
    };
    let instant = |object: &Object<'_>| {
        let created = object.str("created").map(Instant::parse);
        created.and_then(Result::ok)
    };
    let agrees = |(name, value): (&str, &Value<'_>)| match name {
        "created" => instant(object) == instant(&expected),
        name => expected.get(name).is_some_and(|other| equal(value, other)),
    };
    let missing = usize::from(!object.contains("name"));
    object.iter().all(agrees)
        && object.len() + missing == expected.len()
        && object.str("id") == Some(fixed.id)
}

fn equal(one: &Value<'_>, other: &Value<'_>) -> bool {
    matches!((canonical(one), canonical(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether an object says the same as a fixed text.
fn same(object: &Object<'_>, text: &str) -> bool {
    let Ok(expected) = json::parse(text.as_bytes()) else {
        return false;
    };
    equal(&Value::Object(object.clone()), &expected)
}
