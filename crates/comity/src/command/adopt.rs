//! `comity adopt`: what peers released, among one's own.

use crate::Outcome;
use crate::arguments::Adopt;
use crate::command::{Failure, cell};
use crate::control::ask;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Adopt, output: &Output) -> Result<Outcome, Failure> {
    let request = Request::Adopt {
        objects: (!arguments.all).then(|| arguments.object.clone()),
        from: arguments.from.clone(),
        collection: arguments.collection.clone(),
        by: arguments.by.clone(),
    };
    let value = ask(&arguments.dir, request)?;
    output.result(&value, || {
        let of = |name: &str| cell(&value, name);
        format!(
            "{} adopted, {} adopted before, {} taken back meanwhile, {} here with other content\n",
            of("adopted"),
            of("known"),
            of("gone"),
            of("conflicting")
        )
    });
    Ok(Outcome::Done)
}
