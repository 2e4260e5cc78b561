//! What the HTTP surface counts, and the listener that tells it: `GET /metrics` in the Prometheus
//! text format, `GET /health`, `GET /ready`.
//!
//! **Invariant:** an endpoint is named by its template, never by the path that was asked for. A
//! label is a constant of the program, so a client cannot make a new series.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, Response, header};
use axum::routing::get;
use comity_node::Node;
use comity_node::metrics::{Counter, Family, Histogram, Text, micros};

use crate::error::Failure;
use crate::pages;
use crate::router::ENDPOINTS;

/// Upper bounds of an answer, in microseconds.
const ANSWER_MICROS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// Stands for every path that is no endpoint, every other method and every other status.
const OTHER: &str = "other";

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", OTHER];

/// The statuses that `error` knows, those of success, and what layers answer by themselves.
const STATUSES: [u16; 21] = [
    200, 202, 204, 206, 304, 400, 401, 403, 404, 405, 406, 408, 413, 415, 421, 422, 429, 431, 500,
    503, 507,
];

/// What the HTTP surface tells.
pub const FAMILIES: &[Family] =
    &[REQUESTS, DURATION, CONNECTIONS, PEER_CONNECTIONS, DOORBELLS, TURNED_AWAY, SLOWED];

const REQUESTS: Family = Family {
    name: "comity_http_requests_total",
    kind: "counter",
    labels: &["endpoint", "method", "status"],
    help: "requests that were answered; `endpoint` is the template of the path, `other` is no endpoint",
};

const DURATION: Family = Family {
    name: "comity_http_request_duration_seconds",
    kind: "histogram",
    labels: &["endpoint"],
    help: "how long it took from the head of a request to the head of its answer; a long page goes on after that",
};

const CONNECTIONS: Family = Family {
    name: "comity_http_connections",
    kind: "gauge",
    labels: &[],
    help: "connections that are open, the one that asks included",
};

const PEER_CONNECTIONS: Family = Family {
    name: "comity_peer_connections",
    kind: "gauge",
    labels: &[],
    help: "connections of peers that were let in and are open",
};

const DOORBELLS: Family = Family {
    name: "comity_peer_doorbells",
    kind: "gauge",
    labels: &[],
    help: "doorbells that hang, at most one for each peer",
};

const TURNED_AWAY: Family = Family {
    name: "comity_peer_turned_away_total",
    kind: "counter",
    labels: &[],
    help: "times that a key came to the listener for peers that no party in standing shows; the log has its pin",
};

const SLOWED: Family = Family {
    name: "comity_peer_slowed_total",
    kind: "counter",
    labels: &[],
    help: "requests of peers that were too many in a second or at a time",
};

/// What the process tells of itself; `crates/comity` finds it.
pub const PROCESS: &[Family] = &[
    Family {
        name: "process_resident_memory_bytes",
        kind: "gauge",
        labels: &[],
        help: "memory that the process holds",
    },
    Family {
        name: "process_open_fds",
        kind: "gauge",
        labels: &[],
        help: "file descriptors that are open",
    },
    Family {
        name: "process_max_fds",
        kind: "gauge",
        labels: &[],
        help: "file descriptors that may be open",
    },
];

/// A value for each family of [`PROCESS`], where the system says.
pub type Process = dyn Fn() -> [Option<u64>; 3] + Send + Sync;

/// Connections of this process: of clients, and of peers.
static OPEN: AtomicU64 = AtomicU64::new(0);
static PEERS_OPEN: AtomicU64 = AtomicU64::new(0);

/// Doorbells of this process.
static RINGING: AtomicU64 = AtomicU64::new(0);

/// Keys that were not let in, and requests of peers that were too many.
pub(crate) static KEYS_TURNED_AWAY: AtomicU64 = AtomicU64::new(0);
pub(crate) static PEERS_SLOWED: AtomicU64 = AtomicU64::new(0);

