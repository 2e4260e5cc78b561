//! Following the peers of a node: one task for each. It hangs a doorbell at the peer's door, pulls
//! what is new when it rings, and asks now and then all the same: whoever loses every ring is late,
//! and misses nothing.

mod doubt;
mod mirrors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use comity_node::contact::Contact;
use comity_node::peer::Peer;
use comity_node::sync::{Ask, Came, Fault, Next, Pull, Room};
use comity_node::{Node, NodeError};
use comity_serve::pinned::Identity;
use comity_tlog::{GrowError, Grown, Verifier};
use comity_wire::entry::Log;
use comity_wire::release::Page;
use comity_wire::time::Micros;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    ANSWER_TIMEOUT, Connection, Doorbell, Patience, PeerError, Ring, WAIT_FIRST, told_of_changes,
};
use crate::surroundings;
use mirrors::Mirrors;

/// The logs of a peer that are followed: first what it states, then what it shares.
const FOLLOWED: [Log; 2] = [Log::Acts, Log::Shared];

/// How often a peer is asked without a ring, at least; with as much again at random, so that nodes
/// that started together do not ask together.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// The last of the waits after failures, which double from the first.
const WAIT_LAST: Duration = Duration::from_secs(120);

/// How often it is looked whether a peer that is waited for came in at the door of this node: a
/// peer that comes in again and again is asked no more often than this.
const CAME_IN_LOOK: Duration = Duration::from_secs(5);

/// Microseconds.
const SECOND: i64 = 1_000_000;

/// Leaves of one log that are kept beyond those that are verified: 350 MB of them.
const LEAVES_MAX: u64 = 10_000_000;

/// Why a pull ended early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// The line, or what came over it.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The peer said what cannot be; another answer may be better.
    #[error("{0}")]
    Said(String),
    /// The peer contradicts what it signed before. No other answer helps.
    #[error("{0}")]
    Contradicts(String),
    /// It has more than the quota of the charter lets in today.
    #[error("{0}")]
    Quota(String),
    /// This node.
    #[error(transparent)]
    Here(#[from] NodeError),
}

/// Follows the peers that the node has, and those that it gets, until it is dropped.
pub(crate) async fn follow(node: Arc<Node>, identity: Arc<Identity>) {
    let changed = told_of_changes(&node);
    let mut tasks = JoinSet::new();
    let mut followed: Vec<Peer> = Vec::new();
    loop {
        let peers = node.peers().unwrap_or_default();
        if peers != followed {
            // One that is found at another address is followed anew; so are the others, which
            // costs a handshake each.
            tasks.abort_all();
            tasks = JoinSet::new();
            for peer in &peers {
                if peer.address.is_empty() {
                    node.meet(&peer.party, Contact::left);
                    continue;
                }
                tasks.spawn(Follower::new(node.clone(), identity.clone(), peer.clone()).run());
            }
            followed = peers;
        }
        changed.notified().await;
    }
}

/// One peer.
struct Follower {
    node: Arc<Node>,
    identity: Arc<Identity>,
    peer: Peer,
    /// The connection that pulls go over, and the ETags of the checkpoints that it brought.
    line: Option<Line>,
    /// Logs whose leaves did not give the root, and that got another chance.
    doubted: BTreeSet<Log>,
    /// The checkpoints that leaves are stored on the way to, over days.
    aimed: BTreeMap<Log, String>,
    /// The last checkpoint that was looked into for a contradiction, without one.
    looked: Option<Vec<u8>>,
    mirrors: Mirrors,
}

struct Line {
    connection: Connection,
    etags: [Option<String>; 2],
    /// That of what it holds of logs of this party and of others.
    mirrored: Option<String>,
}

impl Follower {
    fn new(node: Arc<Node>, identity: Arc<Identity>, peer: Peer) -> Follower {
        let (line, doubted, looked) = (None, BTreeSet::new(), None);
        let (aimed, mirrors) = (BTreeMap::new(), Mirrors::default());
        Follower { node, identity, peer, line, doubted, aimed, looked, mirrors }
    }

