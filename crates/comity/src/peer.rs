//! The way to a peer's node: a connection with both sides' keys pinned, answers that are never
//! larger or later than asked for, and the doorbell. What is done with them is not known here.
//!
//! Whatever comes from a peer is bounded before it is read: heads, bodies, events, time.

#![cfg_attr(
    not(test),
    allow(
        dead_code,
        reason = "the transport is complete and tested; what pulls over it is to come"
    )
)]

mod connection;
mod doorbell;
mod error;
mod event;
#[cfg(test)]
mod tests;

#[cfg_attr(not(test), allow(unused_imports, reason = "as above"))]
pub(crate) use connection::{Answer, Connection, Waits};
#[cfg_attr(not(test), allow(unused_imports, reason = "as above"))]
pub(crate) use doorbell::{Doorbell, Ring};
#[cfg_attr(not(test), allow(unused_imports, reason = "as above"))]
pub(crate) use error::PeerError;
