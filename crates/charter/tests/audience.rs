//! Who receives: rules, labels, standings, and what holds for any of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use comity_charter::{Charter, Right, Rule, Standing, Tlp};
use proptest::prelude::*;
use world::{noon, party, standing, text, with_nodes};

const TODAY: &str = "2025-06-01";

fn body() -> Charter {
    let parties = [
        party("p0.example", "tier = \"member\""),
        party("p1.example", "tier = \"member\""),
        party("p2.example", "tier = \"observer\""),
        party("p3.example", &standing("old-partner", "from = 2021-01-01")),
        party("p4.example", &standing("member", "status = \"suspended\"")),
        party("p5.example", &standing("member", "until = 2025-01-01")),
        party("p6.example", "tier = \"member\""),
        party("p7.example", &standing("member", "from = \"2025\"")),
    ];
    let nodes = ["p0", "p1", "p2", "p3", "p4", "p5", "p7"].map(|id| format!("{id}.example"));
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    with_nodes(&text(&parties), &nodes)
}

fn receivers(rule: &str, tlp: Tlp, day: &str) -> Vec<String> {
    let compiled = body().compile(&Rule::parse(rule).unwrap(), "p0.example", tlp, noon(day));
    compiled.unwrap().parties
}

fn why(rule: &str, id: &str) -> String {
    let rule = Rule::parse(rule).unwrap();
    let compiled = body().compile(&rule, "p0.example", Tlp::Green, noon(TODAY)).unwrap();
    assert_eq!(compiled.lines.len(), 8, "every party of the charter has a line");
    compiled.lines.iter().find(|line| line.party == id).unwrap().why.clone()
}

#[test]
fn a_rule_comes_to_parties() {
    for (rule, tlp, expected) in [
        ("none", Tlp::Green, &[][..]),
        ("all", Tlp::Green, &["p1.example", "p3.example"]),
        ("tier:member", Tlp::Green, &["p1.example"]),
        ("party:p3.example,p1.example", Tlp::Green, &["p1.example", "p3.example"]),
        ("organ:council", Tlp::Green, &["p1.example"]),
        ("organ:council + tier:old-partner", Tlp::Green, &["p1.example", "p3.example"]),
        ("all - party:p1.example", Tlp::Green, &["p3.example"]),
        ("party:p1.example - tier:member", Tlp::Green, &[]),
        ("all - tier:member + party:p1.example", Tlp::Green, &["p3.example"]),
        ("party:p1.example", Tlp::Red, &["p1.example"]),
        ("all", Tlp::AmberStrict, &["p1.example"]),
        ("party:p0.example", Tlp::Green, &[]),
    ] {
        assert_eq!(receivers(rule, tlp, TODAY), expected, "{rule}");
    }
}

#[test]
fn standings_are_of_their_time() {
    assert_eq!(receivers("tier:member", Tlp::Green, "2024-06-01"), ["p1.example", "p5.example"]);
    // From some day of 2025: certain on the last of them.
    assert_eq!(receivers("tier:member", Tlp::Green, "2025-12-31"), ["p1.example", "p7.example"]);
    // After the merger, both names of the tier mean the same.
    for rule in ["tier:old-partner", "tier:partner"] {
        assert_eq!(receivers(rule, Tlp::Green, "2025-09-02"), ["p3.example"], "{rule}");
    }
    assert_eq!(receivers("tier:partner", Tlp::Green, TODAY), [""; 0]);
}

#[test]
fn each_line_says_why() {
    assert_eq!(why("all", "p0.example"), "it is the origin");
    assert_eq!(why("all", "p1.example"), "tier `member`");
    assert_eq!(why("all", "p2.example"), "tier `observer` has no right to receive");
    assert_eq!(why("all", "p4.example"), "suspended in tier `member`");
    assert_eq!(why("all", "p5.example"), "it has no standing now");
    assert!(why("all", "p6.example").contains("no node"));
    assert_eq!(why("tier:observer", "p1.example"), "the rule does not name it");
    assert_eq!(why("all - party:p1.example", "p1.example"), "the rule leaves it out");
    let rule = Rule::parse("all").unwrap();
    let compiled = body().compile(&rule, "p0.example", Tlp::Red, noon(TODAY));
    assert_eq!(compiled.unwrap_err().rule, "audience-red");
    let compiled = body().compile(&rule, "p0.example", Tlp::AmberStrict, noon(TODAY)).unwrap();
    assert_eq!(
        compiled.lines[3].why,
        "TLP:AMBER+STRICT and stricter does not go to tier `old-partner`"
    );
}

#[test]
fn a_rule_and_a_label_agree_or_nothing_leaves() {
    let refused = |rule: &str, origin: &str, tlp| {
        let rule = Rule::parse(rule).unwrap();
        body().compile(&rule, origin, tlp, noon(TODAY)).unwrap_err()
    };
    for rule in ["all", "tier:member", "organ:council", "party:p1.example + tier:member"] {
        let error = refused(rule, "p0.example", Tlp::Red);
        assert_eq!(error.rule, "audience-red");
        assert!(error.remedy.contains("party:"), "{error}");
    }
    for rule in ["tier:king", "organ:court", "party:p9.example", "all - party:p9.example"] {
        assert_eq!(refused(rule, "p0.example", Tlp::Green).rule, "audience-unknown", "{rule}");
    }
    for origin in ["p2.example", "p3.example", "p4.example", "p5.example", "p9.example"] {
        assert_eq!(refused("all", origin, Tlp::Green).rule, "audience-origin", "{origin}");
    }
}

