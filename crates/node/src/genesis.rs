//! The founding of a body: what a node tells of its keys before there is a charter that has them,
//! and the charter that it begins under.

use comity_charter::Charter;
use comity_wire::entry::Log;
use serde::Serialize;

use crate::config::Config;
use crate::directory::Directory;
use crate::keys;
use crate::local::{Local, LocalError};
use crate::node::{Node, NodeError};
use crate::succession;
use crate::terms;

/// The public keys of a node's logs, as a charter has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogKeys {
    /// The verifier key of `shared`.
    pub shared: String,
    /// That of `acts`.
    pub acts: String,
    /// That of `audit`.
    pub audit: String,
    /// The SHA-256 of the key that the logs are signed with next, in hex.
    pub next: String,
}

impl Node {
    /// The public keys of a directory's logs. The logs are not opened, and do not begin by it.
    pub fn log_keys(directory: &Directory) -> Result<LogKeys, NodeError> {
        directory.require_node()?;
        let config = Config::read(&directory.config())?;
        let of = |log: Log| -> Result<String, NodeError> {
            let logs = [keys::log_config(directory, &config.party, log)?];
            let verifiers = keys::verifiers(&logs)?;
            Ok(verifiers.first().map(|(_, verifier)| verifier.vkey()).unwrap_or_default())
        };
        let next = keys::read(&directory.keys().join("next.key"), &config.party)?;
        let next = keys::fingerprint(&next.verifying_key());
        Ok(LogKeys { shared: of(Log::Shared)?, acts: of(Log::Acts)?, audit: of(Log::Audit)?, next })
    }

    /// Puts the charter into a directory under which its logs are to begin. It has to have this
    /// party, with the keys that are here; a log that has begun goes on under its own. Where it is
    /// not the first of its body, `before` has those that it succeeded, down to the first.
    pub fn found_under(
        directory: &Directory,
        text: &str,
        before: &[String],
    ) -> Result<Charter, NodeError> {
        let refused = |what: String| NodeError::Local(LocalError::Refused(what));
        let lock = directory.lock()?;
        let own = Node::log_keys(directory)?;
        if directory.root().join("log.db").exists() {
            return Err(refused(
                "the logs of this directory have begun under another charter; found a body with a \
                 new directory: `comity init`"
                    .to_owned(),
            ));
        }
        let charter = terms::parse_charter(text)?;
        let party = Config::read(&directory.config())?.party;
        let genesis = charter.party(&party).and_then(|party| party.genesis.clone());
        let genesis = genesis.ok_or_else(|| {
            refused(format!(
                "the charter has no keys of `{party}`; give those of `comity peer genesis` to \
                 whoever writes it"
            ))
        })?;
        let said = LogKeys {
            shared: genesis.shared,
            acts: genesis.acts,
            audit: genesis.audit,
            next: genesis.next,
        };
        if said != own {
            return Err(refused(format!(
                "the charter has other keys of `{party}` than this directory; compare with `comity \
                 peer genesis`"
            )));
        }
        let before = chain(&charter, before)?;
        let local = Local::open(&directory.local())?;
        for (charter, text) in &before {
            succession::keep(&local, charter, text)?;
        }
        directory.replace(&directory.charter(), text.as_bytes())?;
        drop(lock);
        Ok(charter)
    }
}

/// The charters that one succeeded, each named by the one after it, down to the first.
fn chain(charter: &Charter, texts: &[String]) -> Result<Vec<(Charter, String)>, NodeError> {
    let mut given = Vec::with_capacity(texts.len());
    for text in texts {
        given.push((terms::parse_charter(text)?, text.clone()));
    }
    let mut chain = Vec::new();
    let mut previous = charter.previous;
    while let Some(hash) = previous {
        let found = given.iter().position(|(one, _)| one.hash == hash);
        let Some(at) = found else {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "the charter succeeds {hash}, which is not here; give it with --before, and those \
                 before it"
            ))));
        };
        let one = given.swap_remove(at);
        previous = one.0.previous;
        chain.push(one);
    }
    Ok(chain)
}
