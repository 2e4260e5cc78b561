//! The side that asks, as a function from what came to what is next.

use comity_tlog::commitment::Commitment;
use comity_tlog::tile::{TILE_WIDTH, TileKind, parse_bundle};
use comity_tlog::{Checkpoint, TilePath, Verifier};
use comity_wire::limits::ENVELOPE_BYTES_MAX;
use comity_wire::release::{self, Page};

/// Leaves that are stored in one transaction: 16 bundles, 128 KiB.
pub const LEAVES_PER_PIECE: usize = 4096;

/// Octets of a checkpoint: a note with a hundred cosignatures has some 12 kB.
const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;

/// Octets of an entry bundle: 256 records of 35 octets.
const BUNDLE_BYTES_MAX: usize = 256 * 35;

/// Octets of a page of openings: a page of 4 MiB and one entry more, in base64, with its lines.
pub const PAGE_BYTES_MAX: usize = (4 * 1024 * 1024 + ENVELOPE_BYTES_MAX) / 3 * 4 + 256 * 1024;

/// How far a log is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Leaves that are verified.
    pub verified: u64,
    /// Leaves that are stored.
    pub staged: u64,
    /// Below this index openings were asked for.
    pub scanned: u64,
}

/// What to ask the peer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The checkpoint of the log.
    Checkpoint,
    /// A bundle of leaves.
    Bundle(TilePath),
    /// The openings from an index on.
    Release(u64),
}

impl Ask {
    /// The path, below that of the log.
    pub fn path(&self) -> String {
        match self {
            Ask::Checkpoint => "checkpoint".to_owned(),
            Ask::Bundle(path) => path.to_string(),
            Ask::Release(from) => format!("release?from={from}"),
        }
    }

    /// Octets that an answer may have.
    pub fn bytes_max(&self) -> usize {
        match self {
            Ask::Checkpoint => CHECKPOINT_BYTES_MAX,
            Ask::Bundle(_) => BUNDLE_BYTES_MAX,
            Ask::Release(_) => PAGE_BYTES_MAX,
        }
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the peer, and tell what came.
    Ask(Ask),
    /// Store leaves, with [`crate::Node::grow`], and tell how far the log is.
    Grow {
        /// The signed checkpoint.
        note: String,
        /// The index of the first leaf.
        from: u64,
        /// The leaves.
        leaves: Vec<Commitment>,
    },
    /// Judge openings and keep them, with [`crate::Node::receive`], and tell how far the log is.
    Receive(Page),
    /// All that the peer has for this party is here.
    Done,
    /// This pull ends.
    Failed(Fault),
}

/// What came of it.
#[derive(Debug)]
pub enum Came {
    /// The peer has nothing newer than was told it is known.
    Unchanged,
    /// The octets of an answer.
    Answer(Vec<u8>),
    /// What was to be stored is: how far the log is now.
    Stored(Place),
}

/// Why a pull ends. All of this is about what the peer said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The checkpoint is not one of this log.
    #[error("its checkpoint cannot be used: {0}")]
    Checkpoint(String),
    /// It is older than what is verified here.
    #[error(
        "a checkpoint of size {said}, and {verified} leaves are verified here: replayed, or put back"
    )]
    Older {
        /// What it says.
        said: u64,
        /// What is here.
        verified: u64,
    },
    /// It has grown by more than is kept of a log before a root is reached.
    #[error("it grew by {by} leaves; at most {max} are taken that no root was reached with")]
    TooMuch {
        /// By how many, from those that are verified.
        by: u64,
        /// The most.
        max: u64,
    },
    /// As many leaves as may be taken now are stored, and it has more.
    #[error("it has {more} leaves more than are taken today; they are on other days")]
    Later {
        /// How many are not stored yet.
        more: u64,
        /// The checkpoint that they lead to. To begin the next pull with it brings its root in,
        /// however fast the log grows meanwhile.
        note: String,
    },
    /// A bundle is not what was asked for.
    #[error("the bundle at leaf {from} is not one of {wanted} leaves")]
    Bundle {
        /// Its first leaf.
        from: u64,
        /// How many there have to be.
        wanted: u16,
    },
    /// A page is none.
    #[error("the page of openings from {from}: {what}")]
    Page {
        /// Where it was to begin.
        from: u64,
        /// Why.
        what: String,
    },
    /// An answer came that nobody waited for: a bug of the driver, told and not repeated.
    #[error("an answer that was not asked for")]
    Unasked,
}

