//! How long records are kept: who read what, what was refused, what became of a submission. The
//! charter says it; what is older is erased.
//!
//! The leaves stay, here as everywhere: a log says for ever that something was read, and after the
//! period no more by whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use comity_charter::Charter;
use serde::Serialize;

use crate::local::Local;
use crate::node::{Node, NodeError};
use crate::{refusals, status};

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// The periods, as `comity doctor` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Periods {
    /// Days that an entry lives at most when nothing else says so.
    pub entries_days: u32,
    /// Days that records of accesses are kept.
    pub accesses_days: u32,
    /// Days that the ledger of refusals goes back; it has a number of lines at most, besides.
    pub refusals_days: u32,
    /// Hours that the status of a submission is kept.
    pub statuses_hours: i64,
}

impl Node {
    /// How long things are kept.
    pub fn retention(&self) -> Periods {
        Periods {
            entries_days: self.charter().retention_days,
            accesses_days: self.charter().audit_days,
            refusals_days: self.charter().audit_days,
            statuses_hours: status::KEPT_MICROS / (3_600 * 1_000_000),
        }
    }
}

/// What the writer needs to let records go.
#[derive(Debug)]
pub(crate) struct Retention {
    audit_days: u32,
    local: Arc<Local>,
    /// Below this index of the audit log everything was erased. It is found again by a start.
    erased_to: AtomicU64,
}

impl Retention {
    pub(crate) fn new(charter: &Charter, local: Arc<Local>) -> Retention {
        Retention { audit_days: charter.audit_days, local, erased_to: AtomicU64::new(0) }
    }

    /// The moment before which records go. Days are whole: what becomes due is erased once a day,
    /// with one entry that says so, and not every minute with one each.
    pub(crate) fn cut(&self, now: i64) -> i64 {
        let today = now.div_euclid(DAY_MICROS) * DAY_MICROS;
        today.saturating_sub(i64::from(self.audit_days) * DAY_MICROS)
    }

    pub(crate) fn erased_to(&self) -> u64 {
        self.erased_to.load(Ordering::Relaxed)
    }

    pub(crate) fn set_erased_to(&self, index: u64) {
        self.erased_to.store(index, Ordering::Relaxed);
    }

    /// Lets go of what is in local state and not in a log.
    pub(crate) fn sweep_local(&self, now: i64) -> Result<(), NodeError> {
        status::sweep(&self.local, now)?;
        refusals::sweep(&self.local, self.cut(now))?;
        Ok(())
    }
}
