//! Bodies: reading one within its limit, and sending one that is made while it is sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::mpsc;

use crate::error::Failure;

/// Chunks made ahead of a slow client.
const CHUNKS_AHEAD: usize = 2;

/// How long a body may take whatever its size.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// And how many octets of it have to come in each further second: less than any line that a node
/// is reached by, and the largest body is here within a quarter of an hour.
const BODY_BYTES_PER_SECOND_MIN: usize = 16 * 1024;

/// Octets of room made at once for a body that is announced: an announcement costs nothing.
const ROOM_BYTES: usize = 64 * 1024;

/// Reads a request body of at most `limit` octets, after any Content-Encoding was undone.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|octets| octets > limit) {
        return Err(Failure::TooLarge(limit));
    }
    let mut body = Limited::new(body, limit);
    let mut octets = BytesMut::with_capacity(announced.unwrap_or(0).min(ROOM_BYTES));
    let late = tokio::time::sleep(BODY_TIMEOUT);
    let mut late = std::pin::pin!(late);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = late.as_mut() => return Err(Failure::TooSlow),
        };
        match frame {
            None => return Ok(octets.freeze()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    octets.extend_from_slice(&data);
                    let further = late.deadline() + worth(data.len());
                    late.as_mut().reset(further);
                }
            }
            Some(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Failure::TooLarge(limit));
            }
            Some(Err(_)) => {
                let what = "the body ends too early, or is not the gzip it says";
                return Err(Failure::BadRequest(what.into()));
            }
        }
    }
}

/// The time that octets bring those that are still to come.
fn worth(octets: usize) -> Duration {
    let nanos = octets.saturating_mul(1_000_000_000) / BODY_BYTES_PER_SECOND_MIN;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The sending end of a body that is made while it is sent.
pub(crate) type Chunks = mpsc::Sender<std::io::Result<Bytes>>;

/// A body that is made while it is sent: `first`, then what comes through the channel.
pub(crate) struct Streamed {
    first: Option<Bytes>,
    rest: mpsc::Receiver<std::io::Result<Bytes>>,
}

impl Streamed {
    pub(crate) fn new(first: Bytes) -> (Chunks, Streamed) {
        let (sender, rest) = mpsc::channel(CHUNKS_AHEAD);
        (sender, Streamed { first: Some(first), rest })
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.rest.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
