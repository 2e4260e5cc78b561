//! The thread behind the commit. It folds what was committed, group after group, and only then
//! answers; meanwhile the writer decides and commits the next group.
//!
//! What a group decides may depend on the groups before, so whoever asks the view waits until all
//! of them are folded ([`Folder::view`]). A group of objects that are new asks it nothing
//! (`super::known`), and that is when the two threads run side by side.
//!
//! If the process stops before a group is folded, it is folded at the next start, and its clients,
//! who got no answer, post again.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use comity_tlog::{Committed, Reader};
use comity_view::View;

use crate::fold::{self, Ground};
use crate::heads::Heads;
use crate::node::NodeError;
use crate::writer::Space;
use crate::writer::decide::Decided;
use crate::writer::job::{Answer, fail_all};

/// Groups that may wait to be folded; the writer waits beyond. Each is some megabytes.
const GROUPS_WAITING_MAX: usize = 2;

/// A group that is committed.
pub(super) struct Group {
    pub(super) decided: Decided,
    pub(super) committed: Committed,
    pub(super) answers: Vec<Answer>,
}

/// The writer's end.
pub(super) struct Folder {
    groups: Option<SyncSender<Group>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    view: Mutex<View>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Groups that are handed over and not folded.
    waiting: usize,
    /// Whether entries are committed that the view does not have, for want of space. Nothing
    /// behind them may be folded before them.
    behind: bool,
    /// Why this process has to end, if it has to.
    fatal: Option<String>,
}

impl Folder {
    pub(super) fn start(
        view: View,
        space: Arc<Space>,
        heads: Arc<Heads>,
        fatal: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Folder, NodeError> {
        let shared = Arc::new(Shared {
            view: Mutex::new(view),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (groups, waiting) = sync_channel(GROUPS_WAITING_MAX);
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("folder".to_owned())
            .spawn(move || run(&theirs, &waiting, &space, &heads, &*fatal))
            .map_err(|error| NodeError::Start(format!("the folder's thread: {error}")))?;
        Ok(Folder { groups: Some(groups), thread: Some(thread), shared })
    }

    /// Hands a group over. Where the thread has ended, everybody in it is told so.
    pub(super) fn fold(&self, group: Group) {
        self.shared.state().waiting += 1;
        let Some(groups) = &self.groups else { return };
        if let Err(refused) = groups.send(group) {
            self.shared.done();
            fail_all(refused.0.answers, || NodeError::Stopping);
        }
    }

    /// The view with everything in it that is committed. Waits for it; where there was no space for
    /// it, nothing may be decided by what is there.
    pub(super) fn view(&self) -> Result<MutexGuard<'_, View>, NodeError> {
        if self.shared.settled()? { Err(NodeError::Full) } else { Ok(self.shared.view()) }
    }

    /// Folds what was committed while there was no space for the view.
    pub(super) fn catch_up(&self, log: &Reader, ground: &Ground) -> Result<(), NodeError> {
        if !self.shared.state().behind {
            return Ok(());
        }
        self.shared.settled()?;
        fold::catch_up(log, &mut self.shared.view(), ground)?;
        self.shared.state().behind = false;
        Ok(())
    }

    /// Why this process has to end, if it has to.
    pub(super) fn fatal(&self) -> Option<String> {
        self.shared.state().fatal.clone()
    }

    /// Folds what waits, ends the thread, and leaves the view closed.
    pub(super) fn close(mut self) {
        self.groups = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let Some(shared) = Arc::into_inner(self.shared) else { return };
        let view = shared.view.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = view.close() {
            tracing::warn!(%error, "the view is folded again at the next start");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no group waits to be folded, and says whether the view is behind then. A thread
    /// that has ended folds nothing more: what waits for it waits in vain.
    fn settled(&self) -> Result<bool, NodeError> {
        let mut state = self.state();
        while state.waiting > 0 && state.fatal.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.fatal.is_some() { Err(NodeError::Stopping) } else { Ok(state.behind) }
    }

    fn done(&self) {
        self.state().waiting -= 1;
        self.changed.notify_all();
    }
}

fn run(
    shared: &Shared,
    waiting: &Receiver<Group>,
    space: &Space,
    heads: &Heads,
    fatal: &dyn Fn(&str),
) {
    while let Ok(Group { decided, mut committed, answers }) = waiting.recv() {
        let folded = fold_one(shared, &decided, &committed);
        let moved = std::mem::take(&mut committed.heads);
        drop((decided, committed));
        match folded {
            Ok(()) => {
                if answers.iter().any(|answer| matches!(answer, Answer::Submit(..))) {
                    space.note(false);
                }
                shared.done();
                answers.into_iter().for_each(Answer::succeed);
            }
            // What is committed stays, whatever the view says. Where there is no space to fold
            // it, nobody is told that it can be read; it is folded once there is.
            Err(NodeError::Full) => {
                space.note(true);
                shared.state().behind = true;
                shared.done();
                fail_all(answers, || NodeError::Full);
            }
            Err(error) => {
                let what = format!("the view cannot be written: {error}");
                shared.state().fatal = Some(what.clone());
                shared.done();
                fail_all(answers, || NodeError::Stopping);
                fatal(&what);
                return;
            }
        }
        // Folded or not, what is committed is signed and can be fetched.
        heads.moved(moved);
    }
}

fn fold_one(shared: &Shared, decided: &Decided, committed: &Committed) -> Result<(), NodeError> {
    if shared.state().behind {
        return Err(NodeError::Full);
    }
    let (entries, arrivals) = decided.folded(committed);
    shared.view().fold(&entries, &arrivals)?;
    Ok(())
}
