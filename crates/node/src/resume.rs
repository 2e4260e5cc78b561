//! Logs that were put back to an earlier day: they are found, nothing is signed, and a person
//! says how to go on.
//!
//! A log must never sign two roots for one size. Where the newest state of a log is lost, the
//! party goes on in a new log, under a new origin and with a new key, whose tree begins with the
//! same leaves; the old one ends where it was last signed. That this was done, by whom and from
//! where, is an entry of `acts`.

use std::fs;
use std::path::{Path, PathBuf};

use comity_tlog::verify::{LogIdentity, behind};
use comity_tlog::{Behind, LogConfig, OpenError, SqliteStorage, Verifier};
use comity_wire::entry::{Header, Kind, Log};
use comity_wire::time::Micros;
use serde::{Deserialize, Serialize};

use crate::backup::Manifest;
use crate::config::Config;
use crate::directory::Directory;
use crate::keys;
use crate::make;
use crate::node::{Node, NodeError, Surroundings};
use crate::password::Checked;
use crate::recover;

/// How a log went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// Which log.
    pub log: String,
    /// The origin that it had.
    pub from: String,
    /// The origin that it has now.
    pub origin: String,
    /// How many leaves both have in common.
    pub size: u64,
    /// The root of these, in hex.
    pub root: String,
    /// The size that the old one is known to have signed, where more is known than `size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<u64>,
}

/// Opens the store of the logs to write, with the mark where the configuration has it.
pub(crate) fn open_storage(
    directory: &Directory,
    config: &Config,
) -> Result<SqliteStorage, NodeError> {
    let opened = match &config.head_mark {
        Some(outside) => SqliteStorage::open_marked(directory.root(), outside),
        None => SqliteStorage::open(directory.root()),
    };
    opened.map_err(|error| NodeError::Start(error.to_string()))
}

/// Why the logs could not be opened, with what helps.
pub(crate) fn start_error(directory: &Directory, error: &OpenError) -> NodeError {
    match error {
        OpenError::Behind(_) => NodeError::PutBack(format!(
            "{error}; to sign again would fork the log. Put the newest log.db back in its place; \
             where it is lost for ever, get back what peers have: comity peer recover {0}; or, \
             where nobody has it, go on under a new name: comity resume {0}",
            directory.root().display()
        )),
        other => NodeError::Start(other.to_string()),
    }
}

/// Whether a restored backup, or a resumption that was cut off, has to be decided about first; and
/// whether logs that peers follow are here at all.
pub(crate) fn may_sign(directory: &Directory) -> Result<(), NodeError> {
    let shown = directory.root().display();
    if directory.recovering().exists() {
        return Err(NodeError::PutBack(format!(
            "getting the logs back from peers was cut off; finish it: comity peer recover {shown}"
        )));
    }
    if recover::is_lost(directory)? {
        return Err(NodeError::PutBack(format!(
            "log.db is not here, and peers follow what it held: to begin anew would fork the logs. \
             Put the newest log.db back; where it is lost for ever, get back what peers have: \
             comity peer recover {shown}"
        )));
    }
    if Log::ALL.iter().any(|log| next_key(directory, *log).exists()) {
        return Err(NodeError::PutBack(format!(
            "going on under new names was cut off; finish it: comity resume {shown}"
        )));
    }
    if let Some(manifest) = restored(directory)? {
        return Err(NodeError::PutBack(format!(
            "this directory was restored from a backup of {}, and what its logs signed since is \
             not known here. Where peers have it, get it back: comity peer recover {shown}; where \
             they signed more that nobody has, go on under new names: comity resume {shown}; where certainly nothing was signed since: comity resume {shown} --same-names",
            manifest.made
        )));
    }
    Ok(())
}

/// The manifest of the backup that a directory was restored from, as long as nobody resumed it.
pub(crate) fn restored(directory: &Directory) -> Result<Option<Manifest>, NodeError> {
    let path = directory.restored();
    match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text, &path.display().to_string()).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(directory.io(&path, error).into()),
    }
}

