//! `comity adopt`: what peers released, among one's own.

use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::arguments::{Adopt, AdoptNow, AdoptVerb, RuleVerb};
use crate::command::{Failure, cell, rows, time};
use crate::control::ask;
use crate::control::between::{Between, RuleAdd};
use crate::control::request::Request;
use crate::output::{self, Output};

pub(crate) fn run(arguments: &Adopt, output: &Output) -> Result<Outcome, Failure> {
    match (&arguments.verb, &arguments.now) {
        (Some(AdoptVerb::Rule(verb)), _) => rule(verb, output),
        (None, Some(arguments)) => now(arguments, output),
        (None, None) => Err(Failure::new("say what to adopt; `comity adopt --help` says how")),
    }
}

fn now(arguments: &AdoptNow, output: &Output) -> Result<Outcome, Failure> {
    let request = Request::Adopt {
        objects: (!arguments.all).then(|| arguments.object.clone()),
        from: arguments.from.clone(),
        collection: arguments.collection.clone(),
        by: arguments.by.clone(),
    };
    let value = ask(&arguments.dir, request)?;
    output.result(&value, || adopted(&value));
    Ok(Outcome::Done)
}

fn adopted(value: &Value) -> String {
    let of = |name: &str| cell(value, name);
    let conflicting = match of("conflicting").as_str() {
        "0" => String::new(),
        some => format!(", {some} here with other content"),
    };
    format!(
        "{} adopted, {} adopted before, {} taken back meanwhile{conflicting}\n",
        of("adopted"),
        of("known"),
        of("gone"),
    )
}

fn rule(verb: &RuleVerb, output: &Output) -> Result<Outcome, Failure> {
    match verb {
        RuleVerb::Add { dir, from, collection, types, tlp_max, existing, by } => {
            let add = RuleAdd {
                from: from.clone(),
                collection: collection.clone(),
                types: types.clone(),
                tlp_max: tlp_max.clone(),
                existing: *existing,
                by: by.clone(),
            };
            for name in types.iter().filter(|name| !is_known(name)) {
                output.remark(&format!(
                    "`{}` is no type of STIX 2.1; the rule waits for objects of an extension that \
                     calls them so",
                    name.escape_default()
                ));
            }
            let value = ask(dir, Request::Between(Between::AdoptRuleAdd(add)))?;
            output.result(&value, || {
                let rule = value.get("rule").unwrap_or(&Value::Null);
                let done = value.get("adopted").unwrap_or(&Value::Null);
                format!("rule {} of `{from}`; {}", cell(rule, "id"), adopted(done))
            });
        }
        RuleVerb::List { dir } => return listed(dir, output),
        RuleVerb::Remove { dir, id, by } => {
            let value =
                ask(dir, Request::Between(Between::AdoptRuleRemove { id: *id, by: by.clone() }))?;
            output.result(&value, || format!("rule {id} ended; what it adopted stays\n"));
        }
    }
    Ok(Outcome::Done)
}

/// Whether STIX has a type of this name, or it is written as custom ones are.
fn is_known(name: &str) -> bool {
    name.starts_with("x-") || comity_wire::stix::schema(name).is_some()
}

fn listed(dir: &Path, output: &Output) -> Result<Outcome, Failure> {
    let value = ask(dir, Request::Between(Between::AdoptRules))?;
    output.result(&value, || {
        let head = ["RULE", "FROM", "INTO", "TYPES", "TLP UP TO", "BY", "SINCE", "STOPPED"];
        let lines: Vec<Vec<String>> = rows(&value, "rules")
            .map(|one| {
                let mut line: Vec<String> = ["id", "party", "into", "types", "tlp", "by"]
                    .map(|name| cell(one, name))
                    .into();
                line.push(time(one, "since"));
                line.push(cell(one, "stopped"));
                line
            })
            .collect();
        output::table(&head, &lines)
    });
    Ok(Outcome::Done)
}
