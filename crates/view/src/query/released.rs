//! What is released, and to whom: asked by the node itself, for a peer or for whoever releases.
//! None of it is content, so it takes no [`crate::Reader`]; whoever opens an entry by it says for
//! whom.

use std::collections::BTreeSet;

use comity_wire::id::Uuid;
use rusqlite::{Connection, OptionalExtension, params};

use crate::Position;
use crate::fold::FLAG_HELD_BACK;
use crate::fold::release::{KIND_CONSENT, KIND_GRANT, KIND_SHARE, KIND_WITHDRAW, SHARED};
use crate::query::Ask;
use crate::store::{Queries, View, ViewError, folded, half};

/// What is for one party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForParty {
    /// Entries, in the order of the log; of those that a grant opened, the grant alone.
    pub positions: Vec<Position>,
    /// Entries of the log `shared` that are folded: beyond, nothing is known yet.
    pub folded: u64,
}

/// What the ledger says of an entry that holds an object version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Whether the entry waits for an attestation.
    pub held_back: bool,
    /// The entry that attests it, where it waited for one.
    pub attested_by: Option<Position>,
    /// Entries of the log `shared` that give its object to others: itself, or its copies.
    pub shared: Vec<Position>,
    /// When the entry expires, in microseconds since 1970.
    pub expires: Option<i64>,
}

/// How many entries of each kind stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Object versions that somebody may have.
    pub shares: u64,
    /// Grants.
    pub grants: u64,
    /// Withdrawals.
    pub withdrawals: u64,
    /// Consents to release onward.
    pub consents: u64,
}

