//! What a newcomer meets: charters that do not fit, addresses that are none, directories that hold
//! something else. Each is told at once, and nothing is begun by it.

use std::fs;
use std::time::Duration;

use super::harness::{Place, comity, password};

const RED: &str = "[[party]]\nid = \"red\"\nname = \"Red\"\ntier = \"member\"\n";

/// A charter of blue and red, without keys.
fn draft() -> String {
    let text = comity_charter::one_party("blue", "Blue");
    text.replace("[handling]", &format!("{RED}\n[handling]"))
}

/// A founded node of blue.
fn blue() -> Place {
    let blue = Place::empty();
    blue.found("blue", &draft());
    blue
}

/// A node of blue, made with a charter and not founded.
fn made(charter: &str) -> Place {
    let place = Place::empty();
    let file = place.file("other.toml", charter);
    place.run(&["init", "DIR", "--charter", &file, "--party", "blue"]).exits(0);
    place
}

#[test]
fn logs_do_not_begin_under_a_charter_without_the_keys_that_are_here() {
    let other = fs::read_to_string(blue().path().join("charter.toml")).unwrap();
    let late = made(&other);
    for line in [
        ["user", "add", "DIR", "x", "--role", "releaser"].as_slice(),
        &["doctor", "DIR"],
        &["serve", "DIR", "--listen", "127.0.0.1:0"],
    ] {
        late.run(line).fails_with(&["other keys of `blue`", "`shared` is `blue/shared+", "found"]);
    }
    let text = late.file("again.toml", &other);
    late.run(&["charter", "found", "DIR", &text]).fails_with(&["other keys of `blue`", "genesis"]);
    assert!(!late.path().join("log.db").exists(), "nothing was begun");
    // Keys of others, and none of its own.
    let red = Place::empty();
    let file = red.file("draft.toml", draft());
    red.run(&["init", "DIR", "--charter", &file, "--party", "red"]).exits(0);
    let table = red.run(&["peer", "genesis", "DIR"]).exits(0).out;
    let none = made(&draft().replace(RED, &format!("{RED}\n{table}\n")));
    none.run(&["user", "add", "DIR", "x", "--role", "releaser"]).fails_with(&[
        "no keys of `blue`",
        "comity peer genesis",
        "comity charter found",
    ]);
    assert!(!none.path().join("log.db").exists());
    // With its own keys it goes on from there.
    let own = none.run(&["peer", "genesis", "DIR"]).exits(0).out;
    let own = format!("blue={}", none.file("own", own));
    let text = comity(&["charter", "keys", &none.file("d.toml", draft()), "--genesis", &own]);
    let text = none.file("whole.toml", text.exits(0).out);
    none.run(&["charter", "found", "DIR", &text]).exits(0);
    none.user("x", "releaser");
}

#[test]
fn a_charter_with_another_key_for_peers_founds_nothing_and_doctor_tells_one_that_was_lost() {
    let place = made(&draft());
    let own = place.run(&["peer", "genesis", "DIR"]).exits(0).out;
    let keys = place.path().join("keys");
    let lose = |place: &Place| {
        for name in ["transport.key", "transport.crt"] {
            fs::rename(place.path().join("keys").join(name), place.beside(name)).unwrap();
        }
    };
    let own = format!("blue={}", place.file("own", own));
    let text = comity(&["charter", "keys", &place.file("d.toml", draft()), "--genesis", &own]);
    let text = place.file("whole.toml", text.exits(0).out);
    lose(&place);
    place.run(&["charter", "found", "DIR", &text]).fails_with(&["`transport` is `sha256//"]);
    assert!(!place.path().join("log.db").exists());
    for name in ["transport.key", "transport.crt"] {
        fs::rename(place.beside(name), keys.join(name)).unwrap();
    }
    let told = place.run(&["charter", "found", "DIR", &text]).exits(0).out;
    assert!(told.contains("no keys    red: they have no node"), "{told}");
    place.run(&["charter", "found", "DIR", &text]).fails_with(&["in force here already"]);
    place.run(&["doctor", "DIR"]).exits(0);
    lose(&place);
    let told = place.run(&["doctor", "DIR"]).exits(1).out;
    assert!(told.contains("another `transport`") && told.contains("no key for peers"), "{told}");
    assert!(!keys.join("transport.key").exists(), "it looks, and makes nothing");
    let told = place.run(&["peer", "genesis", "DIR"]).exits(0);
    assert!(told.err.contains("another `transport`"), "{told:?}");
    let told = place.run(&["doctor", "DIR"]).exits(1).out;
    assert!(
        told.contains("another `transport`") && told.contains("comity charter propose"),
        "{told}"
    );
}

#[test]
fn a_key_that_no_log_has_is_a_fault() {
    let place = Place::with_desk();
    let others = blue().run(&["doctor", "DIR", "--json"]).exits(0).json();
    let served = place.serve();
    let own = place.run(&["doctor", "DIR", "--json"]).exits(0).json();
    let key = |of: &serde_json::Value, log: &str| {
        let logs = of["logs"].as_array().unwrap();
        let log = logs.iter().find(|one| one["log"] == log).unwrap();
        log["vkey"].as_str().unwrap().to_owned()
    };
    let verify = |vkey: &str| {
        let line = ["verify", &served.url, "--user", "desk", "--vkey", vkey];
        place.run_with_input(&line, format!("{}\n", password("desk")).as_bytes())
    };
    verify(&key(&own, "acts")).exits(0);
    let told = verify(&key(&others, "acts")).exits(1).out;
    assert!(told.contains("FAULT") && told.contains("`blue/acts`"), "{told}");
}

