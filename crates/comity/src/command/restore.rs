//! `comity restore`: a backup becomes a node's directory, and is verified.

use std::path::Path;

use comity_node::Directory;
use comity_node::restore::{Restored, restore};
use comity_node::verify::{Report, verify_directory};
use serde_json::json;

use crate::Outcome;
use crate::arguments::Restore;
use crate::command::Failure;
use crate::output::Output;
use crate::surroundings;

/// What a finding ends with where the keys of an entry were not restored.
const KEYLESS: &str = "keys.db has no key for it";

pub(crate) fn run(arguments: &Restore, output: &Output) -> Result<Outcome, Failure> {
    let directory = Directory::new(&arguments.dir);
    let keys = arguments.keys.as_deref();
    let restored = restore(&arguments.dest, keys, &directory, &surroundings::real())?;
    let bar = output.bar(None);
    let report = verify_directory(&directory, |done, of| {
        bar.set_message(format!("{done} of {of} entries"));
        bar.tick();
    })?;
    bar.finish_and_clear();
    // Without keys that contents do not open is what was asked for, and no fault.
    let faults: Vec<&String> =
        report.faults.iter().filter(|fault| restored.keys || !is_keyless(fault, &report)).collect();
    let sound = faults.is_empty();
    let value = json!({
        "backup": restored.manifest,
        "keys": restored.keys,
        "unreadable": report.keyless,
        "checked": report.checked,
        "faults": faults,
        "view_digest": report.view_digest,
    });
    output.result(&value, || told(&restored, &report, &faults, &arguments.dir));
    Ok(if sound { Outcome::Done } else { Outcome::Found })
}

/// A fault that is nothing but a missing key, or the count of more such than are listed.
fn is_keyless(fault: &str, report: &Report) -> bool {
    let listed = report.faults.iter().filter(|fault| fault.ends_with(KEYLESS)).count() as u64;
    let rest = report.keyless.saturating_sub(listed);
    fault.ends_with(KEYLESS)
        || (rest > 0 && fault == format!("log.db, keys.db: {rest} findings more"))
}

fn told(restored: &Restored, report: &Report, faults: &[&String], dir: &Path) -> String {
    let manifest = &restored.manifest;
    let mut text = format!(
        "restored   a backup of `{}` of {} into {}\n",
        manifest.party,
        manifest.made,
        dir.display()
    );
    for log in &manifest.logs {
        text.push_str(&format!("log        {:<8} {:>9} entries\n", log.log, log.size));
    }
    for line in &report.checked {
        text.push_str(&format!("checked    {line}\n"));
    }
    for line in faults {
        text.push_str(&format!("FAULT      {line}\n"));
    }
    if report.keyless > 0 {
        text.push_str(&format!(
            "unreadable {} entries: their keys are not here; leaves and proofs hold\n",
            report.keyless
        ));
    }
    text.push_str(if faults.is_empty() { "sound\n" } else { "NOT SOUND\n" });
    let dir = dir.display();
    text.push_str(&format!(
        "next       it signs nothing yet. Where its logs signed more after the backup, and peers have it:\n           \
         comity peer recover {dir}\n           where nobody has it:\n           \
         comity resume {dir}\n           where certainly nothing was signed since:\n           \
         comity resume {dir} --same-names\n"
    ));
    text
}
