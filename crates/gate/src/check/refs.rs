//! References: their form and the types that they may name (S022, S023). Whether their target is
//! here is never asked (S024), and nothing is followed (S025).

use comity_wire::id::Id;
use comity_wire::stix;
use comity_wire::stix::kind::{Family, Target};

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static REFERENCE: Code = Code {
    id: "reference-malformed",
    meaning: "a reference is an identifier, `type--UUID`",
    source: "S001, S023",
};
pub(crate) static TARGET: Code = Code {
    id: "reference-type",
    meaning: "the reference names a type that the property cannot refer to",
    source: "S022, S023",
};

pub(crate) static CREATOR: Code = Code {
    id: "creator-type-custom",
    meaning: "the creator is an object of a custom type, not an identity",
    source: "S023",
};

impl Check<'_> {
    pub(super) fn reference(
        &mut self,
        text: &str,
        target: Target,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        if self.embedded {
            return Ok(());
        }
        let Some(id) = Id::parse(text) else {
            return Err(Refusal::new(&REFERENCE, at.path())
                .found("another string")
                .required("`type--UUID`"));
        };
        if !admits(target, id.object_type) {
            return Err(Refusal::new(&TARGET, at.path())
                .found("a reference to another type")
                .required(describe(target)));
        }
        if target == Target::Creator && id.object_type != "identity" {
            self.flag(&CREATOR, at);
        }
        Ok(())
    }
}

fn admits(target: Target, object_type: &str) -> bool {
    if object_type == "bundle" {
        return false;
    }
    // A type that the standard does not define may be anything.
    let family = || stix::schema(object_type).map(|schema| schema.family);
    match target {
        Target::Any => true,
        Target::Creator => object_type == "identity" || family().is_none(),
        Target::Types(types) => types.contains(&object_type),
        Target::Observable => matches!(family(), None | Some(Family::Observable)),
        Target::ObservableOrRelationship => {
            matches!(family(), None | Some(Family::Observable | Family::Relationship))
        }
        Target::Domain => matches!(family(), None | Some(Family::Domain)),
        Target::End => matches!(family(), None | Some(Family::Domain | Family::Observable)),
    }
}

fn describe(target: Target) -> String {
    match target {
        Target::Any => "any object but a bundle".to_owned(),
        Target::Creator => "identity".to_owned(),
        Target::Types(types) => types.join(", "),
        Target::Observable => "a cyber-observable".to_owned(),
        Target::ObservableOrRelationship => "a cyber-observable or a relationship".to_owned(),
        Target::Domain => "a domain object".to_owned(),
        Target::End => "a domain object or a cyber-observable".to_owned(),
    }
}
