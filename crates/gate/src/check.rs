//! Is it STIX 2.1? The MUSTs that bind an object, one file a check.

pub mod head;

use comity_wire::json::Object;

use crate::Findings;
use crate::refusal::{Code, Refusal};

/// All codes of these checks, for the reference page.
pub static CODES: &[&Code] = &[&TOO_LARGE, &NOT_AN_OBJECT, &NOT_JSON];

pub(crate) static TOO_LARGE: Code = Code {
    id: "object-too-large",
    meaning: "the object is larger than a node takes",
    source: "limits: OBJECT_BYTES_MAX",
};
pub(crate) static NOT_AN_OBJECT: Code = Code {
    id: "not-an-object",
    meaning: "a STIX object is a JSON object",
    source: "STIX 2.1 §3",
};
pub(crate) static NOT_JSON: Code = Code {
    id: "not-json",
    meaning: "the text is not JSON as STIX asks for it",
    source: "S012",
};

pub(crate) fn check(_object: &Object<'_>, _findings: &mut Findings) -> Result<(), Refusal> {
    Ok(())
}
