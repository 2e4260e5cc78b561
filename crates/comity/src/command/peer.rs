//! `comity peer`: the other parties' nodes, and what they are told of this one.

use std::fmt::Write as _;
use std::path::Path;

use comity_node::Directory;
use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::{Peer, PeerVerb};
use crate::command::{Failure, certificate};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

/// The members of a genesis, in the order of `docs/spec/charter.md`.
const MEMBERS: [&str; 5] = ["shared", "acts", "audit", "transport", "next"];

pub(crate) fn run(arguments: &Peer, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        PeerVerb::Genesis { dir } => {
            let genesis = genesis(dir)?;
            output.result(&genesis, || table(&genesis));
            Ok(Outcome::Done)
        }
    }
}

/// The public keys of a node.
pub(crate) fn genesis(dir: &Path) -> Result<Value, Failure> {
    let keys = ask(dir, Request::Genesis)?;
    // A directory that was made before there were peers gets its key now.
    let pin = certificate::transport(&Directory::new(dir))?.pin().to_owned();
    let of = |log: &str| keys.get("logs").and_then(|logs| logs.get(log)).cloned();
    Ok(json!({
        "shared": of("shared"),
        "acts": of("acts"),
        "audit": of("audit"),
        "transport": pin,
        "next": keys.get("next"),
    }))
}

/// The table as it stands in a charter, below the `[[party]]` that it belongs to. No key has a
/// character that TOML escapes.
pub(crate) fn table(genesis: &Value) -> String {
    let mut text = "[party.genesis]\n".to_owned();
    for member in MEMBERS {
        let value = genesis.get(member).and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "{member} = \"{value}\"");
    }
    text
}
