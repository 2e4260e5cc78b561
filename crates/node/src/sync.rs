//! Following a peer's log: checkpoint, leaves, openings. READ THIS AFTER `submit`.
//!
//! [`Pull`] is the whole protocol of the side that asks, and does nothing itself: it is told what
//! came, and says what to do next. The binary drives it over HTTP, the simulation over a network of
//! its own making.
//!
//! 1. Ask for the checkpoint, unless a doorbell brought it.
//! 2. Ask for the leaves behind those that are here, bundle by bundle, and store them in pieces;
//!    they count once they give the root that is signed.
//! 3. Ask for the openings that are released to this party, page by page; judge each, keep what is
//!    good, set aside what is not. The tree size is the only cursor.
//!
//! Nothing is lost by a stop anywhere: what is stored says where to go on, and every step may be
//! done again. Nothing that a peer says makes this side hold more than one piece or one page.

mod pull;

pub use pull::{Ask, Came, Fault, LEAVES_PER_PIECE, Next, PAGE_BYTES_MAX, Place, Pull, Room};
