//! One object: get (TAXII 2.1 §5.6) and delete (§5.7).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use comity_node::Node;
use comity_wire::id::Id;
use comity_wire::taxii::filter::{Query, Versions};

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;
use crate::path::Path;
use crate::taxii::objects::{Asked, envelope};

pub(crate) const UNKNOWN: Failure = Failure::NotFound("there is no such object in this collection");

/// §5.6: a search for one identifier; unknown ones are 404, filters may still leave nothing.
pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path((name, object)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let (collection, readable) = caller.readable(&node, &name)?;
    let raw = raw.unwrap_or_default();
    let mut query = narrow(&raw)?;
    let id = Id::parse(&object).ok_or(UNKNOWN)?;
    query.ids = Some(vec![(id.object_type.to_owned(), id.uuid)]);
    let question = format!("{object}?{raw}");
    let asked = Asked { caller, collection, readable, query, question, action: "object" };
    envelope(node, asked, &headers).await
}

/// §5.7: takes the object's versions out of the collection; with the last collection that held
/// one, its entry is withdrawn and its content erased. Without a filter all versions go, as §5.7
/// says, and not just the latest, as §3.4.1 would have it.
pub(crate) async fn delete(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path((name, object)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Failure> {
    let (collection, grant) = caller.collection(&node, &name)?;
    if !(grant.read && grant.write) {
        let why = "required: the rights to read and to write this collection";
        return Err(Failure::Forbidden(why.into()));
    }
    let raw = raw.unwrap_or_default();
    let mut query = narrow(&raw)?;
    if !names_versions(&raw) {
        query.versions = Versions::All;
    }
    let id = Id::parse(&object).ok_or(UNKNOWN)?;
    query.ids = Some(vec![(id.object_type.to_owned(), id.uuid)]);
    let readable = caller.reader.readable(collection.number, grant.read).ok_or(UNKNOWN)?;
    let question = format!("{object}?{raw}");
    pages::blocking(move || {
        let page = node.page(readable, &query, usize::MAX - 1)?;
        pages::record(&node, &caller, "delete", Some(&collection), &question, Some(&page))?;
        if page.rows.is_empty() {
            return Err(UNKNOWN);
        }
        let positions = page.rows.iter().map(|row| row.position).collect();
        node.remove(&caller.checked, &collection, positions, caller.reader.now.0)?;
        // Clients read a JSON body from every answer.
        Ok(pages::taxii(StatusCode::OK, "{}"))
    })
    .await
}

/// The filters that fit one object: not those that name other ones (T081).
pub(crate) fn narrow(raw: &str) -> Result<Query, Failure> {
    let query = Query::parse(raw)?;
    if query.ids.is_some() || query.types.is_some() {
        let why = "match[id] and match[type] do not apply to one object";
        return Err(Failure::BadRequest(why.into()));
    }
    Ok(query)
}

/// Whether a query that can be used has `match[version]`, in whatever spelling of its octets: a
/// second one could not stand beside it.
fn names_versions(raw: &str) -> bool {
    Query::parse(&format!("{raw}&match[version]=last")).is_err()
}
