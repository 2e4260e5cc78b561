//! Tiers, their mergers, and the ceilings that name them.

use super::{Faults, names};
use crate::locate::steps;
use crate::model::{Charter, Right, Tier};

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    let ids = charter.tiers.iter().map(|tier| tier.id.as_str());
    names("tier", ids, ("tier-id", "tier-twice"), faults);
    for (at, tier) in charter.tiers.iter().enumerate() {
        super::party::span(&tier.from, &tier.until, steps!("tier", at, "until"), faults);
        if !tier.standing && tier.rights.iter().any(|right| *right != Right::Attend) {
            let remedy = "who has no standing may `attend`, and nothing else";
            faults.add(steps!("tier", at, "rights"), "tier-guest", "rights of guests", remedy);
        }
        if let Some(into) = &tier.merged_into
            && let Some((found, remedy)) = inconsistent(charter, tier, into)
        {
            faults.add(steps!("tier", at, "merged_into"), "tier-merge", found, remedy);
        }
    }
    for (at, ceiling) in charter.handling.ceilings.iter().enumerate() {
        for (of, tier) in ceiling.tiers.iter().enumerate() {
            let place = steps!("handling", "ceiling", at, "tiers", of);
            super::party::known_tier(charter, tier, place, faults);
        }
    }
    for (at, tier) in charter.handling.assessed.iter().enumerate() {
        super::party::known_tier(charter, tier, steps!("handling", "assessed", at), faults);
    }
    if !charter.tiers.iter().any(|tier| tier.standing && tier.rights.contains(&Right::Decide)) {
        let remedy = "give one tier the right `decide`: nobody could change the charter";
        faults.add(steps!("tier", 0, "rights"), "tier-decide", "no tier decides", remedy);
    }
}

/// Why a merger can not be followed, and what to do about it.
fn inconsistent(charter: &Charter, tier: &Tier, into: &str) -> Option<(String, String)> {
    let Some(target) = charter.tier(into) else {
        return Some((format!("`{into}` is no tier"), "name the id of a [[tier]]".to_owned()));
    };
    if target.standing != tier.standing {
        let remedy = "merge tiers of parties with tiers of parties".to_owned();
        return Some((format!("`{into}` is for guests, or this is"), remedy));
    }
    let Some(until) = tier.until else {
        let remedy = "say with `until` when it closed".to_owned();
        return Some((format!("merged into `{into}`, and open"), remedy));
    };
    if circular(charter, tier) {
        let remedy = "a merger leads to a tier that is not merged".to_owned();
        return Some((format!("`{}` leads back to itself", tier.id), remedy));
    }
    if target.from.is_some_and(|from| from.begun() > until.start())
        || target.until.is_some_and(|end| end.start() < until.start())
    {
        let remedy = format!("`{into}` has to be open on the day of the merger");
        return Some((format!("`{into}` is not open on {until}"), remedy));
    }
    None
}

fn circular(charter: &Charter, tier: &Tier) -> bool {
    let mut here = tier;
    for _ in &charter.tiers {
        match here.merged_into.as_deref().and_then(|into| charter.tier(into)) {
            Some(next) => here = next,
            None => return false,
        }
    }
    true
}
