//! The listener for peers as the binary serves it, and the table that a charter has of a node.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use comity_serve::pinned::Identity;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::harness::{Place, Served, wait_for};

/// Nothing takes as long as this on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the node of a party under a body of one, and gives its table for a charter.
fn genesis(party: &str) -> (Place, String) {
    let place = Place::empty();
    place.run(&["init", "DIR", "--party", party]).exits(0);
    let table = place.run(&["peer", "genesis", "DIR"]).exits(0).out;
    (place, table)
}

/// A node of `blue`, whose charter has the node of `red`, which comes with it.
pub(crate) fn blue_and_red() -> (Place, Place) {
    let (red, table) = genesis("red");
    let party = format!("[[party]]\nid = \"red\"\nname = \"Red\"\ntier = \"member\"\n\n{table}\n");
    let text = comity_charter::one_party("blue", "Blue");
    let text = text.replace("[handling]", &format!("{party}[handling]"));
    let blue = Place::empty();
    blue.found("blue", &text);
    (blue, red)
}

pub(crate) fn identity(place: &Place) -> Identity {
    let keys = place.path().join("keys");
    Identity::read(&keys.join("transport.crt"), &keys.join("transport.key")).unwrap()
}

/// The status of an answer to a peer; nothing where the connection ends without one.
pub(crate) fn status(address: &str, from: &Identity, to: &Identity, path: &str) -> Option<u16> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let asked = async {
            let mut stream = connect(address, from, to).await?;
            let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let mut start = [0; 12];
            stream.read_exact(&mut start).await?;
            std::io::Result::Ok(String::from_utf8_lossy(&start).into_owned())
        };
        let start = tokio::time::timeout(PATIENCE, asked).await.unwrap().ok()?;
        start.strip_prefix("HTTP/1.1 ").unwrap().parse().ok()
    })
}

async fn connect(
    address: &str,
    from: &Identity,
    to: &Identity,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(from.client(to.pin()).unwrap()));
    connector.connect(ServerName::try_from("peer.invalid").unwrap(), stream).await
}

fn with_peers(place: &Place) -> Served {
    place.serve_with(&["--peers", "127.0.0.1:0"])
}

