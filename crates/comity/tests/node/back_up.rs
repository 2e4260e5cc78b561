//! `comity backup`, `restore` and `resume` against the real binary, while it serves and not.

use std::fs;

use super::harness::Place;
use super::http::objects;
use super::sample::{bundle, envelope, id, tool};

#[test]
fn a_node_that_serves_is_backed_up_lost_and_restored() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(1, "one"), tool(2, "two")])).is(202);
    let (to, keys) = (place.beside("b"), place.beside("k"));
    let (to, keys) = (to.to_str().unwrap(), keys.to_str().unwrap());
    let made = place.run(&["--json", "backup", "DIR", to, "--keys", keys]).exits(0).json();
    assert_eq!(made["party"], "cert.example");
    let files: Vec<&str> = made["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["charter.toml", "config.toml", "local.db", "log.db"]);
    // What came after is not in it, and what was signed since makes the names unusable.
    desk.add("desk", envelope(&[tool(3, "three")])).is(202);
    served.stop();
    fs::remove_dir_all(place.path()).unwrap();
    let told = place.run(&["restore", to, "DIR", "--keys", keys]).exits(0).out;
    assert!(told.contains("\nsound\n"), "{told}");
    assert!(told.contains("comity resume"), "{told}");
    place.run(&["doctor", "DIR"]).fails_with(&["does not sign", "comity resume", "--same-names"]);
    place.run(&["serve", "DIR", "--listen", "127.0.0.1:0"]).fails_with(&["restored from a backup"]);
    let told = place.run(&["resume", "DIR"]).exits(0).out;
    assert!(told.contains("goes on as cert.example/private/2"), "{told}");
    let served = place.serve();
    let desk = served.ask("desk");
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 2);
    desk.get(&format!("{}{}/", objects("desk"), id(3))).is(404);
    desk.add("desk", envelope(&[tool(3, "three")])).is(202);
    // From outside, by the vkey that the node shows now.
    let place_of = served.url.clone();
    let password = super::harness::password("desk") + "\n";
    let told = super::harness::comity_with_input(
        &["verify", &place_of, "--user", "desk"],
        password.as_bytes(),
    )
    .exits(0)
    .out;
    assert!(told.contains("private: cert.example/private/2+"), "{told}");
    served.stop();
    place.run(&["verify", "DIR"]).exits(0);
    place.run(&["resume", "DIR"]).fails_with(&["nothing to resume"]);
}

#[test]
fn without_keys_a_backup_says_what_cannot_be_read() {
    let place = Place::with_desk();
    let file = place.file("in.json", bundle(&[tool(1, "one"), tool(2, "two")]));
    place.run(&["import", "DIR", &file]).exits(0);
    let to = place.beside("b");
    let to = to.to_str().unwrap();
    let told = place.run(&["backup", "DIR", to]).exits(0).out;
    assert!(told.contains("not copied"), "{told}");
    fs::remove_dir_all(place.path()).unwrap();
    let told = place.run(&["restore", to, "DIR"]).exits(0).out;
    assert!(told.contains("unreadable 4 entries"), "{told}");
    assert!(told.contains("\nsound\n") && !told.contains("FAULT"), "{told}");
    place.run(&["resume", "DIR"]).exits(0);
    // What is still at hand is imported again, as new entries.
    let told = place.run(&["import", "DIR", &file]).exits(0).out;
    assert!(told.contains("2 new"), "{told}");
    let told = place.run(&["verify", "DIR"]).exits(1).out;
    assert!(told.contains("keys.db has no key for it"), "{told}");
}

#[test]
fn a_log_that_was_put_back_is_told_with_sizes_and_what_helps() {
    let place = Place::with_desk();
    let old = place.beside("log.db");
    place.run(&["import", "DIR", &place.file("1.json", bundle(&[tool(1, "one")]))]).exits(0);
    fs::copy(place.path().join("log.db"), &old).unwrap();
    place.run(&["import", "DIR", &place.file("2.json", bundle(&[tool(2, "two")]))]).exits(0);
    let newest = place.beside("newest.db");
    fs::copy(place.path().join("log.db"), &newest).unwrap();
    let put = |from| {
        for tail in ["-wal", "-shm"] {
            let _ = fs::remove_file(place.path().join(format!("log.db{tail}")));
        }
        fs::copy(from, place.path().join("log.db")).unwrap();
    };
    put(&old);
    let parts = ["log `private` has 1 entries here and signed 2 before", "comity resume"];
    place.run(&["doctor", "DIR"]).fails_with(&parts);
    place.run(&["user", "list", "DIR"]).fails_with(&parts);
    let told = place.run(&["verify", "DIR"]).exits(1).out;
    assert!(told.contains(parts[0]), "{told}");
    put(&newest);
    place.run(&["verify", "DIR"]).exits(0);
    let told = place.run(&["doctor", "DIR"]).exits(0).out;
    assert!(told.contains("kept       accesses      1095 days"), "{told}");
}

#[test]
fn a_mark_on_another_volume_has_to_be_there() {
    let place = Place::with_desk();
    let mark = place.beside("heads");
    let config = place.path().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}head_mark = \"{}\"\n", mark.display())).unwrap();
    place.run(&["user", "list", "DIR"]).fails_with(&["touch ", "mount its volume"]);
    fs::write(&mark, "").unwrap();
    place.run(&["user", "list", "DIR"]).exits(0);
    let before = place.files();
    place.run(&["import", "DIR", &place.file("1.json", bundle(&[tool(1, "one")]))]).exits(0);
    place.run(&["verify", "DIR"]).exits(0);
    // The whole directory as it was, keys and all.
    fs::remove_dir_all(place.path()).unwrap();
    for (path, octets) in before {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets).unwrap();
    }
    place.run(&["user", "list", "DIR"]).fails_with(&["has 0 entries here and signed 1 before"]);
}
