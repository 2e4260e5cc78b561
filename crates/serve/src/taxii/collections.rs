//! Collections (TAXII 2.1 §5.1, §5.2), as the caller may see them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use comity_node::Node;
use comity_node::collection::{Collection, Grant};
use comity_wire::taxii::{self, STIX_MEDIA_TYPE};

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;
use crate::path::Path;

/// All that the caller may read or write, by id (T040, T041).
pub(crate) async fn list(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
) -> Result<Response<Body>, Failure> {
    pages::blocking(move || {
        let mut collections = Vec::new();
        for collection in node.collections() {
            let grant = caller.grant(&node, &collection);
            if grant.read || grant.write {
                collections.push(shown(collection, grant));
            }
        }
        pages::record(&node, &caller, "collections", None, "", None)?;
        pages::resource(StatusCode::OK, &taxii::Collections { collections })
    })
    .await
}

/// One of them, by id or alias.
pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path(name): Path<String>,
) -> Result<Response<Body>, Failure> {
    pages::blocking(move || {
        let (collection, grant) = caller.collection(&node, &name)?;
        pages::record(&node, &caller, "collection", Some(&collection), "", None)?;
        pages::resource(StatusCode::OK, &shown(collection, grant))
    })
    .await
}

fn shown(collection: Collection, grant: Grant) -> taxii::Collection {
    taxii::Collection {
        id: collection.id,
        title: collection.title,
        description: collection.description,
        alias: collection.alias,
        can_read: grant.read,
        can_write: grant.write,
        media_types: vec![STIX_MEDIA_TYPE.to_owned()],
    }
}