/// The logs as they are to be verified: by the signing keys that are here, or, in a directory that
/// was restored without them, by what the manifest says.
pub(crate) fn identities(
    directory: &Directory,
    config: &Config,
) -> Result<Vec<LogIdentity>, NodeError> {
    let named =
        |log: Log, verifier| LogIdentity { id: log.id(), name: log.name().to_owned(), verifier };
    let manifest = restored(directory)?;
    Log::ALL
        .into_iter()
        .map(|log| {
            let path = keys::path(directory, log);
            let said = manifest.as_ref().filter(|_| !path.exists());
            let said = said.and_then(|said| said.logs.iter().find(|one| one.log == log.name()));
            if let Some(said) = said {
                let verifier = Verifier::parse(&said.vkey)
                    .map_err(|error| NodeError::Backup(error.to_string()))?;
                return Ok(named(log, verifier));
            }
            let config = keys::log_config(directory, &config.party, log)?;
            let verifier = Verifier::new(&config.origin, &config.key.verifying_key())
                .map_err(|error| NodeError::Start(error.to_string()))?;
            Ok(named(log, verifier))
        })
        .collect()
}

/// The logs of a directory that are not as they were last signed.
pub(crate) fn behind_of(
    directory: &Directory,
    config: &Config,
    logs: &[LogIdentity],
) -> Result<Vec<Behind>, NodeError> {
    behind(directory.root(), config.head_mark.as_deref(), logs)
        .map_err(|error| NodeError::Storage(error.to_string()))
}

/// Under which names logs go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Under new ones, those that may have signed more than is here.
    NewWhereNeeded,
    /// Under the same: somebody knows that nothing was signed since.
    Same,
    /// All under new ones, whatever is here: somebody knows that they were forked.
    New,
}

/// Lets a node go on whose logs were put back: under the same names, where nothing was signed
/// since; under new ones otherwise. Nothing else may have the directory open.
pub fn resume(
    directory: &Directory,
    names: Names,
    surroundings: &Surroundings,
) -> Result<Vec<Continued>, NodeError> {
    let same_names = names == Names::Same;
    directory.require_node()?;
    let lock = directory.lock()?;
    let config = Config::read(&directory.config())?;
    let logs = identities(directory, &config)?;
    if same_names {
        require_keys(directory)?;
    }
    if directory.recovering().exists() {
        end_recovery(directory, &config)?;
    }
    let behind = behind_of(directory, &config, &logs)?;
    let recovering = directory.recovering().exists();
    let restored = restored(directory)?.is_some() || recovering || names == Names::New;
    let cut_off = Log::ALL.iter().any(|log| next_key(directory, *log).exists());
    let said = if cut_off { said(directory)? } else { done(directory, &logs)? };
    if !(restored || cut_off) && behind.is_empty() {
        return Err(NodeError::Backup(
            "the logs are as they were last signed; there is nothing to resume. Where peers hold \
             what contradicts them: comity resume DIR --new-names"
                .to_owned(),
        ));
    }
    if same_names && (cut_off || recovering || !behind.is_empty()) {
        let why: Vec<String> = behind.iter().map(ToString::to_string).collect();
        return Err(NodeError::PutBack(format!(
            "under the same names they would fork: {}; leave `--same-names` out",
            match (cut_off, recovering) {
                (true, _) => "new names were begun".to_owned(),
                (_, true) => "getting them back from peers has failed".to_owned(),
                _ => why.join("; "),
            }
        )));
    }
    let affected: Vec<&LogIdentity> = logs
        .iter()
        .filter(|log| restored || behind.iter().any(|one| one.log == log.name))
        .collect();
    let finished = said.is_some() && !cut_off;
    let continued = match said {
        Some(said) => said,
        None => {
            // What will be said in `acts` is on the disk before anything is done. If we stop
            // after, this is called again.
            let continued = continued(directory, &affected, &behind, same_names)?;
            let text = serde_json::to_vec(&continued).unwrap_or_default();
            directory.replace(&directory.resumed(), &text)?;
            continued
        }
    };
    // It may have folded what is not here any more.
    comity_view::View::drop_file(&directory.view())?;
    if !same_names && !finished {
        rename(directory, &config, &logs, &continued, surroundings)?;
    }
    remove(directory, &directory.restored())?;
    remove(directory, &directory.recovering())?;
    drop(lock);
    Node::open(directory.clone(), surroundings.clone())?.close();
    Ok(continued)
}

