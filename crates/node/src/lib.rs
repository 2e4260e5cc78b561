//! One party's node: the flow, in two short files, and what it leans on.
//!
//! Read [`submit`] first: bytes → gate → log → view → receipt. [`withdraw`] is its counterpart.
//! The `writer` is the only thread that appends; everything else reads.
//!
//! This crate reads no clock and draws no randomness: both come with [`Surroundings`].

pub mod account;
mod admin;
pub mod adopt;
pub mod ahead;
mod allowance;
pub mod assess;
mod audit;
pub mod backup;
pub mod bare;
mod bells;
pub mod collection;
pub mod config;
pub mod conflict;
pub mod consent;
pub mod contact;
pub mod directory;
pub mod evidence;
pub mod export;
mod fold;
pub mod genesis;
pub mod grant;
pub mod heads;
pub mod import;
mod judge;
mod keys;
mod local;
mod make;
pub mod metrics;
mod mirror;
mod node;
mod password;
pub mod peer;
pub mod query;
pub mod quota;
pub mod receipt;
pub mod receive;
pub mod recover;
pub mod refusals;
pub mod release;
mod reserve;
pub mod restore;
pub mod resume;
pub mod retention;
pub mod role;
pub mod share;
pub mod status;
mod stores;
pub mod submit;
pub mod succession;
pub mod sync;
mod terms;
pub mod token;
pub mod verify;
pub mod withdraw;
mod writer;

pub use audit::Access;
pub use config::Config;
pub use directory::{Directory, Lock};
pub use local::LocalError;
pub use make::Made;
pub use node::{Credentials, Free, Node, NodeError, Random, Surroundings};
pub use password::{Checked, HASHES_AT_A_TIME};
