//! What may leave: the label of a release against the markings in the object, and why an object is
//! not released. The node compiles the audience; this crate knows no parties.
//!
//! A TLP label stands in two places, in the header of the entry and as a marking in the object, and
//! people read either. So they must not contradict each other: a header is never wider than the
//! object. What is found otherwise in a log is void.

use comity_charter::{Pap, Tlp};
use comity_wire::json::{self, Value};
use comity_wire::stix::{marking, pap};

use crate::refusal::{Code, Path, Refusal};

/// All codes of a release, for the reference page.
pub static CODES: &[&Code] =
    &[&MARKED, &RED, &RULE, &NOBODY, &HELD, &ELSEWHERE, &UNSHARED, &NOT_OWN, &ONWARD, &UNASSESSED];

/// The markings say less than the release.
pub static MARKED: Code = Code {
    id: "release-marking",
    meaning: "the object is marked stricter than it would be released",
    source: "TLP 2.0",
};
/// A red light and a rule that names no party.
pub static RED: Code = Code {
    id: "release-red",
    meaning: "what is TLP:RED is for parties that the rule names one by one",
    source: "TLP 2.0",
};
/// A rule that cannot be used.
pub static RULE: Code = Code {
    id: "release-rule",
    meaning: "the release rule cannot be used under the charter in force",
    source: "charter",
};
/// A rule that reaches nobody.
pub static NOBODY: Code = Code {
    id: "release-nobody",
    meaning: "the release rule reaches no party now; an empty audience is nobody",
    source: "charter",
};
/// Something that waits for an attestation.
pub static HELD: Code = Code {
    id: "release-held",
    meaning: "the object waits for an attestation, and is released to nobody before",
    source: "person floor",
};
/// Something that others have.
pub static ELSEWHERE: Code = Code {
    id: "release-shared",
    meaning: "the object is shared already, and not with all of these parties",
    source: "sharing",
};
/// Something that nobody has.
pub static UNSHARED: Code = Code {
    id: "release-unshared",
    meaning: "the object is not shared, so there is nothing to grant",
    source: "sharing",
};

/// Something that another party released.
pub static NOT_OWN: Code = Code {
    id: "release-not-own",
    meaning: "the object was released by another party, who alone says who else gets it, and does not",
    source: "sharing",
};

/// Something of another party, for more than it consents to.
pub static ONWARD: Code = Code {
    id: "release-onward",
    meaning: "the party whose object it is does not consent to its release to all of these",
    source: "sharing",
};

/// Somebody who has to be assessed first.
pub static UNASSESSED: Code = Code {
    id: "release-assessment",
    meaning: "a party that the charter wants assessed before a release has no assessment that counts",
    source: "charter",
};

/// What is said about the label of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Nothing may leave that is stricter; what has no marking gets this one.
    UpTo(Tlp),
    /// This one, whatever the object is marked with below it.
    Exactly(Tlp),
    /// The marking; what has none gets this one.
    Unmarked(Tlp),
}

/// The label that an object is released under.
///
/// # Errors
/// The object is marked stricter than it may leave.
pub fn label(object: &[u8], given: Label) -> Result<Tlp, Refusal> {
    let marked = marked(object);
    let (limit, label) = match given {
        Label::UpTo(limit) => (Some(limit), marked.unwrap_or(limit)),
        Label::Exactly(label) => (Some(label), label),
        Label::Unmarked(label) => (None, marked.unwrap_or(label)),
    };
    match (limit, marked) {
        (Some(limit), Some(marked)) if marked > limit => {
            let path = Path::root().member("object_marking_refs");
            Err(Refusal::new(&MARKED, path)
                .found(format!("a marking of TLP:{}", marked.label()))
                .required(format!("at most TLP:{}", limit.label()))
                .hint("release it under a stricter label, to parties that may have it"))
        }
        _ => Ok(label),
    }
}

/// What may be done with an object that is released: what is said, else its marking, else the
/// default.
///
/// # Errors
/// The object is marked stricter than what is said.
pub fn pap(object: &[u8], said: Option<Pap>, default: Option<Pap>) -> Result<Option<Pap>, Refusal> {
    let marked = marked_pap(object);
    match (said, marked) {
        (Some(said), Some(marked)) if marked > said => {
            let path = Path::root().member("object_marking_refs");
            Err(Refusal::new(&MARKED, path)
                .found(format!("a marking of PAP:{}", marked.label()))
                .required(format!("at most PAP:{}", said.label()))
                .hint("release it with a stricter --pap, or without"))
        }
        (said, marked) => Ok(said.or(marked).or(default)),
    }
}

