//! Offices: a secretariat reads nothing, a reviewer belongs to nobody.

use std::collections::BTreeMap;

use super::{Faults, names};
use crate::floor;
use crate::locate::steps;
use crate::model::{Charter, Office, OfficeKind, PanelSeat, Right, Subject};

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    let ids = charter.offices.iter().map(|office| office.id.as_str());
    names("office", ids, ("office-id", "office-twice"), faults);
    for (at, office) in charter.offices.iter().enumerate() {
        for (of, place) in office.locations.iter().enumerate() {
            let path = steps!("office", at, "location", of, "until");
            super::party::span(&place.from, &place.until, path, faults);
        }
        match office.kind {
            OfficeKind::Secretariat => secretariat(at, office, faults),
            OfficeKind::Reviewer => reviewer(charter, at, office, faults),
        }
    }
    let reviewers = charter.offices.iter().filter(|one| one.kind == OfficeKind::Reviewer).count();
    if reviewers > 1 {
        let remedy = "a body has one reviewer; add seats to its panel";
        faults.add(steps!("office"), "reviewer-twice", format!("{reviewers} reviewers"), remedy);
    }
    let finds = charter.organs.iter().position(|organ| organ.decides.contains(&Subject::Finding));
    if let Some(at) = finds
        && reviewers == 0
    {
        let remedy = "add an [[office]] of kind `reviewer`, or decide no findings";
        let place = steps!("organ", at, "decides");
        faults.add(place, "finding-reviewer", "findings, and nobody reviews them", remedy);
    }
}

fn secretariat(at: usize, office: &Office, faults: &mut Faults<'_>) {
    if office.rights.iter().any(|right| *right != Right::Attend) {
        let remedy = "a secretariat may `attend`; it neither receives, shares nor decides";
        let found = format!("`{}` has more than that", office.id);
        faults.add(steps!("office", at, "rights"), "secretariat-reads", found, remedy);
    }
    if !office.seats.is_empty() || office.threshold.is_some() {
        let remedy = "seats and threshold are for the panel of a reviewer";
        faults.add(
            steps!("office", at),
            "office-panel",
            format!("`{}` has some", office.id),
            remedy,
        );
    }
}

fn reviewer(charter: &Charter, at: usize, office: &Office, faults: &mut Faults<'_>) {
    if office.rights.iter().any(|right| matches!(right, Right::Share | Right::Decide)) {
        let remedy = "a reviewer reads and orders; it neither shares nor decides";
        let found = format!("`{}` does", office.id);
        faults.add(steps!("office", at, "rights"), "reviewer-decides", found, remedy);
    }
    let seats = office.seats.len();
    if seats < floor::PANEL_SEATS_MIN {
        let remedy = format!("at least {} [[office.seat]] tables", floor::PANEL_SEATS_MIN);
        faults.add(steps!("office", at), "reviewer-panel", format!("a panel of {seats}"), remedy);
        return;
    }
    let mut ids = std::collections::BTreeSet::new();
    for (of, seat) in office.seats.iter().enumerate() {
        if !super::is_name(&seat.id) || !ids.insert(&seat.id) {
            let remedy = "an id of its own for each seat: letters a-z, digits, `.` and `-`";
            let place = steps!("office", at, "seat", of, "id");
            faults.add(place, "reviewer-seat", format!("`{}`", seat.id), remedy);
        }
        if seat.nominated_by.is_empty() {
            let remedy = "name the parties that nominate for it";
            let place = steps!("office", at, "seat", of, "nominated_by");
            faults.add(place, "reviewer-seat", "nobody nominates", remedy);
        }
        for (by, party) in seat.nominated_by.iter().enumerate() {
            let place = steps!("office", at, "seat", of, "nominated_by", by);
            super::party::known_party(charter, party, place, faults);
        }
    }
    threshold(charter, at, office, faults);
}

/// No party, and none of those that are controlled by one, may open alone what is sealed to the
/// panel.
fn threshold(charter: &Charter, at: usize, office: &Office, faults: &mut Faults<'_>) {
    let seats = office.seats.len();
    let alone = alone(charter, &office.seats);
    let most = alone.iter().max_by_key(|(_, count)| **count);
    if let Some((group, count)) = most
        && *count == seats
    {
        let remedy = "let parties under another control nominate too";
        let found = format!("`{group}` nominates all {seats}");
        faults.add(steps!("office", at, "seat"), "reviewer-one-party", found, remedy);
        return;
    }
    let threshold = office.threshold.unwrap_or(0) as usize;
    if !(2..=seats).contains(&threshold) {
        let remedy = format!("threshold: from 2 to {seats} seats open together");
        let found = office.threshold.map_or("none".to_owned(), |seats| seats.to_string());
        faults.add(steps!("office", at, "threshold"), "reviewer-threshold", found, remedy);
    } else if let Some((group, count)) = most
        && *count >= threshold
    {
        let remedy = "more seats for a threshold, or nominations by others";
        let found = format!("`{group}` alone nominates {count} seats, and {threshold} open");
        faults.add(steps!("office", at, "threshold"), "reviewer-threshold", found, remedy);
    }
}

/// How many seats each control group fills alone.
fn alone<'c>(charter: &'c Charter, seats: &'c [PanelSeat]) -> BTreeMap<&'c str, usize> {
    let mut counts = BTreeMap::new();
    for seat in seats {
        let mut groups: Vec<&str> =
            seat.nominated_by.iter().map(|party| charter.control(party)).collect();
        groups.sort_unstable();
        groups.dedup();
        if let [group] = groups.as_slice() {
            *counts.entry(*group).or_default() += 1;
        }
    }
    counts
}