#[test]
fn a_genesis_is_what_a_charter_takes_whether_the_node_serves_or_not() {
    let (place, table) = genesis("cert.example");
    let own = identity(&place);
    let text = comity_charter::one_party("cert.example", "x");
    let text = text.replace("[handling]", &format!("{table}\n[handling]"));
    let parsed = comity_charter::parse(&text).unwrap();
    let found = parsed.party_of_transport(own.pin()).unwrap().genesis.as_ref().unwrap();
    let json = place.run(&["peer", "genesis", "DIR", "--json"]).exits(0).json();
    let told = [&found.shared, &found.acts, &found.audit, &found.transport, &found.next];
    let names = ["shared", "acts", "audit", "transport", "next"];
    for (name, value) in names.into_iter().zip(told) {
        assert_eq!(json[name], value.as_str(), "{name}");
    }
    assert_eq!(json.as_object().unwrap().len(), names.len());
    assert!(found.acts.starts_with("cert.example/acts+"), "{}", found.acts);
    assert_eq!(found.next.len(), 64);
    let doctor = place.run(&["doctor", "DIR", "--json"]).exits(0).json();
    let vkeys: Vec<&str> = doctor["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["vkey"].as_str().unwrap())
        .collect();
    assert!(vkeys.contains(&found.shared.as_str()) && vkeys.contains(&found.audit.as_str()));

    let served = place.serve();
    assert_eq!(place.run(&["peer", "genesis", "DIR"]).exits(0).out, table);
    served.stop();
}

#[test]
fn the_key_for_peers_is_made_once_and_is_its_owner_s_alone() {
    let place = Place::empty();
    let made = place.run(&["init", "DIR", "--party", "cert.example", "--json"]).exits(0).json();
    let pin = identity(&place).pin().to_owned();
    assert_eq!(made["transport"], pin.as_str());
    let keys = place.path().join("keys");
    for name in ["transport.key", "transport.crt"] {
        let mode = fs::metadata(keys.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // A certificate that was taken away comes back around the same key.
    fs::remove_file(keys.join("transport.crt")).unwrap();
    with_peers(&place).stop();
    assert_eq!(identity(&place).pin(), pin);
    // Another key is another pin; a directory that was made before there were peers has none.
    fs::remove_file(keys.join("transport.crt")).unwrap();
    fs::remove_file(keys.join("transport.key")).unwrap();
    with_peers(&place).stop();
    let other = identity(&place).pin().to_owned();
    assert_ne!(other, pin);
    let told = place.run(&["peer", "genesis", "DIR", "--json"]).exits(0).json();
    assert_eq!(told["transport"], other.as_str());
    // One that cannot be used is told, and nothing is served.
    fs::write(keys.join("transport.key"), "no key\n").unwrap();
    place.run(&["serve", "DIR", "--peers", "127.0.0.1:0"]).fails_with(&["transport.key"]);
    place.run(&["peer", "genesis", "DIR"]).fails_with(&["transport.key"]);
    place.serve().stop();
}

#[test]
fn a_node_serves_peers_where_it_is_told_to_and_nowhere_else() {
    let (blue, red) = blue_and_red();
    let (own, theirs) = (identity(&blue), identity(&red));
    let served = blue.serve();
    assert_eq!(served.peers, None);
    served.stop();

    blue.configure("peers = \"127.0.0.1:0\"");
    let served = blue.serve();
    let address = served.peers.clone().unwrap();
    assert_eq!(status(&address, &theirs, &own, "/log/acts/checkpoint"), Some(200));
    // The two listeners do not answer for each other.
    assert_eq!(status(&address, &theirs, &own, "/taxii2/"), Some(404));
    let client = super::http::Client::anonymous(&served.url);
    assert_eq!(client.get("/doorbell").status, 404);
    assert!(!client.raw("GET /doorbell", &[], &[]).contains("event-stream"));
    let plain = super::http::Client::anonymous(&format!("http://{address}"));
    assert!(plain.try_send("GET", "/health", &[], &[]).is_none());
    served.stop();

    // The command line goes before the configuration; an address that is taken is told.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let line = ["serve", "DIR", "--listen", "127.0.0.1:0", "--peers", &taken];
    blue.run(&line).fails_with(&["cannot listen", &taken]);
    assert!(!blue.path().join("control.sock").exists());
}

#[test]
fn a_key_that_is_turned_away_is_told_by_its_pin() {
    let (blue, red) = blue_and_red();
    let (green, _) = genesis("green");
    let served = with_peers(&blue);
    let address = served.peers.clone().unwrap();
    let (own, stranger) = (identity(&blue), identity(&green));
    for _ in 0..20 {
        assert_eq!(status(&address, &stranger, &own, "/log/acts/checkpoint"), None);
    }
    wait_for("the line about the key", || served.told().contains(stranger.pin()).then_some(()));
    let lines = served.told().matches(stranger.pin()).count();
    assert!(lines < 20, "{lines} lines: a stranger must not fill the log");
    assert_eq!(status(&address, &identity(&red), &own, "/log/acts/release"), Some(200));
    assert_eq!(served.told().matches(identity(&red).pin()).count(), 0);
    served.stop();
}

#[test]
fn a_doorbell_that_hangs_does_not_keep_the_node() {
    let (blue, red) = blue_and_red();
    let served = blue.serve_with(&["--peers", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let address = served.peers.clone().unwrap();
    let (own, theirs) = (identity(&blue), identity(&red));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut stream = runtime.block_on(async {
        let mut stream = connect(&address, &theirs, &own).await.unwrap();
        stream.write_all(b"GET /doorbell HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        stream
    });
    assert_eq!(served.metric("comity_peer_doorbells"), 1.0);
    assert_eq!(served.metric("comity_peer_connections"), 1.0);
    served.stop();
    let rest = runtime.block_on(async {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    });
    assert!(rest.contains("text/event-stream") && rest.contains("id: acts:2"), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "it ended in order: {rest}");
}