    async fn run(mut self) {
        let proven = self.node.evidence(&self.peer.party).unwrap_or_default();
        if let Some(evidence) = proven.into_iter().next() {
            let what = format!("{}: proven, {}", evidence.what, self.shown());
            self.node.meet(&self.peer.party, |contact| contact.halted = Some(what));
        }
        // Others came to be followed, and this one had contradicted itself before.
        if self.node.contact(&self.peer.party).halted.is_some() {
            return;
        }
        let mut wait = WAIT_FIRST;
        loop {
            let began = Instant::now();
            let broken = match self.listen().await {
                Ok(never) => match never {},
                Err(broken) => broken,
            };
            self.line = None;
            // What went well for a while begins with the first wait again.
            if began.elapsed() > WAIT_LAST {
                wait = WAIT_FIRST;
            }
            let asked = put_off(&broken).unwrap_or_default();
            let pause = asked.max(at_random(wait));
            self.note(&broken, pause);
            if let Broken::Contradicts(_) = broken {
                return;
            }
            let came_in = || self.node.contact(&self.peer.party).came_in;
            rest(asked, pause, CAME_IN_LOOK, came_in).await;
            wait = (wait * 2).min(WAIT_LAST);
        }
    }

    /// Hangs a doorbell and pulls when it rings, and now and then. Ends with what went wrong.
    async fn listen(&mut self) -> Result<std::convert::Infallible, Broken> {
        let bell = self.connect().await?.doorbell().await;
        let mut bell = match bell {
            Ok(bell) => Some(bell),
            // Without a bell there is the asking.
            Err(PeerError::Protocol(what)) => {
                tracing::warn!(peer = self.peer.party, what, "no doorbell");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let heard = bell.is_some();
        self.node.meet(&self.peer.party, |contact| contact.doorbell = heard);
        self.pull_all().await?;
        let mut next = Instant::now() + ASK_EVERY + at_random(ASK_EVERY);
        loop {
            match timeout_at(next, ring(&mut bell)).await {
                Ok(Ok(Ring::Heartbeat)) => self.answered(),
                Ok(Ok(Ring::Head { log, size, checkpoint })) => {
                    self.answered();
                    self.node.meet(&self.peer.party, |contact| contact.announces(log, size));
                    self.pull(log, Some((size, checkpoint))).await?;
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    self.pull_all().await?;
                    next = Instant::now() + ASK_EVERY + at_random(ASK_EVERY);
                }
            }
        }
    }

    async fn pull_all(&mut self) -> Result<(), Broken> {
        self.look_at_mirrored().await?;
        let mut over = Ok(());
        for log in FOLLOWED {
            match self.pull(log, None).await {
                // What is verified of the other log opens all the same, withdrawals among it.
                Err(broken @ Broken::Quota(_)) => over = over.and(Err(broken)),
                pulled => pulled?,
            }
        }
        over
    }

    /// The connection that pulls go over.
    async fn line(&mut self) -> Result<&mut Line, Broken> {
        if self.line.is_none() {
            let connection = self.connect().await?;
            self.line = Some(Line { connection, etags: [None, None], mirrored: None });
        }
        self.line.as_mut().ok_or_else(|| Broken::Said("the connection is gone".to_owned()))
    }

    /// Brings one log up to what the peer has of it. `rung` is what a doorbell said.
    async fn pull(&mut self, log: Log, rung: Option<(u64, String)>) -> Result<(), Broken> {
        let Some(number) = self.peer.log(log) else { return Ok(()) };
        // What others hold of it may have convicted it meanwhile.
        if let Some(what) = self.node.contact(&self.peer.party).halted {
            return Err(Broken::Contradicts(what));
        }
        let place = self.node.place(number)?;
        if rung.as_ref().is_some_and(|(size, _)| *size <= place.scanned) {
            return Ok(());
        }
        let verifier = self.verifier(log)?;
        let note = self.aimed.get(&log).cloned().or(rung.map(|(_, note)| note));
        let (mut pull, mut next) = Pull::begin_within(verifier, place, self.room()?, note);
        let (mut etag, mut served, mut ahead) = (None, None, None);
        loop {
            let came = match next {
                Next::Ask(ask) => {
                    let came = match ahead.take() {
                        Some((asked, came)) if asked == ask => came,
                        _ => self.ask(log, &ask, &mut etag).await?,
                    };
                    if let (Ask::Checkpoint, Came::Answer(octets)) = (&ask, &came) {
                        served = Some(octets.clone());
                    }
                    came
                }
                Next::Grow { note, from, leaves } => {
                    self.node.charge_leaves(&self.peer, leaves.len() as u64, self.node.now())?;
                    let (node, copy) = (self.node.clone(), note.clone());
                    let grown = blocking(move || node.grow(number, copy, from, leaves)).await?;
                    // It stays what is aimed at until its root is reached.
                    if !matches!(grown, Ok(Grown::Staged(_))) {
                        self.aimed.remove(&log);
                    }
                    if let Err(error) = grown {
                        return Err(self.refuses(log, &note, &error).await);
                    }
                    Came::Stored(self.node.place(number)?)
                }
                Next::Receive(page) => {
                    self.charge(&page)?;
                    ahead = self.receive(log, page, self.node.place(number)?.verified).await?;
                    Came::Stored(self.node.place(number)?)
                }
                Next::Done => break,
                Next::Failed(ref fault @ Fault::Later { ref note, .. }) => {
                    self.aimed.insert(log, note.clone());
                    return Err(Broken::Quota(fault.to_string()));
                }
                Next::Failed(fault) => {
                    self.aimed.remove(&log);
                    if let (Fault::Older { .. }, Some(note)) = (&fault, served) {
                        self.compare(log, note).await?;
                    }
                    return Err(Broken::Said(fault.to_string()));
                }
            };
            next = pull.next(came);
        }
        self.doubted.remove(&log);
        self.answered();
        if let Some(line) = &mut self.line
            && let Some(slot) = line.etags.get_mut(usize::from(log == Log::Shared))
            && etag.is_some()
        {
            *slot = etag;
        }
        Ok(())
    }

    /// Has a page stored, and asks for the next one meanwhile, as far as leaves are verified. Where
    /// that goes wrong it is asked for again, in its turn.
    async fn receive(
        &mut self,
        log: Log,
        page: Page,
        verified: u64,
    ) -> Result<Option<(Ask, Came)>, Broken> {
        let (node, peer, next) = (self.node.clone(), self.peer.clone(), page.scanned_to);
        let stored = blocking(move || node.receive(&peer, log, page, node.now()));
        if next >= verified {
            stored.await?;
            return Ok(None);
        }
        let ask = Ask::Release(next);
        let mut no_etag = None;
        let (stored, came) = tokio::join!(stored, self.ask_once(log, &ask, &mut no_etag));
        stored?;
        Ok(came.ok().map(|came| (ask, came)))
    }

    /// Asks, and asks again where the peer says when: a long way to catch up is no reason to begin
    /// anew.
    async fn ask(
        &mut self,
        log: Log,
        ask: &Ask,
        etag: &mut Option<String>,
    ) -> Result<Came, Broken> {
        let mut patience = Patience::default();
        loop {
            match self.ask_once(log, ask, etag).await {
                Err(broken) => {
                    if !patience.bears(put_off(&broken)).await {
                        return Err(broken);
                    }
                }
                came => return came,
            }
        }
    }

    async fn ask_once(
        &mut self,
        log: Log,
        ask: &Ask,
        etag: &mut Option<String>,
    ) -> Result<Came, Broken> {
        let line = self.line().await?;
        let known = line.etags.get(usize::from(log == Log::Shared)).cloned().flatten();
        let known = known.filter(|_| *ask == Ask::Checkpoint);
        let path = format!("/log/{}/{}", log.name(), ask.path());
        let answer =
            line.connection.get(&path, known.as_deref(), ask.bytes_max(), ANSWER_TIMEOUT).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.line = None;
                return Err(error.into());
            }
        };
        match answer.status {
            304 => Ok(Came::Unchanged),
            200 => {
                if *ask == Ask::Checkpoint {
                    *etag = answer.etag;
                }
                Ok(Came::Answer(answer.body.to_vec()))
            }
            _ => Err(Broken::Said(format!("it has nothing at `{path}`"))),
        }
    }

