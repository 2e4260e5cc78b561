//! The only thread that appends. It takes what waits, commits it as one group, folds it, and
//! answers.
//!
//! There is no timer: what queued while the last commit ran makes the next group, so a lone
//! client waits for one commit and many share one.

pub(crate) mod decide;
mod remove;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use comity_gate::{Facts, Refusal};
use comity_tlog::{CommitError, Committed, LogConfig, Reader, Sequencer, SqliteStorage};
use comity_view::{Position, View, query};
use comity_wire::entry::Author;

use crate::fold;
use crate::node::{NodeError, Surroundings};
use crate::submit::{Candidate, Headers, Verdict};
use crate::withdraw::Removed;
use decide::Decided;

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
    short: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub(crate) type Judged = Result<Candidate, Refusal>;

type Reply<T> = SyncSender<Result<T, NodeError>>;

enum Job {
    Submit {
        collection: u32,
        candidates: Vec<Judged>,
        reply: Reply<Vec<Verdict>>,
    },
    Remove {
        collection: u32,
        positions: Vec<Position>,
        author: Author,
        now: i64,
        reply: Reply<Removed>,
    },
    Append {
        entries: Vec<(u8, Vec<u8>)>,
        reply: Reply<()>,
    },
    Sweep {
        now: i64,
    },
    Stop,
}

