//! What a party in standing gets, what the doorbell says, and who does not come in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_serve::peer::{Limits, PEER_ENDPOINTS};
use comity_tlog::Checkpoint;
use comity_wire::entry::{self, Header, Kind, Log};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::stage::{PATIENCE, Stage, alone, charter, get, within};
use crate::peer::{Answer, Connection, Doorbell, PeerError, Ring};

/// The lines of a release: openings, and what was looked at.
fn lines(answer: &Answer) -> (Vec<Value>, u64) {
    let text = str::from_utf8(&answer.body).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let scanned_to = lines.pop().unwrap()["scanned_to"].as_u64().unwrap();
    (lines, scanned_to)
}

fn kind(opening: &Value) -> Kind {
    let envelope = STANDARD.decode(opening["envelope"].as_str().unwrap()).unwrap();
    Header::parse(entry::split(&envelope).unwrap().0).unwrap().kind
}

#[tokio::test]
async fn a_party_in_standing_gets_heads_tiles_and_what_is_released_to_it() {
    let stage = Stage::new().await;
    let mut red = stage.open().await;
    let first = get(&mut red, "/log/acts/checkpoint").await.unwrap();
    assert_eq!(first.status, 200);
    let note = str::from_utf8(&first.body).unwrap();
    let acts = stage.node.verifier(Log::Acts).unwrap();
    assert_eq!(Checkpoint::open(note.as_bytes(), acts).unwrap().size, 2);
    let etag = first.etag.as_deref();
    let again = red.get("/log/acts/checkpoint", etag, 0, PATIENCE).await.unwrap();
    assert_eq!((again.status, again.body.len()), (304, 0));
    stage.state();
    let grown = red.get("/log/acts/checkpoint", etag, 4096, PATIENCE).await.unwrap();
    assert_eq!(grown.status, 200);
    assert_ne!(grown.etag, first.etag);

    let leaves = get(&mut red, "/log/acts/tile/entries/000.p/3").await.unwrap();
    assert_eq!((leaves.status, leaves.body.len()), (200, 3 * 35));
    let hashes = get(&mut red, "/log/acts/tile/0/000.p/3").await.unwrap();
    assert_eq!((hashes.status, hashes.body.len()), (200, 3 * 32));

    let (openings, scanned_to) = lines(&get(&mut red, "/log/acts/release").await.unwrap());
    let kinds: Vec<Kind> = openings.iter().map(kind).collect();
    assert_eq!((kinds, scanned_to), (vec![Kind::Key, Kind::Accept, Kind::Record], 3));
    let (openings, _) = lines(&get(&mut red, "/log/acts/release?from=2").await.unwrap());
    assert_eq!(openings.len(), 1);
    let shared = get(&mut red, "/log/shared/release?from=0").await.unwrap();
    assert_eq!(lines(&shared), (Vec::new(), 0));
    stage.stop().await;
}

#[tokio::test]
async fn what_is_not_for_peers_looks_like_what_is_not_there() {
    let stage = Stage::new().await;
    let mut red = stage.open().await;
    let mut answers = Vec::new();
    for path in [
        "/log/private/checkpoint",
        "/log/audit/checkpoint",
        "/log/nothing/checkpoint",
        "/log/private/tile/entries/000.p/1",
        "/log/audit/tile/0/000.p/1",
        "/log/acts/tile/entries/000",
        "/log/acts/tile/entries/x",
        "/log/private/release?from=0",
        "/log/audit/release",
        "/log/acts/vkey",
        "/taxii2/",
        "/health",
        "/api/v1/openapi.json",
        "/",
    ] {
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: blue\r\n").into_bytes();
        head.extend_from_slice(b"connection: close\r\n\r\n");
        answers.push((path, stage.talk(&head).await));
        assert_eq!(get(&mut red, path).await.unwrap().status, 404, "{path}");
    }
    let without_date = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect()
    };
    for (path, answer) in &answers {
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert_eq!(without_date(answer), without_date(&answers[0].1), "{path}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn every_listed_endpoint_is_one_and_takes_get_alone() {
    let stage = Stage::new().await;
    for path in PEER_ENDPOINTS {
        // This node follows nobody: what it would mirror is not there.
        let there = if path.contains("{party}") { "404" } else { "200" };
        let path = path.replace("{log}", "acts").replace("{*tile}", "entries/000.p/2");
        let path = path.replace("{party}", "red");
        for (method, wanted) in [("GET", there), ("HEAD", there), ("POST", "405"), ("PUT", "405")] {
            if path == "/doorbell" && wanted == "200" {
                continue; // It does not end; see below.
            }
            let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let answer = stage.talk(head.as_bytes()).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {wanted} ")),
                "{method} {path}: {answer}"
            );
        }
    }
    stage.stop().await;
}

