//! Who gets what: shares, grants and withdrawals, as each party of a body is served. The answers are
//! `docs/reference/release.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod body;
mod world;

#[path = "release/at_once.rs"]
mod at_once;
#[path = "release/cursor.rs"]
mod cursor;
#[path = "release/history.rs"]
mod history;
#[path = "release/page.rs"]
mod page;
#[path = "release/rules.rs"]
mod rules;
