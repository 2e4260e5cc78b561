//! Bodies: reading one within its limit, and sending one that is made while it is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::mpsc;

use crate::error::Failure;

/// Chunks made ahead of a slow client.
const CHUNKS_AHEAD: usize = 2;

/// Reads a request body of at most `limit` octets, after any Content-Encoding was undone.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|octets| octets > limit) {
        return Err(Failure::TooLarge(limit));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(limit)),
        Err(_) => {
            Err(Failure::BadRequest("the body ends too early, or is not the gzip it says".into()))
        }
    }
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
