//! What a peer may add, by the quota of the charter: a balance of leaves and one of octets. Each
//! day of UTC adds the quota of a day, what the peer adds is taken off, and what it leaves is there
//! on the days after: a node that was away for a month has a month of its peers to take, in one day
//! or in several, and a peer adds no more than a quota a day all the same.
//!
//! It is counted on disk, before what is counted is taken: a peer gains nothing by a restart of
//! this node, whenever that comes.

use comity_charter::Quotas;
use rusqlite::{OptionalExtension, params_from_iter};

use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::peer::Peer;
use crate::submit::DAY_MICROS;

/// Days whose quota a balance holds at most, and holds when a peer is met first: a log has a
/// history then. A longer one comes in over several days.
const DAYS_MAX: i64 = 366;

/// What is left to a peer at the end of what was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    /// The last day whose quota is in it, in days since 1970.
    day: i64,
    leaves: i64,
    /// Below zero where a page was larger than what was left.
    octets: i64,
}

impl Node {
    /// Leaves that the quota leaves a peer; nothing where there is no quota.
    pub fn leaves_left(&self, peer: &Peer, now: i64) -> Result<Option<u64>, NodeError> {
        let Some(quotas) = self.charter().quotas else { return Ok(None) };
        let left = left(&self.local, peer, quotas, now)?;
        Ok(Some(u64::try_from(left.leaves).unwrap_or(0)))
    }

    /// Counts leaves that a peer is about to add.
    pub fn charge_leaves(&self, peer: &Peer, leaves: u64, now: i64) -> Result<(), NodeError> {
        let Some(quotas) = self.charter().quotas.filter(|_| leaves > 0) else { return Ok(()) };
        let mut left = left(&self.local, peer, quotas, now)?;
        left.leaves = left.leaves.saturating_sub_unsigned(leaves);
        Ok(write(&self.local, &peer.party, left)?)
    }

    /// Counts octets of envelopes that a peer is about to add, and gives whether it may. Pages are
    /// taken whole, so the last one may be more than what is left: the days after pay for it.
    pub fn charge_octets(&self, peer: &Peer, octets: u64, now: i64) -> Result<bool, NodeError> {
        let Some(quotas) = self.charter().quotas.filter(|_| octets > 0) else { return Ok(true) };
        let mut left = left(&self.local, peer, quotas, now)?;
        if left.octets <= 0 {
            return Ok(false);
        }
        left.octets = left.octets.saturating_sub_unsigned(octets);
        write(&self.local, &peer.party, left)?;
        Ok(true)
    }
}

impl Left {
    /// With the quotas of the days up to `day`.
    fn on(self, day: i64, quotas: Quotas) -> Left {
        let days = day.saturating_sub(self.day).max(0);
        let with = |left: i64, a_day: u64| {
            let a_day = i64::try_from(a_day).unwrap_or(i64::MAX);
            let more = left.saturating_add(a_day.saturating_mul(days));
            more.min(a_day.saturating_mul(DAYS_MAX))
        };
        let (leaves, octets) = (quotas.leaves_per_day, quotas.octets_per_day);
        Left { day, leaves: with(self.leaves, leaves), octets: with(self.octets, octets) }
    }
}

fn left(local: &Local, peer: &Peer, quotas: Quotas, now: i64) -> Result<Left, LocalError> {
    let day = now.div_euclid(DAY_MICROS);
    let row = local
        .lock()
        .prepare_cached("SELECT day, leaves, octets FROM allowance WHERE party = ?1")?
        .query_row([&peer.party], |row| {
            Ok(Left { day: row.get(0)?, leaves: row.get(1)?, octets: row.get(2)? })
        })
        .optional()?;
    let Some(counted) = row else {
        return Ok(Left { day, leaves: i64::MAX, octets: i64::MAX }.on(day, quotas));
    };
    let left = counted.on(day, quotas);
    if counted.day > day {
        // A clock that was set back adds nothing. The days from here on do, or a peer would wait
        // for all of those that were skipped.
        write(local, &peer.party, left)?;
    }
    Ok(left)
}

fn write(local: &Local, party: &str, left: Left) -> Result<(), LocalError> {
    let values = with_sum([
        party.to_owned().into(),
        left.day.into(),
        left.leaves.into(),
        left.octets.into(),
    ]);
    let sql = "INSERT OR REPLACE INTO allowance VALUES (?1, ?2, ?3, ?4, ?5)";
    local.lock().execute(sql, params_from_iter(values))?;
    Ok(())
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "allowance", "party", "party, day, leaves, octets")
}
