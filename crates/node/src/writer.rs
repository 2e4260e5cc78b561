//! The only thread that appends. It takes what waits, commits it as one group, and hands it to the
//! folder, which folds it and answers ([`folder`]).
//!
//! There is no timer: what queued while the last commit ran makes the next group, so a lone
//! client waits for one commit and many share one.

mod adopt;
mod commit;
pub(crate) mod decide;
mod folder;
pub(crate) mod grant;
mod job;
pub(crate) mod known;
mod place;
pub(crate) mod receive;
pub(crate) mod remove;
mod retain;
pub(crate) mod share;

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use comity_gate::Refusal;
use comity_tlog::commitment::Commitment;
use comity_tlog::{
    CommitError, FollowConfig, GrowError, Grown, LogConfig, Reader, Sealed, Sequencer,
    SqliteStorage,
};
use comity_view::{Position, View, query};
use comity_wire::entry::{Author, Header};
use comity_wire::id::Uuid;

use crate::adopt::Adopted;
use crate::ahead::Halt;
use crate::fold::{self, Ground};
use crate::grant::Granted;
use crate::heads::Heads;
use crate::metrics::Metrics;
use crate::node::{NodeError, Surroundings};
use crate::peer::Peer;
use crate::quota::{Pass, Quotas};
use crate::receive::Received;
use crate::retention::Retention;
use crate::stores::Stores;
use crate::submit::{Candidate, Headers, Verdict};
use crate::withdraw::Removed;
use decide::Decided;
use folder::{Folder, Group};
use grant::Target;
use job::{Answer, Job, Reply, answer, fail_all, fail_group};
use known::Known;
use share::{Copied, Draft};

/// Objects that one group takes beyond its first job.
const GROUP_OBJECTS_MAX: usize = 4096;

/// Jobs that may wait; a caller beyond waits itself.
const JOBS_WAITING_MAX: usize = 64;

/// How often left-over erasures are tried again while nothing else happens.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// Microseconds between two looks for what has expired.
const SWEEP_EVERY_MICROS: i64 = 60 * 1_000_000;

/// Entries that one sweep withdraws; the next follows at once where there are more.
const SWEEP_ENTRIES_MAX: usize = 300;

/// The caller's end.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: SyncSender<Job>,
    space: Arc<Space>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub(crate) type Judged = Result<Candidate, Refusal>;

/// Whether there was no space for the last objects.
#[derive(Debug, Default)]
pub(crate) struct Space(AtomicBool);

impl Space {
    fn note(&self, short: bool) {
        self.0.store(short, Ordering::Relaxed);
    }
}

/// What is opened and not running yet.
pub(crate) struct Opened {
    pub(crate) sequencer: Sequencer<SqliteStorage>,
    pub(crate) view: View,
    pub(crate) log: Reader,
    pub(crate) headers: Headers,
    pub(crate) ground: Ground,
    pub(crate) surroundings: Surroundings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) heads: Arc<Heads>,
    /// Why nothing is signed, once it is not.
    pub(crate) halt: Halt,
    /// How long records are kept.
    pub(crate) retention: Option<Retention>,
}

/// What the thread owns.
struct Inner {
    sequencer: Sequencer<SqliteStorage>,
    folder: Folder,
    known: Known,
    log: Reader,
    headers: Headers,
    ground: Ground,
    surroundings: Surroundings,
    space: Arc<Space>,
    metrics: Arc<Metrics>,
    quotas: Arc<Quotas>,
    halt: Halt,
    /// A job that came and has to wait for the next group.
    next: Option<Job>,
    /// When the last sweep was.
    swept: i64,
    /// How long records are kept.
    retention: Option<Retention>,
}

