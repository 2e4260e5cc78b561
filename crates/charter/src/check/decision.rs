//! Decision rules: what holds together, and the floors that no rule goes below.

use super::strict::not_harder;
use super::{Faults, names};
use crate::floor;
use crate::locate::{Step, steps};
use crate::model::{
    Absence, Abstention, Adoption, Base, Breaker, Charter, DecisionRule, Escalation, Minus, Quorum,
    Reach, Seats, Subject,
};

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    let ids = charter.rules.iter().map(|rule| rule.id.as_str());
    names("rule", ids, ("rule-id", "rule-twice"), faults);
    for (at, rule) in charter.rules.iter().enumerate() {
        references(charter, at, rule, faults);
        numbers(at, rule, faults);
        protected(at, rule, faults);
        rights(at, rule, faults);
        sunset(charter, at, rule, faults);
    }
    if charter.organs.iter().any(|organ| organ.decides.contains(&Subject::Finding)) {
        findings(charter, faults);
    }
}

fn references(charter: &Charter, at: usize, rule: &DecisionRule, faults: &mut Faults<'_>) {
    for (of, organ) in rule.organs.iter().flatten().enumerate() {
        organ_known(charter, organ, steps!("rule", at, "organs", of), faults);
    }
    for (of, tier) in rule.electorate.tiers.iter().flatten().enumerate() {
        let place = steps!("rule", at, "electorate", "tiers", of);
        super::party::known_tier(charter, tier, place, faults);
    }
    if let Some(Escalation::Refer { organ }) = &rule.escalation {
        organ_known(charter, organ, steps!("rule", at, "escalation"), faults);
    }
    if let Some(provisional) = &rule.provisional {
        for (of, party) in provisional.parties.iter().enumerate() {
            let place = steps!("rule", at, "provisional", "parties", of);
            super::party::known_party(charter, party, place, faults);
        }
    }
    if let Some(id) = &rule.conditional_on
        && !charter.instruments.iter().any(|one| one.id == *id)
    {
        let remedy = "name the id of an [[instrument]]";
        let place = steps!("rule", at, "conditional_on");
        faults.add(place, "instrument-unknown", format!("`{id}`"), remedy);
    }
    let used = charter
        .organs
        .iter()
        .any(|organ| organ.decides.iter().any(|subject| rule.is_for(&organ.id, *subject)));
    if !used {
        let remedy = "name subjects that one of its organs `decides`, or take the rule out";
        let found = format!("no organ decides by `{}`", rule.id);
        faults.add(steps!("rule", at, "subjects"), "rule-unused", found, remedy);
    }
}

