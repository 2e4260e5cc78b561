//! What a party is to the body at a time, and what it may do then.

use crate::model::{Charter, Organ, OrganState, Party, Right, Standing, Status, Term, Tier};

impl Charter {
    /// What a party is to the body at a time, in microseconds since 1970.
    ///
    /// It is in a tier only while a standing runs, is active, and leads to a tier that is open:
    /// that of the standing, or the one that this was merged into. Else it is out.
    pub fn standing(&self, party: &str, at: i64) -> Standing<'_> {
        let party = self.party(party);
        match party.and_then(|party| self.tier_and_status(party, at)) {
            Some((tier, Status::Active)) => Standing::In(&tier.id),
            Some(_) | None => Standing::Out,
        }
    }

    /// Whether a party holds a right at a time.
    pub fn has_right(&self, party: &str, right: Right, at: i64) -> bool {
        match self.standing(party, at) {
            Standing::In(tier) => self.tier(tier).is_some_and(|it| it.rights.contains(&right)),
            Standing::Out => false,
        }
    }

    /// Whether a party is in a tier to which nothing is released without an assessment on record.
    pub fn is_assessed(&self, party: &str, at: i64) -> bool {
        match self.standing(party, at) {
            Standing::In(tier) => {
                self.handling.assessed.iter().any(|one| self.is_now(one, tier, at))
            }
            Standing::Out => false,
        }
    }

    /// The parties that hold a right at a time, in the order of the charter.
    pub fn holders(&self, right: Right, at: i64) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |party| self.has_right(&party.id, right, at))
    }

    /// Who controls a party: its control group, or the party itself.
    pub fn control<'c>(&'c self, party: &'c str) -> &'c str {
        self.party(party).and_then(|party| party.control.as_deref()).unwrap_or(party)
    }

    /// Whether a party has a seat in an organ at a time.
    pub fn sits_in(&self, party: &str, organ: &Organ, at: i64) -> bool {
        let works = organ.state == OrganState::Active
            && organ.from.is_none_or(|from| from.begun() <= at)
            && organ.until.is_none_or(|until| at < until.start());
        match self.standing(party, at) {
            Standing::In(tier) if works => {
                let seats = &organ.seats;
                seats.parties.iter().any(|one| one == party)
                    || seats.tiers.iter().any(|one| self.is_now(one, tier, at))
            }
            Standing::In(_) | Standing::Out => false,
        }
    }

    /// The tier that a party is in at a time, and what has become of that standing.
    pub(crate) fn tier_and_status(&self, party: &Party, at: i64) -> Option<(&Tier, Status)> {
        if let Some(tier) = &party.tier {
            return self.open_tier(tier, at).map(|tier| (tier, Status::Active));
        }
        let term = party.standings.iter().find(|term: &&Term| term.runs(at))?;
        self.open_tier(&term.tier, at).map(|tier| (tier, term.status))
    }

    /// Whether a tier, or the one that it has been merged into, is this open one.
    pub(crate) fn is_now(&self, id: &str, open: &str, at: i64) -> bool {
        id == open || self.open_tier(id, at).is_some_and(|tier| tier.id == open)
    }

    /// The tier of an identifier, or where it has closed the one that it was merged into.
    pub(crate) fn open_tier(&self, id: &str, at: i64) -> Option<&Tier> {
        let mut tier = self.tier(id)?;
        // As many steps as there are tiers: a circle of mergers does not load, and would end here.
        for _ in &self.tiers {
            match (&tier.merged_into, tier.until) {
                (Some(into), Some(until)) if until.start() <= at => tier = self.tier(into)?,
                _ => break,
            }
        }
        tier.is_open(at).then_some(tier)
    }
}
