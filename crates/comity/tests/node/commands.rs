//! Every command and verb, on a node that serves and on one that does not, for people and for
//! scripts: what it prints, how it ends, and which command mends what it complains of.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use super::harness::{Place, Ran, binary, comity, comity_with_input};
use super::sample::{bundle, envelope, id, long, tool};

/// Commands, one after the other, with their exit codes. They make up a small life of a node.
const LIFE: &[(&[&str], i32)] = &[
    (&["user", "add", "DIR", "ann", "--role", "analyst"], 0),
    (&["user", "add", "DIR", "second", "--role", "operator"], 0),
    (&["user", "role", "DIR", "ann", "--role", "releaser"], 0),
    (&["user", "disable", "DIR", "second"], 0),
    (&["user", "list", "DIR"], 0),
    (&["collection", "add", "DIR", "Desk", "--alias", "desk", "--rights", "ann=r"], 0),
    (&["collection", "limit", "DIR", "desk", "--rights", "ann=rw"], 0),
    (&["collection", "list", "DIR"], 0),
    (&["token", "add", "DIR", "ann", "--rights", "read,write", "--days", "3"], 0),
    (&["token", "revoke", "DIR", "1"], 0),
    (&["token", "list", "DIR"], 0),
    (&["import", "DIR", "GOOD"], 0),
    (&["import", "DIR", "GOOD", "--collection", "desk", "--attest"], 0),
    (&["import", "DIR", "BAD"], 1),
    (&["refusals", "DIR"], 0),
    (&["refusals", "DIR", "--limit", "1"], 0),
    (&["export", "DIR", "--collection", "desk"], 0),
    (&["charter", "show", "DIR"], 0),
    (&["peer", "genesis", "DIR"], 0),
    (&["charter", "check", "CHARTER"], 0),
    (&["charter", "show", "DIR", "--as-of", "2024-03"], 0),
    (&["charter", "show", "CHARTER"], 0),
    (&["charter", "diff", "CHARTER", "CHARTER"], 0),
    (&["verify", "DIR"], 0),
    (&["doctor", "DIR"], 0),
];

/// Commands that cannot be done, and what their messages have to hold.
const FAULTS: &[(&[&str], &[&str])] = &[
    (&["user", "add", "DIR", "ann", "--role", "reader"], &["`ann`", "already"]),
    (&["user", "add", "DIR", "x y", "--role", "reader"], &["`x y`", "a-z"]),
    (&["user", "add", "DIR", "new", "--role", "king"], &["`king`", "reader", "operator"]),
    (&["user", "role", "DIR", "ann", "--role", "king"], &["`king`", "analyst"]),
    (&["user", "role", "DIR", "nobody", "--role", "reader"], &["comity user list"]),
    (&["user", "disable", "DIR", "nobody"], &["`nobody`", "comity user list"]),
    (&["user", "disable", "DIR", "operator"], &["last operator", "comity user add"]),
    (&["user", "role", "DIR", "operator", "--role", "reader"], &["last operator"]),
    (&["token", "add", "DIR", "nobody"], &["comity user list"]),
    (&["token", "add", "DIR", "ann", "--rights", "fly"], &["`fly`", "read", "administer"]),
    (&["token", "revoke", "DIR", "77"], &["`77`", "comity token list"]),
    (&["collection", "add", "DIR", "Two", "--alias", "desk"], &["`desk`", "already"]),
    (&["collection", "add", "DIR", "Two", "--alias", "a/b"], &["alias"]),
    (&["collection", "add", "DIR", "Two", "--id", "7"], &["UUID"]),
    (&["collection", "add", "DIR", ""], &["title"]),
    (&["collection", "limit", "DIR", "none", "--rights", "ann=r"], &["comity collection list"]),
    (&["collection", "limit", "DIR", "desk", "--rights", "ann"], &["USER=rw"]),
    (&["collection", "limit", "DIR", "desk", "--rights", "bob=r"], &["comity user list"]),
    (&["import", "DIR", "GOOD", "--collection", "none"], &["`none`", "comity collection list"]),
    (&["import", "DIR", "MISSING"], &["cannot read", "missing.json"]),
    (&["export", "DIR", "--collection", "none"], &["comity collection list"]),
    (&["charter", "check", "MISSING"], &["cannot read", "missing.json"]),
    (&["charter", "show", "MISSING"], &["missing.json", "comity init"]),
    (&["charter", "show", "DIR", "--as-of", "2024-13"], &["`2024-13`", "2009-12-05"]),
    (&["charter", "diff", "CHARTER", "MISSING"], &["cannot read", "missing.json"]),
    (&["init", "DIR"], &["not empty", "DIR"]),
];

