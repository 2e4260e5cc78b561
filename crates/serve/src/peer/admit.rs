//! What stands before every answer to a peer: is its party still in standing, is there no body, is
//! it not too fast, are not too many requests under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse as _;

use super::Door;
use super::held::Held;
use super::party::{Guest, Shown};
use crate::error::Failure;
use crate::limit;
use crate::metrics::PEERS_SLOWED;

/// Requests beyond what one party may have.
pub(super) fn too_many() -> Failure {
    PEERS_SLOWED.fetch_add(1, Ordering::Relaxed);
    Failure::Slowed { seconds: 1 }
}

/// Lets a request of a party in standing go on, and ends the connection of any other.
pub(super) async fn admit(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let shown = request.extensions().get::<Shown>().cloned();
    let party = shown.as_ref().and_then(|shown| (door.parties)(&shown.pin));
    let Some(party) = party else {
        if let Some(shown) = shown {
            door.told.turned_away(&shown.pin);
        }
        let why = "no party in standing shows this key; `comity charter show DIR` lists parties";
        return last(Failure::Forbidden(why.to_owned()));
    };
    if !request.body().is_end_stream() {
        return last(Failure::BadRequest("a request has no body here".to_owned()));
    }
    let guest = door.guests.of(&party);
    let (rate, now) = (door.limits.requests_per_second.max(1), door.node.now());
    if limit::tick(&guest.clock, rate, now).is_err() {
        return too_many().into_response();
    }
    request.extensions_mut().insert(guest);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

/// The last answer on a connection.
fn last(failure: Failure) -> Response<Body> {
    let mut response = failure.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Takes one of the party's places for requests under way, until the answer is sent.
pub(super) async fn one_of_few(
    State(door): State<Arc<Door>>,
    Extension(guest): Extension<Arc<Guest>>,
    Extension(shown): Extension<Shown>,
    request: Request,
    next: Next,
) -> Result<Response<Body>, Failure> {
    let place = guest.requests.clone().try_acquire_owned().map_err(|_| too_many())?;
    let response = next.run(request).await;
    let late = door.limits.answer;
    Ok(response.map(|body| Body::new(Held::new(body, place).until(late, shown.end))))
}
