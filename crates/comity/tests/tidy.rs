//! What must hold of the tree itself: sizes, edges, words. The rules and their reasons are in
//! `CONTRIBUTING.md`. Each test lists every breach at once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file without its tests: from the first on it is named, from the second on
/// it fails.
const FILE_LINES_GOAL: usize = 400;
const FILE_LINES_MAX: usize = 600;

/// Lines of a function, its signature and last brace included.
const FUNCTION_LINES_MAX: usize = 70;

/// Characters of a line. Messages in string literals may be longer: they are easier to find whole.
const LINE_CHARS_MAX: usize = 100;

/// Packages in Cargo.lock. Measured at 300; some room for updates, none for a new framework.
const PACKAGES_MAX: usize = 320;

/// Which crates a crate may lean on. The order is the flow of data.
const EDGES: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("tlog", &[]),
    ("charter", &["wire"]),
    ("gate", &["wire", "charter"]),
    ("view", &["wire", "charter", "gate"]),
    ("node", &["wire", "charter", "gate", "tlog", "view"]),
    ("serve", &["wire", "charter", "gate", "tlog", "view", "node"]),
    ("exercise", &["wire", "charter", "tlog", "view", "node"]),
    ("comity", &["wire", "charter", "gate", "tlog", "view", "node", "serve"]),
];

#[test]
fn files_functions_and_lines_stay_small() {
    let mut breaches = Vec::new();
    for file in sources().filter(|file| !is_test(file)) {
        let shown = shown(&file);
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = without_tests(&text).collect();
        if code.len() > FILE_LINES_MAX {
            breaches.push(format!("{shown}: {} lines, at most {FILE_LINES_MAX}", code.len()));
        } else if code.len() > FILE_LINES_GOAL {
            println!("{shown}: {} lines; the goal is {FILE_LINES_GOAL}", code.len());
        }
        for (name, line, lines) in functions(&code) {
            if lines > FUNCTION_LINES_MAX {
                breaches.push(format!(
                    "{shown}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
        for (at, line) in code.iter().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX && !line.contains('"') {
                breaches.push(format!(
                    "{shown}:{}: a line of more than {LINE_CHARS_MAX} characters",
                    at + 1
                ));
            }
        }
    }
    none(&breaches);
}

#[test]
fn crates_lean_on_each_other_in_one_direction() {
    let mut breaches = Vec::new();
    let mut found: Vec<String> = folders("crates").collect();
    found.sort();
    let mut known: Vec<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(found, known, "the crates on disk and those of EDGES");
    for (name, allowed) in EDGES {
        let path = root().join(format!("crates/{name}/Cargo.toml"));
        let manifest = fs::read_to_string(path).unwrap();
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let Some(other) = line.strip_prefix("comity-") else {
                continue;
            };
            let other = other.split(['.', ' ', '=']).next().unwrap_or_default();
            if section.contains("dependencies") && !allowed.contains(&other) {
                breaches.push(format!("crates/{name}: {section} comity-{other}"));
            }
        }
    }
    none(&breaches);
}

#[test]
fn every_file_says_what_it_is() {
    let mut breaches = Vec::new();
    for file in sources().filter(|file| !is_test(file)) {
        let text = fs::read_to_string(&file).unwrap();
        if !text.starts_with("//! ") {
            breaches.push(format!("{}: no `//!` on the first line", shown(&file)));
        }
    }
    none(&breaches);
}

#[test]
fn readers_are_made_in_two_places() {
    const PLACES: [&str; 2] =
        ["crates/serve/src/caller.rs", "crates/comity/src/control/request.rs"];
    let mut breaches = Vec::new();
    for file in sources().filter(|file| !is_test(file)) {
        let text = fs::read_to_string(&file).unwrap();
        // The reader of bundles has the same name.
        let other = text.lines().any(|line| line.contains("bundle::") && line.contains("Reader"));
        let own = shown(&file) == "crates/wire/src/stix/bundle.rs";
        let makes = without_tests(&text).any(|line| {
            line.match_indices("Reader::new(").any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(char::is_alphanumeric)
            })
        });
        if makes && !other && !own && !PLACES.contains(&shown(&file).as_str()) {
            breaches.push(format!("{}: makes a Reader", shown(&file)));
        }
    }
    none(&breaches);
}

#[test]
fn one_file_knows_status_codes() {
    const PLAIN: [&str; 3] = ["OK", "ACCEPTED", "NOT_MODIFIED"];
    const TYPE: &str = "StatusCode::";
    let mut breaches = Vec::new();
    for file in sources().filter(|file| !is_test(file)) {
        let shown = shown(&file);
        let text = fs::read_to_string(&file).unwrap();
        let http = shown.starts_with("crates/serve/src/");
        for (at, line) in without_tests(&text).enumerate() {
            for (start, _) in line.match_indices(TYPE) {
                let name = &line[start + TYPE.len()..];
                let end = name.find(|one: char| !one.is_ascii_uppercase() && one != '_');
                let name = &name[..end.unwrap_or(name.len())];
                let plain = http && PLAIN.contains(&name);
                if shown != "crates/serve/src/error.rs" && !plain {
                    breaches.push(format!("{shown}:{}: {TYPE}{name}", at + 1));
                }
            }
        }
    }
    none(&breaches);
}

