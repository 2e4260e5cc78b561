//! A node without threads, files or a clock, over a disk in memory: the same sequencer, the same
//! decisions, the same fold and the same answers to peers, one call after another. Many of them run
//! in one process, and a seed decides what happens to them; `exercise` does that.
//!
//! What it leaves out is what has no decision in it: accounts, quotas, statuses, audit, HTTP.

mod disk;
mod hostile;
mod onward;
mod view;

use std::cell::RefCell;
use std::ops::Deref;

use comity_charter::{Charter, Rule, Tlp};
use comity_gate::admit;
use comity_tlog::commitment::Commitment;
use comity_tlog::storage::memory::{MemoryDisk, MemoryStorage};
use comity_tlog::tile::{TILE_WIDTH, TileKind, push_record};
use comity_tlog::{
    CommitError, EntryRef, FollowConfig, GrowError, Grown, LogConfig, Sealed, Sequencer,
    SigningKey, TilePath,
};
use comity_view::{Position, View};
use comity_wire::entry::{self, Audience, Author, Header, Kind, Log};
use comity_wire::id::Uuid;
use comity_wire::release;

use crate::collection::{Collection, ReleaseRule};
use crate::config::Config;
use crate::fold::{self, Ground};
use crate::judge::{Judge, Says};
use crate::node::NodeError;
use crate::peer::{self, Peer};
use crate::receive::{self, Judged, Readers, Received};
use crate::release::{Sources, for_party, is_served};
use crate::share::{self, Leaving, Opened};
use crate::stores::{Logs as _, Stores};
use crate::submit::{Headers, Making, Outcome};
use crate::sync::Place;
use crate::writer::decide::{self, Decided};
use crate::writer::grant::Target;
use crate::writer::known::Known;
use crate::writer::receive::Page;
use crate::writer::share::Copied;
use crate::{keys, terms};
use disk::Simulated;

pub use crate::stores::Mutant;

/// The collection of everything that peers released.
pub const RECEIVED: u32 = 1;

/// A collection of the party's own that releases nothing.
pub const DESK: u32 = 2;

/// The collection of what the first peer released; those of the others follow.
const RECEIVED_FROM: u32 = 10;

/// Fills a buffer, as a seed has it.
pub type Draw = Box<dyn FnMut(&mut [u8])>;

/// Who a node is, and whom it follows.
#[derive(Clone)]
pub struct Identity {
    charter: Charter,
    logs: Vec<LogConfig>,
    follows: Vec<FollowConfig>,
    headers: Headers,
    ground: Ground,
    spares: view::Spares,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Identity").field("party", &self.headers.party).finish()
    }
}

impl Identity {
    /// A party of a charter, with a key for each of its logs. It follows all others.
    ///
    /// # Errors
    /// The charter does not load.
    pub fn new(
        party: &str,
        charter: &str,
        key: impl Fn(Log) -> SigningKey,
    ) -> Result<Identity, NodeError> {
        let charter = terms::parse_charter(charter)?;
        let config = Config::new(party);
        let others = charter.parties.iter().filter(|other| other.id != party);
        let peers = others.zip(0_u8..).map(|(other, at)| Peer {
            party: other.id.clone(),
            address: String::new(),
            shared: Position::FOLLOWED_MIN + 2 * at,
            acts: Position::FOLLOWED_MIN + 2 * at + 1,
            collection: RECEIVED_FROM + u32::from(at),
            everything: RECEIVED,
            added: 0,
        });
        let peers: Vec<Peer> = peers.collect();
        let follows = peer::follow_configs(&charter, &peers)?;
        let logs = Log::ALL.map(|log| LogConfig {
            id: log.id(),
            name: log.name().to_owned(),
            origin: keys::origin(party, log),
            key: key(log),
        });
        let body = charter.hash.to_string();
        let headers = terms::headers(&config, &charter, &body);
        let ground = Ground { judge: Judge::new(&config, &charter, &body, Vec::new()), peers };
        let (logs, spares) = (logs.to_vec(), view::Spares::default());
        Ok(Identity { charter, logs, follows, headers, ground, spares })
    }

