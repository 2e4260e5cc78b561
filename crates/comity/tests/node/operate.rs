//! What an operator leans on: metrics, readiness, the log, the disk reserve, an orderly end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::harness::{Place, Served, password, wait_for};
use super::http::{Client, Reply, TAXII, objects};
use super::sample::{bundle, envelope, id, tool};

/// Stands in everything that no metric and no line of the log may hold.
const CANARY: &str = "canary7f3a";

impl Served {
    fn told_by(&self, path: &str) -> Reply {
        Client::anonymous(self.metrics.as_deref().unwrap()).get(path)
    }

    fn metrics(&self) -> String {
        self.told_by("/metrics").is(200).text()
    }

    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.metrics();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{series} ")));
        line.unwrap_or_else(|| panic!("no `{series}` in {text}")).parse().unwrap()
    }
}

/// What stands in front of the value of each line that is no comment.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[test]
fn metrics_count_what_happens_and_name_nobody() {
    let place = Place::new();
    let user = format!("user-{CANARY}");
    place.user(&user, "analyst");
    place.collection(CANARY);
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let client = served.ask(&user);
    let person = r#"{"type":"identity","spec_version":"2.1","id":"identity--6b0a3c3e-5f0e-4a52-9d1b-5d1c4f2b7a10","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"Example","identity_class":"individual"}"#;
    client.add(CANARY, envelope(&[tool(1, CANARY), tool(2, "two"), person.to_owned()])).is(202);
    client.add(CANARY, envelope(&[tool(1, CANARY)])).is(202);
    client.get(&objects(CANARY)).is(200);
    Client::basic(&served.url, &user, "wrong pass phrase").get("/taxii2/").is(401);
    let gone = format!("{}{}/", objects(CANARY), id(2));
    client.send("DELETE", &gone, &[("Accept", TAXII)], &[]).is(200);
    let at = "/taxii2/comity/collections/{collection}/objects/";
    for (name, value) in [
        ("comity_objects_total{outcome=\"stored\"}", 2.0),
        ("comity_objects_total{outcome=\"known\"}", 1.0),
        ("comity_objects_refused_total{code=\"floor-identity-class\"}", 1.0),
        ("comity_objects_withdrawn_total{reason=\"removed\"}", 1.0),
        ("comity_credential_checks_total{kind=\"password\",result=\"wrong\"}", 1.0),
        ("comity_read_only", 0.0),
        ("comity_stopping", 0.0),
    ] {
        assert_eq!(served.metric(name), value, "{name}");
    }
    for (method, status, value) in [("POST", 202, 2.0), ("GET", 200, 1.0)] {
        let labels = format!("endpoint=\"{at}\",method=\"{method}\",status=\"{status}\"");
        assert_eq!(served.metric(&format!("comity_http_requests_total{{{labels}}}")), value);
    }
    assert!(served.metric("comity_log_entries{log=\"private\"}") >= 3.0);
    for name in ["comity_file_size_bytes{file=\"log.db\"}", "comity_disk_free_bytes"] {
        assert!(served.metric(name) > 0.0, "{name}");
    }
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds"] {
        assert!(served.metric(name) > 0.0, "{name}");
    }
    // One for what was stored, one for what was removed; the records of access have their own time.
    assert!(served.metric("comity_commit_duration_seconds_count") >= 2.0);
    assert!(!served.metrics().contains(CANARY));
    served.stop();
}

#[test]
fn no_client_can_make_a_series() {
    let place = Place::with_desk();
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let desk = served.ask("desk");
    // One of each kind that follows, so that the series are there.
    let ask = |number: u32| {
        desk.get(&format!("/nowhere-{number}"));
        desk.get(&format!("/taxii2/comity/collections/{number}/objects/?match[id]={number}"));
        // No client sends such a method.
        let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
        let head = "/taxii2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("M{number} {head}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        Client::basic(&served.url, &format!("user{number}"), "no").get("/taxii2/");
    };
    ask(0);
    let before = series(&served.metrics());
    (1..40).for_each(ask);
    assert_eq!(before, series(&served.metrics()));
    served.stop();
}

#[test]
fn metrics_stay_on_this_machine_unless_told_by_name() {
    let place = Place::new();
    let line = ["serve", "DIR", "--listen", "127.0.0.1:0", "--metrics", "0.0.0.0:0"];
    place.run(&line).fails_with(&["--metrics-anywhere", "not this machine alone"]);
}

#[test]
fn the_reserve_refuses_new_objects_and_nothing_else() {
    let place = Place::with_desk();
    let file = place.file("one.json", bundle(&[tool(1, "one"), tool(2, "two")]));
    place.run(&["import", "DIR", &file]).exits(0);
    // More than any disk has.
    place.configure("disk_reserve_bytes = 4000000000000000000");
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let desk = served.ask("desk");
    let refused = desk.add("desk", envelope(&[tool(3, "three")])).is(507);
    assert_eq!(refused.json()["error_code"], "insufficient-storage");
    assert!(refused.headers.contains_key("retry-after"));
    let told = refused.text();
    for part in ["octets are free", "4000000000000000000 are required", "comity doctor"] {
        assert!(told.contains(part), "{told}");
    }
    place.run(&["import", "DIR", &file]).fails_with(&["disk_reserve_bytes"]);
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 2);
    let gone = format!("{}{}/", objects("desk"), id(2));
    desk.send("DELETE", &gone, &[("Accept", TAXII)], &[]).is(200);
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 1);
    wait_for("the records of access", || {
        (served.metric("comity_audit_records_waiting") == 0.0).then_some(())
    });
    assert!(served.metric("comity_log_entries{log=\"audit\"}") > 0.0);
    assert_eq!(served.metric("comity_submissions_refused_total{reason=\"reserve\"}"), 2.0);
    assert_eq!(served.metric("comity_read_only"), 1.0);
    let ready = served.told_by("/ready").is(503).text();
    assert!(ready.contains("below the disk reserve"), "{ready}");
    served.told_by("/health").is(200);
    let doctor = place.run(&["doctor", "DIR"]).exits(1);
    assert!(doctor.out.contains("below the disk reserve"), "{doctor:#?}");
    served.stop();
    place.configure("disk_reserve_bytes = 0");
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    served.ask("desk").add("desk", envelope(&[tool(3, "three")])).is(202);
    assert_eq!(served.told_by("/ready").is(200).text(), "ready\n");
    served.stop();
}

