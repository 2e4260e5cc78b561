//! What is told of each peer. The label is a party of the charter, so that nobody outside can make
//! a new series.

use crate::contact::State;
use crate::metrics::{Family, Text, family};
use crate::node::{Node, NodeError};

/// What a node tells of its peers, in the order in which it does.
pub const FAMILIES: &[Family] = &[
    family(
        "comity_peer_verified_entries",
        "gauge",
        &["peer", "log"],
        "entries of a peer's log that are verified here",
    ),
    family(
        "comity_peer_lag_entries",
        "gauge",
        &["peer"],
        "entries that a peer announced and that are not here",
    ),
    family(
        "comity_peer_answered_timestamp_seconds",
        "gauge",
        &["peer"],
        "when a peer answered last; there is none before its first answer",
    ),
    family("comity_peer_doorbell", "gauge", &["peer"], "1 while the doorbell of a peer is heard"),
    family(
        "comity_peer_halted",
        "gauge",
        &["peer"],
        "1 for a peer that contradicted itself and is followed no further",
    ),
    family(
        "comity_peer_convicted",
        "gauge",
        &["peer"],
        "logs of a peer of which it is proven that they have two histories",
    ),
    family(
        "comity_peer_quarantined_entries",
        "gauge",
        &["peer"],
        "entries of a peer that were set aside",
    ),
    family(
        "comity_peer_receipts_overdue",
        "gauge",
        &["peer"],
        "withdrawals of this node that a peer should have acted on by now",
    ),
    family(
        "comity_object_conflicts",
        "gauge",
        &[],
        "object versions that several parties give with different content; `comity peer conflicts` lists them",
    ),
];

impl Node {
    /// Writes what there is to tell of each peer.
    pub(super) fn peer_metrics(&self, text: &mut Text) -> Result<(), NodeError> {
        let states = self.peer_states()?;
        let (open, now) = (self.withdrawals_open()?, self.now());
        for family in FAMILIES {
            text.family(family);
            if family.name == "comity_object_conflicts" {
                text.sample(family, &[], self.conflicts_counted()?);
                continue;
            }
            for state in &states {
                let party = state.peer.party.as_str();
                if family.name == "comity_peer_verified_entries" {
                    for log in &state.logs {
                        text.sample(family, &[party, log.log], log.verified);
                    }
                } else if family.name == "comity_peer_receipts_overdue" {
                    let late = open.iter().filter(|one| one.party == party && one.due < now);
                    text.sample(family, &[party], late.count());
                } else if let Some(value) = number(family, state) {
                    text.sample(family, &[party], value);
                }
            }
        }
        Ok(())
    }
}

fn number(family: &Family, state: &State) -> Option<u64> {
    match family.name {
        "comity_peer_lag_entries" => Some(state.lag),
        "comity_peer_answered_timestamp_seconds" => {
            state.contact.answered.map(|at| at.div_euclid(1_000_000).unsigned_abs())
        }
        "comity_peer_doorbell" => Some(u64::from(state.contact.doorbell)),
        "comity_peer_halted" => Some(u64::from(state.contact.halted.is_some())),
        "comity_peer_convicted" => Some(state.convicted.len() as u64),
        "comity_peer_quarantined_entries" => Some(state.quarantined as u64),
        _ => None,
    }
}