    /// The name of a log's key, as the charter has it.
    pub fn origin(party: &str, log: Log) -> String {
        keys::origin(party, log)
    }

    /// The peers that it follows.
    pub fn peers(&self) -> &[Peer] {
        &self.ground.peers
    }

    /// The logs that it follows.
    pub fn follows(&self) -> &[FollowConfig] {
        &self.follows
    }

    /// The party.
    pub fn party(&self) -> &str {
        &self.headers.party
    }

    /// The charter that it goes by.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }
}

/// A node that is open. When the process ends, what is left of it is its disk.
pub struct BareNode {
    sequencer: Sequencer<MemoryStorage>,
    logs: Simulated,
    view: View,
    known: Known,
    identity: Identity,
    collections: Vec<Collection>,
    now: i64,
    draw: RefCell<Draw>,
}

impl std::fmt::Debug for BareNode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BareNode").field("party", &self.identity.headers.party).finish()
    }
}

impl Stores for BareNode {
    type Logs = Simulated;

    fn logs(&self) -> &Simulated {
        &self.logs
    }

    fn view(&self) -> Result<impl Deref<Target = View>, NodeError> {
        Ok(&self.view)
    }

    fn headers(&self) -> &Headers {
        &self.identity.headers
    }

    fn peers(&self) -> &[Peer] {
        self.identity.peers()
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn entry(&self, header: &Header, payload: &[u8]) -> Result<Sealed, NodeError> {
        let envelope = entry::encode(header, payload)
            .map_err(|error| NodeError::Storage(error.to_string()))?;
        self.seal(envelope)
    }

    fn may_have(&self, uuid: Uuid) -> bool {
        self.known.may_have(uuid)
    }

    fn add_known(&mut self, uuid: Uuid) {
        self.known.add(uuid);
    }

    fn is_verified(&self, entry: Position) -> bool {
        self.sequencer.followed_head(entry.log).is_some_and(|head| entry.index < head.size)
    }
}

impl BareNode {
    /// Opens what is on a disk: the recovery of the logs, then a fold from nothing.
    ///
    /// # Errors
    /// The disk fails, or what is on it contradicts itself.
    pub fn open(
        disk: &MemoryDisk,
        identity: &Identity,
        now: i64,
        mut draw: Draw,
        mutant: Option<Mutant>,
    ) -> Result<BareNode, NodeError> {
        let start = |error: comity_tlog::OpenError| NodeError::Start(error.to_string());
        let logs = identity.logs.clone();
        let mut sequencer = Sequencer::open(disk.open(), logs, &mut draw).map_err(start)?;
        for log in identity.follows() {
            sequencer.follow(log.clone()).map_err(start)?;
        }
        let logs = Simulated { disk: disk.clone(), mutant };
        let mut view = identity.spares.take()?;
        fold::catch_up(&logs, &mut view, &identity.ground)?;
        let known = Known::of(&view)?;
        let collections = vec![desk(&identity.charter)];
        let (identity, draw) = (identity.clone(), RefCell::new(draw));
        Ok(BareNode { sequencer, logs, view, known, identity, collections, now, draw })
    }

    /// What its clock says from now on.
    pub fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// What its clock says.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Whether what is stored is in doubt: the process has to end.
    pub fn is_dead(&self) -> bool {
        self.sequencer.is_dead()
    }

    /// The writer of its logs, to plant a bug in.
    pub fn sequencer(&mut self) -> &mut Sequencer<MemoryStorage> {
        &mut self.sequencer
    }

    fn seal(&self, envelope: Vec<u8>) -> Result<Sealed, NodeError> {
        Sealed::new(envelope, &mut |octets| (self.draw.borrow_mut())(octets))
            .map_err(|error| NodeError::Storage(error.to_string()))
    }

