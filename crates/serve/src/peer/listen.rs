//! From a listening socket to connections of parties. A stranger holds a place for a handshake,
//! for a short time; only a party in standing gets one for a connection.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::party::Shown;
use super::{
    CONNECTIONS_MAX, DRAIN_TIMEOUT, Door, HANDSHAKES_MAX, HANDSHAKES_OF_ADDRESS_MAX,
    HEAD_BYTES_MAX, HEAD_FIELDS_MAX,
};
use crate::alive::notice_the_end;
use crate::limit::network;
use crate::listen::{Listening, ServeError, accept};
use crate::metrics::Counted;
use crate::pinned::{Identity, UnknownKey, pin_of};
use crate::stream::Patient;

/// Serves peers until `stop` is done, then lets open requests end. `ready` is called once
/// connections are accepted.
pub async fn listen(
    door: Arc<Door>,
    identity: &Identity,
    address: &str,
    ready: impl FnOnce(&Listening),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bind = |source| ServeError::Bind { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let local = listener.local_addr().map_err(bind)?;
    let parties = door.parties.clone();
    let config = identity.server(Arc::new(move |pin| parties(pin).is_some()));
    let config = config.map_err(|error| ServeError::Tls {
        path: "the key for peers".to_owned(),
        what: error.to_string(),
    })?;
    let server = Server {
        router: super::router(door.clone()),
        acceptor: TlsAcceptor::from(Arc::new(config)),
        connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        strangers: Arc::default(),
        door,
    };
    ready(&Listening { address: local, scheme: "https" });
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &handshakes) => {
                if let Some((stream, place)) = accepted {
                    tokio::spawn(server.clone().connection(stream, place, graceful.watcher()));
                }
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    server.door.stopping.send_replace(true);
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
    Ok(())
}

#[derive(Clone)]
struct Server {
    door: Arc<Door>,
    router: Router,
    acceptor: TlsAcceptor,
    connections: Arc<Semaphore>,
    strangers: Arc<Strangers>,
}

impl Server {
    async fn connection(self, stream: TcpStream, place: OwnedSemaphorePermit, watcher: Watcher) {
        // A socket that has no ends is closed already.
        let Ok(peer) = stream.peer_addr() else { return };
        if let Err(error) = notice_the_end(&stream) {
            tracing::warn!(%error, "a connection of a peer that goes dead is noticed late");
        }
        let Some(one) = self.strangers.enter(network(peer.ip().to_canonical())) else { return };
        let Some(stream) = self.handshake(stream).await else { return };
        let pin = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let Some(pin) = pin.and_then(|certificate| pin_of(certificate).ok()) else { return };
        let Some(party) = (self.door.parties)(&pin) else {
            return self.door.told.turned_away(&pin);
        };
        let Ok(slot) = self.connections.clone().try_acquire_owned() else {
            return tracing::warn!("a peer is turned away: too many connections of peers");
        };
        drop((one, place));
        let end = Arc::<Notify>::default();
        let inside = self.door.guests.of(&party).enter(end.clone());
        let open = Counted::peer();
        let shown = Shown { pin: pin.into(), end: end.clone() };
        tokio::select! {
            () = self.http(stream, shown, watcher) => {}
            () = end.notified() => {}
        }
        drop((inside, slot, open));
    }

    async fn handshake(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let limit = self.door.limits.handshake;
        let error = match tokio::time::timeout(limit, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::debug!("a TLS handshake of a peer took too long");
                return None;
            }
        };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner.and_then(UnknownKey::of) {
            Some(unknown) => self.door.told.turned_away(&unknown.pin),
            None => tracing::debug!(%error, "a TLS handshake of a peer failed"),
        }
        None
    }

    async fn http(&self, stream: TlsStream<TcpStream>, shown: Shown, watcher: Watcher) {
        let limits = self.door.limits;
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_headers(HEAD_FIELDS_MAX)
            .max_buf_size(HEAD_BYTES_MAX);
        let router = self.router.clone();
        let service = tower::ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(shown.clone());
                request
            })
            .service(router);
        // The head has a time limit of its own, the first one too.
        let stream = Patient::with(stream, limits.head, limits.write, limits.idle);
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection of a peer ended early");
        }
    }
}

/// Handshakes under way, by where they come from. There are [`HANDSHAKES_MAX`] at most.
#[derive(Default)]
struct Strangers(Mutex<BTreeMap<IpAddr, usize>>);

impl Strangers {
    fn enter(self: &Arc<Strangers>, from: IpAddr) -> Option<Stranger> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(from).or_default();
        if *count >= HANDSHAKES_OF_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Stranger { all: self.clone(), from })
    }
}

struct Stranger {
    all: Arc<Strangers>,
    from: IpAddr,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut counts = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}
