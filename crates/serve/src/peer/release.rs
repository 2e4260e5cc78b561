//! `GET /log/{log}/release?from=N`: the openings that are for the asking party
//! (`docs/spec/log.md`). What is not for it, what was erased and what never was look the same.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::Response;
use comity_node::Access;
use comity_wire::release;

use super::admit::too_many;
use super::held::Held;
use super::party::Guest;
use super::{Door, log};
use crate::error::Failure;
use crate::log::{from, plain};
use crate::pages::{self, digest};
use crate::path::Path;

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Extension(guest): Extension<Arc<Guest>>,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Failure> {
    let log = log(&name)?;
    let raw = raw.unwrap_or_default();
    let from = from(&raw)?;
    let own = guest.releases.clone().try_acquire_owned();
    let own = own.map_err(|_| too_many())?;
    let of_all = door.releases.clone().try_acquire_owned();
    let of_all = of_all.map_err(|_| Failure::Busy("too many pages are sent to peers at once"))?;
    // The places go along, since the work goes on where the peer has gone away.
    let (body, own, of_all) = pages::blocking(move || {
        let node = &door.node;
        let now = node.now();
        let page = node.release_to(&guest.party, log, from, now)?;
        let question = format!("{}?{raw}", log.name());
        record(&door, &guest.party, &question, page.openings.len(), now)?;
        Ok((release::write(&page), own, of_all))
    })
    .await?;
    let body = Body::new(Held::new(Body::from(body), own));
    Ok(plain("application/jsonl", Body::new(Held::new(body, of_all))))
}

/// Records what was opened. A page that opens nothing is no access: peers ask for one whenever a
/// log grew.
pub(super) fn record(
    door: &Door,
    party: &str,
    question: &str,
    openings: usize,
    now: i64,
) -> Result<(), Failure> {
    if openings == 0 {
        return Ok(());
    }
    door.node.record(Access {
        caller: party.to_owned(),
        role: "peer".to_owned(),
        action: "release",
        collection: None,
        question: digest(question),
        purpose: None,
        first: None,
        last: None,
        count: openings as u64,
        at: now,
    })?;
    Ok(())
}