#[test]
fn what_is_no_rule_says_what_one_is() {
    for text in [
        "",
        " ",
        "+",
        "all +",
        "- all",
        "all all",
        "nobody",
        "tier:",
        "party:",
        "party:a,,b",
        "party:a, b",
        "all+tier:x",
        "none + all",
        "all - none",
        "ALL",
        "tier:a - - tier:b",
    ] {
        let error = Rule::parse(text).unwrap_err();
        assert_eq!(error.rule, "audience-syntax", "{text}");
    }
    assert_eq!(Rule::parse(&"x".repeat(5000)).unwrap_err().rule, "audience-syntax");
    assert_eq!(Rule::parse(&"all + ".repeat(200)).unwrap_err().rule, "audience-syntax");
}

fn any_standing() -> impl Strategy<Value = String> {
    let tier = prop::sample::select(vec!["member", "observer", "old-partner", "partner"]);
    let lines = prop::sample::select(vec![
        "",
        "status = \"suspended\"",
        "status = \"dormant\"",
        "status = \"withdrawn\"",
        "from = 2021-03-01",
        "from = \"2022\"",
        "until = 2023-07-01",
        "until = \"2024\"",
    ]);
    (tier, lines).prop_map(|(tier, lines)| standing(tier, lines))
}

fn any_body() -> impl Strategy<Value = Charter> {
    prop::collection::vec((any_standing(), any::<bool>()), 1..8).prop_map(|standings| {
        let mut parties = vec![party("p0.example", "tier = \"member\"")];
        let mut nodes = vec!["p0.example".to_owned()];
        for (at, (standing, node)) in standings.iter().enumerate() {
            let id = format!("p{}.example", at + 1);
            // A tier that opens in 2020 takes nobody before: all of these begin later, or are new.
            let standing = if standing.contains("partner") && !standing.contains("from") {
                standing.replace("\"partner\"", "\"partner\"\nfrom = 2020-01-01")
            } else {
                standing.clone()
            };
            parties.push(party(&id, &standing));
            if *node {
                nodes.push(id);
            }
        }
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        with_nodes(&text(&parties), &nodes)
    })
}

fn any_terms() -> impl Strategy<Value = Vec<(bool, String)>> {
    let ids = prop::collection::vec(0..8usize, 1..4);
    let parties = ids.prop_map(|ids| {
        let ids: Vec<String> = ids.iter().map(|id| format!("p{id}.example")).collect();
        format!("party:{}", ids.join(","))
    });
    let term = prop_oneof![
        Just("all".to_owned()),
        prop::sample::select(vec!["member", "observer", "old-partner", "partner"])
            .prop_map(|tier| format!("tier:{tier}")),
        Just("organ:council".to_owned()),
        parties,
    ];
    prop::collection::vec((any::<bool>(), term), 0..5)
}

fn rule_of(terms: &[(bool, String)]) -> String {
    let mut text = "all".to_owned();
    for (plus, term) in terms {
        text.push_str(if *plus { " + " } else { " - " });
        text.push_str(term);
    }
    text
}

proptest! {
    #[test]
    fn nobody_receives_who_is_out(charter in any_body(), terms in any_terms(), day in 0i64..2500) {
        let at = noon("2020-01-02") + day * 86_400_000_000;
        let rule = Rule::parse(&rule_of(&terms)).unwrap();
        let Ok(compiled) = charter.compile(&rule, "p0.example", Tlp::Green, at) else {
            return Ok(());
        };
        for id in &compiled.parties {
            prop_assert!(charter.standing(id, at) != Standing::Out, "{} is out", id);
            prop_assert!(charter.has_right(id, Right::Receive, at));
            prop_assert!(charter.party(id).unwrap().genesis.is_some());
            prop_assert!(id != "p0.example");
        }
        let told: Vec<&str> = compiled
            .lines
            .iter()
            .filter(|line| line.receives)
            .map(|line| line.party.as_str())
            .collect();
        let mut told = told;
        told.sort_unstable();
        prop_assert_eq!(told, compiled.parties.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(compiled.lines.len(), charter.parties.len());
    }

    #[test]
    fn to_leave_somebody_out_adds_nobody(
        charter in any_body(),
        terms in any_terms(),
        left_out in 0..8usize,
        place in 0..5usize,
        day in 0i64..2500,
    ) {
        let at = noon("2020-01-02") + day * 86_400_000_000;
        let compile = |terms: &[(bool, String)]| {
            let rule = Rule::parse(&rule_of(terms)).unwrap();
            charter.compile(&rule, "p0.example", Tlp::Green, at).map(|it| it.parties)
        };
        let id = format!("p{left_out}.example");
        let mut fewer = terms.clone();
        fewer.insert(place.min(terms.len()), (false, format!("party:{id}")));
        if let (Ok(before), Ok(after)) = (compile(&terms), compile(&fewer)) {
            prop_assert!(!after.contains(&id));
            prop_assert!(after.iter().all(|one| before.contains(one)));
        }
    }

    #[test]
    fn a_rule_is_what_it_is_written_as(terms in any_terms()) {
        let rule = Rule::parse(&rule_of(&terms)).unwrap();
        prop_assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
    }

    #[test]
    fn any_text_is_a_rule_or_says_why(text in "\\PC{0,60}") {
        if let Err(error) = Rule::parse(&text) {
            prop_assert_eq!(error.rule, "audience-syntax");
        }
    }
}
