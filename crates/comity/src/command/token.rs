//! `comity token`: tokens.

use crate::Outcome;
use crate::arguments::{Token, TokenVerb};
use crate::command::{Failure, cell, rows, time};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::{Output, table};

pub(crate) fn run(arguments: &Token, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        TokenVerb::Add { dir, user, name, rights, purpose, days } => {
            let request = Request::TokenAdd {
                user: user.clone(),
                name: name.clone(),
                rights: rights.clone(),
                purpose: purpose.clone(),
                days: *days,
            };
            let value = ask(dir, request)?;
            output.result(&value, || {
                let token = value.get("token").unwrap_or(&value);
                format!(
                    "token      {} for {}\nrights     {}\nexpires    {}\nsecret     {}   (shown once)\n",
                    cell(token, "id"),
                    cell(token, "user"),
                    cell(token, "rights"),
                    time(token, "expires"),
                    cell(&value, "secret")
                )
            });
        }
        TokenVerb::List { dir } => {
            let value = ask(dir, Request::TokenList)?;
            output.result(&value, || {
                let head = ["NUMBER", "USER", "NAME", "RIGHTS", "PURPOSE", "EXPIRES", "STATE"];
                let lines: Vec<Vec<String>> = rows(&value, "tokens")
                    .map(|token| {
                        let revoked = cell(token, "revoked") == "true";
                        let mut line: Vec<String> = ["id", "user", "name", "rights", "purpose"]
                            .iter()
                            .map(|name| cell(token, name))
                            .collect();
                        line.push(time(token, "expires"));
                        line.push(if revoked { "revoked" } else { "active" }.to_owned());
                        line
                    })
                    .collect();
                table(&head, &lines)
            });
        }
        TokenVerb::Revoke { dir, id } => {
            let value = ask(dir, Request::TokenRevoke { id: *id })?;
            output.result(&value, || format!("revoked token {id}\n"));
        }
    }
    Ok(Outcome::Done)
}
