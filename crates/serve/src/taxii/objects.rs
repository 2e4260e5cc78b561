//! Objects of a collection: get (TAXII 2.1 §5.4) and add (§5.5).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use comity_node::Node;
use comity_node::collection::Collection;
use comity_view::Readable;
use comity_view::query::{Page, Row};
use comity_wire::limits::TAXII_BODY_BYTES_MAX;
use comity_wire::taxii::filter::Query;
use tokio::sync::oneshot;

use crate::body::{self, Streamed};
use crate::caller::{Caller, TaxiiCaller};
use crate::error::Failure;
use crate::pages::{self, ListWriter};
use crate::path::Path;

/// Octets of an envelope made at a time. What is larger goes out while the rest is read, so
/// memory does not grow with the page.
const CHUNK_BYTES: usize = 160 * 1024;

/// Octets that the object which fills a piece may be over it without the piece having to grow.
/// Together they stay below 256 KiB, from where the allocator asks the system for each.
const CHUNK_ROOM_BYTES: usize = 64 * 1024;

/// Rows that are looked for and opened on the thread that moves octets: for nothing new and for
/// one object. It takes less than to hand the question to another thread and to be woken again.
const ROWS_AT_ONCE: usize = 2;

/// §5.4
pub(crate) async fn get(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let (collection, readable) = caller.readable(&node, &name)?;
    let raw = raw.unwrap_or_default();
    let query = Query::parse(&raw)?;
    let asked = Asked { caller, collection, readable, query, question: raw, action: "objects" };
    envelope(node, asked, &headers).await
}

/// A question for objects, with everything that answering it takes.
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    pub(crate) collection: Collection,
    pub(crate) readable: Readable,
    pub(crate) query: Query,
    pub(crate) question: String,
    pub(crate) action: &'static str,
}

/// What the blocking side found before the body is whole.
enum Found {
    Unchanged,
    Page { page: Page, body: Body },
}

