//! What may enter. One gate, two callers: a local submission that fails is refused; the same
//! object found in a peer's log is void and counted.
//!
//! [`admit`] is a pure function of the object's bytes and of [`Facts`], which come from the
//! charter: no clock, no state, no content that may be erased. The checks stand in their order
//! in its body, one file each: [`check`] asks whether it is STIX, [`floor`] keeps people out.
//! [`release`] is about what may leave.

mod admitted;
pub mod check;
mod facts;
pub mod floor;
mod refusal;
pub mod release;

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
pub fn admit(bytes: &[u8], facts: &Facts) -> Result<Admitted, Refusal> {
    let object = read(bytes)?;
    let head = check::head::check(&object)?;
    let mut findings = Findings::default();
    floor::check(&object, facts, &mut findings)?;
    check::check(&object, facts, &mut findings)?;
    Ok(Admitted::new(head, findings))
}

/// Whether an object conforms to STIX 2.1, whatever the floor says of it, and what is worth a mark.
///
/// For reports and tests that have to tell conformance from policy: nothing enters by this way.
pub fn conforms(bytes: &[u8]) -> Result<Vec<Flag>, Refusal> {
    let facts = Facts::default();
    let object = read(bytes)?;
    check::head::check(&object)?;
    let mut findings = Findings::default();
    check::check(&object, &facts, &mut findings)?;
    Ok(findings.flags)
}

/// The refusal of an object that is too large even to be read.
pub fn too_large(octets: u64) -> Refusal {
    Refusal::new(&check::TOO_LARGE, Path::root())
        .found(format!("{octets} octets"))
        .required(format!("at most {OBJECT_BYTES_MAX} octets"))
}

/// Octets to an object, or why not.
fn read(bytes: &[u8]) -> Result<Object<'_>, Refusal> {
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(too_large(bytes.len() as u64));
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
