//! What may enter. One gate, two callers: a local submission that fails is refused; the same
//! object found in a peer's log is void and counted.
//!
//! [`admit`] is a pure function of the object's bytes and of [`Facts`], which come from the
//! charter: no clock, no state, no content that may be erased. The checks stand in their order
//! in its body, one file each: [`check`] asks whether it is STIX, [`floor`] keeps people out.

mod admitted;
pub mod check;
mod facts;
pub mod floor;
mod refusal;

pub use admitted::{Admitted, Flag, Hold, Version};
pub use facts::Facts;
pub use refusal::{Code, Path, Refusal};

use comity_wire::json::{self, Object, Value};
use comity_wire::limits::OBJECT_BYTES_MAX;

/// What the checks note about an object that is not refused.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) flags: Vec<Flag>,
    pub(crate) hold: Option<Hold>,
    /// The longest life that the floor leaves to an entry about this object, in days.
    pub(crate) expiry_days_max: Option<u32>,
}

/// Judges one STIX object. The bytes are those the producer wrote; they are what is stored.
pub fn admit<'a>(bytes: &'a [u8], facts: &Facts) -> Result<Admitted<'a>, Refusal> {
    let object = read(bytes)?;
    let head = check::head::check(&object)?;
    let mut findings = Findings::default();
    floor::check(&object, facts, &mut findings)?;
    check::check(&object, &mut findings)?;
    Ok(Admitted::new(bytes, head, findings))
}

/// Octets to an object, or why not.
fn read(bytes: &[u8]) -> Result<Object<'_>, Refusal> {
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(Refusal::new(&check::TOO_LARGE, Path::root())
            .found(format!("{} octets", bytes.len()))
            .required(format!("at most {OBJECT_BYTES_MAX} octets")));
    }
    match json::parse(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Refusal::new(&check::NOT_AN_OBJECT, Path::root())
            .found(other.class())
            .required("an object")),
        Err(error) => Err(Refusal::new(&check::NOT_JSON, Path::root())
            .found(error.to_string())
            .required("I-JSON (RFC 7493)")),
    }
}
