//! `comity export`: a collection as a bundle on standard output.

use std::io;

use crate::Outcome;
use crate::arguments::Export;
use crate::command::{Failure, cell};
use crate::control::request::Request;
use crate::control::{Shown, ask_with};
use crate::output::Output;

pub(crate) fn run(arguments: &Export, output: &Output) -> Result<Outcome, Failure> {
    let request = Request::Export { collection: arguments.collection.clone() };
    let mut shown = Shown {
        out: io::BufWriter::new(io::stdout().lock()),
        bar: indicatif::ProgressBar::hidden(),
    };
    let value = ask_with(&arguments.dir, request, &mut io::empty(), &mut shown)?;
    io::Write::flush(&mut shown.out).map_err(|error| Failure::write(&error))?;
    // Standard output is the bundle, so the count goes beside it.
    output.remark(&format!("{} objects", cell(&value, "written")));
    Ok(Outcome::Done)
}