impl Writer {
    /// Starts the thread, and the one behind it.
    pub(crate) fn start(opened: Opened) -> Result<Writer, NodeError> {
        let (jobs, waiting) = sync_channel(JOBS_WAITING_MAX);
        let space = Arc::<Space>::default();
        let Opened { sequencer, view, log, headers, ground, surroundings, metrics, .. } = opened;
        let (quotas, retention, halt) = (opened.quotas, opened.retention, opened.halt);
        let folder = Folder::start(view, space.clone(), opened.heads, surroundings.fatal.clone())?;
        let (known, swept, ours) = (Known::default(), i64::MIN, space.clone());
        let space = ours.clone();
        let mut inner = Inner {
            sequencer,
            folder,
            known,
            log,
            headers,
            ground,
            surroundings,
            space,
            metrics,
            quotas,
            halt,
            next: None,
            swept,
            retention,
        };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                if let Err(fatal) = inner.run(&waiting) {
                    (inner.surroundings.fatal)(&fatal);
                }
                // The connections that write close last: they alone can move the journals into
                // the files.
                drop(inner.log);
                inner.folder.close();
            })
            .map_err(|error| NodeError::Start(format!("the writer's thread: {error}")))?;
        Ok(Writer { jobs, space: ours, thread: Mutex::new(Some(thread)) })
    }

    /// Hands objects over. The answer can be waited for later, so that a caller with more of them
    /// judges the next while these are written. `pass` is the room that a quota gave them.
    pub(crate) fn submit(
        &self,
        collection: u32,
        candidates: Vec<Judged>,
        pass: Option<Pass>,
    ) -> Result<Pending<Vec<Verdict>>, NodeError> {
        self.hand_over(|reply| Job::Submit { collection, candidates, pass, reply })
    }

    pub(crate) fn remove(
        &self,
        collection: u32,
        positions: Vec<Position>,
        author: Author,
        now: i64,
    ) -> Result<Removed, NodeError> {
        self.ask(|reply| Job::Remove { collection, positions, author, now, reply })
    }

    pub(crate) fn withdraw(
        &self,
        positions: Vec<Position>,
        author: Author,
        now: i64,
    ) -> Result<Removed, NodeError> {
        self.ask(|reply| Job::Withdraw { positions, author, now, reply })
    }

    /// Shares private entries; an answer for each.
    pub(crate) fn share(&self, drafts: Vec<Draft>) -> Result<Vec<Copied>, NodeError> {
        self.ask(|reply| Job::Share { drafts, reply })
    }

    /// Opens shared entries to more parties.
    pub(crate) fn grant(
        &self,
        rule: String,
        targets: Vec<Target>,
        author: Author,
        now: i64,
    ) -> Result<Granted, NodeError> {
        self.ask(|reply| Job::Grant { rule, targets, author, now, reply })
    }

    /// Consents to the onward release of shared entries by a party.
    pub(crate) fn consent(
        &self,
        to: String,
        rule: String,
        targets: Vec<Target>,
        author: Author,
        now: i64,
    ) -> Result<Granted, NodeError> {
        self.ask(|reply| Job::Consent { to, rule, targets, author, now, reply })
    }

    /// Appends envelopes that the view has nothing to say about.
    pub(crate) fn append(&self, entries: Vec<(u8, Sealed)>) -> Result<(), NodeError> {
        self.ask(|reply| Job::Append { entries, reply })
    }

    /// Takes up the logs of a peer.
    pub(crate) fn follow(&self, peer: Peer, logs: Vec<FollowConfig>) -> Result<(), NodeError> {
        self.ask(|reply| Job::Follow { peer: Box::new(peer), logs, reply })
    }

    /// Adds leaves of a peer's log.
    pub(crate) fn grow(
        &self,
        log: u8,
        note: String,
        from: u64,
        leaves: Vec<Commitment>,
    ) -> Result<Result<Grown, GrowError>, NodeError> {
        self.ask(|reply| Job::Grow { log, note, from, leaves, reply })
    }

    /// Brings what peers released into a collection of this party's own.
    pub(crate) fn adopt(
        &self,
        collection: u32,
        positions: Vec<Position>,
        author: Author,
        now: i64,
    ) -> Result<Adopted, NodeError> {
        self.ask(|reply| Job::Adopt { collection, positions, author, now, reply })
    }

    /// Keeps what a peer opened.
    pub(crate) fn receive(&self, page: receive::Page) -> Result<Received, NodeError> {
        self.ask(|reply| Job::Receive { page: Box::new(page), reply })
    }

    /// Counts what a collection holds, and from now on with each commit.
    pub(crate) fn count(&self, collection: u32) -> Result<(), NodeError> {
        self.ask(|reply| Job::Count { collection, reply })
    }

    /// Ends the thread once what waits is done, and leaves the view closed.
    pub(crate) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.jobs.send(Job::Stop);
            let _ = thread.join();
        }
    }

    /// Whether there was no space, and no object was stored since.
    pub(crate) fn is_short(&self) -> bool {
        self.space.0.load(Ordering::Relaxed)
    }

    fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, NodeError> {
        self.hand_over(job)?.wait()
    }

    fn hand_over<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<Pending<T>, NodeError> {
        let (reply, answer) = sync_channel(1);
        self.jobs.send(job(reply)).map_err(|_| NodeError::Stopping)?;
        Ok(Pending(answer))
    }
}

/// An answer that will come. Dropping it does not take the job back.
pub(crate) struct Pending<T>(Receiver<Result<T, NodeError>>);

impl<T> Pending<T> {
    pub(crate) fn wait(self) -> Result<T, NodeError> {
        self.0.recv().map_err(|_| NodeError::Stopping)?
    }
}

impl Stores for Inner {
    type Logs = Reader;

    fn logs(&self) -> &Reader {
        &self.log
    }

