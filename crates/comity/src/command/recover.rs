//! `comity peer recover`: this party's own logs come back from those who mirror them.

use std::path::Path;

use comity_node::Directory;
use comity_node::recover::{Recovery, Source};
use serde_json::json;

use crate::command::{Failure, certificate};
use crate::output::Output;
use crate::peer::recover::{self, Done};
use crate::surroundings;

pub(crate) fn run(
    dir: &Path,
    from: &[String],
    without_silent: bool,
    output: &Output,
) -> Result<(), Failure> {
    let directory = Directory::new(dir);
    let anew = !directory.local().exists();
    let recovery = Recovery::open(directory.clone(), surroundings::real())?;
    let identity = certificate::transport(&directory)?;
    let sources = named(recovery.sources()?, from)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    let done = runtime.block_on(recover::recover(recovery, &identity, sources, without_silent))?;
    output.result(&json!(done), || told(&done, dir, anew));
    Ok(())
}

/// The sources, with the addresses that were given in place of those that are known.
fn named(mut sources: Vec<Source>, from: &[String]) -> Result<Vec<Source>, Failure> {
    for one in from {
        let (party, address) = one.split_once('=').ok_or_else(|| {
            Failure::new(format!("`{}`: required: PARTY=HOST:PORT", one.escape_default()))
        })?;
        let source = sources.iter_mut().find(|source| source.party == party).ok_or_else(|| {
            Failure::new(format!(
                "the charter has no keys of another party `{}`; `comity charter show DIR` lists them",
                party.escape_default()
            ))
        })?;
        source.address = Some(address.to_owned());
    }
    Ok(sources)
}

fn told(done: &Done, dir: &Path, anew: bool) -> String {
    let mut text = String::new();
    for one in &done.mirrors {
        text.push_str(&format!("asked      {}: {}\n", one.party, one.what));
    }
    for log in &done.recovered.logs {
        text.push_str(&format!(
            "log        {:<8} {:>9} entries, {} were here; {} bodies came back, {} are lost\n",
            log.log, log.size, log.before, log.opened, log.lost
        ));
    }
    for one in &done.recovered.continues {
        let how = match one.origin == one.from {
            true => "under the same name".to_owned(),
            false => format!("as {}", one.origin),
        };
        let (log, size) = (&one.log, one.size);
        text.push_str(&format!("goes on    {log:<8} {how}, from {size} entries\n"));
    }
    if done.recovered.arrived > 0 {
        text.push_str(&format!(
            "arrived    {} object versions, in the collection `recovered`\n",
            done.recovered.arrived
        ));
    }
    if done.recovered.logs.iter().any(|log| log.lost > 0) {
        text.push_str("lost       entries that nobody was given; their leaves and proofs hold\n");
    }
    let dir = dir.display();
    if anew {
        text.push_str(&format!(
            "anew       local.db was not here: there are no users, collections and peers; comity user \
             add {dir}, comity collection add {dir}, comity peer add {dir}\n"
        ));
    }
    text.push_str(&format!("next       comity verify {dir}; comity serve {dir}\n"));
    text
}