#[test]
fn the_log_holds_no_content_no_secret_and_no_name() {
    let place = Place::new();
    let user = format!("user-{CANARY}");
    place.user(&user, "analyst");
    place.collection("desk");
    let served = place.serve_logging("comity=trace,comity_node=trace,comity_serve=trace,comity_tlog=trace,comity_view=trace,comity_gate=trace,comity_wire=trace");
    let client = served.ask(&user);
    let person = format!(
        r#"{{"type":"identity","spec_version":"2.1","id":"identity--6b0a3c3e-5f0e-4a52-9d1b-5d1c4f2b7a10","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"{CANARY}","identity_class":"individual","x_{CANARY}":"{CANARY}"}}"#
    );
    client.add("desk", envelope(&[tool(1, CANARY), person])).is(202);
    client.add("desk", format!("{{\"objects\":[{{\"{CANARY}\": }}]}}"));
    client.get(&format!("{}?match[id]=tool--{CANARY}", objects("desk")));
    client.get(&format!("/{CANARY}?{CANARY}")).is(404);
    Client::basic(&served.url, CANARY, CANARY).get("/taxii2/").is(401);
    Client::bearer(&served.url, &format!("comity_{CANARY}")).get("/taxii2/").is(401);
    let status = format!("/taxii2/comity/status/{CANARY}/");
    client.get(&status).is(404);
    let log = served.log_path();
    served.stop();
    let told = fs::read_to_string(log).unwrap();
    let pair = STANDARD.encode(format!("{user}:{}", password(&user)));
    for secret in [CANARY, &password(&user), &pair, &STANDARD.encode(CANARY)] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    for id in [id(1), "6b0a3c3e".to_owned()] {
        assert!(!told.contains(&id), "{id} in {told}");
    }
    // It is not empty for want of lines.
    for line in ["serving", "answered", "stopping", "stopped"] {
        assert!(told.contains(line), "no `{line}` in {told}");
    }
    for line in told.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

/// A request whose head is sent, and half of its body.
fn half_a_post(served: &Served, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
    let pair = STANDARD.encode(format!("desk:{}", password("desk")));
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {pair}\r\nAccept: {TAXII}\r\nContent-Type: {TAXII}\r\nContent-Length: {}\r\n\r\n",
        objects("desk"),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..body.len() / 2]).unwrap();
    // Until the node has it, it is no open request.
    wait_for("the connection", || (served.metric("comity_http_connections") >= 2.0).then_some(()));
    wait_for("the credentials", || {
        let checked = "comity_credential_checks_total{kind=\"password\",result=\"good\"}";
        (served.metric(checked) >= 1.0).then_some(())
    });
    stream
}

#[test]
fn a_request_that_is_open_at_sigterm_gets_its_whole_answer() {
    let place = Place::with_desk();
    let mut served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let body = envelope(&[tool(1, "one")]);
    let mut stream = half_a_post(&served, &body);
    served.signal("TERM");
    wait_for("readiness to end", || (served.told_by("/ready").status == 503).then_some(()));
    let address = served.url.strip_prefix("http://").unwrap().to_owned();
    wait_for("the listener to close", || TcpStream::connect(&address).is_err().then_some(()));
    assert!(served.metric("comity_stopping") > 0.0);
    stream.write_all(&body.as_bytes()[body.len() / 2..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(answer.contains("\"success_count\":1"), "{answer}");
    assert_eq!(served.wait(), Some(0), "{}", served.told());
    let told = place.run(&["--json", "collection", "list", "DIR"]).exits(0).json();
    assert_eq!(told["collections"][0]["objects"], 1);
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn a_second_sigterm_cuts_off_what_is_open() {
    let place = Place::with_desk();
    let mut served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let _stream = half_a_post(&served, &envelope(&[tool(1, "one")]));
    served.signal("TERM");
    wait_for("readiness to end", || (served.told_by("/ready").status == 503).then_some(()));
    served.signal("TERM");
    assert_eq!(served.wait(), Some(0), "{}", served.told());
    assert!(served.told().contains("told to stop twice"), "{}", served.told());
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn the_supervisor_is_told_that_it_serves_lives_and_stops() {
    let place = Place::new();
    let path = place.beside("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let served = place.serve_in(&variables, &[]);
    let hear = |what: &str| {
        wait_for(what, || {
            let mut octets = [0; 64];
            let read = socket.recv(&mut octets).unwrap();
            (&octets[..read] == what.as_bytes()).then_some(())
        });
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    served.stop();
    hear("STOPPING=1");
}
