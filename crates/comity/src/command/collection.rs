//! `comity collection`: collections.

use crate::Outcome;
use crate::arguments::{Collection, CollectionVerb};
use crate::command::{Failure, cell, quota, rows, with_quota};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Collection, output: &Output) -> Result<Outcome, Failure> {
    match &arguments.verb {
        CollectionVerb::Add { dir, title, id, alias, description, rights, quota } => {
            let request = Request::CollectionAdd {
                title: title.clone(),
                id: id.clone(),
                alias: alias.clone(),
                description: description.clone(),
                rights: rights.clone(),
                quota: quota.asked(),
            };
            let value = ask(dir, request)?;
            output.result(&value, || {
                let collection = value.get("collection").unwrap_or(&value);
                format!(
                    "collection {}\nid         {}\nalias      {}\npath       /taxii2/comity/collections/{}/\n",
                    cell(collection, "title"),
                    cell(collection, "id"),
                    cell(collection, "alias"),
                    cell(collection, "id")
                )
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
            output.result(&value, || {
                let head = ["ID", "ALIAS", "TITLE", "OBJECTS", "TLP", "PURPOSE", "DAYS"];
                let names = ["id", "alias", "title", "objects", "tlp", "purpose", "expires_days"];
                let lines: Vec<Vec<String>> = rows(&value, "collections")
                    .map(|one| {
                        names.iter().map(|name| cell(one, name)).chain([quota(one)]).collect()
                    })
                    .collect();
                with_quota(&head, &lines)
            });
        }
    }
    Ok(Outcome::Done)
}
