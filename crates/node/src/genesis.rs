//! The founding of a body: what a node tells of its keys before there is a charter that has them,
//! and the charter that it begins under.

use comity_charter::{Charter, Genesis};
use comity_wire::entry::Log;
use serde::Serialize;

use crate::config::Config;
use crate::directory::Directory;
use crate::keys;
use crate::local::{Local, LocalError};
use crate::node::{Node, NodeError};
use crate::resume;
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
    /// party, with the keys that are here, `transport` among them where the caller knows it; a log
    /// that has begun goes on under its own. Where the charter is not the first of its body,
    /// `before` has those that it succeeded, down to the first.
    pub fn found_under(
        directory: &Directory,
        text: &str,
        before: &[String],
        transport: Option<&str>,
    ) -> Result<Charter, NodeError> {
        directory.require_node()?;
        let lock = directory.lock()?;
        let own = Node::log_keys(directory)?;
        let charter = terms::parse_charter(text)?;
        if directory.root().join("log.db").exists() {
            let current = terms::read_charter(directory).ok().map(|current| current.hash);
            return Err(refused(if current == Some(charter.hash) {
                "this charter is in force here already; the logs have begun under it".to_owned()
            } else {
                "the logs of this directory have begun under another charter; found a body with a \
                 new directory: `comity init`; or propose this one as the next: `comity charter \
                 propose`"
                    .to_owned()
            }));
        }
        let party = Config::read(&directory.config())?.party;
        require_keys(directory, &charter, &party, &own, transport)?;
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

fn refused(what: String) -> NodeError {
    NodeError::Local(LocalError::Refused(what))
}

/// A key of which a charter says another than the directory has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherKey {
    /// Its name in a `[party.genesis]`.
    pub name: &'static str,
    /// What the charter has.
    pub charter: String,
    /// What is here.
    pub here: String,
}

/// The keys of a party in a charter that are not those which are here.
fn other_keys(genesis: &Genesis, own: &LogKeys, transport: Option<&str>) -> Vec<OtherKey> {
    let pairs = [
        ("shared", &genesis.shared, Some(own.shared.as_str())),
        ("acts", &genesis.acts, Some(own.acts.as_str())),
        ("audit", &genesis.audit, Some(own.audit.as_str())),
        ("transport", &genesis.transport, transport),
        ("next", &genesis.next, Some(own.next.as_str())),
    ];
    let other = pairs.into_iter().filter_map(|(name, charter, here)| {
        let here = here.filter(|here| here != charter)?.to_owned();
        Some(OtherKey { name, charter: charter.clone(), here })
    });
    other.collect()
}

/// An error unless the charter has the keys of this directory, for the party whose it is.
fn require_keys(
    directory: &Directory,
    charter: &Charter,
    party: &str,
    own: &LogKeys,
    transport: Option<&str>,
) -> Result<(), NodeError> {
    let shown = directory.root().display();
    let Some(genesis) = charter.party(party).and_then(|party| party.genesis.as_ref()) else {
        return Err(refused(format!(
            "the charter has no keys of `{party}`, and logs that begin under it are nobody's; \
             required: those that `comity peer genesis {shown}` prints; give them to whoever \
             writes the charter, and take it up with `comity charter found {shown} FILE`"
        )));
    };
    let other = other_keys(genesis, own, transport);
    let Some(first) = other.first() else { return Ok(()) };
    let names: Vec<String> = other.iter().map(|key| format!("`{}`", key.name)).collect();
    Err(refused(format!(
        "the charter has other keys of `{party}` than this directory: {}; `{}` is `{}` in the \
         charter and `{}` here; required: those that `comity peer genesis {shown}` prints; give \
         them to whoever writes the charter, and take it up with `comity charter found {shown} \
         FILE`",
        names.join(", "),
        first.name,
        first.charter,
        first.here
    )))
}

/// An error where logs would begin under a charter without this node's keys: they would be no
/// party's, and nobody could mend it. Logs that have begun go on, for keys change afterwards.
pub(crate) fn may_begin(
    directory: &Directory,
    party: &str,
    charter: &Charter,
) -> Result<(), NodeError> {
    if charter.parties.iter().all(|party| party.genesis.is_none()) {
        return terms::is_alone(charter);
    }
    let fits = Node::log_keys(directory)
        .and_then(|own| require_keys(directory, charter, party, &own, None));
    match fits {
        Err(_) if resume::is_under_way(directory) || has_begun(directory)? => Ok(()),
        other => other,
    }
}

fn has_begun(directory: &Directory) -> Result<bool, NodeError> {
    if !directory.root().join("log.db").exists() {
        return Ok(false);
    }
    let head = crate::writer::reader(directory.root())?.head(Log::Acts.id())?;
    Ok(head.is_some_and(|head| head.size > 0))
}

/// The keys of this party of which the charter of a directory has others. A log that went on under
/// a new name has a new key, lawfully; what it said of `next` may be used by then.
pub fn keys_that_differ(
    directory: &Directory,
    transport: Option<&str>,
) -> Result<Vec<OtherKey>, NodeError> {
    let charter = terms::read_charter(directory)?;
    let party = Config::read(&directory.config())?.party;
    let Some(genesis) = charter.party(&party).and_then(|party| party.genesis.as_ref()) else {
        return Ok(Vec::new());
    };
    let mut other = other_keys(genesis, &Node::log_keys(directory)?, transport);
    let name = |vkey: &str| vkey.split_once('+').map(|(name, _)| name.to_owned());
    // A pin has no name in it, and may have the sign that ends one.
    other.retain(|key| match key.name {
        "next" => false,
        "transport" => true,
        _ => name(&key.charter) == name(&key.here),
    });
    Ok(other)
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
            return Err(refused(format!(
                "the charter succeeds {hash}, which is not here; give it with --before, and those \
                 before it"
            )));
        };
        let one = given.swap_remove(at);
        previous = one.0.previous;
        chain.push(one);
    }
    Ok(chain)
}