/// What the thread owns.
pub(crate) struct Inner {
    pub(crate) sequencer: Sequencer<SqliteStorage>,
    pub(crate) view: View,
    pub(crate) log: Reader,
    pub(crate) headers: Headers,
    pub(crate) facts: Facts,
    pub(crate) surroundings: Surroundings,
    /// Whether entries are committed that the view does not have.
    behind: bool,
    /// Whether there was no space for the last objects.
    short: Arc<AtomicBool>,
    /// When the last sweep was.
    swept: i64,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(inner: Inner) -> Result<Writer, NodeError> {
        let (jobs, waiting) = sync_channel(JOBS_WAITING_MAX);
        let short = inner.short.clone();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(inner, &waiting))
            .map_err(|error| NodeError::Start(format!("the writer's thread: {error}")))?;
        Ok(Writer { jobs, short, thread: Mutex::new(Some(thread)) })
    }

    /// Hands objects over. The answer can be waited for later, so that a caller with more of them
    /// judges the next while these are written.
    pub(crate) fn submit(
        &self,
        collection: u32,
        candidates: Vec<Judged>,
    ) -> Result<Pending<Vec<Verdict>>, NodeError> {
        self.hand_over(|reply| Job::Submit { collection, candidates, reply })
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

    /// Appends envelopes that the view has nothing to say about.
    pub(crate) fn append(&self, entries: Vec<(u8, Vec<u8>)>) -> Result<(), NodeError> {
        self.ask(|reply| Job::Append { entries, reply })
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
        self.short.load(Ordering::Relaxed)
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

fn run(mut inner: Inner, waiting: &Receiver<Job>) {
    loop {
        if let Err(fatal) = inner.sweep() {
            (inner.surroundings.fatal)(&fatal);
            return;
        }
        let first = match waiting.recv_timeout(SETTLE_EVERY) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                // Erasures that a reader stood in the way of. An error here comes up again with
                // the next commit, where somebody hears of it.
                let _ = inner.sequencer.settle();
                let _ = inner.catch_up();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut group = vec![first];
        let mut objects = size(&group);
        let mut stop = matches!(group.last(), Some(Job::Stop));
        while !stop && objects < GROUP_OBJECTS_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            stop = matches!(job, Job::Stop);
            group.push(job);
            objects = size(&group);
        }
        if let Err(fatal) = inner.group(group) {
            (inner.surroundings.fatal)(&fatal);
            return;
        }
        if stop {
            break;
        }
    }
    // The connections that write close last: they alone can move the journals into the files.
    drop(inner.log);
    if let Err(error) = inner.view.close() {
        tracing::warn!(%error, "the view is folded again at the next start");
    }
}

fn size(group: &[Job]) -> usize {
    group
        .iter()
        .map(|job| match job {
            Job::Submit { candidates, .. } => candidates.len(),
            Job::Remove { positions, .. } => positions.len(),
            Job::Append { entries, .. } => entries.len(),
            Job::Sweep { .. } | Job::Stop => 0,
        })
        .sum()
}

impl Inner {
    /// Withdraws what has expired, now and then.
    fn sweep(&mut self) -> Result<(), String> {
        let now = (self.surroundings.now)();
        if now.saturating_sub(self.swept) < SWEEP_EVERY_MICROS {
            return Ok(());
        }
        let more = query::expired(&self.view, now, SWEEP_ENTRIES_MAX + 1);
        if more.is_ok_and(|expired| expired.len() <= SWEEP_ENTRIES_MAX) {
            self.swept = now;
        }
        self.group(vec![Job::Sweep { now }])
    }

    /// One group: decide, commit, fold, answer. `Err` is fatal to the process.
    fn group(&mut self, group: Vec<Job>) -> Result<(), String> {
        if let Err(error) = self.catch_up() {
            // Nothing can be decided by a view that lags behind.
            self.note_space(matches!(error, NodeError::Full));
            return fail_group(group, &error);
        }
        let mut decided = Decided::default();
        let mut answers: Vec<Answer> = Vec::with_capacity(group.len());
        for job in group {
            let before = decided.mark();
            match self.decide(job, &mut decided) {
                Ok(answer) => answers.extend(answer),
                Err((answer, error)) => {
                    decided.back_to(before);
                    answer.fail(error);
                }
            }
        }
        let batch = decided.batch();
        if decide::is_empty(&batch) {
            answers.into_iter().for_each(Answer::succeed);
            return Ok(());
        }
        let now = (self.surroundings.now)();
        let random = self.surroundings.random.clone();
        let committed = self.sequencer.commit(batch, now, &mut |octets| random(octets));
        let committed = match committed {
            Ok(committed) => committed,
            Err(CommitError::StorageFull(_)) => {
                self.note_space(true);
                return fail_all(answers, || NodeError::Full);
            }
            Err(CommitError::Busy(what)) => {
                return fail_all(answers, || NodeError::Storage(format!("`{what}` is held")));
            }
            Err(CommitError::Refused(what)) => {
                return fail_all(answers, || NodeError::Storage(what.to_owned()));
            }
            Err(CommitError::Fatal(what)) => {
                let _ = fail_all(answers, || NodeError::Stopping);
                return Err(what);
            }
        };
        // What is committed stays, whatever the view says. Where there is no space to fold it,
        // nobody is told that it can be read; it is folded once there is.
        match self.fold(&decided, &committed) {
            Ok(()) => {
                if answers.iter().any(|answer| matches!(answer, Answer::Submit(..))) {
                    self.note_space(false);
                }
                answers.into_iter().for_each(Answer::succeed);
            }
            Err(NodeError::Full) => {
                self.note_space(true);
                self.behind = true;
                return fail_all(answers, || NodeError::Full);
            }
            Err(error) => {
                let _ = fail_all(answers, || NodeError::Stopping);
                return Err(format!("the view cannot be written: {error}"));
            }
        }
        Ok(())
    }

    fn note_space(&self, short: bool) {
        self.short.store(short, Ordering::Relaxed);
    }

    /// Folds what was committed while there was no space for the view.
    fn catch_up(&mut self) -> Result<(), NodeError> {
        if self.behind {
            fold::catch_up(&self.log, &mut self.view, &self.facts)?;
            self.behind = false;
        }
        Ok(())
    }

    fn decide(
        &self,
        job: Job,
        decided: &mut Decided,
    ) -> Result<Option<Answer>, (Answer, NodeError)> {
        match job {
            Job::Submit { collection, candidates, reply } => {
                match decided.submit(self, collection, candidates) {
                    Ok(verdicts) => Ok(Some(Answer::Submit(reply, verdicts))),
                    Err(error) => Err((Answer::Submit(reply, Vec::new()), error)),
                }
            }
            Job::Remove { collection, positions, author, now, reply } => {
                match decided.remove(self, collection, &positions, &author, now) {
                    Ok(removed) => Ok(Some(Answer::Remove(reply, removed))),
                    Err(error) => Err((Answer::Remove(reply, Removed::default()), error)),
                }
            }
            Job::Append { entries, reply } => {
                decided.append(entries);
                Ok(Some(Answer::Append(reply)))
            }
            // What goes wrong with a sweep comes up again with the next one.
            Job::Sweep { now } => {
                let before = decided.mark();
                if decided.sweep(self, now, SWEEP_ENTRIES_MAX).is_err() {
                    decided.back_to(before);
                }
                Ok(None)
            }
            Job::Stop => Ok(None),
        }
    }

    fn fold(&mut self, decided: &Decided, committed: &Committed) -> Result<(), NodeError> {
        let (entries, arrivals) = decided.folded(committed);
        self.view.fold(&entries, &arrivals)?;
        Ok(())
    }
}

/// Who waits for what.
enum Answer {
    Submit(Reply<Vec<Verdict>>, Vec<Verdict>),
    Remove(Reply<Removed>, Removed),
    Append(Reply<()>),
}

impl Answer {
    // A caller that went away is no reason to stop.
    fn succeed(self) {
        match self {
            Answer::Submit(reply, verdicts) => drop(reply.send(Ok(verdicts))),
            Answer::Remove(reply, removed) => drop(reply.send(Ok(removed))),
            Answer::Append(reply) => drop(reply.send(Ok(()))),
        }
    }

    fn fail(self, error: NodeError) {
        match self {
            Answer::Submit(reply, _) => drop(reply.send(Err(error))),
            Answer::Remove(reply, _) => drop(reply.send(Err(error))),
            Answer::Append(reply) => drop(reply.send(Err(error))),
        }
    }
}

fn fail_group(group: Vec<Job>, error: &NodeError) -> Result<(), String> {
    let full = matches!(error, NodeError::Full);
    let told = || {
        if full { NodeError::Full } else { NodeError::Storage(error.to_string()) }
    };
    for job in group {
        match job {
            Job::Submit { reply, .. } => drop(reply.send(Err(told()))),
            Job::Remove { reply, .. } => drop(reply.send(Err(told()))),
            Job::Append { reply, .. } => drop(reply.send(Err(told()))),
            Job::Sweep { .. } | Job::Stop => {}
        }
    }
    Ok(())
}

fn fail_all(answers: Vec<Answer>, error: impl Fn() -> NodeError) -> Result<(), String> {
    answers.into_iter().for_each(|answer| answer.fail(error()));
    Ok(())
}

/// Opens the logs and brings the view up to them: the same path after an orderly end, a crash,
/// and the first start.
pub(crate) fn open(
    directory: &crate::Directory,
    logs: Vec<LogConfig>,
    headers: Headers,
    facts: &Facts,
    surroundings: Surroundings,
) -> Result<Inner, NodeError> {
    let storage = SqliteStorage::open(directory.root())
        .map_err(|error| NodeError::Start(error.to_string()))?;
    let random = surroundings.random.clone();
    let sequencer = Sequencer::open(storage, logs, &mut |octets| random(octets))
        .map_err(|error| NodeError::Start(error.to_string()))?;
    let (mut view, opened) = View::open(&directory.view(), &surroundings.boot)?;
    if let comity_view::Opened::Dropped(reason) = opened {
        tracing::info!(reason, "the view is folded from the logs");
    }
    let log = reader(directory.root())?;
    if let Err(NodeError::View(error)) = fold::catch_up(&log, &mut view, facts) {
        // Damaged, most likely; it holds nothing that the logs do not.
        tracing::warn!(%error, "the view is dropped and folded from the logs");
        drop(view);
        View::drop_file(&directory.view())?;
        view = View::open(&directory.view(), &surroundings.boot)?.0;
        fold::catch_up(&log, &mut view, facts)?;
    }
    let facts = facts.clone();
    let (behind, short, swept) = (false, Arc::default(), i64::MIN);
    Ok(Inner { sequencer, view, log, headers, facts, surroundings, behind, short, swept })
}

pub(crate) fn reader(root: &Path) -> Result<Reader, NodeError> {
    Reader::open(root).map_err(|error| NodeError::Storage(error.to_string()))
}