/// Under the names that the logs have their keys sign, and no others.
fn require_keys(directory: &Directory) -> Result<(), NodeError> {
    let missing = Log::ALL.into_iter().find(|log| !keys::path(directory, *log).exists());
    let Some(log) = missing else { return Ok(()) };
    Err(NodeError::Backup(format!(
        "`{}` is not here, and nothing else signs under the name that log `{}` has; leave \
         `--same-names` out",
        keys::path(directory, log).display(),
        log.name()
    )))
}

/// A recovery that was not finished leaves leaves that reach no head: they go.
fn end_recovery(directory: &Directory, config: &Config) -> Result<(), NodeError> {
    let mut storage = open_storage(directory, config)?;
    for log in crate::heads::FOLLOWED {
        let config = keys::log_config(directory, &config.party, log)?;
        // One that has its new name already was whole before it got that.
        if !next_key(directory, log).exists() {
            let begun = comity_tlog::Reclaim::begin(&mut storage, config);
            begun.map_err(|error| NodeError::Start(error.to_string()))?;
        }
    }
    Ok(())
}

/// What is to be said in `acts` and was written down before.
pub(crate) fn said(directory: &Directory) -> Result<Option<Vec<Continued>>, NodeError> {
    let path = directory.resumed();
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            NodeError::PutBack(format!(
                "`{}` says under which names the logs go on, and cannot be read: {error}. Where it \
                 is empty, the machine stopped as it was written and nothing had been done: remove \
                 it, and call this again. Otherwise put it back from a copy",
                path.display()
            ))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(directory.io(&path, error).into()),
    }
}

/// The same, where all of it was done and only the end was cut off.
fn done(directory: &Directory, logs: &[LogIdentity]) -> Result<Option<Vec<Continued>>, NodeError> {
    let named = |one: &Continued| {
        logs.iter().any(|log| log.name == one.log && log.verifier.name() == one.origin)
    };
    let renamed =
        |said: &Vec<Continued>| said.iter().all(|one| one.origin != one.from && named(one));
    Ok(said(directory)?.filter(renamed))
}

/// What the heads say, and what the logs are to be called.
fn continued(
    directory: &Directory,
    affected: &[&LogIdentity],
    behind: &[Behind],
    same_names: bool,
) -> Result<Vec<Continued>, NodeError> {
    let reader = crate::writer::reader(directory.root())?;
    let mut continued = Vec::new();
    for log in affected {
        let now = log.verifier.name();
        let head = reader.head(log.id)?;
        if head.is_none() && !directory.recovering().exists() {
            continue;
        }
        let (from, size, root) = match &head {
            // What stands here may be of an earlier name than the last one.
            Some(head) => (head.note.lines().next().unwrap_or_default(), head.size, head.root),
            None => (now, 0, comity_tlog::merkle::empty_root()),
        };
        continued.push(Continued {
            log: log.name.clone(),
            origin: if same_names { now.to_owned() } else { keys::next_origin(now, &log.name) },
            from: from.to_owned(),
            size,
            root: root.to_string(),
            signed: behind.iter().find(|one| one.log == log.name).map(|one| one.signed),
        });
    }
    Ok(continued)
}

