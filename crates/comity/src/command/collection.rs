//! `comity collection`: collections.

use serde_json::Value;

use crate::Outcome;
use crate::arguments::{Collection, CollectionVerb};
use crate::command::{Failure, cell, quota, rows, with_quota};
use crate::control::ask;
use crate::control::release::Releasing;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Collection, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        CollectionVerb::Add {
            dir,
            title,
            id,
            alias,
            description,
            rights,
            quota,
            release,
            tlp,
            by,
        } => {
            let tlp = tlp.clone();
            let release = release.clone().zip(by.clone());
            let request = Request::CollectionAdd {
                title: title.clone(),
                id: id.clone(),
                alias: alias.clone(),
                description: description.clone(),
                rights: rights.clone(),
                quota: quota.asked(),
                release: release.map(|(rule, by)| Releasing { rule, tlp, by }),
            };
            let value = ask(dir, request)?;
            output.result(&value, || {
                let collection = value.get("collection").unwrap_or(&value);
                let mut text = format!(
                    "collection {}\nid         {}\nalias      {}\npath       /taxii2/comity/collections/{}/\n",
                    cell(collection, "title"),
                    cell(collection, "id"),
                    cell(collection, "alias"),
                    cell(collection, "id")
                );
                if let Some(rule) = release_of(collection) {
                    text.push_str(&format!("releases   {rule}\n"));
                }
                text
            });
        }
        CollectionVerb::Release { dir, collection, rule, label, by } => {
            let (rule, tlp, by) = (rule.clone(), label.tlp.clone(), by.clone());
            let release = Releasing { rule, tlp, by };
            let collection = collection.clone();
            let value = ask(dir, Request::CollectionRelease { collection, release })?;
            output.result(&value, || match release_of(value.get("collection").unwrap_or(&value)) {
                Some(rule) => format!("a write releases to {rule}\n"),
                None => "a write is private\n".to_owned(),
            });
        }
        CollectionVerb::Limit { dir, collection, rights, quota } => {
            let (collection, rights) = (collection.clone(), rights.clone());
            let quota = quota.asked();
            let value = ask(dir, Request::CollectionLimit { collection, rights, quota })?;
            output.result(&value, || "limited\n".to_owned());
        }
        CollectionVerb::List { dir } => {
            let value = ask(dir, Request::CollectionList)?;
            output.result(&value, || listed(&value));
        }
    }
    Ok(Outcome::Done)
}

/// What a write into a collection releases, if it does.
fn release_of(collection: &Value) -> Option<String> {
    let release = collection.get("release").filter(|release| !release.is_null())?;
    Some(format!("{} up to TLP:{}", cell(release, "rule"), cell(release, "tlp")))
}

fn listed(value: &Value) -> String {
    let mut head = vec!["ID", "ALIAS", "TITLE", "OBJECTS", "TLP", "PURPOSE", "DAYS"];
    let names = ["id", "alias", "title", "objects", "tlp", "purpose", "expires_days"];
    let any = rows(value, "collections").any(|one| release_of(one).is_some());
    head.extend(any.then_some("RELEASES"));
    let release = |one| release_of(one).unwrap_or_else(|| "-".to_owned());
    let lines: Vec<Vec<String>> = rows(value, "collections")
        .map(|one| {
            let cells = names.iter().map(|name| cell(one, name));
            cells.chain(any.then(|| release(one))).chain([quota(one)]).collect()
        })
        .collect();
    with_quota(&head, &lines)
}
