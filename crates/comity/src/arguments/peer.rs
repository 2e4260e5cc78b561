//! `comity peer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Peer {
    #[command(subcommand)]
    pub(crate) verb: PeerVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeerVerb {
    /// Print the keys of this node as the charter lists them
    Genesis {
        /// The node's directory
        dir: PathBuf,
    },
    /// Follow a party's node from now on, or look for it elsewhere
    Add {
        /// The node's directory
        dir: PathBuf,
        /// The party, as the charter names it
        party: String,
        /// Where its node listens for peers, HOST:PORT
        address: String,
    },
    /// Follow the node of a party no longer; what it shared stays
    Remove {
        /// The node's directory
        dir: PathBuf,
        /// The party
        party: String,
    },
    /// Write what this node has for a party into a directory, to be carried to it
    Export {
        /// The node's directory
        dir: PathBuf,
        /// The party
        party: String,
        /// A directory that is new or empty; it will hold what the party may read, in the clear
        to: PathBuf,
    },
    /// Take in what a peer's node wrote with `peer export`
    Import {
        /// The node's directory
        dir: PathBuf,
        /// The party whose node wrote it
        party: String,
        /// The directory
        from: PathBuf,
    },
    /// Get this party's own logs back from its peers, who mirror them: after a disk was lost, or
    /// an old backup put back. They go on under the same names
    Recover {
        /// The node's directory; no process may serve it
        dir: PathBuf,
        /// A peer to ask, or where one is now; may be given again
        #[arg(long, value_name = "PARTY=HOST:PORT")]
        from: Vec<String>,
        /// Go on where a peer does not answer: certainly it holds no later head
        #[arg(long)]
        without_silent: bool,
    },
    /// List the peers: how far each is followed, when it answered last, what stands in the way
    List {
        /// The node's directory
        dir: PathBuf,
    },
    /// Print the proofs that a peer signed two histories of a log, for whoever has its key
    Proof {
        /// The node's directory
        dir: PathBuf,
        /// The party
        party: String,
    },
    /// Show one peer, what of it was set aside, and which withdrawals it has not acted on
    Show {
        /// The node's directory
        dir: PathBuf,
        /// The party
        party: String,
    },
    /// List object versions that several parties give with different content; exit code 1 when
    /// there are any
    Conflicts {
        /// The node's directory
        dir: PathBuf,
    },
}
