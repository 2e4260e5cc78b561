//! A node: its directory opened, its writer running, its doors for the HTTP surface and the
//! command line.

use std::sync::Arc;

use comity_charter::Charter;
use comity_gate::Facts;
use comity_tlog::{LogConfig, SigningKey, Verifier};
use comity_view::ViewError;
use comity_wire::entry::{self, Author, Header, Kind, Log};
use comity_wire::id::Uuid;
use comity_wire::time::Micros;

use crate::account::{self, Account};
use crate::audit::{self, Access, Waiting};
use crate::collection::{self, Catalog, Collection, Grant};
use crate::config::{Config, ConfigError};
use crate::directory::{Directory, DirectoryError, Lock};
use crate::keys::{self, KeyError};
use crate::local::{Local, LocalError};
use crate::password::{self, Checked, Passwords};
use crate::query::Pool;
use crate::refusals;
use crate::role::Role;
use crate::status;
use crate::submit::Headers;
use crate::token::{self, Token};
use crate::writer::{self, Writer};

/// Fills a buffer with random octets.
pub type Random = dyn Fn(&mut [u8]) + Send + Sync;

/// What the process gives a node: time, randomness, a name of this boot, and a way to end it.
#[derive(Clone)]
pub struct Surroundings {
    /// Microseconds since 1970.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
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
    Local(#[from] LocalError),
    /// The view.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The logs.
    #[error("{0}")]
    Storage(String),
    /// The node does not start.
    #[error("the node does not start: {0}")]
    Start(String),
    /// The disk is full.
    #[error("the disk is full: nothing was stored; free space, then try again")]
    Full,
    /// Accesses cannot be recorded.
    #[error("accesses cannot be recorded, so none are answered; free space, then try again")]
    AuditBehind,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// What somebody shows to be let in.
#[derive(Clone)]
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

/// What a new node's directory is told.
#[derive(Debug)]
pub struct Made {
    /// The name of the first operator.
    pub operator: String,
    /// Its password, not kept anywhere.
    pub password: String,
}

/// A node that is open.
#[derive(Debug)]
pub struct Node {
    directory: Directory,
    _lock: Lock,
    config: Config,
    charter: Charter,
    facts: Facts,
    headers: Headers,
    local: Arc<Local>,
    catalog: std::sync::RwLock<Arc<Catalog>>,
    passwords: Passwords,
    writer: Arc<Writer>,
    waiting: Arc<Waiting>,
    auditor: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
    pool: Pool,
    verifiers: Vec<(Log, Verifier)>,
    surroundings: Surroundings,
}

impl Node {
    /// Makes a directory: keys, configuration, charter, the first operator. The logs begin when
    /// it is opened.
    pub fn make(
        directory: &Directory,
        party: &str,
        charter_text: &str,
        surroundings: &Surroundings,
    ) -> Result<Made, NodeError> {
        let charter = parse_charter(charter_text)?;
        if charter.party(party).is_none() {
            let known: Vec<&str> = charter
                .parties
                .iter()
                .map(|party| party.id.as_str())
                .collect();
            return Err(NodeError::Start(format!(
                "the charter has no party `{party}`; it has: {}",
                known.join(", ")
            )));
        }
        directory.make()?;
        for log in Log::ALL {
            let key = new_key(surroundings);
            write_key(directory, &origin(party, log), log.name(), &key)?;
        }
        write_key(directory, party, "next", &new_key(surroundings))?;
        directory.write_new(&directory.charter(), charter_text.as_bytes())?;
        let local = Local::open(&directory.local())?;
        let (name, password) = ("operator", secret(surroundings));
        add_account(&local, surroundings, name, Role::Operator, &password)?;
        // Last: a directory with a configuration holds a node.
        directory.write_new(&directory.config(), Config::new(party).text().as_bytes())?;
        Ok(Made {
            operator: name.to_owned(),
            password,
        })
    }

    /// Opens a node. After a crash this is where it recovers.
    pub fn open(directory: Directory, surroundings: Surroundings) -> Result<Node, NodeError> {
        directory.require_node()?;
        let lock = directory.lock()?;
        let config = Config::read(&directory.config())?;
        let charter = read_charter(&directory)?;
        let facts = facts(&charter);
        let headers = headers(&config, &charter);
        let logs = log_configs(&directory, &config.party)?;
        let verifiers = verifiers(&logs)?;
        let local = Arc::new(Local::open(&directory.local())?);
        let catalog = std::sync::RwLock::new(Arc::new(Catalog::read(&local)?));
        let inner = writer::open(
            &directory,
            logs,
            headers.clone(),
            &facts,
            surroundings.clone(),
        )?;
        let acts = inner.log.head(Log::Acts.id());
        let founded = acts.is_ok_and(|head| head.is_some_and(|head| head.size > 0));
        let writer = Arc::new(Writer::start(inner)?);
        let waiting = Arc::new(Waiting::default());
        let mut key = [0; 32];
        (surroundings.random)(&mut key);
        let mut node = Node {
            directory,
            _lock: lock,
            config,
            charter,
            facts,
            headers,
            catalog,
            local,
            passwords: Passwords::new(key),
            writer,
            waiting,
            auditor: std::sync::Mutex::new(None),
            pool: Pool::default(),
            verifiers,
            surroundings,
        };
        if !founded {
            node.found()?;
        }
        node.start_auditor()?;
        Ok(node)
    }

    /// Writes what waits, and closes the stores in good order.
    pub fn close(&self) {
        self.waiting.stop();
        let auditor = self
            .auditor
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(auditor) = auditor {
            let _ = auditor.join();
        }
        self.writer.stop();
    }

    /// The first entries of `acts`: the keys of the logs, and that this party accepts the charter.
    fn found(&self) -> Result<(), NodeError> {
        let author = Author {
            role: "operator".to_owned(),
            pseudonym: "founding".to_owned(),
        };
        let now = Micros(self.now()).to_string();
        let vkeys: std::collections::BTreeMap<&str, String> = self
            .verifiers
            .iter()
            .map(|(log, verifier)| (log.name(), verifier.vkey()))
            .collect();
        let next = keys::read(&self.directory.keys().join("next.key"), &self.config.party)?;
        let next = keys::fingerprint(&next.verifying_key());
        let key = serde_json::json!({ "logs": vkeys, "next": next });
        let accept = serde_json::json!({ "charter": self.headers.charter });
        let entries = [(Kind::Key, key), (Kind::Accept, accept)].map(|(kind, payload)| {
            let header = Header {
                created: now.clone(),
                ..self.headers.header(Log::Acts, kind, author.clone())
            };
            entry::encode(&header, payload.to_string().as_bytes())
                .map(|envelope| (Log::Acts.id(), envelope))
                .map_err(|error| NodeError::Start(error.to_string()))
        });
        self.writer
            .append(entries.into_iter().collect::<Result<_, _>>()?)
    }

    fn start_auditor(&mut self) -> Result<(), NodeError> {
        let (waiting, writer) = (self.waiting.clone(), self.writer.clone());
        let (headers, now) = (self.headers.clone(), self.surroundings.now.clone());
        let thread = std::thread::Builder::new()
            .name("auditor".to_owned())
            .spawn(move || {
                while let Some(records) = waiting.take() {
                    let entries = records
                        .chunks(audit::RECORDS_PER_ENTRY)
                        .map(|records| access_entry(&headers, now(), records))
                        .collect();
                    match entries {
                        Ok(entries) => {
                            if writer.append(entries).is_err() {
                                waiting.put_back(records);
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

    /// Records an access. Where the charter wants it, it is durable when this returns.
    pub fn record(&self, access: Access) -> Result<(), NodeError> {
        if !self.charter.audit_before_answer {
            return self.waiting.add(access);
        }
        let entry = access_entry(&self.headers, self.now(), &[audit::single(access)])?;
        self.writer.append(vec![entry])
    }

    /// Now, in microseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.surroundings.now)()
    }

    /// A new random UUID.
    pub fn new_uuid(&self) -> String {
        let mut octets = [0; 16];
        (self.surroundings.random)(&mut octets);
        Uuid::from_random(octets).to_string()
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
        self.verifiers
            .iter()
            .find(|(known, _)| *known == log)
            .map(|(_, verifier)| verifier)
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
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
        Ok(match credentials {
            Credentials::Password { name, password } => {
                self.passwords.password(&self.local, name, password)?
            }
            Credentials::Bearer(secret) => self.passwords.bearer(&self.local, secret, now)?,
        })
    }

    /// Who the command line is: the operator of the machine, by the rights of the file system.
    pub fn local_operator(&self) -> Checked {
        Checked::of_file_system()
    }

    /// Makes an account; without a password one is drawn and returned.
    pub fn user_add(
        &self,
        name: &str,
        role: Role,
        password: Option<&str>,
    ) -> Result<(Account, Option<String>), NodeError> {
        let drawn = password.is_none().then(|| secret(&self.surroundings));
        let password = password.or(drawn.as_deref()).unwrap_or_default();
        if password.len() < password::PASSWORD_CHARS_MIN
            || password.len() > password::PASSWORD_BYTES_MAX
        {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "a password of {} octets; required: {} to {}",
                password.len(),
                password::PASSWORD_CHARS_MIN,
                password::PASSWORD_BYTES_MAX
            ))));
        }
        let account = add_account(&self.local, &self.surroundings, name, role, password)?;
        self.passwords.forget();
        Ok((account, drawn))
    }

    /// All accounts.
    pub fn users(&self) -> Result<Vec<Account>, NodeError> {
        Ok(account::list(&self.local)?)
    }

    /// Disables an account, at once.
    pub fn user_disable(&self, name: &str) -> Result<Account, NodeError> {
        let account = account::disable(&self.local, name)?;
        self.passwords.forget();
        Ok(account)
    }

    /// Gives an account another role, at once.
    pub fn user_role(&self, name: &str, role: Role) -> Result<Account, NodeError> {
        let account = account::set_role(&self.local, name, role)?;
        self.passwords.forget();
        Ok(account)
    }

    /// Makes a token and returns its secret, which is not kept.
    pub fn token_add(&self, user: &str, new: &token::New) -> Result<(Token, String), NodeError> {
        let account = account::by_name(&self.local, user)?;
        let mut octets = [0; 32];
        (self.surroundings.random)(&mut octets);
        Ok(token::add(&self.local, &account, new, self.now(), octets)?)
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<Token>, NodeError> {
        Ok(token::list(&self.local)?)
    }

    /// Revokes a token, at once.
    pub fn token_revoke(&self, id: i64) -> Result<Token, NodeError> {
        let token = token::revoke(&self.local, id)?;
        self.passwords.forget();
        Ok(token)
    }

    /// Makes a collection.
    pub fn collection_add(&self, new: &collection::New) -> Result<Collection, NodeError> {
        let id = match new.id {
            Some(id) => id,
            None => {
                let mut octets = [0; 16];
                (self.surroundings.random)(&mut octets);
                Uuid::from_random(octets)
            }
        };
        let made = collection::add(&self.local, &self.charter, new, id, self.now())?;
        self.read_catalog()?;
        Ok(made)
    }

    /// All collections, by id.
    pub fn collections(&self) -> Vec<Collection> {
        self.catalog().all().to_vec()
    }

    /// The collection of an id or alias.
    pub fn collection(&self, name: &str) -> Option<Collection> {
        self.catalog().find(name).cloned()
    }

    /// Sets what users get in a collection, at once.
    pub fn collection_limit(
        &self,
        collection: &Collection,
        rights: &[(String, Grant)],
    ) -> Result<(), NodeError> {
        collection::limit(&self.local, collection, rights)?;
        self.read_catalog()
    }

    /// What a collection gives a user.
    pub fn grant(&self, collection: &Collection, account: i64) -> Grant {
        self.catalog().grant(collection.number, account)
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn read_catalog(&self) -> Result<(), NodeError> {
        let read = Arc::new(Catalog::read(&self.local)?);
        *self
            .catalog
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = read;
        Ok(())
    }

    /// The status of a POST, for the account that made it.
    pub fn status(&self, account: i64, id: &str) -> Result<Option<String>, NodeError> {
        Ok(status::get(&self.local, account, id)?)
    }

    /// The newest refusals, newest first.
    pub fn refusals(&self, limit: usize) -> Result<Vec<refusals::Line>, NodeError> {
        Ok(refusals::list(&self.local, limit)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.close();
    }
}

/// The origin of a log's checkpoints.
pub(crate) fn origin(party: &str, log: Log) -> String {
    format!("{party}/{}", log.name())
}

pub(crate) fn log_configs(directory: &Directory, party: &str) -> Result<Vec<LogConfig>, NodeError> {
    Log::ALL
        .into_iter()
        .map(|log| {
            let origin = origin(party, log);
            let key = keys::read(
                &directory.keys().join(format!("{}.key", log.name())),
                &origin,
            )?;
            Ok(LogConfig {
                id: log.id(),
                name: log.name().to_owned(),
                origin,
                key,
            })
        })
        .collect()
}

pub(crate) fn read_charter(directory: &Directory) -> Result<Charter, NodeError> {
    let path = directory.charter();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        NodeError::Charter(format!("cannot read `{}`: {error}", path.display()))
    })?;
    parse_charter(&text)
}

fn parse_charter(text: &str) -> Result<Charter, NodeError> {
    comity_charter::parse(text).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        NodeError::Charter(lines.join("\n"))
    })
}

pub(crate) fn facts(charter: &Charter) -> Facts {
    Facts {
        admits_attacker_mailboxes: charter.attacker_mailboxes,
        network_defence: charter
            .purposes
            .contains(&comity_charter::Purpose::NetworkDefence),
        registered_only: charter.registered_only,
        registered: charter.registered.clone(),
    }
}

fn headers(config: &Config, charter: &Charter) -> Headers {
    let hash = charter.hash.to_string();
    Headers {
        // The charter that founded the body; of a body of one it is the one in force.
        body: hash.clone(),
        party: config.party.clone(),
        charter: hash,
        purpose: charter
            .purposes
            .first()
            .map_or("", |purpose| purpose.name())
            .to_owned(),
        tlp: charter.handling.default_tlp.label().to_owned(),
    }
}

pub(crate) fn verifiers(logs: &[LogConfig]) -> Result<Vec<(Log, Verifier)>, NodeError> {
    logs.iter()
        .filter_map(|config| Log::from_id(config.id).map(|log| (log, config)))
        .map(|(log, config)| {
            Verifier::new(&config.origin, &config.key.verifying_key())
                .map(|verifier| (log, verifier))
                .map_err(|error| NodeError::Start(error.to_string()))
        })
        .collect()
}

fn access_entry(
    headers: &Headers,
    now: i64,
    records: &[audit::Record],
) -> Result<(u8, Vec<u8>), NodeError> {
    let author = Author {
        role: "node".to_owned(),
        pseudonym: "node".to_owned(),
    };
    let mut header = headers.header(Log::Audit, Kind::Access, author);
    header.created = Micros(now).to_string();
    header.audience.rule = "reviewer".to_owned();
    let payload =
        serde_json::to_vec(records).map_err(|error| NodeError::Storage(error.to_string()))?;
    let envelope =
        entry::encode(&header, &payload).map_err(|error| NodeError::Storage(error.to_string()))?;
    Ok((Log::Audit.id(), envelope))
}

fn new_key(surroundings: &Surroundings) -> SigningKey {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    (surroundings.random)(seed.as_mut_slice());
    SigningKey::from_bytes(&seed)
}

fn write_key(
    directory: &Directory,
    origin: &str,
    name: &str,
    key: &SigningKey,
) -> Result<(), NodeError> {
    let path = directory.keys().join(format!("{name}.key"));
    Ok(directory.write_new(&path, keys::text(origin, key).as_bytes())?)
}

/// A password that is drawn: 120 bits, in letters that survive being read aloud.
fn secret(surroundings: &Surroundings) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut octets = [0; 24];
    (surroundings.random)(&mut octets);
    let mut secret = String::with_capacity(29);
    for (at, octet) in octets.iter().enumerate() {
        if at > 0 && at % 6 == 0 {
            secret.push('-');
        }
        let letter = LETTERS
            .get(usize::from(octet % 32))
            .copied()
            .unwrap_or(b'a');
        secret.push(char::from(letter));
    }
    secret
}

fn add_account(
    local: &Local,
    surroundings: &Surroundings,
    name: &str,
    role: Role,
    password: &str,
) -> Result<Account, NodeError> {
    let (mut salt, mut octets) = ([0; 32], [0; 6]);
    (surroundings.random)(&mut salt);
    (surroundings.random)(&mut octets);
    let pseudonym: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let verifier = password::hash(password, &salt)?;
    let pseudonym = format!("u-{pseudonym}");
    let created = (surroundings.now)();
    let new = account::New {
        name,
        role,
        pseudonym: &pseudonym,
        verifier: &verifier,
        created,
    };
    Ok(account::add(local, &new)?)
}
