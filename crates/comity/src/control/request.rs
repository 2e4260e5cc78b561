//! What a command asks of a node, and how it is carried out: the same on both ways.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use comity_node::Node;
use comity_node::account::Account;
use comity_node::collection::{self, Collection, Grant};
use comity_node::import::Progress;
use comity_node::quota::{Amount, Use};
use comity_node::role::Role;
use comity_node::submit::Terms;
use comity_node::token;
use comity_view::{Reader, Right, Rights};
use comity_wire::id::Uuid;
use comity_wire::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::command::Failure;
use crate::control::between::Between;
use crate::control::peer;
use crate::control::release::{self, Releasing, Share};
use crate::peer::stick;
use crate::surroundings;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// What a command asks of a node.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Request {
    UserAdd {
        name: String,
        role: String,
        password: Option<String>,
        quota: Quota,
    },
    UserLimit {
        name: String,
        quota: Quota,
    },
    UserList,
    UserDisable {
        name: String,
    },
    UserRole {
        name: String,
        role: String,
    },
    TokenAdd {
        user: String,
        name: String,
        rights: Vec<String>,
        purpose: Option<String>,
        days: u32,
    },
    TokenList,
    TokenRevoke {
        id: i64,
    },
    CollectionAdd {
        title: String,
        id: Option<String>,
        alias: Option<String>,
        description: Option<String>,
        rights: Vec<String>,
        quota: Quota,
        release: Option<Releasing>,
    },
    CollectionRelease {
        collection: String,
        release: Releasing,
    },
    CollectionLimit {
        collection: String,
        rights: Vec<String>,
        quota: Quota,
    },
    CollectionList,
    Share(Share),
    Grant {
        objects: Vec<String>,
        collection: Option<String>,
        to: String,
        by: String,
    },
    Withdraw {
        objects: Vec<String>,
        keep: bool,
        by: String,
    },
    Between(Between),
    Import {
        collection: Option<String>,
        attest: bool,
    },
    Export {
        collection: Option<String>,
    },
    Refusals {
        limit: usize,
    },
    State,
    CharterPropose {
        text: String,
        by: String,
    },
    CharterAccept {
        hash: String,
        by: String,
    },
    CharterProposals,
    PeerAdd {
        party: String,
        address: String,
    },
    PeerExport {
        party: String,
        to: PathBuf,
    },
    PeerImport {
        party: String,
        from: PathBuf,
    },
    PeerList,
    PeerRemove {
        party: String,
    },
    PeerShow {
        party: String,
    },
    PeerProof {
        party: String,
    },
    Adopt {
        objects: Option<Vec<String>>,
        from: Option<String>,
        collection: String,
        by: String,
    },
    Backup {
        to: String,
        keys: Option<String>,
    },
}

/// A quota as the command line sets it; what is absent stays.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Quota {
    pub(crate) objects: Option<u64>,
    pub(crate) octets: Option<u64>,
}

impl Quota {
    fn over(self, old: Option<Use>) -> Option<Amount> {
        let Quota { objects, octets } = self;
        let old = old.map(|old| old.limit).unwrap_or_default();
        (objects.is_some() || octets.is_some()).then(|| Amount {
            objects: objects.unwrap_or(old.objects),
            octets: octets.unwrap_or(old.octets),
        })
    }

    fn user(self, node: &Node, account: &Account) -> Result<(), Failure> {
        match self.over(node.user_use(account)) {
            Some(limit) => Ok(node.user_quota(account, limit)?),
            None => Ok(()),
        }
    }

    fn collection(self, node: &Node, collection: &Collection) -> Result<(), Failure> {
        match self.over(node.collection_use(collection)) {
            Some(limit) => Ok(node.collection_quota(collection, limit)?),
            None => Ok(()),
        }
    }
}

/// Where output and progress go.
pub(crate) trait Sink {
    /// How far it has come.
    fn progress(&mut self, progress: Progress);
    /// A piece of output.
    fn data(&mut self, octets: &[u8]) -> io::Result<()>;
}

impl Request {
    pub(super) fn has_input(&self) -> bool {
        matches!(self, Request::Import { .. })
    }
}

