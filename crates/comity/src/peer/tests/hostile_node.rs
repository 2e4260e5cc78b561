//! A node that answers with whatever it likes, under the key that is expected: what the client
//! makes of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use comity_serve::pinned::Identity;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::stage::{PATIENCE, PLENTY, alone, within};
use crate::peer::{Answer, Connection, PeerError, Ring, Waits};

/// A certificate and a key that may not belong together.
pub(super) fn certified(certificate: &Path, key: &Path) -> CertifiedKey {
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    CertifiedKey::new(chain, key)
}

/// A place where somebody answers as a test says.
struct Trap {
    place: TempDir,
    identity: Identity,
    listener: TcpListener,
}

/// Short enough for a test to see all of them pass.
const SHORT: Waits = Waits {
    connect: Duration::from_secs(20),
    head: Duration::from_millis(300),
    idle: Duration::from_millis(300),
    silence: Duration::from_millis(300),
};

impl Trap {
    async fn new() -> Trap {
        let (place, identity) = alone("blue");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Trap { place, identity, listener }
    }

    fn key(&self) -> CertifiedKey {
        let keys = self.place.path().join("node/keys");
        certified(&keys.join("transport.crt"), &keys.join("transport.key"))
    }

    async fn accept_with(&self, shown: CertifiedKey) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        let (stream, _) = self.listener.accept().await?;
        TlsAcceptor::from(Arc::new(config)).accept(stream).await
    }

    /// Takes one request and hands over the connection.
    async fn asked(&self) -> TlsStream<TcpStream> {
        let mut stream = self.accept_with(self.key()).await.unwrap();
        let (mut head, mut octet) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut octet).await.unwrap();
            head.push(octet[0]);
        }
        stream
    }

    async fn open(&self, waits: Waits) -> Result<Connection, PeerError> {
        let address = self.listener.local_addr().unwrap().to_string();
        Connection::open_with(&address, &self.identity, self.identity.pin(), waits).await
    }

    /// What the client makes of these octets, after which the connection ends.
    async fn answered(&self, octets: &[u8], limit: usize) -> Result<Answer, PeerError> {
        let answer = async {
            let mut stream = self.asked().await;
            // A client that has seen enough goes away in between.
            let _ = stream.write_all(octets).await;
            let _ = stream.shutdown().await;
        };
        let ask = async {
            let mut connection = self.open(Waits::default()).await?;
            connection.get("/x", None, limit, PATIENCE).await
        };
        within(async { tokio::join!(answer, ask).1 }).await
    }
}

fn protocol<T>(answer: &Result<T, PeerError>) -> bool {
    matches!(answer, Err(PeerError::Protocol(_)))
}

