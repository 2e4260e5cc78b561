//! Which object versions of a collection a TAXII query selects, a page at a time, in the order
//! in which they came in (T065). A page is a range of an index that ends after `limit` rows.

use comity_wire::id::Uuid;
use comity_wire::taxii::filter::{Query, Versions};
use comity_wire::time::{Instant, Micros};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};

use crate::store::{Queries, ViewError, half};
use crate::{Position, Readable};

/// One object version in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// When it came in.
    pub date_added: Micros,
    /// The entry that holds it.
    pub position: Position,
}

/// A page of rows, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether more rows follow.
    pub more: bool,
}

/// The page of at most `limit` rows that a query selects.
pub fn page(
    queries: &Queries,
    readable: Readable,
    query: &Query,
    limit: usize,
) -> Result<Page, ViewError> {
    if !query.admits_stix_21() {
        return Ok(Page::default());
    }
    let wanted = limit.saturating_add(1);
    let after = position(query);
    let mut rows = match (&query.ids, &query.types) {
        (Some(ids), types) => by_id(queries, readable, query, ids, types.as_deref(), after)?,
        (None, Some(types)) => by_type(queries, readable, query, types, after, wanted)?,
        (None, None) => scan(queries, readable, query, None, after, wanted)?,
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, more })
}

/// Whether a collection holds any version of an object (T102).
pub fn exists(
    queries: &Queries,
    readable: Readable,
    object_type: &str,
    uuid: Uuid,
) -> Result<bool, ViewError> {
    let ids = [(object_type.to_owned(), uuid)];
    let all = Query { versions: Versions::All, ..Query::default() };
    Ok(!by_id(queries, readable, &all, &ids, None, i64::MIN)?.is_empty())
}

/// The number of the last change of a collection, and how many object versions it holds. Equal
/// numbers mean equal answers to equal queries, but for what expired meanwhile.
pub fn state(queries: &Queries, readable: Readable) -> Result<(i64, i64), ViewError> {
    Ok(queries
        .connection
        .prepare_cached("SELECT seq, holds FROM changed WHERE collection = ?1")?
        .query_row([readable.collection], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or((0, 0)))
}

/// Rows lie strictly behind this `date_added`: the later of the filter and the page's token.
fn position(query: &Query) -> i64 {
    let after = query.added_after.map_or(i64::MIN, |after| after.0);
    let next = query.next.map_or(i64::MIN, |next| next.0.0);
    after.max(next)
}

/// The condition on versions, over the tables `held` and `version` (joined only where needed).
fn version_condition(versions: &Versions) -> (String, Vec<Value>) {
    match versions {
        Versions::Last => (" AND held.place & 2 <> 0".to_owned(), Vec::new()),
        Versions::All => (String::new(), Vec::new()),
        Versions::Some { first, last, exact } => {
            let mut places = 0;
            places |= i64::from(*first);
            places |= i64::from(*last) << 1;
            let marks = vec!["?"; exact.len()].join(",");
            let condition = format!(
                " AND (held.place & {places} <> 0 OR (SELECT version.instant FROM version
                  WHERE version.key = held.key) IN ({marks}))"
            );
            (condition, exact.iter().map(Instant::sort_key).map(Value::Text).collect())
        }
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row { date_added: Micros(row.get(0)?), position: Position::from_key(row.get(1)?) })
}