/// Gives the logs the names that were written down: new keys, then the heads under them, then the
/// names of the key files. If we stop between any two of these, keys wait under their next names,
/// no start signs, and the same call finishes.
pub(crate) fn rename(
    directory: &Directory,
    config: &Config,
    logs: &[LogIdentity],
    continued: &[Continued],
    surroundings: &Surroundings,
) -> Result<(), NodeError> {
    let mut renamed = Vec::new();
    for one in continued {
        let log = logs.iter().find(|log| log.name == one.log && log.verifier.name() != one.origin);
        // Without one it has its new name already.
        let Some(log) = log else { continue };
        let Some(path) = next_of(directory, log) else { continue };
        let origin = one.origin.clone();
        if !path.exists() {
            let key = make::new_key(surroundings);
            directory.replace(&path, keys::text(&origin, &key).as_bytes())?;
        }
        let key = keys::read(&path, &origin)?;
        let new = LogConfig { id: log.id, name: log.name.clone(), origin, key };
        renamed.push((new, names(directory, log)));
    }
    // A head must not be signed by a key that a loss of power may take away.
    sync_keys(directory)?;
    let mut storage = open_storage(directory, config)?;
    comity_tlog::sequencer::rename(&mut storage, &renamed)
        .map_err(|error| NodeError::Start(error.to_string()))?;
    drop(storage);
    for (new, names) in &renamed {
        let Some(log) = Log::from_id(new.id) else { continue };
        let path = keys::path(directory, log);
        // The old key stays: it proves whose the old log was.
        let id = names.first().map_or(0, Verifier::id);
        let kept = directory.keys().join(format!("{}.{id:08x}.key", log.name()));
        if path.exists() && !kept.exists() {
            fs::hard_link(&path, &kept).map_err(|error| directory.io(&path, error))?;
        }
        let next = next_key(directory, log);
        fs::rename(&next, &path).map_err(|error| directory.io(&path, error))?;
    }
    let next = directory.keys().join("next.key");
    if !next.exists() {
        let key = make::new_key(surroundings);
        directory.replace(&next, keys::text(&config.party, &key).as_bytes())?;
    }
    sync_keys(directory)
}

/// Finishes to give the logs their names, where that was cut off: until then the heads may be
/// signed by keys that no file has the name of.
pub(crate) fn end_renaming(
    directory: &Directory,
    config: &Config,
    surroundings: &Surroundings,
) -> Result<(), NodeError> {
    if !Log::ALL.iter().any(|log| next_key(directory, *log).exists()) {
        return Ok(());
    }
    let Some(said) = said(directory)? else { return Ok(()) };
    let logs = identities(directory, config)?;
    rename(directory, config, &logs, &said, surroundings)
}

fn sync_keys(directory: &Directory) -> Result<(), NodeError> {
    let path = directory.keys();
    let synced = fs::File::open(&path).and_then(|keys| keys.sync_all());
    Ok(synced.map_err(|error| directory.io(&path, error))?)
}

/// What a log was called and is: its key, and those that it had before.
fn names(directory: &Directory, log: &LogIdentity) -> Vec<Verifier> {
    let mut names = vec![log.verifier.clone()];
    let kept = fs::read_dir(directory.keys()).into_iter().flatten().flatten();
    for path in kept.map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let id = name.strip_prefix(&format!("{}.", log.name)).and_then(|n| n.strip_suffix(".key"));
        if id.is_some() {
            names.extend(keys::verifier_in(&path));
        }
    }
    names
}

/// Whether a resumption was begun and not finished.
pub(crate) fn is_under_way(directory: &Directory) -> bool {
    directory.resumed().exists() || Log::ALL.iter().any(|log| next_key(directory, *log).exists())
}

fn next_key(directory: &Directory, log: Log) -> PathBuf {
    directory.keys().join(format!("{}.key.next", log.name()))
}

fn next_of(directory: &Directory, log: &LogIdentity) -> Option<PathBuf> {
    Log::from_id(log.id).map(|log| next_key(directory, log))
}

pub(crate) fn remove(directory: &Directory, path: &Path) -> Result<(), NodeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(directory.io(path, error).into())
        }
        _ => Ok(()),
    }
}

impl Node {
    /// Says in `acts` how the logs went on, where that is still to be said. If we stop between the
    /// entry and the removal, it is said twice, which is no harm.
    pub(crate) fn tell_resumption(&self) -> Result<(), NodeError> {
        let Some(continued) = said(&self.directory)? else { return Ok(()) };
        let header = Header {
            created: Micros(self.now()).to_string(),
            ..self.headers.header(Log::Acts, Kind::Key, Checked::of_file_system().author())
        };
        let mut payload = self.key_payload()?;
        if let Some(members) = payload.as_object_mut() {
            members.insert("continues".to_owned(), serde_json::json!(continued));
        }
        let sealed = self.surroundings.entry(&header, payload.to_string().as_bytes())?;
        self.writer.append(vec![(Log::Acts.id(), sealed)])?;
        remove(&self.directory, &self.directory.resumed())
    }
}
