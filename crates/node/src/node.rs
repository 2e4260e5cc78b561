//! A node: its directory opened, its writer running, its doors for the HTTP surface and the
//! command line.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comity_charter::{Charter, RuleError};
use comity_gate::Facts;
use comity_tlog::{ReadError, Sealed, Verifier};
use comity_view::ViewError;
use comity_wire::entry::{self, Author, Header, Kind, Log};
use comity_wire::id::Uuid;
use comity_wire::time::Micros;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ahead::Halt;
use crate::audit::{self, Access, Waiting};
use crate::bells::Bells;
use crate::collection::Catalog;
use crate::config::{Config, ConfigError};
use crate::conflict::Compared;
use crate::contact::Contacts;
use crate::directory::{Directory, DirectoryError, Lock};
use crate::evidence::Skeletons;
use crate::fold::Ground;
use crate::genesis;
use crate::heads::Heads;
use crate::judge::Judge;
use crate::keys::{self, KeyError};
use crate::local::{Local, LocalError};
use crate::metrics::Metrics;
use crate::password::{Checked, Passwords};
use crate::peer;
use crate::query::Pool;
use crate::quota::{Exceeded, Quotas};
use crate::reserve::Reserve;
use crate::resume;
use crate::retention::Retention;
use crate::submit::Headers;
use crate::succession;
use crate::terms;
use crate::writer::{self, Writer};

/// Fills a buffer with random octets.
pub type Random = dyn Fn(&mut [u8]) + Send + Sync;

/// Octets that are free on the file system of a path, where the system says so.
pub type Free = dyn Fn(&Path) -> Option<u64> + Send + Sync;

/// What the process gives a node: time, randomness, a name of this boot, and a way to end it.
#[derive(Clone)]
pub struct Surroundings {
    /// Microseconds since 1970.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Time since the process began. It never jumps, so that durations can be taken.
    pub monotonic: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Free space.
    pub free: Arc<Free>,
    /// Fills a buffer from the system's generator.
    pub random: Arc<Random>,
    /// Names this boot of the machine.
    pub boot: String,
    /// Ends the process: what is stored is in doubt, and only a new start finds out.
    pub fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Surroundings")
    }
}

impl Surroundings {
    /// Seals an envelope under a salt and a data key that are drawn for it.
    pub(crate) fn seal(&self, envelope: Vec<u8>) -> Result<Sealed, NodeError> {
        Sealed::new(envelope, &mut |octets| (self.random)(octets))
            .map_err(|error| NodeError::Storage(error.to_string()))
    }

    /// An entry of the node's own making, sealed.
    pub(crate) fn entry(&self, header: &Header, payload: &[u8]) -> Result<Sealed, NodeError> {
        let envelope = entry::encode(header, payload)
            .map_err(|error| NodeError::Storage(error.to_string()))?;
        self.seal(envelope)
    }
}

