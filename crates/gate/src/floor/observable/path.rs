//! Home directories and user SIDs in files, directories, processes and registry keys: flagged,
//! since malware lives there and so do people.

use super::super::code;
use super::super::place::Place;
use super::super::walk::Judge;
use super::account;

/// The types in which paths are looked at.
pub(in super::super) fn is_at_home(object_type: &str) -> bool {
    matches!(
        object_type,
        "file" | "directory" | "process" | "windows-registry-key" | "software" | "user-account"
    )
}

/// Flags a path through a home and the SID of a user.
pub(in super::super) fn lint(judge: &mut Judge<'_>, text: &str, place: &Place<'_>) {
    if !text.contains(['/', '\\', '-']) {
        return;
    }
    if names_home(text) {
        judge.flag(&code::HOME_PATH, place);
    }
    if names_user(text) {
        judge.flag(&code::USER_SID, place);
    }
}

/// `/home/jane`, `C:\Users\jane`, but not `C:\Users\Public` or `%USERPROFILE%`.
fn names_home(text: &str) -> bool {
    let mut steps = text.split(['/', '\\']).filter(|step| !step.is_empty());
    while let Some(step) = steps.next() {
        let is_parent = ["home", "Users", "Documents and Settings"]
            .iter()
            .any(|known| step.eq_ignore_ascii_case(known));
        if is_parent {
            return steps.next().is_some_and(|name| !is_nobodys(name));
        }
    }
    false
}

fn is_nobodys(name: &str) -> bool {
    let listed = ["Public", "Default", "Default User", "All Users", "user", "username", "Shared"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    let variable = name.contains(['%', '$', '<', '*', '{', '[', '(']);
    listed || variable || account::is_built_in(name)
}

/// `S-1-5-21-…-1001`: relative identifiers from 1000 on are given to people and their machines.
fn names_user(text: &str) -> bool {
    text.match_indices("S-1-5-21-").any(|(at, start)| {
        let rest = text.get(at + start.len()..).unwrap_or("");
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '-')
            .unwrap_or(rest.len());
        let rid = rest.get(..end).and_then(|numbers| numbers.split('-').nth(3));
        rid.and_then(|rid| rid.parse::<u32>().ok()).is_some_and(|rid| rid >= 1000)
    })
}
