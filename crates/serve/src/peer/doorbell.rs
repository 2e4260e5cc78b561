//! `GET /doorbell`: server-sent events (HTML standard, 9.2). At the beginning, and whenever a log
//! that peers follow has a new head: `event: head`, `id: <log>:<size>`, `data:` the signed
//! checkpoint in base64. In between `event: heartbeat`.
//!
//! A ring says that there is something to fetch, and is no promise: commits that follow each other
//! closely are one ring, and a reader that lost one finds out by the next, or by asking.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use comity_node::heads::Head;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::Door;
use super::party::{Guest, Shown};
use crate::body::{Chunks, Streamed};
use crate::log::plain;
use crate::metrics::Counted;

/// An event without data would be none to readers of the standard.
const HEARTBEAT: &[u8] = b"event: heartbeat\ndata: -\n\n";

/// What proxies of one kind take as the wish not to gather octets.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Extension(guest): Extension<Arc<Guest>>,
    Extension(shown): Extension<Shown>,
) -> Response<Body> {
    let replaced = guest.ring_here();
    // Who waits to ask it may ask now.
    door.node.meet(&guest.party, |contact| contact.came_in = contact.came_in.wrapping_add(1));
    let mut bell = Bell { door, shown, party: guest.party.clone(), sent: Vec::new() };
    let first = Bytes::from(bell.news());
    let (chunks, body) = Streamed::new(first);
    tokio::spawn(bell.hang(chunks, replaced));
    let mut response = plain("text/event-stream", Body::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_BUFFER, HeaderValue::from_static("no"));
    response
}

/// One doorbell.
struct Bell {
    door: Arc<Door>,
    shown: Shown,
    party: String,
    sent: Vec<Head>,
}

impl Bell {
    /// Rings until the peer goes, another doorbell of the party takes its place, the party leaves,
    /// its time is over, or the node stops.
    async fn hang(mut self, chunks: Chunks, replaced: Arc<Notify>) {
        let _hangs = Counted::doorbell();
        let (life, mut stopping) = (self.door.limits.doorbell, self.door.stopping.subscribe());
        tokio::select! {
            () = self.ring(&chunks) => {}
            () = chunks.closed() => {}
            () = replaced.notified() => {}
            () = sleep(life) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }

    async fn ring(&mut self, chunks: &Chunks) {
        let mut rung = self.door.rung.clone();
        let every = self.door.limits.heartbeat;
        let mut beat = interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let text = tokio::select! {
                changed = rung.changed() => match changed {
                    Ok(()) => self.news().into(),
                    Err(_) => return,
                },
                _ = beat.tick() => Bytes::from_static(HEARTBEAT),
            };
            if (self.door.parties)(&self.shown.pin).as_ref() != Some(&self.party) {
                self.door.told.turned_away(&self.shown.pin);
                return;
            }
            if !text.is_empty() && chunks.send(Ok(text)).await.is_err() {
                return;
            }
        }
    }

    /// The heads that were not told yet.
    fn news(&mut self) -> String {
        let latest = self.door.node.heads().latest();
        let mut text = String::new();
        for head in latest.iter().filter(|head| !self.sent.contains(head)) {
            let data = STANDARD.encode(&head.checkpoint);
            let (name, size) = (head.log.name(), head.size);
            let _ = write!(text, "event: head\nid: {name}:{size}\ndata: {data}\n\n");
        }
        self.sent = latest;
        text
    }
}