/// What can go wrong with a node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The charter, with every fault on a line.
    #[error("the charter does not load:\n{0}")]
    Charter(String),
    /// Local state.
    #[error(transparent)]
    Local(LocalError),
    /// The view.
    #[error(transparent)]
    View(ViewError),
    /// The logs.
    #[error("{0}")]
    Storage(String),
    /// The node does not start.
    #[error("the node does not start: {0}")]
    Start(String),
    /// The logs are not as they were last signed, or nobody knows.
    #[error("the node does not sign: {0}")]
    PutBack(String),
    /// A backup cannot be made or used.
    #[error("{0}")]
    Backup(String),
    /// The disk is full.
    #[error("the disk is full: nothing of this is acknowledged; free space, then try again")]
    Full,
    /// Less is free than the reserve.
    #[error(
        "{free} octets are free, {reserve} are required: no new objects are taken; free space, or lower `disk_reserve_bytes`; `comity doctor DIR` shows both"
    )]
    Reserve {
        /// Octets that are free.
        free: u64,
        /// Octets that have to be.
        reserve: u64,
    },
    /// More than a quota.
    #[error(transparent)]
    Quota(Box<Exceeded>),
    /// Accesses cannot be recorded.
    #[error("accesses cannot be recorded, so none are answered; free space, then try again")]
    AuditBehind,
    /// An audience rule cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A rule reaches nobody.
    #[error(
        "`{rule}` reaches no party now, so nothing is released; `comity share DIR --collection C --all --to RULE --dry-run` says why, party by party"
    )]
    Nobody {
        /// The rule.
        rule: String,
    },
    /// An object is not here.
    #[error("no object `{id}` here; required: the id of an object that is held, `type--UUID`")]
    NoObject {
        /// Its identifier.
        id: String,
    },
    /// An object is here, and another party's.
    #[error(
        "`{id}` is an object of `{party}`, which alone opens it to others and takes it back; to undo \
         an adoption, let the collection go of it: DELETE over TAXII, at \
         `.../collections/ID/objects/{id}/`"
    )]
    Theirs {
        /// Its identifier.
        id: String,
        /// The party.
        party: String,
    },
    /// Whoever asks may not do it.
    #[error(
        "required: the right to {verb}, which {} have; found: the role `{role}`, or a token, without \
         it",
        crate::role::with(.verb)
    )]
    Right {
        /// The role of who asks.
        role: String,
        /// What he would do.
        verb: &'static str,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl From<Exceeded> for NodeError {
    fn from(exceeded: Exceeded) -> NodeError {
        NodeError::Quota(Box::new(exceeded))
    }
}

impl From<ReadError> for NodeError {
    fn from(error: ReadError) -> NodeError {
        NodeError::Storage(error.to_string())
    }
}

impl From<LocalError> for NodeError {
    fn from(error: LocalError) -> NodeError {
        if error.is_full() { NodeError::Full } else { NodeError::Local(error) }
    }
}

impl From<ViewError> for NodeError {
    fn from(error: ViewError) -> NodeError {
        if error.is_full() { NodeError::Full } else { NodeError::View(error) }
    }
}

/// What somebody shows to be let in.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub enum Credentials {
    /// A name and a password.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// A token's secret.
    Bearer(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials")
    }
}

/// A node that is open.
#[derive(Debug)]
pub struct Node {
    pub(crate) directory: Directory,
    _lock: Lock,
    pub(crate) config: Config,
    pub(crate) charter: Charter,
    pub(crate) judge: Judge,
    pub(crate) headers: Headers,
    pub(crate) local: Arc<Local>,
    pub(crate) catalog: std::sync::RwLock<Arc<Catalog>>,
    pub(crate) passwords: Passwords,
    pub(crate) writer: Arc<Writer>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) reserve: Arc<Reserve>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) halt: Halt,
    pub(crate) skeletons: Skeletons,
    pub(crate) contacts: Contacts,
    pub(crate) compared: Compared,
    pub(crate) changes: Bells,
    pub(crate) successor: std::sync::Mutex<Option<String>>,
    stopping: AtomicBool,
    watcher: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
    pub(crate) auditor: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
    pub(crate) pool: Pool,
    pub(crate) verifiers: Vec<(Log, Verifier)>,
    pub(crate) surroundings: Surroundings,
}

