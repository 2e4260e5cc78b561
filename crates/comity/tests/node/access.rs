//! Who may do what: asked of a node, for every role, every right in a collection, and every
//! endpoint. The answers are `docs/reference/access.md`.

use std::path::Path;

use comity_node::role::Role;
use comity_serve::peer::PEER_ENDPOINTS;
use comity_serve::{ENDPOINTS, Endpoint};
use comity_view::Right;
use serde_json::Value;

use super::harness::{Place, Served, wait_for};
use super::http::{Client, TAXII};
use super::peers;
use super::sample::{envelope, id, tool};

/// What a collection may give a user.
const GIVEN: [&str; 4] = ["rw", "r", "w", "none"];

/// All logs, those that peers do not get too.
const LOGS: [&str; 4] = ["shared", "acts", "private", "audit"];

const HEAD: &str = "# Access

Who may do what. Written by a test (`crates/comity/tests/node/access.rs`) from the answers of a
node to a user of each role; do not edit.

A role is a set of verbs. A token has those of its verbs that the role of its user has, too. A
collection may give a user less than the role, never more. Who may neither read nor write a
collection is told that it does not exist, and so is whoever asks for the status of another's POST.

";

fn mark(is: bool) -> &'static str {
    if is { "yes" } else { "" }
}

fn table(text: &mut String, head: &[String], rows: &[Vec<String>]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(head));
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text.push('\n');
}

fn verbs(text: &mut String) {
    text.push_str("## Roles and verbs\n\n");
    let mut head = vec!["role".to_owned()];
    head.extend(Right::ALL.iter().map(|right| right.verb().to_owned()));
    let rows: Vec<Vec<String>> = Role::ALL
        .iter()
        .map(|role| {
            let has = |right: &Right| mark(role.rights().has(*right)).to_owned();
            let mut row = vec![role.name().to_owned()];
            row.extend(Right::ALL.iter().map(has));
            row
        })
        .collect();
    table(text, &head, &rows);
}

/// A node with a user of each role, and objects to ask for: number 1 stays, the others are
/// deleted by whoever may.
struct Stage {
    served: Served,
    /// The status of a POST, which is the desk's.
    status: String,
    next: u64,
}

impl Stage {
    fn new(place: &Place) -> Stage {
        let served = place.serve();
        let three: Vec<String> = (1..600).map(|number| tool(number, "x")).collect();
        let told = served.ask("desk").add("desk", envelope(&three)).is(202);
        let status = told.json()["id"].as_str().unwrap().to_owned();
        // The audit log begins with the first record.
        served.ask("desk").get("/taxii2/comity/collections/").is(200);
        wait_for("the first record", || {
            let tile = "/log/audit/tile/entries/000.p/1";
            (served.ask("reviewer").get(tile).status == 200).then_some(())
        });
        let path = format!("/taxii2/comity/status/{status}/");
        served.ask("desk").get(&path).is(200);
        Stage { served, status, next: 1000 }
    }

    /// The status of an answer to this client at this endpoint.
    fn answer(&mut self, client: &Client, endpoint: &Endpoint) -> u16 {
        self.next += 1;
        let object = if endpoint.method == "DELETE" { id(self.next - 950) } else { id(1) };
        let path = endpoint
            .path
            .replace("{collection}", "desk")
            .replace("{object}", &object)
            .replace("{id}", &self.status)
            .replace("{*tile}", "entries/000.p/1");
        let body = envelope(&[tool(self.next, "y")]);
        let accept = if path.starts_with("/taxii2") { TAXII } else { "*/*" };
        let headers = [("Accept", accept), ("Content-Type", TAXII)];
        let headers = if endpoint.method == "POST" { &headers[..] } else { &headers[..1] };
        client.send(endpoint.method, &path, headers, body.as_bytes()).status
    }
}

/// The endpoints, one row for each log where a path names one.
fn rows() -> Vec<(Endpoint, String)> {
    let mut rows = Vec::new();
    for endpoint in ENDPOINTS {
        if endpoint.path.contains("{log}") {
            for log in ["acts", "private", "audit"] {
                let path: &'static str = endpoint.path.replace("{log}", log).leak();
                let shown = format!("{} {path}", endpoint.method);
                rows.push((Endpoint { path, ..*endpoint }, shown));
            }
        } else {
            rows.push((*endpoint, format!("{} {}", endpoint.method, endpoint.path)));
        }
    }
    rows
}

fn matrix(text: &mut String, stage: &mut Stage, first: &str, clients: &[(String, Client)]) {
    let mut head = vec![first.to_owned()];
    head.extend(clients.iter().map(|(name, _)| name.clone()));
    let mut lines = Vec::new();
    for (endpoint, shown) in rows() {
        let mut line = vec![format!("`{shown}`")];
        for (_, client) in clients {
            line.push(stage.answer(client, &endpoint).to_string());
        }
        lines.push(line);
    }
    table(text, &head, &lines);
}

/// That a role is answered where, and only where, it has a right that the endpoint names.
fn as_declared(stage: &mut Stage) {
    for (endpoint, shown) in rows() {
        for role in Role::ALL {
            let rights = role.rights();
            let may =
                endpoint.needs.is_empty() || endpoint.needs.iter().any(|right| rights.has(*right));
            let status = stage.answer(&stage.served.ask(role.name()), &endpoint);
            let of_audit = endpoint.path.contains("/audit/");
            let reviews = rights.has(Right::Review);
            let looks_after = rights.has(Right::Administer) && !shown.ends_with("release");
            let may = may && (!of_audit || reviews || looks_after);
            let other = endpoint.path.contains("status");
            let wanted = if other { status == 404 } else { may == (status < 300) };
            assert!(wanted, "{} {shown}: {status}", role.name());
        }
        let status = stage.answer(&Client::anonymous(&stage.served.url), &endpoint);
        assert_eq!(status == 200, endpoint.public, "{shown}: {status}");
        assert!([200, 401].contains(&status), "{shown}: {status}");
    }
}

