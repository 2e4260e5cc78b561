//! A peer, or a stranger, that is slow, silent or large on purpose: that it ends, and keeps nobody
//! else out.

use std::time::Duration;

use comity_serve::peer::{HANDSHAKES_OF_ADDRESS_MAX, HEAD_BYTES_MAX, Limits};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::stage::{PLENTY, Stage, get, within};
use crate::peer::{Connection, PeerError};

const SHORT: Duration = Duration::from_millis(200);

/// Waits until the other side ends a connection, and gives what came before.
async fn ended(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = within(stream.read_to_end(&mut answer)).await;
    answer
}

#[tokio::test]
async fn a_handshake_that_is_not_finished_is_given_up() {
    let stage = Stage::with(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut silent = TcpStream::connect(stage.address).await.unwrap();
    assert!(ended(&mut silent).await.is_empty());
    // An octet now and then is no more than none: a record of 512 octets that never comes whole.
    let (mut read, mut write) = TcpStream::connect(stage.address).await.unwrap().into_split();
    let drip = async {
        for octet in [22, 3, 1, 2, 0, 1, 0, 1, 252].into_iter().chain(std::iter::repeat(0)) {
            if write.write_all(&[octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = ended(&mut read) => assert!(answer.is_empty()),
        () = drip => {}
    }
    assert!(get(&mut stage.open().await, "/log/acts/checkpoint").await.is_ok());
    stage.stop().await;
}

#[tokio::test]
async fn one_address_cannot_hold_all_handshakes() {
    // None of them ends by itself.
    let handshake = Duration::from_secs(3600);
    let stage = Stage::with(Limits { handshake, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..HANDSHAKES_OF_ADDRESS_MAX {
        held.push(TcpStream::connect(stage.address).await.unwrap());
    }
    // Connections are accepted in their order, so these are inside before the next one is judged.
    let mut more = TcpStream::connect(stage.address).await.unwrap();
    assert!(ended(&mut more).await.is_empty());
    // Somebody at another address comes in meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = socket.connect(stage.address).await.unwrap();
    stream.write_all(b"no TLS").await.unwrap();
    let answer = ended(&mut stream).await;
    assert_eq!(answer.first(), Some(&21), "an alert, and not only an end: {answer:?}");
    // With the strangers their places are gone, too.
    drop(held);
    let mut red = loop {
        let address = stage.address.to_string();
        match Connection::open(&address, &stage.red, stage.blue.pin()).await {
            Ok(connection) => break connection,
            Err(PeerError::Unreachable(_)) => tokio::time::sleep(SHORT).await,
            Err(error) => panic!("{error:?}"),
        }
    };
    assert!(get(&mut red, "/log/acts/checkpoint").await.is_ok());
    stage.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let stage = Stage::with(Limits { head: SHORT, ..Limits::default() }).await;
    let (mut read, mut write) = tokio::io::split(stage.tls(|_| ()).await.unwrap());
    let drip = async {
        let _ = write.write_all(b"GET /log/acts/checkpoint HTTP/1.1\r\nx: ").await;
        while write.write_all(b"y").await.is_ok() && write.flush().await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = ended(&mut read) => {
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
        }
        () = drip => {}
    }
    // The same for a connection on which nothing is asked at all.
    assert!(ended(&mut stage.tls(|_| ()).await.unwrap()).await.is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn a_head_is_bounded_in_octets_and_fields() {
    let stage = Stage::new().await;
    let start = "GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let long = format!("{start}x: {}\r\n\r\n", "y".repeat(HEAD_BYTES_MAX));
    let many: String = (0..40).map(|number| format!("x-{number}: y\r\n")).collect();
    for head in [long, format!("{start}{many}\r\n")] {
        let answer = stage.talk(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let fits = format!("{start}x: {}\r\n\r\n", "y".repeat(HEAD_BYTES_MAX / 2));
    assert!(stage.talk(fits.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    stage.stop().await;
}

#[tokio::test]
async fn a_request_has_no_body() {
    let stage = Stage::new().await;
    let next = "GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\n\r\n";
    for framing in [
        format!("content-length: {}\r\n\r\n{next}", next.len()),
        "content-length: 1000000000000\r\n\r\nx".to_owned(),
        format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{next}\r\n0\r\n\r\n", next.len()),
        "transfer-encoding: chunked\r\n\r\nffffffff\r\nx".to_owned(),
        "content-length: 5\r\nexpect: 100-continue\r\n\r\n".to_owned(),
    ] {
        for path in ["/log/acts/checkpoint", "/doorbell"] {
            let text = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{framing}");
            let answer = stage.talk(text.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{text}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{text}: {answer}");
        }
    }
    let none = "GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert!(stage.talk(none.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    stage.stop().await;
}

/// A peer that asks and asks, and takes no answer: what a connection looks like, too, whose other
/// end is gone while octets are on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_answers_are_not_taken_ends() {
    let limits = Limits { write: SHORT, requests_per_second: 1_000_000_000, ..Limits::default() };
    let stage = Stage::with(limits).await;
    let (_read, mut write) = tokio::io::split(stage.tls(|_| ()).await.unwrap());
    let heads = b"GET /log/acts/checkpoint HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let error = within(async {
        loop {
            if let Err(error) = write.write_all(&heads).await {
                break error;
            }
        }
    });
    let kind = error.await.kind();
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    assert!([BrokenPipe, ConnectionReset].contains(&kind), "{kind:?}");
    assert!(get(&mut stage.open().await, "/log/acts/checkpoint").await.is_ok());
    stage.stop().await;
}

/// The same for a page of openings, of which an octet is taken now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_taken_too_slowly_ends() {
    let stage = Stage::with(Limits { answer: SHORT, ..Limits::default() }).await;
    for _ in 0..4 {
        stage.state_octets(1024 * 1024);
    }
    let mut stream = stage.tls(|_| ()).await.unwrap();
    stream.write_all(b"GET /log/acts/release HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut taken = 0;
    let end = within(async {
        loop {
            let mut some = [0; 64];
            match stream.read(&mut some).await {
                Ok(0) | Err(_) => break,
                Ok(octets) => taken += octets,
            }
            // Slow at first; what is left in buffers after the end may be taken at once.
            if taken < 4096 {
                tokio::time::sleep(SHORT / 10).await;
            }
        }
    });
    end.await;
    assert!(taken < 4 * 1024 * 1024, "{taken} octets: the whole page");
    // Whoever takes it gets it whole.
    let mut red = stage.open().await;
    let page = red.get("/log/acts/release", None, PLENTY, Duration::from_secs(60)).await;
    let octets = page.map(|page| page.body.len());
    assert!(octets.as_ref().is_ok_and(|octets| *octets > 4 * 1024 * 1024) || octets.is_err());
    stage.stop().await;
}
