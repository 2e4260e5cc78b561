//! The logs: checkpoints and tiles (C2SP tlog-tiles), and openings for those who are cleared.
//! `docs/spec/log.md` is the specification.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use comity_node::Node;
use comity_tlog::TilePath;
use comity_view::Right;
use comity_wire::entry::Log;
use comity_wire::release;
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::error::Failure;
use crate::pages;
use crate::path::Path;

pub(crate) const UNKNOWN: Failure = Failure::NotFound("there is nothing at this path");

/// A full tile never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// The log of a name, for a caller who may know of it. Accesses are for reviewers and those who
/// look after the machine; their contents are for reviewers alone.
fn log(caller: &Caller, name: &str) -> Result<Log, Failure> {
    caller.need(&[Right::Read, Right::Review, Right::Administer])?;
    let log = Log::from_name(name).ok_or(UNKNOWN)?;
    if log == Log::Audit {
        caller.need(&[Right::Review, Right::Administer])?;
    }
    Ok(log)
}

pub(crate) async fn checkpoint(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let log = log(&caller, &name)?;
    checkpoint_of(node, log, &headers).await
}

/// The signed head of a log.
pub(crate) async fn checkpoint_of(
    node: Arc<Node>,
    log: Log,
    headers: &HeaderMap,
) -> Result<Response<Body>, Failure> {
    let note = pages::blocking(move || Ok(node.checkpoint(log)?)).await?;
    Ok(head_of(note, headers))
}

/// A signed note, unless it is the one that is known.
pub(crate) fn head_of(note: String, headers: &HeaderMap) -> Response<Body> {
    tagged("text/plain; charset=utf-8", note.into_bytes(), headers)
}

/// Octets, unless they are those that are known.
pub(crate) fn tagged(
    media_type: &'static str,
    octets: Vec<u8>,
    headers: &HeaderMap,
) -> Response<Body> {
    let etag = pages::weak_tag(&Sha256::digest(&octets));
    if pages::not_modified(headers, &etag) {
        return pages::unchanged(&etag);
    }
    let mut response = plain(media_type, Body::from(octets));
    pages::set_tag(response.headers_mut(), &etag);
    response
}

pub(crate) async fn vkey(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response<Body>, Failure> {
    let log = log(&caller, &name)?;
    let verifier = node.verifier(log).ok_or(UNKNOWN)?;
    Ok(plain("text/plain; charset=utf-8", Body::from(format!("{}\n", verifier.vkey()))))
}

pub(crate) async fn tile(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path((name, rest)): Path<(String, String)>,
) -> Result<Response<Body>, Failure> {
    let log = log(&caller, &name)?;
    tile_of(node, log, &rest).await
}

/// Hashes, or leaves.
pub(crate) async fn tile_of(
    node: Arc<Node>,
    log: Log,
    rest: &str,
) -> Result<Response<Body>, Failure> {
    let path = tile_path(rest)?;
    let tile = pages::blocking(move || Ok(node.tile(log, &path)?)).await?.ok_or(UNKNOWN)?;
    Ok(bundle_of(tile, &path))
}

/// What stands behind `tile/` in a path.
pub(crate) fn tile_path(rest: &str) -> Result<TilePath, Failure> {
    TilePath::parse(&format!("tile/{rest}")).ok_or(UNKNOWN)
}

/// The octets of a tile or bundle.
pub(crate) fn bundle_of(tile: Vec<u8>, path: &TilePath) -> Response<Body> {
    let mut response = plain("application/octet-stream", Body::from(tile));
    if path.width == comity_tlog::tile::TILE_WIDTH {
        response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    }
    response
}

pub(crate) async fn release(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Failure> {
    caller.need(&[Right::Read, Right::Review])?;
    let log = log(&caller, &name)?;
    let raw = raw.unwrap_or_default();
    let from = from(&raw)?;
    let body = pages::blocking(move || {
        let mut readable = Vec::new();
        for collection in node.collections() {
            let grant = caller.grant(&node, &collection);
            readable.extend(caller.reader.readable(collection.number, grant.read));
        }
        let page = node.release(&caller.checked, &readable, log, from)?;
        pages::record(&node, &caller, "release", None, &format!("{}?{raw}", log.name()), None)?;
        Ok(release::write(&page))
    })
    .await?;
    Ok(plain("application/jsonl", Body::from(body)))
}

/// The index to begin at, in digits; none is 0, and two are none.
pub(crate) fn from(raw: &str) -> Result<u64, Failure> {
    let mut values = raw.split('&').filter_map(|pair| pair.strip_prefix("from="));
    let (Some(text), another) = (values.next(), values.next()) else { return Ok(0) };
    let digits = another.is_none() && text.bytes().all(|one| one.is_ascii_digit());
    let index = text.parse().ok().filter(|_| digits);
    index.ok_or_else(|| Failure::BadRequest("`from`: required: an index".into()))
}

pub(crate) fn plain(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_index_is_a_place_to_begin_at() {
        for (raw, wanted) in [("", 0), ("x=1", 0), ("from=7", 7), ("x=1&from=00", 0)] {
            assert_eq!(from(raw).unwrap(), wanted, "{raw}");
        }
        for raw in ["from=", "from=+1", "from=-1", "from=x", "from=1&from=2", "from=0&from=x"] {
            assert!(from(raw).is_err(), "{raw}");
        }
    }
}