    fn view(&self) -> Result<impl Deref<Target = View>, NodeError> {
        self.folder.view()
    }

    fn headers(&self) -> &Headers {
        &self.headers
    }

    fn peers(&self) -> &[Peer] {
        &self.ground.peers
    }

    fn now(&self) -> i64 {
        (self.surroundings.now)()
    }

    fn entry(&self, header: &Header, payload: &[u8]) -> Result<Sealed, NodeError> {
        self.surroundings.entry(header, payload)
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

impl Inner {
    /// Until it is told to stop. `Err` is fatal to the process.
    fn run(&mut self, waiting: &Receiver<Job>) -> Result<(), String> {
        self.known = match self.folder.view().and_then(|view| Known::of(&view)) {
            Ok(known) => known,
            Err(error) => return Err(format!("the view cannot be read: {error}")),
        };
        loop {
            self.sweep()?;
            let received = match self.next.take() {
                Some(job) => Ok(job),
                None => waiting.recv_timeout(SETTLE_EVERY),
            };
            let first = match received {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.settle();
                    if let Some(fault) = self.sequencer.take_mark_fault() {
                        tracing::warn!(%fault, "the mark of the heads is not written");
                    }
                    let _ = self.folder.catch_up(&self.log, &self.ground);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let group = self.gather(first, waiting);
            let stop = matches!(group.last(), Some(Job::Stop));
            self.group(group)?;
            if stop {
                return Ok(());
            }
        }
    }

    /// A job, and those that wait and may go with it.
    fn gather(&mut self, first: Job, waiting: &Receiver<Job>) -> Vec<Job> {
        let (mut objects, mut company) = (first.size(), first.company());
        let mut stop = matches!(first, Job::Stop);
        let mut group = vec![first];
        while !stop && objects < GROUP_OBJECTS_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            let Some(together) = company.with(job.company()) else {
                self.next = Some(job);
                break;
            };
            company = together;
            stop = matches!(job, Job::Stop);
            objects += job.size();
            group.push(job);
        }
        group
    }

    /// Withdraws what has expired, now and then.
    fn sweep(&mut self) -> Result<(), String> {
        let now = (self.surroundings.now)();
        // A clock that was set back must not keep the next sweep waiting until it is there again.
        if (0..SWEEP_EVERY_MICROS).contains(&now.saturating_sub(self.swept)) {
            return Ok(());
        }
        let expired = self
            .folder
            .view()
            .and_then(|view| Ok(query::expired(&view, now, SWEEP_ENTRIES_MAX + 1)?.len()));
        if expired.is_ok_and(|expired| expired <= SWEEP_ENTRIES_MAX) {
            self.swept = now;
        }
        self.group(vec![Job::Sweep { now }])
    }

    /// One group: decide, commit, hand over to be folded and answered. `Err` is fatal to the
    /// process.
    fn group(&mut self, group: Vec<Job>) -> Result<(), String> {
        if let Some(fatal) = self.folder.fatal() {
            return Err(fatal);
        }
        if let Err(error) = self.folder.catch_up(&self.log, &self.ground) {
            // Nothing can be decided by a view that lags behind.
            self.space.note(matches!(error, NodeError::Full));
            fail_group(group, &error);
            return Ok(());
        }
        let swept = matches!(group.first(), Some(Job::Sweep { .. }));
        let mut decided = Decided::default();
        let mut answers: Vec<Answer> = Vec::with_capacity(group.len());
        let mut passes = Vec::new();
        for mut job in group {
            passes.extend(job.take_pass());
            let before = decided.mark();
            match self.decide(job, &mut decided) {
                Ok(answer) => answers.extend(answer),
                Err(failed) => {
                    let (answer, error) = *failed;
                    decided.back_to(before);
                    answer.fail(error);
                }
            }
        }
        if self.sequencer.is_dead() {
            fail_all(answers, || NodeError::Stopping);
            return Err("the logs of peers must not be written any more".to_owned());
        }
        let batch = decided.batch();
        if decide::is_empty(&batch) {
            drop(passes);
            answers.into_iter().for_each(Answer::succeed);
            return Ok(());
        }
        if !batch.entries.is_empty()
            && let Some(why) = self.halt.why()
        {
            fail_all(answers, || NodeError::PutBack(why.to_owned()));
            return Ok(());
        }
        match self.commit(batch, swept, passes) {
            Ok(committed) => self.folder.fold(Group { decided, committed, answers }),
            Err(CommitError::StorageFull(_)) => {
                self.space.note(true);
                fail_all(answers, || NodeError::Full);
            }
            Err(CommitError::Busy(what)) => {
                fail_all(answers, || NodeError::Storage(format!("`{what}` is held")));
            }
            Err(CommitError::Refused(what)) => {
                fail_all(answers, || NodeError::Storage(what.to_owned()));
            }
            Err(CommitError::Fatal(what)) => {
                fail_all(answers, || NodeError::Stopping);
                return Err(what);
            }
        }
        Ok(())
    }

    fn decide(
        &mut self,
        job: Job,
        decided: &mut Decided,
    ) -> Result<Option<Answer>, Box<(Answer, NodeError)>> {
        match job {
            Job::Submit { collection, candidates, reply, .. } => {
                answer(Answer::Submit, reply, decided.submit(self, collection, candidates))
            }
            Job::Remove { collection, positions, author, now, reply } => {
                let removed = decided.remove(self, collection, &positions, &author, now);
                answer(Answer::Remove, reply, removed)
            }
            Job::Withdraw { positions, author, now, reply } => {
                let removed = decided.withdraw_everywhere(self, &positions, &author, now);
                answer(Answer::Remove, reply, removed)
            }
            Job::Share { drafts, reply } => {
                answer(Answer::Share, reply, decided.share(self, drafts))
            }
            Job::Grant { rule, targets, author, now, reply } => {
                let granted = decided.grant(self, &rule, &targets, &author, now);
                answer(Answer::Grant, reply, granted)
            }
            Job::Consent { to, rule, targets, author, now, reply } => {
                let granted = decided.consent(self, &to, &rule, &targets, &author, now);
                answer(Answer::Grant, reply, granted)
            }
            Job::Append { entries, reply } => {
                decided.append(entries);
                Ok(Some(Answer::Append(reply)))
            }
            Job::Follow { peer, logs, reply } => {
                let _ = reply.send(self.follow(*peer, logs));
                Ok(None)
            }
            Job::Grow { log, note, from, leaves, reply } => {
                self.grow(log, &note, from, &leaves, &reply);
                Ok(None)
            }
            Job::Adopt { collection, positions, author, now, reply } => {
                let adopted = decided.adopt(self, collection, &positions, &author, now);
                answer(Answer::Adopt, reply, adopted)
            }
            Job::Receive { page, reply } => {
                answer(Answer::Receive, reply, decided.receive(self, *page))
            }
            Job::Count { collection, reply } => {
                answer(|reply, ()| Answer::Append(reply), reply, self.count_held(collection))
            }
            // What goes wrong with a sweep comes up again with the next one.
            Job::Sweep { now } => {
                let before = decided.mark();
                if decided.sweep(self, now, SWEEP_ENTRIES_MAX).is_err() {
                    decided.back_to(before);
                    return Ok(None);
                }
                // What is wrong with old records must not keep what expired, and comes up again.
                let before = decided.mark();
                if decided.retain(self, now).is_err() {
                    decided.back_to(before);
                }
                Ok(None)
            }
            Job::Stop => Ok(None),
        }
    }
}

/// Opens the logs and brings the view up to them: the same path after an orderly end, a crash,
/// and the first start.
pub(crate) fn open(
    directory: &crate::Directory,
    storage: SqliteStorage,
    logs: Vec<LogConfig>,
    followed: Vec<FollowConfig>,
    headers: Headers,
    ground: Ground,
    surroundings: Surroundings,
) -> Result<Opened, NodeError> {
    let random = surroundings.random.clone();
    let mut sequencer = Sequencer::open(storage, logs, &mut |octets| random(octets))
        .map_err(|error| crate::resume::start_error(directory, &error))?;
    for log in followed {
        sequencer.follow(log).map_err(|error| crate::resume::start_error(directory, &error))?;
    }
    let (mut view, opened) = View::open(&directory.view(), &surroundings.boot)?;
    if let comity_view::Opened::Dropped(reason) = opened {
        tracing::info!(reason, "the view is folded from the logs");
    }
    let log = reader(directory.root())?;
    fold::none_lost(&log, &view)?;
    if let Err(NodeError::View(error)) = fold::catch_up(&log, &mut view, &ground) {
        // Damaged, most likely; it holds nothing that the logs do not.
        tracing::warn!(%error, "the view is dropped and folded from the logs");
        drop(view);
        View::drop_file(&directory.view())?;
        view = View::open(&directory.view(), &surroundings.boot)?.0;
        fold::catch_up(&log, &mut view, &ground)?;
    }
    let (metrics, quotas) = (Arc::default(), Arc::default());
    let heads = Arc::new(Heads::of(&log));
    Ok(Opened {
        sequencer,
        view,
        log,
        headers,
        ground,
        surroundings,
        metrics,
        quotas,
        heads,
        halt: Halt::default(),
        retention: None,
    })
}

pub(crate) fn reader(root: &Path) -> Result<Reader, NodeError> {
    Ok(Reader::open(root)?)
}
