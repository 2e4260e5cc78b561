//! The binary as it runs: bad input, kills, a full disk, flipped bits, every command, who may do
//! what, what is recorded, what is erased. Each test makes a node of its own.
//!
//! `COMITY_ACCEPT=1 cargo test -p comity --test node` writes `docs/reference/access.md` anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do"
)]

mod node {
    pub(crate) mod harness;
    pub(crate) mod http;
    pub(crate) mod sample;

    mod access;
    mod audit;
    mod back_up;
    mod bad_input;
    mod body;
    mod commands;
    mod credentials;
    mod disk_full;
    mod doors;
    mod erasure;
    mod flipped_bits;
    mod kill;
    mod operate;
    pub(crate) mod peers;
    mod quota;
    mod release;
    mod upgrade;
}
