//! `comity verify`: everything that can be recomputed, recomputed: in a directory, or over HTTP
//! as an outsider sees it.

mod fetch;
mod remote;

use std::path::Path;

use comity_node::Directory;
use comity_node::verify::{Report, verify_directory};
use serde_json::json;

use crate::Outcome;
use crate::arguments::Verify;
use crate::command::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &Verify, output: &Output) -> Result<Outcome, Failure> {
    let bar = output.bar(None);
    let progress = |done: u64, of: u64| {
        bar.set_message(format!("{done} of {of} entries"));
        bar.tick();
    };
    let place = &arguments.place;
    let is_url = place.starts_with("http://") || place.starts_with("https://");
    let report = if is_url {
        remote::verify(arguments, progress)?
    } else {
        verify_directory(&Directory::new(Path::new(place)), progress)?
    };
    bar.finish_and_clear();
    output.result(&json!(report), || told(&report));
    Ok(if report.faults.is_empty() { Outcome::Done } else { Outcome::Found })
}

fn told(report: &Report) -> String {
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
    text.push_str(if report.faults.is_empty() { "sound\n" } else { "NOT SOUND\n" });
    text
}
