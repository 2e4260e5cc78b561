//! The versions of one object (TAXII 2.1 §5.8).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Response, StatusCode};
use comity_node::Node;
use comity_wire::id::Id;
use comity_wire::taxii;
use comity_wire::taxii::filter::Versions;

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;
use crate::path::Path;
use crate::taxii::object::{UNKNOWN, narrow};

pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path((name, object)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Failure> {
    let (collection, readable) = caller.readable(&node, &name)?;
    let raw = raw.unwrap_or_default();
    let mut query = narrow(&raw)?;
    query.versions = Versions::All;
    let question = format!("{object}?{raw}");
    pages::blocking(move || {
        let id = Id::parse(&object).ok_or(UNKNOWN)?;
        query.ids = Some(vec![(id.object_type.to_owned(), id.uuid)]);
        let page = node.page(readable, &query, pages::limit(&query))?;
        pages::record(&node, &caller, "versions", Some(&collection), &question, Some(&page))?;
        if page.rows.is_empty() && !node.holds(readable, id.object_type, id.uuid)? {
            return Err(UNKNOWN);
        }
        let mut versions: Vec<String> = Vec::with_capacity(page.rows.len());
        node.records(&page.rows, |_, record| versions.push(record.version))?;
        let next = pages::next(&page);
        let resource = taxii::Versions { more: page.more, next, versions };
        let mut response = pages::resource(StatusCode::OK, &resource)?;
        pages::date_headers(response.headers_mut(), &page);
        Ok(response)
    })
    .await
}
