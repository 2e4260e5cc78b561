//! Quotas: what a collection may hold, what a user may send in a day. A submission is weighed
//! whole, before any of it is looked at: where there is no room, nothing of it is taken.
//!
//! What a collection holds is counted once, from the view and the log, at the start or when it gets
//! a quota; then the writer counts with each commit, so that deletion and expiry give space back.
//! What a user sent is in `local.db`, written once a second: **if the process stops here**, up to a
//! second of it is forgotten, in the user's favour.
//!
//! Without any quota nobody takes a lock here, and nothing is counted.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::collection::Collection;
use crate::node::{Node, NodeError};
use crate::password::Checked;

pub(crate) use rows::damaged;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Octets of the header line that an object gets in the log, at the most but for very long names.
/// What a collection holds is counted with it, so what comes is weighed with it, too.
const HEADER_OCTETS: u64 = 768;

/// Numbers of objects and of octets; as a limit, 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Object versions.
    pub objects: u64,
    /// Octets.
    pub octets: u64,
}

/// For collections with a quota: what comes, and what leaves.
pub(crate) type Moves = BTreeMap<u32, (Amount, Amount)>;

impl Amount {
    /// Of objects as they were sent.
    pub(crate) fn of(objects: &[&[u8]]) -> Amount {
        let octets = objects.iter().map(|object| object.len() as u64).sum();
        Amount { objects: objects.len() as u64, octets }
    }

    pub(crate) fn add(&mut self, other: Amount) {
        self.objects = self.objects.saturating_add(other.objects);
        self.octets = self.octets.saturating_add(other.octets);
    }

    fn take(&mut self, other: Amount) {
        self.objects = self.objects.saturating_sub(other.objects);
        self.octets = self.octets.saturating_sub(other.octets);
    }

    /// What sent objects take once they are stored.
    fn stored(self) -> Amount {
        let headers = self.objects.saturating_mul(HEADER_OCTETS);
        Amount { octets: self.octets.saturating_add(headers), ..self }
    }

    fn is_nothing(self) -> bool {
        self == Amount::default()
    }
}

/// A quota, and what is used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The quota.
    pub limit: Amount,
    /// What is used.
    pub used: Amount,
}

impl Node {
    /// Sets what a collection may hold, at once; an amount of nothing is no quota.
    pub fn collection_quota(
        &self,
        collection: &Collection,
        limit: Amount,
    ) -> Result<(), NodeError> {
        let number = collection.number;
        let _alone = self.quotas.setting.lock().unwrap_or_else(PoisonError::into_inner);
        if !limit.is_nothing() {
            self.writer.count(number)?;
        }
        Ok(self.quotas.set(&self.local, Of::Collection(number), limit)?)
    }

    /// Sets what a user may send in a day of UTC, at once; an amount of nothing is no quota. What
    /// he sent before he had one is not counted.
    pub fn user_quota(&self, account: &Account, limit: Amount) -> Result<(), NodeError> {
        Ok(self.quotas.set(&self.local, Of::User(account.id), limit)?)
    }

    /// The quota of a collection, where it has one.
    pub fn collection_use(&self, collection: &Collection) -> Option<Use> {
        self.quotas.of_collection(collection.number)
    }

    /// The quota of a user, where he has one.
    pub fn user_use(&self, account: &Account) -> Option<Use> {
        self.quotas.of_user(account.id, self.now())
    }

    /// Room for what is sent. It is asked before anything is judged, as the disk reserve is.
    pub(crate) fn require_quota(
        &self,
        by: &Checked,
        collection: &Collection,
        asked: Amount,
        now: i64,
    ) -> Result<Option<Pass>, Exceeded> {
        let pass = self.quotas.admit(by.account.id, collection.number, asked, now);
        pass.inspect_err(|_| self.metrics.quota.one())
    }

    /// Counts what collections with a quota hold, before anything is taken.
    pub(crate) fn count_held(&self) -> Result<(), NodeError> {
        let limited = self.quotas.limited();
        limited.into_iter().try_for_each(|collection| self.writer.count(collection))
    }
}

/// What a quota is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Collection(u32),
    User(i64),
}

/// A submission that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{whose}: found {used} {unit} and {asked} more; required: at most {limit}; {remedy}")]
pub struct Exceeded {
    whose: &'static str,
    /// `objects` or `octets`.
    unit: &'static str,
    limit: u64,
    used: u64,
    asked: u64,
    remedy: &'static str,
    /// Seconds until there is room again, where that is a matter of time.
    pub retry_after: Option<u64>,
}

