//! `comity user`: accounts.

use std::io::BufRead as _;

use crate::Outcome;
use crate::arguments::{User, UserVerb};
use crate::command::{Failure, cell, quota, rows, time, with_quota};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &User, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        UserVerb::Add { dir, name, role, password_stdin, quota } => {
            let password = password_stdin.then(read_password).transpose()?;
            let (name, role) = (name.clone(), role.clone());
            let quota = quota.asked();
            let value = ask(dir, Request::UserAdd { name, role, password, quota })?;
            output.result(&value, || {
                let user = value.get("user").unwrap_or(&value);
                let mut text = format!(
                    "user       {}\nrole       {}\n",
                    cell(user, "name"),
                    cell(user, "role")
                );
                if value.get("password").is_some_and(|password| !password.is_null()) {
                    text.push_str(&format!(
                        "password   {}   (shown once)\n",
                        cell(&value, "password")
                    ));
                }
                text
            });
        }
        UserVerb::Limit { dir, name, quota } => {
            let (name, quota) = (name.clone(), quota.asked());
            let value = ask(dir, Request::UserLimit { name, quota })?;
            output.result(&value, || "limited\n".to_owned());
        }
        UserVerb::List { dir } => {
            let value = ask(dir, Request::UserList)?;
            output.result(&value, || {
                let head = ["NAME", "ROLE", "STATE", "PSEUDONYM", "MADE"];
                let lines: Vec<Vec<String>> = rows(&value, "users")
                    .map(|user| {
                        let disabled = cell(user, "disabled") == "true";
                        let state = if disabled { "disabled" } else { "active" };
                        let name = cell(user, "name");
                        let pseudonym = cell(user, "pseudonym");
                        vec![
                            name,
                            cell(user, "role"),
                            state.into(),
                            pseudonym,
                            time(user, "created"),
                            quota(user),
                        ]
                    })
                    .collect();
                with_quota(&head, &lines)
            });
        }
        UserVerb::Disable { dir, name } => {
            let value = ask(dir, Request::UserDisable { name: name.clone() })?;
            output.result(&value, || format!("disabled {name}\n"));
        }
        UserVerb::Role { dir, name, role } => {
            let value = ask(dir, Request::UserRole { name: name.clone(), role: role.clone() })?;
            output.result(&value, || format!("{name} is {role} now\n"));
        }
    }
    Ok(Outcome::Done)
}

fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("cannot read the password: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
