//! What is known of a peer beyond its logs: when it was heard of last, how far it says that it is,
//! what stood in the way. Kept in memory: after a start it is asked anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use comity_wire::entry::Log;
use serde::Serialize;

use crate::evidence::Evidence;
use crate::heads::FOLLOWED;
use crate::node::{Node, NodeError};
use crate::peer::Peer;

/// How a peer was met last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// When it answered last, in microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<i64>,
    /// Whether its doorbell is heard.
    pub doorbell: bool,
    /// What stands in the way, since the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Why it is followed no further, until somebody looked into it: it contradicted itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// How often it came in at this node's door.
    #[serde(skip)]
    pub came_in: u64,
    /// The sizes that it announced last, of `shared` and of `acts`.
    #[serde(skip)]
    announced: [u64; 2],
}

/// All of them, by party.
#[derive(Debug, Default)]
pub(crate) struct Contacts(Mutex<BTreeMap<String, Contact>>);

/// How far a peer's log is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// The log.
    pub log: &'static str,
    /// Leaves that the peer said it has.
    pub announced: u64,
    /// Leaves that are verified here.
    pub verified: u64,
    /// Leaves that were asked to be opened.
    pub scanned: u64,
}

/// A peer, how far it is followed, and how it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// The peer.
    #[serde(flatten)]
    pub peer: Peer,
    /// How it was met.
    #[serde(flatten)]
    pub contact: Contact,
    /// Its logs.
    pub logs: Vec<Followed>,
    /// Entries of it that are announced and not here.
    pub lag: u64,
    /// Entries of it that were set aside.
    pub quarantined: usize,
    /// What is proven against it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub convicted: Vec<Evidence>,
}

impl Node {
    /// Notes how a peer was met.
    pub fn meet(&self, party: &str, note: impl FnOnce(&mut Contact)) {
        let mut contacts = self.contacts.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(contacts.entry(party.to_owned()).or_default());
    }

    /// How a peer was met.
    pub fn contact(&self, party: &str) -> Contact {
        let contacts = self.contacts.0.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.get(party).cloned().unwrap_or_default()
    }

    /// All peers that are followed, with what is known of them.
    pub fn peer_states(&self) -> Result<Vec<State>, NodeError> {
        let quarantined = self.quarantined()?;
        let of = |peer: Peer| {
            let contact = self.contact(&peer.party);
            let mut logs = Vec::with_capacity(FOLLOWED.len());
            for (log, announced) in FOLLOWED.into_iter().zip(contact.announced) {
                let Some(number) = peer.log(log) else { continue };
                let place = self.place(number)?;
                let announced = announced.max(place.verified);
                let (verified, scanned) = (place.verified, place.scanned);
                logs.push(Followed { log: log.name(), announced, verified, scanned });
            }
            let lag = logs.iter().map(|log| log.announced.saturating_sub(log.scanned)).sum();
            let aside = quarantined.iter().filter(|one| one.party == peer.party).count();
            let convicted = self.evidence(&peer.party)?;
            Ok(State { peer, contact, logs, lag, quarantined: aside, convicted })
        };
        self.peers()?.into_iter().map(of).collect()
    }
}

impl Contact {
    /// It answered.
    pub fn answered(&mut self, now: i64) {
        self.answered = Some(now);
        self.fault = None;
    }

    /// It is not followed any more. That it contradicted itself stays known.
    pub fn left(&mut self) {
        (self.doorbell, self.fault) = (false, None);
    }

    /// It said how long a log of it is. What it says counts for nothing but to be shown.
    pub fn announces(&mut self, log: Log, size: u64) {
        let at = FOLLOWED.iter().position(|one| *one == log);
        if let Some(slot) = at.and_then(|at| self.announced.get_mut(at)) {
            *slot = size;
        }
    }
}
