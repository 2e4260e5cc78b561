//! `comity charter`: check one, show what one says, compare two.

mod diff;
mod keys;
mod show;
mod succession;

use std::path::Path;

use comity_charter::{Charter as Parsed, Date, Diagnostic};
use comity_node::Directory;
use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::{Charter, CharterVerb};
use crate::command::Failure;
use crate::output::Output;
use crate::surroundings;

pub(crate) fn run(arguments: &Charter, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        CharterVerb::Keys { file, genesis } => keys::run(file, genesis, output),
        CharterVerb::Found { dir, file, before } => succession::found(dir, file, before, output),
        CharterVerb::Propose { dir, file, by } => succession::propose(dir, file, by, output),
        CharterVerb::Accept { dir, hash, by } => succession::accept(dir, hash, by, output),
        CharterVerb::Proposals { dir } => succession::proposals(dir, output),
        CharterVerb::Check { file } => on_loaded(file, output, |charter| {
            output.result(&show::head_value(charter), || show::head(charter));
        }),
        CharterVerb::Show { place, as_of } => {
            let date = match as_of {
                Some(text) => {
                    Date::parse(text).map_err(|error| Failure::new(format!("`{text}`: {error}")))?
                }
                None => Date::of((surroundings::real().now)()),
            };
            let shown = |charter: &Parsed| show::show(charter, date, output);
            if place.is_file() {
                return on_loaded(place, output, shown);
            }
            let directory = Directory::new(place);
            directory.require_node().map_err(|error| Failure::new(error.to_string()))?;
            on_loaded(&directory.charter(), output, shown)
        }
        CharterVerb::Diff { old, new } => {
            let (before, after) = (read(old)?, read(new)?);
            match (before, after) {
                (Ok(before), Ok(after)) => {
                    diff::show(&before, &after, output);
                    Ok(Outcome::Done)
                }
                (before, after) => {
                    let faults = [(old, before.err()), (new, after.err())];
                    let faults: Vec<(&Path, Vec<Diagnostic>)> = faults
                        .into_iter()
                        .filter_map(|(path, faults)| Some((path.as_path(), faults?)))
                        .collect();
                    Ok(tell(&faults, output))
                }
            }
        }
    }
}

fn on_loaded(path: &Path, output: &Output, then: impl FnOnce(&Parsed)) -> Result<Outcome, Failure> {
    match read(path)? {
        Ok(charter) => {
            then(&charter);
            Ok(Outcome::Done)
        }
        Err(faults) => Ok(tell(&[(path, faults)], output)),
    }
}

fn read(path: &Path) -> Result<Result<Parsed, Vec<Diagnostic>>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(comity_charter::parse(&text))
}

fn tell(files: &[(&Path, Vec<Diagnostic>)], output: &Output) -> Outcome {
    let all = || files.iter().flat_map(|(path, faults)| faults.iter().map(move |it| (path, it)));
    let lines: Vec<Value> = all()
        .map(|(path, fault)| {
            json!({
                "file": path.display().to_string(),
                "line": fault.line,
                "column": fault.column,
                "rule": fault.rule,
                "found": fault.found,
                "remedy": fault.remedy,
            })
        })
        .collect();
    output.result(&json!({ "faults": lines }), || {
        all().map(|(path, fault)| format!("{}: {fault}\n", path.display())).collect()
    });
    Outcome::Found
}
