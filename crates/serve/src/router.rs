//! The whole URL map, grouped by who calls it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};
use comity_node::Node;
use comity_view::Right;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::decompression::RequestDecompressionLayer;

use crate::error::Failure;
use crate::limit::Limits;
use crate::metrics::Requests;
use crate::{error, host, log, openapi, taxii};

/// Responses below this many octets are not worth compressing.
const COMPRESS_ABOVE: u64 = 1024;

/// A method of an endpoint, and what it needs: the row of the access matrix.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// The method.
    pub method: &'static str,
    /// The path, with placeholders.
    pub path: &'static str,
    /// The rights that are needed, one of them; none means any account.
    pub needs: &'static [Right],
    /// Whether the path answers without credentials.
    pub public: bool,
}

const fn row(method: &'static str, path: &'static str, needs: &'static [Right]) -> Endpoint {
    Endpoint { method, path, needs, public: false }
}

const fn public(path: &'static str) -> Endpoint {
    Endpoint { method: "GET", path, needs: &[], public: true }
}

const READ: &[Right] = &[Right::Read];
const WRITE: &[Right] = &[Right::Write];
const BOTH: &[Right] = &[Right::Read, Right::Write];

/// Every method of every endpoint. A test compares it with the router and with
/// `docs/reference/access.md`.
pub const ENDPOINTS: &[Endpoint] = &[
    row("GET", "/taxii2/", &[]),
    row("GET", "/taxii2/comity/", &[]),
    row("GET", "/taxii2/comity/status/{id}/", &[]),
    row("GET", "/taxii2/comity/collections/", &[]),
    row("GET", "/taxii2/comity/collections/{collection}/", BOTH),
    row("GET", "/taxii2/comity/collections/{collection}/manifest/", READ),
    row("GET", "/taxii2/comity/collections/{collection}/objects/", READ),
    row("POST", "/taxii2/comity/collections/{collection}/objects/", WRITE),
    row("GET", "/taxii2/comity/collections/{collection}/objects/{object}/", READ),
    row("DELETE", "/taxii2/comity/collections/{collection}/objects/{object}/", WRITE),
    row("GET", "/taxii2/comity/collections/{collection}/objects/{object}/versions/", READ),
    row("GET", "/log/{log}/checkpoint", &[Right::Read, Right::Review, Right::Administer]),
    row("GET", "/log/{log}/vkey", &[Right::Read, Right::Review, Right::Administer]),
    row("GET", "/log/{log}/tile/{*tile}", &[Right::Read, Right::Review, Right::Administer]),
    row("GET", "/log/{log}/release", &[Right::Read, Right::Review]),
    public("/api/v1/openapi.json"),
    public("/health"),
];

/// The service of a node.
pub fn router(node: Arc<Node>) -> Router {
    counted(node, Arc::default())
}

/// The service of a node whose requests are counted.
pub fn counted(node: Arc<Node>, requests: Arc<Requests>) -> Router {
    let collection = "/taxii2/comity/collections/{collection}/";
    let at = |rest: &str| format!("{collection}{rest}");
    let routes: Vec<(String, MethodRouter<Arc<Node>>)> = vec![
        // TAXII clients
        ("/taxii2/".into(), get(taxii::discovery::get)),
        ("/taxii2/comity/".into(), get(taxii::api_root::get)),
        ("/taxii2/comity/status/{id}/".into(), get(taxii::status::get)),
        ("/taxii2/comity/collections/".into(), get(taxii::collections::list)),
        (at(""), get(taxii::collections::get)),
        (at("manifest/"), get(taxii::manifest::get)),
        (at("objects/"), get(taxii::objects::get).post(taxii::objects::post)),
        (at("objects/{object}/"), get(taxii::object::get).delete(taxii::object::delete)),
        (at("objects/{object}/versions/"), get(taxii::versions::get)),
        // Verifiers and, later, peers
        ("/log/{log}/checkpoint".into(), get(log::checkpoint)),
        ("/log/{log}/vkey".into(), get(log::vkey)),
        ("/log/{log}/tile/{*tile}".into(), get(log::tile)),
        ("/log/{log}/release".into(), get(log::release)),
        // Programs that want to know what there is, and supervisors
        ("/api/v1/openapi.json".into(), get(openapi::get)),
        ("/health".into(), get(health)),
    ];
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router.route(&path, methods);
    }
    let limits = Arc::new(Limits::default());
    let hosts = middleware::from_fn_with_state(node.clone(), host::check);
    let routed = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(RequestDecompressionLayer::new().gzip(true).pass_through_unaccepted(false))
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_ABOVE)))
        .layer(hosts)
        .layer(middleware::from_fn_with_state((node.clone(), requests), bare_head))
        .layer(Extension(limits))
        .with_state(node);
    // Around the router, since a layer inside it runs when the route is chosen already.
    Router::new()
        .fallback_service(tower::ServiceBuilder::new().map_request(with_slash).service(routed))
}

/// TAXII paths end in a slash. One without is answered as if it had it: many clients do not
/// follow a redirect, or drop their credentials when they do (T002).
fn with_slash(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path();
    if !path.starts_with("/taxii2") || path.ends_with('/') {
        return request;
    }
    let rewritten = match uri.query() {
        Some(query) => format!("{path}/?{query}"),
        None => format!("{path}/"),
    };
    if let Ok(uri) = rewritten.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// What every response carries, whatever it is; and what is counted of it.
async fn bare_head(
    State((node, requests)): State<(Arc<Node>, Arc<Requests>)>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let under = requests.begin(&request, node.monotonic());
    let mut response = error::in_words(next.run(request).await);
    requests.end(&under, response.status().as_u16(), node.monotonic());
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(header::HeaderValue::from_static("private, no-cache"));
    response
}

async fn not_found() -> Failure {
    Failure::NotFound("there is nothing at this path")
}

async fn method_not_allowed() -> Failure {
    Failure::MethodNotAllowed
}

async fn health() -> &'static str {
    "ok\n"
}