/// Whether what an entry permits is no more than the markings in its object do. One that says
/// nothing permits nothing.
pub fn permits_no_more(object: &[u8], pap: Option<Pap>) -> bool {
    pap.is_none_or(|pap| marked_pap(object).is_none_or(|marked| marked <= pap))
}

fn marked_pap(object: &[u8]) -> Option<Pap> {
    let Ok(Value::Object(object)) = json::parse(object) else { return None };
    Some(match pap::strictest(&object)? {
        pap::Pap::Clear => Pap::Clear,
        pap::Pap::Green => Pap::Green,
        pap::Pap::Amber => Pap::Amber,
        pap::Pap::Red => Pap::Red,
    })
}

/// Whether the label of an entry is at least as strict as the markings in its object.
pub fn agrees(object: &[u8], label: Tlp) -> bool {
    marked(object).is_none_or(|marked| marked <= label)
}

/// The strictest marking in an object; none where it has none, or is not JSON.
fn marked(object: &[u8]) -> Option<Tlp> {
    let Ok(Value::Object(object)) = json::parse(object) else { return None };
    Some(match marking::strictest(&object)? {
        marking::Tlp::Clear => Tlp::Clear,
        marking::Tlp::Green => Tlp::Green,
        marking::Tlp::Amber => Tlp::Amber,
        marking::Tlp::AmberStrict => Tlp::AmberStrict,
        marking::Tlp::Red => Tlp::Red,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIGHTS: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

    fn object(label: Option<Tlp>) -> String {
        let Some(label) = label else { return "{}".to_owned() };
        let name = format!("TLP:{}", label.label());
        let id = marking::FIXED.iter().rfind(|fixed| fixed.name == name).unwrap().id;
        format!(r#"{{"object_marking_refs":["{id}"]}}"#)
    }

    #[test]
    fn the_header_is_never_wider_than_the_object() {
        for marked in LIGHTS.map(Some).into_iter().chain([None]) {
            let object = object(marked);
            for given in LIGHTS {
                for label_of in [Label::UpTo(given), Label::Exactly(given), Label::Unmarked(given)]
                {
                    match label(object.as_bytes(), label_of) {
                        Ok(label) => {
                            assert!(agrees(object.as_bytes(), label));
                            assert!(marked.is_none_or(|marked| marked <= label));
                        }
                        Err(refusal) => {
                            assert!(marked > Some(given), "{marked:?} {label_of:?}");
                            assert_eq!(refusal.code, &MARKED);
                        }
                    }
                }
                assert_eq!(agrees(object.as_bytes(), given), marked <= Some(given));
            }
        }
    }

    #[test]
    fn no_more_is_permitted_than_the_markings_do() {
        let paps = [Pap::Clear, Pap::Green, Pap::Amber, Pap::Red];
        for (at, (_, id)) in comity_wire::stix::pap::FIXED.iter().enumerate() {
            let marked = paps[at.saturating_sub(1)];
            let object = format!(r#"{{"object_marking_refs":["{id}"]}}"#);
            let object = object.as_bytes();
            assert_eq!(pap(object, None, Some(Pap::Clear)).unwrap(), Some(marked));
            for said in paps {
                let given = pap(object, Some(said), None);
                assert_eq!(given.is_ok(), marked <= said, "{marked:?} {said:?}");
                assert_eq!(permits_no_more(object, Some(said)), marked <= said);
            }
        }
        assert_eq!(pap(b"{}", None, Some(Pap::Amber)).unwrap(), Some(Pap::Amber));
        assert_eq!(pap(b"{}", Some(Pap::Green), Some(Pap::Amber)).unwrap(), Some(Pap::Green));
        assert_eq!(pap(b"{}", None, None).unwrap(), None);
        assert!(permits_no_more(b"{}", None));
    }

    #[test]
    fn what_has_no_marking_gets_the_label_that_is_given() {
        for given in LIGHTS {
            for label_of in [Label::UpTo(given), Label::Exactly(given), Label::Unmarked(given)] {
                assert_eq!(label(b"{}", label_of).unwrap(), given);
            }
        }
        let green = object(Some(Tlp::Green));
        assert_eq!(label(green.as_bytes(), Label::UpTo(Tlp::Red)).unwrap(), Tlp::Green);
        assert_eq!(label(green.as_bytes(), Label::Exactly(Tlp::Red)).unwrap(), Tlp::Red);
        assert_eq!(label(green.as_bytes(), Label::Unmarked(Tlp::Clear)).unwrap(), Tlp::Green);
    }
}
