//! The body itself: its name, its version, what it is for, where it comes from.

use super::{Faults, is_name, names};
use crate::locate::steps;
use crate::model::{Charter, Duty, Hash, Instrument, Purpose};
use crate::parse::File;
use crate::{FLOORS_VERSION, FORMAT_VERSION, floor};

pub(super) fn check(file: &File, charter: &Charter, faults: &mut Faults<'_>) {
    versions(file, faults);
    if charter.body.trim().is_empty() {
        faults.add(steps!("body"), "body-name", "an empty name", "give the body a name");
    }
    if charter.purposes.is_empty() {
        let remedy = "name at least one purpose; what has no purpose is not shared";
        faults.add(steps!("purposes"), "purpose-missing", "no purpose", remedy);
    }
    if charter.attacker_mailboxes && !charter.purposes.contains(&Purpose::NetworkDefence) {
        let remedy = "attacker_mailboxes needs the purpose `network-defence`";
        faults.add(steps!("purposes"), "floor-mailbox", "mailboxes without their purpose", remedy);
    }
    if file.illustrative != file.note.as_ref().is_some_and(|note| !note.trim().is_empty()) {
        let remedy = "an illustration has `illustrative = true` and a `note` that says of what; \
                      other charters have neither";
        let found = if file.illustrative { "no note" } else { "a note without an illustration" };
        let member = if file.illustrative { "illustrative" } else { "note" };
        faults.add(steps!(member), "illustrative-note", found, remedy);
    }
    instruments(charter, faults);
    joining_and_leaving(charter, faults);
    languages(charter, faults);
}

fn versions(file: &File, faults: &mut Faults<'_>) {
    if file.format != FORMAT_VERSION {
        let remedy = format!("this program reads format {FORMAT_VERSION}");
        faults.add(steps!("format"), "charter-format", format!("format {}", file.format), remedy);
    }
    if file.version == 0 {
        faults.add(steps!("version"), "charter-version", "version 0", "versions count from 1");
    }
    if file.floors != FLOORS_VERSION {
        let remedy =
            format!("pin the floors that this program enforces: floors = {FLOORS_VERSION}");
        faults.add(steps!("floors"), "floors-version", format!("floors {}", file.floors), remedy);
    }
    match &file.previous {
        None if file.version > 1 => {
            let remedy = "name the charter that this one succeeds: previous = the hash that \
                          `comity charter show` prints";
            let found = format!("version {} without `previous`", file.version);
            faults.add(steps!("version"), "previous-missing", found, remedy);
        }
        Some(_) if file.version == 1 => {
            let remedy = "version 1 founds a body: leave `previous` out, or count the version up";
            faults.add(steps!("previous"), "previous-founding", "version 1 succeeds one", remedy);
        }
        Some(text) if Hash::parse(text).is_none() => {
            let remedy = "the SHA-256 of a charter: 64 lower-case hexadecimal digits";
            faults.add(steps!("previous"), "previous-form", format!("`{text}`"), remedy);
        }
        None | Some(_) => {}
    }
}

/// Tells what is too much to look at. Nothing else is asked of such a charter.
pub(super) fn sizes(charter: &Charter, faults: &mut Faults<'_>) {
    let tables = [
        ("tier", charter.tiers.len()),
        ("party", charter.parties.len()),
        ("guest", charter.guests.len()),
        ("office", charter.offices.len()),
        ("organ", charter.organs.len()),
        ("rule", charter.rules.len()),
        ("instrument", charter.instruments.len()),
        ("predecessor", charter.predecessors.len()),
        ("accession", charter.accession.len()),
    ];
    for (table, count) in tables {
        if count > floor::TABLES_MAX {
            let remedy = format!("at most {} of each table", floor::TABLES_MAX);
            faults.add(steps!(table), "charter-size", format!("{count} of [[{table}]]"), remedy);
        }
    }
    for (at, party) in charter.parties.iter().enumerate() {
        let count = party.standings.len();
        if count > floor::STANDINGS_MAX {
            let remedy = format!("at most {} standings of a party", floor::STANDINGS_MAX);
            let place = steps!("party", at, "standing");
            faults.add(place, "charter-size", format!("{count} standings"), remedy);
        }
    }
}

