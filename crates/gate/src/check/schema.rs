//! Do the members fit the table of the type? (S003–S007, S013–S015, S017, S019, S028)

use comity_wire::json::{Object, Value};
use comity_wire::stix;
use comity_wire::stix::attack;
use comity_wire::stix::common::{GRANULAR_MARKING, RESERVED_PROPERTIES, common};
use comity_wire::stix::form;
use comity_wire::stix::kind::{Family, Form, Kind, Property, Rule, Shape};

use super::value::{class, dictionary, float, integer, list, no_null, string};
use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static MISSING: Code = Code {
    id: "property-missing",
    meaning: "a property that the type requires is missing",
    source: "S015, S017",
};
pub(crate) static CLASS: Code = Code {
    id: "value-class",
    meaning: "the value is of another class than the property has",
    source: "S005, S006, S007",
};
pub(crate) static FORM: Code = Code {
    id: "value-malformed",
    meaning: "the string does not have the form that the property asks for",
    source: "S007, S026, S029",
};
pub(crate) static RANGE: Code = Code {
    id: "value-out-of-range",
    meaning: "the number is outside the bounds of the property",
    source: "S005, S019",
};
pub(crate) static NULL: Code =
    Code { id: "value-null", meaning: "null is never the value of a property", source: "S013" };
pub(crate) static EMPTY: Code = Code {
    id: "value-empty",
    meaning: "a list or dictionary without content is left out, not sent",
    source: "S006",
};
pub(crate) static KEY: Code = Code {
    id: "dictionary-key",
    meaning: "a key is at most 250 of `a-z A-Z 0-9 - _`",
    source: "S006",
};
pub(crate) static NAME: Code = Code {
    id: "property-name",
    meaning: "the name of a property is 3 to 250 of `a-z 0-9 _`, a letter first",
    source: "S014, S059",
};
pub(crate) static RESERVED: Code = Code {
    id: "property-reserved",
    meaning: "the standard keeps this name for itself",
    source: "S058",
};
pub(crate) static NONE_OF: Code = Code {
    id: "property-none-of",
    meaning: "at least one of several properties has to stand",
    source: "S017",
};
pub(crate) static EXCLUDED: Code = Code {
    id: "property-excluded",
    meaning: "a property that cannot stand beside another one, or beside its value",
    source: "S017, S018",
};
pub(crate) static DEPENDS: Code = Code {
    id: "property-depends",
    meaning: "a property needs another one, or another one's value",
    source: "S017",
};
pub(crate) static CUSTOM: Code = Code {
    id: "property-custom",
    meaning: "a custom property outside an extension; that way of adding is deprecated",
    source: "S058",
};
pub(crate) static DEPRECATED: Code = Code {
    id: "property-deprecated",
    meaning: "a property that the standard has replaced",
    source: "S028",
};
pub(crate) static CHARSET: Code = Code {
    id: "charset-unknown",
    meaning: "a character set of no registered family",
    source: "S029",
};

