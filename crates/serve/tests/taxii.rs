//! TAXII 2.1 over the HTTP surface: one test or more for every line of the requirements, and one
//! for every fault that was met in other servers. A test is named after its line: `t011_...`.
//!
//! `taxii/lines.rs` says each line in a sentence; `taxii/reference.rs` holds the lines against
//! the tests and writes both to `docs/reference/taxii.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod taxii {
    mod add;
    mod ask;
    mod authentication;
    mod caching;
    mod collections;
    mod concurrency;
    mod content;
    mod delete;
    mod discovery;
    mod errors;
    mod expiry;
    mod filter;
    mod harness;
    mod lines;
    mod manifest;
    mod negotiation;
    mod object;
    mod paging;
    mod peers;
    mod reference;
    mod representation;
    mod sample;
    mod selection;
    mod socket;
    mod status;
    mod transport;
    mod versions;
}
