//! The charters in `examples/bodies`: what loads, what does not and why, and what the history of a
//! real body looks like at some dates.
//!
//! `COMITY_ACCEPT=1 cargo test -p comity-charter --test examples` writes the expected diagnostics.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};

use comity_charter::{
    Charter, Date, OfficeKind, SeatState, Standing, Status, Subject, TierState, parse,
};

#[test]
fn the_templates_load() {
    for name in ["sco", "two-party"] {
        let text = read(&path(name, "charter.toml"));
        parse(&text).unwrap_or_else(|faults| panic!("{name}: {}", told(&faults)));
    }
}

#[test]
fn every_fault_of_the_bad_ones_is_told() {
    for name in ["sco", "two-party"] {
        let text = read(&path(name, "charter.bad.toml"));
        let found = told(&parse(&text).unwrap_err());
        let page = path(name, "charter.bad.expected");
        if std::env::var_os("COMITY_ACCEPT").is_some_and(|value| value == "1") {
            std::fs::write(&page, &found).unwrap();
        }
        assert_eq!(found, read(&page), "{}", page.display());
    }
}

/// What sources of six dates say of the body.
#[test]
fn the_body_as_of_the_dates_of_the_sources() {
    let sco = sco();
    let counts = |date: &str| {
        let body = sco.as_of(day(date));
        ["member", "observer", "dialogue-partner", "partner"]
            .map(|id| body.tiers.iter().find(|tier| tier.tier.id == id).unwrap().counted())
    };
    assert_eq!(counts("2009-12"), [6, 4, 2, 0]);
    assert_eq!(tier(&sco, "2009-12", "observer"), ["india", "iran", "mongolia", "pakistan"]);
    assert_eq!(tier(&sco, "2009-12", "dialogue-partner"), ["belarus", "sri-lanka"]);

    assert_eq!(counts("2011-06"), [6, 4, 2, 0]);
    let guests: Vec<String> =
        sco.as_of(day("2011-06")).guests.iter().map(|guest| guest.name.clone()).collect();
    assert_eq!(
        guests,
        [
            "Afghanistan",
            "Commonwealth of Independent States",
            "Association of Southeast Asian Nations"
        ]
    );

    assert_eq!(counts("2013")[0], 6);
    let members = tier(&sco, "2013", "member");
    for landlocked in ["kazakhstan", "kyrgyzstan", "tajikistan", "uzbekistan"] {
        assert!(members.iter().any(|member| member == landlocked), "{landlocked}");
    }

    let nine = [
        "china",
        "india",
        "iran",
        "kazakhstan",
        "kyrgyzstan",
        "pakistan",
        "russia",
        "tajikistan",
        "uzbekistan",
    ];
    let body = sco.as_of(day("2024-03-29"));
    let council = body.organs.iter().find(|it| it.organ.id == "rats-council").unwrap();
    let mut seats: Vec<&str> = council.seats.iter().map(|party| short(&party.id)).collect();
    seats.sort_unstable();
    assert_eq!(seats, nine);
    let summit = body.organs.iter().find(|it| it.organ.id == "heads-of-state").unwrap();
    assert_eq!(summit.chair, Some("kazakhstan.sco.example"));

    assert_eq!(tier(&sco, "2024-04-02", "member"), nine);
    let body = sco.as_of(day("2024-04-02"));
    let observers = body.tiers.iter().find(|it| it.tier.id == "observer").unwrap();
    let active: Vec<&str> = observers.active().map(short).collect();
    assert_eq!(active, ["belarus", "mongolia"]);

    assert_eq!(counts("2025-09-01"), [10, 0, 0, 17]);
    let body = sco.as_of(day("2025-09-01"));
    for (id, state) in [
        ("observer", TierState::Closed),
        ("dialogue-partner", TierState::Closed),
        ("partner", TierState::Open),
    ] {
        assert_eq!(body.tiers.iter().find(|it| it.tier.id == id).unwrap().state, state, "{id}");
    }
    assert_eq!(counts("2025-08-31"), [10, 2, 14, 0]);
}

/// The structure: founded in 2001, says one; in 2004, says another.
#[test]
fn c1_to_sign_and_to_work_are_two_dates() {
    let sco = sco();
    let convention = instrument(&sco, "shanghai-convention");
    let agreement = instrument(&sco, "rats-agreement");
    assert_eq!(convention.signed, Some(day("2001-06-15")));
    assert_eq!(agreement.signed, Some(day("2002-06-07")));
    assert_eq!(agreement.operational, Some(day("2004-06")));
    let at = |date: &str| {
        let body = sco.as_of(day(date));
        let found = body.instruments.iter().find(|it| it.instrument.id == "rats-agreement");
        found.map(|it| (it.in_force, it.operational))
    };
    assert_eq!(at("2001"), None);
    assert_eq!(at("2002"), Some((None, false)));
    assert_eq!(at("2004-06"), Some((None, true)));
    assert!(!sco.as_of(day("2003")).organs.iter().any(|it| it.organ.id == "rats-council"));
}

/// "Since 1998, the Charter": signed in 2002, in force in 2003.
#[test]
fn c2_the_charter_is_not_of_1998() {
    let sco = sco();
    let in_force = |date: &str| {
        let body = sco.as_of(day(date));
        body.instruments.iter().find(|it| it.instrument.id == "sco-charter")?.in_force
    };
    assert_eq!(in_force("1998"), None);
    assert_eq!(in_force("2002"), Some(false));
    assert_eq!(in_force("2003-09-19"), Some(true));
    let before = sco.as_of(day("1998"));
    assert_eq!(
        before.predecessors.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["Shanghai Five"]
    );
    assert!(before.tiers.iter().all(|tier| tier.counted() == 0));
}

