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

/// Gives the names of the object versions at some positions, in their order; those that are
/// withdrawn are left out. `each` takes the place in `positions`.
pub fn records(
    queries: &Queries,
    positions: impl Iterator<Item = Position>,
    mut each: impl FnMut(usize, VersionRecord),
) -> Result<(), ViewError> {
    // One snapshot for all of them: taking the locks costs more than reading a row.
    let _snapshot = queries.connection.unchecked_transaction()?;
    let mut statement = queries.connection.prepare_cached(
        "SELECT version.spelling, object_type.name, version.uuid, version.version
         FROM version CROSS JOIN object_type ON object_type.id = version.type
         WHERE version.key = ?1",
    )?;
    for (at, position) in positions.enumerate() {
        let mut rows = statement.query([position.key()])?;
        let Some(row) = rows.next()? else { continue };
        let spelling: Option<String> = row.get(0)?;
        let id = match spelling {
            Some(spelling) => spelling,
            None => {
                let object_type = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
                Id { object_type, uuid: Uuid(row.get(2)?) }.to_string()
            }
        };
        each(at, VersionRecord { id, version: row.get(3)? });
    }
    Ok(())
}
