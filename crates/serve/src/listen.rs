//! From a listening socket to connections: TLS where it is wanted, limits, an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::host::Ends;
use crate::stream::Patient;
use crate::tls::Tls;

/// Connections at a time; each may hold a socket and some buffers. More wait in the backlog.
const CONNECTIONS_MAX: usize = 1024;

/// How long a client may take for a TLS handshake, and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long connections may take to end once the node stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Octets of the head of a request: 500 identifiers in a filter, and then some.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Fields of the head of a request over HTTP/1.1: no client sends half as many.
const HEAD_FIELDS_MAX: usize = 100;

/// Octets of the head of a request over HTTP/2, names and values, and 32 for each field.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

/// Requests at a time over one connection of HTTP/2: as many as its authors recommend at least.
const STREAMS_MAX: u32 = 100;

/// Streams of HTTP/2 that a client opened and took back before they were looked at. More end the
/// connection: opening and taking back costs it nothing (CVE-2023-44487).
const RESETS_PENDING_MAX: usize = 20;

/// Streams of HTTP/2 that broke the protocol, over one connection. More end it.
const RESETS_OF_ERRORS_MAX: usize = 100;

/// Octets of an answer that wait in one stream of HTTP/2.
const STREAM_BUFFER_BYTES: usize = 256 * 1024;

/// How often a client of HTTP/2 is asked whether it is still there, and how long it may take to
/// say so.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// How a socket is served.
#[derive(Debug, Clone)]
pub enum Scheme {
    /// HTTP, on this machine only.
    Plain,
    /// HTTP, wherever; somebody asked for it by name.
    PlainAnywhere,
    /// HTTPS, TLS 1.3.
    Tls(Arc<Tls>),
}

/// A socket that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
}

/// Why a socket is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain HTTP beyond this machine.
    #[error(
        "plain HTTP on `{0}`, which is not this machine alone; give --tls, or --tls-certificate and --tls-key, or --plain-http-anywhere behind a proxy that does TLS"
    )]
    Plain(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on `{address}`: {source}")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate or key.
    #[error("`{path}`: {what}")]
    Tls {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
}

/// Serves until `stop` is done, then lets open requests end. `ready` is called once connections
/// are accepted.
pub async fn listen(
    router: Router,
    address: &str,
    scheme: &Scheme,
    ready: impl FnOnce(&Listening),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bind = |source| ServeError::Bind { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let local = listener.local_addr().map_err(bind)?;
    if matches!(scheme, Scheme::Plain) && !local.ip().is_loopback() {
        return Err(ServeError::Plain(local));
    }
    let tls = match scheme {
        Scheme::Tls(tls) => Some(tls.clone()),
        Scheme::Plain | Scheme::PlainAnywhere => None,
    };
    let name = if tls.is_some() { "https" } else { "http" };
    ready(&Listening { address: local, scheme: name });
    let server = Server { router, tls };
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &slots) => {
                if let Some((stream, slot)) = accepted {
                    let connection = server.clone().connection(stream, graceful.watcher());
                    let open = crate::metrics::Counted::connection();
                    tokio::spawn(async move {
                        connection.await;
                        drop((slot, open));
                    });
                }
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
    Ok(())
}

/// The next connection, once there is a place for it.
pub(crate) async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are written whole; waiting for more only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, slot))
        }
        Err(error) => {
            // Out of descriptors, most likely: give connections time to end.
            tracing::warn!(%error, "a connection cannot be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<Arc<Tls>>,
}

impl Server {
    async fn connection(self, stream: TcpStream, watcher: Watcher) {
        // A socket that has no ends is closed already.
        let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let ends = Ends::new(peer, local);
        let Some(tls) = self.tls.clone() else { return self.http(stream, ends, watcher).await };
        match tokio::time::timeout(HEAD_TIMEOUT, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream, ends, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn http(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        ends: Ends,
        watcher: Watcher,
    ) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(HEAD_FIELDS_MAX)
            .max_buf_size(HEAD_BYTES_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
            .max_local_error_reset_streams(RESETS_OF_ERRORS_MAX)
            .max_send_buf_size(STREAM_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_header_list_size(HEADER_LIST_BYTES_MAX);
        let ended = tower::ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ends);
                request
            })
            .service(self.router);
        let service = TowerToHyperService::new(ended);
        let stream = TokioIo::new(Patient::new(stream));
        let connection = builder.serve_connection(stream, service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
