//! `comity grant`: what is shared, for more parties; or for one of them to pass on.

use crate::Outcome;
use crate::arguments::Grant;
use crate::command::{Failure, share};
use crate::control::ask;
use crate::control::between::Between;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Grant, output: &Output) -> Result<Outcome, Failure> {
    let (objects, to) = (arguments.object.clone(), arguments.to.clone());
    let (collection, by) = (arguments.collection.clone(), arguments.by.clone());
    let (request, done) = match arguments.onward.clone() {
        Some(party) => {
            (Request::Between(Between::Consent { objects, party, to, by }), share::CONSENTED)
        }
        None => (Request::Grant { objects, collection, to, by }, "granted"),
    };
    let value = ask(&arguments.dir, request)?;
    output.result(&value, || share::told(&value, done));
    Ok(share::outcome(&value))
}
