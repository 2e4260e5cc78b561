//! Which types a relationship joins (S021). Nothing is refused here: any may be joined that
//! [`super::refs`] lets pass.

use comity_wire::id::Id;
use comity_wire::stix::relationship::is_suggested;

use super::{At, Check};
use crate::refusal::Code;

pub(crate) static UNUSUAL: Code = Code {
    id: "relationship-unusual",
    meaning: "a relationship between types for which the standard suggests others",
    source: "S021",
};

impl Check<'_> {
    pub(super) fn suggested_relationship(&mut self) {
        let end = |name| {
            let id = self.object.str(name).and_then(Id::parse);
            id.map(|id| id.object_type)
        };
        let kind = self.object.str("relationship_type");
        let (Some(kind), Some(source), Some(target)) = (kind, end("source_ref"), end("target_ref"))
        else {
            return;
        };
        if !is_suggested(source, kind, target) {
            self.flag(&UNUSUAL, &At::Member(&At::Root, "relationship_type"));
        }
    }
}
