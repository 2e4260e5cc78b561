//! Quotas: what a collection may hold, what a user may send in a day.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::harness::{Place, Served, wait_for};
use super::http::{Client, TAXII, objects};
use super::sample::{bundle, envelope, id, long, tool};

/// What `list` says of the quota of the only collection, or of a user.
fn listed(place: &Place, what: &str, name: &str) -> Value {
    let all = place.run(&["--json", what, "list", "DIR"]).exits(0).json();
    let all = all[format!("{what}s")].as_array().unwrap().clone();
    let one = all.iter().find(|one| one["alias"] == name || one["name"] == name);
    one.unwrap()["quota"].clone()
}

fn limit(place: &Place, what: &str, objects: &str, octets: &str) {
    let quota = ["--quota-objects", objects, "--quota-bytes", octets];
    place.run(&[&[what, "limit", "DIR", "desk"], &quota[..]].concat()).exits(0);
}

fn delete(desk: &Client, number: u64) {
    let gone = format!("{}{}/", objects("desk"), id(number));
    desk.send("DELETE", &gone, &[("Accept", TAXII)], &[]).is(200);
}

fn refusals(served: &Served) -> f64 {
    let text = Client::anonymous(served.metrics.as_deref().unwrap()).get("/metrics").text();
    let series = "comity_submissions_refused_total{reason=\"quota\"} ";
    text.lines().find_map(|line| line.strip_prefix(series)).unwrap().parse().unwrap()
}

#[test]
fn a_collection_takes_no_more_than_its_quota_and_gives_space_back() {
    let place = Place::with_desk();
    limit(&place, "collection", "2", "0");
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(1, "one"), tool(2, "two")])).is(202);
    let refused = desk.add("desk", envelope(&[tool(3, "three")])).is(507);
    assert_eq!(refused.json()["error_code"], "quota-exceeded");
    assert!(!refused.headers.contains_key("retry-after"), "waiting does not help");
    let told = "the quota of this collection: found 2 objects and 1 more; required: at most 2; ";
    for part in [told, "delete objects", "comity collection limit"] {
        assert!(refused.text().contains(part), "{}", refused.text());
    }
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 2);
    assert_eq!(refusals(&served), 1.0);
    delete(&desk, 2);
    desk.add("desk", envelope(&[tool(3, "three")])).is(202);
    desk.add("desk", envelope(&[tool(4, "four")])).is(507);
    let shown = place.run(&["collection", "list", "DIR"]).exits(0).out;
    assert!(shown.contains("QUOTA") && shown.contains("2 of 2 objects"), "{shown}");
    served.stop();
    // What is there is counted anew at the start, after a kill as well.
    place.serve().kill();
    let served = place.serve();
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(4, "four")])).is(507);
    // Another quota, and none, while it serves.
    limit(&place, "collection", "3", "0");
    desk.add("desk", envelope(&[tool(4, "four")])).is(202);
    desk.add("desk", envelope(&[tool(5, "five")])).is(507);
    limit(&place, "collection", "0", "0");
    desk.add("desk", envelope(&[tool(5, "five")])).is(202);
    served.stop();
    assert_eq!(listed(&place, "collection", "desk"), Value::Null);
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn octets_of_a_collection_come_to_the_same_by_commits_and_by_counting() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    desk.add("desk", envelope(&[tool(1, "one"), tool(2, "two")])).is(202);
    // Set while it serves, and there are objects.
    limit(&place, "collection", "0", "9000");
    desk.add("desk", envelope(&[long(3, 3000), tool(1, "one")])).is(202);
    let told = desk.add("desk", envelope(&[long(4, 4000)])).is(507).text();
    assert!(told.contains("octets") && told.contains("at most 9000"), "{told}");
    delete(&desk, 2);
    desk.add("desk", envelope(&[tool(5, "five")])).is(202);
    let by_commits = listed(&place, "collection", "desk");
    assert_eq!(by_commits["used"]["objects"], 3);
    let octets = by_commits["used"]["octets"].as_u64().unwrap();
    assert!((3000..9000).contains(&octets), "{octets}");
    served.stop();
    assert_eq!(by_commits, listed(&place, "collection", "desk"));
}

