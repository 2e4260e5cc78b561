//! Tiles (C2SP tlog-tiles): the paths, the entry bundles, and the right edge of a tree in tiles.

use crate::commitment::{Commitment, LEAF_BYTES};
use crate::merkle::{self, Hash};

/// Hashes of a full tile, leaves of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes of this level.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// The path of a tile: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePath {
    /// Hashes of a level, or entries.
    pub kind: TileKind,
    /// Its place in the level.
    pub n: u64,
    /// How many hashes or entries, 1 to 256; below 256 it is a partial tile.
    pub width: u16,
}

impl TilePath {
    /// Reads a path, which begins with `tile/`. Only the one spelling that [`TilePath`] prints is
    /// taken, so that a cache never holds one tile under two names.
    pub fn parse(path: &str) -> Option<TilePath> {
        // The longest: a level of two digits, seven groups, a width. Anything longer is hostile.
        if path.len() > 64 {
            return None;
        }
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level <= 63)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((number, width)) => {
                let width = width.parse().ok();
                (number, width.filter(|width| (1..256).contains(width))?)
            }
        };
        let mut n = 0u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            n = n.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = TilePath { kind, n, width };
        (tile.to_string() == path).then_some(tile)
    }
}

impl std::fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(formatter, "tile/{level}")?,
            TileKind::Entries => formatter.write_str("tile/entries")?,
        }
        let mut groups = vec![self.n % 1000];
        let mut rest = self.n / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        let (last, leading) = (groups.first(), groups.get(1..).unwrap_or_default());
        for group in leading.iter().rev() {
            write!(formatter, "/x{group:03}")?;
        }
        write!(formatter, "/{:03}", last.copied().unwrap_or(0))?;
        if self.width < TILE_WIDTH {
            write!(formatter, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// Writes the record of one leaf of an entry bundle: its length in two octets, and the leaf.
pub fn push_record(bundle: &mut Vec<u8>, commitment: &Commitment) {
    // A leaf has 33 octets, so the length is a constant.
    bundle.extend_from_slice(&[0, 33]);
    bundle.extend_from_slice(&commitment.leaf());
}

/// Reads an entry bundle of our own logs: 1 to 256 records of commitments.
pub fn parse_bundle(bundle: &[u8]) -> Option<Vec<Commitment>> {
    let (records, rest) = bundle.as_chunks::<{ 2 + LEAF_BYTES }>();
    if !rest.is_empty() || records.is_empty() || records.len() > usize::from(TILE_WIDTH) {
        return None;
    }
    records
        .iter()
        .map(|record| match record.split_first_chunk::<2>() {
            Some(([0, 33], leaf)) => Commitment::from_leaf(leaf),
            _ => None,
        })
        .collect()
}

/// Takes a tile that became full: its level, its place there, its hashes.
pub type FullTile<'f, E> = dyn FnMut(u8, u64, &[Hash]) -> Result<(), E> + 'f;

/// The tiles at the right edge of a tree, one a level: those that still grow. From them alone the
/// root follows, and they are what an append changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    levels: Vec<EdgeTile>,
}

/// A growing tile; empty just after its predecessor became full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeTile {
    /// Its place in the level.
    pub n: u64,
    /// Its hashes, fewer than 256.
    pub hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree of `size` leaves, from what `tile(level, n)` holds. Nothing if a tile is
    /// missing or has another width than the size asks for.
    pub fn load<E>(
        size: u64,
        mut tile: impl FnMut(u8, u64) -> Result<Option<Vec<Hash>>, E>,
    ) -> Result<Option<Edge>, E> {
        let mut edge = Edge::default();
        let mut count = size;
        let mut level = 0u8;
        while count > 0 {
            let n = count >> 8;
            let width = usize::try_from(count & 0xff).unwrap_or(0);
            let hashes = if width == 0 {
                Vec::new()
            } else {
                match tile(level, n)? {
                    Some(hashes) if hashes.len() == width => hashes,
                    _ => return Ok(None),
                }
            };
            edge.levels.push(EdgeTile { n, hashes });
            count = n;
            level += 1;
        }
        Ok(Some(edge))
    }

    /// Appends the hash of a leaf; `full` takes each tile that becomes full: level, n, hashes.
    pub fn push<E>(&mut self, leaf: Hash, full: &mut FullTile<'_, E>) -> Result<(), E> {
        let mut hash = leaf;
        for level in 0u8..=63 {
            if usize::from(level) == self.levels.len() {
                self.levels.push(EdgeTile::default());
            }
            let Some(tile) = self.levels.get_mut(usize::from(level)) else {
                break;
            };
            tile.hashes.push(hash);
            if tile.hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            full(level, tile.n, &tile.hashes)?;
            hash = merkle::root_of(&tile.hashes);
            tile.hashes.clear();
            tile.n += 1;
        }
        Ok(())
    }

    /// The tiles that are not empty, by level.
    pub fn partial(&self) -> impl Iterator<Item = (u8, &EdgeTile)> {
        (0u8..).zip(&self.levels).filter(|(_, tile)| !tile.hashes.is_empty())
    }

    /// The root of the tree, from the tiles alone.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for tile in &self.levels {
            // Within a tile: the full subtrees, smallest and rightmost first.
            let mut end = tile.hashes.len();
            while end > 0 {
                let width = 1usize << end.trailing_zeros();
                let part = tile.hashes.get(end - width..end).unwrap_or_default();
                let left = merkle::root_of(part);
                root = Some(match root {
                    None => left,
                    Some(right) => merkle::node_hash(&left, &right),
                });
                end -= width;
            }
        }
        root.unwrap_or_else(merkle::empty_root)
    }
}
