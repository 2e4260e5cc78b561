//! The person floor: no record about a natural person. Compiled in; a charter may only tighten.

use comity_wire::json::Object;

use crate::refusal::{Code, Refusal};
use crate::{Facts, Findings};

/// All codes of the floor, for the reference page.
pub static CODES: &[&Code] = &[];

pub(crate) fn check(_: &Object<'_>, _: &Facts, _: &mut Findings) -> Result<(), Refusal> {
    Ok(())
}