/// How many leaves may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In this pull.
    pub now: u64,
    /// Beyond those that are verified, in however many pulls: what leads to no root has an end.
    pub unverified: u64,
}

/// A pull of one log.
#[derive(Debug)]
pub struct Pull {
    verifier: Verifier,
    place: Place,
    room: Room,
    /// What ends it once everything is here that may come.
    late: Option<Fault>,
    state: State,
}

#[derive(Debug)]
enum State {
    Checkpoint,
    Leaves { note: String, size: u64, from: u64, leaves: Vec<Commitment> },
    Growing { note: String, size: u64 },
    Openings { size: u64 },
    Receiving { size: u64 },
    Ended,
}

impl Pull {
    /// Begins a pull. `note` is a checkpoint that a doorbell or an earlier pull brought. At most
    /// `leaves_max` leaves are taken.
    pub fn begin(
        verifier: Verifier,
        place: Place,
        leaves_max: u64,
        note: Option<String>,
    ) -> (Pull, Next) {
        let room = Room { now: leaves_max, unverified: leaves_max };
        Pull::begin_within(verifier, place, room, note)
    }

    /// The same, where a log may come in several pulls: what there is room for is stored, and the
    /// next goes on behind it.
    pub fn begin_within(
        verifier: Verifier,
        place: Place,
        room: Room,
        note: Option<String>,
    ) -> (Pull, Next) {
        let mut pull = Pull { verifier, place, room, late: None, state: State::Checkpoint };
        let next = match note {
            Some(note) => pull.checkpoint(note),
            None => Next::Ask(Ask::Checkpoint),
        };
        (pull, next)
    }

    /// Takes what came, and says what is next.
    pub fn next(&mut self, came: Came) -> Next {
        let state = std::mem::replace(&mut self.state, State::Ended);
        match (state, came) {
            (State::Checkpoint, Came::Unchanged) => self.openings(self.place.verified),
            (State::Checkpoint, Came::Answer(octets)) => match String::from_utf8(octets) {
                Ok(note) => self.checkpoint(note),
                Err(_) => self.fail(Fault::Checkpoint("it is not text".to_owned())),
            },
            (State::Leaves { note, size, from, leaves }, Came::Answer(octets)) => {
                self.bundle(note, size, from, leaves, &octets)
            }
            (State::Growing { note, size }, Came::Stored(place)) => {
                self.place = place;
                if place.verified >= size {
                    return self.openings(size);
                }
                self.leaves(note, size, place.staged, Vec::new())
            }
            (State::Openings { size }, Came::Answer(octets)) => self.page(size, &octets),
            (State::Receiving { size }, Came::Stored(place)) => {
                self.place = place;
                self.openings(size)
            }
            _ => self.fail(Fault::Unasked),
        }
    }

    fn end(&mut self) -> Next {
        self.state = State::Ended;
        self.late.take().map_or(Next::Done, Next::Failed)
    }

    /// No more leaves come. What those open that are verified does, withdrawals among it.
    fn later(&mut self, fault: Fault) -> Next {
        self.late = Some(fault);
        self.openings(self.place.verified)
    }

    fn fail(&mut self, fault: Fault) -> Next {
        self.state = State::Ended;
        Next::Failed(fault)
    }

