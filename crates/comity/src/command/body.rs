//! `comity body`: all nodes of a body on one machine, to try it, to drill, to develop against.
//!
//! There is nothing here that people could not do by hand, node by node, as
//! `docs/guide/found-a-body.md` has it. Each node is an ordinary directory and an ordinary
//! `comity serve`.

mod found;
mod layout;
mod ports;
mod status;
mod supervise;
mod up;
mod work;

use crate::Outcome;
use crate::arguments::{Body, BodyVerb};
use crate::command::Failure;
use crate::output::Output;

/// The login that each node gets first: it reads, writes, adopts, releases and withdraws.
const LOGIN: &str = "releaser";

/// The alias of the collection that each node gets first.
const COLLECTION: &str = "desk";

pub(crate) fn run(arguments: &Body, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        BodyVerb::Up(arguments) => up::run(arguments, output),
        BodyVerb::Status { dir } => status::run(dir, output),
    }
}