/// Quotas and what is used of them.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    /// Whether there is any. Without, nobody asks for the lock.
    any: AtomicBool,
    state: Mutex<State>,
    /// One quota of a collection is set at a time: what it holds is counted before.
    setting: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    limits: BTreeMap<Of, Amount>,
    /// What collections with a quota hold. The writer's: it alone adds and takes.
    held: BTreeMap<u32, Amount>,
    /// What is on its way into them.
    coming: BTreeMap<u32, Amount>,
    /// The day, and what users with a quota sent on it.
    sent: BTreeMap<i64, (i64, Amount)>,
    /// Accounts whose row in `local.db` is behind.
    unwritten: BTreeSet<i64>,
    /// Whether it was told that they cannot be written.
    told: bool,
}

impl Quotas {
    /// Makes room for what is sent, or says why there is none. Room in a collection is kept until
    /// the pass ends: with the commit, which counts what was stored, or without one.
    fn admit(
        self: &Arc<Quotas>,
        account: i64,
        collection: u32,
        asked: Amount,
        now: i64,
    ) -> Result<Option<Pass>, Exceeded> {
        if !self.is_any() {
            return Ok(None);
        }
        let mut state = self.lock();
        let user = state.limits.get(&Of::User(account)).copied();
        let room = state.limits.get(&Of::Collection(collection)).copied();
        let day = now.div_euclid(DAY_MICROS);
        let mut sent = state.sent_on(account, day);
        if let Some(limit) = user {
            fits_in_day(limit, sent, asked, now)?;
        }
        if let Some(limit) = room {
            fits_in_collection(limit, state.taken(collection), asked.stored())?;
            state.coming.entry(collection).or_default().add(asked.stored());
        }
        if user.is_some() {
            sent.add(asked);
            state.sent.insert(account, (day, sent));
            state.unwritten.insert(account);
        }
        let quotas = self.clone();
        Ok(room.map(|_| Pass { quotas, collection, asked: asked.stored() }))
    }

    /// What a commit can move: nothing yet, of each collection that is counted.
    pub(crate) fn moves(&self) -> Moves {
        if !self.is_any() {
            return Moves::new();
        }
        self.lock().held.keys().map(|collection| (*collection, Default::default())).collect()
    }

    /// Counts what a commit moved, and ends the passes of its submissions in the same moment:
    /// nothing counts twice, and nothing not at all.
    pub(crate) fn committed(&self, moves: &Moves, passes: Vec<Pass>) {
        if moves.is_empty() && passes.is_empty() {
            return;
        }
        let mut state = self.lock();
        for (collection, (came, left)) in moves {
            if let Some(held) = state.held.get_mut(collection) {
                held.add(*came);
                held.take(*left);
            }
        }
        passes.into_iter().for_each(|mut pass| pass.end(&mut state));
    }

    /// Whether what a collection holds is known.
    pub(crate) fn is_counted(&self, collection: u32) -> bool {
        self.is_any() && self.lock().held.contains_key(&collection)
    }

    /// Sets what a collection holds; from now on commits are counted.
    pub(crate) fn counted(&self, collection: u32, held: Amount) {
        let mut state = self.lock();
        state.held.insert(collection, held);
        self.any.store(state.is_any(), Ordering::Release);
    }

    fn limited(&self) -> Vec<u32> {
        let state = self.lock();
        let collections = state.limits.keys().filter_map(|of| match of {
            Of::Collection(number) => Some(*number),
            Of::User(_) => None,
        });
        collections.collect()
    }

    fn of_collection(&self, number: u32) -> Option<Use> {
        let state = self.lock();
        let limit = *state.limits.get(&Of::Collection(number))?;
        Some(Use { limit, used: state.held.get(&number).copied().unwrap_or_default() })
    }

    fn of_user(&self, account: i64, now: i64) -> Option<Use> {
        let state = self.lock();
        let limit = *state.limits.get(&Of::User(account))?;
        Some(Use { limit, used: state.sent_on(account, now.div_euclid(DAY_MICROS)) })
    }

    fn is_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_any(&self) -> bool {
        !self.limits.is_empty() || !self.held.is_empty()
    }

    fn sent_on(&self, account: i64, day: i64) -> Amount {
        let sent = self.sent.get(&account).filter(|(on, _)| *on == day);
        sent.map(|(_, sent)| *sent).unwrap_or_default()
    }

    /// What is in a collection and what is on its way.
    fn taken(&self, collection: u32) -> Amount {
        let mut taken = self.held.get(&collection).copied().unwrap_or_default();
        taken.add(self.coming.get(&collection).copied().unwrap_or_default());
        taken
    }
}

/// Room for objects that are on their way into a collection.
#[derive(Debug)]
pub(crate) struct Pass {
    quotas: Arc<Quotas>,
    collection: u32,
    asked: Amount,
}

impl Pass {
    /// One pass for what two were for, in the same collection.
    pub(crate) fn join(&mut self, mut other: Pass) {
        self.asked.add(std::mem::take(&mut other.asked));
    }

