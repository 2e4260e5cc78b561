//! `comity assess`: whom somebody looked into before anything is released to them.

use std::path::Path;

use comity_node::assess;
use comity_wire::time::Micros;

use crate::Outcome;
use crate::arguments::{Assess, AssessVerb};
use crate::command::{Failure, cell, rows, time};
use crate::control::ask;
use crate::control::between::Between;
use crate::control::request::Request;
use crate::output::{Output, table};

pub(crate) fn run(arguments: &Assess, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        AssessVerb::Add { dir, party, file, expires, by } => {
            let request = Between::AssessAdd {
                party: party.clone(),
                sha256: digest(file)?,
                expires: day(expires)?,
                by: by.clone(),
            };
            let value = ask(dir, Request::Between(request))?;
            output.result(&value, || {
                let one = value.get("assessment").unwrap_or(&value);
                format!(
                    "`{party}` is assessed until {}: {}\n",
                    time(one, "expires"),
                    cell(one, "sha256")
                )
            });
        }
        AssessVerb::List { dir } => {
            let value = ask(dir, Request::Between(Between::Assessments))?;
            output.result(&value, || {
                let lines: Vec<Vec<String>> = rows(&value, "assessments")
                    .map(|one| {
                        let (made, expires) = (time(one, "made"), time(one, "expires"));
                        vec![
                            cell(one, "party"),
                            made,
                            expires,
                            cell(one, "author"),
                            cell(one, "sha256"),
                        ]
                    })
                    .collect();
                table(&["PARTY", "RECORDED", "ENDS", "BY", "SHA-256"], &lines)
            });
        }
    }
    Ok(Outcome::Done)
}

fn digest(file: &Path) -> Result<String, Failure> {
    let octets = std::fs::read(file)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", file.display())))?;
    if octets.is_empty() {
        return Err(Failure::new(format!("`{}` is empty; name the document", file.display())));
    }
    Ok(assess::digest(&octets))
}

/// The beginning of a day of UTC, in microseconds since 1970.
fn day(text: &str) -> Result<i64, Failure> {
    let day = Micros::parse(&format!("{text}T00:00:00.000000Z"));
    day.map(|day| day.0).map_err(|_| {
        Failure::new(format!("`{}`: required: a day, YYYY-MM-DD", text.escape_default()))
    })
}