/// Answers with an envelope (§3.7): `more` and `next` first, since they are known first.
pub(crate) async fn envelope(
    node: Arc<Node>,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Response<Body>, Failure> {
    let (found, etag) = match at_once(&node, &asked, headers)? {
        Some(answer) => answer,
        None => {
            let headers = headers.clone();
            let (sender, receiver) = oneshot::channel();
            tokio::task::spawn_blocking(move || answer(&node, &asked, &headers, sender));
            let ended = |_| Failure::Internal("a reading task ended early".into());
            receiver.await.map_err(ended)??
        }
    };
    let (page, body) = match found {
        Found::Unchanged => return Ok(pages::unchanged(&etag)),
        Found::Page { page, body } => (page, body),
    };
    let mut response = pages::taxii(StatusCode::OK, body);
    pages::date_headers(response.headers_mut(), &page);
    pages::set_tag(response.headers_mut(), &etag);
    Ok(response)
}

/// The answer, where it takes no longer than a moment; nothing where the page has more rows than
/// that, or where its record has to be on the disk first.
fn at_once(
    node: &Node,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<Option<(Found, String)>, Failure> {
    if !node.records_wait() {
        return Ok(None);
    }
    let limit = pages::limit(&asked.query);
    let page = node.page(asked.readable, &asked.query, limit.min(ROWS_AT_ONCE))?;
    if page.more && limit > ROWS_AT_ONCE {
        return Ok(None);
    }
    let (page, etag) = match select(node, asked, headers, page)? {
        (Some(page), etag) => (page, etag),
        (None, etag) => return Ok(Some((Found::Unchanged, etag))),
    };
    let mut envelope = EnvelopeWriter::new(&page);
    let mut octets = Vec::from(envelope.chunk(node)?);
    while !envelope.done() {
        octets.extend_from_slice(&envelope.chunk(node)?);
    }
    Ok(Some((Found::Page { page, body: pages::bytes(octets) }, etag)))
}

type Reply = oneshot::Sender<Result<(Found, String), Failure>>;

/// Runs on a thread that may block: selects the page, answers with its head and first chunk,
/// goes on with the rest.
fn answer(node: &Node, asked: &Asked, headers: &HeaderMap, reply: Reply) {
    let page = node.page(asked.readable, &asked.query, pages::limit(&asked.query));
    let selected = page.map_err(Failure::from).and_then(|page| select(node, asked, headers, page));
    let (page, etag) = match selected {
        Ok((Some(page), etag)) => (page, etag),
        Ok((None, etag)) => {
            let _ = reply.send(Ok((Found::Unchanged, etag)));
            return;
        }
        Err(failure) => {
            let _ = reply.send(Err(failure));
            return;
        }
    };
    let mut envelope = EnvelopeWriter::new(&page);
    let first = match envelope.chunk(node) {
        Ok(first) => first,
        Err(failure) => {
            let _ = reply.send(Err(failure));
            return;
        }
    };
    if envelope.done() {
        let found = Found::Page { page: page.clone(), body: Body::from(first) };
        let _ = reply.send(Ok((found, etag)));
        return;
    }
    let (chunks, streamed) = Streamed::new(first);
    let found = Found::Page { page: page.clone(), body: Body::new(streamed) };
    if reply.send(Ok((found, etag))).is_err() {
        return;
    }
    while !envelope.done() {
        let chunk = envelope.chunk(node).map_err(|failure| {
            tracing::error!(?failure, "a response had to be cut off");
            std::io::Error::other("the node failed while reading")
        });
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

/// The page, or nothing where the client has it already. The access is recorded here, before
/// anything is answered.
fn select(
    node: &Node,
    asked: &Asked,
    headers: &HeaderMap,
    page: Page,
) -> Result<(Option<Page>, String), Failure> {
    require_known(node, asked, &page)?;
    let etag = pages::etag(asked.action, &asked.collection, &asked.question, &page);
    let page = (!pages::not_modified(headers, &etag)).then_some(page);
    let Asked { caller, collection, question, action, .. } = asked;
    pages::record(node, caller, action, Some(collection), question, page.as_ref())?;
    Ok((page, etag))
}

/// An empty page about one object: filters left nothing of it, or it is unknown (T102). The
/// access is recorded either way.
fn require_known(node: &Node, asked: &Asked, page: &Page) -> Result<(), Failure> {
    let one = asked.query.ids.as_deref().filter(|_| asked.action == "object");
    let Some([(object_type, uuid)]) = one else {
        return Ok(());
    };
    if !page.rows.is_empty() || node.holds(asked.readable, object_type, *uuid)? {
        return Ok(());
    }
    let Asked { caller, collection, question, action, .. } = asked;
    pages::record(node, caller, action, Some(collection), question, Some(page))?;
    Err(crate::taxii::object::UNKNOWN)
}

/// Writes an envelope piece by piece, from rows to bodies.
struct EnvelopeWriter<'a> {
    page: &'a Page,
    rest: &'a [Row],
    list: Option<ListWriter>,
    closed: bool,
}

impl<'a> EnvelopeWriter<'a> {
    fn new(page: &'a Page) -> EnvelopeWriter<'a> {
        EnvelopeWriter { page, rest: &page.rows, list: None, closed: false }
    }

    fn done(&self) -> bool {
        self.closed
    }

    /// The next piece. An object that was withdrawn since the page was selected is left out.
    fn chunk(&mut self, node: &Node) -> Result<Bytes, Failure> {
        let room = CHUNK_BYTES + CHUNK_ROOM_BYTES;
        let mut out = Vec::with_capacity(room.min(self.rest.len() * 2048 + 128));
        let page = self.page;
        let list = self.list.get_or_insert_with(|| ListWriter::begin(&mut out, page));
        let taken = node.objects(self.rest, |object| {
            list.member(&mut out);
            out.extend_from_slice(object);
            out.len() < CHUNK_BYTES
        })?;
        self.rest = self.rest.get(taken..).unwrap_or_default();
        if self.rest.is_empty() {
            self.closed = true;
            list.end(&mut out);
        }
        Ok(Bytes::from(out))
    }
}

/// §5.5
pub(crate) async fn post(
    State(node): State<Arc<Node>>,
    TaxiiCaller(caller): TaxiiCaller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, Failure> {
    let (collection, grant) = caller.collection(&node, &name)?;
    if !grant.write {
        return Err(Failure::Forbidden("this collection cannot be written by you".into()));
    }
    crate::negotiate::content_type(&headers)?;
    let body = body::read(&headers, body, TAXII_BODY_BYTES_MAX).await?;
    let status = pages::blocking(move || {
        let split = comity_wire::stix::bundle::split(&body)
            .map_err(|error| Failure::Unprocessable(error.to_string()))?;
        if !split.about.has_objects {
            let why = "required: an envelope, {\"objects\": [...]}";
            return Err(Failure::Unprocessable(why.into()));
        }
        Ok(node.post(&caller.checked, &collection, &split.objects, caller.reader.now.0)?)
    })
    .await?;
    pages::resource(StatusCode::ACCEPTED, &status)
}
