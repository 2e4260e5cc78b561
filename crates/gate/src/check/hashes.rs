//! Hashes: those of known algorithms have the right length and alphabet (S008).

use comity_wire::json::Object;
use comity_wire::stix::hash;

use super::{At, Check, value};
use crate::refusal::{Code, Refusal};

pub(crate) static HASH: Code = Code {
    id: "hash-malformed",
    meaning: "a hash does not have the form of its algorithm, or its algorithm no name",
    source: "S008",
};
pub(crate) static HASH_UNKNOWN: Code = Code {
    id: "hash-unknown",
    meaning: "a hash of an algorithm that STIX does not name",
    source: "S008",
};

impl Check<'_> {
    pub(super) fn hashes(&mut self, hashes: &Object<'_>, at: &At<'_>) -> Result<(), Refusal> {
        for (algorithm, value) in hashes.iter() {
            let here = at.member(algorithm);
            let text = value::string(value, &here)?;
            let refuse = |required| Err(Refusal::new(&HASH, here.path()).required(required));
            match hash::form(algorithm) {
                Some(form) if !form.admits(text) => {
                    return refuse("the length and alphabet of the algorithm");
                }
                Some(_) => {}
                None if algorithm.len() < 3 => {
                    return refuse("a name of 3 to 250 characters for the algorithm");
                }
                None if text.is_empty() => return refuse("a hash"),
                None => self.flag(&HASH_UNKNOWN, &here),
            }
        }
        Ok(())
    }
}
