//! Identifiers of cyber-observables (S031–S035). Any identifier of the right form and version is
//! valid, and none is ever replaced.

use comity_wire::id::Id;
use comity_wire::stix::kind::Family;
use comity_wire::stix::observable_id::observable_uuid;

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static VERSION: Code = Code {
    id: "observable-id-version",
    meaning: "an observable with nothing to derive an identifier from has a random one",
    source: "S034",
};
pub(crate) static DIFFERS: Code = Code {
    id: "observable-id-differs",
    meaning: "the identifier is not the one that STIX 2.1 derives from the content",
    source: "S035",
};

impl Check<'_> {
    pub(super) fn observable_id(&mut self) -> Result<(), Refusal> {
        if self.family != Family::Observable || self.schema.is_none() {
            return Ok(());
        }
        let Some(id) = self.object.str("id").and_then(Id::parse) else {
            return Ok(());
        };
        let version = id.uuid.version();
        match observable_uuid(self.object) {
            None if version != 4 => Err(Refusal::new(&VERSION, At::Root.member("id").path())
                .found("a UUID of another version")
                .required("a UUID of version 4")),
            Some(derived) if version == 5 && derived != id.uuid => {
                self.flag(&DIFFERS, &At::Member(&At::Root, "id"));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
