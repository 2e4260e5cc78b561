//! Timestamps and the order of pairs of them (S003, S004, S018).

use comity_wire::json::Object;
use comity_wire::time::Instant;

use super::{At, Check, schema};
use crate::refusal::{Code, Refusal};

pub(crate) static TIMESTAMP: Code = Code {
    id: "timestamp-malformed",
    meaning: "a timestamp is `YYYY-MM-DDTHH:MM:SS[.s+]Z` and a day of the calendar",
    source: "S003",
};
pub(crate) static ORDER: Code =
    Code { id: "time-order", meaning: "two times stand in the wrong order", source: "S018" };

pub(super) fn timestamp(text: &str, at: &At<'_>) -> Result<(), Refusal> {
    match Instant::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(&TIMESTAMP, at.path()).found(error.to_string())),
    }
}

/// `early` before `late` where both stand, or at the same instant unless `strictly`. The form of
/// both was judged before.
pub(super) fn order(
    object: &Object<'_>,
    early: &'static str,
    late: &'static str,
    strictly: bool,
    at: &At<'_>,
) -> Result<(), Refusal> {
    let (Some(first), Some(second)) = (object.str(early), object.str(late)) else {
        return Ok(());
    };
    // Equal text is the same instant, and usual: most objects are in their first version.
    let order = if first == second {
        std::cmp::Ordering::Equal
    } else {
        match (Instant::parse(first), Instant::parse(second)) {
            (Ok(first), Ok(second)) => first.cmp(&second),
            _ => return Ok(()),
        }
    };
    if order.is_lt() || (order.is_eq() && !strictly) {
        return Ok(());
    }
    let word = if strictly { "later than" } else { "not before" };
    Err(Refusal::new(&ORDER, at.member(late).path())
        .found("an instant out of order")
        .required(format!("{word} `{early}`")))
}

impl Check<'_> {
    pub(super) fn modified_not_before_created(&self) -> Result<(), Refusal> {
        if !schema::is_versioned(self.family) {
            return Ok(());
        }
        order(self.object, "created", "modified", false, &At::Root)
    }
}
