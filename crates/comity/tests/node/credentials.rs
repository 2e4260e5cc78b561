//! Who is let in: tokens that end, accounts that are disabled, roles that change, all at once and
//! while the node serves; and where a node serves at all.

use std::sync::Arc;

use comity_node::{Directory, Node, Surroundings, token};
use comity_view::{Right, Rights};
use serde_json::Value;

use super::harness::{Place, binary};
use super::http::{Client, objects};
use super::sample::{envelope, tool};

fn add_token(place: &Place, user: &str, rights: &str) -> (i64, String) {
    let line = ["--json", "token", "add", "DIR", user, "--rights", rights];
    let value = place.run(&line).exits(0).json();
    let number = value["token"]["id"].as_i64().unwrap();
    (number, value["secret"].as_str().unwrap().to_owned())
}

/// A token that ended long ago: made by a node whose clock was behind.
fn old_token(place: &Place, user: &str) -> String {
    let second = 1_000_000;
    let surroundings = Surroundings {
        now: Arc::new(move || second),
        random: Arc::new(|octets: &mut [u8]| {
            octets.iter_mut().zip(1..).for_each(|(octet, at)| *octet = at);
        }),
        monotonic: Arc::new(|| std::time::Duration::ZERO),
        free: Arc::new(|_| None),
        boot: "a test".to_owned(),
        fatal: Arc::new(|what: &str| panic!("{what}")),
    };
    let node = Node::open(Directory::new(place.path()), surroundings).unwrap();
    let new = token::New {
        name: "old".to_owned(),
        rights: Rights::of(&[Right::Read]),
        purpose: None,
        expires: 2 * second,
    };
    let (_, secret) = node.token_add(user, &new).unwrap();
    node.close();
    secret
}

#[test]
fn tokens_end_are_revoked_and_give_no_more_than_they_say() {
    let place = Place::with_desk();
    let old = old_token(&place, "desk");
    let (number, reads) = add_token(&place, "desk", "read");
    let (_, releases) = add_token(&place, "desk", "read,write,release,administer");
    let served = place.serve();
    let body = envelope(&[tool(1, "x")]);
    let told = Client::bearer(&served.url, &old).get(&objects("desk"));
    assert_eq!(told.status, 401, "{}", told.text());
    let challenge = told.headers.get_all("www-authenticate").iter().count();
    assert_eq!(challenge, 2);
    let reader = Client::bearer(&served.url, &reads);
    reader.get(&objects("desk")).is(200);
    assert_eq!(reader.add("desk", &body).is(403).json()["error_code"], "forbidden");
    // Rights that the role lacks are not given by a token.
    let more = Client::bearer(&served.url, &releases);
    more.add("desk", &body).is(202);
    more.get("/log/audit/checkpoint").is(403);
    place.run(&["token", "revoke", "DIR", &number.to_string()]).exits(0);
    reader.get(&objects("desk")).is(401);
    more.get(&objects("desk")).is(200);
    for wrong in ["", "comity_", "comity_AAAA", &reads[..reads.len() - 1]] {
        Client::bearer(&served.url, wrong).get("/taxii2/").is(401);
    }
    let listed = place.run(&["token", "list", "DIR"]).exits(0).out;
    assert!(listed.contains("revoked"), "{listed}");
    for secret in [&reads, &releases, &old] {
        assert!(place.files_with(secret.as_bytes()).is_empty());
        assert!(!listed.contains(secret.as_str()));
    }
}

#[test]
fn a_change_of_an_account_takes_effect_at_once() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    let (_, secret) = add_token(&place, "desk", "read,write");
    let token = Client::bearer(&served.url, &secret);
    let body = envelope(&[tool(1, "x")]);
    let writes = |wanted: u16| {
        // Twice, so that what is remembered is asked, too.
        for client in [&desk, &token, &desk, &token] {
            client.add("desk", &body).is(wanted);
            client.get(&objects("desk")).is(200);
        }
    };
    writes(202);
    place.run(&["user", "role", "DIR", "desk", "--role", "reader"]).exits(0);
    writes(403);
    place.run(&["user", "role", "DIR", "desk", "--role", "releaser"]).exits(0);
    writes(202);
    place.run(&["collection", "limit", "DIR", "desk", "--rights", "desk=r"]).exits(0);
    writes(403);
    place.run(&["collection", "limit", "DIR", "desk", "--rights", "desk=none"]).exits(0);
    desk.get(&objects("desk")).is(404);
    token.get(&objects("desk")).is(404);
    place.run(&["collection", "limit", "DIR", "desk", "--rights", "desk=rw"]).exits(0);
    writes(202);
    place.run(&["user", "disable", "DIR", "desk"]).exits(0);
    for client in [&desk, &token] {
        client.get("/taxii2/").is(401);
        client.add("desk", &body).is(401);
    }
    served.stop();
    let served = place.serve();
    served.ask("desk").get("/taxii2/").is(401);
    let wrong = Client::basic(&served.url, "nobody", "pass phrase of nobody");
    wrong.get("/taxii2/").is(401);
    Client::anonymous(&served.url).get("/taxii2/").is(401);
}

#[test]
fn one_process_serves_a_directory() {
    let place = Place::with_desk();
    let served = place.serve();
    let shown = place.shown();
    let line = ["serve", "DIR", "--listen", "127.0.0.1:0"];
    let second = place.run(&line);
    second.fails_with(&["another process", &shown]);
    let told: Value = place.run(&["--json", "serve", "DIR"]).json();
    assert!(told["error"].as_str().unwrap().contains(&shown), "{told:#}");
    // The one that serves is none the worse, and its socket is still there.
    served.ask("desk").get("/taxii2/").is(200);
    assert!(place.path().join("control.sock").exists());
    place.run(&["user", "list", "DIR"]).exits(0);
    served.stop();
}

#[test]
fn plain_http_stays_on_this_machine() {
    let place = Place::with_desk();
    let line = ["serve", "DIR", "--listen", "0.0.0.0:0"];
    place.run(&line).fails_with(&["plain HTTP", "--tls-certificate", "--plain-http-anywhere"]);
    place.run(&["serve", "DIR", "--listen", "nowhere"]).fails_with(&["--listen `nowhere`"]);
    place
        .run(&["serve", "DIR", "--listen", "no.invalid:0"])
        .fails_with(&["cannot listen on `no.invalid:0`"]);
    let missing = place.beside("missing.pem");
    let missing = missing.to_str().unwrap();
    let line = [
        "serve",
        "DIR",
        "--listen",
        "127.0.0.1:0",
        "--tls-certificate",
        missing,
        "--tls-key",
        missing,
    ];
    place.run(&line).fails_with(&[missing]);
    // Nothing is left that would stand in the way.
    assert!(!place.path().join("control.sock").exists());
    place.serve().stop();
    let mut alone = binary(&["serve", &place.shown(), "--tls-key", missing]);
    assert_eq!(alone.output().unwrap().status.code(), Some(2));
}
