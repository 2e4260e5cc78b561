//! The lines against the tests, and both as `docs/reference/taxii.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::lines::{LINES, NOT_BINDING, NUMBERS};

const HEAD: &str = "\
# TAXII 2.1: what is asked, and what holds it

Made by the tests of `comity-serve` (`COMITY_ACCEPT=1 cargo test -p comity-serve --test taxii` \
writes it anew); a change by hand does not stand. The lines are our reading of the OASIS standard \
of 10 June 2021 and of its interoperability profile, in our words. Each has a test, or a reason \
why it binds nothing here.

## Where the standard leaves a choice

| question | what this server does | lines |
|---|---|---|
| 403 or 404 | 404 where the client can neither read nor write a collection, 403 where only the right is missing; another client's status is 404 | T034, T044, T057, T091, T111 |
| malformed content | 422 for what is no envelope; an object that is refused is a failure in the status, and the others are taken | T052–T055, T124 |
| the same version again | a success where the content is equal (RFC 8785), a failure where it is not; of an observable the first content stays | T056, T058 |
| a POST | always complete when it is answered: what is told as a success is durable and readable | T047 |
| DELETE without `match[version]` | all versions | T110 |
| an unknown `match[...]` field | 400 | T092 |
| a `limit` above the maximum | the maximum, 5000; without one 1000 | T089 |
| dates of an empty page | left out | T067 |
| `next` | also in manifests and versions; it holds no state, does not expire, and may be followed with another `limit` | T088, T098, T116 |
| `date_added` | unique and ascending in its collection, also within one envelope and when the clock goes back | T084, T118 |
| version of an observable | the time of its entry | T033, T095, T117 |
| Accept | `*/*` and `application/*` take TAXII too | T007 |

## Lines

| line | section | what is asked | tests |
|---|---|---|---|
";

/// Every test function of the sources beside this one, with the file it stands in.
fn tests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/taxii");
    let mut tests = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            if !pair[0].starts_with("#[tokio::test") && pair[0] != "#[test]" {
                continue;
            }
            let signature = pair[1].trim_start_matches("async ");
            let name = signature.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            tests.push((file.clone(), name.unwrap().to_owned()));
        }
    }
    tests.sort();
    tests
}

/// The number in a name such as `t011_...`.
fn number(name: &str) -> Option<u16> {
    let digits = name.strip_prefix('t')?.get(..3)?;
    (name.get(4..5) == Some("_")).then(|| digits.parse().ok())?
}

fn by_line() -> BTreeMap<u16, Vec<String>> {
    let mut by_line: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for (_, name) in tests() {
        if let Some(number) = number(&name) {
            by_line.entry(number).or_default().push(name);
        }
    }
    by_line
}

fn page() -> String {
    let held_by = by_line();
    let mut page = HEAD.to_owned();
    for (number, section, asked) in LINES {
        let reason = NOT_BINDING.iter().find(|(line, _)| line == number);
        let held = match reason {
            Some((_, reason)) => format!("binds nothing: {reason}"),
            None => {
                let names = held_by.get(number).map_or(&[][..], Vec::as_slice);
                let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                quoted.join(" ")
            }
        };
        let section = match section.starts_with(|one: char| one.is_ascii_digit()) {
            true => format!("§{section}"),
            false => (*section).to_owned(),
        };
        writeln!(page, "| T{number:03} | {section} | {asked} | {held} |").unwrap();
    }
    page.push_str("\n## Tests of no line\n\n");
    page.push_str("Faults met in other servers, and what HTTP asks of every server.\n\n");
    for (file, name) in tests() {
        if number(&name).is_none() && file != "reference" {
            writeln!(page, "- {file}: {}", name.replace('_', " ")).unwrap();
        }
    }
    page
}

#[test]
fn every_line_has_a_test_or_a_reason() {
    let numbers: BTreeSet<u16> = NUMBERS.iter().cloned().flatten().collect();
    let told: Vec<u16> = LINES.iter().map(|(number, ..)| *number).collect();
    assert!(told.iter().copied().eq(numbers.iter().copied()), "{told:?}");
    let tested: BTreeSet<u16> = by_line().into_keys().collect();
    let excused: BTreeSet<u16> = NOT_BINDING.iter().map(|(number, _)| *number).collect();
    let both: Vec<&u16> = tested.intersection(&excused).collect();
    assert!(both.is_empty(), "tested, and said not to bind: {both:?}");
    let held: BTreeSet<u16> = tested.union(&excused).copied().collect();
    let missing: Vec<&u16> = numbers.difference(&held).collect();
    assert!(missing.is_empty(), "lines without a test: {missing:?}");
    let unknown: Vec<&u16> = held.difference(&numbers).collect();
    assert!(unknown.is_empty(), "tests of lines that are not there: {unknown:?}");
}

#[test]
fn every_source_of_tests_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/taxii.rs");
    let root = std::fs::read_to_string(root).unwrap();
    let files: BTreeSet<String> = tests().into_iter().map(|(file, _)| file).collect();
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        assert!(root.contains(&format!("    mod {file};\n")), "{file}");
    }
}

#[allow(clippy::disallowed_methods, reason = "a test may be told to accept what it made")]
fn accepts() -> bool {
    std::env::var("COMITY_ACCEPT").is_ok()
}

#[test]
fn the_reference_page_is_what_the_tests_make_it() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/taxii.md");
    let made = page();
    if accepts() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/reference/taxii.md is not current: COMITY_ACCEPT=1 cargo test -p comity-serve --test taxii"
    );
}
