//! Merkle trees of RFC 6962 §2.1 over SHA-256: hashes, the compact range, proofs.
//!
//! Nothing here panics on any input; a proof that does not fit its sizes is simply not valid.

use sha2::{Digest, Sha256};

/// Octets of a hash.
pub const HASH_BYTES: usize = 32;

/// A hash of the tree: of a leaf, of a node, or the root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; HASH_BYTES]);

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Hash {
    /// The hash that stands in `bytes`, if they are 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Hash> {
        bytes.try_into().ok().map(Hash)
    }
}

/// The root of a tree without leaves: the hash of nothing.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// The hash of a leaf: `SHA-256(0x00 || leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(leaf);
    Hash(hasher.finalize().into())
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

/// The root over a row of hashes that are themselves roots of equal, full subtrees.
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut range = Range::default();
    hashes.iter().for_each(|hash| range.push(*hash));
    range.root()
}

/// The compact range `[0, size)`: the roots of the full subtrees a tree of this size splits into,
/// largest first, one for each bit of the size that is set. It is all one needs to append.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    size: u64,
    hashes: Vec<Hash>,
}

impl Range {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut from_right = self.hashes.iter().rev();
        match from_right.next() {
            None => empty_root(),
            Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// The hashes, one after another.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// What [`Range::to_bytes`] wrote for a tree of this size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Range> {
        let hashes = hashes_of(bytes)?;
        (u32::try_from(hashes.len()) == Ok(size.count_ones())).then_some(Range { size, hashes })
    }
}

/// Cuts octets into hashes; nothing if a piece is left over.
pub fn hashes_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (whole, rest) = bytes.as_chunks::<HASH_BYTES>();
    rest.is_empty().then(|| whole.iter().map(|hash| Hash(*hash)).collect())
}

/// The length of the left part where a tree of `size` leaves splits: the largest power of two
/// below it.
fn split(size: u64) -> u64 {
    1u64.checked_shl(63 - size.saturating_sub(1).leading_zeros().min(63)).unwrap_or(1)
}

/// Gives the root of a full subtree: of the `index`-th run of `2^level` leaves.
pub trait Nodes {
    /// Why it could not.
    type Error;

    /// The root of the leaves `[index * 2^level, (index + 1) * 2^level)`.
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// The root over `[from, to)`, where `from` is a multiple of a power of two not below the length,
/// as it is wherever an RFC 6962 tree splits.
fn subtree<N: Nodes>(from: u64, to: u64, nodes: &mut N) -> Result<Hash, N::Error> {
    let mut parts = Vec::new();
    let mut at = from;
    while at < to {
        let level = 63 - (to - at).leading_zeros().min(63);
        parts.push(nodes.node(u8::try_from(level).unwrap_or(63), at >> level)?);
        at += 1u64 << level;
    }
    let mut from_right = parts.iter().rev();
    Ok(match from_right.next() {
        None => empty_root(),
        Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
    })
}

/// The root of the tree of the first `size` leaves.
pub fn root<N: Nodes>(size: u64, nodes: &mut N) -> Result<Hash, N::Error> {
    subtree(0, size, nodes)
}

/// The proof that leaf `index` stands in the tree of `size` leaves (RFC 6962 §2.1.1); empty where
/// there is no such leaf.
pub fn prove_inclusion<N: Nodes>(
    index: u64,
    size: u64,
    nodes: &mut N,
) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to) = (0, size);
    let mut siblings = Vec::new();
    while index < size && to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            siblings.push((middle, to));
            to = middle;
        } else {
            siblings.push((from, middle));
            from = middle;
        }
    }
    siblings.iter().rev().map(|(from, to)| subtree(*from, *to, nodes)).collect()
}

/// Checks an inclusion proof (RFC 9162 §2.1.3.2).
pub fn check_inclusion(proof: &[Hash], index: u64, leaf: &Hash, size: u64, root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            skip_missing(&mut at, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// On the right edge: passes over the levels where the node has no sibling.
fn skip_missing(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}

/// The proof that the tree of `old` leaves is a prefix of that of `new` leaves (RFC 6962 §2.1.2);
/// empty where there is nothing to prove or no such prefix.
pub fn prove_consistency<N: Nodes>(
    old: u64,
    new: u64,
    nodes: &mut N,
) -> Result<Vec<Hash>, N::Error> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut whole = true;
    let mut parts = Vec::new();
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            parts.push((middle, to));
            to = middle;
        } else {
            parts.push((from, middle));
            from = middle;
            whole = false;
        }
    }
    // The verifier knows the old root; where the walk ended on another subtree it needs that one.
    if !whole {
        parts.push((from, to));
    }
    parts.iter().rev().map(|(from, to)| subtree(*from, *to, nodes)).collect()
}

/// Checks a consistency proof (RFC 9162 §2.1.4.2). The empty tree is a prefix of every tree.
pub fn check_consistency(
    proof: &[Hash],
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    let (mut of_old, mut of_new) = (first, first);
    for part in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            of_old = node_hash(part, &of_old);
            of_new = node_hash(part, &of_new);
            skip_missing(&mut at, &mut last);
        } else {
            of_new = node_hash(&of_new, part);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == *old_root && of_new == *new_root
}
