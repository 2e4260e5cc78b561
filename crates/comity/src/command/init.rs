//! `comity init`: a node's directory.

use comity_node::{Directory, Node};
use serde_json::json;

use crate::Outcome;
use crate::arguments::Init;
use crate::command::{Failure, certificate};
use crate::output::Output;
use crate::surroundings;

/// The party of a body of one that was not told its name.
const PARTY: &str = "self";

pub(crate) fn run(arguments: &Init, output: &Output) -> Result<Outcome, Failure> {
    let party = arguments.party.as_deref().unwrap_or(PARTY);
    let charter = match &arguments.charter {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))?,
        None => {
            let name = arguments.name.as_deref().unwrap_or("A body of one");
            if name.chars().any(|one| one.is_control() || matches!(one, '"' | '\\')) {
                return Err(Failure::new(
                    "a name holds no quotes, backslashes or control characters",
                ));
            }
            comity_charter::one_party(party, name)
        }
    };
    let directory = Directory::new(&arguments.dir);
    let surroundings = surroundings::real();
    let made = Node::make(&directory, party, &charter, &surroundings)?;
    let pin = certificate::transport(&directory)?.pin().to_owned();
    // A body of several is founded by a charter with the keys of all: the logs begin then. Of a
    // body of one they begin now, and the party's keys and charter stand in them.
    let alone = comity_charter::parse(&charter).is_ok_and(|charter| charter.parties.len() == 1);
    if alone {
        Node::open(directory, surroundings)?.close();
    }
    let dir = arguments.dir.display();
    let value = json!({
        "directory": dir.to_string(),
        "party": party,
        "user": made.operator,
        "password": made.password.as_str(),
        "transport": pin,
    });
    output.result(&value, || {
        format!(
            "made a node of `{party}` in {dir}\n\
             operator   {}\n\
             password   {}   (shown once; an operator reads no content)\n\
             {}",
            made.operator,
            made.password.as_str(),
            next(&dir.to_string(), alone)
        )
    });
    Ok(Outcome::Done)
}

fn next(dir: &str, alone: bool) -> String {
    if alone {
        return format!(
            "next       comity user add {dir} NAME --role analyst\n           \
             comity collection add {dir} TITLE\n           \
             comity serve {dir}\n"
        );
    }
    format!(
        "next       comity peer genesis {dir}   (give it to whoever writes the charter)\n           \
         comity charter found {dir} CHARTER   (once it has the keys of all: comity charter keys)\n"
    )
}
