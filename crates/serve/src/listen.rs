//! From a listening socket to connections: TLS where it is wanted, limits, an orderly end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// Connections at a time; each may hold a socket and some buffers. More wait in the backlog.
const CONNECTIONS_MAX: usize = 1024;

/// How long a client may take for a TLS handshake, and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long connections may take to end once the node stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Octets of the head of a request: 500 identifiers in a filter, and then some.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How a socket is served.
#[derive(Debug, Clone)]
pub enum Scheme {
    /// HTTP, on this machine only.
    Plain,
    /// HTTP, wherever; somebody asked for it by name.
    PlainAnywhere,
    /// HTTPS, TLS 1.2 or later.
    Tls {
        /// The certificate chain, PEM.
        certificate: PathBuf,
        /// Its private key, PEM.
        key: PathBuf,
    },
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
        "plain HTTP on `{0}`, which is not this machine alone; give --tls-certificate and --tls-key, or --plain-http-anywhere behind a proxy that does TLS"
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
    let tls = acceptor(scheme)?;
    let name = if tls.is_some() { "https" } else { "http" };
    ready(&Listening { address: local, scheme: name });
    let server = Server { router, tls, slots: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = server.accept(&listener) => {
                if let Some((stream, slot)) = accepted {
                    let connection = server.clone().connection(stream, graceful.watcher());
                    let open = crate::metrics::Connection::open();
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

#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    slots: Arc<Semaphore>,
}

impl Server {
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let slot = self.slots.clone().acquire_owned().await.ok()?;
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

    async fn connection(self, stream: TcpStream, watcher: Watcher) {
        match self.tls.clone() {
            None => self.http(stream, watcher).await,
            Some(tls) => match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, watcher).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, watcher: Watcher) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(64 * 1024);
        let service = TowerToHyperService::new(self.router);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn acceptor(scheme: &Scheme) -> Result<Option<TlsAcceptor>, ServeError> {
    let Scheme::Tls { certificate, key } = scheme else {
        return Ok(None);
    };
    let fault =
        |path: &Path, what: String| ServeError::Tls { path: path.display().to_string(), what };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| fault(certificate, error.to_string()))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| fault(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
