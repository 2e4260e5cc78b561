//! The proof that a log contradicts itself: two heads that its key signed, of which one is not on
//! the way to the other. `docs/spec/equivocation.md` is the specification.
//!
//! It names the smaller head (size m, root a), the larger one (n, b), and shows by a consistency
//! proof (RFC 6962 §2.1.2) that the first m leaves of the larger have the root p, which is not a.
//! For given m, n and b one p alone has such a proof, unless somebody finds a collision of
//! SHA-256. So whoever has the key of the log can judge it with nothing else, and nobody can make
//! one of the heads of a log that kept to its word.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::merkle::{self, Hash, Nodes, Range, root_of};
use crate::note::{NOTE_BYTES_MAX, Verifier};
use crate::tile::TILE_WIDTH;

/// The first line of a proof.
const TITLE: &str = "comity/equivocation@v1";

/// Hashes of a proof: a consistency proof has two at most for each level of a tree.
const PROOF_HASHES_MAX: usize = 128;

/// Octets of a proof: two notes and the hashes, in base64, with their words.
pub const EQUIVOCATION_BYTES_MAX: usize =
    2 * (NOTE_BYTES_MAX / 3 * 4 + 16) + (PROOF_HASHES_MAX + 2) * 64;

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EquivocationError {
    /// Not of its form.
    #[error("not an equivocation proof: {0}")]
    Form(&'static str),
    /// One of the heads is none of this log.
    #[error("the {which} head is not one of this log: {error}")]
    Head {
        /// Which.
        which: &'static str,
        /// Why.
        error: CheckpointError,
    },
    /// The heads do not contradict each other.
    #[error("it convicts nobody: {0}")]
    NoContradiction(&'static str),
}

/// A proof, taken apart. It means nothing until [`Equivocation::check`] said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    /// The signed note of the smaller head.
    pub smaller: String,
    /// The signed note of the larger head.
    pub larger: String,
    /// The root of the first leaves of the larger, as many as the smaller has.
    pub prefix: Hash,
    /// The consistency proof from `prefix` to the larger head.
    pub proof: Vec<Hash>,
}

/// What is proven: this log signed both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convicted {
    /// The origin of the log.
    pub origin: String,
    /// Size and root of the smaller head.
    pub smaller: (u64, Hash),
    /// Size and root of the larger head.
    pub larger: (u64, Hash),
}

impl std::fmt::Display for Convicted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Convicted { origin, smaller, larger } = self;
        write!(
            formatter,
            "`{origin}` signed two histories: the root {} at size {}, and the root {} at size {}, \
             whose tree does not begin with it",
            smaller.1, smaller.0, larger.1, larger.0
        )
    }
}

impl Equivocation {
    /// Of two heads of one size.
    pub fn of_one_size(one: &str, other: &str, root_of_other: Hash) -> Equivocation {
        Equivocation {
            smaller: one.to_owned(),
            larger: other.to_owned(),
            prefix: root_of_other,
            proof: Vec::new(),
        }
    }

    /// Of a head, and of one that is larger, whose leaves are `branch`. Nothing where the branch
    /// was not told to mind the size of the smaller.
    pub fn of_branch(smaller: &str, larger: &str, branch: &Branch) -> Option<Equivocation> {
        let (prefix, proof) = branch.prove()?;
        Some(Equivocation { smaller: smaller.to_owned(), larger: larger.to_owned(), prefix, proof })
    }

    /// Judges it, by the key of the log alone.
    ///
    /// # Errors
    /// It proves nothing, and why.
    pub fn check(&self, verifier: &Verifier) -> Result<Convicted, EquivocationError> {
        let open = |which, note: &str| {
            Checkpoint::open(note.as_bytes(), verifier)
                .map_err(|error| EquivocationError::Head { which, error })
        };
        let smaller = open("smaller", &self.smaller)?;
        let larger = open("larger", &self.larger)?;
        let none = |what| Err(EquivocationError::NoContradiction(what));
        if smaller.size == 0 || smaller.size > larger.size {
            return none("the first head has to be the smaller one, and not of size 0");
        }
        if self.prefix == smaller.root {
            return none("the larger tree begins with the smaller one");
        }
        let (size, root) = (larger.size, &larger.root);
        let proof = self.proof.as_slice();
        if !merkle::check_consistency(proof, smaller.size, &self.prefix, size, root) {
            return none("the proof does not lead to the larger head");
        }
        Ok(Convicted {
            origin: verifier.name().to_owned(),
            smaller: (smaller.size, smaller.root),
            larger: (larger.size, larger.root),
        })
    }

