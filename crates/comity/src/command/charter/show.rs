//! `comity charter show`: a charter as tables, at a date.

use comity_charter::{
    AsOf, Charter, Date, OfficeKind, Organ, Right, SeatState, Status, TierAsOf, TierState,
};
use serde_json::{Value, json};

use crate::output::{Output, table};

pub(super) fn show(charter: &Charter, date: Date, output: &Output) {
    let body = charter.as_of(date);
    let mut value = head_value(charter);
    if let Some(members) = value.as_object_mut() {
        members.insert("as_of".to_owned(), body_value(&body));
    }
    output.result(&value, || format!("{}\n{}", head(charter), told(charter, &body)));
}

/// What names a charter, and its terms.
pub(super) fn head(charter: &Charter) -> String {
    let purposes: Vec<&str> = charter.purposes.iter().map(|one| one.name()).collect();
    let mut lines = vec![
        ("body", charter.body.clone()),
        ("version", charter.version.to_string()),
        ("hash", charter.hash.to_string()),
        ("read aloud", charter.hash.fingerprint()),
    ];
    if let Some(previous) = charter.previous {
        lines.push(("succeeds", previous.to_string()));
    }
    if let Some(note) = &charter.illustration {
        lines.push(("illustration", note.clone()));
    }
    lines.extend([
        ("parties", charter.parties.len().to_string()),
        ("purposes", purposes.join(", ")),
        ("default", labels(charter).join(", ")),
    ]);
    let handling = &charter.handling;
    for ceiling in &handling.ceilings {
        let (label, tiers) = (ceiling.tlp.label(), ceiling.tiers.join(", "));
        lines.push(("ceiling", format!("TLP:{label} and stricter, to tiers {tiers} alone")));
    }
    if !handling.assessed.is_empty() {
        let tiers = handling.assessed.join(", ");
        lines.push(("assessed", format!("before anything goes to tiers {tiers}")));
    }
    lines.extend([
        ("retention", format!("{} days", charter.retention_days)),
        ("withdrawal", format!("acknowledged in {} hours", charter.withdrawal.receipt_hours)),
        ("quota", quota(charter)),
        ("reviewer", reviewer(charter)),
    ]);
    lines.iter().map(|(name, text)| format!("{name:<13}{text}\n")).collect()
}

pub(super) fn head_value(charter: &Charter) -> Value {
    let now = |party: &comity_charter::Party| {
        party.tier.clone().or_else(|| party.standings.last().map(|term| term.tier.clone()))
    };
    let parties: Vec<Value> = charter
        .parties
        .iter()
        .map(|it| {
            let (node, tier) = (it.genesis.is_some(), now(it));
            json!({ "id": it.id, "name": it.name, "tier": tier, "control": it.control, "node": node })
        })
        .collect();
    json!({
        "hash": charter.hash.to_string(),
        "fingerprint": charter.hash.fingerprint(),
        "previous": charter.previous.map(|hash| hash.to_string()),
        "body": charter.body,
        "version": charter.version,
        "illustration": charter.illustration,
        "purposes": charter.purposes.iter().map(|one| one.name()).collect::<Vec<_>>(),
        "parties": parties,
        "default_tlp": charter.handling.default_tlp.label(),
        "default_pap": charter.handling.default_pap.map(comity_charter::Pap::label),
        "ceilings": charter.handling.ceilings.iter().map(|it| {
            json!({ "tlp": it.tlp.label(), "tiers": it.tiers })
        }).collect::<Vec<_>>(),
        "assessed": charter.handling.assessed,
        "retention_days": charter.retention_days,
        "receipt_hours": charter.withdrawal.receipt_hours,
        "quotas": charter.quotas.map(|it| {
            json!({ "leaves_per_day": it.leaves_per_day, "octets_per_day": it.octets_per_day })
        }),
    })
}

fn labels(charter: &Charter) -> Vec<String> {
    let handling = &charter.handling;
    let mut labels = vec![format!("TLP:{}", handling.default_tlp.label())];
    labels.extend(handling.default_pap.map(|pap| format!("PAP:{}", pap.label())));
    labels
}

fn quota(charter: &Charter) -> String {
    charter.quotas.map_or("none".to_owned(), |it| {
        format!("{} leaves and {} octets a day and origin", it.leaves_per_day, it.octets_per_day)
    })
}

fn reviewer(charter: &Charter) -> String {
    let office = charter.offices.iter().find(|office| office.kind == OfficeKind::Reviewer);
    office.map_or("none".to_owned(), |office| {
        let threshold = office.threshold.unwrap_or(0);
        format!("`{}`, {threshold} of {} seats", office.id, office.seats.len())
    })
}

fn body_value(body: &AsOf<'_>) -> Value {
    let tiers: Vec<Value> = body
        .tiers
        .iter()
        .map(|tier| {
            let parties: Vec<Value> = tier
                .seats
                .iter()
                .map(|(party, state)| json!({ "id": party.id, "status": word(*state) }))
                .collect();
            json!({ "id": tier.tier.id, "state": opened(tier), "parties": parties })
        })
        .collect();
    let organs: Vec<Value> = body
        .organs
        .iter()
        .map(|it| {
            let seats: Vec<&str> = it.seats.iter().map(|party| party.id.as_str()).collect();
            json!({ "id": it.organ.id, "chair": it.chair, "seats": seats })
        })
        .collect();
    let instruments: Vec<Value> = body
        .instruments
        .iter()
        .map(|it| {
            let id = &it.instrument.id;
            json!({ "id": id, "in_force": it.in_force, "operational": it.operational })
        })
        .collect();
    let guests: Vec<&str> = body.guests.iter().map(|guest| guest.name.as_str()).collect();
    json!({
        "date": body.date.to_string(),
        "tiers": tiers,
        "guests": guests,
        "organs": organs,
        "instruments": instruments,
    })
}

