//! Keys put into a charter that has none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use std::collections::BTreeMap;

use comity_charter::{Genesis, parse, with_geneses};
use world::{genesis, load, party, standing, text};

fn geneses(ids: &[&str]) -> BTreeMap<String, Genesis> {
    ids.iter().map(|id| ((*id).to_owned(), genesis(id))).collect()
}

fn rules(text: &str, geneses: &BTreeMap<String, Genesis>) -> Vec<&'static str> {
    with_geneses(text, geneses).unwrap_err().iter().map(|fault| fault.rule).collect()
}

#[test]
fn the_templates_take_the_keys_of_all_parties() {
    for name in ["sco", "two-party"] {
        let path =
            format!("{}/../../examples/bodies/{name}/charter.toml", env!("CARGO_MANIFEST_DIR"));
        let template = std::fs::read_to_string(path).unwrap();
        let before = load(&template);
        let ids: Vec<&str> = before.parties.iter().map(|party| party.id.as_str()).collect();
        let filled = with_geneses(&template, &geneses(&ids)).unwrap();
        let after = load(&filled);
        for party in &after.parties {
            assert_eq!(party.genesis, Some(genesis(&party.id)));
            let standings = &before.party(&party.id).unwrap().standings;
            assert_eq!(&party.standings, standings);
        }
        // What is not a key is there as it was, each line in its order.
        let mut lines = filled.lines();
        for line in template.lines() {
            assert!(lines.any(|other| other == line), "{name}: `{line}` is gone");
        }
        let keys = 7 * ids.len();
        assert_eq!(filled.lines().count(), template.lines().count() + keys);
        assert_eq!(with_geneses(&template, &BTreeMap::new()).unwrap(), template);
    }
}

#[test]
fn a_last_line_without_an_end_gets_one() {
    let template = text(&[party("p1.example", "tier = \"member\"")]);
    let last =
        format!("{template}\n[[party]]\nid = \"p0.example\"\nname = \"x\"\ntier = \"member\"");
    assert!(parse(&last).is_ok());
    let filled = with_geneses(&last, &geneses(&["p0.example", "p1.example"])).unwrap();
    assert!(load(&filled).parties.iter().all(|party| party.genesis.is_some()));
}

#[test]
fn keys_without_a_place_are_refused() {
    let one = text(&[party("p0.example", &standing("member", ""))]);
    assert_eq!(rules(&one, &geneses(&["p9.example"])), ["genesis-party"]);
    let filled = with_geneses(&one, &geneses(&["p0.example"])).unwrap();
    assert_eq!(rules(&filled, &geneses(&["p0.example"])), ["genesis-present"]);
    // In one line there is no place for a table; nor before members that would fall into it.
    let inline = text(&[]).replace(
        "purposes =",
        "party = [{ id = \"p0.example\", name = \"x\", tier = \"member\" }]\npurposes =",
    );
    assert_eq!(rules(&inline, &geneses(&["p0.example"])), ["genesis-place"]);
    let behind = text(&[party("p0.example", "standing = [{ tier = \"member\" }]")]);
    assert_eq!(rules(&behind, &geneses(&["p0.example"])), ["genesis-place"]);
    assert_eq!(rules("format = 1", &geneses(&["p0.example"])), ["charter-syntax"]);
}

#[test]
fn keys_have_their_form_and_each_is_used_once() {
    let two = ["p0.example", "p1.example"];
    let template = text(&two.map(|id| party(id, "tier = \"member\"")));
    let broken = |change: fn(&mut BTreeMap<String, Genesis>)| {
        let mut all = geneses(&two);
        change(&mut all);
        with_geneses(&template, &all)
            .err()
            .map_or(Vec::new(), |faults| faults.iter().map(|fault| fault.rule).collect::<Vec<_>>())
    };
    fn of<'g>(all: &'g mut BTreeMap<String, Genesis>, id: &str) -> &'g mut Genesis {
        all.get_mut(id).unwrap()
    }
    assert_eq!(broken(|_| {}), [""; 0]);
    // The key of another log, of another party, and one whose parts do not belong together.
    assert_eq!(
        broken(|all| of(all, "p0.example").acts = genesis("p0.example").shared),
        ["genesis-key"]
    );
    assert_eq!(
        broken(|all| of(all, "p0.example").acts = genesis("p1.example").acts),
        ["genesis-key"]
    );
    assert_eq!(
        broken(|all| {
            let key = &mut of(all, "p0.example").audit;
            *key = key.replacen("audit+", "audit+0", 1);
        }),
        ["genesis-key"]
    );
    assert_eq!(
        broken(|all| of(all, "p0.example").transport = "sha256//AAAA".into()),
        ["genesis-transport"]
    );
    assert_eq!(broken(|all| of(all, "p0.example").next = "AB".repeat(32)), ["genesis-next"]);
    assert_eq!(
        broken(|all| of(all, "p1.example").transport = genesis("p0.example").transport),
        ["genesis-twice"]
    );
    assert_eq!(
        broken(|all| of(all, "p1.example").next = genesis("p0.example").next),
        ["genesis-twice"]
    );
}

#[test]
fn a_log_that_was_put_back_has_a_number() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let template = text(&[party("p0.example", "tier = \"member\"")]);
    let with = |name: &str| {
        let key = [&[1u8][..], &[7; 32]].concat();
        let digest = sha2::Sha256::digest([name.as_bytes(), b"\n", &key].concat());
        let id: String = digest.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        let mut all = geneses(&["p0.example"]);
        all.get_mut("p0.example").unwrap().shared = format!("{name}+{id}+{key}");
        with_geneses(&template, &all).is_ok()
    };
    assert!(with("p0.example/shared") && with("p0.example/shared/2"));
    for name in ["p0.example/shared/1", "p0.example/shared/", "p0.example/sharedx", "p0.example"] {
        assert!(!with(name), "{name}");
    }
}
