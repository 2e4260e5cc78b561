//! A doorbell: a peer says when one of its logs has a new head. It is a hint: the checkpoint in it
//! is not verified here, and a bell that does not ring proves nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use comity_wire::entry::Log;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::PeerError;
use super::connection::Line;
use super::event::{Event, Parser};

/// What a doorbell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ring {
    /// A log has this head.
    Head {
        /// The log.
        log: Log,
        /// Number of leaves.
        size: u64,
        /// The signed checkpoint, to be verified.
        checkpoint: String,
    },
    /// The peer is there.
    Heartbeat,
}

/// A doorbell that hangs at a peer's door; dropped, it does not any more.
pub(crate) struct Doorbell {
    body: Incoming,
    _line: Line,
    rest: Bytes,
    parser: Parser,
    silence: Duration,
    until: Instant,
}

impl Doorbell {
    pub(super) fn new(body: Incoming, line: Line, silence: Duration) -> Doorbell {
        let (rest, parser) = (Bytes::new(), Parser::default());
        let until = Instant::now() + silence;
        Doorbell { body, _line: line, rest, parser, silence, until }
    }

    /// What it says next. After an error the doorbell is gone, and another has to be hung. The
    /// call may be given up and made again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Ring, PeerError> {
        loop {
            let (taken, event) = self.parser.take(&self.rest)?;
            let _ = self.rest.split_to(taken);
            if let Some(event) = event {
                // Only whole events count: octets that drip in are no sign of life.
                self.until = Instant::now() + self.silence;
                if let Some(ring) = read(&event)? {
                    return Ok(ring);
                }
                continue;
            }
            let frame = timeout_at(self.until, self.body.frame());
            match frame.await.map_err(|_| PeerError::TimedOut("two heartbeats were missed"))? {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(PeerError::of(&error)),
                None => {
                    return Err(PeerError::Refused {
                        what: "the doorbell ended; another of this party took its place, or the node stops"
                            .to_owned(),
                        retry_after: None,
                    });
                }
            }
        }
    }
}

/// An event of a kind that is known; a later version may have others.
fn read(event: &Event) -> Result<Option<Ring>, PeerError> {
    match event.kind.as_str() {
        "heartbeat" => Ok(Some(Ring::Heartbeat)),
        "head" => {
            let head = head(event);
            head.map(Some).ok_or_else(|| PeerError::Protocol("a head that is none".to_owned()))
        }
        _ => Ok(None),
    }
}

fn head(event: &Event) -> Option<Ring> {
    let (log, size) = event.id.split_once(':')?;
    let log = Log::from_name(log)?;
    let digits = size.bytes().all(|one| one.is_ascii_digit());
    let number = size.parse().ok().filter(|_| digits)?;
    let checkpoint = String::from_utf8(STANDARD.decode(&event.data).ok()?).ok()?;
    // Its second line is the size; two that differ are one too many.
    let said = checkpoint.lines().nth(1)? == size;
    said.then_some(Ring::Head { log, size: number, checkpoint })
}
