//! Object versions that are given more than once.

use comity_wire::id::Uuid;
use rusqlite::OptionalExtension;

use crate::Position;
use crate::fold::FLAG_UNVERSIONED;
use crate::query::Ask;
use crate::store::ViewError;

/// An entry that gives an object version that another gives, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rival {
    /// The type of the object.
    pub object_type: String,
    /// The UUID of its identifier.
    pub uuid: Uuid,
    /// The instant of the version, in a form that sorts; empty where the object has no versions.
    pub instant: String,
    /// The version as written.
    pub version: String,
    /// The entry.
    pub position: Position,
}

/// At most `limit` of them: by object, version and place.
pub fn rivals(asked: &impl Ask, limit: usize) -> Result<Vec<Rival>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT key, object_type.name, uuid, instant, version, flags
         FROM rival CROSS JOIN version USING (key)
         CROSS JOIN object_type ON object_type.id = version.type LIMIT ?1",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map([limit], |row| {
        let unversioned = row.get::<_, i64>(5)? & FLAG_UNVERSIONED != 0;
        Ok(Rival {
            object_type: row.get(1)?,
            uuid: Uuid(row.get(2)?),
            instant: if unversioned { String::new() } else { row.get(3)? },
            version: row.get(4)?,
            position: Position::from_key(row.get(0)?),
        })
    })?;
    let mut rivals: Vec<Rival> = rows.collect::<Result<_, _>>()?;
    rivals.sort();
    Ok(rivals)
}

/// The object that an entry holds, by type and UUID; nothing where it is gone.
pub fn object_of(
    asked: &impl Ask,
    position: Position,
) -> Result<Option<(String, Uuid)>, ViewError> {
    let found = asked
        .connected()
        .prepare_cached(
            "SELECT object_type.name, uuid FROM version
             JOIN object_type ON object_type.id = version.type WHERE key = ?1",
        )?
        .query_row([position.key()], |row| Ok((row.get(0)?, Uuid(row.get(1)?))))
        .optional()?;
    Ok(found)
}