fn organ_known(charter: &Charter, organ: &str, place: &[Step<'_>], faults: &mut Faults<'_>) {
    if charter.organ(organ).is_none() {
        let remedy = "name the id of an [[organ]]";
        faults.add(place, "organ-unknown", format!("`{organ}`"), remedy);
    }
}

fn numbers(at: usize, rule: &DecisionRule, faults: &mut Faults<'_>) {
    let mut fractions = Vec::new();
    match &rule.adoption {
        Adoption::Fraction { num, den, .. } => fractions.push(("adoption", [*num, *den])),
        Adoption::Double { num, den, weight_num, weight_den, .. } => {
            fractions.push(("adoption", [*num, *den]));
            fractions.push(("adoption", [*weight_num, *weight_den]));
        }
        Adoption::Count { n } => fractions.push(("adoption", [1.min(*n), 1])),
        Adoption::Consensus | Adoption::Unanimity | Adoption::ReverseConsensus => {}
    }
    if let Abstention::Constructive { cap_members, cap_weight, .. } = &rule.abstention {
        let caps = cap_members.iter().chain(cap_weight);
        fractions.extend(caps.map(|cap| ("abstention", *cap)));
    }
    if let Some(Quorum { reach, reconvened, .. }) = &rule.quorum {
        fractions.extend([Some(*reach), *reconvened].into_iter().flatten().map(
            |reach| match reach {
                Reach::Count { n } => ("quorum", [1.min(n), 1]),
                Reach::Fraction { num, den } => ("quorum", [num, den]),
            },
        ));
    }
    let void = rule.reservation.as_ref().and_then(|one| one.void_if_objected);
    fractions.extend(void.map(|fraction| ("reservation", fraction)));
    for (member, [num, den]) in fractions {
        if num == 0 || num > den {
            let remedy = "more than nothing, and no more than all";
            let found = format!("{num} of {den} in `{member}`");
            faults.add(steps!("rule", at, member), "rule-fraction", found, remedy);
        }
    }
    if rule.electorate.concerned_max.is_some_and(|max| max > floor::CONCERNED_MAX) {
        let remedy = format!("at most {} parties concerned", floor::CONCERNED_MAX);
        let place = steps!("rule", at, "electorate", "concerned_max");
        faults.add(place, "electorate-concerned", "too many are left out", remedy);
    }
    if let Some(urgent) = &rule.urgent
        && !(1..=floor::ALERT_HOURS_MAX).contains(&urgent.lapse_hours)
    {
        let remedy = format!("what is urgent lapses: from 1 to {} hours", floor::ALERT_HOURS_MAX);
        let found = format!("{} hours", urgent.lapse_hours);
        faults.add(steps!("rule", at, "urgent", "lapse_hours"), "urgent-lapse", found, remedy);
    }
    if let Some(silence) = &rule.silence
        && (silence.min_hours == 0 || !silence.broken_by.contains(&Breaker::Objection))
    {
        let remedy = "silence lasts an hour at least, and an `objection` breaks it";
        faults.add(
            steps!("rule", at, "silence"),
            "silence-unbroken",
            "nobody could object",
            remedy,
        );
    }
}

/// Findings, their renewal, suspended safeguards and the charter: decided by those who say so.
fn protected(at: usize, rule: &DecisionRule, faults: &mut Faults<'_>) {
    let Some(subject) = rule.subjects.iter().find(|one| Subject::PROTECTED.contains(one)) else {
        return;
    };
    let name = subject.name();
    if rule.silence.is_some() {
        let remedy = format!("take `silence` out, or `{name}` from the subjects");
        let found = format!("`{name}` by silence");
        faults.add(steps!("rule", at, "silence"), "protected-silence", found, remedy);
    }
    if rule.absence == Absence::Consent {
        let remedy = "absence = \"neutral\", or an object_window";
        let found = format!("`{name}` by the consent of who is absent");
        faults.add(steps!("rule", at, "absence"), "protected-absence", found, remedy);
    }
    if let Some(remedy) = alone(rule) {
        let found = format!("whoever proposes a `{name}` could adopt it alone");
        faults.add(steps!("rule", at, "adoption"), "protected-alone", found, remedy);
    }
}

/// Why a rule may be met by one elector, in an electorate of two or more: what would mend it.
fn alone(rule: &DecisionRule) -> Option<&'static str> {
    const QUORUM: &str = "add a quorum: two, or more than half";
    const FRACTION: &str = "more than half, of those present or of more";
    let enough = |reach| match reach {
        Reach::Count { n } => n >= floor::PROTECTED_ELECTORS_MIN,
        Reach::Fraction { num, den } => more_than_half(num, den),
    };
    let there = rule
        .quorum
        .as_ref()
        .is_some_and(|quorum| enough(quorum.reach) && quorum.reconvened.is_none_or(enough));
    match &rule.adoption {
        Adoption::Unanimity => None,
        Adoption::Consensus => (!there).then_some(QUORUM),
        Adoption::Count { n } => {
            (*n < floor::PROTECTED_ELECTORS_MIN).then_some("a count of two at least")
        }
        Adoption::Fraction { num, den, of } | Adoption::Double { num, den, of, .. } => match of {
            // The others abstain, and one of one is all.
            Base::PresentVoting => Some(FRACTION),
            _ if !more_than_half(*num, *den) => Some(FRACTION),
            Base::Present => (!there).then_some(QUORUM),
            Base::Eligible | Base::All => None,
        },
        Adoption::ReverseConsensus => Some("reverse consensus is for reviews and delistings"),
    }
}

fn more_than_half(num: u32, den: u32) -> bool {
    u64::from(num) * 2 > u64::from(den)
}

