//! Parties, their standings, and guests.

use super::Faults;
use crate::date::Date;
use crate::locate::{Step, steps};
use crate::model::{Charter, Party};

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    if charter.parties.is_empty() {
        let remedy = "add a [[party]] table for each party";
        faults.add(&[], "party-missing", "no party", remedy);
    }
    let mut known = std::collections::BTreeSet::new();
    for (at, party) in charter.parties.iter().enumerate() {
        if !is_party_id(&party.id) {
            let remedy = "letters a-z, digits, `.` and `-`, 3 to 100 of them, as in a host name";
            faults.add(steps!("party", at, "id"), "party-id", format!("`{}`", party.id), remedy);
        }
        if !known.insert(&party.id) {
            let remedy = "an identifier names one party";
            let found = format!("`{}` again", party.id);
            faults.add(steps!("party", at, "id"), "party-twice", found, remedy);
        }
        if party.control.as_ref().is_some_and(|group| !super::is_name(group)) {
            let remedy = "letters a-z, digits, `.` and `-`, 1 to 100 of them";
            let found = party.control.as_deref().unwrap_or_default();
            faults.add(steps!("party", at, "control"), "control-id", format!("`{found}`"), remedy);
        }
        standings(charter, at, party, faults);
    }
    guests(charter, faults);
}

fn standings(charter: &Charter, at: usize, party: &Party, faults: &mut Faults<'_>) {
    match (&party.tier, party.standings.is_empty()) {
        (Some(tier), true) => known_tier(charter, tier, steps!("party", at, "tier"), faults),
        (None, true) => {
            let remedy = "give it a `tier`, or a [[party.standing]] for each time";
            let found = format!("`{}` has no standing", party.id);
            faults.add(steps!("party", at), "standing-missing", found, remedy);
        }
        (Some(_), false) => {
            let remedy =
                "keep `tier`, which is for all time, or [[party.standing]], which is dated";
            let found = format!("`{}` has both", party.id);
            faults.add(steps!("party", at, "tier"), "standing-twice", found, remedy);
        }
        (None, false) => {}
    }
    for (of, term) in party.standings.iter().enumerate() {
        let place = |member| [Step::from("party"), at.into(), "standing".into(), of.into(), member];
        known_tier(charter, &term.tier, &place("tier".into()), faults);
        span(&term.from, &term.until, &place("until".into()), faults);
        let opens = charter.tier(&term.tier).and_then(|tier| tier.from);
        if let (Some(opens), Some(from)) = (opens, term.from)
            && from.end() < opens.start()
        {
            let remedy = "a standing begins when its tier is open";
            let found = format!("from {from}; `{}` opens on {opens}", term.tier);
            faults.add(&place("from".into()), "standing-before-tier", found, remedy);
        }
        let overlapping = party
            .standings
            .iter()
            .take(of)
            .find(|other| other.start().max(term.start()) < other.end().min(term.end()));
        if let Some(other) = overlapping {
            let remedy = "a party has one standing at a time: end the other with `until`";
            let found = format!("`{}` in `{}` and in `{}`", party.id, other.tier, term.tier);
            faults.add(&place("from".into()), "standing-overlap", found, remedy);
        }
    }
}

fn guests(charter: &Charter, faults: &mut Faults<'_>) {
    for (at, guest) in charter.guests.iter().enumerate() {
        match charter.tier(&guest.tier) {
            None => tier_unknown(charter, &guest.tier, steps!("guest", at, "tier"), faults),
            Some(tier) if tier.standing => {
                let remedy = "a guest has no standing: name a tier with `standing = false`";
                let found = format!("a guest in `{}`", tier.id);
                faults.add(steps!("guest", at, "tier"), "guest-standing", found, remedy);
            }
            Some(_) => {}
        }
        if charter.organ(&guest.organ).is_none() {
            let remedy = "name the id of an [[organ]]";
            let found = format!("`{}`", guest.organ);
            faults.add(steps!("guest", at, "organ"), "organ-unknown", found, remedy);
        }
    }
}

/// Tells a tier that is none, or one of guests, where parties are meant.
pub(super) fn known_tier(
    charter: &Charter,
    tier: &str,
    place: &[Step<'_>],
    faults: &mut Faults<'_>,
) {
    match charter.tier(tier) {
        None => tier_unknown(charter, tier, place, faults),
        Some(tier) if !tier.standing => {
            let remedy = "guests have no standing: list them as [[guest]]";
            faults.add(place, "standing-guest", format!("a standing in `{}`", tier.id), remedy);
        }
        Some(_) => {}
    }
}

pub(super) fn tier_unknown(
    charter: &Charter,
    tier: &str,
    place: &[Step<'_>],
    faults: &mut Faults<'_>,
) {
    let known: Vec<String> = charter.tiers.iter().map(|tier| format!("`{}`", tier.id)).collect();
    let remedy = format!("one of {}, or a [[tier]] for it", known.join(", "));
    faults.add(place, "tier-unknown", format!("`{tier}`"), remedy);
}

/// Tells a span that is none.
pub(super) fn span(
    from: &Option<Date>,
    until: &Option<Date>,
    place: &[Step<'_>],
    faults: &mut Faults<'_>,
) {
    if let (Some(from), Some(until)) = (from, until)
        && from.is_after(until)
    {
        let remedy = "`until` is the first day after it, later than `from`";
        faults.add(place, "dates-order", format!("from {from} until {until}"), remedy);
    }
}

/// Tells a party that is not in the charter.
pub(super) fn known_party(
    charter: &Charter,
    party: &str,
    place: &[Step<'_>],
    faults: &mut Faults<'_>,
) {
    if charter.party(party).is_none() {
        let remedy = "name the id of a [[party]]";
        faults.add(place, "party-unknown", format!("`{party}`"), remedy);
    }
}

fn is_party_id(id: &str) -> bool {
    id.len() >= 3 && super::is_name(id)
}
