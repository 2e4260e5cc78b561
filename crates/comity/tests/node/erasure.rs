//! What is deleted is gone: from every file of the directory, its salt and its key too, and the
//! log verifies none the less.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::harness::{Place, wait_for};
use super::http::{Client, objects};
use super::sample::{CREATED, envelope, id, long, tool, with};

/// Strings that stand in the object that is deleted and nowhere else.
const UNIQUE: [&str; 2] = ["unique9f3kName", "unique9f3kText"];

/// When the deleted object has its second version.
const LATER: &str = "2021-02-03T04:05:06.789Z";

fn doomed() -> Vec<String> {
    // Beyond a page, so that there are overflow pages to clear.
    let text = format!(r#","description":"{}""#, UNIQUE[1].repeat(2000));
    vec![
        with(5, CREATED, UNIQUE[0], &text),
        with(5, LATER, UNIQUE[0], r#","description":"unique9f3kText""#),
    ]
}

/// The salts of the object's entries, as they are released before it is deleted.
fn salts(client: &Client) -> Vec<Vec<u8>> {
    let told = client.get("/log/private/release").is(200).text();
    let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter_map(|line| {
            let envelope = STANDARD.decode(line["envelope"].as_str()?).unwrap();
            let mine = String::from_utf8_lossy(&envelope).contains(UNIQUE[0]);
            mine.then(|| STANDARD.decode(line["salt"].as_str().unwrap()).unwrap())
        })
        .collect()
}

fn keys(place: &Place) -> Vec<Vec<u8>> {
    let keys = rusqlite::Connection::open(place.path().join("keys.db")).unwrap();
    let mut statement = keys.prepare("SELECT dek FROM key").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn what_is_deleted_is_in_no_file_and_the_log_verifies() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(1, "stays"), long(2, 50_000)])).is(202);
    let status = desk.add("desk", envelope(&doomed())).is(202).json();
    assert_eq!(status["success_count"], 2, "{status:#}");
    desk.add("desk", envelope(&[tool(3, "stays")])).is(202);
    let salts = salts(&desk);
    assert_eq!(salts.len(), 2);
    let before = keys(&place);
    for salt in &salts {
        assert!(!place.files_with(salt).is_empty());
    }
    let path = format!("{}{}/", objects("desk"), id(5));
    desk.get(&path).is(200);
    desk.delete(&path).is(200);
    desk.get(&path).is(404);
    let gone: Vec<Vec<u8>> = {
        let after = keys(&place);
        before.into_iter().filter(|key| !after.contains(key)).collect()
    };
    assert_eq!(gone.len(), 2);
    let secrets: Vec<&[u8]> = UNIQUE
        .iter()
        .map(|text| text.as_bytes())
        .chain(salts.iter().map(Vec::as_slice))
        .chain(gone.iter().map(Vec::as_slice))
        .collect();
    // While it serves, once it has settled; and after it has stopped.
    let nowhere = || {
        let held: Vec<_> = secrets.iter().flat_map(|secret| place.files_with(secret)).collect();
        held.is_empty().then_some(())
    };
    wait_for("the erasure", nowhere);
    place.run(&["verify", "DIR"]).exits(0);
    served.stop();
    assert!(nowhere().is_some());
    let told = place.run(&["--json", "verify", "DIR"]).exits(0).out;
    assert!(told.contains("2 erased"), "{told}");
    // It may come again, and is there again.
    let served = place.serve();
    let desk = served.ask("desk");
    let status = desk.add("desk", envelope(&doomed())).is(202).json();
    assert_eq!(status["success_count"], 2, "{status:#}");
    assert_eq!(desk.get(&path).is(200).objects()[0]["modified"], LATER);
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 4);
    served.stop();
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn a_deletion_that_a_kill_cut_off_is_finished_at_the_next_start() {
    let place = Place::with_desk();
    for _ in 0..4 {
        let served = place.serve();
        let desk = served.ask("desk");
        desk.add("desk", envelope(&doomed())).is(202);
        desk.delete(&format!("{}{}/", objects("desk"), id(5))).is(200);
        served.kill();
    }
    place.run(&["user", "list", "DIR"]).exits(0);
    for text in UNIQUE {
        let held = place.files_with(text.as_bytes());
        assert!(held.is_empty(), "{text}: {held:?}");
    }
    place.run(&["verify", "DIR"]).exits(0);
}
