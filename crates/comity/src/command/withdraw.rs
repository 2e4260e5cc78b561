//! `comity withdraw`: objects, from everybody who could open them.

use crate::Outcome;
use crate::arguments::Withdraw;
use crate::command::{Failure, cell};
use crate::control::ask;
use crate::control::between::Between;
use crate::control::request::Request;
use crate::output::Output;

pub(crate) fn run(arguments: &Withdraw, output: &Output) -> Result<Outcome, Failure> {
    let (objects, by) = (arguments.object.clone(), arguments.by.clone());
    let request = match arguments.onward.clone() {
        Some(party) => Request::Between(Between::WithdrawConsent { objects, party, by }),
        None => Request::Withdraw { objects, keep: arguments.keep, by },
    };
    let value = ask(&arguments.dir, request)?;
    output.result(&value, || {
        format!(
            "{} object versions: {} entries withdrawn and erased; told: {}\n",
            cell(&value, "objects"),
            cell(&value, "withdrawn"),
            cell(&value, "told")
        )
    });
    Ok(Outcome::Done)
}