/// A range of the collection, or of one type in it, with the condition on versions.
fn scan(
    queries: &Queries,
    readable: Readable,
    query: &Query,
    object_type: Option<i64>,
    after: i64,
    wanted: usize,
) -> Result<Vec<Row>, ViewError> {
    let (versions, exact) = version_condition(&query.versions);
    let index = if object_type.is_some() { " INDEXED BY held_by_type" } else { "" };
    let typed = if object_type.is_some() { " AND held.type = ?" } else { "" };
    let sql = format!(
        "SELECT held.date_added, held.key FROM held{index}
         WHERE held.collection = ?{typed} AND held.date_added > ?
           AND (held.expires IS NULL OR held.expires > ?){versions}
         ORDER BY held.date_added LIMIT ?"
    );
    let mut values = vec![Value::Integer(i64::from(readable.collection))];
    values.extend(object_type.map(Value::Integer));
    values.push(Value::Integer(after));
    values.push(Value::Integer(readable.now.0));
    values.extend(exact);
    values.push(Value::Integer(i64::try_from(wanted).unwrap_or(i64::MAX)));
    let mut statement = queries.connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Each type is a range of its own; the ranges are merged by `date_added`.
fn by_type(
    queries: &Queries,
    readable: Readable,
    query: &Query,
    types: &[String],
    after: i64,
    wanted: usize,
) -> Result<Vec<Row>, ViewError> {
    let mut rows = Vec::new();
    for number in type_numbers(queries, types)? {
        rows.extend(scan(queries, readable, query, Some(number), after, wanted)?);
    }
    rows.sort_by_key(|row| row.date_added);
    rows.truncate(wanted);
    Ok(rows)
}

fn type_numbers(queries: &Queries, types: &[String]) -> Result<Vec<i64>, ViewError> {
    let mut numbers = Vec::new();
    for name in types {
        let number = type_number(queries, name)?;
        numbers.extend(number.filter(|number| !numbers.contains(number)));
    }
    Ok(numbers)
}

/// The number of a type; none means that no object of it is here.
fn type_number(queries: &Queries, name: &str) -> Result<Option<i64>, ViewError> {
    if let Some(number) = queries.types.borrow().get(name) {
        return Ok(Some(*number));
    }
    let found: Option<i64> = queries
        .connection
        .prepare_cached("SELECT id FROM object_type WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    // Only what is there is kept, so this has as many rows as the table.
    if let Some(number) = found {
        queries.types.borrow_mut().insert(name.to_owned(), number);
    }
    Ok(found)
}

/// All versions of a few objects: found by identifier, then judged. An object has few versions,
/// so nothing is gained by stopping early.
fn by_id(
    queries: &Queries,
    readable: Readable,
    query: &Query,
    ids: &[(String, Uuid)],
    types: Option<&[String]>,
    after: i64,
) -> Result<Vec<Row>, ViewError> {
    let (versions, exact) = version_condition(&query.versions);
    // CROSS JOIN: from the few versions of the object to what is held, never the other way round.
    let sql = format!(
        "SELECT held.date_added, held.key FROM version_of
         CROSS JOIN version ON version.key = version_of.key
         CROSS JOIN held ON held.key = version_of.key AND held.collection = ?
         WHERE version_of.half = ? AND version.uuid = ? AND version.type = ?
           AND held.date_added > ? AND (held.expires IS NULL OR held.expires > ?){versions}"
    );
    let mut statement = queries.connection.prepare_cached(&sql)?;
    let mut rows: Vec<Row> = Vec::new();
    for (object_type, uuid) in ids {
        if types.is_some_and(|types| !types.contains(object_type)) {
            continue;
        }
        let Some(number) = type_number(queries, object_type)? else {
            continue;
        };
        let mut values = vec![
            Value::Integer(i64::from(readable.collection)),
            Value::Integer(half(*uuid)),
            Value::Blob(uuid.0.to_vec()),
            Value::Integer(number),
            Value::Integer(after),
            Value::Integer(readable.now.0),
        ];
        values.extend(exact.iter().cloned());
        for found in statement.query_map(params_from_iter(values), row)? {
            rows.push(found?);
        }
    }
    rows.sort_by_key(|row| row.date_added);
    // The same identifier may stand twice in the filter.
    rows.dedup();
    Ok(rows)
}

/// Whether any of these collections holds an entry's object version.
pub fn is_held(
    queries: &Queries,
    readable: &[Readable],
    position: Position,
) -> Result<bool, ViewError> {
    let mut statement =
        queries.connection.prepare_cached("SELECT collection FROM held WHERE key = ?1")?;
    let mut rows = statement.query([position.key()])?;
    while let Some(row) = rows.next()? {
        let collection: u32 = row.get(0)?;
        if readable.iter().any(|readable| readable.collection == collection) {
            return Ok(true);
        }
    }
    Ok(false)
}
