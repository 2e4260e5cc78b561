//! A node's directory: which file holds what, who may use it now.
//!
//! | file | holds | may be lost? |
//! |---|---|---|
//! | `log.db` | leaves, sealed envelopes, tiles, heads, arrivals | never |
//! | `keys.db` | salt and data key of each entry; in no backup | then the contents are gone |
//! | `view.db` | the fold | always: folded again |
//! | `local.db` | accounts, tokens, collections, statuses, refusals | never |
//! | `keys/` | signing keys, readable by the owner alone | never |
//! | `config.toml`, `charter.toml` | what the operator and the body set | never |
//! | `evidence/` | proofs that a peer signed two histories | never |
//! | `head.mark` | how far each log has signed | with the directory: made again |
//! | `recovering.json` | that logs are being taken back from peers | never |
//! | `restored.json` | that this came out of a backup, until somebody decides | never |
//! | `control.sock` | the way in for commands while the node serves | always |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The files that grow.
pub const FILES: [&str; 7] =
    ["log.db", "log.db-wal", "keys.db", "keys.db-wal", "view.db", "view.db-wal", "local.db"];

/// The folder of proofs.
pub(crate) const EVIDENCE: &str = "evidence";

/// What the name of a file ends in until it takes the place of another.
pub(crate) const REPLACING: &str = "new";

