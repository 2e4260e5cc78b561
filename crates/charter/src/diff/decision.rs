//! Decision rules, by what they come to: for each organ and each class of subjects.

use super::Changes;
use crate::check::not_harder;
use crate::model::{Charter, DecisionRule, Subject};

pub(super) fn rules(old: &Charter, new: &Charter, changes: &mut Changes) {
    for organ in &new.organs {
        for subject in &organ.decides {
            let before = old.rule(&organ.id, *subject);
            let Some(after) = new.rule(&organ.id, *subject) else {
                continue;
            };
            let Some(before) = before else {
                continue;
            };
            if parts(before) != parts(after) {
                let about = format!("{} in organ {}", subject.name(), organ.id);
                let what = changed(before, after);
                let reasons = loosened(*subject, before, after);
                if reasons.is_empty() {
                    changes.tell(about, what);
                } else {
                    changes.loosen(about, what, reasons.join("; "));
                }
            }
        }
    }
}

/// A rule without its name and the list of what it is for.
fn parts(rule: &DecisionRule) -> DecisionRule {
    DecisionRule { id: String::new(), organs: None, subjects: Vec::new(), ..rule.clone() }
}

fn changed(before: &DecisionRule, after: &DecisionRule) -> String {
    let parts = [
        ("electorate", before.electorate != after.electorate),
        ("adoption", before.adoption != after.adoption),
        ("abstention", before.abstention != after.abstention),
        ("absence", before.absence != after.absence),
        ("quorum", before.quorum != after.quorum),
        ("silence", before.silence != after.silence),
        ("recorded opinion", before.recorded_opinion != after.recorded_opinion),
        ("reservation", before.reservation != after.reservation),
        ("participation", before.participation != after.participation),
        ("effect", before.effect != after.effect),
        ("force", before.force != after.force),
        ("condition", before.conditional_on != after.conditional_on),
        ("provisional effect", before.provisional != after.provisional),
        ("sunset", before.sunset != after.sunset),
        ("escalation", before.escalation != after.escalation),
        ("urgency", before.urgent != after.urgent),
        ("secrecy", before.secrecy != after.secrecy),
    ];
    let changed: Vec<&str> =
        parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
    format!("decided in another way: {}", changed.join(", "))
}

fn loosened(subject: Subject, before: &DecisionRule, after: &DecisionRule) -> Vec<&'static str> {
    // To withdraw a finding is what a safeguard wants easy; everything else it wants hard.
    let eases = matches!(subject, Subject::Delisting | Subject::Review);
    let harder = if eases { not_harder(after, before) } else { not_harder(before, after) };
    let quieter = match (&before.silence, &after.silence) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => {
            after.min_hours < before.min_hours
                || before.broken_by.iter().any(|one| !after.broken_by.contains(one))
                || (before.needs_consensus && !after.needs_consensus)
                || (before.outcome_notice && !after.outcome_notice)
                || (before.working_hours && !after.working_hours)
        }
    };
    let voters = before.electorate.minus.iter().any(|one| !after.electorate.minus.contains(one))
        || after.electorate.waiting_days < before.electorate.waiting_days
        || before.electorate.tiers != after.electorate.tiers;
    let length = |rule: &DecisionRule| rule.sunset.as_ref().map_or(u32::MAX, |it| it.days);
    let hours = |rule: &DecisionRule| rule.urgent.as_ref().map_or(0, |it| it.lapse_hours);
    let reasons = [
        (!harder && eases, "it may be harder to withdraw than before"),
        (!harder && !eases, "it may be easier to adopt than before"),
        (quieter, "silence adopts where it did not, or sooner"),
        (voters, "others decide than before"),
        (before.effect.own_inquiry && !after.effect.own_inquiry, "effect without own inquiry"),
        (
            before.secrecy.outcome_public && !after.secrecy.outcome_public,
            "the outcome is not public",
        ),
        (
            after.secrecy.positions_days > before.secrecy.positions_days,
            "positions are kept back longer",
        ),
        (length(after) > length(before), "what it decides lasts longer"),
        (hours(after) > hours(before), "what is urgent lasts longer"),
        (before.conditional_on.is_some() && after.conditional_on.is_none(), "a condition is gone"),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}