#[test]
fn the_page_of_access_is_what_a_node_answers() {
    let place = Place::with_desk();
    let mut text = HEAD.to_owned();
    verbs(&mut text);
    let users = Role::ALL.map(|role| role.name().to_owned());
    for role in Role::ALL.iter().filter(|role| role.name() != "operator") {
        place.user(role.name(), role.name());
    }
    place.run(&["user", "add", "DIR", "other", "--role", "operator"]).exits(0);
    operator(&place);
    for given in GIVEN {
        place.user(given, "analyst");
        let right = format!("{given}={given}");
        place.run(&["collection", "limit", "DIR", "desk", "--rights", &right]).exits(0);
    }
    let mut stage = Stage::new(&place);
    as_declared(&mut stage);
    text.push_str("## Roles and endpoints\n\n");
    text.push_str("The status of the answer. Without credentials it is 401");
    text.push_str(", but for the paths that are for everybody.\n\n");
    let mut clients: Vec<(String, Client)> =
        users.iter().map(|user| (user.clone(), stage.served.ask(user))).collect();
    clients.push(("nobody".to_owned(), Client::anonymous(&stage.served.url)));
    matrix(&mut text, &mut stage, "endpoint", &clients);
    text.push_str("## Rights in a collection\n\n");
    text.push_str("An analyst to whom the collection gives `rw`, `r`, `w` or `none`.\n\n");
    let clients: Vec<(String, Client)> =
        GIVEN.iter().map(|given| ((*given).to_owned(), stage.served.ask(given))).collect();
    matrix(&mut text, &mut stage, "endpoint", &clients);
    listed(&stage);
    doors(&mut text);
    compare(&format!("{}\n", text.trim_end()));
}

/// What a peer's node gets on the listener of its own, and what every other key does.
fn doors(text: &mut String) {
    text.push_str("## Peers\n\n");
    text.push_str("The listener of `comity serve --peers`, by the key that is shown: of a party ");
    text.push_str("that is in standing by the charter, the node's own, any other. `-` is a ");
    text.push_str("connection that ends without an answer. No account and no role gets in here, ");
    text.push_str(
        "and no peer gets anything on the other listener by being one. HEAD is answered ",
    );
    text.push_str("as GET is; there is no other method. What a node mirrors of others is in ");
    text.push_str("[peers.md](peers.md#endpoints).\n\n");
    let (blue, red) = peers::blue_and_red();
    let (green, _) = peers::blue_and_red();
    let served = blue.serve_with(&["--peers", "127.0.0.1:0"]);
    let address = served.peers.clone().unwrap();
    let own = peers::identity(&blue);
    let keys = [&red, &blue, &green].map(peers::identity);
    let mut lines = Vec::new();
    // What is mirrored depends on whose log it is: that table is in `peers.md`.
    for path in PEER_ENDPOINTS.into_iter().filter(|path| !path.contains("{party}")) {
        let logs: &[&str] = if path.contains("{log}") { &LOGS } else { &[""] };
        for log in logs {
            let shown = path.replace("{log}", log);
            let asked = shown.replace("{*tile}", "entries/000.p/1");
            let mut line = vec![format!("`GET {shown}`")];
            for key in &keys {
                let status = peers::status(&address, key, &own, &asked);
                line.push(status.map_or("-".to_owned(), |status| status.to_string()));
            }
            lines.push(line);
        }
    }
    let head = ["endpoint", "party in standing", "own key", "another key"].map(str::to_owned);
    table(text, &head, &lines);
    served.stop();
}

/// The first operator's password was drawn; it gets one that the harness knows.
fn operator(place: &Place) {
    let line = ["user", "disable", "DIR", "operator"];
    place.run(&line).exits(0);
    let local = rusqlite::Connection::open(place.path().join("local.db")).unwrap();
    local.execute("DELETE FROM account WHERE name = 'operator'", []).unwrap();
    drop(local);
    place.user("operator", "operator");
}

/// A list of collections shows those that a caller may read or write, and as what.
fn listed(stage: &Stage) {
    for given in GIVEN {
        let list = stage.served.ask(given).get("/taxii2/comity/collections/").is(200).json();
        let found: Vec<&Value> = list["collections"].as_array().into_iter().flatten().collect();
        let [read, write] = ["r", "w"].map(|letter| given != "none" && given.contains(letter));
        match found.as_slice() {
            [] => assert_eq!(given, "none"),
            [one] => {
                assert_eq!((&one["can_read"], &one["can_write"]), (&read.into(), &write.into()));
            }
            more => panic!("{more:#?}"),
        }
    }
    let list = stage.served.ask("operator").get("/taxii2/comity/collections/").is(200).json();
    let found = list["collections"].as_array().map_or(0, Vec::len);
    assert_eq!(found, 0, "an operator reads no content");
}

fn compare(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/access.md");
    if std::env::var_os("COMITY_ACCEPT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "write it anew: COMITY_ACCEPT=1 cargo test -p comity --test node");
}
