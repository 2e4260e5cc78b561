//! `comity backup`: a copy of a node as of one moment, while it serves or not.

use std::io;
use std::path::Path;

use comity_node::import::Progress;
use indicatif::ProgressBar;
use serde_json::Value;

use crate::Outcome;
use crate::arguments::Backup;
use crate::command::{Failure, cell, file_lines, rows};
use crate::control::ask_with;
use crate::control::request::{Request, Sink};
use crate::output::Output;

pub(crate) fn run(arguments: &Backup, output: &Output) -> Result<Outcome, Failure> {
    // The node that serves stands in another directory than whoever asks.
    let to = absolute(&arguments.dest)?;
    let keys = arguments.keys.as_deref().map(absolute).transpose()?;
    let mut shown = Copied(output.bar(None));
    let request = Request::Backup { to, keys };
    let value = ask_with(&arguments.dir, request, &mut io::empty(), &mut shown)?;
    shown.0.finish_and_clear();
    output.result(&value, || told(&value, arguments));
    Ok(Outcome::Done)
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::new(format!("`{}`: {error}", path.display())))?;
    let text = absolute.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("`{}` is not UTF-8", path.display())))
}

fn told(value: &Value, arguments: &Backup) -> String {
    let mut text = format!(
        "made       {}   a backup of `{}` in {}\n",
        cell(value, "made"),
        cell(value, "party"),
        arguments.dest.display()
    );
    for log in rows(value, "logs") {
        text.push_str(&format!(
            "log        {:<8} {:>9} entries\n",
            cell(log, "log"),
            cell(log, "size")
        ));
    }
    text.push_str(&file_lines(value));
    match &arguments.keys {
        Some(keys) => text.push_str(&format!(
            "keys       in {}: whoever has it reads the contents and signs as the party; it goes \
             when a withdrawal has to be complete\n",
            keys.display()
        )),
        None => text.push_str(
            "keys       not copied: what happened can be restored from this, the contents cannot\n",
        ),
    }
    text
}

/// Shows octets copied, of how many.
struct Copied(ProgressBar);

impl Sink for Copied {
    fn progress(&mut self, progress: Progress) {
        let (done, total) = (progress.octets / 1_000_000, progress.objects / 1_000_000);
        self.0.set_message(format!("{done} of {total} MB"));
        self.0.tick();
    }

    fn data(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
