//! Withdrawals that peers have not acted on yet: each owes a receipt, and a late one is shown.

use comity_tlog::EntryRef;
use comity_view::query;
use comity_wire::entry::{self, Header};
use comity_wire::time::Micros;
use serde::Serialize;

use crate::node::{Node, NodeError};
use crate::writer::decide::entry_ref;

/// Withdrawals that are looked at, from the newest back.
const LOOKED_AT_MAX: usize = 10_000;

/// Microseconds of an hour.
const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// A withdrawal that a party has not acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The party.
    pub party: String,
    /// The index of the withdrawal in the log `shared`.
    pub index: u64,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
    /// When the receipt is due.
    pub due: i64,
}

impl Node {
    /// Withdrawals without a receipt, the newest first.
    pub fn withdrawals_open(&self) -> Result<Vec<Open>, NodeError> {
        let peers = self.peers()?;
        let hours = i64::from(self.charter().withdrawal.receipt_hours);
        self.ask(|connections| {
            let mut open = Vec::new();
            for one in query::withdrawals(&connections.view, LOOKED_AT_MAX)? {
                let has = |party: &str| {
                    let peer = peers.iter().find(|peer| peer.party == party);
                    peer.is_some_and(|peer| one.receipts.contains(&peer.shared))
                };
                let missing: Vec<&String> =
                    one.parties.iter().filter(|party| !has(party)).collect();
                if missing.is_empty() {
                    continue;
                }
                let created = created(&connections.log, entry_ref(one.position))?;
                for party in missing {
                    let due = created.saturating_add(hours * HOUR_MICROS);
                    open.push(Open {
                        party: party.clone(),
                        index: one.position.index,
                        created,
                        due,
                    });
                }
            }
            Ok(open)
        })
    }
}

fn created(log: &comity_tlog::Reader, entry: EntryRef) -> Result<i64, NodeError> {
    let opened = log.open_entry(entry).map_err(|error| NodeError::Storage(error.to_string()))?;
    let header = opened.as_deref().and_then(|envelope| {
        let (line, _) = entry::split(envelope).ok()?;
        Header::parse(line).ok()
    });
    let created = header.and_then(|header| Micros::parse(&header.created).ok());
    Ok(created.map_or(0, |created| created.0))
}
