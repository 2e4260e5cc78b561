//! The status of a POST (TAXII 2.1 §4.3), for the account that made it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use comity_node::Node;

use crate::caller::TaxiiCaller;
use crate::error::Failure;
use crate::pages;
use crate::path::Path;

pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path(id): Path<String>,
) -> Result<Response<Body>, Failure> {
    let body = node
        .status(caller.checked.account.id, &id.to_ascii_lowercase())?
        .ok_or(Failure::NotFound("there is no such status, or it is another's, or it is over"))?;
    Ok(pages::taxii(StatusCode::OK, body))
}
