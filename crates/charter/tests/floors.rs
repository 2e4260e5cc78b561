//! Every rule of `docs/spec/charter.md`, broken once: a change to a charter that loads, and the
//! names of the rules that it breaks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};

use comity_charter::{Charter, Date, Rule, Tlp, diff, floor, parse, with_geneses};

/// What is changed in `examples/bodies/two-party/charter.toml`, into what, and what that breaks.
const CASES: &[(&str, &str, &[&str])] = &[
    ("format = 1", "format = 2", &["charter-format"]),
    ("format = 1", "format = 1\nboddy = 2", &["charter-syntax"]),
    ("format = 1", "format = 2\nboddy = 2", &["charter-format", "charter-syntax"]),
    ("floors = 1", "floors = 2", &["floors-version"]),
    ("\nversion = 1", "\nversion = 0", &["charter-version"]),
    ("\nversion = 1", "\nversion = 2", &["previous-missing"]),
    ("\nversion = 1", "\nversion = 1\nprevious = \"00\"", &["previous-founding"]),
    ("\nversion = 1", "\nversion = 2\nprevious = \"00\"", &["previous-form"]),
    ("\nversion = 1", "\nversion = 1\nillustrative = true", &["illustrative-note"]),
    ("\nversion = 1", "\nversion = 1\nnote = \"x\"", &["illustrative-note"]),
    ("\"Meridian Compact\"", "\" \"", &["body-name"]),
    ("[\"network-defence\", \"exercise\"]", "[]", &["purpose-missing"]),
    ("[languages]", "[patterns]\nattacker_mailboxes = true\n[languages]", &[]),
    (
        "[\"network-defence\", \"exercise\"]",
        "[\"exercise\"]\npatterns = { attacker_mailboxes = true }",
        &["floor-mailbox"],
    ),
    // Tiers.
    (
        "[[tier]]\nid = \"member\"",
        "[[tier]]\nid = \"Member\"",
        &["tier-id", "tier-unknown", "tier-unknown", "tier-unknown"],
    ),
    ("[[tier]]", "[[tier]]\nid = \"member\"\nname = \"x\"\nrights = []\n[[tier]]", &["tier-twice"]),
    ("\"share\", \"decide\"", "\"share\"", &["tier-decide"]),
    (
        "[[tier]]",
        "[[tier]]\nid = \"guest\"\nname = \"x\"\nrights = [\"receive\"]\nstanding = false\n[[tier]]",
        &["tier-guest"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nmerged_into = \"member\"\n[[tier]]",
        &["tier-merge"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nuntil = 2020-01-01\nmerged_into = \"new\"\n[[tier]]",
        &["tier-merge"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nuntil = 2020-01-01\nmerged_into = \"old\"\n[[tier]]",
        &["tier-merge"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nuntil = 2020-01-01\nmerged_into = \"late\"\n[[tier]]\nid = \"late\"\nname = \"x\"\nrights = []\nfrom = 2021-01-01\n[[tier]]",
        &["tier-merge"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nfrom = 2021-01-01\nuntil = 2020\n[[tier]]",
        &["charter-syntax"],
    ),
    (
        "[[tier]]",
        "[[tier]]\nid = \"old\"\nname = \"x\"\nrights = []\nfrom = 2021-01-01\nuntil = \"2020\"\n[[tier]]",
        &["dates-order"],
    ),
    // Parties.
    (
        "id = \"north.meridian.example\"",
        "id = \"n\"",
        &["party-id", "party-unknown", "party-unknown", "party-unknown"],
    ),
    (
        "[[party]]",
        "[[party]]\nid = \"south.meridian.example\"\nname = \"x\"\ntier = \"member\"\n[[party]]",
        &["party-twice"],
    ),
    ("tier = \"member\"", "tier = \"members\"", &["tier-unknown"]),
    ("tier = \"member\"", "", &["standing-missing"]),
    (
        "tier = \"member\"",
        "tier = \"member\"\nstanding = [{ tier = \"member\" }]",
        &["standing-twice"],
    ),
    (
        "tier = \"member\"",
        "standing = [{ tier = \"member\" }, { tier = \"member\", from = 2020-01-01 }]",
        &["standing-overlap"],
    ),
    (
        "tier = \"member\"",
        "standing = [{ tier = \"member\", until = 2020-01-01 }, { tier = \"member\", from = 2020-01-01 }]",
        &[],
    ),
    ("tier = \"member\"", "control = \"A state\"\ntier = \"member\"", &["control-id"]),
    (
        "rights = [\"receive\", \"share\", \"decide\", \"attend\"]\n\n[[party]]\nid = \"north.meridian.example\"\nname = \"CERT of the North\"\ntier = \"member\"",
        "rights = [\"receive\", \"share\", \"decide\", \"attend\"]\nfrom = 2020-01-01\n\n[[party]]\nid = \"north.meridian.example\"\nname = \"CERT of the North\"\nstanding = [{ tier = \"member\", from = \"2019\" }]",
        &["standing-before-tier"],
    ),
    (
        "[[tier]]",
        "[[guest]]\nname = \"x\"\ntier = \"member\"\norgan = \"council\"\non = 2020-01-01\n[[tier]]",
        &["guest-standing"],
    ),
    (
        "[[tier]]",
        "[[guest]]\nname = \"x\"\ntier = \"guest\"\norgan = \"none\"\non = 2020-01-01\n[[tier]]\nid = \"guest\"\nname = \"x\"\nrights = []\nstanding = false\n[[tier]]",
        &["organ-unknown"],
    ),
    (
        "tier = \"member\"",
        "tier = \"guest\"\n[[tier]]\nid = \"guest\"\nname = \"x\"\nrights = []\nstanding = false",
        &["standing-guest"],
    ),
    // Offices.
    ("id = \"desk\"", "id = \"Desk\"", &["office-id"]),
    ("id = \"desk\"", "id = \"panel\"", &["office-twice"]),
    ("rights = [\"attend\"]", "rights = [\"attend\", \"receive\"]", &["secretariat-reads"]),
    ("rights = [\"attend\"]", "rights = [\"share\"]", &["secretariat-reads"]),
    ("rights = [\"attend\"]", "threshold = 2", &["office-panel"]),
    ("kind = \"reviewer\"", "kind = \"reviewer\"\nrights = [\"decide\"]", &["reviewer-decides"]),
    (
        "[[office.seat]]\nid = \"seat-both\"\nnominated_by = [\"north.meridian.example\", \"south.meridian.example\"]",
        "",
        &["reviewer-panel"],
    ),
    ("[\"south.meridian.example\"]", "[\"north.meridian.example\"]", &["reviewer-threshold"]),
    ("threshold = 2", "threshold = 1", &["reviewer-threshold"]),
    ("threshold = 2", "threshold = 4", &["reviewer-threshold"]),
    ("threshold = 2", "", &["reviewer-threshold"]),
    ("id = \"seat-south\"", "id = \"seat-north\"", &["reviewer-seat"]),
    ("[\"south.meridian.example\"]", "[]", &["reviewer-seat"]),
    ("[\"south.meridian.example\"]", "[\"west.meridian.example\"]", &["party-unknown"]),
    // Two agencies of one state are one.
    (
        "tier = \"member\"\n\n[[party]]\nid = \"south.meridian.example\"",
        "control = \"x\"\ntier = \"member\"\n\n[[party]]\nid = \"south.meridian.example\"\ncontrol = \"x\"",
        &["reviewer-one-party"],
    ),
    (
        "[[office]]\nid = \"desk\"",
        "[[office]]\nid = \"second\"\nname = \"x\"\nkind = \"reviewer\"\nthreshold = 2\nseat = [{ id = \"a\", nominated_by = [\"north.meridian.example\"] }, { id = \"b\", nominated_by = [\"south.meridian.example\"] }, { id = \"c\", nominated_by = [\"north.meridian.example\", \"south.meridian.example\"] }]\n[[office]]\nid = \"desk\"",
        &["reviewer-twice"],
    ),
    (
        "kind = \"reviewer\"\nthreshold = 2",
        "kind = \"secretariat\"",
        &["office-panel", "finding-reviewer"],
    ),
    // Organs.
    ("id = \"council\"", "id = \"The Council\"", &["organ-id"]),
    (
        "[[organ]]",
        "[[organ]]\nid = \"council\"\nname = \"x\"\nkind = \"council\"\nseats = { tiers = [\"member\"] }\n[[organ]]",
        &["organ-twice"],
    ),
    ("seats = { tiers = [\"member\"] }", "seats = {}", &["organ-seats"]),
    (
        "seats = { tiers = [\"member\"] }",
        "seats = { parties = [\"x.example\"] }",
        &["party-unknown"],
    ),
    ("kind = \"council\"", "kind = \"council\"\nstate = \"proposed\"", &["organ-proposed"]),
    ("kind = \"council\"", "kind = \"council\"\ninstrument = \"none\"", &["instrument-unknown"]),
    (
        "subjects = [\"statement\"]",
        "subjects = [\"statement\", \"procedure\"]",
        &["rule-ambiguous"],
    ),
    ("subjects = [\"statement\"]", "subjects = [\"programme\"]", &["rule-missing", "rule-unused"]),
    ("rotation = \"list\"", "rotation = \"alphabet\"", &["chair-language"]),
    ("order = [\"north.meridian.example\", \"south.meridian.example\"]", "", &["chair-order"]),
    (
        "term_months = 6",
        "term = [{ party = \"north.meridian.example\", from = 2020-01-01 }, { party = \"south.meridian.example\", from = 2021-01-01 }]",
        &["chair-overlap"],
    ),
    // Rules.
    ("id = \"small\"", "id = \"\"", &["rule-id"]),
    ("id = \"small\"", "id = \"both\"", &["rule-twice"]),
    (
        "id = \"statement\"\n",
        "id = \"statement\"\norgans = [\"court\"]\n",
        &["rule-missing", "rule-unused", "organ-unknown"],
    ),
    (
        "recorded_opinion",
        "escalation = { refer = { organ = \"court\" } }\nrecorded_opinion",
        &["organ-unknown"],
    ),
    ("recorded_opinion", "conditional_on = \"none\"\nrecorded_opinion", &["instrument-unknown"]),
    (
        "recorded_opinion",
        "quorum = { reach = { fraction = { num = 0, den = 3 } } }\nrecorded_opinion",
        &["rule-fraction"],
    ),
    (
        "recorded_opinion",
        "quorum = { reach = { count = { n = 0 } } }\nrecorded_opinion",
        &["rule-fraction"],
    ),
    (
        "recorded_opinion",
        "electorate = { minus = [\"concerned\"], concerned_max = 3 }\nrecorded_opinion",
        &["electorate-concerned"],
    ),
    (
        "recorded_opinion",
        "urgent = { window_hours = 24, lapse_hours = 96 }\nrecorded_opinion",
        &["urgent-lapse"],
    ),
    ("recorded_opinion", "sunset = { days = 0 }\nrecorded_opinion", &["sunset-zero"]),
    (
        "recorded_opinion",
        "sunset = { days = 9, renewed_by = \"none\" }\nrecorded_opinion",
        &["rule-unknown"],
    ),
    (
        "recorded_opinion",
        "sunset = { days = 9, renewed_by = \"either\" }\nrecorded_opinion",
        &["sunset-easier"],
    ),
    ("recorded_opinion", "sunset = { days = 9, renewed_by = \"both\" }\nrecorded_opinion", &[]),
    (
        "broken_by = [\"objection\", \"amendment\"]",
        "broken_by = [\"amendment\"]",
        &["silence-unbroken"],
    ),
    ("min_hours = 48", "min_hours = 0", &["silence-unbroken"]),
    // What a floor protects: never by silence, by absence, or alone.
    (
        "subjects = [\"procedure\", \"exercise\"]\nadoption = \"consensus\"",
        "subjects = [\"procedure\", \"exercise\", \"election\", \"amendment\"]\nadoption = \"unanimity\"",
        &["rule-ambiguous", "protected-silence"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = \"unanimity\"\nabsence = \"consent\"",
        &["delisting-harder", "protected-absence"],
    ),
    ("adoption = \"unanimity\"", "adoption = \"consensus\"", &["protected-alone"]),
    (
        "adoption = \"unanimity\"",
        "adoption = \"consensus\"\nquorum = { reach = { count = { n = 1 } } }",
        &["protected-alone"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = \"consensus\"\nquorum = { reach = { count = { n = 2 } } }",
        &[],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = \"consensus\"\nquorum = { reach = { count = { n = 2 } }, reconvened = { count = { n = 1 } } }",
        &["protected-alone"],
    ),
    ("adoption = \"unanimity\"", "adoption = \"reverse_consensus\"", &["protected-alone"]),
    ("adoption = \"unanimity\"", "adoption = { count = { n = 1 } }", &["protected-alone"]),
    ("adoption = \"unanimity\"", "adoption = { count = { n = 2 } }", &[]),
    (
        "adoption = \"unanimity\"",
        "adoption = { fraction = { num = 1, den = 2, of = \"all\" } }",
        &["protected-alone"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = { fraction = { num = 2, den = 3, of = \"all\" } }",
        &[],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = { fraction = { num = 2, den = 3, of = \"present\" } }",
        &["protected-alone"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = { fraction = { num = 2, den = 3, of = \"present_voting\" } }\nquorum = { reach = { count = { n = 2 } } }",
        &["protected-alone"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = { double = { num = 55, den = 100, of = \"all\", weight_num = 65, weight_den = 100, min_blockers = 4 } }",
        &[],
    ),
    // Findings.
    (
        "adoption = \"unanimity\"",
        "adoption = \"unanimity\"\neffect = { own_inquiry = false }",
        &["finding-inquiry"],
    ),
    (
        "adoption = \"unanimity\"",
        "adoption = \"unanimity\"\nsecrecy = { outcome_public = false }",
        &["finding-secret"],
    ),
    (
        "\"delisting\", \"review\", \"safeguard\"",
        "\"review\", \"safeguard\"",
        &["delisting-missing"],
    ),
    (
        "\"delisting\", \"review\", \"safeguard\"",
        "\"delisting\", \"safeguard\"",
        &["review-missing"],
    ),
    ("adoption = \"reverse_consensus\"", "adoption = \"consensus\"", &["review-reverse-consensus"]),
    (
        "adoption = \"reverse_consensus\"",
        "adoption = { count = { n = 3 } }",
        &["review-reverse-consensus", "delisting-harder"],
    ),
    (
        "adoption = \"reverse_consensus\"",
        "adoption = \"reverse_consensus\"\nquorum = { reach = { count = { n = 2 } } }",
        &["delisting-harder"],
    ),
    (
        "\"finding\", \"renewal\", \"safeguard\", \"amendment\"]\nadoption = \"unanimity\"",
        "\"finding\", \"safeguard\", \"amendment\"]\nadoption = \"unanimity\"\n\n[[rule]]\nid = \"again\"\nsubjects = [\"renewal\"]\nadoption = { count = { n = 2 } }",
        &["renewal-easier"],
    ),
    (
        "\"finding\", \"renewal\", \"safeguard\", \"amendment\"]\nadoption = \"unanimity\"",
        "\"finding\", \"safeguard\", \"amendment\"]\nadoption = { count = { n = 2 } }\n\n[[rule]]\nid = \"again\"\nsubjects = [\"renewal\"]\nadoption = { count = { n = 3 } }",
        &[],
    ),
    // Sanctions.
    (
        "subjects = [\"statement\"]",
        "subjects = [\"statement\", \"expulsion\"]",
        &["sanction-concerned"],
    ),
    (
        "subjects = [\"statement\"]",
        "subjects = [\"statement\", \"suspension\"]\nelectorate = { minus = [\"suspended\"] }",
        &["sanction-concerned"],
    ),
    (
        "subjects = [\"statement\"]",
        "subjects = [\"statement\", \"suspension\"]\nelectorate = { minus = [\"concerned\"] }",
        &[],
    ),
    // Instruments and other bodies.
    ("[languages]", "[[instrument]]\nid = \"A\"\nname = \"x\"\n[languages]", &["instrument-id"]),
    (
        "[languages]",
        "[[instrument]]\nid = \"a\"\nname = \"x\"\n[[instrument]]\nid = \"a\"\nname = \"x\"\n[languages]",
        &["instrument-twice"],
    ),
    (
        "[languages]",
        "[[instrument]]\nid = \"a\"\nname = \"x\"\namends = \"b\"\n[languages]",
        &["instrument-unknown"],
    ),
    (
        "[languages]",
        "[[instrument]]\nid = \"a\"\nname = \"x\"\nsigned = 2020-01-02\nin_force = 2020-01-01\n[languages]",
        &["instrument-order"],
    ),
    (
        "[languages]",
        "[[instrument]]\nid = \"a\"\nname = \"x\"\nsigned = 2020-01-02\nin_force = \"2020\"\n[languages]",
        &[],
    ),
    (
        "[languages]",
        "[[instrument]]\nid = \"a\"\nname = \"x\"\nin_force = 2020-01-01\nconditional_on = \"b\"\n[[instrument]]\nid = \"b\"\nname = \"x\"\n[languages]",
        &["instrument-condition"],
    ),
    (
        "[languages]",
        "[[predecessor]]\nname = \"x\"\nfrom = 2020-01-01\nuntil = 2020-01-01\n[languages]",
        &["dates-order"],
    ),
    (
        "[languages]",
        "[exit]\nnotice_months = 12\nduties = [\"retention\", \"review\"]\n[languages]",
        &["exit-duties"],
    ),
    (
        "[languages]",
        "[[accession]]\nguard = \"sponsors\"\ntier = \"king\"\n[languages]",
        &["tier-unknown"],
    ),
    ("authentic = [\"en\"]", "authentic = [\"English!\"]", &["language-tag"]),
    // Numbers.
    ("\ndays = 365", "\ndays = 0", &["retention-floor"]),
    ("audit_days = 1095", "audit_days = 90", &["audit-retention"]),
    ("finding_days = 183", "finding_days = 730", &["retention-finding"]),
    ("finding_days = 183", "notice_days = 367", &["retention-finding"]),
    ("indicator_days = 90", "indicator_days = 184", &["retention-indicator"]),
    ("indicator_days = 90", "alert_hours = 73", &["retention-alert"]),
    ("receipt_hours = 48", "receipt_hours = 73", &["withdrawal-receipt"]),
    ("receipt_hours = 48", "receipt_hours = 0", &["withdrawal-receipt"]),
    ("decision_days = 120", "decision_days = 276", &["review-deadline"]),
    ("decision_days = 120", "keep_days = 61", &["review-deadline"]),
    (
        "decision_days = 120",
        "admissibility_days = 31\naccess_days = 124\norder_days = 32\nnotice_days = 91",
        &["review-deadline", "review-deadline", "review-deadline", "review-deadline"],
    ),
    ("samples_per_year = 2", "samples_per_year = 0", &["review-samples"]),
    ("octets_per_day = 134217728", "octets_per_day = 0", &["quota-zero"]),
    (
        "[retention]",
        "[[handling.ceiling]]\ntlp = \"AMBER\"\ntiers = [\"none\"]\n[retention]",
        &["tier-unknown"],
    ),
];

#[test]
fn each_rule_is_broken_by_what_it_forbids() {
    let base = read("examples/bodies/two-party/charter.toml");
    let mut wrong = Vec::new();
    for (from, to, expected) in CASES {
        assert!(base.contains(from), "the template has no `{from}`");
        let found = broken(&base.replacen(from, to, 1));
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("`{to}`\n  breaks {found:?}\n  not    {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A charter may only tighten: with each number at its floor it loads, one beyond it does not.
#[test]
fn numbers_end_at_their_floors() {
    let base = read("examples/bodies/two-party/charter.toml");
    for (member, line, max) in [
        ("\ndays", "\ndays = 365", floor::RETENTION_DAYS_MAX),
        ("finding_days", "finding_days = 183", floor::FINDING_DAYS_MAX),
        ("indicator_days", "indicator_days = 90", floor::INDICATOR_DAYS_MAX),
        ("receipt_hours", "receipt_hours = 48", floor::RECEIPT_HOURS_MAX),
        ("decision_days", "decision_days = 120", floor::DECISION_DAYS_MAX),
    ] {
        let with = |number: u32| base.replacen(line, &format!("{member} = {number}"), 1);
        assert_eq!(broken(&with(max)), [""; 0], "{member}");
        assert_eq!(broken(&with(max + 1)).len(), 1, "{member}");
        assert_eq!(broken(&with(0)).len(), 1, "{member}");
    }
}

#[test]
fn a_charter_has_no_more_tables_than_it_may() {
    let many: String = (0..=floor::TABLES_MAX)
        .map(|at| format!("[[instrument]]\nid = \"i{at}\"\nname = \"x\"\n"))
        .collect();
    let text = format!("{}\n{many}", read("examples/bodies/two-party/charter.toml"));
    assert_eq!(broken(&text), ["charter-size"]);
    let standing = "{ tier = \"member\" }, ".repeat(floor::STANDINGS_MAX + 1);
    let text = read("examples/bodies/two-party/charter.toml");
    let text = text.replacen("tier = \"member\"", &format!("standing = [{standing}]"), 1);
    assert_eq!(broken(&text), ["charter-size"]);
}

/// The table of rules in the specification is what the program knows, and each has been broken.
#[test]
fn the_specification_lists_the_rules() {
    let page = read("docs/spec/charter.md");
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(rule, _)| rule.to_owned())
        .filter(|rule| rule.contains('-') && !rule.contains(['.', '[', ' ']))
        .collect();
    let mut known: BTreeSet<String> =
        CASES.iter().flat_map(|(.., rules)| rules.iter().map(|rule| (*rule).to_owned())).collect();
    for name in ["sco", "two-party"] {
        known.extend(broken(&read(&format!("examples/bodies/{name}/charter.bad.toml"))));
    }
    // Broken in tests of their own.
    let elsewhere = [
        "charter-size",
        "genesis-party",
        "genesis-present",
        "genesis-place",
        "genesis-transport",
        "party-missing",
        "audience-syntax",
        "audience-unknown",
        "audience-origin",
        "audience-red",
    ];
    known.extend(elsewhere.map(str::to_owned));
    let missing: Vec<&String> = known.difference(&listed).collect();
    let unknown: Vec<&String> = listed.difference(&known).collect();
    assert!(missing.is_empty(), "not in the specification: {missing:?}");
    assert!(unknown.is_empty(), "never broken by a test: {unknown:?}");
}

/// Half a charter, line by line: it loads, or something is said of it; and nothing is said nowhere.
#[test]
fn a_charter_without_one_of_its_lines_loads_or_has_faults() {
    for name in ["sco/charter", "two-party/charter", "two-party/charter.bad"] {
        let text = read(&format!("examples/bodies/{name}.toml"));
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let less = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            let faults = match parse(&less) {
                Ok(charter) => {
                    ask(&charter, &less);
                    continue;
                }
                Err(faults) => faults,
            };
            assert!(!faults.is_empty());
            for fault in faults {
                assert!((1..=lines.len()).contains(&fault.line), "{name} {at}: {fault}");
                assert!(!fault.remedy.is_empty() && !fault.found.is_empty(), "{name} {at}");
            }
        }
    }
}

#[test]
fn a_body_has_parties() {
    let text = comity_charter::one_party("cert.example", "x");
    let without =
        text.replace("[[party]]\nid = \"cert.example\"\nname = \"x\"\ntier = \"member\"\n", "");
    assert_eq!(broken(&without), ["party-missing"]);
}

/// Everything that a charter can be asked, at the ends of time too.
fn ask(charter: &Charter, text: &str) {
    for at in [i64::MIN, 0, i64::MAX] {
        let body = charter.as_of(Date::of(at));
        assert_eq!(body.tiers.len(), charter.tiers.len());
        let rule = Rule::parse("all").unwrap();
        for party in &charter.parties {
            let compiled = charter.compile(&rule, &party.id, Tlp::Clear, at);
            // Without keys nobody has a node.
            assert!(compiled.is_err() || compiled.unwrap().parties.is_empty());
        }
    }
    assert_eq!(diff(charter, charter), []);
    assert_eq!(with_geneses(text, &BTreeMap::new()).unwrap(), text);
}

/// The names of the rules that a text breaks, sorted.
fn broken(text: &str) -> Vec<String> {
    let mut rules: Vec<String> = parse(text)
        .err()
        .map(|faults| faults.iter().map(|fault| fault.rule.to_owned()).collect())
        .unwrap_or_default();
    rules.sort_unstable();
    rules
}

fn read(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