/// The paths of a node's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    root: PathBuf,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It holds no node.
    #[error("`{0}` holds no node; make one: comity init {0}")]
    NoNode(String),
    /// It holds a node whose configuration is gone.
    #[error(
        "`{0}` has the keys of a node and no `config.toml`; put that back from your copy, or write \
         it anew: `party = \"…\"`, as the names in `keys/shared.key` and the charter have it"
    )]
    NoConfig(String),
    /// It holds something already.
    #[error("`{0}` is not empty; required: a directory that is new or empty")]
    NotEmpty(String),
    /// Another process uses it.
    #[error("another process has `{0}` open; try again, or stop that process first")]
    Busy(String),
    /// A node serves it.
    #[error("another process serves `{0}`; stop it first")]
    Serves(String),
    /// The file system says no.
    #[error("`{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The right to write a directory. Held by one process; ends with it, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right that the file at `path` stands for; nothing where another process has it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn take(path: &Path) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Directory {
    /// The paths below `root`. Nothing is looked at yet.
    pub fn new(root: impl Into<PathBuf>) -> Directory {
        Directory { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `config.toml` is.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// Where `charter.toml` is.
    pub fn charter(&self) -> PathBuf {
        self.root.join("charter.toml")
    }

    /// Where `local.db` is.
    pub fn local(&self) -> PathBuf {
        self.root.join("local.db")
    }

    /// Where `view.db` is.
    pub fn view(&self) -> PathBuf {
        self.root.join("view.db")
    }

    /// Where the signing keys are.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The key that this node shows to peers, and its certificate.
    pub fn transport(&self) -> (PathBuf, PathBuf) {
        (self.keys().join("transport.key"), self.keys().join("transport.crt"))
    }

    /// Where commands reach a node that serves.
    pub fn control(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// Where the manifest of a backup is that was restored, until somebody resumes it.
    pub(crate) fn restored(&self) -> PathBuf {
        self.root.join("restored.json")
    }

    /// Where it stands how the logs went on, until it is an entry.
    pub(crate) fn resumed(&self) -> PathBuf {
        self.root.join("resumed.json")
    }

    /// What stands here while logs are taken back from peers, until it is done.
    pub(crate) fn recovering(&self) -> PathBuf {
        self.root.join("recovering.json")
    }

    /// Makes the directory of proofs, where there is none.
    pub(crate) fn make_evidence(&self) -> Result<(), DirectoryError> {
        let path = self.root.join(EVIDENCE);
        fs::create_dir_all(&path)
            .and_then(|()| owner_only(&path, 0o700))
            .map_err(|source| self.io(&path, source))
    }

    /// Whether a node was made here.
    pub fn holds_node(&self) -> bool {
        self.config().exists()
    }

    /// An error unless a node was made here.
    pub fn require_node(&self) -> Result<(), DirectoryError> {
        if self.holds_node() {
            return Ok(());
        }
        let no =
            if self.keys().is_dir() { DirectoryError::NoConfig } else { DirectoryError::NoNode };
        Err(no(self.shown()))
    }

    /// Makes the directory, readable by its owner alone. It must be new or empty.
    pub fn make(&self) -> Result<(), DirectoryError> {
        fs::create_dir_all(&self.root).map_err(|source| self.io(&self.root, source))?;
        let mut inside = fs::read_dir(&self.root).map_err(|source| self.io(&self.root, source))?;
        if inside.next().is_some() {
            return Err(DirectoryError::NotEmpty(self.shown()));
        }
        owner_only(&self.root, 0o700).map_err(|source| self.io(&self.root, source))?;
        fs::create_dir(self.keys()).map_err(|source| self.io(&self.keys(), source))?;
        owner_only(&self.keys(), 0o700).map_err(|source| self.io(&self.keys(), source))
    }

    /// Writes a file that must not exist, readable by its owner alone, and waits for the disk.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .map_err(|source| self.io(path, source))
    }

    /// Puts other octets in the place of a file: either the old or the new are there, whenever the
    /// machine stops.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(REPLACING);
        let new = PathBuf::from(name);
        match fs::remove_file(&new) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(self.io(&new, source));
            }
            _ => {}
        }
        self.write_new(&new, bytes)?;
        let parent = path.parent().unwrap_or(&self.root);
        fs::rename(&new, path)
            .and_then(|()| fs::File::open(parent)?.sync_all())
            .map_err(|source| self.io(path, source))
    }

    /// Gives a file a second name, with the first number in it that is free, so that what is there
    /// stays when it is replaced: `a.proof` is `a.1.proof` too.
    pub(crate) fn keep_beside(&self, path: &Path) -> Result<(), DirectoryError> {
        let mut number = 1_u64;
        loop {
            let mut name = path.with_extension(number.to_string()).into_os_string();
            name.extend(path.extension().into_iter().flat_map(|last| [".".as_ref(), last]));
            match fs::hard_link(path, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                done => return done.map_err(|source| self.io(path, source)),
            }
        }
    }

    /// Whether the logs are here and what opens their entries is not: a directory out of a backup,
    /// or a lost file.
    pub(crate) fn keys_are_lost(&self) -> bool {
        let there = |name: &str| self.root.join(name).exists();
        there("log.db") && !there("keys.db")
    }

    /// Lets nobody but the owner read the stores, whatever the process's mask is.
    pub(crate) fn close_to_others(&self) -> Result<(), DirectoryError> {
        for path in self.stores()? {
            owner_only(&path, 0o600).map_err(|source| self.io(&path, source))?;
        }
        Ok(())
    }

    /// The stores and what belongs to them.
    pub fn stores(&self) -> Result<Vec<PathBuf>, DirectoryError> {
        let mut stores = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(|source| self.io(&self.root, source))? {
            let path = entry.map_err(|source| self.io(&self.root, source))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.contains(".db") {
                stores.push(path);
            }
        }
        Ok(stores)
    }

    /// Takes the right to write the directory, or says that another process has it.
    pub fn lock(&self) -> Result<Lock, DirectoryError> {
        let path = self.root.join("lock");
        let lock = Lock::take(&path).map_err(|source| self.io(&path, source))?;
        lock.ok_or_else(|| DirectoryError::Busy(self.shown()))
    }

    fn shown(&self) -> String {
        self.root.display().to_string()
    }

    pub(crate) fn io(&self, path: &Path, source: std::io::Error) -> DirectoryError {
        DirectoryError::Io { path: path.display().to_string(), source }
    }
}

fn owner_only(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