fn instruments(charter: &Charter, faults: &mut Faults<'_>) {
    let all = &charter.instruments;
    let ids = all.iter().map(|one| one.id.as_str());
    names("instrument", ids, ("instrument-id", "instrument-twice"), faults);
    for (at, one) in all.iter().enumerate() {
        for (member, id) in [("amends", &one.amends), ("conditional_on", &one.conditional_on)] {
            let Some(id) = id else { continue };
            let Some(other) = all.iter().find(|other| other.id == *id) else {
                let remedy = "name the id of an [[instrument]]";
                faults.add(
                    steps!("instrument", at, member),
                    "instrument-unknown",
                    format!("`{id}`"),
                    remedy,
                );
                continue;
            };
            if member == "conditional_on" && one.in_force.is_some() && other.in_force.is_none() {
                let remedy = "what it waits for is not in force: leave `in_force` out";
                let found = format!("in force before `{id}`");
                let place = steps!("instrument", at, "in_force");
                faults.add(place, "instrument-condition", found, remedy);
            }
        }
        if let Some((earlier, later)) = disordered(one) {
            let remedy = "a text is signed before it is in force, and in force before it ends";
            let found = format!("`{later}` before `{earlier}`");
            faults.add(steps!("instrument", at, later), "instrument-order", found, remedy);
        }
    }
    for (at, one) in charter.predecessors.iter().enumerate() {
        super::party::span(&one.from, &one.until, steps!("predecessor", at, "until"), faults);
    }
}

/// The first two dates of an instrument that can not be in their order.
fn disordered(one: &Instrument) -> Option<(&'static str, &'static str)> {
    let dates = [
        ("adopted", one.adopted, "signed", one.signed),
        ("adopted", one.adopted, "in_force", one.in_force),
        ("signed", one.signed, "in_force", one.in_force),
        ("in_force", one.in_force, "until", one.until),
    ];
    dates.into_iter().find_map(|(earlier, first, later, second)| {
        (second?.end() < first?.start()).then_some((earlier, later))
    })
}

fn joining_and_leaving(charter: &Charter, faults: &mut Faults<'_>) {
    for (at, stage) in charter.accession.iter().enumerate() {
        if charter.tier(&stage.tier).is_none() {
            super::party::tier_unknown(
                charter,
                &stage.tier,
                steps!("accession", at, "tier"),
                faults,
            );
        }
    }
    if let Some(exit) = &charter.exit {
        let all = [Duty::Retention, Duty::Correction, Duty::Review];
        if !all.iter().all(|duty| exit.duties.contains(duty)) {
            let remedy = "duties = [\"retention\", \"correction\", \"review\"]: they survive exit";
            faults.add(steps!("exit", "duties"), "exit-duties", "a duty is missing", remedy);
        }
    }
}

fn languages(charter: &Charter, faults: &mut Faults<'_>) {
    let lists =
        [("authentic", &charter.languages.authentic), ("working", &charter.languages.working)];
    for (member, list) in lists {
        for (at, language) in list.iter().enumerate() {
            if !is_language(language) {
                let remedy = "a language tag (BCP 47), such as `en` or `zh-Hans`";
                let place = steps!("languages", member, at);
                faults.add(place, "language-tag", format!("`{language}`"), remedy);
            }
        }
    }
}

/// Whether a text has the form of a language tag: a language, and subtags.
pub(super) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = first.bytes().all(|byte| byte.is_ascii_lowercase());
    (2..=3).contains(&first.len())
        && letters
        && parts.all(|part| is_name(&part.to_ascii_lowercase()) && part.len() <= 8)
}
