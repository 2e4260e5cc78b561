//! The end of a recovery: what came back is looked at as a whole, and the logs go on.

use comity_tlog::{
    ArrivalOf, Batch, EntryRef, PendingArrival, Reader, Sequencer, SqliteStorage, Storage as _,
    merkle,
};
use comity_wire::entry::{Header, Kind, Log};
use comity_wire::id::Uuid;
use serde::Serialize;

use super::{Recovery, Taking, forked, taken_back};
use crate::collection::{self, Catalog, New};
use crate::fold;
use crate::judge;
use crate::keys;
use crate::local::Local;
use crate::node::{Node, NodeError};
use crate::resume::{self, Continued};
use crate::succession;

/// Arrivals of one commit.
const ARRIVALS_AT_A_TIME: usize = 1000;

/// The name of the collection in which own shares arrive that are in none any more.
const RECOVERED: &str = "recovered";

/// What became of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Came {
    /// The log.
    pub log: &'static str,
    /// Leaves that were here.
    pub before: u64,
    /// Leaves that are here now.
    pub size: u64,
    /// Bodies that peers gave back.
    pub opened: u64,
    /// Entries of which nobody that was asked has the body.
    pub lost: u64,
    /// Openings that opened no leaf.
    pub refused: u64,
}

/// What a recovery did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The logs that peers mirror.
    pub logs: Vec<Came>,
    /// How each log went on.
    pub continues: Vec<Continued>,
    /// Object versions that came into the collection `recovered`.
    pub arrived: u64,
}

impl Recovery {
    /// Ends it: erases what was taken back, checks every head that was offered, gives the logs
    /// that nobody mirrors new names, and opens the node, which says so in `acts`.
    ///
    /// # Errors
    /// A head that a peer holds is not on the way; or more was signed than anybody has.
    pub fn finish(mut self) -> Result<Recovered, NodeError> {
        let Some((mut storage, reader)) = self.stores.take() else {
            return Err(super::not_begun());
        };
        self.check_offers(&reader)?;
        let mut logs = Vec::new();
        for taking in &self.logs {
            logs.push(self.settle(taking, &mut storage, &reader)?);
        }
        self.same_body(&reader)?;
        drop((storage, reader));
        self.as_signed()?;
        let continues = self.go_on()?;
        let arrived = self.arrive()?;
        let Recovery { directory, lock, surroundings, .. } = self;
        resume::remove(&directory, &directory.restored())?;
        resume::remove(&directory, &directory.recovering())?;
        drop(lock);
        Node::open(directory, surroundings)?.close();
        Ok(Recovered { logs, continues, arrived })
    }

    /// Every head that anybody holds is on the way to what is here now.
    fn check_offers(&self, reader: &Reader) -> Result<(), NodeError> {
        for taking in &self.logs {
            let Some(reclaim) = &taking.reclaim else { continue };
            for offer in &taking.offers {
                if offer.size > reclaim.size() {
                    return Err(NodeError::PutBack(format!(
                        "`{}` holds a head of log `{}` at {} entries, and {} are here: nobody gave \
                         the rest; call this again when it can be reached",
                        offer.party,
                        taking.log.name(),
                        offer.size,
                        reclaim.size()
                    )));
                }
                let nodes = &mut reader.nodes(taking.log.id());
                let ours = merkle::root(offer.size, nodes)?;
                if ours != offer.root {
                    return Err(forked(taking.log, offer.size, &offer.party, "the largest one"));
                }
            }
        }
        Ok(())
    }

