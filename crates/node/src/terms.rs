//! What the charter and the configuration mean for a node: what its gate is told, and what its
//! headers say.

use comity_charter::Charter;
use comity_gate::Facts;

use crate::config::Config;
use crate::directory::Directory;
use crate::node::NodeError;
use crate::submit::Headers;

pub(crate) fn read_charter(directory: &Directory) -> Result<Charter, NodeError> {
    let path = directory.charter();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        NodeError::Charter(format!("cannot read `{}`: {error}", path.display()))
    })?;
    parse_charter(&text)
}

pub(crate) fn parse_charter(text: &str) -> Result<Charter, NodeError> {
    comity_charter::parse(text).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        NodeError::Charter(lines.join("\n"))
    })
}

/// A charter without keys is that of a body of one. One of several parties is a draft, which
/// founds nothing.
pub(crate) fn is_alone(charter: &Charter) -> Result<(), NodeError> {
    if charter.parties.len() == 1 {
        return Ok(());
    }
    Err(NodeError::Start(
        "the charter has several parties and keys of none: it is a draft; collect what `comity \
         peer genesis` says of each, and take up the charter with `comity charter found`"
            .to_owned(),
    ))
}

pub(crate) fn facts(charter: &Charter) -> Facts {
    Facts {
        admits_attacker_mailboxes: charter.attacker_mailboxes,
        network_defence: charter.purposes.contains(&comity_charter::Purpose::NetworkDefence),
        registered_only: charter.registered_only,
        registered: charter.registered.clone(),
    }
}

/// `body` is the hash of the charter that founded the body.
pub(crate) fn headers(config: &Config, charter: &Charter, body: &str) -> Headers {
    Headers {
        body: body.to_owned(),
        party: config.party.clone(),
        charter: charter.hash.to_string(),
        purpose: charter.purposes.first().map_or("", |purpose| purpose.name()).to_owned(),
        tlp: charter.handling.default_tlp.label().to_owned(),
    }
}
