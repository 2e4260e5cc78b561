//! A whole body on one machine, as the binary serves it: founded, taken up again, killed in parts
//! and as a whole. The story of a release in it is in `tests/python/test_story.py`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::harness::{binary, comity, wait_for};

const NORTH: &str = "north.meridian.example";
const SOUTH: &str = "south.meridian.example";

fn example(path: &str) -> String {
    format!("{}/../../examples/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// The directory of a body.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("body")
    }

    fn shown(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    fn up(&self, arguments: &[&str]) -> Body {
        let mut child = binary(&["--json", "body", "up", &self.shown()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.0.path().join("told")).unwrap())
            .spawn()
            .unwrap();
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let told = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {}", self.told()));
        Body { told, child }
    }

    /// A body of two parties, founded from the example.
    fn two(&self, more: &[&str]) -> Body {
        let charter = example("bodies/two-party/charter.toml");
        self.up(&[&["--charter", &charter], more].concat())
    }

    /// What the supervisor said on standard error.
    fn told(&self) -> String {
        fs::read_to_string(self.0.path().join("told")).unwrap()
    }

    fn status(&self) -> (Option<i32>, Vec<Value>) {
        let ran = comity(&["--json", "body", "status", &self.shown()]);
        let nodes = ran.json()["nodes"].as_array().unwrap().clone();
        (ran.code, nodes)
    }

    /// Waits until all nodes have verified everything of each other.
    fn all_verified(&self) -> Vec<Value> {
        wait_for("the nodes to verify each other", || {
            let (code, nodes) = self.status();
            let all = nodes
                .iter()
                .all(|node| node["verified"].as_u64() > Some(0) && node["verified"] == node["of"]);
            (code == Some(0) && all).then_some(nodes)
        })
    }
}

/// A body that is up. Killed when dropped; its nodes end with it.
struct Body {
    told: Value,
    child: Child,
}

impl Body {
    fn signal(&self, name: &str) {
        signal(u64::from(self.child.id()), name);
    }

    fn wait(&mut self) -> Option<i32> {
        wait_for("the end of the body", || self.child.try_wait().unwrap()).code()
    }

    fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0));
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(process: u64, name: &str) {
    let line = format!("kill -{name} {process}");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

fn is_there(process: u64) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

fn processes(nodes: &[Value]) -> Vec<u64> {
    nodes.iter().map(|node| node["process"].as_u64().unwrap()).collect()
}

#[test]
fn a_body_is_founded_exchanges_and_is_taken_up_again() {
    let place = Place::new();
    let bundle = example("bodies/sco/data/india.json");
    let import = format!("{NORTH}={bundle}");
    let first = place.two(&["--import", &import, "--release", "all", "--keep-logins"]);
    let nodes = place.all_verified();
    assert_eq!(nodes.len(), 2);
    for line in first.told["imported"].as_array().unwrap() {
        assert_eq!(
            (&line["done"], &line["refused"]),
            (&Value::from(13), &Value::from(0)),
            "{line}"
        );
    }
    let south = place.path().join("nodes").join(SOUTH);
    let received = ["export", south.to_str().unwrap(), "--collection", "received"];
    wait_for("what was released", || {
        comity(&received).exits(0).out.contains("Monsoon Ledger").then_some(())
    });
    let before = first.told.clone();
    let password = before["nodes"][0]["password"].as_str().unwrap();
    let logins = fs::read_to_string(place.path().join("logins.txt")).unwrap();
    assert!(logins.contains(&format!("{NORTH} releaser {password}\n")), "{logins}");
    first.stop();
    let (code, nodes) = place.status();
    assert_eq!(code, Some(1));
    assert!(nodes.iter().all(|node| node["serves"] == false), "{nodes:?}");
    // With the same charter, keys, ports and logins.
    let second = place.two(&["--import", &import, "--release", "all"]);
    assert_eq!(second.told["charter"], before["charter"]);
    for (one, other) in [0, 1].map(|at| (&second.told["nodes"][at], &before["nodes"][at])) {
        assert_eq!((&one["taxii"], &one["peers"]), (&other["taxii"], &other["peers"]));
        assert_eq!(one["password"], Value::Null);
    }
    for line in second.told["imported"].as_array().unwrap() {
        assert_eq!((&line["done"], &line["refused"]), (&Value::from(0), &Value::from(0)), "{line}");
    }
    // Nobody else serves it meanwhile.
    let charter = example("bodies/two-party/charter.toml");
    comity(&["body", "up", &place.shown(), "--charter", &charter])
        .fails_with(&["another process serves the body"]);
    second.stop();
    for party in [NORTH, SOUTH] {
        comity(&["verify", place.path().join("nodes").join(party).to_str().unwrap()]).exits(0);
    }
}

#[test]
fn a_node_that_dies_is_told_of_and_started_again() {
    let place = Place::new();
    let mut body = place.two(&[]);
    let before = processes(&place.all_verified());
    signal(before[1], "KILL");
    wait_for("the node to be another process", || {
        let (_, nodes) = place.status();
        nodes[1]["process"].as_u64().filter(|process| *process != before[1])
    });
    let after = processes(&place.all_verified());
    assert_eq!(before[0], after[0], "the other one went on");
    let told = place.told();
    assert!(told.contains(&format!("`{SOUTH}` ended (signal: 9")), "{told}");
    assert!(told.contains(&format!("`{SOUTH}` serves again")), "{told}");
    // A second signal does not wait; here there is nothing to wait for.
    body.signal("INT");
    body.signal("INT");
    assert_eq!(body.wait(), Some(0));
    assert!(!after.iter().any(|process| is_there(*process)));
}

#[test]
fn no_node_outlives_a_supervisor_that_is_killed() {
    let place = Place::new();
    let mut body = place.two(&[]);
    let nodes = processes(&place.all_verified());
    body.signal("KILL");
    assert_eq!(body.wait(), None);
    // At once: whoever takes the body up again waits for those that still end.
    let again = place.two(&[]);
    wait_for("the nodes to end", || {
        (!nodes.iter().any(|process| is_there(*process))).then_some(())
    });
    place.all_verified();
    again.stop();
}

#[test]
fn a_founding_that_was_broken_off_goes_on() {
    let place = Place::new();
    let charter = fs::read_to_string(example("bodies/two-party/charter.toml")).unwrap();
    let half = place.path().join("nodes").join(format!(".{NORTH}"));
    fs::create_dir_all(half.join("keys")).unwrap();
    fs::write(half.join("keys/shared.key"), "half").unwrap();
    fs::write(place.path().join("draft.toml"), charter).unwrap();
    let ports: Vec<u16> = [0; 4]
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .iter()
        .map(|socket| socket.local_addr().unwrap().port())
        .collect();
    let node = |party: &str, at: usize| serde_json::json!({ "party": party, "name": party, "listen": ports[at], "peers": ports[at + 1] });
    let record = serde_json::json!({ "body": "x", "nodes": [node(NORTH, 0), node(SOUTH, 2)] });
    fs::write(place.path().join("body.json"), record.to_string()).unwrap();
    let body = place.up(&[]);
    place.all_verified();
    assert!(!half.exists());
    body.stop();
}

#[test]
fn what_is_wrong_is_told_before_anything_is_made() {
    let place = Place::new();
    let shown = place.shown();
    let two = example("bodies/two-party/charter.toml");
    let sco = example("bodies/sco/charter.toml");
    let up = |more: &[&str]| comity(&[&["body", "up", shown.as_str()], more].concat());
    up(&[]).fails_with(&["holds no body yet", "--charter FILE"]);
    let bad = example("bodies/two-party/charter.bad.toml");
    up(&["--charter", &bad]).fails_with(&["charter.bad.toml: line "]);
    up(&["--charter", &two, "--parties", "3"]).fails_with(&["2 parties are in standing", NORTH]);
    up(&["--charter", &two, "--parties", "east"]).fails_with(&["no party `east`", NORTH]);
    up(&["--charter", &two, "--without", "east"]).fails_with(&["--without", "`east`"]);
    up(&["--charter", &two, "--import", NORTH]).fails_with(&["required: PARTY=FILE"]);
    up(&["--charter", &two, "--import", &format!("{NORTH}=/nowhere")]).fails_with(&["/nowhere"]);
    up(&["--charter", &two, "--release", "all"]).fails_with(&["nothing is imported", "PARTY=RULE"]);
    up(&["--charter", &two, "--release", &format!("{NORTH}=everybody")]).fails_with(&["--release"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    up(&["--charter", &two, "--listen-from", &port]).fails_with(&[&port, "cannot be had", NORTH]);
    assert!(!place.path().exists(), "nothing was made");
    comity(&["body", "status", &shown]).fails_with(&["holds no body", "comity body up"]);
    fs::create_dir_all(place.path()).unwrap();
    fs::write(place.path().join("letter.txt"), "mine").unwrap();
    up(&["--charter", &two]).fails_with(&["something that is no body"]);
    fs::remove_file(place.path().join("letter.txt")).unwrap();
    place.two(&["--parties", NORTH]).stop();
    up(&["--charter", &sco]).fails_with(&["another charter than", "leave --charter out"]);
    up(&["--parties", "2"]).fails_with(&["nodes of other parties", NORTH, "leave --parties out"]);
}

#[test]
fn the_keys_of_nodes_are_put_into_a_charter_that_is_refused_with_wrong_ones() {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let draft = example("bodies/two-party/charter.toml");
    comity(&["init", &at("north"), "--charter", &draft, "--party", NORTH]).exits(0);
    let table = comity(&["peer", "genesis", &at("north")]).exits(0).out;
    fs::write(at("north.genesis"), &table).unwrap();
    let keys = |given: &[&str]| {
        let given = given.iter().flat_map(|one| ["--genesis", *one]);
        comity(&["charter", "keys", &draft].into_iter().chain(given).collect::<Vec<_>>())
    };
    let own = format!("{NORTH}={}", at("north.genesis"));
    let filled = keys(&[&own]).exits(0).out;
    let added: Vec<&str> = table.lines().collect();
    let kept = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| !added.contains(line) && !line.is_empty());
        kept.map(str::to_owned).collect()
    };
    assert!(added.iter().all(|line| filled.contains(line)), "{filled}");
    assert_eq!(kept(&filled), kept(&fs::read_to_string(&draft).unwrap()));
    fs::write(at("charter.toml"), filled).unwrap();
    comity(&["charter", "found", &at("north"), &at("charter.toml")]).exits(0);
    // Keys that are signed under another name, or twice, or of nobody, or none.
    let other = format!("{SOUTH}={}", at("north.genesis"));
    let told = keys(&[&other]).exits(1);
    assert_eq!(told.out, "", "what is printed is kept as the charter");
    let named = format!("{} (keys of `{SOUTH}`): genesis-key", at("north.genesis"));
    assert!(told.err.contains(&named), "{told:?}");
    assert!(!told.err.contains("line "), "no line of what is not written: {told:?}");
    let told = keys(&[&format!("east={}", at("north.genesis"))]).exits(1);
    assert!(told.out.is_empty() && told.err.contains("`east`"), "{told:?}");
    keys(&[&own, &own]).fails_with(&["given twice"]);
    keys(&["north.genesis"]).fails_with(&["required: PARTY=FILE"]);
    fs::write(at("none"), table.replace("next", "text")).unwrap();
    keys(&[&format!("{NORTH}={}", at("none"))]).fails_with(&["next", "comity peer genesis"]);
}
