//! The same service over real sockets, where what is asked is a matter of the transport.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use comity_serve::{Scheme, ServeError, Tls, listen};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ask::Reply;
use super::harness::World;

/// A node that listens.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) scheme: &'static str,
    certificate: Option<CertificateDer<'static>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    _files: tempfile::TempDir,
}

impl Served {
    pub(crate) async fn plain(world: &World) -> Served {
        Served::start(world, Scheme::Plain, None, tempfile::tempdir().unwrap()).await
    }

    /// With a certificate for `localhost` that signs itself.
    pub(crate) async fn tls(world: &World) -> Served {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = tempfile::tempdir().unwrap();
        let certificate = files.path().join("certificate.pem");
        let key_file = files.path().join("key.pem");
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
        let scheme = Scheme::Tls(Arc::new(Tls::read(&certificate, &key_file).unwrap()));
        Served::start(world, scheme, Some(made.cert.der().clone()), files).await
    }

    async fn start(
        world: &World,
        scheme: Scheme,
        certificate: Option<CertificateDer<'static>>,
        files: tempfile::TempDir,
    ) -> Served {
        let (stop, stopped) = oneshot::channel();
        let (ready, told) = oneshot::channel();
        let router = world.router.clone();
        let task = tokio::spawn(async move {
            let ready = |listening: &comity_serve::Listening| {
                let _ = ready.send(listening.clone());
            };
            let stop = async {
                let _ = stopped.await;
            };
            listen(router, "127.0.0.1:0", &scheme, ready, stop).await
        });
        let listening = told.await.unwrap();
        Served {
            address: listening.address,
            scheme: listening.scheme,
            certificate,
            stop,
            task,
            _files: files,
        }
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A TLS connection of one of these versions, which offers one protocol.
    pub(crate) async fn connect_tls(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        protocol: &str,
    ) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone().unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, self.connect().await).await.unwrap()
    }
}

/// Sends requests one after the other over one connection of HTTP/1.1.
pub(crate) async fn http1<S>(stream: S, requests: Vec<Request<Body>>) -> Vec<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let task = tokio::spawn(connection);
    let mut replies = Vec::new();
    for request in requests {
        sender.ready().await.unwrap();
        replies.push(Reply::of(sender.send_request(request).await.unwrap()).await);
    }
    drop(sender);
    task.await.unwrap().unwrap();
    replies
}

/// The same over HTTP/2.
pub(crate) async fn http2<S>(stream: S, requests: Vec<Request<Body>>) -> Vec<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let task = tokio::spawn(connection);
    let mut replies = Vec::new();
    for request in requests {
        sender.ready().await.unwrap();
        replies.push(Reply::of(sender.send_request(request).await.unwrap()).await);
    }
    drop(sender);
    task.await.unwrap().unwrap();
    replies
}

/// Writes octets and reads what comes back until the other side ends.
pub(crate) async fn talk(mut stream: TcpStream, octets: &[u8]) -> Vec<u8> {
    stream.write_all(octets).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}