#[tokio::test]
async fn answers_are_sorted_by_what_they_say() {
    let trap = Trap::new().await;
    let plain = |head: &str| format!("HTTP/1.1 {head}\r\n\r\n").into_bytes();
    let good = trap.answered(&plain("200 OK\r\ncontent-length: 0"), 10).await.unwrap();
    assert_eq!((good.status, good.body.len(), good.etag), (200, 0, None));
    let gone = plain("404 Not Found\r\ncontent-length: 0\r\netag: \"x\"");
    assert_eq!(trap.answered(&gone, 10).await.unwrap().status, 404);
    let refused = |retry_after: Option<u64>| {
        move |error: PeerError| match error {
            PeerError::Refused { retry_after: found, what } => {
                assert!(!what.contains("now") || what.contains("status 503"), "{what}");
                assert_eq!(found, retry_after.map(Duration::from_secs));
            }
            other => panic!("{other:?}"),
        }
    };
    for (head, retry_after) in [
        ("403 Forbidden\r\ncontent-length: 0\r\nretry-after: 9", None),
        ("429 Too Many Requests\r\ncontent-length: 0\r\nretry-after: 7", Some(7)),
        ("503 Busy\r\ncontent-length: 0\r\nretry-after: 100000000000", Some(3600)),
        ("503 Busy\r\ncontent-length: 0\r\nretry-after: soon", None),
    ] {
        refused(retry_after)(trap.answered(&plain(head), 10).await.unwrap_err());
    }
    for head in [
        "500 Fault\r\ncontent-length: 0",
        "302 Elsewhere\r\nlocation: https://192.0.2.1/\r\ncontent-length: 0",
        "206 Partial\r\ncontent-length: 0",
        "200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0",
    ] {
        let answer = trap.answered(&plain(head), 10).await;
        assert!(protocol(&answer), "{head}: {answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_or_not_whole_breaks_the_protocol() {
    let trap = Trap::new().await;
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(64 * 1024));
    for octets in [
        "SSH-2.0-none\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999999\r\n\r\nabc".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{long}content-length: 0\r\n\r\n"),
    ] {
        let answer = trap.answered(octets.as_bytes(), PLENTY).await;
        assert!(protocol(&answer), "{octets:.60}: {answer:?}");
    }
}

#[tokio::test]
async fn a_body_is_never_larger_than_was_asked_for() {
    let trap = Trap::new().await;
    let too_large = Err(PeerError::TooLarge { limit: 100 });
    let body = "x".repeat(101);
    for octets in [
        // Announced: refused before an octet of it comes.
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000000\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n{body}"),
        // Not announced: in chunks, and until the end of the connection.
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{body}\r\n0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(1_000_000)),
    ] {
        assert_eq!(trap.answered(octets.as_bytes(), 100).await, too_large, "{octets:.70}");
    }
    let fits = format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", "x".repeat(100));
    assert_eq!(trap.answered(fits.as_bytes(), 100).await.unwrap().body.len(), 100);
}

#[tokio::test]
async fn a_line_that_ends_without_an_answer_is_a_peer_that_cannot_be_reached() {
    let trap = Trap::new().await;
    let closed = async { drop(trap.asked().await) };
    let ask = async {
        let mut connection = trap.open(Waits::default()).await?;
        connection.get("/x", None, 10, PATIENCE).await
    };
    let answer = within(async { tokio::join!(closed, ask).1 }).await;
    assert!(matches!(answer, Err(PeerError::Unreachable(_))), "{answer:?}");
    // In the middle of a body it is no other thing, if TLS did not say that this is the end.
    let broken = async {
        let mut stream = trap.asked().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await.unwrap();
        stream.flush().await.unwrap();
    };
    let ask = async {
        let mut connection = trap.open(Waits::default()).await?;
        connection.get("/x", None, 10, PATIENCE).await
    };
    let answer = within(async { tokio::join!(broken, ask).1 }).await;
    assert!(matches!(answer, Err(PeerError::Unreachable(_))), "{answer:?}");

    let address = trap.listener.local_addr().unwrap().to_string();
    let (identity, place) = (trap.identity.clone(), trap.place);
    drop(trap.listener);
    let opened = Connection::open(&address, &identity, identity.pin()).await;
    assert!(matches!(opened.err(), Some(PeerError::Unreachable(_))));
    for address in ["", "no.such.host.invalid:1", "127.0.0.1", "a\nb"] {
        let opened = Connection::open(address, &identity, identity.pin()).await;
        assert!(matches!(opened.err(), Some(PeerError::Unreachable(_))), "{address:?}");
    }
    drop(place);
}

