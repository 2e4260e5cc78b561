//! The command line: the contract that scripts rely on. `docs/reference/cli.md` is its help.

mod adopt;
mod body;
mod charter;
mod peer;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

pub(crate) use adopt::{Adopt, AdoptNow, AdoptVerb, RuleVerb};
pub(crate) use body::{Body, BodyVerb, Up};
pub(crate) use charter::{Charter, CharterVerb};
pub(crate) use peer::{Peer, PeerVerb};

/// A node for a body of sovereign parties that share security intelligence.
#[derive(Debug, Parser)]
#[command(name = "comity", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print results as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a node's directory; without a charter, a body of one party
    Init(Init),
    /// Serve TAXII 2.1 and the logs until SIGTERM or Ctrl-C
    Serve(Serve),
    /// Accounts: who may log in, in which role
    User(User),
    /// Tokens: a user, a subset of the rights, a purpose, an expiry
    Token(Token),
    /// Collections: what clients read and write
    Collection(Collection),
    /// Bring what peers released into a collection of this party's own, once or by a rule
    Adopt(Adopt),
    /// Share objects of a collection with other parties; exit code 1 when anything was refused
    Share(Share),
    /// Open what is shared to more parties; exit code 1 when anything was refused
    Grant(Grant),
    /// Take objects back, from everybody who could open them
    Withdraw(Withdraw),
    /// Assessments of parties, where the charter wants one before a release
    Assess(Assess),
    /// Import a STIX bundle or envelope; exit code 1 when anything was refused
    Import(Import),
    /// Write a collection as a STIX bundle to standard output
    Export(Export),
    /// Recompute leaves, tiles, checkpoints, bodies, index entries, view; exit code 1 on a fault
    Verify(Verify),
    /// Show the ledger of refusals, newest first
    Refusals(Refusals),
    /// Show the state of a node, its limits, and what should be mended
    Doctor(Doctor),
    /// Copy a node as of one moment, while it serves or not
    Backup(Backup),
    /// Make a node's directory of a backup, and verify it; exit code 1 on a fault
    Restore(Restore),
    /// Let logs go on that were put back to an earlier day
    Resume(Resume),
    /// Charters: check one, show what one says, compare two
    Charter(Charter),
    /// Peers: the nodes of the other parties
    Peer(Peer),
    /// A body: all its nodes on this machine
    Body(Body),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory to make
    pub(crate) dir: PathBuf,
    /// The charter of the body; without it, a body of one party is founded
    #[arg(long, requires = "party")]
    pub(crate) charter: Option<PathBuf>,
    /// The party whose node this is
    #[arg(long)]
    pub(crate) party: Option<String>,
    /// What a body of one party is called
    #[arg(long, conflicts_with = "charter")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// Where to serve, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Serve TLS, with a certificate of the node's own unless one is given
    #[arg(long)]
    pub(crate) tls: bool,
    /// The certificate chain for TLS, PEM; SIGHUP reads it again
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve plain HTTP beyond this machine, behind a proxy that does TLS
    #[arg(long, conflicts_with_all = ["tls", "tls_certificate"])]
    pub(crate) plain_http_anywhere: bool,
    /// Where to tell metrics and health, HOST:PORT; without it, as the configuration says
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Tell metrics beyond this machine, to everybody who asks
    #[arg(long)]
    pub(crate) metrics_anywhere: bool,
    /// Where to serve peers, HOST:PORT; without it, as the configuration says
    #[arg(long, value_name = "ADDR")]
    pub(crate) peers: Option<String>,
    /// Stop when standard input ends, as on SIGTERM: whoever holds the other end of it takes the
    /// node along, however it goes
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
    /// Write the log as JSON lines
    #[arg(long)]
    pub(crate) log_json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) verb: UserVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// Make an account; its password is printed once, or taken from standard input
    Add {
        /// The node's directory
        dir: PathBuf,
        /// The name to log in with
        name: String,
        /// reader, analyst, releaser, delegate, reviewer or operator
        #[arg(long)]
        role: String,
        /// Take the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        quota: Quota,
    },
    /// Set what a user may send in a day of UTC, at once
    #[command(group = one_of(&["quota_objects", "quota_bytes"]))]
    Limit {
        /// The node's directory
        dir: PathBuf,
        /// The name
        name: String,
        #[command(flatten)]
        quota: Quota,
    },
    /// List accounts
    List {
        /// The node's directory
        dir: PathBuf,
    },
    /// Disable an account, at once
    Disable {
        /// The node's directory
        dir: PathBuf,
        /// The name
        name: String,
    },
    /// Give an account another role, at once
    Role {
        /// The node's directory
        dir: PathBuf,
        /// The name
        name: String,
        /// The new role
        #[arg(long)]
        role: String,
    },
}