    /// Erases what was taken back, removes keys that a stop left, and counts what nobody has.
    fn settle(
        &self,
        taking: &Taking,
        storage: &mut SqliteStorage,
        reader: &Reader,
    ) -> Result<Came, NodeError> {
        let stored = |error: comity_tlog::StorageError| NodeError::Storage(error.to_string());
        let (log, name) = (taking.log.id(), taking.log.name());
        let Some(reclaim) = &taking.reclaim else { return Err(super::not_begun()) };
        let before = self.begun.before.get(name).copied().unwrap_or(0);
        let (mut gone, mut unopened) = (taking.taken_back.clone(), Vec::new());
        let read = reader.entries(EntryRef { log, index: 0 }, |entry, envelope| {
            match envelope {
                Some(envelope) => gone.extend(taken_back(envelope, taking.log)),
                None => unopened.push(entry),
            }
            true
        });
        read?;
        reclaim.erase(storage, gone.iter().copied()).map_err(stored)?;
        let (mut lost, mut left) = (0, Vec::new());
        for entry in unopened {
            let body = reader.envelope_size(entry)?.is_some();
            if !body && reader.salt(entry)?.is_some() {
                left.push(entry);
            }
            lost += u64::from((body || entry.index >= before) && !gone.contains(&entry.index));
        }
        storage.remove_keys(&left).map_err(stored)?;
        let (size, opened, refused) = (reclaim.size(), taking.opened, taking.refused);
        Ok(Came { log: name, before, size, opened, lost, refused })
    }

    /// What came back is of the body that this directory will write for: a lost `local.db` takes
    /// with it which charter founded it.
    fn same_body(&self, reader: &Reader) -> Result<(), NodeError> {
        let local = Local::open(&self.directory.local())?;
        let body = succession::body_of(&local, &self.charter)?;
        let mut other = None;
        let acts = EntryRef { log: Log::Acts.id(), index: 0 };
        let read = reader.entries(acts, |_, envelope| {
            let header = envelope.and_then(|octets| Header::of(octets).ok());
            other = header.map(|header| header.body).filter(|said| *said != body);
            other.is_none() && envelope.is_none()
        });
        read?;
        match other {
            Some(said) => Err(NodeError::Backup(format!(
                "the entries are of the body `{said}`, and charter.toml is not the charter that \
                 founded it. Put that one in its place, which any party has (version 1, as it was \
                 before any amendment), or local.db from a backup; then call this again. Later \
                 versions are taken up by themselves, from what the parties accepted"
            ))),
            None => Ok(()),
        }
    }

    /// No mark knows of more than is here now.
    fn as_signed(&self) -> Result<(), NodeError> {
        let own = resume::identities(&self.directory, &self.config)?;
        let followed: Vec<_> = own
            .into_iter()
            .filter(|one| self.logs.iter().any(|log| log.log.id() == one.id))
            .collect();
        let behind = resume::behind_of(&self.directory, &self.config, &followed)?;
        if behind.is_empty() {
            return Ok(());
        }
        let why: Vec<String> = behind.iter().map(ToString::to_string).collect();
        Err(NodeError::PutBack(format!(
            "{}: what was signed last is at no peer that was asked. What they have is here now. \
             Ask others with --from; where nobody has it, go on under new names from here: comity \
             resume {}",
            why.join("; "),
            self.directory.root().display()
        )))
    }

    /// The logs that peers mirror go on under their names. Of the others nobody knows how far they
    /// had come, so each goes on as a new one, from what is here.
    fn go_on(&self) -> Result<Vec<Continued>, NodeError> {
        // What came back is not in it.
        comity_view::View::drop_file(&self.directory.view())?;
        let continues = match resume::said(&self.directory)? {
            // It was cut off after this.
            Some(said) => said,
            None => {
                let said = self.continued()?;
                if said.is_empty() {
                    return Ok(said);
                }
                let text = serde_json::to_vec(&said).unwrap_or_default();
                self.directory.replace(&self.directory.resumed(), &text)?;
                said
            }
        };
        let logs = resume::identities(&self.directory, &self.config)?;
        resume::rename(&self.directory, &self.config, &logs, &continues, &self.surroundings)?;
        Ok(continues)
    }

