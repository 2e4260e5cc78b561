//! `comity verify`: everything that can be recomputed, recomputed.

use comity_node::Directory;
use comity_node::verify::verify_directory;
use serde_json::json;

use crate::Outcome;
use crate::arguments::Verify;
use crate::command::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &Verify, output: &Output) -> Result<Outcome, Failure> {
    let bar = output.bar(None);
    let report = verify_directory(&Directory::new(&arguments.dir), |done, of| {
        bar.set_message(format!("{done} of {of} entries"));
        bar.tick();
    })?;
    bar.finish_and_clear();
    output.result(&json!(report), || {
        let mut text = String::new();
        for line in &report.checked {
            text.push_str(&format!("checked  {line}\n"));
        }
        for line in &report.faults {
            text.push_str(&format!("FAULT    {line}\n"));
        }
        if let Some(digest) = &report.view_digest {
            text.push_str(&format!("digest   {digest}\n"));
        }
        text.push_str(if report.faults.is_empty() {
            "sound\n"
        } else {
            "NOT SOUND\n"
        });
        text
    });
    Ok(if report.faults.is_empty() {
        Outcome::Done
    } else {
        Outcome::Found
    })
}