/// The largest number of `local.db`.
const QUOTA_MAX: u64 = i64::MAX as u64;

/// At least one of some options.
fn one_of(options: &'static [&'static str]) -> ArgGroup {
    ArgGroup::new("one_of").args(options).required(true).multiple(true)
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Quota {
    /// How many objects: in a collection, or in a day of a user; 0 is no quota
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=QUOTA_MAX))]
    pub(crate) quota_objects: Option<u64>,
    /// How many octets, likewise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=QUOTA_MAX))]
    pub(crate) quota_bytes: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) verb: TokenVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Make a token; its secret is printed once
    Add {
        /// The node's directory
        dir: PathBuf,
        /// The user it stands for
        user: String,
        /// What it is for, to tell it from others
        #[arg(long, default_value = "token")]
        name: String,
        /// Verbs to cut it down to, separated by commas
        #[arg(long, default_value = "read", value_delimiter = ',')]
        rights: Vec<String>,
        /// What accesses with it are for
        #[arg(long)]
        purpose: Option<String>,
        /// Days until it ends
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
    },
    /// List tokens
    List {
        /// The node's directory
        dir: PathBuf,
    },
    /// Revoke a token, at once
    Revoke {
        /// The node's directory
        dir: PathBuf,
        /// Its number, as `list` shows it
        id: i64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Collection {
    #[command(subcommand)]
    pub(crate) verb: CollectionVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CollectionVerb {
    /// Make a collection
    Add {
        /// The node's directory
        dir: PathBuf,
        /// What it is called
        title: String,
        /// Its id, where it must be a certain UUID
        #[arg(long, value_name = "UUID")]
        id: Option<String>,
        /// A name that may stand in paths instead of the id
        #[arg(long)]
        alias: Option<String>,
        /// What it holds
        #[arg(long)]
        description: Option<String>,
        /// What a user gets below the role: USER=rw, r, w or none; may be given again
        #[arg(long, value_name = "USER=RIGHTS")]
        rights: Vec<String>,
        #[command(flatten)]
        quota: Quota,
        /// Make a write a release, for those that the rule reaches; without it, it is private
        #[arg(long, value_name = "RULE", requires = "by")]
        release: Option<String>,
        /// The TLP 2.0 label of the release: CLEAR, GREEN, AMBER, AMBER+STRICT or RED. What is
        /// marked stricter does not leave
        #[arg(long, value_name = "LABEL", requires = "release")]
        tlp: Option<String>,
        /// The user who enables the release; the role needs the right to release
        #[arg(long, value_name = "USER", requires = "release")]
        by: Option<String>,
    },
    /// Make writes into a collection releases, or private again
    Release {
        /// The node's directory
        dir: PathBuf,
        /// Its id or alias
        collection: String,
        /// none, all, tier:NAME or party:ID,ID
        #[arg(long)]
        rule: String,
        #[command(flatten)]
        label: Label,
        /// The user who says so; the role needs the right to release
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// Set what users get in a collection, and what it may hold
    #[command(group = one_of(&["rights", "quota_objects", "quota_bytes"]))]
    Limit {
        /// The node's directory
        dir: PathBuf,
        /// Its id or alias
        collection: String,
        /// USER=rw, r, w or none; may be given again
        #[arg(long, value_name = "USER=RIGHTS")]
        rights: Vec<String>,
        #[command(flatten)]
        quota: Quota,
    },
    /// List collections
    List {
        /// The node's directory
        dir: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Label {
    /// The TLP 2.0 label of a release: CLEAR, GREEN, AMBER, AMBER+STRICT or RED. What is marked
    /// stricter does not leave
    #[arg(long, value_name = "LABEL")]
    pub(crate) tlp: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = one_of(&["object", "all"]))]
pub(crate) struct Share {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// The collection, by id or alias; the only one, where there is one
    #[arg(long)]
    pub(crate) collection: Option<String>,
    /// An object, by its id, in its last version; may be given again
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    pub(crate) object: Vec<String>,
    /// All objects of the collection, each in its last version
    #[arg(long)]
    pub(crate) all: bool,
    /// Who is to have them: all, tier:NAME, organ:ID or party:ID,ID; several with ` + ` between
    /// them, and behind ` - ` who is left out: `all - tier:observer`
    #[arg(long, value_name = "RULE")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) label: Label,
    /// What recipients may do with it (PAP): CLEAR, GREEN, AMBER or RED. What is marked stricter
    /// does not leave
    #[arg(long, value_name = "LABEL")]
    pub(crate) pap: Option<String>,
    /// Say who would receive it, who would not, and why; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The user who shares; the role needs the right to release
    #[arg(long, value_name = "USER", required_unless_present = "dry_run")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = one_of(&["object", "collection"]))]
pub(crate) struct Grant {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// An object, by its id, in all versions that are shared; may be given again
    #[arg(long, value_name = "ID", conflicts_with = "collection")]
    pub(crate) object: Vec<String>,
    /// All that a collection holds and that is shared; what is private stays so
    #[arg(long)]
    pub(crate) collection: Option<String>,
    /// Who is to have it, too: all, tier:NAME or party:ID,ID
    #[arg(long, value_name = "RULE")]
    pub(crate) to: String,
    /// Open nothing: let this party, which has it, release it onward to those at most
    #[arg(long, value_name = "PARTY", conflicts_with = "collection")]
    pub(crate) onward: Option<String>,
    /// The user who grants; the role needs the right to release
    #[arg(long, value_name = "USER")]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// An object, by its id, in all versions; may be given again
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) object: Vec<String>,
    /// Keep the private entries, and take back what was shared of them
    #[arg(long)]
    pub(crate) keep: bool,
    /// Take back the consent alone that this party may release them onward
    #[arg(long, value_name = "PARTY", conflicts_with = "keep")]
    pub(crate) onward: Option<String>,
    /// The user who withdraws; the role needs the right to withdraw
    #[arg(long, value_name = "USER")]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct Assess {
    #[command(subcommand)]
    pub(crate) verb: AssessVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AssessVerb {
    /// Record that a party was assessed; what was found stays in the document
    Add {
        /// The node's directory
        dir: PathBuf,
        /// The party
        party: String,
        /// The document; its SHA-256 is recorded, and nothing of what it says
        #[arg(long)]
        file: PathBuf,
        /// The day on which it ends, YYYY-MM-DD; a year at most
        #[arg(long, value_name = "DATE")]
        expires: String,
        /// The user who records it; the role needs the right to release
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// List the latest assessment of each party
    List {
        /// The node's directory
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// The bundle; `-` is standard input
    pub(crate) file: PathBuf,
    /// The collection, by id or alias; the only one, where there is one
    #[arg(long)]
    pub(crate) collection: Option<String>,
    /// Attest that no record about a natural person is in the file
    #[arg(long)]
    pub(crate) attest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// The collection, by id or alias; the only one, where there is one
    #[arg(long)]
    pub(crate) collection: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The node's directory, or its URL, or a file
    #[arg(value_name = "DIR|URL|FILE")]
    pub(crate) place: String,
    /// A file: the proof that a log has two histories, judged by --vkey alone
    #[arg(long, requires = "vkey", conflicts_with_all = ["user", "token_stdin", "tls_ca"])]
    pub(crate) equivocation: bool,
    /// At a URL: the user; the password is the first line of standard input
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// At a URL: the first line of standard input is a token
    #[arg(long, conflicts_with = "user")]
    pub(crate) token_stdin: bool,
    /// At a URL: the key that a log must be signed with; may be given again. With --equivocation:
    /// the key of the log
    #[arg(long)]
    pub(crate) vkey: Vec<String>,
    /// At a URL: the certificate that the node's must be signed by, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Refusals {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// How many lines
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The node's directory
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The node's directory
    pub(crate) dir: PathBuf,
    /// The directory to make, with logs, local state, charter and configuration
    pub(crate) dest: PathBuf,
    /// Another directory to make, with what opens entries and signs heads
    #[arg(long, value_name = "KEYDEST")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// What `comity backup` made
    pub(crate) dest: PathBuf,
    /// The node's directory to make
    pub(crate) dir: PathBuf,
    /// What `comity backup --keys` made
    #[arg(long, value_name = "KEYDEST")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The node's directory; no process may serve it
    pub(crate) dir: PathBuf,
    /// Go on under the same names: certainly nothing was signed after the backup
    #[arg(long)]
    pub(crate) same_names: bool,
    /// Go on under new names, though nothing is missing here: a log was forked, or somebody else
    /// has a key
    #[arg(long, conflicts_with = "same_names")]
    pub(crate) new_names: bool,
}
