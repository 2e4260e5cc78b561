//! What a party can do that has its own keys and wishes the others ill. No node does any of this:
//! a simulation does it to the others.

use comity_tlog::commitment::Salt;
use comity_tlog::{Checkpoint, EntryRef, Hash};
use comity_wire::entry::{Author, Header, Kind, Log};
use comity_wire::release::Opening;

use crate::bare::{BareNode, Identity};
use crate::node::NodeError;
use crate::stores::Logs as _;

impl Identity {
    /// A checkpoint of one of its logs that says whatever it is to say, signed.
    ///
    /// # Errors
    /// No such log.
    pub fn signs(&self, log: Log, size: u64, root: Hash) -> Result<String, NodeError> {
        let config = self.logs.iter().find(|config| config.id == log.id());
        let config = config.ok_or(NodeError::Start("no such log".to_owned()))?;
        Checkpoint { origin: config.origin.clone(), size, root }
            .sign(&config.key)
            .map_err(|error| NodeError::Start(error.to_string()))
    }
}

impl BareNode {
    /// The header of an entry as this node begins it.
    pub fn header(&self, log: Log, kind: Kind, author: Author) -> Header {
        let created = comity_wire::time::Micros(self.now).to_string();
        Header { created, ..self.identity.headers.header(log, kind, author) }
    }

    /// Appends octets, whatever they say: no gate is asked, and nothing of them is folded here.
    ///
    /// # Errors
    /// The disk.
    pub fn appends(
        &mut self,
        log: Log,
        envelopes: Vec<Vec<u8>>,
    ) -> Result<Vec<Opening>, NodeError> {
        let from = self.logs.size(log.id())?;
        let sealed: Result<Vec<_>, _> = envelopes.into_iter().map(|one| self.seal(one)).collect();
        let sealed = sealed?.into_iter().map(|sealed| (log.id(), sealed)).collect();
        self.group(|decided, _| {
            decided.append(sealed);
            Ok(())
        })?;
        let mut openings = Vec::new();
        for index in from..self.logs.size(log.id())? {
            let opened = self.logs.release(EntryRef { log: log.id(), index })?;
            openings.extend(opened.map(|(Salt(salt), envelope)| Opening { index, salt, envelope }));
        }
        Ok(openings)
    }
}
