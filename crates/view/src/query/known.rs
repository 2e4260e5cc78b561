//! What is known of an object before another version of it is admitted. Asked by the writer
//! alone, about its own party's entries, so it takes no [`crate::Reader`].

use comity_wire::id::Uuid;
use comity_wire::time::Instant;
use rusqlite::{OptionalExtension, params};

use crate::Position;
use crate::fold::{FLAG_HELD_BACK, FLAG_REVOKED, FLAG_UNVERSIONED};
use crate::store::{View, ViewError, half};

/// A version of an object that the view knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVersion {
    /// The entry that holds it.
    pub position: Position,
    /// The instant of the version.
    pub instant: Instant,
    /// Whether the object has no versions of its own.
    pub unversioned: bool,
    /// When the object was created.
    pub created: Option<Instant>,
    /// The identity that created it.
    pub created_by: Option<Uuid>,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// Whether the entry waits for an attestation.
    pub held_back: bool,
    /// When the entry expires.
    pub expires: Option<i64>,
}

/// All known versions of an object, oldest first. Nearly always there is none, and that costs one
/// look into one index.
pub fn known(view: &View, object_type: &str, uuid: Uuid) -> Result<Vec<KnownVersion>, ViewError> {
    let Some(number) = view.type_number(object_type) else {
        return Ok(Vec::new());
    };
    let mut statement = view.connection().prepare_cached(
        "SELECT key, instant, created, created_by, flags, expires
         FROM version_of CROSS JOIN version USING (key)
         WHERE half = ?1 AND uuid = ?2 AND type = ?3 ORDER BY instant, key",
    )?;
    let mut rows = statement.query(params![half(uuid), uuid.0, number])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(version(row)?);
    }
    Ok(versions)
}

fn version(row: &rusqlite::Row<'_>) -> rusqlite::Result<KnownVersion> {
    let key: i64 = row.get(0)?;
    let instant: String = row.get(1)?;
    let created: Option<String> = row.get(2)?;
    let flags: i64 = row.get(4)?;
    Ok(KnownVersion {
        position: Position::from_key(key),
        // A text that does not read is a damaged view; `verify` names it. Here it counts as the
        // oldest instant, which refuses nothing.
        instant: Instant::from_sort_key(&instant).unwrap_or(Instant::from_micros(i64::MIN)),
        unversioned: flags & FLAG_UNVERSIONED != 0,
        created: created.and_then(|key| Instant::from_sort_key(&key).ok()),
        created_by: row.get::<_, Option<[u8; 16]>>(3)?.map(Uuid),
        revoked: flags & FLAG_REVOKED != 0,
        held_back: flags & FLAG_HELD_BACK != 0,
        expires: row.get(5)?,
    })
}

/// A version of an object; one without versions of its own has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The type.
    pub object_type: String,
    /// The identifier's UUID.
    pub uuid: Uuid,
    /// The instant of the version.
    pub instant: Instant,
    /// Whether the object has no versions of its own.
    pub unversioned: bool,
}

impl Version {
    /// Whether two are the same version of the same object.
    pub fn is_of(&self, other: &Version) -> bool {
        self.uuid == other.uuid
            && self.object_type == other.object_type
            && self.is(other.instant, other.unversioned)
    }

    /// Whether a version of the same object is this one. It is the same with any third: where one
    /// party gives versions to what has none at another, those are different.
    pub fn is(&self, instant: Instant, unversioned: bool) -> bool {
        self.unversioned == unversioned && (unversioned || self.instant == instant)
    }
}

/// The first entry of a peer by which a collection holds a version that has not expired, and that
/// counts. It stops there: one version may be given any number of times.
pub fn holds_version(
    view: &View,
    collection: u32,
    version: &Version,
    now: i64,
    counts: impl Fn(Position) -> bool,
) -> Result<bool, ViewError> {
    let Some(number) = view.type_number(&version.object_type) else {
        return Ok(false);
    };
    let mut statement = view.connection().prepare_cached(
        "SELECT key FROM version_of CROSS JOIN version USING (key) CROSS JOIN held USING (key)
         WHERE half = ?1 AND key >= ?2 AND uuid = ?3 AND version.type = ?4
           AND (flags & ?5 <> 0) = ?6 AND (?6 OR instant = ?7)
           AND held.collection = ?8 AND (version.expires IS NULL OR version.expires > ?9)",
    )?;
    let peers = Position { log: Position::FOLLOWED_MIN, index: 0 };
    let mut rows = statement.query(params![
        half(version.uuid),
        peers.key(),
        version.uuid.0,
        number,
        FLAG_UNVERSIONED,
        version.unversioned,
        version.instant.sort_key(),
        collection,
        now
    ])?;
    while let Some(row) = rows.next()? {
        if counts(Position::from_key(row.get(0)?)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// [`Uuid::half`] of all versions, in no order; one that has several may come as often.
pub fn halves(view: &View, mut each: impl FnMut(u64)) -> Result<(), ViewError> {
    let mut statement = view.connection().prepare("SELECT half FROM version_of")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get::<_, i64>(0)?.cast_unsigned());
    }
    Ok(())
}

/// When an entry came into a collection, if it is there now.
pub fn position_of(
    view: &View,
    collection: u32,
    position: Position,
) -> Result<Option<i64>, ViewError> {
    Ok(view
        .connection()
        .prepare_cached("SELECT date_added FROM held WHERE key = ?1 AND collection = ?2")?
        .query_row(params![position.key(), collection], |row| row.get(0))
        .optional()?)
}

/// When an entry came into any collection that holds it, for the first time.
pub fn first_arrival(view: &View, position: Position) -> Result<Option<i64>, ViewError> {
    let mut statement =
        view.connection().prepare_cached("SELECT min(date_added) FROM held WHERE key = ?1")?;
    Ok(statement.query_row([position.key()], |row| row.get(0))?)
}

/// The version of an entry's object as clients see it.
pub fn version_text(view: &View, position: Position) -> Result<Option<String>, ViewError> {
    Ok(view
        .connection()
        .prepare_cached("SELECT version FROM version WHERE key = ?1")?
        .query_row([position.key()], |row| row.get(0))
        .optional()?)
}

/// The collections that hold an entry's object version.
pub fn collections_of(view: &View, position: Position) -> Result<Vec<u32>, ViewError> {
    let mut statement =
        view.connection().prepare_cached("SELECT collection FROM held WHERE key = ?1")?;
    let rows = statement.query_map([position.key()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a collection holds.
pub fn held(view: &View, collection: u32) -> Result<Vec<Position>, ViewError> {
    let mut statement =
        view.connection().prepare_cached("SELECT key FROM held WHERE collection = ?1")?;
    let rows = statement.query_map([collection], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Entries whose deadline has come, the earliest first.
pub fn expired(view: &View, now: i64, limit: usize) -> Result<Vec<Position>, ViewError> {
    let mut statement = view
        .connection()
        .prepare_cached("SELECT key FROM version WHERE expires <= ?1 ORDER BY expires LIMIT ?2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map([now, limit], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
