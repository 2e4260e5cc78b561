//! Tiers, offices, organs, instruments, and how parties join and leave.

use super::{Changes, list, minus, names, pairs};
use crate::model::{Charter, Office, OfficeKind, Organ, Right, Subject, Tier};

pub(super) fn tiers(old: &Charter, new: &Charter, changes: &mut Changes) {
    for pair in pairs(&old.tiers, &new.tiers, |tier| &tier.id) {
        match pair {
            (None, Some(tier)) => {
                let what = format!("opens: may {}", rights(tier));
                changes.tell(format!("tier {}", tier.id), what);
            }
            (Some(tier), None) => changes.tell(format!("tier {}", tier.id), "is gone"),
            (Some(before), Some(after)) => tier(new, before, after, changes),
            (None, None) => {}
        }
    }
}

fn tier(new: &Charter, before: &Tier, after: &Tier, changes: &mut Changes) {
    let subject = format!("tier {}", after.id);
    let gained: Vec<&str> = after
        .rights
        .iter()
        .filter(|right| !before.rights.contains(right))
        .map(|right| right.name())
        .collect();
    if !gained.is_empty() {
        let why = "its parties may do more than before";
        changes.loosen(&subject, format!("gains {}", gained.join(", ")), why);
    }
    let lost = before.rights.iter().filter(|right| !after.rights.contains(right));
    let lost: Vec<&str> = lost.map(|right| right.name()).collect();
    if !lost.is_empty() {
        changes.tell(&subject, format!("loses {}", lost.join(", ")));
    }
    renamed(&subject, &before.name, &after.name, changes);
    if (before.from, before.standing) != (after.from, after.standing) {
        changes.tell(&subject, "opens on another day, or is for others");
    }
    if before.merged_into != after.merged_into
        && let Some(into) = &after.merged_into
    {
        let when = after.until.map_or(String::new(), |until| format!(" on {until}"));
        let what = format!("merges into `{into}`{when}");
        let target = new.tier(into).map_or(&[][..], |tier| &tier.rights);
        let gained = target.iter().filter(|right| !after.rights.contains(right));
        let gained: Vec<&str> = gained.map(|right| right.name()).collect();
        if gained.is_empty() {
            changes.tell(&subject, what);
        } else {
            let why = format!("its parties gain {}", gained.join(", "));
            changes.loosen(&subject, what, why);
        }
    } else if before.until != after.until {
        let what = match after.until {
            Some(until) => format!("closes on {until}"),
            None => "stays open".to_owned(),
        };
        changes.tell(&subject, what);
    }
}

fn renamed(subject: &str, before: &str, after: &str, changes: &mut Changes) {
    if before != after {
        changes.tell(subject, format!("is called `{after}`, not `{before}`"));
    }
}

fn rights(tier: &Tier) -> String {
    let rights: Vec<&str> = tier.rights.iter().map(|right: &Right| right.name()).collect();
    if rights.is_empty() { "nothing".to_owned() } else { rights.join(", ") }
}

pub(super) fn offices(old: &Charter, new: &Charter, changes: &mut Changes) {
    for pair in pairs(&old.offices, &new.offices, |office| &office.id) {
        match pair {
            (None, Some(office)) => {
                let what = format!("a {} is added", office.kind.name());
                changes.tell(format!("office {}", office.id), what);
            }
            (Some(office), None) => {
                let subject = format!("office {}", office.id);
                let what = format!("the {} is gone", office.kind.name());
                if office.kind == OfficeKind::Reviewer {
                    changes.loosen(subject, what, "nobody reviews");
                } else {
                    changes.tell(subject, what);
                }
            }
            (Some(before), Some(after)) => office(before, after, changes),
            (None, None) => {}
        }
    }
}

fn office(before: &Office, after: &Office, changes: &mut Changes) {
    let subject = format!("office {}", after.id);
    if before.kind != after.kind {
        let what = format!("a {}, not a {}", after.kind.name(), before.kind.name());
        changes.loosen(&subject, what, "the office is another one");
    }
    if after.threshold != before.threshold {
        let shown = |seats: Option<u32>| seats.map_or("none".to_owned(), |it| it.to_string());
        let (from, to) = (shown(before.threshold), shown(after.threshold));
        let fewer = after.threshold < before.threshold;
        let why = fewer.then(|| "fewer seats open what is sealed to the panel".to_owned());
        changes.put(&subject, format!("threshold {from} becomes {to}"), why);
    }
    renamed(&subject, &before.name, &after.name, changes);
    if before.seats != after.seats {
        let what = format!("{} seats become {}, or others", before.seats.len(), after.seats.len());
        changes.loosen(&subject, what, "the panel is another one: see who nominates");
    }
    if before.rights != after.rights {
        let gained = after.rights.iter().any(|right| !before.rights.contains(right));
        let what = "its rights change";
        if gained {
            changes.loosen(&subject, what, "it may do more than before");
        } else {
            changes.tell(&subject, what);
        }
    }
    if before.locations != after.locations {
        changes.tell(&subject, "other places");
    }
}