    /// Its text.
    pub fn text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        let mut line = |word: &str, octets: &[u8]| {
            text.push_str(&format!("{word} {}\n", BASE64.encode(octets)));
        };
        line("note", self.smaller.as_bytes());
        line("note", self.larger.as_bytes());
        line("prefix", &self.prefix.0);
        self.proof.iter().for_each(|hash| line("proof", &hash.0));
        text
    }

    /// Reads a text.
    ///
    /// # Errors
    /// It is not of its form. Whether it proves anything is another question.
    pub fn parse(octets: &[u8]) -> Result<Equivocation, EquivocationError> {
        let form = EquivocationError::Form;
        if octets.len() > EQUIVOCATION_BYTES_MAX {
            return Err(form("too long"));
        }
        let text = str::from_utf8(octets).map_err(|_| form("not text"))?;
        let text = text.strip_suffix('\n').ok_or(form("its last line has no end"))?;
        let mut lines = text.split('\n');
        if lines.next() != Some(TITLE) {
            return Err(form("its first line is another"));
        }
        let smaller = note(lines.next()).ok_or(form("no first `note`"))?;
        let larger = note(lines.next()).ok_or(form("no second `note`"))?;
        let prefix = hash(lines.next(), "prefix").ok_or(form("no `prefix`"))?;
        let proof = lines.map(|line| hash(Some(line), "proof")).collect::<Option<Vec<Hash>>>();
        let proof = proof.ok_or(form("a line that is no `proof`"))?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(form("too many hashes"));
        }
        Ok(Equivocation { smaller, larger, prefix, proof })
    }
}

fn decoded(line: Option<&str>, word: &str) -> Option<Vec<u8>> {
    let encoded = line?.strip_prefix(word)?.strip_prefix(' ')?;
    BASE64.decode(encoded).ok()
}

fn note(line: Option<&str>) -> Option<String> {
    String::from_utf8(decoded(line, "note")?).ok()
}

fn hash(line: Option<&str>, word: &str) -> Option<Hash> {
    Hash::from_slice(&decoded(line, word)?)
}

/// The leaves of a log as they go by, of which enough is kept to prove what the first `mark` of
/// them are: a hash for each 256 leaves, and the leaves around the mark and at the end.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    mark: u64,
    range: Range,
    prefix: Option<Range>,
    /// Roots of full tiles of leaves.
    tiles: Vec<Hash>,
    /// The tile of leaves that the mark is in, once it is full.
    near: Vec<Hash>,
    /// The last tile, which grows.
    tail: Vec<Hash>,
}

impl Branch {
    /// Minds the first `mark` leaves.
    pub fn new(mark: u64) -> Branch {
        Branch { mark, ..Branch::default() }
    }

    /// Takes the hash of the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        if self.range.size() == self.mark {
            self.prefix = Some(self.range.clone());
        }
        self.range.push(leaf);
        self.tail.push(leaf);
        if self.tail.len() == usize::from(TILE_WIDTH) {
            if self.tiles.len() as u64 == self.mark / u64::from(TILE_WIDTH) {
                self.near.clone_from(&self.tail);
            }
            self.tiles.push(root_of(&self.tail));
            self.tail.clear();
        }
    }

    /// Leaves that went by.
    pub fn size(&self) -> u64 {
        self.range.size()
    }

    /// Their root.
    pub fn root(&self) -> Hash {
        self.range.root()
    }

    /// The root of the first leaves, as many as are minded; nothing before they went by.
    pub fn prefix_root(&self) -> Option<Hash> {
        if self.range.size() == self.mark {
            return Some(self.range.root());
        }
        self.prefix.as_ref().map(Range::root)
    }

    /// That root, and the consistency proof from it to the whole.
    pub fn prove(&self) -> Option<(Hash, Vec<Hash>)> {
        let prefix = self.prefix_root()?;
        let mut nodes = Kept { branch: self };
        let proof = merkle::prove_consistency(self.mark, self.size(), &mut nodes).ok()?;
        Some((prefix, proof))
    }
}

/// The nodes that a branch keeps.
struct Kept<'b> {
    branch: &'b Branch,
}

impl Nodes for Kept<'_> {
    type Error = ();

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, ()> {
        let width = u64::from(TILE_WIDTH);
        let Branch { mark, tiles, near, tail, .. } = self.branch;
        let at = |from: u64| usize::try_from(from).map_err(|_| ());
        if let Some(above) = level.checked_sub(8) {
            let row = at(index << above)?..at((index + 1) << above)?;
            return tiles.get(row).map(root_of).ok_or(());
        }
        let first = index << level;
        let (tile, from) = (first / width, at(first % width)?);
        let leaves = if tile == tiles.len() as u64 {
            tail
        } else if tile == mark / width {
            near
        } else {
            return Err(());
        };
        leaves.get(from..from + (1 << level)).map(root_of).ok_or(())
    }
}
