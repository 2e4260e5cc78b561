//! Records of accesses whose time is over: their content and their keys go, their leaves stay, and
//! an entry says which they were.

use comity_tlog::EntryRef;
use comity_view::Position;
use comity_wire::entry::{Author, Header, Kind, Log};
use comity_wire::time::Micros;

use crate::node::NodeError;
use crate::writer::Inner;
use crate::writer::decide::{Decided, Planned};

/// Entries of the audit log that one sweep erases. A busy node writes some ten a second; the next
/// sweep takes up where this one ended.
const SWEEP_RECORDS_MAX: u64 = 20_000;

impl Decided {
    /// Erases records that are kept no longer.
    pub(super) fn retain(&mut self, inner: &Inner, now: i64) -> Result<(), NodeError> {
        let Some(retention) = &inner.retention else { return Ok(()) };
        retention.sweep_local(now)?;
        let log = Log::Audit.id();
        let from = EntryRef { log, index: retention.erased_to() };
        let Some(first) = inner.log.first_kept(from)? else { return Ok(()) };
        // What was erased by a commit that is done is never looked at again.
        retention.set_erased_to(first.index);
        let cut = Micros(retention.cut(now)).to_string();
        let (mut end, mut seen) = (first.index, first.index);
        inner.log.entries(first, |entry, envelope| {
            // One that was erased by itself, or does not open, is passed over.
            let due = envelope.map(|envelope| created(envelope).is_none_or(|at| at < cut));
            if due != Some(false) {
                seen = entry.index + 1;
            }
            if due == Some(true) {
                end = entry.index + 1;
            }
            due != Some(false) && seen - first.index < SWEEP_RECORDS_MAX
        })?;
        if end == first.index {
            retention.set_erased_to(seen);
            return Ok(());
        }
        for index in first.index..end {
            self.erase(Position { log, index });
        }
        self.tell_erased(inner, now, first.index, end)
    }

    /// One `record` in the audit log: which entries, by their indices.
    fn tell_erased(
        &mut self,
        inner: &Inner,
        now: i64,
        from: u64,
        to: u64,
    ) -> Result<(), NodeError> {
        let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
        let mut header = Header {
            created: Micros(now).to_string(),
            ..inner.headers.header(Log::Audit, Kind::Record, author)
        };
        header.audience.rule = "reviewer".to_owned();
        let payload = serde_json::json!({ "erased": { "from": from, "to": to } }).to_string();
        let sealed = inner.surroundings.entry(&header, payload.as_bytes())?;
        self.entry(Log::Audit.id(), sealed, Planned::Nothing);
        Ok(())
    }
}

/// When an entry was made, as its header says; all have the same form, which sorts as text.
fn created(envelope: &[u8]) -> Option<String> {
    Header::of(envelope).ok().map(|header| header.created)
}
