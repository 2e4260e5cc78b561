//! What one party may have at a time, and how fast.

use std::time::Duration;

use comity_serve::peer::{Limits, PARTY_CONNECTIONS_MAX, PARTY_RELEASES_MAX};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stage::{Stage, get, within};
use crate::peer::PeerError;

#[tokio::test]
async fn a_party_that_asks_too_fast_is_slowed_over_all_its_connections() {
    let stage = Stage::with(Limits { requests_per_second: 3, ..Limits::default() }).await;
    let mut refused = None;
    // More than a machine can be slow: each connection asks once.
    for _ in 0..1000 {
        if let Err(error) = get(&mut stage.open().await, "/log/acts/checkpoint").await {
            refused = Some(error);
            break;
        }
    }
    let Some(PeerError::Refused { retry_after, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(1)));
    stage.stop().await;
}

#[tokio::test]
async fn one_connection_more_ends_the_oldest() {
    let stage = Stage::new().await;
    let mut connections = Vec::new();
    for _ in 0..=PARTY_CONNECTIONS_MAX {
        let mut connection = stage.open().await;
        assert!(get(&mut connection, "/log/acts/checkpoint").await.is_ok());
        connections.push(connection);
    }
    let oldest = get(&mut connections[0], "/log/acts/checkpoint").await;
    assert!(matches!(oldest, Err(PeerError::Unreachable(_))), "{oldest:?}");
    for connection in &mut connections[1..] {
        assert!(get(connection, "/log/acts/checkpoint").await.is_ok());
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_not_taken_are_few() {
    let stage = Stage::new().await;
    for _ in 0..6 {
        stage.state_octets(4 * 1024 * 1024);
    }
    let head = b"GET /log/acts/release?from=2 HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..PARTY_RELEASES_MAX {
        let mut stream = stage.tls(|_| ()).await.unwrap();
        stream.write_all(head).await.unwrap();
        let mut start = [0; 12];
        within(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut red = stage.open().await;
    let refused = get(&mut red, "/log/acts/release").await;
    assert!(matches!(refused, Err(PeerError::Refused { retry_after: Some(_), .. })), "{refused:?}");
    // What is small is answered meanwhile, and a page once the others are gone.
    let mut red = stage.open().await;
    assert!(get(&mut red, "/log/acts/checkpoint").await.is_ok());
    drop(held);
    within(async {
        while get(&mut stage.open().await, "/log/acts/release?from=7").await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    stage.stop().await;
}
