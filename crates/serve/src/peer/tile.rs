//! `GET /log/{log}/tile/{*tile}`: hashes and entry bundles (C2SP tlog-tiles, Merkle Tree and Log
//! Entries).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;

use super::{Door, log};
use crate::error::Failure;
use crate::log::tile_of;
use crate::path::Path;

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Path((name, rest)): Path<(String, String)>,
) -> Result<Response<Body>, Failure> {
    tile_of(door.node.clone(), log(&name)?, &rest).await
}
