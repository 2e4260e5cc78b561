//! The Permissible Actions Protocol in STIX: fixed marking-definitions of an extension that OASIS
//! lists among the common objects, and their order.

use crate::id::Id;
use crate::json::Object;
use crate::stix::marking;

/// What may be done with content, from anything to what nobody notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pap {
    /// CLEAR, WHITE before: no limit.
    Clear,
    /// Active actions.
    Green,
    /// Passive cross-checks.
    Amber,
    /// Nothing that can be detected.
    Red,
}

/// The marking-definitions, with what they mean.
pub static FIXED: &[(Pap, &str)] = &[
    (Pap::Clear, "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730"),
    (Pap::Clear, "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92"),
    (Pap::Green, "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9"),
    (Pap::Amber, "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"),
    (Pap::Red, "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"),
];

/// What a marking means where it is one of these; `None` for every other marking.
pub fn pap_of(marking_id: &str) -> Option<Pap> {
    let uuid = Id::parse(marking_id)?.uuid;
    let fixed = |id: &str| Id::parse(id).is_some_and(|id| id.uuid == uuid);
    FIXED.iter().find(|(_, id)| fixed(id)).map(|(pap, _)| *pap)
}

/// The strictest that marks an object or a part of it: a part travels with the whole.
pub fn strictest(object: &Object<'_>) -> Option<Pap> {
    marking::references(object).filter_map(pap_of).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;

    #[test]
    fn the_strictest_mark_of_an_object_counts_wherever_it_stands() {
        let of = |text: String| match crate::json::parse(text.as_bytes()).unwrap() {
            Value::Object(object) => strictest(&object),
            _ => None,
        };
        assert_eq!(of("{}".to_owned()), None);
        for (pap, id) in FIXED {
            assert_eq!(of(format!(r#"{{"object_marking_refs":["{id}"]}}"#)), Some(*pap));
        }
        let (green, red) = (
            FIXED[2].1,
            FIXED[4].1.to_uppercase().replace("MARKING-DEFINITION", "marking-definition"),
        );
        let part = format!(r#""granular_markings":[{{"marking_ref":"{red}","selectors":["id"]}}]"#);
        assert_eq!(of(format!(r#"{{"object_marking_refs":["{green}"],{part}}}"#)), Some(Pap::Red));
        assert!(Pap::Clear < Pap::Green && Pap::Green < Pap::Amber && Pap::Amber < Pap::Red);
    }
}