/// At most `limit` entries of the log `shared` that are for a party, from an index on.
pub fn released_to(
    asked: &impl Ask,
    party: &str,
    from: u64,
    limit: usize,
) -> Result<ForParty, ViewError> {
    let connection = asked.connected();
    let _snapshot = connection.unchecked_transaction()?;
    let size = folded(connection, i64::from(SHARED))?.unsigned_abs();
    let mut sets = connection.prepare_cached("SELECT audience FROM reached WHERE party = ?1")?;
    let mut range = connection.prepare_cached(
        "SELECT key FROM released WHERE audience = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
    )?;
    let first = Position { log: SHARED, index: from }.key();
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let sets: Vec<i64> = sets.query_map([party], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut keys: Vec<i64> = Vec::new();
    for set in sets {
        for key in range.query_map([set, first, rows], |row| row.get(0))? {
            keys.push(key?);
        }
    }
    keys.sort_unstable();
    keys.truncate(limit);
    Ok(ForParty { positions: keys.into_iter().map(Position::from_key).collect(), folded: size })
}

/// Who may open a shared entry, or a consent, in the order of their names: those that it was
/// compiled for, and those that it was granted to. None where it is not shared, or was withdrawn.
pub fn recipients(view: &View, position: Position) -> Result<BTreeSet<String>, ViewError> {
    Ok(recipients_of(view.connection(), position)?)
}

/// [`recipients`], for who only reads.
pub fn recipients_seen(
    asked: &impl Ask,
    position: Position,
) -> Result<BTreeSet<String>, ViewError> {
    let _snapshot = asked.connected().unchecked_transaction()?;
    Ok(recipients_of(asked.connected(), position)?)
}

fn recipients_of(
    connection: &Connection,
    position: Position,
) -> rusqlite::Result<BTreeSet<String>> {
    let parties: Option<String> = connection
        .prepare_cached(
            "SELECT parties FROM released JOIN audience ON audience.id = released.audience
             WHERE key = ?1 AND kind IN (?2, ?3)",
        )?
        .query_row(params![position.key(), KIND_SHARE, KIND_CONSENT], |row| row.get(0))
        .optional()?;
    let Some(parties) = parties else { return Ok(BTreeSet::new()) };
    let mut recipients: BTreeSet<String> = parties.split(' ').map(str::to_owned).collect();
    let mut granted = connection.prepare_cached("SELECT party FROM granted WHERE key = ?1")?;
    for party in granted.query_map([position.key()], |row| row.get(0))? {
        recipients.insert(party?);
    }
    Ok(recipients)
}

/// Entries of the log `shared` that repeat what an entry of the log `private` holds.
pub fn copies(view: &View, position: Position) -> Result<Vec<Position>, ViewError> {
    Ok(copies_of(view.connection(), position)?)
}

fn copies_of(connection: &Connection, position: Position) -> rusqlite::Result<Vec<Position>> {
    let mut statement =
        connection.prepare_cached("SELECT key FROM released WHERE copied = ?1 ORDER BY key")?;
    let rows = statement.query_map([position.key()], |row| Ok(Position::from_key(row.get(0)?)))?;
    rows.collect()
}

/// Whether an entry that holds an object version stands.
pub fn stands(view: &View, position: Position) -> Result<bool, ViewError> {
    let mut statement = view.connection().prepare_cached("SELECT 1 FROM version WHERE key = ?1")?;
    Ok(statement.exists([position.key()])?)
}

/// What the ledger says of an entry that holds an object version; nothing where it is gone.
pub fn ledger(asked: &impl Ask, position: Position) -> Result<Option<Ledger>, ViewError> {
    let connection = asked.connected();
    let _snapshot = connection.unchecked_transaction()?;
    let version: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT flags, expires FROM version WHERE key = ?1")?
        .query_row([position.key()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((flags, expires)) = version else { return Ok(None) };
    let attested_by = connection
        .prepare_cached("SELECT record FROM attestation WHERE key = ?1")?
        .query_row([position.key()], |row| Ok(Position::from_key(row.get(0)?)))
        .optional()?;
    let mut shared = copies_of(connection, position)?;
    let mut own = connection.prepare_cached("SELECT 1 FROM released WHERE key = ?1")?;
    if own.exists([position.key()])? {
        shared.push(position);
    }
    Ok(Some(Ledger { held_back: flags & FLAG_HELD_BACK != 0, attested_by, shared, expires }))
}

/// The entries that hold versions of an object, wherever they are held.
pub fn versions(
    queries: &Queries,
    object_type: &str,
    uuid: Uuid,
) -> Result<Vec<Position>, ViewError> {
    let mut statement = queries.connection.prepare_cached(
        "SELECT key FROM version_of CROSS JOIN version USING (key)
         CROSS JOIN object_type ON object_type.id = version.type
         WHERE half = ?1 AND uuid = ?2 AND object_type.name = ?3 ORDER BY instant, key",
    )?;
    let rows = statement.query_map(params![half(uuid), uuid.0, object_type], |row| {
        Ok(Position::from_key(row.get(0)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The entries that a collection holds.
pub fn held_by(asked: &impl Ask, collection: u32) -> Result<Vec<Position>, ViewError> {
    let mut statement = asked
        .connected()
        .prepare_cached("SELECT key FROM held WHERE collection = ?1 ORDER BY date_added")?;
    let rows = statement.query_map([collection], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An entry that came into a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// When.
    pub date_added: i64,
    /// The entry.
    pub position: Position,
    /// The type of its object.
    pub object_type: String,
}

/// At most `limit` entries that a collection holds and that came behind a time, in their order.
pub fn held_since(
    asked: &impl Ask,
    collection: u32,
    after: i64,
    limit: usize,
) -> Result<Vec<Came>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT date_added, key, object_type.name FROM held
         JOIN object_type ON object_type.id = held.type
         WHERE collection = ?1 AND date_added > ?2 ORDER BY date_added LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![collection, after, limit], |row| {
        let position = Position::from_key(row.get(1)?);
        Ok(Came { date_added: row.get(0)?, position, object_type: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When the last of what a collection holds came.
pub fn last_came(asked: &impl Ask, collection: u32) -> Result<Option<i64>, ViewError> {
    let mut statement = asked
        .connected()
        .prepare_cached("SELECT max(date_added) FROM held WHERE collection = ?1")?;
    Ok(statement.query_row([collection], |row| row.get(0))?)
}

/// How many entries stand in the log `shared`, by what they are.
pub fn released(queries: &Queries) -> Result<Counts, ViewError> {
    let mut statement =
        queries.connection.prepare_cached("SELECT kind, count(*) FROM released GROUP BY kind")?;
    let mut rows = statement.query([])?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        let number = row.get::<_, i64>(1)?.unsigned_abs();
        match row.get::<_, i64>(0)? {
            KIND_SHARE => counts.shares = number,
            KIND_GRANT => counts.grants = number,
            KIND_WITHDRAW => counts.withdrawals = number,
            KIND_CONSENT => counts.consents = number,
            _ => {}
        }
    }
    Ok(counts)
}
