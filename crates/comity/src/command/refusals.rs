//! `comity refusals`: the ledger.

use crate::Outcome;
use crate::arguments::Refusals;
use crate::command::{Failure, cell, rows, time};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::{Output, table};

pub(crate) fn run(arguments: &Refusals, output: &Output) -> Result<Outcome, Failure> {
    let value = ask(&arguments.dir, Request::Refusals { limit: arguments.limit })?;
    output.result(&value, || {
        let head = ["TIME", "CALLER", "WAY", "OBJECT", "CODE", "WHERE", "FOUND"];
        let lines: Vec<Vec<String>> = rows(&value, "refusals")
            .map(|one| {
                let mut line = vec![time(one, "at")];
                let names = ["caller", "way", "number", "code", "path", "class"];
                line.extend(names.iter().map(|name| cell(one, name)));
                line
            })
            .collect();
        table(&head, &lines)
    });
    Ok(Outcome::Done)
}