#[test]
fn what_is_left_to_do_has_an_owner() {
    let words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|word| word.concat());
    let mut breaches = Vec::new();
    for file in texts() {
        let text = fs::read_to_string(&file).unwrap();
        for (at, line) in text.lines().enumerate() {
            for word in &words {
                if has_word(line, word) && !line.contains(&format!("{word}(")) {
                    breaches.push(format!("{}:{}: {word}", shown(&file), at + 1));
                }
            }
        }
    }
    none(&breaches);
}

/// Words that say where the tree was written, not what it is. In halves, so that this file has
/// none of them.
#[test]
fn nothing_names_the_place_where_it_was_written() {
    let words: Vec<String> = [
        ["clau", "de"],
        ["anthro", "pic"],
        ["open", "ai"],
        ["chat", "gpt"],
        ["co", "pilot"],
        ["language ", "model"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["bash", "_jobs"],
        ["index", "-url"],
        ["replace", "-with"],
        ["artifac", "tory"],
    ]
    .iter()
    .map(|word| word.concat())
    .collect();
    let mut breaches = Vec::new();
    for file in texts() {
        let text = fs::read_to_string(&file).unwrap();
        for (at, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for word in words.iter().filter(|word| lower.contains(word.as_str())) {
                breaches.push(format!("{}:{}: `{word}`", shown(&file), at + 1));
            }
        }
    }
    none(&breaches);
}

#[test]
fn the_lock_file_stays_under_its_cap() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(
        packages <= PACKAGES_MAX,
        "{packages} packages, at most {PACKAGES_MAX}: is the new one worth it?"
    );
    let elsewhere: Vec<&str> = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.starts_with("source = \"registry+"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shown(file: &Path) -> String {
    let root = root();
    let below = file.strip_prefix(&root).unwrap_or(file);
    below.display().to_string()
}

fn folders(below: &str) -> impl Iterator<Item = String> {
    fs::read_dir(root().join(below))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
}

/// Rust sources of the crates.
fn sources() -> impl Iterator<Item = PathBuf> {
    files(&root().join("crates"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
}

/// Tests, examples and what only they use have no budget.
fn is_test(file: &Path) -> bool {
    let shown = shown(file);
    ["/tests/", "/tests.rs", "/examples/", "/benches/", "/mutant.rs"]
        .iter()
        .any(|part| shown.contains(part))
}

/// Files that people write, but for this one and for data.
fn texts() -> Vec<PathBuf> {
    const KINDS: [&str; 9] = ["rs", "md", "toml", "sh", "py", "sql", "json", "yml", "txt"];
    let mut found = files(&root());
    found.retain(|file| {
        let kind = file.extension().and_then(|kind| kind.to_str());
        let written = kind.is_none_or(|kind| KINDS.contains(&kind));
        written && shown(file) != "crates/comity/tests/tidy.rs"
    });
    found.retain(|file| fs::read_to_string(file).is_ok());
    found
}

fn files(below: &Path) -> Vec<PathBuf> {
    const PASSED_OVER: [&str; 10] = [
        "corpus",
        "artifacts",
        ".git",
        ".venv",
        ".pytest_cache",
        ".hypothesis",
        "target",
        "data",
        "testdata",
        "__pycache__",
    ];
    let mut found = Vec::new();
    let mut waiting = vec![below.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
                waiting.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The lines up to a module of tests, which stands last in a file.
fn without_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let next = lines.peek().copied().unwrap_or_default();
        (line != "#[cfg(test)]" || !next.starts_with("mod ")).then_some(line)
    })
}

/// Name, first line and number of lines of each function, by the indentation that rustfmt gives.
fn functions<'a>(code: &[&'a str]) -> Vec<(&'a str, usize, usize)> {
    let starts = ["pub ", "pub(", "const fn ", "async fn ", "fn "];
    let mut found = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let bare = line.trim_start();
        if !starts.iter().any(|word| bare.starts_with(word)) {
            continue;
        }
        let Some((_, name)) = bare.split_once("fn ") else {
            continue;
        };
        let name = name.split(['(', '<']).next().unwrap_or(name);
        let end = format!("{}}}", &line[..line.len() - bare.len()]);
        let body = code[at..].iter().position(|line| *line == end);
        // A declaration without a body ends in a semicolon before a brace opens.
        let opened = code[at..].iter().position(|line| line.ends_with('{'));
        let declared = code[at..].iter().position(|line| line.ends_with(';'));
        if let (Some(body), Some(opened)) = (body, opened)
            && declared.is_none_or(|declared| opened < declared)
        {
            found.push((name, at + 1, body + 1));
        }
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let outside = |one: Option<char>| !one.is_some_and(|one| one.is_alphanumeric() || one == '_');
    line.match_indices(word).any(|(at, _)| {
        outside(line[..at].chars().next_back()) && outside(line[at + word.len()..].chars().next())
    })
}