#[test]
fn c3_a_text_names_one_seat_and_practice_another() {
    let sco = sco();
    let places = |date: &str| -> Vec<String> {
        let body = sco.as_of(day(date));
        let office = body.offices.iter().find(|(it, _)| it.id == "rats-executive-committee");
        office.unwrap().1.iter().map(|it| format!("{} ({})", it.place, it.basis.name())).collect()
    };
    assert_eq!(places("2003"), ["Bishkek (text)"]);
    assert_eq!(places("2005"), ["Bishkek (text)", "Tashkent (practice)"]);
}

#[test]
fn c4_membership_has_dates() {
    let sco = sco();
    let iran = |date: &str| sco.standing("iran.sco.example", day(date).end());
    assert_eq!(iran("2004"), Standing::Out);
    assert_eq!(iran("2012"), Standing::In("observer"));
    assert_eq!(iran("2023-07-03"), Standing::In("observer"));
    assert_eq!(iran("2023-07-04"), Standing::In("member"));
}

#[test]
fn c5_a_guest_has_no_standing() {
    let sco = sco();
    assert!(!sco.tier("guest").unwrap().standing);
    assert!(sco.as_of(day("2011-07")).guests.is_empty());
    assert_eq!(sco.as_of(day("2011")).guests.len(), 3);
    assert_eq!(sco.standing("afghanistan.sco.example", day("2011-06").end()), Standing::Out);
}

#[test]
fn c6_a_dormant_party_is_counted_and_has_no_rights() {
    let sco = sco();
    let at = day("2024-04-02").end();
    assert_eq!(sco.standing("afghanistan.sco.example", at), Standing::Out);
    let body = sco.as_of(day("2025-09-01"));
    let partners = body.tiers.iter().find(|it| it.tier.id == "partner").unwrap();
    let seat = partners.seats.iter().find(|(party, _)| party.id == "afghanistan.sco.example");
    assert_eq!(seat.unwrap().1, SeatState::Standing(Status::Dormant));
}

#[test]
fn c7_a_tier_is_not_a_broader_cooperation() {
    let sco = sco();
    let at = day("2014").end();
    for (party, tier) in [("turkey", "dialogue-partner"), ("sri-lanka", "dialogue-partner")] {
        assert_eq!(sco.standing(&format!("{party}.sco.example"), at), Standing::In(tier));
    }
}

#[test]
fn c8_a_decision_and_its_effect_are_two_dates() {
    let sco = sco();
    let body = sco.as_of(day("2009-12"));
    let partners = body.tiers.iter().find(|it| it.tier.id == "dialogue-partner").unwrap();
    assert!(partners.seats.iter().all(|(_, state)| *state == SeatState::Decided));
    let belarus = |date: &str| sco.standing("belarus.sco.example", day(date).end());
    assert_eq!(belarus("2009-12"), Standing::Out);
    assert_eq!(belarus("2010"), Standing::In("dialogue-partner"));
}

#[test]
fn c16_events_that_sources_confuse_have_dates_of_their_own() {
    let sco = sco();
    let database = instrument(&sco, "database-agreement");
    assert!(database.signed.unwrap().is_uncertain() && database.in_force.is_none());
    assert_eq!(database.signed.unwrap().to_string(), "2004-06?");
    assert_eq!(database.approved.unwrap().to_string(), "2004-07-24?");
}

#[test]
fn what_waits_for_another_instrument_is_not_in_force() {
    let text = read(&path("sco", "charter.toml"));
    let id = "conditional_on = \"charter-amendment-protocol\"\n";
    let early = text.replace(id, &format!("{id}in_force = 2025-10-01\n"));
    let faults = parse(&early).unwrap_err();
    assert_eq!(faults.iter().map(|it| it.rule).collect::<Vec<_>>(), ["instrument-condition"]);
}

#[test]
fn the_example_has_what_the_body_lacks() {
    let sco = sco();
    assert!(sco.illustration.is_some());
    assert!(sco.offices.iter().any(|office| office.kind == OfficeKind::Reviewer));
    let finding = sco.rule("rats-council", Subject::Finding).unwrap();
    assert!(finding.effect.own_inquiry && finding.silence.is_none());
    assert_eq!(sco.rule("heads-of-state", Subject::Finding), None);
    assert_eq!(sco.rule("heads-of-state", Subject::Suspension).unwrap().id, "agreement-minus-one");
}

fn sco() -> Charter {
    parse(&read(&path("sco", "charter.toml"))).unwrap()
}

/// The parties of a tier at a date, without what their ids have in common, sorted.
fn tier(charter: &Charter, date: &str, id: &str) -> Vec<String> {
    let body = charter.as_of(day(date));
    let tier = body.tiers.iter().find(|it| it.tier.id == id).unwrap();
    let mut ids: Vec<String> =
        tier.seats.iter().map(|(party, _)| short(&party.id).to_owned()).collect();
    ids.sort_unstable();
    ids
}

fn short(id: &str) -> &str {
    id.strip_suffix(".sco.example").unwrap()
}

fn instrument<'c>(charter: &'c Charter, id: &str) -> &'c comity_charter::Instrument {
    charter.instruments.iter().find(|it| it.id == id).unwrap()
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn told(faults: &[comity_charter::Diagnostic]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn path(name: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bodies").join(name).join(file)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
