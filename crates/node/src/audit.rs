//! Who read what: records of access, gathered for a moment and written to the audit log. One
//! record stands for all equal accesses of one second.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::node::NodeError;

/// How long a record may wait for others.
const GATHER: Duration = Duration::from_millis(80);

/// Records that may wait. When the log cannot be written, reads stop here, since nothing is read
/// without a record.
const WAITING_MAX: usize = 200_000;

/// Records in one entry: some 300 kB.
pub(crate) const RECORDS_PER_ENTRY: usize = 1500;

/// An access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Access {
    /// Microseconds since 1970; in the log, the second.
    pub at: i64,
    /// The account's pseudonym.
    pub caller: String,
    /// Its role.
    pub role: String,
    /// What was done.
    pub action: &'static str,
    /// In which collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The digest of the question.
    pub question: String,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// `date_added` of the first record that was answered, in microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<i64>,
    /// The same of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// How many records were answered.
    pub count: u64,
}

/// A record, as the entry's payload has it.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    access: Access,
    times: u64,
}

/// Records on their way to the log.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Access, u64>,
    stopping: bool,
}

impl Waiting {
    /// Adds an access to those that wait.
    pub(crate) fn add(&self, mut access: Access) -> Result<(), NodeError> {
        access.at = access.at.div_euclid(1_000_000);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.records.len() >= WAITING_MAX {
            return Err(NodeError::AuditBehind);
        }
        let first = state.records.is_empty();
        *state.records.entry(access).or_default() += 1;
        if first {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits until there are records, and a moment for more; nothing once it stops.
    pub(crate) fn take(&self) -> Option<Vec<Record>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.records.is_empty() && !state.stopping {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.stopping {
            drop(state);
            std::thread::sleep(GATHER);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let records = std::mem::take(&mut state.records);
        if records.is_empty() && state.stopping {
            return None;
        }
        Some(records.into_iter().map(|(access, times)| Record { access, times }).collect())
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).records.len()
    }

    /// Puts records back that could not be written. Returns how many are lost because there is
    /// no later: the node is stopping.
    pub(crate) fn put_back(&self, records: Vec<Record>) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopping {
            return records.len();
        }
        for record in records {
            *state.records.entry(record.access).or_default() += record.times;
        }
        0
    }

    /// Lets [`Waiting::take`] give out what is left, and then end.
    pub(crate) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopping = true;
        self.changed.notify_all();
    }
}

/// The record of one access on its own, where it has to be durable before the answer.
pub(crate) fn single(mut access: Access) -> Record {
    access.at = access.at.div_euclid(1_000_000);
    Record { access, times: 1 }
}
