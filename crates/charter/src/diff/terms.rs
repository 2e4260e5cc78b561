//! Labels, numbers and switches.

use super::{Changes, list};
use crate::model::{Charter, Pap};

pub(super) fn handling(old: &Charter, new: &Charter, changes: &mut Changes) {
    let (before, after) = (old.handling.default_tlp, new.handling.default_tlp);
    if before != after {
        let what = format!("default TLP:{} becomes TLP:{}", before.label(), after.label());
        if after < before {
            changes.loosen("handling", what, "what has no label may go further");
        } else {
            changes.tell("handling", what);
        }
    }
    let (before, after) = (old.handling.default_pap, new.handling.default_pap);
    if before != after {
        let shown =
            |pap: Option<Pap>| pap.map_or("none".to_owned(), |it| format!("PAP:{}", it.label()));
        let what = format!("default {} becomes {}", shown(before), shown(after));
        if after < before {
            changes.loosen("handling", what, "more may be done with what does not say");
        } else {
            changes.tell("handling", what);
        }
    }
    assessed(old, new, changes);
    for ceiling in &old.handling.ceilings {
        let kept = new.handling.ceilings.iter().any(|other| {
            other.tlp <= ceiling.tlp && other.tiers.iter().all(|tier| ceiling.tiers.contains(tier))
        });
        if !kept {
            let label = ceiling.tlp.label();
            let what = format!("no ceiling of {} for TLP:{label} any more", list(&ceiling.tiers));
            changes.loosen("handling", what, "other tiers receive what is so labelled");
        }
    }
    for ceiling in &new.handling.ceilings {
        if !old.handling.ceilings.contains(ceiling) {
            let label = ceiling.tlp.label();
            let what = format!("TLP:{label} and stricter goes to {} alone", list(&ceiling.tiers));
            changes.tell("handling", what);
        }
    }
}

fn assessed(old: &Charter, new: &Charter, changes: &mut Changes) {
    for tier in &old.handling.assessed {
        if !new.handling.assessed.contains(tier) {
            let what = format!("tier `{tier}` is released to without an assessment");
            changes.loosen("handling", what, "nobody has to look first");
        }
    }
    for tier in &new.handling.assessed {
        if !old.handling.assessed.contains(tier) {
            let what = format!("tier `{tier}` is released to with an assessment alone");
            changes.tell("handling", what);
        }
    }
}

/// Which way a number loosens.
#[derive(Clone, Copy)]
enum Looser {
    Up(&'static str),
    Down(&'static str),
}

pub(super) fn numbers(old: &Charter, new: &Charter, changes: &mut Changes) {
    use Looser::{Down, Up};
    let longer = Up("it is kept longer");
    let later = Up("there is more time before it must be done");
    let quota = |charter: &Charter| {
        charter.quotas.map_or([u64::MAX; 2], |it| [it.leaves_per_day, it.octets_per_day])
    };
    let ([leaves, octets], [leaves_now, octets_now]) = (quota(old), quota(new));
    let more = Up("one party may fill the stores of the others faster");
    let pair = |of: fn(&Charter) -> u32| (u64::from(of(old)), u64::from(of(new)));
    let rows = [
        ("retention, days", pair(|it| it.retention_days), longer),
        ("retention of accesses, days", pair(|it| it.audit_days), Down("a reviewer sees less")),
        ("findings, days", pair(|it| it.lifetimes.finding_days), longer),
        ("notices, days", pair(|it| it.lifetimes.notice_days), longer),
        ("indicators, days", pair(|it| it.lifetimes.indicator_days), longer),
        ("alerts, hours", pair(|it| it.lifetimes.alert_hours), longer),
        ("receipt of a withdrawal, hours", pair(|it| it.withdrawal.receipt_hours), later),
        ("admissibility, days", pair(|it| it.review.admissibility_days), later),
        ("access in a review, days", pair(|it| it.review.access_days), later),
        ("decision in a review, days", pair(|it| it.review.decision_days), later),
        ("orders of the reviewer, days", pair(|it| it.review.order_days), later),
        ("end after a recommendation, days", pair(|it| it.review.keep_days), later),
        ("delay of notice, days", pair(|it| it.review.notice_days), later),
        ("samples a year", pair(|it| it.review.samples_per_year), Down("the reviewer looks less")),
        ("leaves a day", (leaves, leaves_now), more),
        ("octets a day", (octets, octets_now), more),
    ];
    for (subject, (before, after), looser) in rows {
        if before == after {
            continue;
        }
        let shown =
            |number: u64| if number == u64::MAX { "no quota".into() } else { number.to_string() };
        let what = format!("{} becomes {}", shown(before), shown(after));
        match looser {
            Up(why) if after > before => changes.loosen(subject, what, why),
            Down(why) if after < before => changes.loosen(subject, what, why),
            Up(_) | Down(_) => changes.tell(subject, what),
        }
    }
}

pub(super) fn switches(old: &Charter, new: &Charter, changes: &mut Changes) {
    let rows = [
        (
            "mailboxes of attackers in patterns",
            (old.attacker_mailboxes, new.attacker_mailboxes),
            true,
            "they may stand in patterns",
        ),
        (
            "registered extensions only",
            (old.registered_only, new.registered_only),
            false,
            "what no schema describes is admitted",
        ),
        (
            "accesses recorded before the answer",
            (old.audit_before_answer, new.audit_before_answer),
            false,
            "a record of access may be lost with the power",
        ),
    ];
    for (subject, (before, after), looser, why) in rows {
        if before != after {
            let what = if after { "switched on" } else { "switched off" };
            if after == looser {
                changes.loosen(subject, what, why);
            } else {
                changes.tell(subject, what);
            }
        }
    }
}
