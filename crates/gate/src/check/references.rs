//! External references to registries whose numbers have a known form (S009).

use comity_wire::json::Object;
use comity_wire::stix::common::EXTERNAL_REFERENCE;
use comity_wire::stix::kind::Shape;

use super::{At, Check};
use crate::refusal::{Code, Refusal};

pub(crate) static EXTERNAL_ID: Code = Code {
    id: "external-id-malformed",
    meaning: "a CVE or CAPEC number does not have the form of its registry",
    source: "S009",
};

impl Check<'_> {
    /// Judges a part, where it is an external reference.
    pub(super) fn external_reference(
        &self,
        object: &Object<'_>,
        shape: &'static Shape,
        at: &At<'_>,
    ) -> Result<(), Refusal> {
        if !std::ptr::eq(shape, &EXTERNAL_REFERENCE) {
            return Ok(());
        }
        let (good, required) = match (object.str("source_name"), object.str("external_id")) {
            (Some("cve"), Some(id)) => (is_cve(id), "CVE-YYYY-NNNN, four digits or more"),
            (Some("capec"), Some(id)) => (is_capec(id), "CAPEC- and a number"),
            (Some(name), _)
                if ["cve", "capec"]
                    .iter()
                    .any(|known| name != *known && name.eq_ignore_ascii_case(known)) =>
            {
                (false, "a source name in lower case")
            }
            (Some("cve" | "capec"), None) => (false, "the number in the registry"),
            _ => return Ok(()),
        };
        if good {
            return Ok(());
        }
        Err(Refusal::new(&EXTERNAL_ID, at.member("external_id").path()).required(required))
    }
}

fn is_digits(text: &str, count_min: usize) -> bool {
    text.len() >= count_min && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_cve(id: &str) -> bool {
    let number = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    number
        .is_some_and(|(year, number)| year.len() == 4 && is_digits(year, 4) && is_digits(number, 4))
}

fn is_capec(id: &str) -> bool {
    id.strip_prefix("CAPEC-").is_some_and(|number| is_digits(number, 1))
}
