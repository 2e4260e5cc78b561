//! All leaves of a log as somebody has them, without storing any: enough is kept to prove what the
//! first of them are.

use comity_node::sync::Ask;
use comity_tlog::Branch;
use comity_tlog::tile::{TILE_WIDTH, TileKind, TilePath, parse_bundle};
use tokio::time::sleep;

use super::{ANSWER_TIMEOUT, Connection, PeerError, WAIT_FIRST};

/// Leaves of a branch that is fetched to prove a contradiction: 350 MB of them, as many as are
/// taken of a log in one pull.
pub(crate) const BRANCH_LEAVES_MAX: u64 = 10_000_000;

/// How often one bundle is asked for where its node says that it is asked too often.
const TRIES_MAX: u32 = 30;

/// Fetches the first `size` leaves below `prefix`, a path that ends in `/`, and minds the first
/// `mark` of them.
pub(crate) async fn fetch(
    connection: &mut Connection,
    prefix: &str,
    size: u64,
    mark: u64,
) -> Result<Branch, PeerError> {
    if size > BRANCH_LEAVES_MAX {
        let what = format!("a branch of {size} leaves; at most {BRANCH_LEAVES_MAX} are fetched");
        return Err(PeerError::Protocol(what));
    }
    let mut branch = Branch::new(mark);
    while branch.size() < size {
        let n = branch.size() / u64::from(TILE_WIDTH);
        let rest = (size - branch.size()).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(rest).unwrap_or(TILE_WIDTH);
        let path = TilePath { kind: TileKind::Entries, n, width };
        let octets = bundle(connection, &format!("{prefix}{path}"), &Ask::Bundle(path)).await?;
        let leaves = parse_bundle(&octets).filter(|leaves| leaves.len() == usize::from(width));
        let leaves = leaves.ok_or_else(|| {
            PeerError::Protocol(format!("bundle {n} is not one of {width} leaves"))
        })?;
        leaves.iter().for_each(|leaf| branch.push(leaf.leaf_hash()));
    }
    Ok(branch)
}

async fn bundle(connection: &mut Connection, path: &str, ask: &Ask) -> Result<Vec<u8>, PeerError> {
    for _ in 0..TRIES_MAX {
        match connection.get(path, None, ask.bytes_max(), ANSWER_TIMEOUT).await {
            Ok(answer) if answer.status == 200 => return Ok(answer.body.to_vec()),
            Ok(_) => return Err(PeerError::Protocol(format!("it has nothing at `{path}`"))),
            Err(PeerError::Refused { retry_after: Some(wait), .. }) if wait <= ANSWER_TIMEOUT => {
                sleep(wait.max(WAIT_FIRST)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Err(PeerError::TimedOut("a bundle that is put off again and again"))
}