    /// Leaves that there is room for: the quota has to leave them.
    fn room(&self) -> Result<Room, Broken> {
        let left = self.node.leaves_left(&self.peer, self.node.now())?;
        Ok(Room { now: left.unwrap_or(LEAVES_MAX), unverified: LEAVES_MAX })
    }

    /// Counts a page before it is taken.
    fn charge(&self, page: &Page) -> Result<(), Broken> {
        let octets: usize = page.openings.iter().map(|one| one.envelope.len()).sum();
        if self.node.charge_octets(&self.peer, octets as u64, self.node.now())? {
            return Ok(());
        }
        let what = "it has more octets of bodies than are taken today; they are on other days";
        Err(Broken::Quota(what.to_owned()))
    }

    async fn connect(&self) -> Result<Connection, Broken> {
        let charter = self.node.charter();
        let genesis = charter.party(&self.peer.party).and_then(|party| party.genesis.as_ref());
        let pin = genesis.map(|genesis| genesis.transport.clone());
        let pin = pin.ok_or_else(|| Broken::Said("the charter has no key of it".to_owned()))?;
        Ok(Connection::open(&self.peer.address, &self.identity, &pin).await?)
    }

    fn verifier(&self, log: Log) -> Result<Verifier, Broken> {
        let verifier = self.node.peer_verifier(&self.peer.party, log)?;
        verifier.ok_or_else(|| Broken::Said("the charter has no key of it".to_owned()))
    }