    fn end(&mut self, state: &mut State) {
        if let Some(coming) = state.coming.get_mut(&self.collection) {
            coming.take(std::mem::take(&mut self.asked));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // One that has ended may be dropped while the lock is held.
        if !self.asked.is_nothing() {
            let quotas = self.quotas.clone();
            self.end(&mut quotas.lock());
        }
    }
}

fn fits_in_day(limit: Amount, sent: Amount, asked: Amount, now: i64) -> Result<(), Exceeded> {
    let left = DAY_MICROS - now.rem_euclid(DAY_MICROS);
    let seconds = left.unsigned_abs().div_ceil(1_000_000);
    fits(limit, sent, asked).map_err(|exceeded| Exceeded {
        whose: "the quota of this user for a day of UTC",
        remedy: if exceeded.asked > exceeded.limit {
            "send fewer at once, or ask the operator for more: comity user limit"
        } else {
            "send it again tomorrow, or ask the operator for more: comity user limit"
        },
        retry_after: Some(seconds),
        ..exceeded
    })
}

fn fits_in_collection(limit: Amount, taken: Amount, asked: Amount) -> Result<(), Exceeded> {
    fits(limit, taken, asked).map_err(|exceeded| Exceeded {
        whose: "the quota of this collection",
        remedy: "delete objects, or ask the operator for more: comity collection limit",
        ..exceeded
    })
}

fn fits(limit: Amount, used: Amount, asked: Amount) -> Result<(), Exceeded> {
    let units = [
        ("objects", limit.objects, used.objects, asked.objects),
        ("octets", limit.octets, used.octets, asked.octets),
    ];
    for (unit, limit, used, asked) in units {
        if limit > 0 && used.saturating_add(asked) > limit {
            let (whose, remedy, retry_after) = ("", "", None);
            return Err(Exceeded { whose, unit, limit, used, asked, remedy, retry_after });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = DAY_MICROS / 2;

    fn quotas(of: Of, objects: u64, octets: u64) -> Arc<Quotas> {
        let quotas = Quotas::default();
        quotas.lock().limits.insert(of, Amount { objects, octets });
        quotas.any.store(true, Ordering::Release);
        Arc::new(quotas)
    }

    const fn some(objects: u64) -> Amount {
        Amount { objects, octets: objects * 10 }
    }

    fn moved(came: u64, left: u64) -> Moves {
        Moves::from([(1, (some(came), some(left)))])
    }

    #[test]
    fn what_is_on_its_way_counts_until_it_is_stored() {
        let quotas = quotas(Of::Collection(1), 3, 0);
        quotas.counted(1, Amount::default());
        let pass = quotas.admit(7, 1, some(2), NOON).unwrap();
        let told = quotas.admit(7, 1, some(2), NOON).unwrap_err().to_string();
        let found = "the quota of this collection: found 2 objects and 2 more; required: at most 3";
        assert!(told.starts_with(found), "{told}");
        // One of the two was stored, the other was known or refused.
        quotas.committed(&moved(1, 0), pass.into_iter().collect());
        drop(quotas.admit(7, 1, some(2), NOON).unwrap());
        assert!(quotas.admit(7, 2, some(9), NOON).unwrap().is_none(), "another has no quota");
        drop(quotas.admit(7, 1, some(2), NOON).unwrap());
        assert!(quotas.admit(7, 1, some(3), NOON).is_err());
        quotas.committed(&moved(0, 1), Vec::new());
        assert!(quotas.admit(7, 1, some(3), NOON).is_ok(), "what left gives space back");
    }

    #[test]
    fn passes_of_one_group_are_one() {
        let quotas = quotas(Of::Collection(1), 3, 0);
        let mut pass = quotas.admit(7, 1, some(1), NOON).unwrap().unwrap();
        pass.join(quotas.admit(7, 1, some(2), NOON).unwrap().unwrap());
        assert!(quotas.admit(7, 1, some(1), NOON).is_err());
        drop(pass);
        assert!(quotas.admit(7, 1, some(3), NOON).is_ok());
    }

    #[test]
    fn a_user_has_a_quota_for_each_day() {
        let quotas = quotas(Of::User(7), 0, 25);
        assert!(quotas.admit(7, 1, some(2), NOON).is_ok());
        let exceeded = quotas.admit(7, 1, some(1), NOON + 1).unwrap_err();
        assert_eq!(exceeded.retry_after, Some(43_200), "never before the day ends");
        assert!(quotas.admit(8, 1, some(9), NOON).is_ok(), "another user");
        assert!(quotas.admit(7, 1, some(2), NOON + DAY_MICROS).is_ok(), "another day");
    }

    #[test]
    fn what_is_refused_for_the_collection_is_not_counted_for_the_user() {
        let quotas = quotas(Of::User(7), 2, 0);
        quotas.lock().limits.insert(Of::Collection(1), Amount { objects: 1, octets: 0 });
        assert_eq!(quotas.admit(7, 1, some(2), NOON).unwrap_err().retry_after, None);
        assert!(quotas.admit(7, 2, some(2), NOON).is_ok());
    }
}