fn told(charter: &Charter, body: &AsOf<'_>) -> String {
    let mut text = format!("as of {}\n", body.date);
    for one in &body.predecessors {
        text.push_str(&format!("predecessor  {}\n", one.name));
    }
    let rows: Vec<Vec<String>> = body.tiers.iter().map(tier_row).collect();
    text.push_str(&section(&["TIER", "STATE", "PARTIES", "MAY"], &rows));
    let rows: Vec<Vec<String>> = body.tiers.iter().flat_map(party_rows).collect();
    text.push_str(&section(&["PARTY", "NAME", "TIER", "STATUS", "CONTROL", "NODE"], &rows));
    let rows: Vec<Vec<String>> = body
        .guests
        .iter()
        .map(|it| vec![it.name.clone(), it.organ.clone(), it.on.to_string()])
        .collect();
    text.push_str(&section(&["GUEST", "ORGAN", "ON"], &rows));
    let rows: Vec<Vec<String>> = body
        .organs
        .iter()
        .map(|it| {
            let chair = it.chair.unwrap_or("-").to_owned();
            vec![it.organ.id.clone(), it.seats.len().to_string(), chair, decides(charter, it.organ)]
        })
        .collect();
    text.push_str(&section(&["ORGAN", "SEATS", "CHAIR", "DECIDES"], &rows));
    text.push_str(&section(&["OFFICE", "KIND", "WHERE"], &office_rows(body)));
    text.push_str(&section(
        &["INSTRUMENT", "MADE", "IN FORCE", "WORKS", "NAME"],
        &instrument_rows(body),
    ));
    text
}

/// What an organ decides, by rule.
fn decides(charter: &Charter, organ: &Organ) -> String {
    let mut rules: Vec<(&str, Vec<&str>)> = Vec::new();
    for subject in &organ.decides {
        let Some(rule) = charter.rule(&organ.id, *subject) else {
            continue;
        };
        match rules.iter_mut().find(|(id, _)| *id == rule.id) {
            Some((_, subjects)) => subjects.push(subject.name()),
            None => rules.push((&rule.id, vec![subject.name()])),
        }
    }
    let rules: Vec<String> =
        rules.iter().map(|(id, subjects)| format!("by `{id}`: {}", subjects.join(", "))).collect();
    rules.join("; ")
}

/// A table behind an empty line; nothing, where there are no rows.
fn section(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{}", table(head, rows)) }
}

fn tier_row(tier: &TierAsOf<'_>) -> Vec<String> {
    let rights: Vec<&str> = tier.tier.rights.iter().map(|right: &Right| right.name()).collect();
    let mut state = opened(tier).to_owned();
    if let (TierState::Closed, Some(into)) = (tier.state, &tier.tier.merged_into) {
        state = format!("merged into {into}");
    }
    let parties = tier.counted().to_string();
    vec![tier.tier.id.clone(), state, parties, rights.join(", ")]
}

fn party_rows(tier: &TierAsOf<'_>) -> Vec<Vec<String>> {
    tier.seats
        .iter()
        .map(|(party, state)| {
            vec![
                party.id.clone(),
                party.name.clone(),
                tier.tier.id.clone(),
                word(*state).to_owned(),
                party.control.clone().unwrap_or("-".to_owned()),
                if party.genesis.is_some() { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect()
}

fn office_rows(body: &AsOf<'_>) -> Vec<Vec<String>> {
    body.offices
        .iter()
        .map(|(office, places)| {
            let places: Vec<String> =
                places.iter().map(|it| format!("{} ({})", it.place, it.basis.name())).collect();
            let places = if places.is_empty() { "-".to_owned() } else { places.join(", ") };
            vec![office.id.clone(), office.kind.name().to_owned(), places]
        })
        .collect()
}

fn instrument_rows(body: &AsOf<'_>) -> Vec<Vec<String>> {
    let date = |date: Option<Date>| date.map_or("-".to_owned(), |date| date.to_string());
    body.instruments
        .iter()
        .map(|it| {
            let one = it.instrument;
            let in_force = match it.in_force {
                Some(true) => date(one.in_force),
                Some(false) => "not yet".to_owned(),
                None => "not known".to_owned(),
            };
            let works = if it.operational { date(one.operational) } else { "-".to_owned() };
            let made = date(one.signed.or(one.adopted));
            vec![one.id.clone(), made, in_force, works, one.name.clone()]
        })
        .collect()
}

fn opened(tier: &TierAsOf<'_>) -> &'static str {
    match tier.state {
        TierState::Ahead => "not yet",
        TierState::Open => "open",
        TierState::Closed => "closed",
    }
}

fn word(state: SeatState) -> &'static str {
    match state {
        SeatState::Decided => "decided, not begun",
        SeatState::Standing(Status::Active) => "active",
        SeatState::Standing(other) => other.name(),
    }
}
