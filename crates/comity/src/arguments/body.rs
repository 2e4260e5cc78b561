//! The command line of `comity body`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Body {
    #[command(subcommand)]
    pub(crate) verb: BodyVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BodyVerb {
    /// Found a body in a directory, or take it up again, and serve the nodes of its parties on this
    /// machine until SIGTERM or Ctrl-C: each an ordinary directory, each a process of its own
    Up(Up),
    /// Show how each node of a body on this machine is, and how far it has the others' logs; exit
    /// code 1 when one does not serve, or something is in the way
    Status {
        /// The directory of the body
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The directory of the body; made where there is none
    pub(crate) dir: PathBuf,
    /// The charter, without the keys of the parties that get a node here; a body that is there
    /// needs none
    #[arg(long, value_name = "FILE")]
    pub(crate) charter: Option<PathBuf>,
    /// The parties that get a node: the first N that are in standing today, or these; without it,
    /// all that are
    #[arg(long, value_name = "N|ID,ID")]
    pub(crate) parties: Option<String>,
    /// A party whose node is founded with the others and not started; may be given again
    #[arg(long, value_name = "ID")]
    pub(crate) without: Vec<String>,
    /// The first port: each node takes two, for clients and for peers; without it, ports that are
    /// free, and the same ones the next time
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_from: Option<u16>,
    /// A bundle for a party's collection `desk`; may be given again
    #[arg(long, value_name = "PARTY=FILE")]
    pub(crate) import: Vec<String>,
    /// Share what a party's collection `desk` holds, once it is imported: all, tier:NAME or
    /// party:ID,ID; without PARTY=, that of every party that something is imported for
    #[arg(long, value_name = "[PARTY=]RULE")]
    pub(crate) release: Vec<String>,
    /// Write the passwords of the first logins to DIR/logins.txt, for its owner alone; without it,
    /// they are shown once
    #[arg(long)]
    pub(crate) keep_logins: bool,
    /// Serve clients TLS, with certificates of the nodes' own
    #[arg(long)]
    pub(crate) tls: bool,
}