    async fn refuses(&mut self, log: Log, note: &str, error: &GrowError) -> Broken {
        match error {
            GrowError::Equivocates { .. } => match self.compare(log, note.into()).await {
                Err(broken) => broken,
                Ok(()) => Broken::Contradicts(error.to_string()),
            },
            // Leaves that were staged before may have been the wrong ones; those that come now
            // begin at what is verified.
            GrowError::NotItsTree { .. } if self.doubted.insert(log) => {
                Broken::Said(error.to_string())
            }
            GrowError::NotItsTree { .. } => self.another_branch(log, note, error).await,
            GrowError::Commit(error) => Broken::Here(NodeError::Storage(error.to_string())),
            other => Broken::Said(other.to_string()),
        }
    }

    fn answered(&self) {
        let now = self.node.now();
        self.node.meet(&self.peer.party, |contact| contact.answered(now));
    }

    fn note(&self, broken: &Broken, pause: Duration) {
        let party = &self.peer.party;
        // A refusal stands for as long as it is not asked again; anything else is tried soon.
        let mut fault = broken.to_string();
        if let Broken::Peer(PeerError::Refused { .. }) = broken {
            let micros = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
            let at = Micros(self.node.now().saturating_add(micros) / SECOND * SECOND);
            fault = format!("{fault}; it is asked again at {at}");
        }
        self.node.meet(party, |contact| {
            contact.doorbell = false;
            if let Broken::Contradicts(what) = broken {
                contact.halted = Some(what.clone());
            }
            contact.fault = Some(fault);
        });
        match broken {
            Broken::Contradicts(what) => tracing::error!(peer = party, what, "followed no further"),
            Broken::Peer(PeerError::Unreachable(what)) => {
                tracing::debug!(peer = party, what, "not reached");
            }
            other => tracing::warn!(peer = party, what = %other, "a peer is asked again later"),
        }
    }
}

/// Waits until a peer is asked again. One that comes in at this node's door is there: it is asked
/// then, unless it said itself when.
async fn rest(asked: Duration, pause: Duration, look: Duration, came_in: impl Fn() -> u64) {
    let (before, began) = (came_in(), Instant::now());
    loop {
        sleep(look.min(pause.saturating_sub(began.elapsed()))).await;
        let over = began.elapsed();
        if over >= pause || (over >= asked && over >= look && came_in() != before) {
            return;
        }
    }
}

/// The next ring; without a bell none ever comes.
async fn ring(bell: &mut Option<Doorbell>) -> Result<Ring, PeerError> {
    match bell {
        Some(bell) => bell.next().await,
        None => std::future::pending().await,
    }
}

fn put_off(broken: &Broken) -> Option<Duration> {
    match broken {
        Broken::Peer(error) => error.put_off(),
        _ => None,
    }
}

/// A time between nothing and `most`.
fn at_random(most: Duration) -> Duration {
    let mut octets = [0; 4];
    surroundings::random(&mut octets);
    most.mul_f64(f64::from(u32::from_le_bytes(octets)) / f64::from(u32::MAX))
}

/// Stores are written on threads that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NodeError> + Send + 'static,
) -> Result<T, Broken> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Broken::Here(NodeError::Stopping)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn who_comes_in_is_asked_soon_and_never_before_the_time_that_it_gave() {
        let (long, look) = (Duration::from_secs(3600), Duration::from_millis(20));
        let times = Cell::new(0);
        let each_time = || {
            times.set(times.get() + 1);
            times.get()
        };
        let began = Instant::now();
        rest(Duration::ZERO, long, look, each_time).await;
        assert!(began.elapsed() >= look, "not more often than it is looked");
        let soon = |asked, came_in: fn() -> u64| {
            tokio::time::timeout(look * 5, rest(asked, long, look, came_in))
        };
        assert!(soon(Duration::ZERO, || 7).await.is_err(), "nobody came in");
        let told_when = rest(long, long, look, each_time);
        assert!(tokio::time::timeout(look * 5, told_when).await.is_err());
        rest(Duration::ZERO, look, long, || 7).await;
    }
}
