//! `comity charter`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Charter {
    #[command(subcommand)]
    pub(crate) verb: CharterVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CharterVerb {
    /// Check a charter; every fault has a line, a rule and a remedy
    Check {
        /// The charter
        file: PathBuf,
    },
    /// Print a charter with the keys of its parties' nodes in it
    Keys {
        /// The charter, without those keys
        file: PathBuf,
        /// What `comity peer genesis` printed at a party's node; may be given again
        #[arg(long, value_name = "PARTY=FILE", required = true)]
        genesis: Vec<String>,
    },
    /// Put the charter of a body into a directory whose logs have not begun
    Found {
        /// The node's directory
        dir: PathBuf,
        /// The charter, with the keys of this party
        file: PathBuf,
        /// A charter that it succeeded; may be given again, down to the first
        #[arg(long, value_name = "FILE")]
        before: Vec<PathBuf>,
    },
    /// Propose a charter to succeed the one in force
    Propose {
        /// The node's directory
        dir: PathBuf,
        /// The charter: version n+1, with the hash of n as `previous`
        file: PathBuf,
        /// The user who proposes; the role needs the right to decide
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// Accept a proposed charter for this party
    Accept {
        /// The node's directory
        dir: PathBuf,
        /// Its hash
        hash: String,
        /// The user who accepts; the role needs the right to decide
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// List the charters that are proposed, and who has yet to accept each
    Proposals {
        /// The node's directory
        dir: PathBuf,
    },
    /// Show a charter: the body as it is, or was at a date, and its hash in digits to read aloud
    Show {
        /// The node's directory, or a charter
        #[arg(value_name = "DIR|FILE")]
        place: PathBuf,
        /// A day, a month or a year, in UTC: 2024-03-29, 2009-12, 2013; today, where absent
        #[arg(long, value_name = "DATE")]
        as_of: Option<String>,
    },
    /// Show what one charter changes in another, and what that loosens
    Diff {
        /// The charter before
        old: PathBuf,
        /// The charter after
        new: PathBuf,
    },
}