/// Carries a request out.
pub(crate) fn execute(
    node: &Node,
    request: Request,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    match request {
        Request::UserAdd { name, role, password, quota } => {
            let (account, drawn) = node.user_add(&name, parse_role(&role)?, password.as_deref())?;
            quota.user(node, &account)?;
            Ok(json!({ "user": account, "password": drawn }))
        }
        Request::UserLimit { name, quota } => limit_user(node, &name, quota),
        Request::UserList => list_users(node),
        Request::UserDisable { name } => Ok(json!({ "user": node.user_disable(&name)? })),
        Request::UserRole { name, role } => {
            Ok(json!({ "user": node.user_role(&name, parse_role(&role)?)? }))
        }
        Request::TokenAdd { user, name, rights, purpose, days } => {
            let expires = node.now().saturating_add(i64::from(days) * DAY_MICROS);
            let new = token::New { name, rights: parse_rights(&rights)?, purpose, expires };
            let (token, secret) = node.token_add(&user, &new)?;
            Ok(json!({ "token": token, "secret": secret }))
        }
        Request::TokenList => Ok(json!({ "tokens": node.tokens()? })),
        Request::TokenRevoke { id } => Ok(json!({ "token": node.token_revoke(id)? })),
        Request::CollectionAdd { title, id, alias, description, rights, quota, release } => {
            let id = id.map(|text| parse_uuid(&text)).transpose()?;
            let rights = parse_grants(&rights)?;
            let new = collection::New { title, description, alias, id, rights };
            add_collection(node, &new, quota, release.as_ref())
        }
        Request::CollectionRelease { collection, release } => {
            release_collection(node, &collection, &release)
        }
        Request::CollectionLimit { collection, rights, quota } => {
            let collection = find(node, Some(&collection))?;
            node.collection_limit(&collection, &parse_grants(&rights)?)?;
            quota.collection(node, &collection)?;
            Ok(json!({ "collection": collection }))
        }
        Request::CollectionList => list_collections(node),
        Request::Share(share) => release::share(node, &share),
        Request::Grant { objects, collection, to, by } => {
            release::grant(node, &objects, collection.as_deref(), &to, &by)
        }
        Request::Withdraw { objects, keep, by } => release::withdraw(node, &objects, keep, &by),
        Request::Between(between) => between.execute(node),
        Request::Import { collection, attest } => {
            import(node, collection.as_deref(), attest, input, sink)
        }
        Request::Export { collection } => export(node, collection.as_deref(), sink),
        Request::Refusals { limit } => Ok(json!({ "refusals": node.refusals(limit)? })),
        Request::State => state(node),
        Request::CharterPropose { text, by } => peer::propose(node, &text, &by),
        Request::CharterAccept { hash, by } => peer::accept(node, &hash, &by),
        Request::CharterProposals => Ok(json!({ "proposals": node.proposals()? })),
        Request::PeerAdd { party, address } => peer::add(node, &party, &address),
        Request::PeerExport { party, to } => Ok(json!(stick::export(node, &party, &to)?)),
        Request::PeerImport { party, from } => peer::import(node, &party, &from),
        Request::PeerList => peer::list(node),
        Request::PeerRemove { party } => peer::remove(node, &party),
        Request::PeerShow { party } => peer::show(node, &party),
        Request::PeerProof { party } => peer::proof(node, &party),
        Request::Adopt { objects, from, collection, by } => {
            peer::adopt(node, objects.as_deref(), from.as_deref(), &collection, &by)
        }
        Request::Backup { to, keys } => back_up(node, &to, keys.as_deref(), sink),
    }
}

/// The command line reads by the rights of the file system: whoever can open the directory has
/// the keys in it, too.
pub(super) fn reader(node: &Node) -> Reader {
    Reader::new(0, Rights::of(&[Right::Read]), None, Micros(node.now()))
}

fn release_collection(
    node: &Node,
    collection: &str,
    release: &Releasing,
) -> Result<Value, Failure> {
    let collection = find(node, Some(collection))?;
    release.set(node, &collection)?;
    Ok(json!({ "collection": find(node, Some(&collection.id))? }))
}

fn add_collection(
    node: &Node,
    new: &collection::New,
    quota: Quota,
    release: Option<&Releasing>,
) -> Result<Value, Failure> {
    // What would be refused is, before there is a collection.
    release.map(|release| release.check(node)).transpose()?;
    let collection = node.collection_add(new)?;
    quota.collection(node, &collection)?;
    release.map(|release| release.set(node, &collection)).transpose()?;
    Ok(json!({ "collection": find(node, Some(&collection.id))? }))
}

fn export(node: &Node, collection: Option<&str>, sink: &mut dyn Sink) -> Result<Value, Failure> {
    let collection = find(node, collection)?;
    let readable = reader(node)
        .readable(collection.number, true)
        .ok_or_else(|| Failure::new("the collection cannot be read"))?;
    let written = node.export(readable, Out(sink))?;
    Ok(json!({ "written": written }))
}

fn import(
    node: &Node,
    collection: Option<&str>,
    attest: bool,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    let collection = find(node, collection)?;
    let terms = Terms { attested: attest };
    let by = node.local_operator();
    let report = node.import(&by, &collection, input, terms, |progress| {
        sink.progress(progress);
    })?;
    let mut value = json!(report);
    if let Some(members) = value.as_object_mut() {
        members.insert("collection".to_owned(), json!(collection));
    }
    Ok(value)
}