    fn continued(&self) -> Result<Vec<Continued>, NodeError> {
        let grew = |one: &Taking| {
            let before = self.begun.before.get(one.log.name()).copied().unwrap_or(0);
            one.reclaim.as_ref().is_some_and(|reclaim| reclaim.size() > before)
        };
        if !(self.begun.lost || self.begun.restored || self.logs.iter().any(grew)) {
            return Ok(Vec::new());
        }
        let reader = crate::writer::reader(self.directory.root())?;
        let mut continues = Vec::new();
        for log in Log::ALL {
            let config = keys::log_config(&self.directory, &self.config.party, log)?;
            let head = reader.head(log.id())?;
            let mirrored = self.logs.iter().find(|one| one.log == log);
            let (size, root) =
                head.map_or((0, merkle::empty_root()), |head| (head.size, head.root));
            // One that nobody knows of may have signed anything.
            let held = mirrored.is_some_and(|one| !one.offers.is_empty());
            let origin = match held {
                true => config.origin.clone(),
                false => keys::next_origin(&config.origin, log.name()),
            };
            let (log, from, root) = (log.name().to_owned(), config.origin, root.to_string());
            continues.push(Continued { log, from, origin, size, root, signed: None });
        }
        Ok(continues)
    }

    /// The journal of arrivals came back with nobody: own shares that are in no collection come
    /// into one, so that they are served, and can be withdrawn.
    fn arrive(&self) -> Result<u64, NodeError> {
        let reader = crate::writer::reader(self.directory.root())?;
        let entries = self.unplaced(&reader)?;
        drop(reader);
        if entries.is_empty() {
            return Ok(0);
        }
        let local = Local::open(&self.directory.local())?;
        let collection = self.collection(&local)?;
        let storage = resume::open_storage(&self.directory, &self.config)?;
        let logs = keys::log_configs(&self.directory, &self.config.party)?;
        let random = self.surroundings.random.clone();
        let mut sequencer = Sequencer::open(storage, logs, &mut |octets| random(octets))
            .map_err(|error| resume::start_error(&self.directory, &error))?;
        for some in entries.chunks(ARRIVALS_AT_A_TIME) {
            let arrivals = some
                .iter()
                .map(|entry| PendingArrival { collection, entry: ArrivalOf::Old(*entry) });
            let batch = Batch { arrivals: arrivals.collect(), ..Batch::default() };
            let committed = sequencer.commit(batch, (self.surroundings.now)());
            committed.map_err(|error| NodeError::Storage(error.to_string()))?;
        }
        Ok(entries.len() as u64)
    }

    /// Own shares that never came into a collection, as far as the journal here says. A copy is in
    /// those of its private entry, where that is here. What was passed on of another party is no
    /// object of this one, and falls with its origin.
    fn unplaced(&self, reader: &Reader) -> Result<Vec<EntryRef>, NodeError> {
        let mut placed = std::collections::BTreeSet::new();
        let read = reader.arrivals(1, |row| {
            placed.insert(row.entry);
            true
        });
        read?;
        let (mut unplaced, mut failed) = (Vec::new(), None);
        let shared = EntryRef { log: Log::Shared.id(), index: 0 };
        let gone = self.logs.iter().find(|one| one.log == Log::Shared).map(|one| &one.taken_back);
        let read = reader.entries(shared, |entry, envelope| {
            let header = envelope.and_then(|octets| Header::of(octets).ok());
            let own =
                |header: &Header| header.kind == Kind::Share && judge::passed_on(header).is_none();
            let Some(header) = header.filter(own) else {
                return true;
            };
            if placed.contains(&entry) || gone.is_some_and(|gone| gone.contains(&entry.index)) {
                return true;
            }
            match fold::copied(reader, &header) {
                Ok(None) => unplaced.push(entry),
                Ok(Some(_)) => {}
                Err(error) => failed = Some(error),
            }
            failed.is_none()
        });
        read?;
        failed.map_or(Ok(unplaced), Err)
    }

    fn collection(&self, local: &Local) -> Result<u32, NodeError> {
        if let Some(known) = Catalog::read(local)?.find(RECOVERED) {
            return Ok(known.number);
        }
        let new = New {
            title: "Recovered".to_owned(),
            description: Some("What this party shared, as peers gave it back".to_owned()),
            alias: Some(RECOVERED.to_owned()),
            ..New::default()
        };
        let mut octets = [0; 16];
        (self.surroundings.random)(&mut octets);
        let (id, now) = (Uuid::from_random(octets), (self.surroundings.now)());
        Ok(collection::add(local, &self.charter, &new, id, now)?.number)
    }
}
