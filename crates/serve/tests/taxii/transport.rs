//! Transport (TAXII 2.1 §8.2, §3.1): TLS, HTTP/1.1 and HTTP/2, paths.

use axum::body::Body;
use axum::http::Request;
use comity_serve::{Scheme, ServeError, listen};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::ask::TAXII;
use super::harness::{ANALYST, World, path, secret};
use super::sample::{id, tool};
use super::socket::{Served, http1, http2, talk};

/// A request as a client writes it on a connection.
fn request(method: &str, uri: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost")
        .header("accept", TAXII)
        .header("content-type", TAXII)
        .header("authorization", format!("Bearer {}", secret(ANALYST)))
        .body(body)
        .unwrap()
}

fn discovery() -> Vec<Request<Body>> {
    vec![request("GET", "/taxii2/", Body::empty())]
}

#[tokio::test]
async fn t001_https_with_tls_1_3() {
    let world = World::new();
    let served = Served::tls(&world).await;
    assert_eq!(served.scheme, "https");
    for protocol in ["h2", "http/1.1"] {
        let stream = served.connect_tls(&[&rustls::version::TLS13], protocol).await;
        let negotiated = stream.get_ref().1.protocol_version();
        assert_eq!(negotiated, Some(rustls::ProtocolVersion::TLSv1_3));
        let spoken = stream.get_ref().1.alpn_protocol();
        assert_eq!(spoken, Some(protocol.as_bytes()));
        let replies = if protocol == "h2" {
            http2(stream, discovery()).await
        } else {
            http1(stream, discovery()).await
        };
        assert_eq!(replies[0].status, 200);
        assert_eq!(replies[0].json()["default"], "/taxii2/comity/");
    }
    served.stop().await;
}

