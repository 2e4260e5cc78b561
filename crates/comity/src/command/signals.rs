//! What tells a process to stop: SIGTERM and Ctrl-C, each time, and where it is wanted the end of
//! standard input.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Ends with standard input.
    left: Option<oneshot::Receiver<()>>,
}

impl Signals {
    /// Listens; `until_stdin_ends` counts the end of standard input as a signal.
    pub(super) fn new(until_stdin_ends: bool) -> std::io::Result<Signals> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let left = until_stdin_ends.then(end_of_stdin).transpose()?;
        Ok(Signals { terminate, interrupt, left })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = ended(&mut self.left) => {}
        }
    }
}

/// Waits for the end, which comes once.
async fn ended(left: &mut Option<oneshot::Receiver<()>>) {
    match left {
        Some(end) => {
            let _ = end.await;
            *left = None;
        }
        None => std::future::pending().await,
    }
}

/// Ends with standard input. A thread of its own waits for that: one of the runtime's could not be
/// called back, and would hold up the end of the process.
fn end_of_stdin() -> std::io::Result<oneshot::Receiver<()>> {
    let (there, left) = oneshot::channel();
    let wait = move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(there);
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(wait)?;
    Ok(left)
}
