//! What binds the versions of one object together (S038, S041, S042). Asked where the other
//! versions are known: they are state, and [`crate::admit`] has none. Whether two contents claim
//! one version is judged there too (S040).

use comity_wire::id::{Id, Uuid};
use comity_wire::time::Instant;

use crate::admitted::{Admitted, Flag};
use crate::refusal::{Code, Path, Refusal};

pub(crate) static CREATED_CHANGED: Code = Code {
    id: "version-created-changed",
    meaning: "all versions of an object have the same `created`",
    source: "S038",
};
pub(crate) static CREATOR_CHANGED: Code = Code {
    id: "version-creator-changed",
    meaning: "all versions of an object have the same `created_by_ref`",
    source: "S038",
};
pub(crate) static REVOKED: Code = Code {
    id: "version-after-revocation",
    meaning: "an object that was revoked has no later versions",
    source: "S042",
};
pub(crate) static OVERTAKEN: Code = Code {
    id: "revocation-overtaken",
    meaning: "a revocation whose object has a later version here that does not revoke it",
    source: "S042",
};

/// A version of the object that is already known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The instant of its `modified`, else of its `created`.
    pub version: Instant,
    /// Its `created`.
    pub created: Option<Instant>,
    /// The UUID of its `created_by_ref`.
    pub created_by: Option<Uuid>,
    /// Whether it revokes the object.
    pub revoked: bool,
}

/// Judges a version against those that are known, in any order of arrival: an older version that
/// comes late is fine (S041). What has no versions
/// (a cyber-observable) is never refused here.
pub fn lifecycle(admitted: &Admitted, known: &[Known]) -> Result<Vec<Flag>, Refusal> {
    let Some(version) = admitted.version() else {
        return Ok(Vec::new());
    };
    let here = |name: &str| Path::root().member(name);
    if known.iter().any(|other| other.created != admitted.created()) {
        return Err(Refusal::new(&CREATED_CHANGED, here("created"))
            .found("another instant")
            .required("the one of the versions that are known")
            .hint("make a new object, related to this one by `derived-from`"));
    }
    let creator = admitted.created_by().map(|Id { uuid, .. }| uuid);
    if known.iter().any(|other| other.created_by != creator) {
        return Err(Refusal::new(&CREATOR_CHANGED, here("created_by_ref"))
            .found("another creator, or none")
            .required("the one of the versions that are known")
            .hint("make a new object, related to this one by `derived-from`"));
    }
    let revoked_before = |other: &Known| other.revoked && other.version < version.instant;
    if known.iter().any(revoked_before) {
        return Err(Refusal::new(&REVOKED, here("modified"))
            .found("an instant later than the revocation")
            .hint("make a new object; a revocation is final"));
    }
    // The same contradiction, met the other way round: a revocation is not refused for what another
    // version does.
    let overtakes = |other: &Known| !other.revoked && other.version > version.instant;
    let overtaken = admitted.revoked() && known.iter().any(overtakes);
    let flag = overtaken.then(|| Flag { code: &OVERTAKEN, path: here("revoked") });
    Ok(flag.into_iter().collect())
}
