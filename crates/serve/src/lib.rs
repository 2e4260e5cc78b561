//! HTTP only: extract, ask the node or a query, respond.
//!
//! `router` is the whole URL map on one page. **Invariants:** only `caller` makes a reader;
//! only `error` knows status codes; no handler touches a store without going through the node.

mod alive;
mod body;
mod caller;
mod error;
mod host;
mod limit;
mod listen;
mod log;
pub mod metrics;
mod negotiate;
mod openapi;
mod pages;
mod path;
pub mod peer;
pub mod pinned;
mod router;
mod stream;
mod taxii;
mod tls;

pub use alive::notice_the_end;
pub use listen::{Listening, Scheme, ServeError, listen};
pub use router::{ENDPOINTS, Endpoint, counted, router};
pub use tls::Tls;
