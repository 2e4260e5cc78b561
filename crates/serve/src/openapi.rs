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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::DOCUMENT;
    use crate::router::ENDPOINTS;

    #[test]
    fn the_document_has_the_endpoints_and_no_others() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let verbs = methods.as_object().unwrap().keys().filter(|key| *key != "parameters");
            described.extend(verbs.map(|verb| format!("{} {path}", verb.to_uppercase())));
        }
        // OpenAPI has no word for the rest of a path.
        let served: BTreeSet<String> = ENDPOINTS
            .iter()
            .map(|one| format!("{} {}", one.method, one.path.replace("{*", "{")))
            .collect();
        assert_eq!(described, served);
    }
}