#[test]
fn a_charter_is_shown_with_whom_it_wants_assessed_and_its_ceilings() {
    let ceiling = "[[handling.ceiling]]\ntlp = \"AMBER\"\ntiers = [\"member\"]\n\n[retention]";
    let text = draft().replace("[handling]", "[handling]\nassessed = [\"member\"]");
    let text = text.replace("[retention]", ceiling);
    let place = Place::empty();
    let file = place.file("charter.toml", text);
    for verb in ["check", "show"] {
        let told = comity(&["charter", verb, &file]).exits(0).out;
        assert!(told.contains("assessed     before anything goes to tiers member"), "{told}");
        assert!(told.contains("ceiling      TLP:AMBER and stricter, to tiers member"), "{told}");
        let value = comity(&["--json", "charter", verb, &file]).exits(0).json();
        assert_eq!(value["assessed"][0], "member");
        assert_eq!(value["ceilings"][0]["tlp"], "AMBER");
    }
}

#[test]
fn an_address_is_host_and_port_and_what_serve_prints_is_taken() {
    let (blue, red) = super::peers::blue_and_red();
    drop(red);
    let add = |address: &str| blue.run(&["peer", "add", "DIR", "red", address]);
    let told = add("https://127.0.0.1:18543").exits(0).out;
    assert!(told.contains("`red` at 127.0.0.1:18543\n"), "{told}");
    for wrong in ["127.0.0.1", "http://127.0.0.1:1", "a b:1", "::1:18543", "host/path:1", "host:0"]
    {
        add(wrong).fails_with(&["no address", "HOST:PORT"]);
    }
    add("[::1]:18543").exits(0);
    for option in ["--listen", "--peers", "--metrics"] {
        blue.run(&["serve", "DIR", option, "18540"]).fails_with(&[option, "`18540`", "HOST:PORT"]);
    }
}

#[test]
fn a_directory_that_is_open_for_a_moment_is_waited_for() {
    let place = Place::with_desk();
    let lock = fs::File::options().write(true).open(place.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let waits = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        drop(lock);
    });
    place.run(&["user", "list", "DIR"]).exits(0);
    waits.join().unwrap();
    let lock = fs::File::options().write(true).open(place.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let told = place.run(&["user", "list", "DIR"]).fails_with(&["another process has"]);
    assert!(!told.err.contains("socket"), "{told:?}");
    drop(lock);
    let served = place.serve();
    place.run(&["serve", "DIR", "--listen", "127.0.0.1:0"]).fails_with(&["another process serves"]);
    served.stop();
}

#[test]
fn a_directory_that_holds_something_else_is_told_by_what_it_holds() {
    let place = Place::new();
    let charter = place.file("draft.toml", draft());
    let before = place.files().len();
    comity(&["body", "up", &place.shown(), "--charter", &charter]).fails_with(&["holds a node"]);
    assert_eq!(place.files().len(), before, "nothing was written into it");
    let nodir = place.beside("nodir");
    comity(&["charter", "found", nodir.to_str().unwrap(), &charter]).fails_with(&["holds no node"]);
    assert!(!nodir.exists());
    let backup = place.beside("backup");
    place.run(&["backup", "DIR", backup.to_str().unwrap()]).exits(0);
    let told = place.run(&["restore", backup.to_str().unwrap(), "DIR"]).exits(3).err;
    assert!(told.contains("not empty") && !told.contains("comity init"), "{told}");
    fs::remove_file(place.path().join("config.toml")).unwrap();
    place.run(&["user", "list", "DIR"]).fails_with(&["config.toml", "put that back"]);
}

#[test]
fn logs_that_have_not_begun_are_no_faulty_ones() {
    let place = made(&draft());
    place.run(&["verify", "DIR"]).fails_with(&["have not begun", "comity charter found"]);
    let begun = Place::new();
    fs::remove_file(begun.path().join("log.db")).unwrap();
    let told = begun.run(&["verify", "DIR"]).out;
    assert!(told.contains("FAULT"), "a log that is lost is one: {told}");
}

#[test]
fn a_release_in_a_body_names_what_its_charter_has() {
    let place = Place::empty();
    let charter =
        format!("{}/../../examples/bodies/two-party/charter.toml", env!("CARGO_MANIFEST_DIR"));
    let import = place.file("north.json", "{}");
    let import = format!("north.meridian.example={import}");
    let line = [
        "body",
        "up",
        "DIR",
        "--charter",
        &charter,
        "--import",
        &import,
        "--release",
        "tier:membr",
    ];
    place.run(&line).fails_with(&["--release", "`tier:membr`"]);
    assert!(!place.path().exists(), "nothing was made");
}

#[test]
fn a_rule_of_adoption_for_a_type_that_nobody_knows_is_told_of() {
    let (blue, red) = super::peers::blue_and_red();
    drop(red);
    blue.user("anna", "analyst");
    blue.collection("desk");
    blue.run(&["peer", "add", "DIR", "red", "127.0.0.1:1"]).exits(0);
    let add = |kind: &str| {
        let line = [
            "adopt",
            "rule",
            "add",
            "DIR",
            "--from",
            "red",
            "--collection",
            "desk",
            "--type",
            kind,
            "--by",
            "anna",
        ];
        blue.run(&line).exits(0).err
    };
    assert!(add("indikator").contains("`indikator` is no type of STIX 2.1"));
    assert_eq!(add("indicator"), "");
    assert_eq!(add("x-exercise"), "");
}
