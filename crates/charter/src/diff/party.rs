//! Parties: who joined, who left, who is something else now, whose keys are others.

use super::{Changes, pairs};
use crate::model::{Charter, Genesis, Party, Status, Term};

pub(super) fn parties(old: &Charter, new: &Charter, changes: &mut Changes) {
    for pair in pairs(&old.parties, &new.parties, |party| &party.id) {
        match pair {
            (None, Some(party)) => {
                let subject = subject(party);
                changes.tell(&subject, format!("joins: {}", standing(party)));
                if let Some(genesis) = &party.genesis {
                    changes.tell(subject, format!("keys: {}", genesis.transport));
                }
            }
            (Some(party), None) => changes.tell(subject(party), "is not in the charter any more"),
            (Some(before), Some(after)) => party(before, after, changes),
            (None, None) => {}
        }
    }
}

fn party(before: &Party, after: &Party, changes: &mut Changes) {
    let subject = subject(after);
    if before.name != after.name {
        changes.tell(&subject, format!("is called `{}`, not `{}`", after.name, before.name));
    }
    if (&before.tier, &before.standings) != (&after.tier, &after.standings) {
        let what = format!("was {}; is {}", standing(before), standing(after));
        // What was already there, and reads differently now, is history rewritten.
        let kept = before.standings.iter().filter(|term| term.until.is_some());
        if kept.clone().all(|term| after.standings.contains(term)) {
            changes.tell(&subject, what);
        } else {
            changes.loosen(&subject, what, "a standing that had ended reads differently");
        }
    }
    if before.control != after.control {
        let shown = |party: &Party| party.control.clone().unwrap_or("itself".to_owned());
        let what = format!("controlled by {}, not {}", shown(after), shown(before));
        changes.loosen(&subject, what, "it may count as another's equal where it did not");
    }
    keys(&subject, before.genesis.as_ref(), after.genesis.as_ref(), changes);
}

fn keys(subject: &str, before: Option<&Genesis>, after: Option<&Genesis>, changes: &mut Changes) {
    match (before, after) {
        (None, Some(genesis)) => {
            changes.tell(subject, format!("has a node now: keys {}", genesis.transport));
        }
        (Some(_), None) => changes.tell(subject, "has no node any more: its keys are gone"),
        (Some(before), Some(after)) if before != after => {
            let members = [
                ("shared", &before.shared, &after.shared),
                ("acts", &before.acts, &after.acts),
                ("audit", &before.audit, &after.audit),
                ("transport", &before.transport, &after.transport),
                ("next", &before.next, &after.next),
            ];
            let changed: Vec<&str> = members
                .iter()
                .filter(|(_, before, after)| before != after)
                .map(|(member, _, _)| *member)
                .collect();
            let what = format!("other keys: {}", changed.join(", "));
            changes.loosen(subject, what, "compare them with the party, out of band");
        }
        _ => {}
    }
}

fn subject(party: &Party) -> String {
    format!("party {}", party.id)
}

/// The latest standing of a party, in words.
fn standing(party: &Party) -> String {
    if let Some(tier) = &party.tier {
        return format!("`{tier}`");
    }
    let latest = party.standings.iter().max_by_key(|term| term.start());
    latest.map_or("nothing".to_owned(), term)
}

fn term(term: &Term) -> String {
    let mut text = format!("`{}`", term.tier);
    if term.status != Status::Active {
        text.push_str(&format!(", {},", term.status.name()));
    }
    if let Some(from) = term.from {
        text.push_str(&format!(" from {from}"));
    }
    if let Some(until) = term.until {
        text.push_str(&format!(" until {until}"));
    }
    text
}