#[tokio::test]
async fn each_part_of_a_conversation_has_its_own_time_limit() {
    let trap = Trap::new().await;
    // Nobody answers the handshake.
    let waits = Waits { connect: Duration::from_millis(100), ..SHORT };
    assert_eq!(trap.open(waits).await.err(), Some(PeerError::TimedOut("no connection")));
    drop(trap.listener.accept().await.unwrap());

    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    for (octets, drips, deadline, wanted) in [
        ("", false, PATIENCE, "the head of the answer"),
        ("HTTP/1.1 200 OK\r\n", true, PATIENCE, "the head of the answer"),
        (head, false, PATIENCE, "the next octets of the answer"),
        (head, true, Duration::from_millis(500), "the whole answer"),
    ] {
        let answer = async {
            let mut stream = trap.asked().await;
            stream.write_all(octets.as_bytes()).await.unwrap();
            // An octet now and then, until the client has had enough.
            while !drips || stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ask = async {
            let mut connection = trap.open(SHORT).await?;
            connection.get("/x", None, PLENTY, deadline).await
        };
        let answered = within(async {
            tokio::select! {
                answered = ask => answered,
                () = async { answer.await; std::future::pending().await } => unreachable!(),
            }
        });
        assert_eq!(answered.await, Err(PeerError::TimedOut(wanted)));
    }
}

#[tokio::test]
async fn who_shows_the_peer_s_certificate_without_its_key_is_not_the_peer() {
    let trap = Trap::new().await;
    let (other, _) = alone("green");
    let keys = trap.place.path().join("node/keys");
    let other = other.path().join("node/keys/transport.key");
    let forged = certified(&keys.join("transport.crt"), &other);
    let (_, opened) = tokio::join!(trap.accept_with(forged), trap.open(Waits::default()));
    assert_eq!(opened.err(), Some(PeerError::WrongKey { found: None }));
}

/// What a doorbell says until it fails, where these octets come and then, maybe, one again and
/// again.
async fn rung(octets: &[u8], again: &[u8]) -> (Vec<Ring>, PeerError) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let trap = Trap::new().await;
    let say = async {
        let mut stream = trap.asked().await;
        stream.write_all(HEAD).await.unwrap();
        stream.write_all(octets).await.unwrap();
        while !again.is_empty() && stream.write_all(again).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The line stays open, and nothing more is said.
        std::future::pending::<()>().await;
    };
    let hear = async {
        let mut doorbell = trap.open(SHORT).await.unwrap().doorbell().await.unwrap();
        let mut rings = Vec::new();
        loop {
            match doorbell.next().await {
                Ok(ring) => rings.push(ring),
                Err(error) => return (rings, error),
            }
        }
    };
    within(async {
        tokio::select! {
            heard = hear => heard,
            () = say => unreachable!(),
        }
    })
    .await
}

#[tokio::test]
async fn a_doorbell_that_misses_two_heartbeats_is_given_up() {
    let missed = PeerError::TimedOut("two heartbeats were missed");
    let beat = b"event: heartbeat\ndata: -\n\n";
    assert_eq!(rung(beat, b"").await, (vec![Ring::Heartbeat], missed.clone()));
    // Comments, parts of events and events without data are no sign of life.
    assert_eq!(rung(b"", b":\n\n").await, (vec![], missed.clone()));
    assert_eq!(rung(b"data: ", b"x").await, (vec![], missed));
}

#[tokio::test]
async fn a_doorbell_that_says_nonsense_is_given_up() {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode("red/acts\n7\nroot\n\nsignature\n");
    let good = format!("event: later\ndata: x\n\nevent: head\nid: acts:7\ndata: {data}\n\n");
    let (rings, _) = rung(good.as_bytes(), b"").await;
    assert!(matches!(&rings[..], [Ring::Head { size: 7, .. }]), "{rings:?}");
    for event in [
        format!("event: head\nid: acts:8\ndata: {data}\n\n"),
        format!("event: head\nid: acts:+7\ndata: {data}\n\n"),
        format!("event: head\nid: nothing:7\ndata: {data}\n\n"),
        format!("event: head\nid: acts\ndata: {data}\n\n"),
        "event: head\nid: acts:7\ndata: !!\n\n".to_owned(),
        "event: head\nid: acts:7\ndata: /////w==\n\n".to_owned(),
        "x".repeat(1_000_000),
    ] {
        let (rings, error) = rung(event.as_bytes(), b"").await;
        assert!(rings.is_empty(), "{event:.50}");
        assert!(matches!(error, PeerError::Protocol(_)), "{event:.50}: {error:?}");
    }
}
