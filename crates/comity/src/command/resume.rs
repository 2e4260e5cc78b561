//! `comity resume`: logs that were put back to an earlier day go on.

use comity_node::Directory;
use comity_node::resume::{Names, resume};
use serde_json::json;

use crate::Outcome;
use crate::arguments::Resume;
use crate::command::Failure;
use crate::output::Output;
use crate::surroundings;

pub(crate) fn run(arguments: &Resume, output: &Output) -> Result<Outcome, Failure> {
    let directory = Directory::new(&arguments.dir);
    let names = match (arguments.same_names, arguments.new_names) {
        (true, _) => Names::Same,
        (_, true) => Names::New,
        _ => Names::NewWhereNeeded,
    };
    let continued = resume(&directory, names, &surroundings::real())?;
    let value = json!({ "continues": continued });
    output.result(&value, || {
        let mut text = String::new();
        for one in &continued {
            let how = match (one.origin == one.from, one.signed) {
                (true, _) => "under the same name".to_owned(),
                (false, None) => format!("as {}", one.origin),
                (false, Some(signed)) => {
                    format!("as {}; the old one signed up to {signed}", one.origin)
                }
            };
            text.push_str(&format!("log        {:<8} {:>9} entries, goes on {how}\n", one.log, one.size));
        }
        text.push_str("said       in `acts`, as an entry\n");
        if continued.iter().any(|one| one.origin != one.from) {
            text.push_str(
                "next       give the new verifier keys to whoever reads these logs: comity doctor DIR\n",
            );
        }
        text
    });
    Ok(Outcome::Done)
}
