//! The description of the HTTP surface, for programs that write clients and tests.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};

/// OpenAPI 3.1; a test compares its paths with the router's.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn get() -> Response<Body> {
    let mut response = Response::new(Body::from(DOCUMENT));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
