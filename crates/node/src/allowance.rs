//! What a peer may add in a day, by the quota of the charter, and what it added. It is counted on
//! disk, before what is counted is taken: a peer gains nothing by a restart of this node, whenever
//! that comes. Days on which it added nothing count for the next on which it does: a node that was
//! away for a month has a month of its peers to take, and a peer adds no more than a quota a day
//! all the same.

use comity_charter::Quotas;
use rusqlite::{OptionalExtension, params_from_iter};

use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::peer::Peer;
use crate::submit::DAY_MICROS;

/// Days of a quota that may come in one: those that a log may have grown by before it is followed
/// for the first time, or while nothing came of it. Beyond, it comes in several.
const DAYS_MAX: u64 = 366;

/// What a peer added in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Taken {
    /// Days since 1970.
    day: i64,
    /// The quota of so many days is for this one.
    days: u64,
    leaves: u64,
    octets: u64,
}

impl Node {
    /// Leaves that the quota leaves a peer for today; nothing where there is no quota.
    pub fn leaves_left(&self, peer: &Peer, now: i64) -> Result<Option<u64>, NodeError> {
        let Some(quotas) = self.charter().quotas else { return Ok(None) };
        let taken = taken(&self.local, peer, now)?;
        Ok(Some(taken.most(quotas.leaves_per_day).saturating_sub(taken.leaves)))
    }

    /// Counts leaves that a peer is about to add.
    pub fn charge_leaves(&self, peer: &Peer, leaves: u64, now: i64) -> Result<(), NodeError> {
        self.charge(peer, now, |_, taken| {
            taken.leaves = taken.leaves.saturating_add(leaves);
            Ok(())
        })
    }

    /// Counts octets of envelopes that a peer is about to add, where that many are left.
    ///
    /// # Errors
    /// They are more than its quota.
    pub fn charge_octets(&self, peer: &Peer, octets: u64, now: i64) -> Result<(), NodeError> {
        self.charge(peer, now, |quotas, taken| {
            let most = taken.most(quotas.octets_per_day);
            taken.octets = taken.octets.saturating_add(octets);
            if taken.octets <= most {
                return Ok(());
            }
            let what = format!("more than {most} octets of bodies today: its quota");
            Err(NodeError::Local(LocalError::Refused(what)))
        })
    }

    fn charge(
        &self,
        peer: &Peer,
        now: i64,
        count: impl FnOnce(Quotas, &mut Taken) -> Result<(), NodeError>,
    ) -> Result<(), NodeError> {
        let Some(quotas) = self.charter().quotas else { return Ok(()) };
        let mut taken = taken(&self.local, peer, now)?;
        count(quotas, &mut taken)?;
        Ok(write(&self.local, &peer.party, taken)?)
    }
}

impl Taken {
    fn most(&self, a_day: u64) -> u64 {
        a_day.saturating_mul(self.days)
    }

    /// The next day on which something is added, after this one.
    fn next(&self, day: i64) -> Taken {
        let days = day.saturating_sub(self.day).unsigned_abs().min(DAYS_MAX);
        Taken { day, days, ..Taken::default() }
    }
}

fn is_first(peer: &Peer, now: i64) -> bool {
    now.saturating_sub(peer.added) < DAY_MICROS
}

fn taken(local: &Local, peer: &Peer, now: i64) -> Result<Taken, LocalError> {
    // The first day is one, although it ends in the next of UTC.
    let first = peer.added.div_euclid(DAY_MICROS);
    let day = if is_first(peer, now) { first } else { now.div_euclid(DAY_MICROS) };
    let row = local
        .lock()
        .prepare_cached("SELECT day, days, leaves, octets FROM taken WHERE party = ?1")?
        .query_row([&peer.party], |row| {
            let number = |at| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(at)?.unsigned_abs());
            let (days, leaves, octets) = (number(1)?, number(2)?, number(3)?);
            Ok(Taken { day: row.get(0)?, days, leaves, octets })
        })
        .optional()?;
    // What was there before it was followed may come within its first day.
    let last = row.unwrap_or(Taken { day: first, days: DAYS_MAX, ..Taken::default() });
    // A clock that was set back begins no new day.
    Ok(if last.day >= day { last } else { last.next(day) })
}

fn write(local: &Local, party: &str, taken: Taken) -> Result<(), LocalError> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let values = with_sum([
        party.to_owned().into(),
        taken.day.into(),
        number(taken.days).into(),
        number(taken.leaves).into(),
        number(taken.octets).into(),
    ]);
    let sql = "INSERT OR REPLACE INTO taken VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    local.lock().execute(sql, params_from_iter(values))?;
    Ok(())
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "taken", "party", "party, day, days, leaves, octets")
}
