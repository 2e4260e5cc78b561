//! `comity verify`: everything that can be recomputed, recomputed: in a directory, or over HTTP
//! as an outsider sees it.

mod fetch;
mod remote;

use std::path::Path;

use comity_node::Directory;
use comity_node::verify::{Report, verify_directory};
use comity_tlog::equivocation::EQUIVOCATION_BYTES_MAX;
use comity_tlog::{Convicted, Equivocation, Hash, Verifier};
use serde_json::json;

use crate::Outcome;
use crate::arguments::Verify;
use crate::command::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &Verify, output: &Output) -> Result<Outcome, Failure> {
    if arguments.equivocation {
        return judge(arguments, output);
    }
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

/// A proof that a log has two histories, by the key of the log alone.
fn judge(arguments: &Verify, output: &Output) -> Result<Outcome, Failure> {
    let place = &arguments.place;
    let fault = |error: std::io::Error| Failure::new(format!("cannot read `{place}`: {error}"));
    let size = std::fs::metadata(place).map_err(fault)?.len();
    if size > EQUIVOCATION_BYTES_MAX as u64 {
        let most = EQUIVOCATION_BYTES_MAX;
        return Err(Failure::new(format!("`{place}` has {size} octets; a proof at most {most}")));
    }
    let octets = std::fs::read(place).map_err(fault)?;
    let [vkey] = arguments.vkey.as_slice() else {
        return Err(Failure::new("--equivocation is judged by the key of one log: one --vkey"));
    };
    let verifier = Verifier::parse(vkey)
        .map_err(|error| Failure::new(format!("`{}`: {error}", vkey.escape_default())))?;
    match Equivocation::parse(&octets).and_then(|proof| proof.check(&verifier)) {
        Ok(Convicted { origin, smaller, larger }) => {
            let head =
                |(size, root): (u64, Hash)| json!({ "size": size, "root": root.to_string() });
            let value = json!({
                "proven": true,
                "origin": origin,
                "smaller": head(smaller),
                "larger": head(larger),
            });
            let what = Convicted { origin, smaller, larger }.to_string();
            output.result(&value, || format!("PROVEN   {what}\n"));
            Ok(Outcome::Done)
        }
        Err(error) => {
            let value = json!({ "proven": false, "why": error.to_string() });
            output.result(&value, || format!("NOTHING  {error}\n"));
            Ok(Outcome::Found)
        }
    }
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