    /// Decides, commits and folds, as the writer does with a group of one job.
    fn group<T>(
        &mut self,
        work: impl FnOnce(&mut Decided, &mut BareNode) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let mut decided = Decided::default();
        let answer = work(&mut decided, self)?;
        let batch = decided.batch();
        if decide::is_empty(&batch) {
            return Ok(answer);
        }
        let committed = self.sequencer.commit(batch, self.now).map_err(failed)?;
        let (entries, arrivals) = decided.folded(&committed);
        self.view.fold(&entries, &arrivals)?;
        Ok(answer)
    }

    /// Takes an object into the desk. Says whether it is new there.
    ///
    /// # Errors
    /// The disk.
    pub fn post(&mut self, object: &[u8], author: &Author) -> Result<bool, NodeError> {
        let Some(collection) = self.collections.first() else { return Ok(false) };
        let facts = &self.identity.ground.judge.facts;
        let (number, own) = (collection.number, &self.identity.headers.party);
        let candidate = admit(object, facts).and_then(|admitted| {
            let (headers, author) = (&self.identity.headers, author.clone());
            let making = Making { headers, author, collection, attested: false, now: self.now };
            let charter = &self.identity.charter;
            let leaving = || share::leaving(charter, own, collection, object, self.now);
            making.candidate(object, admitted, leaving, |envelope| self.seal(envelope))
        });
        let verdicts = self.group(|decided, node| decided.submit(node, number, vec![candidate]))?;
        Ok(verdicts.iter().any(|verdict| matches!(verdict.outcome, Outcome::Stored(_))))
    }

    /// What the desk does with what is written to it from now on: whom it releases it to, if to
    /// anybody, and how many days it lives.
    pub fn set_desk(&mut self, release: Option<ReleaseRule>, expires_days: u32) {
        if let Some(desk) = self.collections.first_mut() {
            desk.release = release;
            desk.expires_days = expires_days;
        }
    }

    /// The parties that a rule of this party comes to.
    pub fn compile(&self, rule: &str, tlp: Tlp) -> Vec<String> {
        let own = &self.identity.headers.party;
        let compiled = Rule::parse(rule)
            .and_then(|rule| self.identity.charter.compile(&rule, own, tlp, self.now));
        compiled.map(|compiled| compiled.parties).unwrap_or_default()
    }

    /// Shares a private entry. Says whether it did.
    ///
    /// # Errors
    /// The disk.
    pub fn share(
        &mut self,
        of: Position,
        rule: &str,
        tlp: Tlp,
        author: &Author,
    ) -> Result<bool, NodeError> {
        let parties = self.compile(rule, tlp);
        let Some(opened) = share::open(&Sources(&self.logs, &self.view), of)? else {
            return Ok(false);
        };
        if parties.is_empty() || !opened.ledger.shared.is_empty() {
            return Ok(false);
        }
        let audience = Audience { rule: rule.to_owned(), parties };
        self.copy(of, &opened, Leaving { tlp, pap: None, audience }, author)
    }

    /// Gives others a copy of an entry. Says whether it did.
    fn copy(
        &mut self,
        of: Position,
        opened: &Opened,
        leaving: Leaving,
        author: &Author,
    ) -> Result<bool, NodeError> {
        let header = self.identity.headers.header(Log::Shared, Kind::Share, author.clone());
        let seal = |header: &Header| self.entry(header, &opened.object);
        let draft = opened.draft(of, header, leaving, self.now, seal)?;
        let copied = self.group(|decided, node| decided.share(node, vec![draft]))?;
        Ok(copied.contains(&Copied::Shared))
    }

    /// Opens a shared entry to more parties. Says whether any of them lacked it.
    ///
    /// # Errors
    /// The disk.
    pub fn grant(
        &mut self,
        position: Position,
        rule: &str,
        tlp: Tlp,
        author: &Author,
    ) -> Result<bool, NodeError> {
        let mut parties = self.compile(rule, tlp);
        let of = self.passed_on(position)?;
        if !of.map_or(Ok(true), |of| self.covers(of, &mut parties))? {
            return Ok(false);
        }
        let (purpose, now) = (self.identity.headers.purpose.clone(), self.now);
        let targets = [Target { position, of, tlp: tlp.label().to_owned(), purpose, parties }];
        let granted =
            self.group(|decided, node| decided.grant(node, rule, &targets, author, now))?;
        Ok(granted.entries > 0)
    }

