//! A collection as a STIX bundle: every version, in the order in which they came in, each as its
//! producer wrote it.

use std::io::Write;

use comity_view::Readable;
use comity_wire::taxii::filter::{Next, Query, Versions};

use crate::node::{Node, NodeError};

/// Rows read at a time.
const ROWS_AT_A_TIME: usize = 1000;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The node could not read.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The output could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}

impl Node {
    /// Writes a collection to `out`. Returns how many objects were written.
    pub fn export(&self, readable: Readable, mut out: impl Write) -> Result<u64, ExportError> {
        write!(out, "{{\"type\":\"bundle\",\"id\":\"bundle--{}\"", self.new_uuid())?;
        let mut query = Query { versions: Versions::All, ..Query::default() };
        let mut written = 0u64;
        loop {
            let page = self.page(readable, &query, ROWS_AT_A_TIME)?;
            let mut failed = None;
            self.objects(&page.rows, |object| {
                let start: &[u8] = if written == 0 { b",\"objects\":[\n" } else { b",\n" };
                written += 1;
                let result = out.write_all(start).and_then(|()| out.write_all(object));
                failed = result.err();
                failed.is_none()
            })?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            match page.rows.last().filter(|_| page.more) {
                Some(row) => query.next = Some(Next(row.date_added)),
                None => break,
            }
        }
        out.write_all(if written == 0 { b"}\n" } else { b"\n]}\n" })?;
        out.flush()?;
        Ok(written)
    }
}