impl Check<'_> {
    /// The whole object against its type and family.
    pub(super) fn object(&mut self) -> Result<(), Refusal> {
        let common = common(self.family);
        let shape = self.schema.map(|schema| &schema.shape);
        let own = shape.map_or(&[][..], |shape| shape.properties);
        let object = self.object;
        for (name, value) in object.iter() {
            let here = At::Member(&At::Root, name);
            let property = find(own, name).or_else(|| find(common, name));
            self.member(property, name, value, &here)?;
        }
        for property in own.iter().chain(common) {
            require(property, object, &At::Root)?;
        }
        for rule in shape.map_or(&[][..], |shape| shape.rules) {
            self.rule(rule, own, object, &At::Root)?;
        }
        Ok(())
    }

    /// A part of an object against its shape.
    pub(super) fn part(
        &mut self,
        object: &Object<'_>,
        shape: &'static Shape,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        for (name, value) in object.iter() {
            self.member(shape.property(name), name, value, &at.member(name))?;
        }
        for property in shape.properties {
            require(property, object, at)?;
        }
        for rule in shape.rules {
            self.rule(rule, shape.properties, object, at)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        property: Option<&Property>,
        name: &str,
        value: &Value<'_>,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        match property {
            Some(property) => {
                if property.deprecated {
                    self.flag(&DEPRECATED, at);
                }
                self.value(value, &property.kind, at)
            }
            None => self.custom(name, value, at),
        }
    }

    /// A property that STIX does not define: its name is bound, its value is not, but for null.
    fn custom(&mut self, name: &str, value: &Value<'_>, at: &At<'_>) -> Result<(), Refusal> {
        if !is_property_name(name) {
            return Err(Refusal::new(&NAME, at.path())
                .found("another name")
                .required("3 to 250 of `a-z 0-9 _`, a letter first"));
        }
        if RESERVED_PROPERTIES.contains(&name) {
            return Err(Refusal::new(&RESERVED, at.path()).required("another name"));
        }
        no_null(value, at)?;
        let known = self.added.properties || attack::is_property(name);
        if !known && self.schema.is_some() {
            self.flag(&CUSTOM, at);
        }
        Ok(())
    }

    pub(super) fn value(
        &mut self,
        value: &Value<'_>,
        kind: &Kind,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        match kind {
            Kind::Text => string(value, at).map(|_| ()),
            Kind::Integer(min, max) => integer(value, *min, *max, at),
            Kind::Float(min, max) => float(value, *min, *max, at),
            Kind::Bool => match value {
                Value::Bool(_) => Ok(()),
                other => class(other, "true or false", at),
            },
            Kind::Timestamp => super::times::timestamp(string(value, at)?, at),
            Kind::Ref(target) => self.reference(string(value, at)?, *target, at),
            Kind::List(inner) => {
                for (place, item) in list(value, at)?.iter().enumerate() {
                    self.value(item, inner, &at.index(place))?;
                }
                Ok(())
            }
            Kind::Dictionary(inner) => {
                for (key, item) in dictionary(value, at)?.iter() {
                    self.value(item, inner, &at.member(key))?;
                }
                Ok(())
            }
            Kind::Hashes => self.hashes(dictionary(value, at)?, at),
            Kind::Enum(words) => super::vocabulary::closed(string(value, at)?, words, at),
            Kind::Vocabulary => {
                self.open_word(string(value, at)?, at);
                Ok(())
            }
            Kind::Part(shape) => match value {
                Value::Object(object) => {
                    self.part(object, shape, at)?;
                    self.external_reference(object, shape, at)
                }
                other => class(other, "an object", at),
            },
            Kind::Form(form) => self.form(string(value, at)?, *form, at),
            Kind::Observed => match value {
                Value::Object(object) => self.observed(object, at),
                other => class(other, "an object", at),
            },
            Kind::Extensions => self.extensions(dictionary(value, at)?, at),
            Kind::Granular => {
                const ENTRIES: Kind = Kind::List(&Kind::Part(&GRANULAR_MARKING));
                self.value(value, &ENTRIES, at)
            }
            Kind::Any => no_null(value, at),
        }
    }

    /// An observable inside observed-data: as its type wants it, but for its references, which are
    /// keys of the dictionary around it, and its identifier, which it may lack.
    fn observed(&mut self, object: &Object<'_>, at: &At<'_>) -> Result<(), Refusal> {
        let name = match object.get("type") {
            Some(name) => string(name, &at.member("type"))?,
            None => return Err(Refusal::new(&MISSING, at.member("type").path())),
        };
        let Some(schema) = stix::schema(name).filter(|it| it.family == Family::Observable) else {
            return object.iter().try_for_each(|(name, value)| no_null(value, &at.member(name)));
        };
        let outer = std::mem::replace(&mut self.object_type, schema.name);
        self.embedded = true;
        let verdict = self.observed_members(object, &schema.shape, at);
        self.embedded = false;
        self.object_type = outer;
        verdict
    }

    fn observed_members(
        &mut self,
        object: &Object<'_>,
        shape: &'static Shape,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        let common = common(Family::Observable);
        for (name, value) in object.iter() {
            let property = shape.property(name).or_else(|| find(common, name));
            self.member(property, name, value, &at.member(name))?;
        }
        for property in shape.properties {
            require(property, object, at)?;
        }
        shape.rules.iter().try_for_each(|rule| self.rule(rule, shape.properties, object, at))
    }

    fn form(&mut self, text: &str, wanted: Form, at: &At<'_>) -> Result<(), Refusal> {
        if !form::admits(wanted, text) {
            return Err(Refusal::new(&FORM, at.path())
                .found("another string")
                .required(form::describe(wanted)));
        }
        if wanted == Form::Charset && !form::is_known_charset(text) {
            self.flag(&CHARSET, at);
        }
        Ok(())
    }

    fn rule(
        &self,
        rule: &Rule,
        own: &[Property],
        object: &Object<'_>,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        let is = |name: &str, wanted: bool| {
            object.get(name).and_then(Value::as_bool).unwrap_or(false) == wanted
        };
        let refuse = |code: &'static Code, name: &str, required: String| {
            Err(Refusal::new(code, at.member(name).path()).required(required))
        };
        match rule {
            Rule::AnyOf(names) if !names.iter().any(|name| object.contains(name)) => {
                Err(Refusal::new(&NONE_OF, at.path()).required(names.join(", ")))
            }
            Rule::AnyProperty
                if !own.iter().any(|property| object.contains(property.name))
                    && !object.contains("extensions") =>
            {
                Err(Refusal::new(&NONE_OF, at.path()).required("any property of its own"))
            }
            Rule::NotBoth(one, other) if object.contains(one) && object.contains(other) => {
                refuse(&EXCLUDED, other, format!("not beside `{one}`"))
            }
            Rule::Needs(one, other) if object.contains(one) && !object.contains(other) => {
                refuse(&DEPENDS, one, format!("`{other}` beside it"))
            }
            Rule::NeedsWhen(one, wanted, other) if is(one, *wanted) && !object.contains(other) => {
                refuse(&DEPENDS, one, format!("`{other}` where it is {wanted}"))
            }
            Rule::NotWhen(one, wanted, other) if is(one, *wanted) && object.contains(other) => {
                refuse(&EXCLUDED, other, format!("not where `{one}` is {wanted}"))
            }
            Rule::NotLater(early, late) => super::times::order(object, early, late, false, at),
            Rule::Earlier(early, late) => super::times::order(object, early, late, true, at),
            _ => Ok(()),
        }
    }
}

fn find(properties: &'static [Property], name: &str) -> Option<&'static Property> {
    properties.iter().find(|property| property.name == name)
}

fn require(property: &Property, object: &Object<'_>, at: &At<'_>) -> Result<(), Refusal> {
    if property.required && !object.contains(property.name) {
        return Err(Refusal::new(&MISSING, at.member(property.name).path()));
    }
    Ok(())
}

/// S014.
pub(super) fn is_property_name(name: &str) -> bool {
    (3..=250).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Whether a family's objects have versions.
pub(super) fn is_versioned(family: Family) -> bool {
    !matches!(family, Family::Observable | Family::Marking)
}