    /// Takes entries back, wherever they are.
    ///
    /// # Errors
    /// The disk.
    pub fn withdraw(&mut self, of: &[Position], author: &Author) -> Result<usize, NodeError> {
        let now = self.now;
        let removed =
            self.group(|decided, node| decided.withdraw_everywhere(node, of, author, now))?;
        Ok(removed.withdrawn)
    }

    /// Takes an entry out of the desk.
    ///
    /// # Errors
    /// The disk.
    pub fn remove(&mut self, of: Position, author: &Author) -> Result<(), NodeError> {
        let now = self.now;
        self.group(|decided, node| decided.remove(node, DESK, &[of], author, now)).map(drop)
    }

    /// Brings what a peer released into the desk.
    ///
    /// # Errors
    /// The disk.
    pub fn adopt(&mut self, of: Position, author: &Author) -> Result<bool, NodeError> {
        let now = self.now;
        let adopted = self.group(|decided, node| decided.adopt(node, DESK, &[of], author, now))?;
        Ok(adopted.adopted > 0)
    }

    /// Withdraws what has expired.
    ///
    /// # Errors
    /// The disk.
    pub fn sweep(&mut self) -> Result<(), NodeError> {
        let now = self.now;
        self.group(|decided, node| decided.sweep(node, now, SWEPT_AT_A_TIME))
    }

    /// States something to the whole body.
    ///
    /// # Errors
    /// The disk.
    pub fn act(&mut self, kind: Kind, payload: &[u8], author: &Author) -> Result<(), NodeError> {
        let header = Header {
            created: comity_wire::time::Micros(self.now).to_string(),
            ..self.identity.headers.header(Log::Acts, kind, author.clone())
        };
        let sealed = self.entry(&header, payload)?;
        self.group(|decided, _| {
            decided.append(vec![(Log::Acts.id(), sealed)]);
            Ok(())
        })
    }
}

/// What one sweep withdraws.
const SWEPT_AT_A_TIME: usize = 50;

/// The side of its peers.
impl BareNode {
    /// The signed checkpoint of one of its logs.
    pub fn checkpoint(&self, log: Log) -> Option<&str> {
        self.sequencer.head(log.id()).map(|head| head.note.as_str())
    }

    /// The octets of an entry bundle, where the log has got that far.
    ///
    /// # Errors
    /// The disk.
    pub fn bundle(&self, log: Log, path: &TilePath) -> Result<Option<Vec<u8>>, NodeError> {
        let (log, from) = (log.id(), path.n.saturating_mul(u64::from(TILE_WIDTH)));
        let to = from.saturating_add(u64::from(path.width));
        if path.kind != TileKind::Entries || to > self.logs.size(log)? {
            return Ok(None);
        }
        let mut bundle = Vec::new();
        for index in from..to {
            let Some(leaf) = self.logs.commitment(EntryRef { log, index })? else {
                return Ok(None);
            };
            push_record(&mut bundle, &leaf);
        }
        Ok(Some(bundle))
    }

    /// How far a log of a peer is here.
    pub fn place(&self, number: u8) -> Place {
        let follow = self.sequencer.followed(number).cloned().unwrap_or_default();
        let verified = self.sequencer.followed_head(number).map_or(0, |head| head.size);
        Place { verified, staged: follow.staged.size(), scanned: follow.scanned }
    }

    /// Adds leaves of a peer's log.
    ///
    /// # Errors
    /// See [`GrowError`].
    pub fn grow(
        &mut self,
        number: u8,
        note: &str,
        from: u64,
        leaves: &[Commitment],
    ) -> Result<Grown, GrowError> {
        self.sequencer.grow(number, note, from, leaves)
    }