/// Counts something as long as it lives.
pub(crate) struct Counted(&'static AtomicU64);

impl Counted {
    /// A connection of a client.
    pub(crate) fn connection() -> Counted {
        Counted::one(&OPEN)
    }

    /// A connection of a peer.
    pub(crate) fn peer() -> Counted {
        Counted::one(&PEERS_OPEN)
    }

    /// A doorbell.
    pub(crate) fn doorbell() -> Counted {
        Counted::one(&RINGING)
    }

    fn one(count: &'static AtomicU64) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is counted of requests.
#[derive(Debug)]
pub struct Requests {
    endpoints: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    path: &'static str,
    answered: [[Counter; STATUSES.len() + 1]; METHODS.len()],
    took: Histogram<12>,
}

impl Endpoint {
    fn new(path: &'static str) -> Endpoint {
        let answered = std::array::from_fn(|_| std::array::from_fn(|_| Counter::default()));
        Endpoint { path, answered, took: Histogram::new(ANSWER_MICROS) }
    }
}

impl Default for Requests {
    fn default() -> Requests {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for path in ENDPOINTS.iter().map(|endpoint| endpoint.path).chain([OTHER]) {
            if endpoints.iter().all(|known| known.path != path) {
                endpoints.push(Endpoint::new(path));
            }
        }
        Requests { endpoints }
    }
}

/// A request that is being answered.
pub(crate) struct Under {
    endpoint: usize,
    method: usize,
    began: Duration,
}

impl Requests {
    /// Begins to measure, once the route is chosen.
    pub(crate) fn begin(&self, request: &Request, now: Duration) -> Under {
        let path = request.extensions().get::<MatchedPath>().map_or(OTHER, MatchedPath::as_str);
        let last = self.endpoints.len() - 1;
        let endpoint = self.endpoints.iter().position(|known| known.path == path).unwrap_or(last);
        Under { endpoint, method: method(request.method()), began: now }
    }

    /// Counts the answer, and tells the log of it: no path, no query, no caller.
    pub(crate) fn end(&self, under: &Under, status: u16, now: Duration) {
        let Some(endpoint) = self.endpoints.get(under.endpoint) else { return };
        let took = micros(now.saturating_sub(under.began));
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        if let Some(counter) = endpoint.answered.get(under.method).and_then(|row| row.get(at)) {
            counter.one();
        }
        endpoint.took.count(took);
        let method = METHODS.get(under.method).copied().unwrap_or(OTHER);
        tracing::debug!(endpoint = endpoint.path, method, status, micros = took, "answered");
    }

    fn tell(&self, text: &mut Text) {
        text.family(&REQUESTS);
        for endpoint in &self.endpoints {
            for (method, row) in METHODS.iter().zip(&endpoint.answered) {
                for (at, counter) in row.iter().enumerate().filter(|(_, one)| one.get() > 0) {
                    let status = STATUSES.get(at).map(u16::to_string);
                    let status = status.as_deref().unwrap_or(OTHER);
                    text.sample(&REQUESTS, &[endpoint.path, method, status], counter.get());
                }
            }
        }
        text.family(&DURATION);
        for endpoint in self.endpoints.iter().filter(|one| !one.took.is_empty()) {
            text.histogram(&DURATION, &[endpoint.path], &endpoint.took, 1_000_000);
        }
        for (family, count) in [
            (&CONNECTIONS, &OPEN),
            (&PEER_CONNECTIONS, &PEERS_OPEN),
            (&DOORBELLS, &RINGING),
            (&TURNED_AWAY, &KEYS_TURNED_AWAY),
            (&SLOWED, &PEERS_SLOWED),
        ] {
            text.family(family);
            text.sample(family, &[], count.load(Ordering::Relaxed));
        }
    }
}

fn method(method: &Method) -> usize {
    let last = METHODS.len() - 1;
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(last)
}

/// What the listener for supervisors knows.
#[derive(Clone)]
struct Told {
    node: Arc<Node>,
    requests: Arc<Requests>,
    process: Arc<Process>,
}

/// The service of the listener for supervisors. It asks nobody who he is.
pub fn supervision(node: Arc<Node>, requests: Arc<Requests>, process: Arc<Process>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .with_state(Told { node, requests, process })
}

async fn metrics(State(told): State<Told>) -> Result<Response<Body>, Failure> {
    let text = pages::blocking(move || {
        let mut text = Text::default();
        told.node.metrics(&mut text)?;
        told.requests.tell(&mut text);
        for (family, value) in PROCESS.iter().zip((told.process)()) {
            text.family(family);
            if let Some(value) = value {
                text.sample(family, &[], value);
            }
        }
        Ok(text.finish())
    });
    let mut response = Response::new(Body::from(text.await?));
    let format = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, format);
    Ok(response)
}

/// Whether requests of every kind should be sent here.
async fn ready(State(told): State<Told>) -> Result<&'static str, Failure> {
    if told.node.is_stopping() {
        return Err(Failure::Busy("the node is stopping"));
    }
    match told.node.read_only() {
        Some(why) => Err(Failure::Busy(why)),
        None => Ok("ready\n"),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn every_status_of_a_failure_is_counted_under_its_own_name() {
        for failure in [
            Failure::Unauthenticated,
            Failure::NotAcceptable,
            Failure::NotFound(""),
            Failure::Forbidden(String::new()),
            Failure::UnsupportedMedia,
            Failure::TooLarge(0),
            Failure::BadRequest(String::new()),
            Failure::Unprocessable(String::new()),
            Failure::MethodNotAllowed,
            Failure::Full,
            Failure::Reserve(String::new()),
            Failure::TooSlow,
            Failure::Misdirected,
            Failure::Slowed { seconds: 1 },
            Failure::Busy(""),
            Failure::Internal(String::new()),
        ] {
            let status = failure.into_response().status().as_u16();
            assert!(STATUSES.contains(&status), "{status}");
        }
    }
}
