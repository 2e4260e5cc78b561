//! What this node verified of the logs of others, for whoever may have it: each party is a mirror
//! of those that it follows. A party that lost its disk gets its log back from here (`recover`).
//!
//! Leaves and the last checkpoint go to every party in standing, as at the owner's own door. What
//! is staged and not verified goes to nobody. Bodies go to the party whose log it is, which wrote
//! them, and to no one else: what was opened to this party is not passed on. What it took back is
//! erased here like anywhere.

use comity_tlog::tile::{TILE_WIDTH, TileKind};
use comity_tlog::{EntryRef, TilePath};
use comity_wire::entry::Log;
use comity_wire::mirror::{self, Held};
use comity_wire::release::{Opening, Page};

use crate::heads::FOLLOWED;
use crate::node::{Node, NodeError};
use crate::peer;
use crate::query::Connections;
use crate::release::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};

impl Node {
    /// Which heads are held here, of the logs that are followed: the digest of each.
    pub fn mirror_heads(&self) -> Result<Vec<Held>, NodeError> {
        let peers = peer::list(self.local())?;
        self.ask(|connections| {
            let mut held = Vec::with_capacity(FOLLOWED.len() * peers.len());
            for peer in &peers {
                for log in FOLLOWED {
                    let Some(number) = peer.log(log) else { continue };
                    if let Some(head) = connections.log.head(number)? {
                        held.push(held_of(&peer.party, log, &head.note));
                    }
                }
            }
            Ok(held)
        })
    }

    /// The same of this party's own logs: what its peers hold once they have all of it.
    pub fn own_heads(&self) -> Vec<Held> {
        let party = &self.config().party;
        self.heads()
            .latest()
            .iter()
            .map(|head| held_of(party, head.log, &head.checkpoint))
            .collect()
    }

    /// The last checkpoint of a party's log that is verified here; nothing where the log is not
    /// followed, or none is.
    pub fn mirror_checkpoint(&self, party: &str, log: Log) -> Result<Option<String>, NodeError> {
        let Some(number) = self.mirrored(party, log)? else { return Ok(None) };
        self.ask(|connections| {
            let head = connections.log.head(number)?;
            Ok(head.map(|head| head.note))
        })
    }

    /// The octets of a bundle of leaves, as far as they are verified here. There are no tiles of
    /// hashes: they follow from the leaves.
    pub fn mirror_tile(
        &self,
        party: &str,
        log: Log,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let Some(number) = self.mirrored(party, log)? else { return Ok(None) };
        let last =
            path.n.saturating_mul(u64::from(TILE_WIDTH)).saturating_add(u64::from(path.width));
        self.ask(|connections| {
            // Leaves under a head never change, so the head may be read before.
            if path.kind != TileKind::Entries || last > verified(connections, number)? {
                return Ok(None);
            }
            Ok(connections.log.tile(number, path)?)
        })
    }

    /// A page of what is open here of a party's own log, for that party: it asks by its own name.
    /// Nothing where the log is not followed.
    pub fn mirror_release(
        &self,
        owner: &str,
        log: Log,
        from: u64,
    ) -> Result<Option<Page>, NodeError> {
        let Some(number) = self.mirrored(owner, log)? else { return Ok(None) };
        self.ask(|connections| page(connections, number, from).map(Some))
    }

    /// The number here of a party's log.
    fn mirrored(&self, party: &str, log: Log) -> Result<Option<u8>, NodeError> {
        let peers = peer::list(self.local())?;
        let peer = peers.iter().find(|peer| peer.party == party);
        Ok(peer.and_then(|peer| peer.log(log)))
    }
}

fn held_of(party: &str, log: Log, note: &str) -> Held {
    Held { party: party.to_owned(), log: log.name().to_owned(), sha256: mirror::digest(note) }
}

fn verified(connections: &Connections, number: u8) -> Result<u64, NodeError> {
    let head = connections.log.head(number)?;
    Ok(head.map_or(0, |head| head.size))
}

/// Erased, never opened to this party, and void look the same: they are not there.
fn page(connections: &Connections, number: u8, from: u64) -> Result<Page, NodeError> {
    let size = verified(connections, number)?;
    let mut page = Page { openings: Vec::new(), scanned_to: from };
    let mut octets = 0;
    // Who asks for what is behind all that is verified gets nothing, whatever index it names.
    while page.scanned_to < size
        && page.openings.len() < PAGE_ENTRIES_MAX
        && octets < PAGE_BYTES_MAX
    {
        let next = EntryRef { log: number, index: page.scanned_to };
        let next = connections.log.first_kept(next)?;
        let Some(entry) = next.filter(|entry| entry.index < size) else {
            page.scanned_to = size.max(from);
            break;
        };
        if let Some(opened) = connections.log.release(entry)? {
            let (salt, envelope) = (opened.salt.0, opened.envelope);
            octets += envelope.len();
            page.openings.push(Opening { index: entry.index, salt, envelope });
        }
        page.scanned_to = entry.index + 1;
    }
    Ok(page)
}
