//! `GET /log/{log}/checkpoint`: the signed head (C2SP tlog-tiles, Checkpoints).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};

use super::{Door, log};
use crate::error::Failure;
use crate::log::checkpoint_of;
use crate::path::Path;

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    checkpoint_of(door.node.clone(), log(&name)?, &headers).await
}
