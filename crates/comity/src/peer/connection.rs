//! One connection to a peer: TCP, TLS with pinned keys, HTTP/1.1, one request after the other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use comity_serve::notice_the_end;
use comity_serve::pinned::Identity;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    CONTENT_ENCODING, ETAG, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::{Doorbell, PeerError};

/// Octets of the head of an answer. A node sends some hundred.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Fields of the head of an answer.
const HEAD_FIELDS_MAX: usize = 32;

/// Octets of a body that are made room for at once: to announce many costs nothing.
const ROOM_BYTES: usize = 64 * 1024;

/// How long a connection that broke may take to say why.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest that a peer may put off the next try.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// How long the parts of a conversation may take. The whole of a request has a time limit of its
/// own, which the caller gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// Name, TCP and TLS together: some round trips of the longest line.
    pub(crate) connect: Duration,
    /// From the request to the head of the answer: a node looks at 256 entries for one.
    pub(crate) head: Duration,
    /// Without an octet of a body.
    pub(crate) idle: Duration,
    /// Without an event at a doorbell: two heartbeats that were missed, and the time that one may
    /// be late.
    pub(crate) silence: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits {
            connect: Duration::from_secs(15),
            head: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            silence: 2 * comity_serve::peer::HEARTBEAT_INTERVAL + Duration::from_secs(5),
        }
    }
}

/// What a peer answers: 200 with a body, 304, or 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

/// A connection. After an error it is of no further use.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    line: Line,
    host: HeaderValue,
    waits: Waits,
}

impl Connection {
    /// Connects to `address`, `HOST:PORT`. The other side has to have the key that is expected.
    pub(crate) async fn open(
        address: &str,
        identity: &Identity,
        expected_pin: &str,
    ) -> Result<Connection, PeerError> {
        Connection::open_with(address, identity, expected_pin, Waits::default()).await
    }

    /// The same with other time limits.
    pub(crate) async fn open_with(
        address: &str,
        identity: &Identity,
        expected_pin: &str,
        waits: Waits,
    ) -> Result<Connection, PeerError> {
        let host = HeaderValue::from_str(address)
            .map_err(|_| PeerError::Unreachable("the address is none".to_owned()))?;
        let config = identity.client(expected_pin).map_err(|error| PeerError::of(&error))?;
        let connector = TlsConnector::from(Arc::new(config));
        // No name is looked at; one has to be there.
        let nobody = ServerName::try_from("peer.invalid")
            .map_err(|error| PeerError::Protocol(error.to_string()))?;
        let connected = timeout(waits.connect, async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            notice_the_end(&stream)?;
            connector.connect(nobody, stream).await
        });
        let stream = connected
            .await
            .map_err(|_| PeerError::TimedOut("no connection"))?
            .map_err(|error| PeerError::of(&error))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEAD_FIELDS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| PeerError::of(&error))?;
        Ok(Connection { sender, line: Line(tokio::spawn(connection)), host, waits })
    }

    /// Asks for a path. Of a body no more than `limit_bytes` are taken, and the whole may last
    /// until `deadline` from now.
    pub(crate) async fn get(
        &mut self,
        path: &str,
        if_none_match: Option<&str>,
        limit_bytes: usize,
        deadline: Duration,
    ) -> Result<Answer, PeerError> {
        let until = Instant::now() + deadline;
        let asked = timeout_at(until, async {
            let response = self.ask(path, if_none_match).await?;
            let status = response.status().as_u16();
            let etag = text(response.headers(), &ETAG);
            let body = if status == 200 {
                whole(response, limit_bytes, self.waits.idle).await?
            } else {
                // What an error says in words is for people who ask by hand.
                whole(response, ROOM_BYTES, self.waits.idle).await?;
                Bytes::new()
            };
            Ok(Answer { status, etag, body })
        });
        asked.await.map_err(|_| PeerError::TimedOut("the whole answer"))?
    }

    /// Turns the connection into a doorbell.
    pub(crate) async fn doorbell(mut self) -> Result<Doorbell, PeerError> {
        let response = self.ask("/doorbell", None).await?;
        if response.status().as_u16() != 200 {
            return Err(PeerError::Protocol(format!("status {}", response.status().as_u16())));
        }
        let kind = text(response.headers(), &hyper::header::CONTENT_TYPE);
        if kind.as_deref() != Some("text/event-stream") {
            return Err(PeerError::Protocol("a doorbell that is no stream of events".to_owned()));
        }
        Ok(Doorbell::new(response.into_body(), self.line, self.waits.silence))
    }

    /// Sends a request and waits for the head of its answer.
    async fn ask(
        &mut self,
        path: &str,
        if_none_match: Option<&str>,
    ) -> Result<Response<Incoming>, PeerError> {
        let mut request = Request::get(path).header(HOST, self.host.clone());
        if let Some(etag) = if_none_match {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| PeerError::Protocol(format!("a request that is none: {error}")))?;
        let answered = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let response = match timeout(self.waits.head, answered).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.line.reason(&error).await),
            Err(_) => return Err(PeerError::TimedOut("the head of the answer")),
        };
        if let Some(encoding) = response.headers().get(CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err(PeerError::Protocol("an encoding that was not asked for".to_owned()));
        }
        judged(response)
    }
}

/// Sorts an answer by its status.
fn judged(response: Response<Incoming>) -> Result<Response<Incoming>, PeerError> {
    let refused =
        |what: &str, retry_after| Err(PeerError::Refused { what: what.to_owned(), retry_after });
    match response.status().as_u16() {
        200 | 304 | 404 => Ok(response),
        401 | 403 => refused("the party of this key may not ask", None),
        429 => refused("too many requests", retry_after(response.headers())),
        503 => refused("status 503, it cannot answer now", retry_after(response.headers())),
        other => Err(PeerError::Protocol(format!("status {other}"))),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, &RETRY_AFTER)?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn text(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A body, of no more octets than `limit`.
async fn whole(
    response: Response<Incoming>,
    limit: usize,
    idle: Duration,
) -> Result<Bytes, PeerError> {
    let mut body = response.into_body();
    if body.size_hint().lower() > limit as u64 {
        return Err(PeerError::TooLarge { limit });
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut octets = Vec::with_capacity(announced.min(ROOM_BYTES));
    loop {
        let frame = timeout(idle, body.frame());
        match frame.await.map_err(|_| PeerError::TimedOut("the next octets of the answer"))? {
            None => return Ok(octets.into()),
            Some(Err(error)) => return Err(PeerError::of(&error)),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if data.len() > limit - octets.len() {
                    return Err(PeerError::TooLarge { limit });
                }
                octets.extend_from_slice(&data);
            }
        }
    }
}

/// The task that moves the octets of a connection. It ends with whoever holds this.
pub(super) struct Line(JoinHandle<Result<(), hyper::Error>>);

impl Line {
    /// Why a request could not be sent or got no answer: the line knows more than the request.
    async fn reason(&mut self, error: &hyper::Error) -> PeerError {
        match timeout(REASON_TIMEOUT, &mut self.0).await {
            Ok(Ok(Err(reason))) => PeerError::of(&reason),
            _ if error.is_closed() || error.is_canceled() => {
                PeerError::Unreachable("the peer closed the connection".to_owned())
            }
            _ => PeerError::of(error),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.abort();
    }
}
