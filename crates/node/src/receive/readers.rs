//! How many callers had read something, by the record of accesses. A receipt says it, since what
//! was read may have been written down.

use std::collections::BTreeSet;

use comity_tlog::EntryRef;
use comity_view::{Position, query};
use comity_wire::entry::{self, Header, Log};
use comity_wire::time::Micros;
use serde::Deserialize;

use crate::node::{Node, NodeError};
use crate::receive::Readers;

/// Entries of the audit log that are opened at a time, from its end backwards.
const ENTRIES_AT_A_TIME: u64 = 64;

/// Octets of the audit log that are looked through for one withdrawal: some days of a busy node. A
/// peer that withdraws all day must not keep this node reading its own log.
const LOOKED_THROUGH_MAX: usize = 16 * 1024 * 1024;

/// What of a record says who read what.
#[derive(Deserialize)]
struct Access {
    caller: String,
    collection: Option<String>,
    first: Option<i64>,
    last: Option<i64>,
}

impl Node {
    /// The callers whose answers spanned one of these entries. An answer with a filter spans more
    /// than it holds, so the number may be too high, and is never too low where it is complete.
    pub(super) fn readers_of(&self, log: u8, entries: &[u64]) -> Result<Readers, NodeError> {
        let mut held = Vec::new();
        self.ask(|connections| {
            for index in entries {
                let position = Position { log, index: *index };
                held.extend(query::arrivals_of(&connections.view, position)?);
            }
            Ok(())
        })?;
        let Some(since) = held.iter().map(|(_, date_added)| *date_added).min() else {
            return Ok(Readers { callers: 0, complete: true });
        };
        let collections = self.collections();
        let held: Vec<(String, i64)> = held
            .into_iter()
            .filter_map(|(number, date_added)| {
                let collection = collections.iter().find(|one| one.number == number)?;
                Some((collection.id.clone(), date_added))
            })
            .collect();
        let spans = |access: &Access| {
            let Access {
                collection: Some(collection), first: Some(first), last: Some(last), ..
            } = access
            else {
                return false;
            };
            held.iter().any(|(id, at)| id == collection && (*first..=*last).contains(at))
        };
        let mut callers = BTreeSet::new();
        let complete = self.look_back(since, |accesses| {
            callers.extend(accesses.into_iter().filter(&spans).map(|access| access.caller));
        })?;
        Ok(Readers { callers: callers.len() as u64, complete })
    }

    /// Gives records of access, the newest entries first, back to a time. Says whether it got so
    /// far.
    fn look_back(&self, since: i64, mut each: impl FnMut(Vec<Access>)) -> Result<bool, NodeError> {
        let log = Log::Audit.id();
        self.ask(|connections| {
            let mut to = connections.log.head(log)?.map_or(0, |head| head.size);
            let (mut octets, mut reached) = (0, false);
            while to > 0 && octets < LOOKED_THROUGH_MAX && !reached {
                let from = EntryRef { log, index: to.saturating_sub(ENTRIES_AT_A_TIME) };
                connections.log.entries(from, |entry, envelope| {
                    if entry.index >= to {
                        return false;
                    }
                    let Some(envelope) = envelope else { return true };
                    octets += envelope.len();
                    reached |= created(envelope).is_some_and(|created| created < since);
                    each(accesses(envelope));
                    true
                })?;
                to = from.index;
            }
            Ok(reached || to == 0)
        })
    }
}

fn accesses(envelope: &[u8]) -> Vec<Access> {
    let payload = entry::split(envelope).ok().map(|(_, payload)| payload);
    payload.and_then(|payload| serde_json::from_slice(payload).ok()).unwrap_or_default()
}

fn created(envelope: &[u8]) -> Option<i64> {
    let header = Header::of(envelope).ok()?;
    Micros::parse(&header.created).ok().map(|created| created.0)
}
