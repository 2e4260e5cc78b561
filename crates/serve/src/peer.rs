//! The door for peers' nodes: a listener of its own, always TLS 1.3 with both sides' keys pinned
//! by the charter ([`crate::pinned`]). What TAXII clients do does not touch it, and what peers do
//! does not touch them: connections, limits and routes are apart.
//!
//! Three things bound what a stranger costs (handshakes at a time, of one address, and their
//! time), and five what a party does ([`Limits`], `party.rs`).

mod admit;
mod checkpoint;
mod doorbell;
mod held;
mod listen;
mod mirror;
mod party;
mod release;
mod tile;
mod told;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use comity_node::Node;
use comity_wire::entry::Log;
use tokio::sync::{Semaphore, watch};

use crate::error::Failure;
use crate::log::UNKNOWN;
use crate::stream::{IDLE_TIMEOUT, WRITE_TIMEOUT};
use party::Guests;
use told::Told;

pub use listen::listen;

/// Every path of this listener; all are GET, and for every party in standing. A test compares them
/// with the router and with `docs/reference/http.md`.
pub const PEER_ENDPOINTS: [&str; 8] = [
    "/log/{log}/checkpoint",
    "/log/{log}/tile/{*tile}",
    "/log/{log}/release",
    "/mirror/heads",
    "/mirror/{party}/{log}/checkpoint",
    "/mirror/{party}/{log}/tile/{*tile}",
    "/mirror/{party}/{log}/release",
    "/doorbell",
];

/// Handshakes at a time. Whoever has no key that the charter lists gets no further, and holds one
/// of these at most.
pub const HANDSHAKES_MAX: usize = 64;

/// Handshakes at a time of one address (of IPv6 a /64): one machine cannot hold them all.
pub const HANDSHAKES_OF_ADDRESS_MAX: usize = 8;

/// How long a handshake may take: some round trips of the longest line, and a machine that is
/// busy.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections of all parties: eight each of sixty-four.
pub const CONNECTIONS_MAX: usize = 512;

/// Connections of one party: a doorbell, a pull of each log, and as many again that its node has
/// not closed yet. With one more the oldest ends, so that those that went dead keep nobody out.
pub const PARTY_CONNECTIONS_MAX: usize = 8;

/// How long the head of a request may take, and how long a connection may wait for the next one: a
/// peer that polls each minute keeps it.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(90);

/// Octets of the head of a request: a path and some headers.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Fields of the head of a request.
pub const HEAD_FIELDS_MAX: usize = 32;

/// Requests of one party in a second, and as many at once. A bundle of 256 leaves each: whoever
/// joins reads a million leaves in four seconds. Releases have a limit of their own besides.
pub const PARTY_REQUESTS_PER_SECOND: u32 = 1000;

/// Requests of one party at a time, from their head to the last octet of the answer.
pub const PARTY_REQUESTS_MAX: usize = 8;

/// Pages of openings of one party at a time, one for each log. A page is some 4 MiB of envelopes,
/// 8 with one of the largest at its end, and a third more in base64.
pub const PARTY_RELEASES_MAX: usize = 2;

/// Pages of openings of all parties at a time: 16 of at most 20 MiB while they are made.
pub const RELEASES_MAX: usize = 16;

/// How long an answer may take until its last octet is sent: a line of half a megabit in a second
/// carries the largest page. Whoever takes it more slowly would hold it in memory for ever.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);

/// How often a doorbell says that it is there. Comments would not do: a reader that went away is
/// found by what it does not take, and a doorbell that broke by what does not come.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(20);

/// How long one doorbell lasts: its reader comes again, with a new handshake.
pub const DOORBELL_LIFE: Duration = Duration::from_secs(3600);

/// How long connections may take to end once the node stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits in time that a listener has. Tests have shorter ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// [`HANDSHAKE_TIMEOUT`]
    pub handshake: Duration,
    /// [`HEAD_TIMEOUT`]
    pub head: Duration,
    /// How long not one octet of an answer may be taken, as for other clients.
    pub write: Duration,
    /// How long nothing at all may move, as for other clients.
    pub idle: Duration,
    /// [`ANSWER_TIMEOUT`]
    pub answer: Duration,
    /// [`HEARTBEAT_INTERVAL`]
    pub heartbeat: Duration,
    /// [`DOORBELL_LIFE`]
    pub doorbell: Duration,
    /// [`PARTY_REQUESTS_PER_SECOND`]
    pub requests_per_second: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            handshake: HANDSHAKE_TIMEOUT,
            head: HEAD_TIMEOUT,
            write: WRITE_TIMEOUT,
            idle: IDLE_TIMEOUT,
            answer: ANSWER_TIMEOUT,
            heartbeat: HEARTBEAT_INTERVAL,
            doorbell: DOORBELL_LIFE,
            requests_per_second: PARTY_REQUESTS_PER_SECOND,
        }
    }
}

/// The party in standing now whose node shows this key, by the charter in force now. It is asked
/// at each handshake, with each request, and with each ring of a doorbell.
pub type Parties = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What all connections of a listener share.
pub struct Door {
    pub(crate) node: Arc<Node>,
    pub(crate) parties: Arc<Parties>,
    pub(crate) limits: Limits,
    guests: Guests,
    releases: Arc<Semaphore>,
    /// Changes with the node's heads.
    rung: watch::Receiver<()>,
    /// Whether the listener stops.
    stopping: watch::Sender<bool>,
    told: Arc<Told>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Door")
    }
}

impl Door {
    /// A door of a node. `parties` says who may come in.
    pub fn new(node: Arc<Node>, parties: Arc<Parties>, limits: Limits) -> Arc<Door> {
        let (ring, rung) = watch::channel(());
        node.heads().ring(move || ring.send_replace(()));
        let told = Arc::new(Told::new(node.clone()));
        Arc::new(Door {
            node,
            parties,
            limits,
            guests: Guests::default(),
            releases: Arc::new(Semaphore::new(RELEASES_MAX)),
            rung,
            stopping: watch::Sender::new(false),
            told,
        })
    }
}

/// The URL map for peers.
fn router(door: Arc<Door>) -> Router {
    let [checkpoint, tile, release, heads, head, leaves, bodies, doorbell] = PEER_ENDPOINTS;
    let answers = Router::new()
        .route(checkpoint, get(checkpoint::get))
        .route(tile, get(tile::get))
        .route(release, get(release::get))
        .route(heads, get(mirror::heads))
        .route(head, get(mirror::checkpoint))
        .route(leaves, get(mirror::tile))
        .route(bodies, get(mirror::release))
        .layer(middleware::from_fn_with_state(door.clone(), admit::one_of_few));
    Router::new()
        .route(doorbell, get(doorbell::get))
        .merge(answers)
        .fallback(async || UNKNOWN)
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(door.clone(), admit::admit))
        .with_state(door)
}

/// The log of a name, of those that peers follow. The others do not exist here.
fn log(name: &str) -> Result<Log, Failure> {
    let followed = |log: &Log| comity_node::heads::FOLLOWED.contains(log);
    Log::from_name(name).filter(followed).ok_or(UNKNOWN)
}
