//! The peers that this node follows: under which numbers their logs stand here, where what they
//! release arrives, what of it was set aside.
//!
//! Who a peer is says the charter; that this node follows it, and where it is found, is local.

use comity_charter::Standing;
use comity_tlog::{FOLLOWED_MIN, FollowConfig, LOG_MAX, Verifier};
use comity_view::{Position, query};
use comity_wire::entry::{Author, Log};
use comity_wire::limits::INDEX_MAX;
use rusqlite::{Row, params_from_iter};
use serde::Serialize;

use crate::collection::{self, New};
use crate::heads::FOLLOWED;
use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};

const _: () =
    assert!(comity_tlog::storage::INDEX_MAX == INDEX_MAX, "the formats and the store agree");
const _: () = assert!(FOLLOWED_MIN == Position::FOLLOWED_MIN, "the view and the store agree");

/// Entries set aside that are remembered of one log. A peer that makes more makes no more work.
const QUARANTINE_ROWS_MAX: i64 = 10_000;

/// A peer that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// The party.
    pub party: String,
    /// Where its listener for peers is, `HOST:PORT`.
    /// Empty where its node is not followed (any more).
    pub address: String,
    /// The number here of its log `shared`.
    #[serde(skip)]
    pub shared: u8,
    /// The number here of its log `acts`.
    #[serde(skip)]
    pub acts: u8,
    /// The number of the collection in which what it releases arrives.
    #[serde(skip)]
    pub collection: u32,
    /// The number of the collection in which what anybody releases arrives.
    #[serde(skip)]
    pub everything: u32,
    /// Since when, in microseconds since 1970.
    pub added: i64,
}

impl Peer {
    /// The number here of one of its logs; nothing for those that are not followed.
    pub fn log(&self, log: Log) -> Option<u8> {
        match log {
            Log::Shared => Some(self.shared),
            Log::Acts => Some(self.acts),
            Log::Private | Log::Audit => None,
        }
    }

    /// Its log of a number here.
    pub fn log_of(&self, number: u8) -> Option<Log> {
        FOLLOWED.into_iter().find(|log| self.log(*log) == Some(number))
    }
}

/// A peer that is followed no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfollowed {
    /// As it was.
    pub peer: Peer,
    /// Entries of this party's own that passed on something of it, and are withdrawn.
    pub withdrawn: usize,
}

/// An entry that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// The party whose entry it is.
    pub party: String,
    /// Its log.
    pub log: &'static str,
    /// The index of the entry.
    pub index: u64,
    /// Why.
    pub code: String,
    /// When, in microseconds since 1970.
    pub at: i64,
}

/// The party in whose log `shared` an entry stands.
pub(crate) fn sharing(peers: &[Peer], entry: Position) -> Option<&str> {
    let peer = peers.iter().find(|peer| peer.shared == entry.log)?;
    Some(peer.party.as_str())
}

pub(crate) fn list(local: &Local) -> Result<Vec<Peer>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare_cached(
        "SELECT party, address, shared, acts, collection, everything, added FROM peer
         ORDER BY party",
    )?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Peer> {
    Ok(Peer {
        party: row.get(0)?,
        address: row.get(1)?,
        shared: row.get(2)?,
        acts: row.get(3)?,
        collection: row.get(4)?,
        everything: row.get(5)?,
        added: row.get(6)?,
    })
}

fn insert(local: &Local, peer: &Peer) -> Result<(), LocalError> {
    let values = with_sum([
        peer.party.clone().into(),
        peer.address.clone().into(),
        i64::from(peer.shared).into(),
        i64::from(peer.acts).into(),
        peer.collection.into(),
        peer.everything.into(),
        peer.added.into(),
    ]);
    let sql = "INSERT OR REPLACE INTO peer VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    local.lock().execute(sql, params_from_iter(values))?;
    Ok(())
}

/// The first two numbers that no log of a peer has.
fn next_numbers(peers: &[Peer]) -> Option<(u8, u8)> {
    let last = peers.iter().map(|peer| peer.shared.max(peer.acts)).max();
    let first = last.map_or(FOLLOWED_MIN, |last| last.saturating_add(1));
    let second = first.checked_add(1).filter(|second| *second <= LOG_MAX)?;
    Some((first, second))
}

