//! The manifest of a collection (TAXII 2.1 §5.3): the same selection as objects, without bodies.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use comity_node::Node;
use comity_wire::taxii::filter::Query;
use comity_wire::taxii::{ManifestRecord, STIX_MEDIA_TYPE};

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages::{self, ListWriter};
use crate::path::Path;

pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let (collection, readable) = caller.readable(&node, &name)?;
    let raw = raw.unwrap_or_default();
    let query = Query::parse(&raw)?;
    pages::blocking(move || {
        let page = node.page(readable, &query, pages::limit(&query))?;
        let etag = pages::etag("manifest", &collection, &raw, &page);
        if pages::not_modified(&headers, &etag) {
            pages::record(&node, &caller, "manifest", Some(&collection), &raw, None)?;
            return Ok(pages::unchanged(&etag));
        }
        pages::record(&node, &caller, "manifest", Some(&collection), &raw, Some(&page))?;
        let mut out = Vec::with_capacity(page.rows.len() * 256 + 64);
        let mut list = ListWriter::begin(&mut out, &page);
        node.records(&page.rows, |row, record| {
            list.member(&mut out);
            let record = ManifestRecord {
                id: &record.id,
                date_added: row.date_added.to_string(),
                version: &record.version,
                media_type: STIX_MEDIA_TYPE,
            };
            // Strings into a vector: nothing here can fail.
            let _ = serde_json::to_writer(&mut out, &record);
        })?;
        list.end(&mut out);
        let mut response = pages::taxii(StatusCode::OK, pages::bytes(out));
        pages::date_headers(response.headers_mut(), &page);
        pages::set_tag(response.headers_mut(), &etag);
        Ok(response)
    })
    .await
}
