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
    pub(super) fn new() -> std::io::Result<Signals> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Signals { terminate, interrupt: signal(SignalKind::interrupt())?, left: None })
    }

    /// Counts the end of standard input as a signal. A thread of its own waits for it: one of the
    /// runtime's could not be called back, and would hold up the end of the process.
    pub(super) fn until_stdin_ends(&mut self) -> std::io::Result<()> {
        let (there, left) = oneshot::channel();
        let wait = move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            drop(there);
        };
        std::thread::Builder::new().name("stdin".to_owned()).spawn(wait)?;
        self.left = Some(left);
        Ok(())
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