fn limit_user(node: &Node, name: &str, quota: Quota) -> Result<Value, Failure> {
    let account = node.user(name)?;
    quota.user(node, &account)?;
    Ok(json!({ "user": account, "quota": node.user_use(&account) }))
}

fn list_users(node: &Node) -> Result<Value, Failure> {
    let mut users = Vec::new();
    for account in node.users()? {
        let mut value = json!(account);
        if let Some(members) = value.as_object_mut() {
            members.insert("quota".to_owned(), json!(node.user_use(&account)));
        }
        users.push(value);
    }
    Ok(json!({ "users": users }))
}

fn list_collections(node: &Node) -> Result<Value, Failure> {
    let reader = reader(node);
    let mut collections = Vec::new();
    for collection in node.collections() {
        let mut value = json!(collection);
        let readable = reader.readable(collection.number, true);
        let holds = readable.map(|readable| node.state(readable)).transpose()?;
        if let (Some(members), Some((_, holds))) = (value.as_object_mut(), holds) {
            members.insert("objects".to_owned(), json!(holds));
            members.insert("quota".to_owned(), json!(node.collection_use(&collection)));
        }
        collections.push(value);
    }
    Ok(json!({ "collections": collections }))
}

fn state(node: &Node) -> Result<Value, Failure> {
    let mut logs = Vec::new();
    for log in comity_wire::entry::Log::ALL {
        let checkpoint = node.checkpoint(log)?;
        let vkey = node.verifier(log).map(comity_tlog::Verifier::vkey);
        let size = checkpoint.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
        logs.push(json!({ "log": log.name(), "size": size, "vkey": vkey }));
    }
    Ok(json!({
        "party": node.config().party,
        "process": std::process::id(),
        "resident": surroundings::process()[0],
        "body": node.charter().body,
        "charter": node.charter().hash.to_string(),
        "disk_free": node.free_space(),
        "disk_reserve": node.config().disk_reserve_bytes,
        "read_only": node.read_only(),
        "halted": node.halted(),
        "convicted": peer::convicted(node)?,
        "logs": logs,
        "retention": node.retention(),
        "users": node.users()?.len(),
        "released": release::counts(node)?,
        "conflicts": node.conflicts_counted()?,
        "adopt_rules_stopped": node.adopt_rules()?.iter().filter(|one| one.stopped.is_some()).count(),
        "collections": list_collections(node)?.get("collections"),
    }))
}

fn back_up(
    node: &Node,
    to: &str,
    keys: Option<&str>,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    let manifest = node.backup(Path::new(to), keys.map(Path::new), &mut |octets, total| {
        // The second number is that of octets in all.
        sink.progress(Progress { octets, objects: total });
    })?;
    Ok(json!(manifest))
}

/// The collection of a name, or the only one.
pub(super) fn find(node: &Node, name: Option<&str>) -> Result<Collection, Failure> {
    let Some(name) = name else {
        let mut all = node.collections();
        return match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(Failure::new(
                "there is no collection; make one: comity collection add DIR TITLE",
            )),
            (Some(_), false) => Err(Failure::new(
                "there are several collections; say which with --collection; `comity collection list DIR` lists them",
            )),
        };
    };
    node.collection(name).ok_or_else(|| {
        Failure::new(format!(
            "no collection `{}`; `comity collection list DIR` lists them",
            name.escape_default()
        ))
    })
}

fn parse_role(name: &str) -> Result<Role, Failure> {
    Role::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        Failure::new(format!("no role `{}`; roles: {}", name.escape_default(), names.join(", ")))
    })
}

fn parse_rights(verbs: &[String]) -> Result<Rights, Failure> {
    let rights = verbs.iter().map(|verb| {
        Right::from_verb(verb).ok_or_else(|| {
            let known: Vec<&str> = Right::ALL.iter().map(|right| right.verb()).collect();
            Failure::new(format!(
                "no right `{}`; rights: {}",
                verb.escape_default(),
                known.join(", ")
            ))
        })
    });
    Ok(Rights::of(&rights.collect::<Result<Vec<_>, _>>()?))
}

fn parse_grants(rights: &[String]) -> Result<Vec<(String, Grant)>, Failure> {
    rights
        .iter()
        .map(|text| {
            let (user, grant) = text.split_once('=').unwrap_or((text, ""));
            let grant = Grant::parse(grant).ok_or_else(|| {
                Failure::new(format!(
                    "`{}`: required: USER=rw, USER=r, USER=w or USER=none",
                    text.escape_default()
                ))
            })?;
            Ok((user.to_owned(), grant))
        })
        .collect()
}

fn parse_uuid(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse(text).filter(|uuid| uuid.version() == 4 && uuid.is_rfc4122()).ok_or_else(|| {
        Failure::new(format!("`{}`: required: a UUID of version 4", text.escape_default()))
    })
}

/// A sink as a stream.
struct Out<'a>(&'a mut dyn Sink);

impl Write for Out<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.data(octets)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