pub(crate) fn quarantine(
    local: &Local,
    at: i64,
    entries: &[(u8, u64, &'static str)],
) -> Result<(), LocalError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    for (log, index, code) in entries {
        let count: i64 = transaction
            .prepare_cached("SELECT count(*) FROM quarantine WHERE log = ?1")?
            .query_row([log], |row| row.get(0))?;
        if count >= QUARANTINE_ROWS_MAX {
            continue;
        }
        let values = with_sum([
            i64::from(*log).into(),
            i64::try_from(*index).unwrap_or(i64::MAX).into(),
            (*code).to_owned().into(),
            at.into(),
        ]);
        transaction
            .prepare_cached("INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params_from_iter(values))?;
    }
    transaction.commit()?;
    Ok(())
}

/// Entries that open soundly now are not set aside any more.
pub(crate) fn release(local: &Local, log: u8, indices: &[u64]) -> Result<(), LocalError> {
    let mut connection = local.lock();
    let any: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM quarantine WHERE log = ?1)")?
        .query_row([log], |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for index in indices {
        transaction
            .prepare_cached("DELETE FROM quarantine WHERE log = ?1 AND idx = ?2")?
            .execute((log, i64::try_from(*index).unwrap_or(i64::MAX)))?;
    }
    transaction.commit()?;
    Ok(())
}

fn quarantined(local: &Local, peers: &[Peer]) -> Result<Vec<Quarantined>, LocalError> {
    let connection = local.lock();
    let mut statement =
        connection.prepare_cached("SELECT log, idx, code, at FROM quarantine ORDER BY log, idx")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?))
    })?;
    let mut found = Vec::new();
    for one in rows {
        let (number, index, code, at) = one?;
        let of = peers.iter().find_map(|peer| Some((peer, peer.log_of(number)?)));
        if let Some((peer, log)) = of {
            let (party, log, index) = (peer.party.clone(), log.name(), index.unsigned_abs());
            found.push(Quarantined { party, log, index, code, at });
        }
    }
    Ok(found)
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let columns = "party, address, shared, acts, collection, everything, added";
    let mut damaged = local::damaged(local, "peer", "party", columns)?;
    damaged.extend(local::damaged(local, "quarantine", "idx", "log, idx, code, at")?);
    Ok(damaged)
}

/// What the store has to know to follow the logs of some peers: the keys that the charter pins.
pub(crate) fn follow_configs(
    charter: &comity_charter::Charter,
    peers: &[Peer],
) -> Result<Vec<FollowConfig>, NodeError> {
    let mut configs = Vec::new();
    for peer in peers {
        let genesis = charter.party(&peer.party).and_then(|party| party.genesis.as_ref());
        // A party that the charter does not have any more is not followed, and its logs stay.
        let Some(genesis) = genesis else { continue };
        for (log, vkey) in [(Log::Shared, &genesis.shared), (Log::Acts, &genesis.acts)] {
            let name = format!("{}/{}", peer.party, log.name());
            let verifier = Verifier::parse(vkey).map_err(|error| {
                NodeError::Charter(format!("the key of `{name}` cannot be used: {error}"))
            })?;
            let Some(id) = peer.log(log) else { continue };
            configs.push(FollowConfig { id, name, verifier });
        }
    }
    Ok(configs)
}

impl Node {
    /// The party whose node shows this key to peers, by the charter in force, where it is in
    /// standing now. The node's own party is no peer of it.
    pub fn peer_of(&self, pin: &str) -> Option<String> {
        let (charter, own) = (self.charter(), &self.config().party);
        let party = charter.party_of_transport(pin).filter(|party| party.id != *own)?;
        let stands = matches!(charter.standing(&party.id, self.now()), Standing::In(_));
        stands.then(|| party.id.clone())
    }

    /// The peers that are followed, by party.
    pub fn peers(&self) -> Result<Vec<Peer>, NodeError> {
        Ok(list(self.local())?)
    }

    /// Whether the node of a party is heard: what the party takes back arrives. One that the
    /// charter has no keys of any more is not asked, nor one that contradicted itself.
    pub(crate) fn is_following(&self, party: &str) -> Result<bool, NodeError> {
        let mut peers = self.peers()?.into_iter();
        Ok(peers.any(|peer| peer.party == party && !peer.address.is_empty())
            && self.peer_verifier(party, Log::Shared)?.is_some()
            && self.contact(party).halted.is_none()
            && self.evidence(party)?.is_empty())
    }

