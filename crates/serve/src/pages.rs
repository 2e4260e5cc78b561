//! What the paged resources share: limits, headers, positions, records of access.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use comity_node::collection::Collection;
use comity_node::{Access, Node};
use comity_view::query::Page;
use comity_wire::limits::{PAGE_RECORDS_DEFAULT, PAGE_RECORDS_MAX};
use comity_wire::taxii::MEDIA_TYPE;
use comity_wire::taxii::filter::{Next, Query};
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::error::Failure;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// How many records a page has at most (T082, T089).
pub(crate) fn limit(query: &Query) -> usize {
    query.limit.unwrap_or(PAGE_RECORDS_DEFAULT).min(PAGE_RECORDS_MAX)
}

/// The token of the next page, where there is one (T086).
pub(crate) fn next(page: &Page) -> Option<String> {
    page.rows.last().filter(|_| page.more).map(|row| Next(row.date_added).token())
}

/// A JSON body of TAXII's media type.
pub(crate) fn taxii(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// A resource as a TAXII response.
pub(crate) fn resource(
    status: StatusCode,
    resource: &impl serde::Serialize,
) -> Result<Response<Body>, Failure> {
    let body =
        serde_json::to_vec(resource).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(taxii(status, body))
}

/// Puts the dates of the first and last record on a page; an empty page has none (T063, T067).
pub(crate) fn date_headers(headers: &mut HeaderMap, page: &Page) {
    let ends = [(FIRST, page.rows.first()), (LAST, page.rows.last())];
    for (name, row) in ends {
        let value = row.and_then(|row| HeaderValue::from_str(&row.date_added.to_string()).ok());
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}

/// The ETag of an answer: the question, and the rows that it selects now. Entries never change,
/// so equal rows are an equal body; the number of the collection's last change would not do,
/// since what expires changes an answer without one. It is weak, since the same page may come
/// compressed or not.
pub(crate) fn etag(kind: &str, collection: &Collection, question: &str, page: &Page) -> String {
    let mut hash = Sha256::new();
    for part in [kind, &collection.id, question] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    for row in &page.rows {
        hash.update(row.date_added.0.to_be_bytes());
        hash.update(row.position.key().to_be_bytes());
    }
    hash.update([u8::from(page.more)]);
    weak_tag(&hash.finalize())
}

/// A weak ETag out of a digest.
pub(crate) fn weak_tag(digest: &[u8]) -> String {
    let mut tag = String::from("W/\"");
    digest.iter().take(12).for_each(|octet| tag.push_str(&format!("{octet:02x}")));
    tag.push('"');
    tag
}

/// Puts an ETag on a response.
pub(crate) fn set_tag(headers: &mut HeaderMap, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, value);
    }
}

/// Writes a resource with `more` and `next` in front and a list of `objects` behind them, piece
/// by piece; a list without members is left out.
pub(crate) struct ListWriter {
    positioned: bool,
    any: bool,
}

impl ListWriter {
    /// The beginning, with the token of the next page where there is one.
    pub(crate) fn begin(out: &mut Vec<u8>, page: &Page) -> ListWriter {
        out.push(b'{');
        let next = next(page);
        if let Some(next) = &next {
            out.extend_from_slice(format!("\"more\":true,\"next\":\"{next}\"").as_bytes());
        }
        ListWriter { positioned: next.is_some(), any: false }
    }

    /// What stands in front of a member.
    pub(crate) fn member(&mut self, out: &mut Vec<u8>) {
        let start: &[u8] = match (self.any, self.positioned) {
            (true, _) => b",",
            (false, true) => b",\"objects\":[",
            (false, false) => b"\"objects\":[",
        };
        self.any = true;
        out.extend_from_slice(start);
    }

    /// The end.
    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.any { b"]}" } else { b"}" });
    }
}

/// Whether the client has this state already (RFC 9110 §13.1.2).
pub(crate) fn not_modified(headers: &HeaderMap, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

/// The answer to a client that has this state already.
pub(crate) fn unchanged(etag: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    set_tag(response.headers_mut(), etag);
    response
}

/// Records an access: who, what was done, which collection, which question, which range of it
/// was answered.
pub(crate) fn record(
    node: &Node,
    caller: &Caller,
    action: &'static str,
    collection: Option<&Collection>,
    question: &str,
    page: Option<&Page>,
) -> Result<(), Failure> {
    let at = |row: Option<&comity_view::query::Row>| row.map(|row| row.date_added.0);
    node.record(Access {
        caller: caller.checked.account.pseudonym.clone(),
        role: caller.checked.account.role.clone(),
        action,
        collection: collection.map(|collection| collection.id.clone()),
        question: digest(question),
        purpose: caller.reader.purpose.clone(),
        first: page.and_then(|page| at(page.rows.first())),
        last: page.and_then(|page| at(page.rows.last())),
        count: page.map_or(0, |page| page.rows.len() as u64),
        at: caller.reader.now.0,
    })?;
    Ok(())
}

/// Questions are recorded by digest: enough to see that the same was asked again, and too little
/// to repeat what somebody looked for.
pub(crate) fn digest(question: &str) -> String {
    let digest = Sha256::digest(question.as_bytes());
    digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

/// What came out of a blocking task.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Internal(error.to_string()))?
}

/// Octets as a body.
pub(crate) fn bytes(body: Vec<u8>) -> Body {
    Body::from(Bytes::from(body))
}
