//! `comity adopt`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::one_of;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Adopt {
    #[command(subcommand)]
    pub(crate) verb: Option<AdoptVerb>,
    #[command(flatten)]
    pub(crate) now: Option<AdoptNow>,
}

#[derive(Debug, Args)]
#[command(group = one_of(&["object", "all"]).multiple(false))]
pub(crate) struct AdoptNow {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// An object, by its id, in all versions that were received; may be given again
    #[arg(long, value_name = "ID")]
    pub(crate) object: Vec<String>,
    /// All that was received
    #[arg(long)]
    pub(crate) all: bool,
    /// The party whose release it is; without it, whoever released it
    #[arg(long, value_name = "PARTY")]
    pub(crate) from: Option<String>,
    /// The collection of this party's own that it is to come into
    #[arg(long)]
    pub(crate) collection: String,
    /// The user who adopts; the role needs the right to adopt
    #[arg(long, value_name = "USER")]
    pub(crate) by: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdoptVerb {
    /// Rules by which what a party releases is adopted as it arrives
    #[command(subcommand)]
    Rule(RuleVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RuleVerb {
    /// Make a rule, for what arrives from now on
    Add {
        /// The node's directory
        dir: PathBuf,
        /// The party whose release it is
        #[arg(long, value_name = "PARTY")]
        from: String,
        /// The collection of this party's own that it is to come into
        #[arg(long)]
        collection: String,
        /// A type of objects, such as indicator; may be given again; without it, all
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// The strictest TLP 2.0 label that is adopted; without it, any
        #[arg(long, value_name = "LABEL")]
        tlp_max: Option<String>,
        /// Adopt also what is there already
        #[arg(long)]
        existing: bool,
        /// The user whose rule it is; the role needs the right to adopt, as long as the rule stands
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// List rules, and why those stopped that did
    List {
        /// The node's directory
        dir: PathBuf,
    },
    /// End a rule; what it adopted stays
    Remove {
        /// The node's directory
        dir: PathBuf,
        /// Its number, as `list` shows it
        id: i64,
        /// The user who ends it; the role needs the right to adopt
        #[arg(long, value_name = "USER")]
        by: String,
    },
}
