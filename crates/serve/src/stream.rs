//! A stream that does not wait for ever: for the first octets, for one that never reads its answer,
//! for one that says nothing at all.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the first octets may take: until they are here nobody knows whether HTTP/1.1 or
/// HTTP/2 is spoken, and the time limit of neither runs.
const FIRST_TIMEOUT: Duration = Duration::from_secs(15);

/// Octets by which that is known: the preface of HTTP/2 has so many.
const FIRST_OCTETS: usize = 24;

/// How long not one octet of an answer may be taken. A page waits in memory and holds a row of the
/// pool meanwhile.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long nothing at all may move in either direction; up to twice that where something did just
/// before. Beyond the longest that a request of the largest size is judged, and below what
/// firewalls forget.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// A stream with time limits. Timers are made only where something has to be waited for.
pub(crate) struct Patient<S> {
    stream: S,
    write_timeout: Duration,
    idle_timeout: Duration,
    first: Option<Pin<Box<Sleep>>>,
    octets: usize,
    writing: Option<Pin<Box<Sleep>>>,
    idle: Option<Pin<Box<Sleep>>>,
    moved: bool,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S) -> Patient<S> {
        Patient::with(stream, FIRST_TIMEOUT, WRITE_TIMEOUT, IDLE_TIMEOUT)
    }

    /// With other time limits.
    pub(crate) fn with(
        stream: S,
        first: Duration,
        write_timeout: Duration,
        idle_timeout: Duration,
    ) -> Patient<S> {
        let first = Some(Box::pin(sleep(first)));
        let (writing, idle) = (None, None);
        let (octets, moved) = (0, false);
        Patient { stream, write_timeout, idle_timeout, first, octets, writing, idle, moved }
    }

    /// Nothing came: is it still worth waiting?
    fn wait_for_octets(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(first) = &mut self.first
            && first.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(late("the first octets take too long"));
        }
        loop {
            let timeout = self.idle_timeout;
            let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(timeout)));
            ready!(idle.as_mut().poll(context));
            // Looked at only when the time is over, so that a busy stream sets no timers.
            if !std::mem::take(&mut self.moved) {
                return Poll::Ready(late("nothing moves"));
            }
            self.idle = None;
        }
    }

    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            (self.first, self.writing, self.moved) = (None, None, true);
            return result;
        }
        let timeout = self.write_timeout;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(writing.as_mut().poll(context));
        Poll::Ready(Err(late("the answer is not read")))
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(result) => {
                self.moved = true;
                self.octets = self.octets.saturating_add(buffer.filled().len() - before);
                if self.octets >= FIRST_OCTETS {
                    self.first = None;
                }
                Poll::Ready(result)
            }
            Poll::Pending => self.wait_for_octets(context).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, octets);
        self.written(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            // Nothing may have been written: that is no sign of life.
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.written(context, Poll::Pending),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, result)
    }
}
