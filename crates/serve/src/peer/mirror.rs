//! `GET /mirror/...`: which heads this node holds of other parties' logs, and
//! `GET /mirror/{party}/{log}/...`: what it verified of one, for every party in standing; and what
//! it was opened of it, for that party alone (`docs/spec/federation.md`, Mirrors).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response};
use comity_wire::{mirror, release};

use super::admit::too_many;
use super::held::Held;
use super::party::Guest;
use super::release::record;
use super::{Door, log};
use crate::error::Failure;
use crate::log::{UNKNOWN, bundle_of, from, head_of, plain, tagged, tile_path};
use crate::pages;
use crate::path::Path;

pub(super) async fn heads(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let held = pages::blocking(move || Ok(door.node.mirror_heads()?)).await?;
    Ok(tagged("application/jsonl", mirror::write(&held), &headers))
}

pub(super) async fn checkpoint(
    State(door): State<Arc<Door>>,
    Path((party, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let log = log(&name)?;
    let note = pages::blocking(move || Ok(door.node.mirror_checkpoint(&party, log)?)).await?;
    Ok(head_of(note.ok_or(UNKNOWN)?, &headers))
}

pub(super) async fn tile(
    State(door): State<Arc<Door>>,
    Path((party, name, rest)): Path<(String, String, String)>,
) -> Result<Response<Body>, Failure> {
    let (log, path) = (log(&name)?, tile_path(&rest)?);
    let tile = pages::blocking(move || Ok(door.node.mirror_tile(&party, log, &path)?)).await?;
    Ok(bundle_of(tile.ok_or(UNKNOWN)?, &path))
}

/// For the party whose log it is. To any other it looks as a log that is not mirrored.
pub(super) async fn release(
    State(door): State<Arc<Door>>,
    Extension(guest): Extension<Arc<Guest>>,
    Path((party, name)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Failure> {
    let log = log(&name)?;
    let raw = raw.unwrap_or_default();
    let from = from(&raw)?;
    if party != guest.party {
        return Err(UNKNOWN);
    }
    let own = guest.releases.clone().try_acquire_owned();
    let own = own.map_err(|_| too_many())?;
    let of_all = door.releases.clone().try_acquire_owned();
    let of_all = of_all.map_err(|_| Failure::Busy("too many pages are sent to peers at once"))?;
    let (body, own, of_all) = pages::blocking(move || {
        let page = door.node.mirror_release(&guest.party, log, from)?.ok_or(UNKNOWN)?;
        let question = format!("mirror/{}?{raw}", log.name());
        record(&door, &guest.party, &question, page.openings.len(), door.node.now())?;
        Ok((release::write(&page), own, of_all))
    })
    .await?;
    let body = Body::new(Held::new(Body::from(body), own));
    Ok(plain("application/jsonl", Body::new(Held::new(body, of_all))))
}