/// A node, and files for the names in capitals.
struct Stage {
    place: Place,
    names: Vec<(&'static str, String)>,
}

impl Stage {
    fn new() -> Stage {
        let place = Place::new();
        let good = place.file("good.json", bundle(&[tool(1, "one"), tool(2, "two")]));
        let bad = place.file("bad.json", bundle(&[tool(3, "three"), "7".to_owned()]));
        let charter = comity_charter::one_party("cert.example", "x");
        let charter = place.file("charter.toml", charter);
        let missing = place.beside("missing.json").display().to_string();
        let names = vec![
            ("DIR", place.shown()),
            ("GOOD", good),
            ("BAD", bad),
            ("CHARTER", charter),
            ("MISSING", missing),
        ];
        Stage { place, names }
    }

    fn named(&self, word: &str) -> String {
        let found = self.names.iter().find(|(name, _)| *name == word);
        found.map_or_else(|| word.to_owned(), |(_, text)| text.clone())
    }

    fn run(&self, json: bool, line: &[&str]) -> Ran {
        let mut words = if json { vec!["--json".to_owned()] } else { Vec::new() };
        words.extend(line.iter().map(|word| self.named(word)));
        comity(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs the whole life and gives what each command printed.
    fn live(&self, json: bool) -> Vec<(String, String)> {
        let told = |(line, code): &(&[&str], i32)| {
            let ran = self.run(json, line).exits(*code);
            assert!(!ran.err.contains("panicked"), "{ran:#?}");
            if json && line[0] != "export" {
                assert!(ran.json().is_object(), "{line:?}");
            }
            (line.join(" "), ran.out)
        };
        LIFE.iter().map(told).collect()
    }
}

/// What differs from node to node: drawn names and secrets, times, hashes, places, sizes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let keys_and_sizes = ["octets", "log ", "\"size\"", "vkey", "cert.example/", "sha256//"];
    let differs = |line: &str| keys_and_sizes.iter().any(|part| line.contains(part));
    for line in text.lines().filter(|line| !differs(line)) {
        for word in line.split([' ', '"', '/', ',', ':']).filter(|word| !word.is_empty()) {
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            let drawn = digits >= 2 || word.len() > 24 || word.starts_with('~');
            out.push_str(if drawn { "~" } else { word });
            out.push(' ');
        }
        out.push('\n');
    }
    out
}

#[test]
fn every_command_does_the_same_on_a_node_that_serves_and_on_one_that_does_not() {
    for json in [false, true] {
        let alone = Stage::new();
        let stopped = alone.live(json);
        let beside = Stage::new();
        let served = beside.place.serve();
        let serving = beside.live(json);
        for ((line, one), (_, other)) in stopped.iter().zip(&serving) {
            if !line.starts_with("user add") {
                let (one, other) = (plain(one), plain(other));
                for (one, other) in one.lines().zip(other.lines()) {
                    assert_eq!(one, other, "{line}");
                }
                assert_eq!(one.lines().count(), other.lines().count(), "{line}");
            }
        }
        served.stop();
        // And what the one left, the other finds.
        let left = beside.run(true, &["user", "list", "DIR"]).json();
        assert_eq!(left["users"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn what_cannot_be_done_says_why_and_which_command_helps() {
    let stage = Stage::new();
    stage.run(false, &["user", "add", "DIR", "ann", "--role", "analyst"]).exits(0);
    let line = ["collection", "add", "DIR", "Desk", "--alias", "desk"];
    stage.run(false, &line).exits(0);
    let check = || {
        for (line, parts) in FAULTS {
            let parts: Vec<String> = parts.iter().map(|part| stage.named(part)).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let ran = stage.run(false, line).fails_with(&parts);
            assert!(ran.out.is_empty() && ran.err.starts_with("comity: "), "{ran:#?}");
            assert_eq!(ran.err.trim_end().lines().count(), 1, "{ran:#?}");
            let told = stage.run(true, line).exits(3).json();
            let error = told["error"].as_str().unwrap();
            assert!(parts.iter().all(|part| error.contains(part)), "{told:#}");
        }
    };
    check();
    let served = stage.place.serve();
    check();
    served.stop();
    // Where there is no node, and where there are several collections or none.
    let empty = Place::empty();
    for line in [
        &["serve", "DIR"][..],
        &["user", "list", "DIR"],
        &["export", "DIR"],
        &["verify", "DIR"],
        &["doctor", "DIR"],
        &["charter", "show", "DIR"],
        &["peer", "genesis", "DIR"],
    ] {
        empty.run(line).fails_with(&["holds no node", "comity init"]);
    }
    empty.init();
    empty.run(&["export", "DIR"]).fails_with(&["comity collection add"]);
    empty.collection("one");
    empty.collection("two");
    empty.run(&["export", "DIR"]).fails_with(&["--collection", "comity collection list"]);
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for line in [
        &[][..],
        &["fly"],
        &["init"],
        &["user", "add", "x"],
        &["token", "add", "x", "y", "--days", "0"],
        &["init", "x", "--charter", "y"],
        &["verify", "x", "--user", "y", "--token-stdin"],
    ] {
        let ran = comity(line).exits(2);
        assert!(ran.err.contains("--help") || ran.err.contains("Usage: "), "{ran:#?}");
    }
    assert!(comity(&["--version"]).exits(0).out.starts_with("comity "));
    assert!(comity(&["help", "import"]).exits(0).out.contains("--attest"));
}

#[test]
fn passwords_come_by_standard_input_and_are_long_enough() {
    let place = Place::new();
    let line = ["user", "add", "DIR", "ann", "--role", "reader", "--password-stdin"];
    for wrong in ["", "\n", "short\n", &"x".repeat(2000)] {
        place.run_with_input(&line, wrong.as_bytes()).fails_with(&["password", "required"]);
    }
    let ran = place.run_with_input(&line, b"correct horse battery\r\nsecond line\n").exits(0);
    assert!(!format!("{ran:?}").contains("horse"), "{ran:#?}");
    let told = place.run(&["--json", "user", "add", "DIR", "bob", "--role", "reader"]).json();
    let drawn = told["password"].as_str().unwrap().to_owned();
    assert!(drawn.len() >= 24, "{drawn}");
    let served = place.serve();
    let client = |name, password| super::http::Client::basic(&served.url, name, password);
    client("ann", "correct horse battery").get("/taxii2/").is(200);
    client("ann", "correct horse battery\r").get("/taxii2/").is(401);
    client("bob", &drawn).get("/taxii2/").is(200);
    assert!(place.files_with(drawn.as_bytes()).is_empty());
}

#[test]
fn import_reads_standard_input_and_export_gives_it_back() {
    let place = Place::with_desk();
    let objects = [tool(1, "one"), tool(2, "zwö"), long(3, 100_000)];
    let input = bundle(&objects);
    let ran = place.run_with_input(&["import", "DIR", "-"], input.as_bytes()).exits(0);
    assert!(ran.out.starts_with("3 objects: 3 new"), "{ran:#?}");
    let served = place.serve();
    let line = ["--json", "import", "DIR", "-"];
    let told = place.run_with_input(&line, envelope(&objects).as_bytes()).exits(0).json();
    assert_eq!((&told["known"], &told["stored"]), (&3.into(), &0.into()));
    let while_serving = place.run(&["export", "DIR"]).exits(0);
    served.stop();
    let after = place.run(&["export", "DIR"]).exits(0);
    for ran in [while_serving, after] {
        let bundle: Value = ran.json();
        assert_eq!(bundle["type"], "bundle");
        assert_eq!(bundle["objects"][2]["id"], id(3));
        // The octets of the producer.
        assert!(objects.iter().all(|object| ran.out.contains(object.as_str())));
        assert_eq!(ran.err.trim(), "3 objects");
    }
    let other = Place::with_desk();
    let export = place.run(&["export", "DIR"]).out;
    let ran = other.run_with_input(&["import", "DIR", "-"], export.as_bytes()).exits(0);
    assert!(ran.out.starts_with("3 objects: 3 new"), "{ran:#?}");
}

/// Reads a little of what a command prints, closes the pipe, and gives how it ended.
fn cut_off(line: &[&str]) -> (Option<i32>, String) {
    let mut child = binary(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut some = [0; 40];
    out.read_exact(&mut some).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let place = Place::with_desk();
    let many: Vec<String> = (0..20).map(|number| long(number, 100_000)).collect();
    let file = place.file("many.json", bundle(&many));
    place.run(&["import", "DIR", &file]).exits(0);
    let refused: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    let refused = place.file("refused.json", bundle(&refused));
    place.run(&["import", "DIR", &refused]).exits(1);
    let shown = place.shown();
    let check = || {
        for line in [
            &["export", &shown][..],
            &["refusals", &shown, "--limit", "9999"],
            &["--json", "refusals", &shown, "--limit", "9999"],
        ] {
            assert_eq!(cut_off(line), (Some(0), String::new()), "{line:?}");
        }
    };
    check();
    let served = place.serve();
    check();
    served.ask("desk").get("/taxii2/").is(200);
    served.stop();
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn init_takes_a_new_directory_and_a_charter_that_holds() {
    let place = Place::empty();
    std::fs::create_dir(place.path()).unwrap();
    std::fs::write(place.path().join("notes.txt"), "mine").unwrap();
    place.run(&["init", "DIR"]).fails_with(&["not empty", &place.shown()]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    std::fs::remove_file(place.path().join("notes.txt")).unwrap();
    let good = comity_charter::one_party("cert.example", "x");
    let faulty = good.replace("\ndays = 1095", "\ndays = 9999").replace("floors = 1", "floors = 9");
    let faulty = place.file("faulty.toml", faulty);
    let line = ["init", "DIR", "--charter", &faulty, "--party", "cert.example"];
    let parts = ["line 6", "floors-version", "line 20", "retention-floor", "1830 days"];
    place.run(&line).fails_with(&parts);
    let ran = comity(&["charter", "check", &faulty]).exits(1);
    assert!(parts.iter().all(|part| ran.out.contains(part)), "{ran:#?}");
    let told = comity(&["--json", "charter", "check", &faulty]).exits(1).json();
    let fault = &told["faults"][1];
    assert_eq!((&fault["line"], &fault["rule"]), (&20.into(), &"retention-floor".into()));
    assert!(fault["remedy"].as_str().unwrap().contains("1830"), "{told:#}");
    let good = place.file("good.toml", good);
    let line = ["init", "DIR", "--charter", &good, "--party", "other.example"];
    place.run(&line).fails_with(&["`other.example`", "cert.example"]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    let line = ["init", "DIR", "--charter", &good, "--party", "cert.example"];
    let ran = place.run(&line).exits(0);
    assert!(ran.out.contains("shown once"), "{ran:#?}");
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn charters_are_shown_at_a_date_and_compared() {
    let body =
        |name: &str| format!("{}/../../examples/bodies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let (sco, pair, bad) =
        (body("sco/charter"), body("two-party/charter"), body("two-party/charter.bad"));
    let ran = comity(&["charter", "show", &sco, "--as-of", "2009-12"]).exits(0);
    for part in ["read aloud", "illustration", "as of 2009-12", "decided, not begun"] {
        assert!(ran.out.contains(part), "{part}: {ran:#?}");
    }
    let told = comity(&["--json", "charter", "show", &sco, "--as-of", "2025-09-01"]).json();
    let tiers = told["as_of"]["tiers"].as_array().unwrap();
    let partners = tiers.iter().find(|tier| tier["id"] == "partner").unwrap();
    assert_eq!(partners["parties"].as_array().unwrap().len(), 17);
    let fingerprint = told["fingerprint"].as_str().unwrap();
    let groups: Vec<&str> = fingerprint.split(' ').collect();
    let digits = |group: &&str| group.len() == 5 && group.bytes().all(|it| it.is_ascii_digit());
    assert!(groups.len() == 12 && groups.iter().all(digits), "{fingerprint}");

    let place = Place::empty();
    let text = std::fs::read_to_string(&pair).unwrap();
    let hash = comity_charter::parse(&text).unwrap().hash;
    let next = text
        .replace("\nversion = 1", &format!("\nversion = 2\nprevious = \"{hash}\""))
        .replace("\ndays = 365", "\ndays = 730");
    let next = place.file("next.toml", next);
    let ran = comity(&["charter", "diff", &pair, &next]).exits(0);
    for part in ["version 2 succeeds version 1", "!  retention, days", "365 becomes 730"] {
        assert!(ran.out.contains(part), "{part}: {ran:#?}");
    }
    let told = comity(&["--json", "charter", "diff", &pair, &next]).exits(0).json();
    assert_eq!((told["loosened"].as_u64(), told["old"]["version"].as_u64()), (Some(1), Some(1)));
    let ran = comity(&["charter", "diff", &pair, &bad]).exits(1);
    assert!(ran.out.contains("charter.bad.toml: line 4"), "{ran:#?}");
    let expected =
        std::fs::read_to_string(body("two-party/charter.bad").replace(".toml", ".expected"));
    let faults = comity(&["--json", "charter", "check", &bad]).exits(1).json();
    let count = faults["faults"].as_array().unwrap().len();
    assert_eq!(count, expected.unwrap().lines().count());
}

#[test]
fn verify_asks_a_node_at_its_url_as_well() {
    let place = Place::with_desk();
    let file = place.file("x.json", bundle(&[tool(1, "x")]));
    place.run(&["import", "DIR", &file]).exits(0);
    let served = place.serve();
    let line = ["verify", &served.url, "--user", "desk"];
    let ran = comity_with_input(&line, b"pass phrase of desk\n").exits(0);
    assert!(ran.out.ends_with("sound\n"), "{ran:#?}");
    comity_with_input(&line, b"another\n").fails_with(&["credentials", "--user"]);
    comity(&["verify", "http://127.0.0.1:1"]).fails_with(&["127.0.0.1:1"]);
    place.run(&["verify", "DIR"]).exits(0);
    place.run(&["--json", "doctor", "DIR"]).exits(0);
}