#[test]
fn an_import_stops_at_the_quota_of_its_collection_and_keeps_what_came_before() {
    let place = Place::with_desk();
    limit(&place, "collection", "3", "0");
    let many: Vec<String> = (1..=9).map(|number| tool(number, "EXERCISE")).collect();
    let file = place.file("many.json", bundle(&many));
    // Through the directory, then through the control socket.
    let ran = place.run(&["import", "DIR", &file]).exits(1);
    for part in ["3 objects: 3 new", "broken off: the quota of this collection: found 3 objects"] {
        assert!(ran.out.contains(part), "{ran:#?}");
    }
    let served = place.serve();
    let desk = served.ask("desk");
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 3);
    delete(&desk, 1);
    let file = place.file("more.json", bundle(&many[3..]));
    let ran = place.run(&["--json", "import", "DIR", &file]).exits(1);
    assert_eq!(ran.json()["stored"], 1, "{ran:#?}");
    assert!(ran.json()["broken_off"].as_str().unwrap().contains("required: at most 3"));
    assert_eq!(desk.get(&objects("desk")).is(200).objects().len(), 3);
    served.stop();
}

#[test]
fn a_user_sends_no_more_in_a_day_than_his_quota_even_after_a_kill() {
    let place = Place::with_desk();
    limit(&place, "user", "2", "0");
    place.user("other", "analyst");
    let served = place.serve_with(&["--metrics", "127.0.0.1:0"]);
    served.ask("desk").add("desk", envelope(&[tool(1, "one"), tool(2, "two")])).is(202);
    let refused = served.ask("desk").add("desk", envelope(&[tool(3, "three")])).is(429);
    assert_eq!(refused.json()["error_code"], "quota-exceeded");
    let told = "for a day of UTC: found 2 objects and 1 more; required: at most 2; ";
    for part in [told, "tomorrow", "comity user limit"] {
        assert!(refused.text().contains(part), "{}", refused.text());
    }
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    served.ask("other").add("desk", envelope(&[tool(3, "three")])).is(202);
    assert_eq!(refusals(&served), 1.0);
    // It is written within a second or so; then a kill does not lose it.
    let path = place.path().join("local.db");
    wait_for("the row of the user", || {
        let local = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let sent = local.query_row("SELECT objects FROM sent", [], |row| row.get::<_, i64>(0));
        (sent.ok() == Some(2)).then_some(())
    });
    served.kill();
    let served = place.serve();
    served.ask("desk").add("desk", envelope(&[tool(4, "four")])).is(429);
    let shown = place.run(&["user", "list", "DIR"]).exits(0).out;
    assert!(shown.contains("QUOTA") && shown.contains("2 of 2 objects"), "{shown}");
    limit(&place, "user", "3", "0");
    served.ask("desk").add("desk", envelope(&[tool(4, "four")])).is(202);
    // An orderly end loses nothing, not even of the last second.
    served.stop();
    let sent = listed(&place, "user", "desk")["used"]["objects"].clone();
    assert_eq!(sent, 3);
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn a_quota_is_set_where_something_is_made_and_never_by_nothing() {
    let place = Place::new();
    let input = b"pass phrase of desk\n";
    let user = ["user", "add", "DIR", "desk", "--role", "analyst", "--password-stdin"];
    place.run_with_input(&[&user[..], &["--quota-bytes", "700"]].concat(), input).exits(0);
    let collection = ["collection", "add", "DIR", "desk", "--alias", "desk"];
    place.run(&[&collection[..], &["--quota-objects", "1"]].concat()).exits(0);
    assert_eq!(listed(&place, "user", "desk")["limit"]["octets"], 700);
    assert_eq!(listed(&place, "collection", "desk")["limit"]["objects"], 1);
    for what in ["user", "collection"] {
        let ran = place.run(&[what, "limit", "DIR", "desk"]).exits(2);
        assert!(ran.err.contains("--quota-objects"), "{ran:#?}");
    }
    let served = place.serve();
    let desk = served.ask("desk");
    // One that can never be sent says so.
    let told = desk.add("desk", envelope(&[long(1, 700)])).is(429).text();
    assert!(told.contains("octets") && told.contains("send fewer at once"), "{told}");
    desk.add("desk", envelope(&[tool(1, "one")])).is(202);
    desk.add("desk", envelope(&[tool(2, "two")])).is(507);
    served.stop();
}
