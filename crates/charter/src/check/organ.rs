//! Organs: their seats, their chairs, and that each subject has exactly one rule.

use super::{Faults, names};
use crate::locate::{Step, steps};
use crate::model::{Chair, Charter, Organ, OrganState, Rotation};

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    let ids = charter.organs.iter().map(|organ| organ.id.as_str());
    names("organ", ids, ("organ-id", "organ-twice"), faults);
    for (at, organ) in charter.organs.iter().enumerate() {
        super::party::span(&organ.from, &organ.until, steps!("organ", at, "until"), faults);
        if let Some(id) = &organ.instrument
            && !charter.instruments.iter().any(|one| one.id == *id)
        {
            let remedy = "name the id of an [[instrument]]";
            let place = steps!("organ", at, "instrument");
            faults.add(place, "instrument-unknown", format!("`{id}`"), remedy);
        }
        seats(charter, at, organ, faults);
        rules(charter, at, organ, faults);
        if let Some(one) = &organ.chair {
            chair(charter, at, one, faults);
        }
    }
}

fn seats(charter: &Charter, at: usize, organ: &Organ, faults: &mut Faults<'_>) {
    if organ.seats.tiers.is_empty() && organ.seats.parties.is_empty() {
        let remedy = "seats = { tiers = [...] }, or { parties = [...] }";
        let found = format!("nobody sits in `{}`", organ.id);
        faults.add(steps!("organ", at, "seats"), "organ-seats", found, remedy);
    }
    for (of, tier) in organ.seats.tiers.iter().enumerate() {
        let place = steps!("organ", at, "seats", "tiers", of);
        super::party::known_tier(charter, tier, place, faults);
    }
    for (of, party) in organ.seats.parties.iter().enumerate() {
        let place = steps!("organ", at, "seats", "parties", of);
        super::party::known_party(charter, party, place, faults);
    }
}

fn rules(charter: &Charter, at: usize, organ: &Organ, faults: &mut Faults<'_>) {
    if organ.state == OrganState::Proposed && !organ.decides.is_empty() {
        let remedy = "an organ that is proposed decides nothing: leave `decides` out";
        let found = format!("`{}` does not work yet", organ.id);
        faults.add(steps!("organ", at, "decides"), "organ-proposed", found, remedy);
    }
    for (of, subject) in organ.decides.iter().enumerate() {
        let place = steps!("organ", at, "decides", of);
        let name = subject.name();
        let matching: Vec<String> = charter
            .rules
            .iter()
            .filter(|rule| rule.is_for(&organ.id, *subject))
            .map(|rule| format!("`{}`", rule.id))
            .collect();
        if matching.is_empty() {
            let remedy = format!("add a [[rule]] for `{name}`, or take it from `decides`");
            let found = format!("`{}` decides `{name}` by no rule", organ.id);
            faults.add(place, "rule-missing", found, remedy);
        } else if matching.len() > 1 {
            let remedy = "one rule for each organ and subject: narrow `organs` or `subjects`";
            let found = format!("`{name}` by {}", matching.join(" and "));
            faults.add(place, "rule-ambiguous", found, remedy);
        }
    }
}

fn chair(charter: &Charter, at: usize, chair: &Chair, faults: &mut Faults<'_>) {
    let place =
        |member: &'static str| [Step::from("organ"), at.into(), "chair".into(), member.into()];
    match chair.rotation {
        Rotation::Alphabet if !chair.language.as_deref().is_some_and(super::body::is_language) => {
            let remedy = "say in which language the names are sorted: language = \"en\"";
            let found = chair.language.as_deref().map(|tag| format!("`{tag}`"));
            let found = found.unwrap_or("no language".to_owned());
            faults.add(&place("language"), "chair-language", found, remedy);
        }
        Rotation::List if chair.order.is_empty() => {
            let remedy = "say in which order: order = [parties]";
            faults.add(&place("order"), "chair-order", "no order", remedy);
        }
        Rotation::Alphabet | Rotation::List | Rotation::Election | Rotation::Host => {}
    }
    for (of, party) in chair.order.iter().enumerate() {
        let place = steps!("organ", at, "chair", "order", of);
        super::party::known_party(charter, party, place, faults);
    }
    let mut before = None;
    for (of, term) in chair.terms.iter().enumerate() {
        let place = |member: &'static str| {
            [
                Step::from("organ"),
                at.into(),
                "chair".into(),
                "term".into(),
                of.into(),
                member.into(),
            ]
        };
        super::party::known_party(charter, &term.party, &place("party"), faults);
        super::party::span(&Some(term.from), &term.until, &place("until"), faults);
        let runs_on = before.is_some_and(|until| match until {
            Some(until) => term.from.begun() < crate::date::Date::start(&until),
            None => true,
        });
        if runs_on {
            let remedy = "terms follow each other: end the one before with `until`";
            faults.add(&place("from"), "chair-overlap", format!("from {}", term.from), remedy);
        }
        before = Some(term.until);
    }
}
