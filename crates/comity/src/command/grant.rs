//! `comity grant`: what is shared, for more parties.

use crate::Outcome;
use crate::arguments::Grant;
use crate::command::{Failure, share};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Grant, output: &Output) -> Result<Outcome, Failure> {
    let request = Request::Grant {
        objects: arguments.object.clone(),
        collection: arguments.collection.clone(),
        to: arguments.to.clone(),
        by: arguments.by.clone(),
    };
    let value = ask(&arguments.dir, request)?;
    output.result(&value, || share::told(&value, "granted"));
    Ok(share::outcome(&value))
}
