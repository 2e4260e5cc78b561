//! Withdrawals that peers have not acted on yet: each owes a receipt, and a late one is shown. And
//! what the receipts say that came.

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

/// Receipts of a peer that are shown, from the newest back.
const SHOWN_MAX: usize = 100;

/// What a party says that it did about a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// The index of the withdrawal in the log `shared`.
    pub index: u64,
    /// When it says that it acted, in microseconds since 1970.
    pub at: i64,
    /// How many callers had read what was withdrawn.
    pub readers: Option<u64>,
    /// Entries of its own that had passed it on, and were taken back with it.
    pub onward: Option<u64>,
}

impl Node {
    /// The receipts of a party, the newest withdrawals first.
    pub fn receipts_of(&self, party: &str) -> Result<Vec<Acted>, NodeError> {
        let number = self.peer(party)?.shared;
        self.ask(|connections| {
            let mut acted = Vec::new();
            for (withdrawal, receipt) in query::receipts_in(&connections.view, number, SHOWN_MAX)? {
                let opened = connections.log.open_entry(entry_ref(receipt))?;
                acted.extend(opened.and_then(|envelope| said(withdrawal.index, &envelope)));
            }
            Ok(acted)
        })
    }

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
    let header = log.open_entry(entry)?.and_then(|envelope| Header::of(&envelope).ok());
    let created = header.and_then(|header| Micros::parse(&header.created).ok());
    Ok(created.map_or(0, |created| created.0))
}

/// What a receipt says. Members that are missing are not known; the reference is the receipt.
fn said(index: u64, envelope: &[u8]) -> Option<Acted> {
    let (line, payload) = entry::split(envelope).ok()?;
    let header = Header::parse(line).ok()?;
    let payload: serde_json::Value = serde_json::from_slice(payload).ok().unwrap_or_default();
    let number = |name: &str| payload.get(name).and_then(serde_json::Value::as_u64);
    let at = Micros::parse(&header.created).ok()?.0;
    Some(Acted { index, at, readers: number("readers"), onward: number("onward") })
}
