//! What one charter changes in another, and that what loosens is marked.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use std::collections::BTreeMap;

use comity_charter::{Change, Charter, diff, with_geneses};
use world::{genesis, load};

fn template() -> String {
    let path =
        format!("{}/../../examples/bodies/two-party/charter.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The template as version 2 of itself.
fn successor(change: impl Fn(&str) -> String) -> (Charter, Charter) {
    let old = load(&template());
    let head = format!("\nversion = 2\nprevious = \"{}\"", old.hash);
    let text = change(&template().replacen("\nversion = 1", &head, 1));
    (old, load(&text))
}

/// The changes but for the first, which says that it is a successor.
fn changes(from: &str, to: &str) -> Vec<Change> {
    assert!(template().contains(from), "the template has no `{from}`");
    let (old, new) = successor(|text| text.replacen(from, to, 1));
    let mut changes = diff(&old, &new);
    assert_eq!(changes.remove(0).what, "version 2 succeeds version 1");
    changes
}

#[test]
fn a_charter_does_not_differ_from_itself() {
    let charter = load(&template());
    assert_eq!(diff(&charter, &charter), []);
    assert_eq!(changes("[languages]", "# a remark\n[languages]"), []);
}

#[test]
fn what_succeeds_nothing_is_told() {
    let one = load(&template());
    let other = load(&format!("# other\n{}", template()));
    let found = diff(&one, &other);
    assert!(found[0].what.contains("does not succeed"), "{found:?}");
}

/// A change to the template, what it is about, and whether it loosens something.
const CASES: &[(&str, &str, &str, bool)] = &[
    ("id = \"small\"", "id = \"tiny\"", "charter", false),
    ("name = \"Council\"", "name = \"Board\"", "organ council", false),
    ("kind = \"council\"", "kind = \"committee\"", "organ council", false),
    ("name = \"Member\"", "name = \"Full member\"", "tier member", false),
    ("[languages]", "[[predecessor]]\nname = \"x\"\n[languages]", "history", false),
    ("\"exercise\"]\n\n[[tier", "\"exercise\", \"counter-narcotics\"]\n\n[[tier", "purposes", true),
    (
        "purposes = [\"network-defence\", \"exercise\"]",
        "purposes = [\"exercise\"]",
        "purposes",
        false,
    ),
    ("default_tlp = \"AMBER+STRICT\"", "default_tlp = \"AMBER\"", "handling", true),
    ("default_tlp = \"AMBER+STRICT\"", "default_tlp = \"RED\"", "handling", false),
    ("default_pap = \"AMBER\"", "", "handling", true),
    ("default_pap = \"AMBER\"", "default_pap = \"RED\"", "handling", false),
    ("\ndays = 365", "\ndays = 366", "retention, days", true),
    ("\ndays = 365", "\ndays = 364", "retention, days", false),
    ("audit_days = 1095", "audit_days = 200", "retention of accesses, days", true),
    ("finding_days = 183", "finding_days = 366", "findings, days", true),
    ("receipt_hours = 48", "receipt_hours = 72", "receipt of a withdrawal, hours", true),
    ("decision_days = 120", "decision_days = 100", "decision in a review, days", false),
    ("samples_per_year = 2", "samples_per_year = 1", "samples a year", true),
    ("leaves_per_day = 50000", "leaves_per_day = 50001", "leaves a day", true),
    (
        "[languages]",
        "[patterns]\nattacker_mailboxes = true\n[languages]",
        "mailboxes of attackers in patterns",
        true,
    ),
    (
        "[languages]",
        "[audit]\nbefore_answer = true\n[languages]",
        "accesses recorded before the answer",
        false,
    ),
    ("authentic = [\"en\"]", "authentic = [\"fr\"]", "languages", true),
    ("threshold = 2", "threshold = 3", "office panel", false),
    (
        "nominated_by = [\"south.meridian.example\"]",
        "nominated_by = [\"north.meridian.example\", \"south.meridian.example\"]",
        "office panel",
        true,
    ),
    ("min_hours = 48", "min_hours = 24", "procedure in organ council", true),
    ("min_hours = 48", "min_hours = 96", "procedure in organ council", false),
    (
        "adoption = \"unanimity\"",
        "adoption = { count = { n = 2 } }",
        "finding in organ council",
        true,
    ),
    (
        "subjects = [\"statement\"]\nadoption = \"consensus\"",
        "subjects = [\"statement\"]\nadoption = \"unanimity\"",
        "statement in organ council",
        false,
    ),
    (
        "tier = \"member\"",
        "control = \"x\"\ntier = \"member\"",
        "party north.meridian.example",
        true,
    ),
    (
        "[languages]",
        "[[organ]]\nid = \"court\"\nname = \"x\"\nkind = \"council\"\nseats = { tiers = [\"member\"] }\ndecides = [\"amendment\"]\n[languages]",
        "organ court",
        true,
    ),
    (
        "[languages]",
        "[[organ]]\nid = \"club\"\nname = \"x\"\nkind = \"council\"\nseats = { tiers = [\"member\"] }\n[languages]",
        "organ club",
        false,
    ),
    (
        "[languages]",
        "[[instrument]]\nid = \"pact\"\nname = \"x\"\n[languages]",
        "instrument pact",
        false,
    ),
    (
        "[languages]",
        "[[accession]]\nguard = \"floors\"\ntier = \"member\"\n[languages]",
        "accession",
        false,
    ),
];

#[test]
fn each_change_is_told_and_what_loosens_is_marked() {
    for (from, to, subject, loosens) in CASES {
        let found = changes(from, to);
        let change = found.iter().find(|change| change.subject == *subject);
        let change = change.unwrap_or_else(|| panic!("`{to}`: no {subject} in {found:#?}"));
        assert_eq!(change.loosens.is_some(), *loosens, "`{to}`: {change:#?}");
    }
}

#[test]
fn tiers_and_standings_are_told() {
    let tiers = "[[tier]]\nid = \"guest-state\"\nname = \"x\"\nrights = [\"attend\"]\n\n[[tier]]";
    let with_tier = template().replacen("[[tier]]", tiers, 1);
    let old = load(&with_tier.replacen("tier = \"member\"", "tier = \"guest-state\"", 1));
    let merged = with_tier
        .replacen(
            "rights = [\"attend\"]",
            "rights = [\"attend\"]\nuntil = 2025-01-01\nmerged_into = \"member\"",
            1,
        )
        .replacen(
            "tier = \"member\"",
            "standing = [{ tier = \"guest-state\", status = \"suspended\" }]",
            1,
        );
    let found = diff(&old, &load(&merged));
    let of = |subject: &str| found.iter().find(|change| change.subject == subject).unwrap();
    let tier = of("tier guest-state");
    assert_eq!(tier.what, "merges into `member` on 2025-01-01");
    assert_eq!(tier.loosens.as_deref(), Some("its parties gain receive, share, decide"));
    let party = of("party north.meridian.example");
    assert_eq!(party.what, "was `guest-state`; is `guest-state`, suspended,");
    // History that reads differently is marked.
    let dated = |until: &str| {
        let standing = format!(
            "standing = [{{ tier = \"guest-state\", until = {until} }}, {{ tier = \"member\", from = 2021-01-01 }}]"
        );
        load(&with_tier.replacen("tier = \"member\"", &standing, 1))
    };
    let found = diff(&dated("2020-01-01"), &dated("2019-01-01"));
    assert!(found[1].loosens.as_deref().unwrap().contains("reads differently"));
}

#[test]
fn keys_are_told_and_other_keys_are_marked() {
    let both = |id: &str| {
        BTreeMap::from([
            ("north.meridian.example".to_owned(), genesis("north.meridian.example")),
            (id.to_owned(), genesis(id)),
        ])
    };
    let bare = load(&template());
    let with = load(&with_geneses(&template(), &both("south.meridian.example")).unwrap());
    let found = diff(&bare, &with);
    assert!(found[1].what.starts_with("has a node now"), "{found:?}");
    let mut other = both("south.meridian.example");
    other.get_mut("south.meridian.example").unwrap().transport = genesis("elsewhere").transport;
    let other = load(&with_geneses(&template(), &other).unwrap());
    let found = diff(&with, &other);
    assert_eq!(found[1].what, "other keys: transport");
    assert!(found[1].loosens.as_deref().unwrap().contains("out of band"));
}

#[test]
fn a_reviewer_that_goes_is_marked() {
    let (old, new) = successor(|text| {
        let start = text.find("# Three seats").unwrap();
        let end = text.find("[[organ]]").unwrap();
        let text = format!("{}{}", &text[..start], &text[end..]);
        text.replace("\"finding\", \"renewal\", \"delisting\", \"review\", \"safeguard\"", "\"safeguard\"")
            .replace("\"finding\", \"renewal\", \"safeguard\"", "\"safeguard\"")
            .replace("[[rule]]\nid = \"either\"\nsubjects = [\"delisting\", \"review\"]\nadoption = \"reverse_consensus\"\n", "")
    });
    let found = diff(&old, &new);
    let of = |subject: &str| {
        found.iter().filter(|change| change.subject == subject).find_map(|it| it.loosens.clone())
    };
    assert_eq!(of("office panel").as_deref(), Some("nobody reviews"));
    assert_eq!(of("organ council").as_deref(), Some("a finding has one way less to end"));
}