    fn checkpoint(&mut self, note: String) -> Next {
        let said = match Checkpoint::open(note.as_bytes(), &self.verifier) {
            Ok(said) => said,
            Err(error) => return self.fail(Fault::Checkpoint(error.to_string())),
        };
        let Place { verified, staged, .. } = self.place;
        if said.size < verified {
            return self.fail(Fault::Older { said: said.size, verified });
        }
        let by = said.size - verified;
        if by > self.room.unverified {
            return self.later(Fault::TooMuch { by, max: self.room.unverified });
        }
        if said.size <= staged {
            // Nothing to ask for; but whether it is the same log is for the store to say.
            return self.grow(note, said.size, staged, Vec::new());
        }
        self.leaves(note, said.size, staged, Vec::new())
    }

    /// Asks for the bundle behind the leaves that are here, or has them stored.
    fn leaves(&mut self, note: String, size: u64, from: u64, leaves: Vec<Commitment>) -> Next {
        let count = leaves.len() as u64;
        let next = from + count;
        let whole = leaves.len() >= LEAVES_PER_PIECE || count >= self.room.now;
        if next >= size || (whole && count > 0) {
            return self.grow(note, size, from, leaves);
        }
        if self.room.now == 0 {
            return self.later(Fault::Later { more: size - next, note });
        }
        let path = bundle_of(next, size);
        self.state = State::Leaves { note, size, from, leaves };
        Next::Ask(Ask::Bundle(path))
    }

    fn bundle(
        &mut self,
        note: String,
        size: u64,
        from: u64,
        mut leaves: Vec<Commitment>,
        octets: &[u8],
    ) -> Next {
        let next = from + leaves.len() as u64;
        let wanted = bundle_of(next, size).width;
        let came = parse_bundle(octets).filter(|came| came.len() == usize::from(wanted));
        let Some(came) = came else {
            return self.fail(Fault::Bundle { from: next, wanted });
        };
        let known = usize::try_from(next % u64::from(TILE_WIDTH)).unwrap_or(0);
        let room = self.room.now.saturating_sub(leaves.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        leaves.extend(came.into_iter().skip(known).take(room));
        self.leaves(note, size, from, leaves)
    }

    fn grow(&mut self, note: String, size: u64, from: u64, leaves: Vec<Commitment>) -> Next {
        self.room.now = self.room.now.saturating_sub(leaves.len() as u64);
        self.state = State::Growing { note: note.clone(), size };
        Next::Grow { note, from, leaves }
    }

    fn openings(&mut self, size: u64) -> Next {
        if self.place.scanned >= size {
            return self.end();
        }
        self.state = State::Openings { size };
        Next::Ask(Ask::Release(self.place.scanned))
    }

    /// A page may have been made of a longer log than is verified here: what is beyond comes again
    /// with the next pull. So does what stands behind it on the page: a grant is followed by what
    /// it opens, which has lower indices, and says nothing without it.
    fn page(&mut self, size: u64, octets: &[u8]) -> Next {
        let from = self.place.scanned;
        let mut page = match release::parse(octets) {
            Ok(page) => page,
            Err(error) => return self.fail(Fault::Page { from, what: error.to_string() }),
        };
        let beyond = page.openings.iter().position(|opening| opening.index >= size);
        page.openings.truncate(beyond.unwrap_or(page.openings.len()));
        page.scanned_to = page.scanned_to.min(size);
        if page.scanned_to < from || (page.scanned_to == from && !page.openings.is_empty()) {
            let what = format!("it was looked through up to {}", page.scanned_to);
            return self.fail(Fault::Page { from, what });
        }
        if page.scanned_to == from {
            // The peer has signed more than it can serve yet; its bell rings again once it can.
            return self.end();
        }
        self.state = State::Receiving { size };
        Next::Receive(page)
    }
}

/// The bundle that holds a leaf, as wide as a log of `size` has it.
fn bundle_of(leaf: u64, size: u64) -> TilePath {
    let n = leaf / u64::from(TILE_WIDTH);
    let rest = size.saturating_sub(n * u64::from(TILE_WIDTH)).min(u64::from(TILE_WIDTH));
    let width = u16::try_from(rest).unwrap_or(TILE_WIDTH);
    TilePath { kind: TileKind::Entries, n, width }
}