    /// Takes a page of openings of a peer's log. Gives the indices that were set aside, too.
    ///
    /// # Errors
    /// The disk.
    pub fn receive(
        &mut self,
        from: &Peer,
        log: Log,
        page: release::Page,
    ) -> Result<(Received, Vec<u64>), NodeError> {
        let Some(number) = from.log(log) else { return Ok(Default::default()) };
        let (mut openings, mut aside) = (Vec::new(), Vec::new());
        let (mut granted, party) = (receive::Granted::default(), &self.identity.headers.party);
        for opening in page.openings {
            match self.judge(from, log, number, &opening)? {
                Some(good)
                    if !granted.is_for_others(party, &good.header, opening.index)
                        || self.logs.is(Mutant::TrustsAudience) =>
                {
                    openings.push(good);
                }
                _ => aside.push(opening.index),
            }
        }
        if self.logs.is(Mutant::PoisonBlocks) && !aside.is_empty() {
            openings.clear();
        }
        let (scanned, now) = (page.scanned_to, self.now);
        if self.logs.is(Mutant::CursorFirst) {
            self.looked_through(number, scanned)?;
        }
        if self.logs.is(Mutant::WorksPerLeaf) {
            for _ in 0..self.logs.size(number)? {
                self.looked_through(number, self.place(number).scanned)?;
            }
        }
        let page = Page { from: from.clone(), log: number, openings, scanned, now };
        let mut received = self.group(|decided, node| decided.receive(node, page))?;
        received.quarantined = aside.len();
        Ok((received, aside))
    }

    fn judge(
        &self,
        from: &Peer,
        log: Log,
        number: u8,
        opening: &release::Opening,
    ) -> Result<Option<Judged>, NodeError> {
        let entry = EntryRef { log: number, index: opening.index };
        let judge = &self.identity.ground.judge;
        let judged = receive::judge_opening(judge, &self.logs, from, log, entry, opening)?;
        let Ok((header, says)) = judged else { return Ok(None) };
        let salt = comity_tlog::commitment::Salt(opening.salt);
        // Nothing is drawn for what is received, so that whoever opens more draws no other salts.
        let sealed = Sealed::received(salt, opening.envelope.clone(), &mut |octets| {
            octets.iter_mut().zip(opening.salt).for_each(|(slot, octet)| *slot = !octet);
        });
        let sealed = sealed.map_err(|error| NodeError::Storage(error.to_string()))?;
        let complete = matches!(says, Says::Withdraw(_));
        let readers = Readers { callers: 0, complete };
        Ok(Some(Judged { entry, sealed, header, says, readers }))
    }

    /// Forgets how far a peer's log was looked through: everything is asked for again.
    ///
    /// # Errors
    /// The disk.
    pub fn ask_again(&mut self, number: u8) -> Result<(), NodeError> {
        self.looked_through(number, 0)
    }

    fn looked_through(&mut self, number: u8, to: u64) -> Result<(), NodeError> {
        self.group(|decided, _| {
            decided.scanned(number, to);
            Ok(())
        })
    }

    /// The openings from an index on that are for a peer.
    ///
    /// # Errors
    /// The disk.
    pub fn release_to(&self, party: &str, log: Log, from: u64) -> Result<release::Page, NodeError> {
        let own = &self.identity.headers.party;
        if !is_served(&self.identity.charter, own, party, self.now) {
            return Ok(release::Page { openings: Vec::new(), scanned_to: from });
        }
        let sources = Sources(&self.logs, &self.view);
        for_party(&sources, party, log, from, self.now)
    }
}

fn failed(error: CommitError) -> NodeError {
    match error {
        CommitError::StorageFull(_) => NodeError::Full,
        CommitError::Busy(what) => NodeError::Storage(format!("`{what}` is held")),
        CommitError::Refused(what) => NodeError::Storage(what.to_owned()),
        CommitError::Fatal(what) => NodeError::Storage(what),
    }
}

fn desk(charter: &Charter) -> Collection {
    Collection {
        number: DESK,
        id: String::new(),
        title: "Desk".to_owned(),
        description: None,
        alias: None,
        purpose: charter.purposes.first().map_or("", |purpose| purpose.name()).to_owned(),
        grade: None,
        tlp: Tlp::Green.label().to_owned(),
        expires_days: charter.retention_days,
        created: 0,
        release: None,
    }
}
