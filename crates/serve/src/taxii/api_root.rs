//! The API root (TAXII 2.1 §4.2). There is one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use comity_node::Node;
use comity_wire::limits::TAXII_BODY_BYTES_MAX;
use comity_wire::taxii::{ApiRoot, MEDIA_TYPE};

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;

pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(_): TaxiiCaller,
) -> Result<Response<Body>, Failure> {
    let root = ApiRoot {
        title: node.config().title.clone(),
        description: Some(format!("The collections of {}", node.config().party)),
        versions: vec![MEDIA_TYPE.to_owned()],
        max_content_length: TAXII_BODY_BYTES_MAX,
    };
    pages::resource(StatusCode::OK, &root)
}