pub(super) fn organs(old: &Charter, new: &Charter, changes: &mut Changes) {
    for pair in pairs(&old.organs, &new.organs, |organ| &organ.id) {
        match pair {
            (None, Some(organ)) => {
                let decides = names(&organ.decides, |subject| subject.name()).join(", ");
                let decides = if decides.is_empty() { "nothing" } else { &decides };
                let what = format!("is added; it decides {decides}");
                changes.put(format!("organ {}", organ.id), what, more(&organ.decides, &[]));
            }
            (Some(organ), None) => {
                let why = fewer(&[], &organ.decides);
                changes.put(format!("organ {}", organ.id), "is gone", why);
            }
            (Some(before), Some(after)) => organ(before, after, changes),
            (None, None) => {}
        }
    }
}

fn organ(before: &Organ, after: &Organ, changes: &mut Changes) {
    let subject = format!("organ {}", after.id);
    if before.seats != after.seats {
        let shown = |organ: &Organ| {
            format!("tiers {}, parties {}", list(&organ.seats.tiers), list(&organ.seats.parties))
        };
        let what = format!("seats: {} become {}", shown(before), shown(after));
        if after.decides.is_empty() {
            changes.tell(&subject, what);
        } else {
            changes.loosen(&subject, what, "others decide than before");
        }
    }
    let decides = |organ: &'_ Organ| -> Vec<&'static str> {
        organ.decides.iter().map(|subject| subject.name()).collect()
    };
    let added = minus(&decides(after), &decides(before));
    if !added.is_empty() {
        let what = format!("decides {} too", added.join(", "));
        changes.put(&subject, what, more(&after.decides, &before.decides));
    }
    let gone = minus(&decides(before), &decides(after));
    if !gone.is_empty() {
        let what = format!("does not decide {} any more", gone.join(", "));
        changes.put(&subject, what, fewer(&after.decides, &before.decides));
    }
    renamed(&subject, &before.name, &after.name, changes);
    if (before.kind, &before.instrument) != (after.kind, &after.instrument) {
        changes.tell(&subject, "of another kind, or on another instrument");
    }
    if before.chair != after.chair {
        changes.tell(&subject, "another rule for the chair, or other terms");
    }
    if (before.state, before.from, before.until) != (after.state, after.from, after.until) {
        changes.tell(&subject, "begins, works or ends at another time");
    }
}

/// What an organ loosens by deciding more: there is one more way to what a floor protects.
fn more(after: &[Subject], before: &[Subject]) -> Option<String> {
    let guarded =
        |one: &&Subject| Subject::PROTECTED.contains(one) || Subject::SANCTIONS.contains(one);
    let added: Vec<&str> = after
        .iter()
        .filter(|one| !before.contains(one))
        .filter(guarded)
        .map(|one| one.name())
        .collect();
    (!added.is_empty()).then(|| format!("one more way to a decision on {}", added.join(", ")))
}

/// What an organ loosens by deciding less: there is one way less out.
fn fewer(after: &[Subject], before: &[Subject]) -> Option<String> {
    let out = [Subject::Delisting, Subject::Review];
    let gone = before.iter().any(|one| out.contains(one) && !after.contains(one));
    gone.then(|| "a finding has one way less to end".to_owned())
}

pub(super) fn instruments(old: &Charter, new: &Charter, changes: &mut Changes) {
    for pair in pairs(&old.instruments, &new.instruments, |one| &one.id) {
        let (what, id) = match pair {
            (None, Some(one)) => (format!("`{}` is added", one.name), &one.id),
            (Some(one), None) => (format!("`{}` is gone", one.name), &one.id),
            (Some(before), Some(after)) if before != after => {
                (format!("`{}` has other dates, or another name", after.name), &after.id)
            }
            _ => continue,
        };
        changes.tell(format!("instrument {id}"), what);
    }
}

pub(super) fn joining_and_leaving(old: &Charter, new: &Charter, changes: &mut Changes) {
    if old.accession != new.accession {
        let what =
            format!("{} stages of accession become {}", old.accession.len(), new.accession.len());
        if old.accession.iter().all(|stage| new.accession.contains(stage)) {
            changes.tell("accession", what);
        } else {
            changes.loosen("accession", what, "a stage is gone, or asks for something else");
        }
    }
    let months = |charter: &Charter| charter.exit.as_ref().map(|exit| exit.notice_months);
    if months(old) != months(new) {
        let shown = |charter: &Charter| {
            months(charter).map_or("no notice".to_owned(), |months| format!("{months} months"))
        };
        changes.tell("exit", format!("{} becomes {}", shown(old), shown(new)));
    }
}