/// The greeting of a client that knows TLS 1.1 (2) or 1.2 (3) at best: 1.3 is an extension.
fn greeting_of_tls_1(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend_from_slice(&[7; 32]);
    // Nothing to resume; two suites of that time; no compression.
    hello.extend_from_slice(&[0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[tokio::test]
async fn t001_older_tls_and_plain_text_are_turned_away() {
    let world = World::new();
    let served = Served::tls(&world).await;
    for minor in [2, 3] {
        let answer = talk(served.connect().await, &greeting_of_tls_1(minor)).await;
        // One record, an alert (21): fatal (2), and no handshake (22) of whatever version.
        assert_eq!(answer.len(), 7, "{answer:?}");
        assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
    }
    let plain = b"GET /taxii2/ HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = talk(served.connect().await, plain).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    served.stop().await;
}

#[tokio::test]
async fn t001_plain_http_is_for_this_machine_alone() {
    let world = World::new();
    let router = world.router.clone();
    let ready = |_: &comity_serve::Listening| panic!("it must not come to that");
    let stop = std::future::pending();
    let served = listen(router, "0.0.0.0:0", &Scheme::Plain, ready, stop).await;
    assert!(matches!(served, Err(ServeError::Plain(_))));
}

#[tokio::test]
async fn http_1_1_keeps_the_connection() {
    let world = World::new();
    let served = Served::plain(&world).await;
    let objects = path(&world.collection, "objects/");
    let requests = vec![
        request("GET", "/taxii2/", Body::empty()),
        request("POST", &objects, Body::from(super::harness::envelope(&[tool(1)]))),
        request("GET", "/taxii2/nowhere/", Body::empty()),
        request("GET", &objects, Body::empty()),
    ];
    let replies = http1(served.connect().await, requests).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 202, 404, 200]);
    assert_eq!(replies[3].raw_objects(), [tool(1)]);
    served.stop().await;
}

#[tokio::test]
async fn a_chunked_post_needs_no_content_length() {
    let world = World::new();
    let served = Served::plain(&world).await;
    let envelope = super::harness::envelope(&[tool(1), tool(2)]);
    let (one, two) = envelope.split_at(40);
    let text = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\naccept: {TAXII}\r\ncontent-type: {TAXII}\r\n\
         authorization: Bearer {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         {:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        world.path("objects/"),
        secret(ANALYST),
        one.len(),
        two.len()
    );
    let answer = talk(served.connect().await, text.as_bytes()).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(world.ids("").await, [id("tool", 1), id("tool", 2)]);
    served.stop().await;
}

#[tokio::test]
async fn t060_a_post_that_breaks_off_stores_nothing() {
    let world = World::new();
    let served = Served::plain(&world).await;
    // Whole objects, and then the connection ends before the envelope does.
    let body = super::harness::envelope(&[tool(1), tool(2)]);
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\naccept: {TAXII}\r\ncontent-type: {TAXII}\r\n\
         authorization: Bearer {}\r\n",
        world.path("objects/"),
        secret(ANALYST)
    );
    for framed in [
        format!("{head}content-length: {}\r\n\r\n{body}", body.len() + 1),
        format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()),
    ] {
        let mut stream = served.connect().await;
        stream.write_all(framed.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert!(world.ids("").await.is_empty());
    served.stop().await;
}

#[tokio::test]
async fn a_post_that_is_too_large_is_refused_before_it_is_sent() {
    let world = World::new();
    let served = Served::plain(&world).await;
    let text = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\naccept: {TAXII}\r\ncontent-type: {TAXII}\r\n\
         authorization: Bearer {}\r\ncontent-length: 10485761\r\nexpect: 100-continue\r\n\
         connection: close\r\n\r\n",
        world.path("objects/"),
        secret(ANALYST)
    );
    let answer = talk(served.connect().await, text.as_bytes()).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    served.stop().await;
}

#[tokio::test]
async fn t069_five_hundred_ids_fit_one_request() {
    let world = World::new();
    world.add(&[tool(3), tool(499), tool(500)]).await;
    let served = Served::plain(&world).await;
    let ids: Vec<String> = (0..500).map(|number| id("tool", number)).collect();
    let uri = world.path(&format!("objects/?match[id]={}", ids.join(",")));
    let replies = http1(served.connect().await, vec![request("GET", &uri, Body::empty())]).await;
    assert_eq!(replies[0].member("objects", "id"), [id("tool", 3), id("tool", 499)]);
    // One more is told as such, and not cut off.
    let more = format!("objects/?match[id]={},{}", ids.join(","), id("tool", 500));
    world.read(&more).refused(400).await;
    served.stop().await;
}

#[tokio::test]
async fn http_2_answers_many_requests_of_one_connection() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let served = Served::tls(&world).await;
    let stream = served.connect_tls(&[&rustls::version::TLS13], "h2").await;
    let uri = format!("https://localhost{}", world.path("objects/"));
    let requests = (0..20).map(|_| request("GET", &uri, Body::empty()));
    let replies = http2(stream, requests.collect()).await;
    assert_eq!(replies.len(), 20);
    for reply in replies {
        assert_eq!(reply.raw_objects(), [tool(1)]);
    }
    served.stop().await;
}

#[tokio::test]
async fn t002_a_path_without_its_slash_is_answered_and_not_redirected() {
    let world = World::new();
    let status = world.add(&[tool(1)]).await;
    let status = status["id"].as_str().unwrap();
    let object = id("tool", 1);
    let paths = [
        "/taxii2/".to_owned(),
        "/taxii2/comity/".to_owned(),
        format!("/taxii2/comity/status/{status}/"),
        "/taxii2/comity/collections/".to_owned(),
        world.path(""),
        world.path("manifest/"),
        world.path("objects/"),
        world.path(&format!("objects/{object}/")),
        world.path(&format!("objects/{object}/versions/")),
    ];
    for path in &paths {
        let with = world.get(path).ok().await;
        let without = world.get(path.trim_end_matches('/')).ok().await;
        assert_eq!(with.body, without.body, "{path}");
        assert_eq!(with.dates(), without.dates(), "{path}");
    }
}

#[tokio::test]
async fn t002_parameters_stand_behind_the_path_with_or_without_its_slash() {
    let world = World::new();
    world.add(&[tool(1), tool(2), tool(3)]).await;
    for path in ["objects/?limit=2", "objects?limit=2"] {
        let page = world.read(path).ok().await;
        assert_eq!(page.raw_objects().len(), 2, "{path}");
    }
    let path = world.path("objects").trim_end_matches('/').to_owned();
    let posted = world.post(super::harness::envelope(&[tool(4)])).to(&path);
    assert_eq!(posted.send().await.status, 202);
    assert_eq!(world.ids("").await.len(), 4);
}
