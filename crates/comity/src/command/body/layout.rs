//! The directory of a body.
//!
//! | file | holds |
//! |---|---|
//! | `body.json` | which parties have a node here, at which ports |
//! | `draft.toml` | the charter as it was given, without keys |
//! | `charter.toml` | the charter that the body is founded by |
//! | `nodes/PARTY/` | a node's directory, as `comity init` makes one |
//! | `logs/PARTY.log` | what the node said on standard error |
//! | `logins.txt` | first logins, where they are kept |
//! | `lock` | held by the process that serves the body |

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use comity_node::{Directory, Lock};
use serde::{Deserialize, Serialize};

use crate::command::Failure;

/// Which nodes a body has here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) body: String,
    pub(super) nodes: Vec<Member>,
}

/// The node of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) party: String,
    pub(super) name: String,
    /// The port for clients.
    pub(super) listen: u16,
    /// The port for peers.
    pub(super) peers: u16,
}

impl Member {
    pub(super) fn listens(&self) -> String {
        format!("127.0.0.1:{}", self.listen)
    }

    pub(super) fn meets(&self) -> String {
        format!("127.0.0.1:{}", self.peers)
    }
}

/// The paths of a body.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path) -> Layout {
        Layout { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn record(&self) -> PathBuf {
        self.root.join("body.json")
    }

    pub(super) fn draft(&self) -> PathBuf {
        self.root.join("draft.toml")
    }

    pub(super) fn charter(&self) -> PathBuf {
        self.root.join("charter.toml")
    }

    /// A party's id has no character that a path could not take.
    pub(super) fn node(&self, party: &str) -> PathBuf {
        self.root.join("nodes").join(party)
    }

    /// Where a node is made before it is there: the name of no party, whatever parties there are.
    pub(super) fn new_node(&self, party: &str) -> PathBuf {
        self.root.join("nodes").join(format!(".{party}"))
    }

    pub(super) fn log(&self, party: &str) -> PathBuf {
        self.root.join("logs").join(format!("{party}.log"))
    }

    pub(super) fn logins(&self) -> PathBuf {
        self.root.join("logins.txt")
    }

    /// Makes the directory where there is none. One that holds something else is left alone.
    pub(super) fn make(&self) -> Result<(), Failure> {
        let inside = match fs::read_dir(&self.root) {
            Ok(mut inside) => inside.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(told(&self.root, &error)),
        };
        let node = Directory::new(&self.root);
        if node.holds_node() || node.keys().exists() {
            return Err(Failure::new(format!(
                "`{}` holds a node, and no body; give a new directory",
                self.root.display()
            )));
        }
        if inside && !self.record().exists() && !self.root.join("lock").exists() {
            return Err(Failure::new(format!(
                "`{}` holds something that is no body; give a new directory",
                self.root.display()
            )));
        }
        for folder in [&self.root, &self.root.join("nodes"), &self.root.join("logs")] {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| told(folder, &error))?;
        }
        Ok(())
    }

    /// The right to serve the body; it ends with the process, however that ends.
    pub(super) fn lock(&self) -> Result<Lock, Failure> {
        let path = self.root.join("lock");
        let lock = Lock::take(&path).map_err(|error| told(&path, &error))?;
        lock.ok_or_else(|| {
            Failure::new(format!(
                "another process serves the body in `{0}`; look: comity body status {0}",
                self.root.display()
            ))
        })
    }

    /// What is known of the body; nothing where none was founded yet.
    pub(super) fn read(&self) -> Result<Option<Record>, Failure> {
        let path = self.record();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&path, &error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::new(format!("`{}`: {error}", path.display())))
    }

    pub(super) fn write(&self, record: &Record) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(record)
            .map_err(|error| Failure::new(error.to_string()))?;
        put(&self.record(), &format!("{text}\n"))
    }
}

/// Writes a file for its owner alone: it is there as a whole, or not at all.
pub(super) fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    written.map_err(|error| told(path, &error))
}

pub(super) fn get(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| told(path, &error))
}

pub(super) fn told(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("`{}`: {error}", path.display()))
}