impl Node {
    /// Opens a node. After a crash this is where it recovers.
    pub fn open(directory: Directory, surroundings: Surroundings) -> Result<Node, NodeError> {
        let lock = may_open(&directory)?;
        let config = Config::read(&directory.config())?;
        let charter = terms::read_charter(&directory)?;
        genesis::may_begin(&directory, &config.party, &charter)?;
        let logs = keys::log_configs(&directory, &config.party)?;
        let verifiers = keys::verifiers(&logs)?;
        let local = Arc::new(Local::open(&directory.local())?);
        let body = succession::body_of(&local, &charter)?;
        let before = succession::before(&local, &charter)?;
        let judge = Judge::new(&config, &charter, &body, before);
        let headers = terms::headers(&config, &charter, &body);
        let catalog = std::sync::RwLock::new(Arc::new(Catalog::read(&local)?));
        let metrics = Arc::new(Metrics::default());
        let reserve = Arc::new(Reserve::new(config.disk_reserve_bytes));
        reserve.note((surroundings.free)(directory.root()));
        let quotas = Arc::new(Quotas::read(&local)?);
        let storage = resume::open_storage(&directory, &config)?;
        let peers = peer::list(&local)?;
        let followed = peer::follow_configs(&charter, &peers)?;
        let ground = Ground { judge: judge.clone(), peers };
        let mut inner = writer::open(
            &directory,
            storage,
            logs,
            followed,
            headers.clone(),
            ground,
            surroundings.clone(),
        )?;
        inner.retention = Some(Retention::new(&charter, local.clone()));
        inner.metrics = metrics.clone();
        inner.quotas = quotas.clone();
        let (heads, halt) = (inner.heads.clone(), inner.halt.clone());
        let acts = inner.log.head(Log::Acts.id());
        let founded = acts.is_ok_and(|head| head.is_some_and(|head| head.size > 0));
        let writer = Arc::new(Writer::start(inner)?);
        let waiting = Arc::new(Waiting::default());
        let mut node = Node {
            directory,
            _lock: lock,
            config,
            charter,
            judge,
            headers,
            catalog,
            local,
            passwords: Passwords::drawn(&surroundings),
            writer,
            waiting,
            metrics,
            reserve,
            quotas,
            heads,
            halt,
            skeletons: Skeletons::default(),
            contacts: Contacts::default(),
            compared: Compared::default(),
            changes: Bells::default(),
            successor: std::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            watcher: std::sync::Mutex::new(None),
            auditor: std::sync::Mutex::new(None),
            pool: Pool::default(),
            verifiers,
            surroundings,
        };
        node.begin(founded)?;
        Ok(node)
    }

    fn begin(&mut self, founded: bool) -> Result<(), NodeError> {
        if !founded {
            self.found()?;
        }
        self.count_held()?;
        self.tell_resumption()?;
        self.directory.close_to_others()?;
        self.start_auditor()?;
        // What came before the process ended, and was not looked at.
        self.apply_adopt_rules(None, self.now());
        self.start_watcher()
    }

    fn start_watcher(&mut self) -> Result<(), NodeError> {
        let (quotas, local) = (self.quotas.clone(), self.local.clone());
        let each = move || quotas.write_or_tell(&local);
        let watcher = self.reserve.clone().watch(&self.directory, &self.surroundings, each);
        let watcher = watcher
            .map_err(|error| NodeError::Start(format!("the watcher of the disk: {error}")))?;
        self.watcher = std::sync::Mutex::new(Some(watcher));
        Ok(())
    }

    /// Says that the node will stop: it still answers, and is not ready for more.
    pub fn announce_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the node was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Time since the process began.
    pub fn monotonic(&self) -> Duration {
        (self.surroundings.monotonic)()
    }

    /// Writes what waits, and closes the stores in good order.
    pub fn close(&self) {
        self.announce_stop();
        self.reserve.stop();
        let watcher = self.watcher.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(watcher) = watcher {
            let _ = watcher.join();
        }
        self.waiting.stop();
        let auditor = self.auditor.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(auditor) = auditor {
            let _ = auditor.join();
        }
        self.pool.close();
        self.writer.stop();
        self.quotas.write_or_tell(&self.local);
    }