/// What a rule owes to those whom it is about.
fn rights(at: usize, rule: &DecisionRule, faults: &mut Faults<'_>) {
    if rule.is_among(&Subject::SANCTIONS) && !rule.electorate.minus.contains(&Minus::Concerned) {
        let remedy = "electorate = { minus = [\"concerned\"] }: nobody judges his own cause";
        let place = steps!("rule", at, "electorate");
        faults.add(place, "sanction-concerned", "a sanction with the vote of its target", remedy);
    }
    if rule.is_among(&[Subject::Finding, Subject::Renewal]) {
        if !rule.effect.own_inquiry {
            let remedy = "own_inquiry = true: a finding has no effect on a party that did not look";
            let place = steps!("rule", at, "effect", "own_inquiry");
            faults.add(place, "finding-inquiry", "effect without inquiry", remedy);
        }
        if !rule.secrecy.outcome_public {
            let remedy = "outcome_public = true: the position of the organ, with its reasons";
            let place = steps!("rule", at, "secrecy", "outcome_public");
            faults.add(place, "finding-secret", "a finding that is not public", remedy);
        }
    }
    if rule.is_among(&[Subject::Review]) && rule.adoption != Adoption::ReverseConsensus {
        let remedy = "adoption = \"reverse_consensus\": it ends unless all decide to keep it";
        let found = "a review that others may stop";
        faults.add(steps!("rule", at, "adoption"), "review-reverse-consensus", found, remedy);
    }
}

fn sunset(charter: &Charter, at: usize, rule: &DecisionRule, faults: &mut Faults<'_>) {
    let Some(sunset) = &rule.sunset else {
        return;
    };
    if sunset.days == 0 {
        let place = steps!("rule", at, "sunset", "days");
        faults.add(place, "sunset-zero", "0 days", "at least one day");
    }
    let Some(id) = &sunset.renewed_by else {
        return;
    };
    let place = steps!("rule", at, "sunset", "renewed_by");
    match charter.rules.iter().find(|other| other.id == *id) {
        None => faults.add(place, "rule-unknown", format!("`{id}`"), "name the id of a [[rule]]"),
        Some(other) if !not_harder(rule, other) => {
            let remedy = "renew by the same rule, or by one that is harder in every part";
            faults.add(place, "sunset-easier", format!("`{id}` may be easier"), remedy);
        }
        Some(_) => {}
    }
}

/// Where findings are made: somebody withdraws them, no harder than they are made, and renews them
/// no easier.
fn findings(charter: &Charter, faults: &mut Faults<'_>) {
    for (subject, missing) in
        [(Subject::Delisting, "delisting-missing"), (Subject::Review, "review-missing")]
    {
        if deciding(charter, subject).next().is_none() {
            let remedy = format!("let an organ decide `{}`, with a [[rule]]", subject.name());
            let found = format!("findings without `{}`", subject.name());
            faults.add(steps!("organ"), missing, found, remedy);
        }
    }
    for (_, listing, listed) in deciding(charter, Subject::Finding) {
        for (at, rule, seats) in deciding(charter, Subject::Delisting) {
            let free = rule.adoption == Adoption::ReverseConsensus;
            if !not_harder(rule, listing) || !(free || seats == listed) {
                let remedy = "the rule and the electorate of findings, or reverse_consensus";
                let found = format!("`{}` may be harder to meet than `{}`", rule.id, listing.id);
                faults.add(steps!("rule", at, "adoption"), "delisting-harder", found, remedy);
            }
        }
        for (at, rule, seats) in deciding(charter, Subject::Renewal) {
            if !not_harder(listing, rule) || seats != listed {
                let remedy = "the rule and the electorate of findings, or a stricter rule";
                let found = format!("`{}` may be easier to meet than `{}`", rule.id, listing.id);
                faults.add(steps!("rule", at, "adoption"), "renewal-easier", found, remedy);
            }
        }
    }
}

/// The rules by which organs decide a subject, and who decides by them.
fn deciding(
    charter: &Charter,
    subject: Subject,
) -> impl Iterator<Item = (usize, &DecisionRule, Seats)> {
    charter.organs.iter().filter(move |organ| organ.decides.contains(&subject)).filter_map(
        move |organ| {
            let mut rules = charter.rules.iter().enumerate();
            let (at, rule) = rules.find(|(_, rule)| rule.is_for(&organ.id, subject))?;
            let seats = match &rule.electorate.tiers {
                Some(tiers) => Seats { tiers: tiers.clone(), parties: Vec::new() },
                None => organ.seats.clone(),
            };
            Some((at, rule, seats))
        },
    )
}