/// The heads that a doorbell tells, until one has this size.
async fn until(doorbell: &mut Doorbell, log: Log, wanted: u64) -> String {
    // Groups may be told one by one or together: no more rings than entries, and some heartbeats.
    for _ in 0..wanted + 20 {
        match within(doorbell.next()).await.unwrap() {
            Ring::Head { log: found, size, checkpoint } if (found, size) == (log, wanted) => {
                return checkpoint;
            }
            Ring::Head { .. } | Ring::Heartbeat => {}
        }
    }
    panic!("no ring for {wanted} entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doorbell_tells_the_heads_at_once_and_each_time_they_move() {
    let stage = Stage::new().await;
    let mut doorbell = stage.open().await.doorbell().await.unwrap();
    let mut heads = Vec::new();
    for _ in 0..2 {
        let Ring::Head { log, size, .. } = within(doorbell.next()).await.unwrap() else { panic!() };
        heads.push((log, size));
    }
    assert_eq!(heads, [(Log::Shared, 0), (Log::Acts, 2)]);
    let acts = stage.node.verifier(Log::Acts).unwrap();
    let mut took = Vec::new();
    for size in 3..53 {
        let began = Instant::now();
        stage.state();
        let note = until(&mut doorbell, Log::Acts, size).await;
        took.push(began.elapsed());
        assert_eq!(Checkpoint::open(note.as_bytes(), acts).unwrap().size, size);
    }
    took.sort();
    println!("commit to ring: median {:?}, slowest {:?}", took[took.len() / 2], took.last());
    stage.stop().await;
}

#[tokio::test]
async fn a_doorbell_does_not_ring_for_logs_that_are_not_for_peers() {
    let limits = Limits { heartbeat: Duration::from_millis(50), ..Limits::default() };
    let stage = Stage::with(limits).await;
    let mut doorbell = stage.open().await.doorbell().await.unwrap();
    until(&mut doorbell, Log::Acts, 2).await;
    // A page of openings is recorded in `audit`, which grows.
    let before = stage.node.checkpoint(Log::Audit).unwrap();
    get(&mut stage.open().await, "/log/acts/release").await.unwrap();
    while stage.node.checkpoint(Log::Audit).unwrap() == before {
        assert_eq!(within(doorbell.next()).await.unwrap(), Ring::Heartbeat);
    }
    for _ in 0..3 {
        assert_eq!(within(doorbell.next()).await.unwrap(), Ring::Heartbeat);
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_newer_doorbell_takes_the_place_of_the_older() {
    let limits = Limits { heartbeat: Duration::from_millis(50), ..Limits::default() };
    let stage = Stage::with(limits).await;
    let mut older = stage.open().await.doorbell().await.unwrap();
    until(&mut older, Log::Acts, 2).await;
    let mut newer = stage.open().await.doorbell().await.unwrap();
    let mut ended = None;
    for _ in 0..500 {
        ended = within(older.next()).await.err();
        if ended.is_some() {
            break;
        }
    }
    assert!(matches!(ended, Some(PeerError::Refused { .. })), "{ended:?}");
    stage.state();
    until(&mut newer, Log::Acts, 3).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_ends_its_doorbells_and_is_not_kept() {
    let stage = Stage::new().await;
    let mut doorbell = stage.open().await.doorbell().await.unwrap();
    until(&mut doorbell, Log::Acts, 2).await;
    stage.stop().await;
    assert!(matches!(within(doorbell.next()).await, Err(PeerError::Refused { .. })));
}

#[tokio::test]
async fn another_key_at_the_peer_s_address_is_told_from_the_peer() {
    let stage = Stage::new().await;
    let (_place, green) = alone("green");
    let address = stage.address.to_string();
    let opened = Connection::open(&address, &stage.red, green.pin()).await;
    let found = Some(stage.blue.pin().to_owned());
    assert_eq!(opened.err(), Some(PeerError::WrongKey { found }));
    stage.stop().await;
}

#[tokio::test]
async fn a_key_that_the_charter_does_not_have_is_refused() {
    let stage = Stage::new().await;
    let (_place, green) = alone("green");
    let address = stage.address.to_string();
    let refused = match Connection::open(&address, &green, stage.blue.pin()).await {
        Ok(mut connection) => get(&mut connection, "/log/acts/checkpoint").await.err().unwrap(),
        Err(error) => error,
    };
    assert!(matches!(refused, PeerError::Refused { .. }), "{refused:?}");
    stage.stop().await;
}

#[tokio::test]
async fn a_certificate_without_its_key_does_not_come_in() {
    let stage = Stage::new().await;
    let (place, _) = alone("green");
    let other = place.path().join("node/keys/transport.key");
    // Red's certificate is no secret; who has no more than that signs with another key.
    let shown = super::hostile_node::certified(&stage.red_certificate(), &other);
    let mut stream = stage
        .tls(|config| {
            let resolver = rustls::sign::SingleCertAndKey::from(shown);
            config.client_auth_cert_resolver = Arc::new(resolver);
        })
        .await
        .unwrap();
    refused(&mut stream).await;
    stage.stop().await;
}

/// That a connection is ended by an alert, without an answer.
async fn refused(stream: &mut tokio_rustls::client::TlsStream<TcpStream>) {
    let _ = stream.write_all(b"GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    let ended = within(stream.read_to_end(&mut answer)).await;
    assert!(ended.is_err() && answer.is_empty(), "{ended:?} {answer:?}");
}

#[derive(Debug)]
struct Nothing;

impl rustls::client::ResolvesClientCert for Nothing {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn who_shows_no_certificate_does_not_come_in() {
    let stage = Stage::new().await;
    let connected = stage.tls(|config| config.client_auth_cert_resolver = Arc::new(Nothing)).await;
    refused(&mut connected.unwrap()).await;
    stage.stop().await;
}

#[tokio::test]
async fn nothing_is_resumed_and_no_other_protocol_is_spoken() {
    let stage = Stage::new().await;
    // One configuration for both, since a client resumes under no other.
    let mut config = stage.red.client(stage.blue.pin()).unwrap();
    config.resumption = rustls::client::Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    for _ in 0..2 {
        let mut stream = stage.tls_with(config.clone()).await.unwrap();
        let head = b"GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    let h2 = stage.tls(|config| config.alpn_protocols = vec![b"h2".to_vec()]).await;
    assert!(h2.is_err());
    stage.stop().await;
}

#[tokio::test]
async fn older_tls_and_plain_text_are_turned_away() {
    let stage = Stage::new().await;
    // The greeting of a client that knows TLS 1.2 at best: 1.3 is an extension.
    let mut hello = vec![3, 3];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    for octets in [&record[..], b"GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        // One record, an alert (21): fatal (2), and no handshake of whatever version.
        assert!(answer.is_empty() || (answer[0], answer[5]) == (21, 2), "{answer:?}");
        assert!(octets[0] != 22 || answer.len() == 7, "{answer:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_party_that_leaves_is_refused_with_the_next_request_and_ring() {
    let stage = Stage::new().await;
    let mut red = stage.open().await;
    let mut doorbell = stage.open().await.doorbell().await.unwrap();
    until(&mut doorbell, Log::Acts, 2).await;
    assert_eq!(get(&mut red, "/log/acts/checkpoint").await.unwrap().status, 200);
    stage.expel_red();
    let error = get(&mut red, "/log/acts/checkpoint").await.err().unwrap();
    let what = "the party of this key may not ask".to_owned();
    assert_eq!(error, PeerError::Refused { what, retry_after: None });
    // The doorbell does not tell it the head that comes now.
    stage.state();
    assert!(matches!(within(doorbell.next()).await, Err(PeerError::Refused { .. })));
    // And it does not come in again.
    let address = stage.address.to_string();
    if let Ok(mut again) = Connection::open(&address, &stage.red, stage.blue.pin()).await {
        let error = get(&mut again, "/log/acts/checkpoint").await.err().unwrap();
        assert!(matches!(error, PeerError::Refused { .. }), "{error:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_doorbell_of_a_party_that_left_ends_with_the_next_heartbeat() {
    let limits = Limits { heartbeat: Duration::from_millis(20), ..Limits::default() };
    let stage = Stage::with(limits).await;
    let mut doorbell = stage.open().await.doorbell().await.unwrap();
    until(&mut doorbell, Log::Acts, 2).await;
    stage.expel_red();
    let ended = loop {
        match within(doorbell.next()).await {
            Ok(ring) => assert_eq!(ring, Ring::Heartbeat),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, PeerError::Refused { .. }), "{ended:?}");
    stage.stop().await;
}

#[tokio::test]
async fn a_node_knows_its_peers_by_the_charter_and_is_none_of_its_own() {
    let stage = Stage::new().await;
    assert_eq!(stage.node.peer_of(stage.red.pin()).as_deref(), Some("red"));
    let (_place, green) = alone("green");
    assert_eq!(stage.node.peer_of(green.pin()), None);
    stage.stop().await;

    let (place, own) = alone("red");
    let text = charter(&place).replace("id = \"blue\"", "id = \"other\"");
    let node = place.path().join("node");
    std::fs::write(node.join("charter.toml"), text).unwrap();
    let directory = comity_node::Directory::new(node);
    let node = comity_node::Node::open(directory, crate::surroundings::real()).unwrap();
    assert!(node.charter().party_of_transport(own.pin()).is_some());
    assert_eq!(node.peer_of(own.pin()), None);
}