    /// Takes back all that was passed on of a party that is not heard any more: nobody would tell
    /// here that it took something back, and those who have it from here hear of it here alone.
    /// Says how many entries that were.
    pub(crate) fn let_fall(&self, party: &str) -> Result<usize, NodeError> {
        let passed_on =
            self.ask(|connections| Ok(query::passed_on_of(&connections.view, party)?))?;
        if passed_on.is_empty() {
            return Ok(0);
        }
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        Ok(self.writer().withdraw(passed_on, author, self.now())?.withdrawn)
    }

    /// The peer of a party.
    pub fn peer(&self, party: &str) -> Result<Peer, NodeError> {
        let found = self.peers()?.into_iter().find(|peer| peer.party == party);
        let missing = || LocalError::Missing {
            what: "peer",
            name: party.to_owned(),
            command: "comity peer list DIR",
        };
        Ok(found.ok_or_else(missing)?)
    }

    /// The key that the charter has for a log of a party; nothing where it has none.
    pub fn peer_verifier(&self, party: &str, log: Log) -> Result<Option<Verifier>, NodeError> {
        let Some(peer) = self.peers()?.into_iter().find(|peer| peer.party == party) else {
            return Ok(None);
        };
        let number = peer.log(log);
        let configs = follow_configs(self.charter(), std::slice::from_ref(&peer))?;
        Ok(configs.into_iter().find(|one| Some(one.id) == number).map(|one| one.verifier))
    }

    /// What was set aside of what peers opened to this node.
    pub fn quarantined(&self) -> Result<Vec<Quarantined>, NodeError> {
        Ok(quarantined(self.local(), &self.peers()?)?)
    }

    /// Follows a peer from now on, or looks for it at another address.
    pub fn peer_add(&self, party: &str, address: &str) -> Result<Peer, NodeError> {
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        let known = self.charter().party(party).ok_or_else(|| {
            refused(format!(
                "the charter has no party `{party}`; `comity charter show DIR` lists them"
            ))
        })?;
        if party == self.config().party {
            return Err(refused(format!("`{party}` is this node's own party")));
        }
        if known.genesis.is_none() {
            return Err(refused(format!(
                "the charter has no keys of `{party}`: it has no node to follow; a charter with \
                 its `genesis` is required"
            )));
        }
        let peers = self.peers()?;
        if let Some(peer) = peers.iter().find(|peer| peer.party == party) {
            let moved = Peer { address: address.to_owned(), ..peer.clone() };
            insert(self.local(), &moved)?;
            self.changes.ring();
            return Ok(moved);
        }
        let (shared, acts) = next_numbers(&peers).ok_or_else(|| {
            refused(format!("{} peers are followed, no more can be", peers.len()))
        })?;
        let everything = self.received("received".to_owned(), "received".to_owned())?;
        let alias = format!("received-{}", party.replace('.', "_"));
        let collection = self.received(format!("received/{party}"), alias)?;
        let peer = Peer {
            party: party.to_owned(),
            address: address.to_owned(),
            shared,
            acts,
            collection,
            everything,
            added: self.now(),
        };
        insert(self.local(), &peer)?;
        self.read_catalog()?;
        let logs = follow_configs(self.charter(), std::slice::from_ref(&peer))?;
        self.writer().follow(peer.clone(), logs)?;
        self.changes.ring();
        Ok(peer)
    }

    /// Follows the node of a peer no longer, and takes back what was passed on of it. Its numbers,
    /// what it shared and its place in its logs stay: they are verified as before, and it can be
    /// followed again, or come in by files.
    pub fn peer_remove(&self, party: &str) -> Result<Unfollowed, NodeError> {
        let peer = self.peer(party)?;
        // From here on nothing more of it is passed on. If we stop before the rest has fallen, the
        // same command takes it back.
        insert(self.local(), &Peer { address: String::new(), ..peer.clone() })?;
        let withdrawn = self.let_fall(party)?;
        if peer.address.is_empty() && withdrawn == 0 {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "the node of `{party}` is not followed; `comity peer add` follows it"
            ))));
        }
        self.changes.ring();
        Ok(Unfollowed { peer, withdrawn })
    }

    /// The number of a collection in which what is received arrives; it is made where there is
    /// none.
    fn received(&self, title: String, alias: String) -> Result<u32, NodeError> {
        if let Some(collection) = self.collection(&alias) {
            return Ok(collection.number);
        }
        let description = Some("What peers released to this party".to_owned());
        let new = New { title, description, alias: Some(alias), ..New::default() };
        let made =
            collection::add(self.local(), self.charter(), &new, self.draw_uuid(), self.now())?;
        self.read_catalog()?;
        Ok(made.number)
    }
}
