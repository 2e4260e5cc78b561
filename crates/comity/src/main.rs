//! The binary: one node of one party. Commands work while the node serves: they go through its
//! control socket then, and open the directory themselves otherwise.
//!
//! Exit codes: 0 done · 1 done, and something was refused or found wrong · 2 the command line ·
//! 3 it could not be done.

mod arguments;
mod command;
mod control;
mod notify;
mod output;
mod peer;
mod surroundings;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::command::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(&arguments.command, &output) {
        Ok(outcome) => outcome.code(),
        Err(failure) if failure.is_unheard() => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(3)
        }
    }
}

/// How a command that was carried out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As asked.
    Done,
    /// As asked, and something was refused or found wrong.
    Found,
}

impl Outcome {
    fn code(self) -> ExitCode {
        match self {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Found => ExitCode::from(1),
        }
    }
}

fn run(command: &Command, output: &Output) -> Result<Outcome, Failure> {
    match command {
        Command::Init(arguments) => command::init::run(arguments, output),
        Command::Serve(arguments) => command::serve::run(arguments, output),
        Command::User(arguments) => command::user::run(arguments, output),
        Command::Token(arguments) => command::token::run(arguments, output),
        Command::Collection(arguments) => command::collection::run(arguments, output),
        Command::Assess(arguments) => command::assess::run(arguments, output),
        Command::Adopt(arguments) => command::adopt::run(arguments, output),
        Command::Share(arguments) => command::share::run(arguments, output),
        Command::Grant(arguments) => command::grant::run(arguments, output),
        Command::Withdraw(arguments) => command::withdraw::run(arguments, output),
        Command::Import(arguments) => command::import::run(arguments, output),
        Command::Export(arguments) => command::export::run(arguments, output),
        Command::Verify(arguments) => command::verify::run(arguments, output),
        Command::Refusals(arguments) => command::refusals::run(arguments, output),
        Command::Doctor(arguments) => command::doctor::run(arguments, output),
        Command::Backup(arguments) => command::backup::run(arguments, output),
        Command::Restore(arguments) => command::restore::run(arguments, output),
        Command::Resume(arguments) => command::resume::run(arguments, output),
        Command::Charter(arguments) => command::charter::run(arguments, output),
        Command::Peer(arguments) => command::peer::run(arguments, output),
        Command::Body(arguments) => command::body::run(arguments, output),
    }
}
