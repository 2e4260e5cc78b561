//! Directories that releases made are opened by this program, and later ones are left alone.
//! `scripts/make-release-fixture.sh` makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::harness::Place;
use super::http::{Client, objects};
use super::sample::{envelope, tool};

/// The pass phrase of the analyst in every one of them.
const PHRASE: &str = "exercise pass phrase";

fn releases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/releases");
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn unpacked(release: &Path) -> Place {
    let place = Place::empty();
    let status = Command::new("tar")
        .args(["--extract", "--gzip", "--no-same-owner", "--file"])
        .arg(release.join("node.tar.gz"))
        .arg("--directory")
        .arg(place.path().parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    place
}

/// Counts of the line about logs: entries, opened, erased.
fn counts(checked: &str) -> Vec<u64> {
    let line = checked.lines().find(|line| line.contains("log.db, keys.db:")).unwrap();
    let numbers = line.split(|one: char| !one.is_ascii_digit()).filter(|word| !word.is_empty());
    numbers.map(|number| number.parse().unwrap()).take(3).collect()
}

#[test]
fn the_directory_of_every_release_opens_serves_and_goes_on() {
    for release in releases() {
        let place = unpacked(&release);
        let before = counts(&fs::read_to_string(release.join("verify.txt")).unwrap());
        let served = place.serve();
        let analyst = Client::basic(&served.url, "analyst", PHRASE);
        // What has expired by now is gone; `crates/node/tests/keeping.rs` counts by its own clock.
        analyst.get(&objects("first")).is(200);
        let status = analyst.add("first", envelope(&[tool(77, "EXERCISE")])).is(202).json();
        assert_eq!(status["success_count"], 1, "{status:#}");
        let found = analyst.get(&objects("first")).is(200).objects();
        assert!(found.iter().any(|object| object["name"] == "EXERCISE"));
        served.stop();
        let report = place.run(&["--json", "verify", "DIR"]).exits(0).json();
        let after = counts(report["checked"][0].as_str().unwrap());
        assert!(after[0] > before[0], "{before:?} {after:?}");
        assert!(after[2] >= before[2], "what was withdrawn stays so");
        let tokens = place.run(&["--json", "token", "list", "DIR"]).exits(0).json();
        assert_eq!(tokens["tokens"].as_array().map(Vec::len), Some(1));
        // `local.db` has the tables of quotas, and what came before them is counted.
        place.run(&["collection", "limit", "DIR", "first", "--quota-objects", "9999"]).exits(0);
        let listed = place.run(&["--json", "collection", "list", "DIR"]).exits(0).json();
        let all = listed["collections"].as_array().unwrap();
        let first = all.iter().find(|one| one["alias"] == "first").unwrap();
        assert!(first["objects"].as_u64() >= Some(1), "{first:#}");
        assert_eq!(first["quota"]["used"]["objects"], first["objects"]);
        place.run(&["verify", "DIR"]).exits(0);
        // It is one of this version now: it can be backed up and restored.
        let to = place.beside("b");
        place.run(&["backup", "DIR", to.to_str().unwrap()]).exits(0);
    }
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let place = Place::with_desk();
    for (file, what) in [
        ("log.db", "`log.db` has version"),
        ("keys.db", "`keys.db` has version"),
        ("local.db", "local.db has version"),
    ] {
        let path = place.path().join(file);
        let set = |by: i64| {
            let connection = rusqlite::Connection::open(&path).unwrap();
            let found: i64 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            connection.pragma_update(None, "user_version", found + by).unwrap();
        };
        set(1);
        place.run(&["user", "list", "DIR"]).fails_with(&[what, "run the later program"]);
        set(-1);
    }
    let mark = place.path().join("head.mark");
    let text = fs::read(&mark).unwrap();
    fs::write(&mark, "comity head mark 2\n").unwrap();
    place.run(&["user", "list", "DIR"]).fails_with(&["`head.mark` has version 2"]);
    fs::write(&mark, text).unwrap();
    for (file, from, to, what) in [
        ("charter.toml", "format = 1", "format = 2", "charter-format"),
        ("config.toml", "listen =", "listens =", "unknown field"),
    ] {
        let path = place.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(from, to)).unwrap();
        place.run(&["user", "list", "DIR"]).fails_with(&[what]);
        fs::write(&path, text).unwrap();
    }
    let listed: Value = place.run(&["--json", "user", "list", "DIR"]).exits(0).json();
    assert_eq!(listed["users"].as_array().map(Vec::len), Some(2));
}
