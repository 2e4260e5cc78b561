//! Reading: connections for the threads that ask, and the questions that need both the view
//! (which) and the log (what).

use std::sync::{Mutex, PoisonError};

use comity_tlog::Reader;
use comity_view::query::{self, Page, Row, VersionRecord};
use comity_view::{Queries, Readable};
use comity_wire::entry;
use comity_wire::id::Uuid;
use comity_wire::taxii::filter::Query;

use crate::directory::Directory;
use crate::node::{Node, NodeError};
use crate::writer::decide::entry_ref;

/// Idle connections that are kept; more are opened when many ask at once, and closed after.
const IDLE_MAX: usize = 8;

/// Rows whose bodies are read before asking whether to go on.
const ROWS_AT_A_TIME: usize = 64;

/// Kibibytes of pages that each connection keeps of each file of the logs. A page of a listing is
/// read once; the system keeps what is read again.
const CACHE_KIB: u32 = 1024;

/// One thread's connections.
pub(crate) struct Connections {
    pub(crate) view: Queries,
    pub(crate) log: Reader,
}

/// The idle ones.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Connections>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Pool")
    }
}

impl Pool {
    /// Closes the idle connections.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn with<T>(
        &self,
        directory: &Directory,
        ask: impl FnOnce(&Connections) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connections = match idle {
            Some(connections) => connections,
            None => Connections {
                view: Queries::open(&directory.view())?,
                log: crate::writer::reader(directory.root())?.with_cache(CACHE_KIB)?,
            },
        };
        let answer = ask(&connections);
        // A connection that failed is not used again.
        if answer.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(connections);
            }
        }
        answer
    }
}

impl Node {
    /// The number of the last change of a collection, and how many object versions it holds.
    pub fn state(&self, readable: Readable) -> Result<(i64, i64), NodeError> {
        self.ask(|connections| Ok(query::state(&connections.view, readable)?))
    }

    /// A page of what a query selects.
    pub fn page(&self, readable: Readable, query: &Query, limit: usize) -> Result<Page, NodeError> {
        self.ask(|connections| Ok(query::page(&connections.view, readable, query, limit)?))
    }

    /// Whether a collection holds any version of an object.
    pub fn holds(
        &self,
        readable: Readable,
        object_type: &str,
        uuid: Uuid,
    ) -> Result<bool, NodeError> {
        self.ask(|connections| Ok(query::exists(&connections.view, readable, object_type, uuid)?))
    }

    /// Gives the objects of rows, as their producers wrote them, until `each` says no. What was
    /// withdrawn since the rows were selected is left out. Returns how many rows are done with.
    pub fn objects(
        &self,
        rows: &[Row],
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<usize, NodeError> {
        self.ask(|connections| {
            let mut done = 0;
            for some in rows.chunks(ROWS_AT_A_TIME) {
                let entries: Vec<_> = some.iter().map(|row| entry_ref(row.position)).collect();
                let mut go_on = true;
                connections.log.open_many(&entries, |_, envelope| {
                    if let Ok((_, object)) = entry::split(envelope) {
                        go_on &= each(object);
                    }
                })?;
                done += some.len();
                if !go_on {
                    break;
                }
            }
            Ok(done)
        })
    }

    /// Gives the names of rows, without their bodies. What was withdrawn since is left out.
    pub fn records(
        &self,
        rows: &[Row],
        mut each: impl FnMut(&Row, VersionRecord),
    ) -> Result<(), NodeError> {
        self.ask(|connections| {
            let positions = rows.iter().map(|row| row.position);
            query::records(&connections.view, positions, |at, record| {
                if let Some(row) = rows.get(at) {
                    each(row, record);
                }
            })?;
            Ok(())
        })
    }

    pub(crate) fn ask<T>(
        &self,
        ask: impl FnOnce(&Connections) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        self.pool().with(self.directory(), ask)
    }
}
