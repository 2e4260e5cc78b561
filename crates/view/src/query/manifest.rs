//! What a manifest and a list of versions say of an object version, without its body.

use comity_wire::id::{Id, Uuid};

use crate::Position;
use crate::store::{Queries, ViewError};

/// An object version by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRecord {
    /// The identifier as written.
    pub id: String,
    /// The version as written; for an observable the time of its entry.
    pub version: String,
}

/// The name of the object version at a position; `None` once it is withdrawn.
pub fn record(queries: &Queries, position: Position) -> Result<Option<VersionRecord>, ViewError> {
    let mut statement = queries.connection.prepare_cached(
        "SELECT version.spelling, object_type.name, version.uuid, version.version
         FROM version JOIN object_type ON object_type.id = version.type WHERE version.key = ?1",
    )?;
    let mut rows = statement.query([position.key()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let spelling: Option<String> = row.get(0)?;
    let id = match spelling {
        Some(spelling) => spelling,
        None => {
            let object_type = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            Id {
                object_type,
                uuid: Uuid(row.get(2)?),
            }
            .to_string()
        }
    };
    Ok(Some(VersionRecord {
        id,
        version: row.get(3)?,
    }))
}
