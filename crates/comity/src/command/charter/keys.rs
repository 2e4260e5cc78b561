//! `comity charter keys`: the keys of all nodes, put into the charter that founds their body.

use std::collections::BTreeMap;
use std::path::Path;

use comity_charter::{Genesis, with_geneses};
use serde_json::json;

use crate::Outcome;
use crate::command::Failure;
use crate::command::charter::tell;
use crate::output::Output;

pub(super) fn run(file: &Path, given: &[String], output: &Output) -> Result<Outcome, Failure> {
    let mut geneses = BTreeMap::new();
    for text in given {
        let (party, path) = text.split_once('=').ok_or_else(|| {
            Failure::new(format!("--genesis `{}`: required: PARTY=FILE", text.escape_default()))
        })?;
        let genesis = genesis(path)?;
        if geneses.insert(party.to_owned(), genesis).is_some() {
            return Err(Failure::new(format!("--genesis: `{party}` is given twice")));
        }
    }
    match with_geneses(&read(file)?, &geneses) {
        Ok(charter) => {
            output.result(&json!({ "charter": charter }), || charter.clone());
            Ok(Outcome::Done)
        }
        Err(faults) => Ok(tell(&[(file, faults)], output)),
    }
}

/// The keys in a table as `comity peer genesis` prints it. What they are worth is judged with the
/// charter that they stand in.
fn genesis(path: &str) -> Result<Genesis, Failure> {
    let text = read(Path::new(path))?;
    let member = |name: &str| {
        let mut values = text.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            (key.trim() == name).then(|| value.to_owned())
        });
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Failure::new(format!(
                "`{path}` has not one `{name} = \"…\"`; required: what `comity peer genesis` prints"
            ))),
        }
    };
    Ok(Genesis {
        shared: member("shared")?,
        acts: member("acts")?,
        audit: member("audit")?,
        transport: member("transport")?,
        next: member("next")?,
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))
}
