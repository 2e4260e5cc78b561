//! Two nodes: blue, which serves, and red, whose key blue's charter has. And green, whose it has
//! not.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use comity_charter::{Charter, Standing};
use comity_node::{Directory, Node};
use comity_serve::peer::{Door, Limits, Parties, listen};
use comity_serve::pinned::Identity;
use comity_serve::{Listening, ServeError};
use comity_wire::entry::{Author, Kind};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::command::{certificate, peer};
use crate::peer::{Answer, Connection, PeerError};
use crate::surroundings;

/// Nothing takes as long as this on a machine that works at all.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// More than any answer here has.
pub(super) const PLENTY: usize = 64 * 1024 * 1024;

/// A node's directory that was made, with its key for peers.
pub(super) fn made(party: &str, charter: &str) -> (TempDir, Identity) {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::new(place.path().join("node"));
    Node::make(&directory, party, charter, &surroundings::real()).unwrap();
    let identity = certificate::transport(&directory).unwrap();
    (place, identity)
}

pub(super) fn alone(party: &str) -> (TempDir, Identity) {
    made(party, &comity_charter::one_party(party, party))
}

/// Blue's charter: blue, and red with its keys.
pub(super) fn charter(red: &TempDir) -> String {
    let genesis = peer::table(&peer::genesis(&red.path().join("node")).unwrap());
    let party =
        format!("[[party]]\nid = \"red\"\nname = \"Red\"\ntier = \"member\"\n\n{genesis}\n");
    comity_charter::one_party("blue", "Blue").replace("[handling]", &format!("{party}[handling]"))
}

/// A node that serves peers.
pub(super) struct Stage {
    pub(super) node: Arc<Node>,
    pub(super) address: SocketAddr,
    pub(super) blue: Identity,
    pub(super) red: Identity,
    /// The charter that the door looks at, which may change.
    pub(super) charter: Arc<RwLock<Charter>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    places: [TempDir; 2],
}

impl Stage {
    pub(super) async fn new() -> Stage {
        Stage::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Stage {
        let (red_place, red) = alone("red");
        let text = charter(&red_place);
        let (place, blue) = made("blue", &text);
        let directory = Directory::new(place.path().join("node"));
        let own = peer::keys(&peer::genesis(directory.root()).unwrap());
        let text = comity_charter::with_geneses(&text, &[("blue".to_owned(), own)].into()).unwrap();
        Node::found_under(&directory, &text, &[], None).unwrap();
        let node = Arc::new(Node::open(directory, surroundings::real()).unwrap());
        let charter = Arc::new(RwLock::new(comity_charter::parse(&text).unwrap()));
        let door = Door::new(node.clone(), parties(charter.clone()), limits);
        let (stop, stopped) = oneshot::channel();
        let (ready, told) = oneshot::channel();
        let identity = blue.clone();
        let task = tokio::spawn(async move {
            let ready = |listening: &Listening| {
                let _ = ready.send(listening.address);
            };
            listen(door, &identity, "127.0.0.1:0", ready, async {
                let _ = stopped.await;
            })
            .await
        });
        let address = told.await.unwrap();
        Stage { node, address, blue, red, charter, stop, task, places: [place, red_place] }
    }

    /// A connection of red's.
    pub(super) async fn open(&self) -> Connection {
        let address = self.address.to_string();
        Connection::open(&address, &self.red, self.blue.pin()).await.unwrap()
    }

    /// Blue states something, and its log `acts` is one entry longer.
    pub(super) fn state(&self) {
        self.state_octets(1);
    }

    /// The same with so many octets in it.
    pub(super) fn state_octets(&self, octets: usize) {
        let author = Author { role: "operator".to_owned(), pseudonym: "u-exercise".to_owned() };
        let payload = json!({ "EXERCISE": "x".repeat(octets) });
        self.node.act(&author, &[(Kind::Record, payload)]).unwrap();
    }

    /// No party but blue is left in the charter.
    pub(super) fn expel_red(&self) {
        let text = comity_charter::one_party("blue", "Blue");
        let mut charter = self.charter.write().unwrap_or_else(PoisonError::into_inner);
        *charter = comity_charter::parse(&text).unwrap();
    }

    /// A connection of TLS that shows red's key, and what `change` makes of its configuration.
    pub(super) async fn tls(
        &self,
        change: impl FnOnce(&mut ClientConfig),
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = self.red.client(self.blue.pin()).unwrap();
        change(&mut config);
        self.tls_with(Arc::new(config)).await
    }

    pub(super) async fn tls_with(
        &self,
        config: Arc<ClientConfig>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("peer.invalid").unwrap();
        TlsConnector::from(config).connect(name, stream).await
    }

    /// Writes octets as red, and reads until blue ends the connection.
    pub(super) async fn talk(&self, octets: &[u8]) -> String {
        let mut stream = self.tls(|_| ()).await.unwrap();
        let _ = stream.write_all(octets).await;
        let mut answer = Vec::new();
        // A reset after the answer is an end as well.
        let _ = within(stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        within(self.task).await.unwrap().unwrap();
    }
}

/// As `Node::peer_of`, of a charter that may change.
fn parties(charter: Arc<RwLock<Charter>>) -> Arc<Parties> {
    Arc::new(move |pin| {
        let charter = charter.read().unwrap_or_else(PoisonError::into_inner);
        let party = charter.party_of_transport(pin)?;
        matches!(charter.standing(&party.id, 0), Standing::In(_)).then(|| party.id.clone())
    })
}

pub(super) async fn get(connection: &mut Connection, path: &str) -> Result<Answer, PeerError> {
    connection.get(path, None, PLENTY, PATIENCE).await
}

/// What does not end in time does not end.
#[track_caller]
pub(super) fn within<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let at = std::panic::Location::caller();
    async move {
        let ended = tokio::time::timeout(PATIENCE, what).await;
        ended.unwrap_or_else(|_| panic!("{at}: waited in vain"))
    }
}

impl Stage {
    /// Where red's certificate is.
    pub(super) fn red_certificate(&self) -> std::path::PathBuf {
        self.places[1].path().join("node/keys/transport.crt")
    }
}