    fn start_auditor(&mut self) -> Result<(), NodeError> {
        let (waiting, writer) = (self.waiting.clone(), self.writer.clone());
        let (headers, surroundings) = (self.headers.clone(), self.surroundings.clone());
        let thread = std::thread::Builder::new().name("auditor".to_owned()).spawn(move || {
            while let Some(records) = waiting.take() {
                let entries = records
                    .chunks(audit::RECORDS_PER_ENTRY)
                    .map(|records| access_entry(&headers, &surroundings, records))
                    .collect();
                match entries {
                    Ok(entries) => {
                        if let Err(error) = writer.append(entries) {
                            let lost = waiting.put_back(records);
                            if lost > 0 {
                                tracing::error!(%error, lost, "accesses are not recorded");
                            }
                        }
                    }
                    Err(error) => tracing::error!(%error, "accesses cannot be recorded"),
                }
            }
        });
        let thread = thread.map_err(|error| NodeError::Start(format!("the auditor: {error}")))?;
        self.auditor = std::sync::Mutex::new(Some(thread));
        Ok(())
    }

    /// Whether a record of access waits for others, and its caller for nothing.
    pub fn records_wait(&self) -> bool {
        !self.charter.audit_before_answer && !self.writer.is_short()
    }

    /// Records an access. Where the charter wants it, and while there is no space for what may
    /// have to wait, it is durable when this returns.
    pub fn record(&self, access: Access) -> Result<(), NodeError> {
        self.halt.require()?;
        if self.records_wait() {
            return self.waiting.add(access);
        }
        let entry = access_entry(&self.headers, &self.surroundings, &[audit::single(access)])?;
        match self.writer.append(vec![entry]) {
            Err(NodeError::Full) => Err(NodeError::AuditBehind),
            other => other,
        }
    }

    /// Now, in microseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.surroundings.now)()
    }

    /// A new random UUID.
    pub fn new_uuid(&self) -> String {
        self.draw_uuid().to_string()
    }

    pub(crate) fn draw_uuid(&self) -> Uuid {
        let mut octets = [0; 16];
        (self.surroundings.random)(&mut octets);
        Uuid::from_random(octets)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The charter in force.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The verifier of a log's checkpoints.
    pub fn verifier(&self, log: Log) -> Option<&Verifier> {
        self.verifiers.iter().find(|(known, _)| *known == log).map(|(_, verifier)| verifier)
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.judge.facts
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(crate) fn local(&self) -> &Local {
        &self.local
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Credentials that were found good before and still are; no waiting.
    pub fn remembered(&self, credentials: &Credentials, now: i64) -> Option<Checked> {
        self.passwords.remembered(credentials, now)
    }

    /// Whether credentials are good. This may take tens of milliseconds.
    pub fn check(&self, credentials: &Credentials, now: i64) -> Result<Option<Checked>, NodeError> {
        let checked = match credentials {
            Credentials::Password { name, password } => {
                self.passwords.password(&self.local, name, password)?
            }
            Credentials::Bearer(secret) => self.passwords.bearer(&self.local, secret, now)?,
        };
        let password = matches!(credentials, Credentials::Password { .. });
        self.metrics.checked(password, checked.is_some());
        Ok(checked)
    }

    /// Who the command line is: the operator of the machine, by the rights of the file system.
    pub fn local_operator(&self) -> Checked {
        Checked::of_file_system()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the directory for this process, where it may be opened at all.
fn may_open(directory: &Directory) -> Result<Lock, NodeError> {
    directory.require_node()?;
    let lock = directory.lock()?;
    resume::may_sign(directory)?;
    if directory.keys_are_lost() {
        tracing::warn!("keys.db is not here: the contents of all entries are gone; the tree stays");
        comity_view::View::drop_file(&directory.view())?;
    }
    Ok(lock)
}

fn access_entry(
    headers: &Headers,
    surroundings: &Surroundings,
    records: &[audit::Record],
) -> Result<(u8, Sealed), NodeError> {
    let author = Author { role: "node".to_owned(), pseudonym: "node".to_owned() };
    let mut header = headers.header(Log::Audit, Kind::Access, author);
    header.created = Micros((surroundings.now)()).to_string();
    header.audience.rule = "reviewer".to_owned();
    let payload =
        serde_json::to_vec(records).map_err(|error| NodeError::Storage(error.to_string()))?;
    Ok((Log::Audit.id(), surroundings.entry(&header, &payload)?))
}
