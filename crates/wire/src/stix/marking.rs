//! The traffic light protocol in STIX: fixed marking-definitions, which nobody else may make
//! (S049 for TLP 1.0, S050 for TLP 2.0), and their order (S052).

use crate::id::{Id, Uuid};
use crate::json::{Object, Value};

/// How far content may travel, from anywhere to named recipients only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// CLEAR, WHITE in TLP 1.0: no limit.
    Clear,
    /// The community.
    Green,
    /// Those who need to know, their organisation and its clients.
    Amber,
    /// Those who need to know and their organisation.
    AmberStrict,
    /// The named recipients.
    Red,
}

/// The extension that TLP 2.0 markings use.
pub const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// One of the marking-definitions that are fixed, content and all.
#[derive(Debug, PartialEq, Eq)]
pub struct Fixed {
    /// What it means.
    pub tlp: Tlp,
    /// Whether it is of TLP 2.0.
    pub second: bool,
    /// Its `id`.
    pub id: &'static str,
    /// Its `name`.
    pub name: &'static str,
    /// The word in `definition.tlp` or in the extension's `tlp_2_0`.
    pub word: &'static str,
}

impl Fixed {
    /// Its `created`.
    pub fn created(&self) -> &'static str {
        if self.second { "2022-10-01T00:00:00.000Z" } else { "2017-01-20T00:00:00.000Z" }
    }

    /// The whole object, as the standard prints it but for white space.
    pub fn object(&self) -> String {
        let Fixed { id, name, word, .. } = self;
        let created = self.created();
        let content = if self.second {
            format!(
                "\"name\":\"{name}\",\"extensions\":{{\"{TLP_2_EXTENSION}\":\
                 {{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"{word}\"}}}}"
            )
        } else {
            format!(
                "\"name\":\"{name}\",\"definition_type\":\"tlp\",\
                 \"definition\":{{\"tlp\":\"{word}\"}}"
            )
        };
        format!(
            "{{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"{id}\",\
             \"created\":\"{created}\",{content}}}"
        )
    }
}

const fn first(tlp: Tlp, id: &'static str, name: &'static str, word: &'static str) -> Fixed {
    Fixed { tlp, second: false, id, name, word }
}

const fn second(tlp: Tlp, id: &'static str, name: &'static str, word: &'static str) -> Fixed {
    Fixed { tlp, second: true, id, name, word }
}

/// All of them.
pub static FIXED: &[Fixed] = &[
    first(
        Tlp::Clear,
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
        "TLP:WHITE",
        "white",
    ),
    first(
        Tlp::Green,
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "TLP:GREEN",
        "green",
    ),
    first(
        Tlp::Amber,
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
        "TLP:AMBER",
        "amber",
    ),
    first(Tlp::Red, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "TLP:RED", "red"),
    second(
        Tlp::Clear,
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "TLP:CLEAR",
        "clear",
    ),
    second(
        Tlp::Green,
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "TLP:GREEN",
        "green",
    ),
    second(
        Tlp::Amber,
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "TLP:AMBER",
        "amber",
    ),
    second(
        Tlp::AmberStrict,
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        "TLP:AMBER+STRICT",
        "amber+strict",
    ),
    second(Tlp::Red, "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "TLP:RED", "red"),
];

/// What a marking means where it is a TLP marking; `None` for every other marking.
pub fn tlp_of(marking_id: &str) -> Option<Tlp> {
    fixed(Id::parse(marking_id)?.uuid).map(|fixed| fixed.tlp)
}

/// The strictest light that marks an object or a part of it, in either version of the protocol. A
/// part travels with the whole, so the whole is as strict as its strictest part.
pub fn strictest(object: &Object<'_>) -> Option<Tlp> {
    references(object).filter_map(tlp_of).max()
}

/// The ids of all markings of an object and of its parts.
pub(crate) fn references<'o>(object: &'o Object<'_>) -> impl Iterator<Item = &'o str> {
    let items = |name| object.get(name).and_then(Value::as_array).unwrap_or_default();
    let whole = items("object_marking_refs").iter().filter_map(Value::as_str);
    let parts = items("granular_markings")
        .iter()
        .filter_map(|part| part.as_object().and_then(|part| part.str("marking_ref")));
    whole.chain(parts)
}

/// The fixed marking-definition of a UUID.
pub fn fixed(uuid: Uuid) -> Option<&'static Fixed> {
    FIXED.iter().find(|fixed| Id::parse(fixed.id).is_some_and(|id| id.uuid == uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s052_the_lights_have_an_order() {
        assert!(Tlp::Clear < Tlp::Green && Tlp::Green < Tlp::Amber);
        assert!(Tlp::Amber < Tlp::AmberStrict && Tlp::AmberStrict < Tlp::Red);
    }

    #[test]
    fn the_strictest_mark_of_an_object_counts_wherever_it_stands() {
        let [green, amber, red] = ["TLP:GREEN", "TLP:AMBER", "TLP:RED"].map(|name| {
            FIXED.iter().rfind(|fixed| fixed.name == name).map(|fixed| fixed.id).unwrap()
        });
        let statement = "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
        let of = |text: String| match crate::json::parse(text.as_bytes()).unwrap() {
            Value::Object(object) => strictest(&object),
            _ => None,
        };
        assert_eq!(of("{}".to_owned()), None);
        assert_eq!(of(format!(r#"{{"object_marking_refs":["{statement}"]}}"#)), None);
        let refs = format!(r#""object_marking_refs":["{amber}","{statement}","{green}"]"#);
        assert_eq!(of(format!("{{{refs}}}")), Some(Tlp::Amber));
        let part = format!(r#""granular_markings":[{{"marking_ref":"{red}","selectors":["id"]}}]"#);
        assert_eq!(of(format!("{{{refs},{part}}}")), Some(Tlp::Red));
        assert_eq!(of(format!("{{{part}}}")), Some(Tlp::Red));
    }

    #[test]
    fn s049_s050_all_ids_are_known_in_either_case() {
        assert_eq!(FIXED.len(), 9);
        for fixed in FIXED {
            assert_eq!(tlp_of(fixed.id), Some(fixed.tlp));
            let (name, uuid) = fixed.id.split_once("--").unwrap();
            assert_eq!(tlp_of(&format!("{name}--{}", uuid.to_uppercase())), Some(fixed.tlp));
            assert!(crate::json::parse(fixed.object().as_bytes()).is_ok());
        }
        assert_eq!(tlp_of("marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), None);
        assert_eq!(tlp_of("nothing"), None);
    }
}
