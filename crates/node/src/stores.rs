//! What a decision asks. The writer of a node answers from its files, with threads beside it; a
//! simulated node from a disk in memory, with none. What is decided is the same code.

use std::ops::Deref;

use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::{ArrivalRow, EntryRef, Reader, Sealed};
use comity_view::{Position, View};
use comity_wire::entry::Header;
use comity_wire::id::Uuid;

use crate::node::NodeError;
use crate::peer::Peer;
use crate::submit::Headers;

/// Reading the logs.
pub(crate) trait Logs {
    /// Leaves of a log; of one that is followed, those that are verified.
    fn size(&self, log: u8) -> Result<u64, NodeError>;
    /// The envelope of an entry; nothing where it was erased.
    fn open_entry(&self, entry: EntryRef) -> Result<Option<Vec<u8>>, NodeError>;
    /// The same, with the salt.
    fn release(&self, entry: EntryRef) -> Result<Option<(Salt, Vec<u8>)>, NodeError>;
    /// Octets of an envelope.
    fn envelope_size(&self, entry: EntryRef) -> Result<Option<u64>, NodeError>;
    /// What a leaf commits to.
    fn commitment(&self, entry: EntryRef) -> Result<Option<Commitment>, NodeError>;
    /// The entries of a log from an index on, opened where they are not erased. `each` returns
    /// whether to go on.
    fn entries(
        &self,
        from: EntryRef,
        each: impl FnMut(EntryRef, Option<&[u8]>) -> bool,
    ) -> Result<(), NodeError>;
    /// Those of some entries that are not erased: the place in `entries`, and the envelope.
    fn open_many(
        &self,
        entries: &[EntryRef],
        each: impl FnMut(usize, &[u8]),
    ) -> Result<(), NodeError>;
    /// The journal of arrivals from a line on. `each` returns whether to go on.
    fn arrivals(&self, from: u64, each: impl FnMut(ArrivalRow) -> bool) -> Result<(), NodeError>;
    /// The number of the last line of the journal.
    fn last_arrival(&self) -> Result<u64, NodeError>;

    /// Whether a bug is planted. Never in a node that has files: there this is a constant.
    fn planted(&self, _mutant: Mutant) -> bool {
        false
    }
}

/// What the writer's decisions ask, and draw.
pub(crate) trait Stores {
    type Logs: Logs;

    fn logs(&self) -> &Self::Logs;
    /// The view with everything in it that is committed.
    fn view(&self) -> Result<impl Deref<Target = View>, NodeError>;
    /// What all headers of this node have in common.
    fn headers(&self) -> &Headers;
    /// The peers that are followed.
    fn peers(&self) -> &[Peer];
    /// Microseconds since 1970.
    fn now(&self) -> i64;
    /// Makes an entry of the node's own.
    fn entry(&self, header: &Header, payload: &[u8]) -> Result<Sealed, NodeError>;
    /// Whether an object may be known; a yes may be wrong.
    fn may_have(&self, uuid: Uuid) -> bool;
    /// It is, or will be.
    fn add_known(&mut self, uuid: Uuid);
    /// Whether an entry of a peer is under the verified head of its log.
    fn is_verified(&self, entry: Position) -> bool;
}

/// Bugs that a simulation has to notice: the test of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A body that comes late is kept, although it was withdrawn.
    Resurrects,
    /// A withdrawal counts only where what it takes back came before it.
    ArrivalOrder,
    /// Everything in the log `shared` is served to whoever asks.
    NoAudience,
    /// The cursor is written before what was behind it.
    CursorFirst,
    /// The receipt goes out, and the body stays.
    ReceiptAlone,
    /// A grant opens an entry to everybody.
    GrantToAll,
    /// What comes a second time arrives a second time.
    ArrivesTwice,
    /// An opening that does not open takes its whole page with it.
    PoisonBlocks,
    /// What a peer opens is taken for meant for this party, whoever it names.
    TrustsAudience,
    /// An entry of a peer is judged as of the party that it says it is from.
    TrustsOrigin,
    /// A page costs a commit for each leaf of its log.
    WorksPerLeaf,
    /// A page ends behind a long entry, whether it is for the party that asks or not.
    PagesByLength,
    /// Who has any consent to release something onward releases it to anybody.
    BeyondConsent,
    /// What was passed on stays so when the consent to that is taken back.
    OutlivesConsent,
    /// What was passed on stays so when its owner takes back what it is a copy of.
    OutlivesOrigin,
}

impl Logs for Reader {
    fn size(&self, log: u8) -> Result<u64, NodeError> {
        Ok(self.head(log)?.map_or(0, |head| head.size))
    }

    fn open_entry(&self, entry: EntryRef) -> Result<Option<Vec<u8>>, NodeError> {
        Ok(Reader::open_entry(self, entry)?)
    }

    fn release(&self, entry: EntryRef) -> Result<Option<(Salt, Vec<u8>)>, NodeError> {
        let opened = Reader::release(self, entry)?;
        Ok(opened.map(|opened| (opened.salt.clone(), opened.envelope.clone())))
    }

    fn envelope_size(&self, entry: EntryRef) -> Result<Option<u64>, NodeError> {
        Ok(Reader::envelope_size(self, entry)?)
    }

    fn commitment(&self, entry: EntryRef) -> Result<Option<Commitment>, NodeError> {
        Ok(Reader::commitment(self, entry)?)
    }

    fn entries(
        &self,
        from: EntryRef,
        each: impl FnMut(EntryRef, Option<&[u8]>) -> bool,
    ) -> Result<(), NodeError> {
        Ok(Reader::entries(self, from, each)?)
    }

    fn open_many(
        &self,
        entries: &[EntryRef],
        each: impl FnMut(usize, &[u8]),
    ) -> Result<(), NodeError> {
        Ok(Reader::open_many(self, entries, each)?)
    }

    fn arrivals(&self, from: u64, each: impl FnMut(ArrivalRow) -> bool) -> Result<(), NodeError> {
        Ok(Reader::arrivals(self, from, each)?)
    }

    fn last_arrival(&self) -> Result<u64, NodeError> {
        Ok(Reader::last_arrival(self)?)
    }
}
