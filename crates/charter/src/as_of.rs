//! What the body was at a date.

use crate::date::Date;
use crate::model::{
    Charter, Guest, Instrument, Location, Office, Organ, OrganState, Party, Predecessor, Status,
    Tier,
};

/// The body at the end of a day, a month or a year.
#[derive(Debug, Clone)]
pub struct AsOf<'c> {
    /// The date.
    pub date: Date,
    /// The predecessors that were there.
    pub predecessors: Vec<&'c Predecessor>,
    /// Every tier, with who was in it.
    pub tiers: Vec<TierAsOf<'c>>,
    /// Who was a guest within the day, the month or the year.
    pub guests: Vec<&'c Guest>,
    /// The organs that worked, with who sat in them.
    pub organs: Vec<OrganAsOf<'c>>,
    /// The offices, with where they were.
    pub offices: Vec<(&'c Office, Vec<&'c Location>)>,
    /// The instruments that were there, in force or not.
    pub instruments: Vec<InstrumentAsOf<'c>>,
}

/// A tier at a date.
#[derive(Debug, Clone)]
pub struct TierAsOf<'c> {
    /// The tier.
    pub tier: &'c Tier,
    /// Whether it was open.
    pub state: TierState,
    /// Who was in it, in the order of the charter.
    pub seats: Vec<(&'c Party, SeatState)>,
}

/// Whether a tier was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierState {
    /// Not yet.
    Ahead,
    /// Yes.
    Open,
    /// Not any more.
    Closed,
}

/// How a party was in a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// It was decided, and had not begun: sources count from one or from the other.
    Decided,
    /// It had a standing.
    Standing(Status),
}

/// An organ at a date.
#[derive(Debug, Clone)]
pub struct OrganAsOf<'c> {
    /// The organ.
    pub organ: &'c Organ,
    /// Who sat in it.
    pub seats: Vec<&'c Party>,
    /// Who was in the chair.
    pub chair: Option<&'c str>,
}

/// An instrument at a date.
#[derive(Debug, Clone, Copy)]
pub struct InstrumentAsOf<'c> {
    /// The instrument.
    pub instrument: &'c Instrument,
    /// Whether it was in force; none where the charter does not say when that was.
    pub in_force: Option<bool>,
    /// Whether what it set up worked.
    pub operational: bool,
}

impl TierAsOf<'_> {
    /// Those whom a source of that day may count: with a standing, whatever has become of it, or
    /// decided.
    pub fn counted(&self) -> usize {
        self.seats.len()
    }

    /// The ids of those who took part.
    pub fn active(&self) -> impl Iterator<Item = &str> {
        let active =
            |(_, state): &&(&Party, SeatState)| *state == SeatState::Standing(Status::Active);
        self.seats.iter().filter(active).map(|(party, _)| party.id.as_str())
    }
}

impl Charter {
    /// What the body was at the end of a day, a month or a year.
    pub fn as_of(&self, date: Date) -> AsOf<'_> {
        let at = date.end();
        let ran = |from: &Option<Date>, until: &Option<Date>| {
            from.is_none_or(|from| from.begun() <= at)
                && until.is_none_or(|until| at < until.start())
        };
        let within = |on: &Date| date.start() <= on.start() && on.end() <= at;
        let organs = self
            .organs
            .iter()
            .filter(|organ| organ.state == OrganState::Active && ran(&organ.from, &organ.until));
        AsOf {
            date,
            predecessors: self.predecessors.iter().filter(|it| ran(&it.from, &it.until)).collect(),
            tiers: self.tiers.iter().map(|tier| self.tier_as_of(tier, at)).collect(),
            guests: self.guests.iter().filter(|guest| within(&guest.on)).collect(),
            organs: organs.map(|organ| self.organ_as_of(organ, at)).collect(),
            offices: self
                .offices
                .iter()
                .map(|office| {
                    let there = |place: &&Location| ran(&place.from, &place.until);
                    (office, office.locations.iter().filter(there).collect())
                })
                .collect(),
            instruments: self
                .instruments
                .iter()
                .filter_map(|instrument| instrument_as_of(instrument, at))
                .collect(),
        }
    }

    fn tier_as_of<'c>(&'c self, tier: &'c Tier, at: i64) -> TierAsOf<'c> {
        let state = if tier.is_open(at) {
            TierState::Open
        } else if tier.from.is_some_and(|from| at < from.begun()) {
            TierState::Ahead
        } else {
            TierState::Closed
        };
        let seat = |party: &'c Party| {
            let state = match self.tier_and_status(party, at) {
                Some((_, Status::Withdrawn)) => return None,
                Some((now, status)) if now.id == tier.id => SeatState::Standing(status),
                _ if self.is_decided(party, tier, at) => SeatState::Decided,
                _ => return None,
            };
            Some((party, state))
        };
        TierAsOf { tier, state, seats: self.parties.iter().filter_map(seat).collect() }
    }

    fn is_decided(&self, party: &Party, tier: &Tier, at: i64) -> bool {
        party.standings.iter().any(|term| {
            term.tier == tier.id
                && term.decided.is_some_and(|decided| decided.begun() <= at)
                && at < term.start()
        })
    }

    fn organ_as_of<'c>(&'c self, organ: &'c Organ, at: i64) -> OrganAsOf<'c> {
        let sits = |party: &&Party| self.sits_in(&party.id, organ, at);
        let terms = organ.chair.iter().flat_map(|chair| &chair.terms);
        let chair = terms
            .filter(|term| term.from.begun() <= at && term.until.is_none_or(|end| at < end.start()))
            .map(|term| term.party.as_str())
            .next();
        OrganAsOf { organ, seats: self.parties.iter().filter(sits).collect(), chair }
    }
}

/// An instrument as it was, if it was there at all and had not ended.
fn instrument_as_of(instrument: &Instrument, at: i64) -> Option<InstrumentAsOf<'_>> {
    let begun = |date: Option<Date>| date.is_some_and(|date| date.begun() <= at);
    let dates = [instrument.adopted, instrument.signed, instrument.approved, instrument.in_force];
    let there = dates.into_iter().any(begun) || begun(instrument.operational);
    let ended = instrument.until.is_some_and(|until| until.start() <= at);
    (there && !ended).then(|| InstrumentAsOf {
        instrument,
        in_force: instrument.in_force.map(|date| date.begun() <= at),
        operational: begun(instrument.operational),
    })
}
