//! Documents under test: what they name exists, what they list is complete, what they show is what
//! a node prints. `COMITY_ACCEPT=1 cargo test -p comity --test docs` writes the generated pages and
//! the outputs of sessions anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod docs {
    pub(crate) mod reference;
    pub(crate) mod session;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use docs::{reference, session};

#[test]
fn the_code_map_names_the_crates() {
    let text = read("ARCHITECTURE.md");
    let mut named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### `crates/")?.strip_suffix('`'))
        .collect();
    named.sort_unstable();
    let mut found: Vec<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(named, found);
    let lines = text.lines().count();
    assert!(lines <= 300, "ARCHITECTURE.md has {lines} lines, at most 300");
}

#[test]
fn the_example_configuration_is_the_default_one() {
    let read = comity_node::Config::read(&root().join("comity.example.toml")).unwrap();
    assert_eq!(read, comity_node::Config::new("cert.example"));
    let keys = fs::read_to_string(root().join("comity.example.toml")).unwrap();
    let page = self::read("docs/reference/config.md");
    for key in keys.lines().filter_map(|line| line.split_once(" = ")) {
        assert!(page.contains(&format!("`{}`", key.0)), "config.md: {}", key.0);
    }
}

#[test]
fn the_reference_of_commands_is_current() {
    generated("docs/reference/cli.md", &reference::commands(&helps()));
}

#[test]
fn the_reference_of_metrics_is_current() {
    generated("docs/reference/metrics.md", &reference::metrics());
}

#[test]
fn the_reference_of_refusals_is_current() {
    let directory = tempfile::tempdir().unwrap();
    let node = directory.path().join("node");
    run(&["init", node.to_str().unwrap()]);
    run(&["collection", "add", node.to_str().unwrap(), "Refused"]);
    let file = root().join("examples/bundles/refused.json");
    let told = run(&["--json", "import", node.to_str().unwrap(), file.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    generated("docs/reference/refusals.md", &reference::refusals(&told));
    let page = read("examples/README.md");
    for (number, code) in reference::refused(&told) {
        let row = format!("| {number} | `{code}` |");
        assert!(page.contains(&row), "examples/README.md lacks {row}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in links(&text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let there = place.exists();
            let named = anchor.is_empty()
                || fs::read_to_string(&place)
                    .is_ok_and(|text| anchors(&text).any(|one| one == anchor));
            if !(there && named) {
                broken.push(format!("{}: {target}", shown(&page)));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn commands_in_the_documents_exist() {
    let helps = helps();
    let mut unknown = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for call in calls(&text) {
            if let Some(what) = fault_of(&call, &helps) {
                unknown.push(format!("{}: `comity {call}`: {what}", shown(&page)));
            }
        }
    }
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn the_tour_of_the_readme_runs() {
    session::check(&root().join("README.md"), accept());
}

#[test]
fn the_examples_run() {
    session::check(&root().join("examples/README.md"), accept());
}

#[test]
fn the_tour_of_one_node_runs() {
    session::check(&root().join("docs/guide/one-node.md"), accept());
}

#[test]
fn the_guide_to_founding_a_body_runs() {
    session::check(&root().join("docs/guide/found-a-body.md"), accept());
}

#[test]
fn the_guide_to_running_a_node_runs() {
    session::check(&root().join("docs/guide/run-a-node.md"), accept());
}

#[test]
fn the_page_about_monitoring_runs() {
    session::check(&root().join("docs/operate/monitoring.md"), accept());
}

#[test]
fn the_page_about_backups_runs() {
    session::check(&root().join("docs/operate/backup.md"), accept());
}

#[allow(
    clippy::disallowed_methods,
    reason = "a switch for whoever runs the tests, not for the program"
)]
fn accept() -> bool {
    std::env::var("COMITY_ACCEPT").is_ok_and(|value| value == "1")
}

/// Compares a page with what it is generated from, or writes it.
fn generated(page: &str, wanted: &str) {
    let path = root().join(page);
    if accept() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found != wanted {
        let line = found.lines().zip(wanted.lines()).position(|(a, b)| a != b);
        panic!("{page} is not current (line {line:?}); COMITY_ACCEPT=1 writes it");
    }
}

/// The help of every command, by its words.
fn helps() -> BTreeMap<String, String> {
    let mut helps = BTreeMap::new();
    let mut waiting = vec![String::new()];
    while let Some(command) = waiting.pop() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = run(&[&["help"], words.as_slice()].concat());
        for verb in reference::verbs(&help) {
            waiting.push(format!("{command} {verb}").trim().to_owned());
        }
        helps.insert(command, help);
    }
    helps
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_comity")).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What is wrong with a call, by the helps.
fn fault_of(call: &str, helps: &BTreeMap<String, String>) -> Option<String> {
    let words: Vec<&str> = call.split_whitespace().collect();
    if words.first() == Some(&"help") {
        return None;
    }
    let mut command = String::new();
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        let longer = format!("{command} {word}").trim().to_owned();
        if !helps.contains_key(&longer) {
            break;
        }
        command = longer;
    }
    let help = &helps[&command];
    // `comity` and `comity user` alone name a program and a group of commands.
    let goes_on = words.iter().any(|word| !word.starts_with('-')) && command.is_empty();
    if goes_on {
        return Some("no such command".to_owned());
    }
    words
        .iter()
        .filter(|word| word.starts_with("--"))
        .map(|word| word.split('=').next().unwrap_or(word))
        .find(|option| !help.contains(*option) && !["--version", "--help"].contains(option))
        .map(|option| format!("no option {option}"))
}

/// What stands behind `comity ` in code, in a line or in a block.
fn calls(text: &str) -> Vec<String> {
    let mut calls = Vec::new();
    let mut inside = false;
    let mut add = |code: &str| {
        let code = code.trim_start().trim_start_matches("$ ");
        for part in code.split(['|', ';', '&']) {
            let part = part.trim();
            let part = part.strip_prefix("target/release/").unwrap_or(part);
            if let Some(call) = part.strip_prefix("comity ") {
                let end = call.find(['<', '>', '#', '…', ':']).unwrap_or(call.len());
                calls.push(call[..end].trim_end_matches(['.', ',', '\\', ' ']).to_owned());
            }
        }
    };
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            add(line);
        } else {
            line.split('`').skip(1).step_by(2).for_each(&mut add);
        }
    }
    calls
}

/// Targets of links to files, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        }
        if inside {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target);
            }
        }
    }
    found
}

fn anchors(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| {
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|one| one.is_alphanumeric() || " -_".contains(*one))
            .map(|one| if one == ' ' { '-' } else { one })
            .collect()
    })
}

/// Every page of the project.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join("docs"), root().join("examples"), root().join("testdata")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                found.push(path);
            }
        }
    }
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shown(file: &Path) -> String {
    let root = root();
    let below = file.strip_prefix(&root).unwrap_or(file);
    below.display().to_string()
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}
