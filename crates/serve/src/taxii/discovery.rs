//! Server discovery (TAXII 2.1 §4.1).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use comity_node::Node;
use comity_wire::taxii::Discovery;

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;

pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(_): TaxiiCaller,
) -> Result<Response<Body>, Failure> {
    // A path, not a whole URL: it stays right behind a proxy and on every address (T022).
    let root = "/taxii2/comity/".to_owned();
    let discovery = Discovery {
        title: node.config().title.clone(),
        description: Some(format!("A node of {}", node.charter().body)),
        default: Some(root.clone()),
        api_roots: vec![root],
    };
    pages::resource(StatusCode::OK, &discovery)
}
