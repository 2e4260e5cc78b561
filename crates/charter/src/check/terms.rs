//! Numbers: each has its floor.

use super::Faults;
use crate::floor;
use crate::locate::steps;
use crate::model::Charter;

/// A number with its place, its rule, its bounds, and what it is a number of.
type Bound = ([&'static str; 2], &'static str, u32, u32, u32, &'static str);

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    for ([table, member], rule, value, min, max, of) in bounds(charter) {
        if !(min..=max).contains(&value) {
            let unit = member.rsplit('_').next().unwrap_or_default();
            let unit = if member == "samples_per_year" { "samples a year" } else { unit };
            let to = if max == u32::MAX {
                format!("at least {min} {unit}")
            } else {
                format!("from {min} to {max} {unit}")
            };
            faults.add(
                steps!(table, member),
                rule,
                format!("{value} {unit}"),
                format!("{of}: {to}"),
            );
        }
    }
    if let Some(quotas) = charter.quotas {
        let numbers =
            [("leaves_per_day", quotas.leaves_per_day), ("octets_per_day", quotas.octets_per_day)];
        for (member, number) in numbers {
            if number == 0 {
                let remedy = "a quota of at least 1, or no [quotas]: nobody could say anything";
                faults.add(steps!("quotas", member), "quota-zero", "0", remedy);
            }
        }
    }
}

fn bounds(charter: &Charter) -> Vec<Bound> {
    let mut bounds = vec![
        withdrawal(charter.withdrawal.receipt_hours),
        (
            ["retention", "audit_days"],
            "audit-retention",
            charter.audit_days,
            floor::AUDIT_DAYS_MIN,
            floor::AUDIT_DAYS_MAX,
            "records of accesses",
        ),
        (
            ["review", "samples_per_year"],
            "review-samples",
            charter.review.samples_per_year,
            floor::SAMPLES_PER_YEAR_MIN,
            u32::MAX,
            "the reviewer looks without being asked",
        ),
    ];
    bounds.extend(lifetimes(charter));
    bounds.extend(deadlines(charter));
    bounds
}

fn withdrawal(hours: u32) -> Bound {
    let of = "recipients acknowledge withdrawals in time";
    let place = ["withdrawal", "receipt_hours"];
    (place, "withdrawal-receipt", hours, 1, floor::RECEIPT_HOURS_MAX, of)
}

fn lifetimes(charter: &Charter) -> [Bound; 5] {
    let lives = charter.lifetimes;
    let finding = ("retention-finding", floor::FINDING_DAYS_MAX, "findings and notices lapse");
    let indicator = ("retention-indicator", floor::INDICATOR_DAYS_MAX, "addresses change hands");
    let alert = ("retention-alert", floor::ALERT_HOURS_MAX, "alerts lapse unless confirmed");
    let entry = ("retention-floor", floor::RETENTION_DAYS_MAX, "everything expires");
    [
        ("days", charter.retention_days, entry),
        ("finding_days", lives.finding_days, finding),
        ("notice_days", lives.notice_days, finding),
        ("indicator_days", lives.indicator_days, indicator),
        ("alert_hours", lives.alert_hours, alert),
    ]
    .map(|(member, value, (rule, max, of))| (["retention", member], rule, value, 1, max, of))
}

fn deadlines(charter: &Charter) -> [Bound; 6] {
    let review = charter.review;
    [
        ("admissibility_days", review.admissibility_days, 1, floor::ADMISSIBILITY_DAYS_MAX),
        ("access_days", review.access_days, 1, floor::ACCESS_DAYS_MAX),
        ("decision_days", review.decision_days, 1, floor::DECISION_DAYS_MAX),
        ("order_days", review.order_days, 1, floor::ORDER_DAYS_MAX),
        ("keep_days", review.keep_days, 1, floor::KEEP_DAYS_MAX),
        ("notice_days", review.notice_days, 0, floor::NOTICE_DELAY_DAYS_MAX),
    ]
    .map(|(member, value, min, max)| {
        let of = "deadlines may only be shorter";
        (["review", member], "review-deadline", value, min, max, of)
    })
}
