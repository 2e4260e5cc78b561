//! `comity charter keys`: the keys of all nodes, put into the charter that founds their body.

use std::collections::BTreeMap;
use std::path::Path;

use comity_charter::{Diagnostic, Genesis, with_geneses};
use serde_json::json;

use crate::Outcome;
use crate::command::Failure;
use crate::output::Output;

pub(super) fn run(file: &Path, given: &[String], output: &Output) -> Result<Outcome, Failure> {
    let (mut geneses, mut files) = (BTreeMap::new(), Vec::new());
    for text in given {
        let (party, path) = text.split_once('=').ok_or_else(|| {
            Failure::new(format!("--genesis `{}`: required: PARTY=FILE", text.escape_default()))
        })?;
        let genesis = genesis(path)?;
        if geneses.insert(party.to_owned(), genesis).is_some() {
            return Err(Failure::new(format!("--genesis: `{party}` is given twice")));
        }
        files.push((party, path));
    }
    let text = read(file)?;
    match with_geneses(&text, &geneses) {
        Ok(charter) => {
            output.result(&json!({ "charter": charter }), || charter.clone());
            Ok(Outcome::Done)
        }
        Err(faults) => {
            // What is printed is the charter: what is wrong goes where somebody reads it.
            let lines = whose(file, &text, &geneses, &files, &faults);
            output.faults(&lines);
            Ok(Outcome::Found)
        }
    }
}

/// The faults, each with the file that it is in. Lines are told of files that are there, and not of
/// the charter with the keys, which is not written.
fn whose(
    file: &Path,
    text: &str,
    geneses: &BTreeMap<String, Genesis>,
    files: &[(&str, &str)],
    faults: &[Diagnostic],
) -> Vec<String> {
    if let Err(faults) = comity_charter::parse(text) {
        return faults.iter().map(|fault| format!("{}: {fault}", file.display())).collect();
    }
    let said = |what: &str, fault: &Diagnostic| {
        format!("{what}: {}: {}; {}", fault.rule, fault.found, fault.remedy)
    };
    let mut lines = Vec::new();
    for (party, path) in files {
        let one = geneses.get(*party).map(|genesis| ((*party).to_owned(), genesis.clone()));
        let faults = with_geneses(text, &one.into_iter().collect()).err().unwrap_or_default();
        lines
            .extend(faults.iter().map(|fault| said(&format!("{path} (keys of `{party}`)"), fault)));
    }
    if lines.is_empty() {
        let what = format!("{} with these keys together", file.display());
        lines.extend(faults.iter().map(|fault| said(&what, fault)));
    }
    lines
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
