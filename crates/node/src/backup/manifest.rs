//! What a backup says of itself: of whom, of when, the heads of the logs, the sum of each file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::place;
use crate::node::NodeError;

/// The name of the file.
pub const MANIFEST: &str = "manifest.json";

/// The version of its form.
pub const FORMAT: u32 = 1;

/// Octets that are read and summed at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// What a directory of a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Logs, local state, charter, configuration.
    Logs,
    /// What opens entries and signs heads.
    Keys,
}

/// The head of a log at the moment of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadOf {
    /// Which log.
    pub log: String,
    /// What its checkpoints are verified with.
    pub vkey: String,
    /// Its size.
    pub size: u64,
    /// Its root, in hex.
    pub root: String,
    /// The checkpoint.
    pub note: String,
}

/// A file and its sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summed {
    /// Its name below the directory.
    pub file: String,
    /// Its length.
    pub octets: u64,
    /// The SHA-256 of its octets, in hex.
    pub sha256: String,
}

/// The manifest of a directory of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this form.
    pub format: u32,
    /// What the directory holds.
    pub holds: Holds,
    /// The version of the program that made it.
    pub comity: String,
    /// Whose node it is of.
    pub party: String,
    /// When it was made.
    pub made: String,
    /// The heads of the logs then.
    pub logs: Vec<HeadOf>,
    /// The files, but for this one.
    pub files: Vec<Summed>,
}

impl Manifest {
    pub(crate) fn text(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// Reads the manifest of a directory, which has to hold what is expected.
    pub fn read(directory: &Path, expected: Holds) -> Result<Manifest, NodeError> {
        let path = directory.join(MANIFEST);
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let what = format!("`{shown}`: {error}; a backup is made by `comity backup DIR DEST`");
            NodeError::Backup(what)
        })?;
        let manifest = Manifest::parse(&text, &shown)?;
        if manifest.holds != expected {
            let what = match expected {
                Holds::Logs => "holds keys; name the directory with log.db first",
                Holds::Keys => "holds no keys; name the directory that `backup --keys` made",
            };
            return Err(NodeError::Backup(format!("`{}` {what}", directory.display())));
        }
        Ok(manifest)
    }

    /// Reads a manifest's text; `shown` names it in messages.
    pub(crate) fn parse(text: &str, shown: &str) -> Result<Manifest, NodeError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let fault = |error: serde_json::Error| NodeError::Backup(format!("`{shown}`: {error}"));
        let version: Version = serde_json::from_str(text).map_err(fault)?;
        if version.format != FORMAT {
            return Err(NodeError::Backup(format!(
                "`{shown}` has format {}, this program reads {FORMAT}; use the program that made it",
                version.format
            )));
        }
        serde_json::from_str(text).map_err(fault)
    }
}

impl Summed {
    /// Sums a file that is written, and waits until the disk has it.
    pub(super) fn of(directory: &Path, name: &Path) -> Result<Summed, NodeError> {
        let path = directory.join(name);
        place::owner_only(&path)?;
        let fault = |source| place::fault(&path, source);
        let file = File::open(&path).map_err(fault)?;
        file.sync_all().map_err(fault)?;
        let (octets, sha256) = sum(file, |_| Ok(())).map_err(fault)?;
        Ok(Summed { file: name.display().to_string(), octets, sha256 })
    }
}

/// Copies a file of a backup to a new place, and says so where it is not what the manifest says.
pub(crate) fn copy_summed(from: &Path, to: &Path, summed: &Summed) -> Result<(), NodeError> {
    let named = Path::new(&summed.file);
    if !named.components().all(|part| matches!(part, Component::Normal(_))) {
        let what = format!("a manifest names `{}`, which is no file of a backup", summed.file);
        return Err(NodeError::Backup(what));
    }
    let (from, to) = (from.join(named), to.join(named));
    let source = File::open(&from).map_err(|source| place::fault(&from, source))?;
    let mut target = place::new_file(&to)?;
    let (octets, sha256) = sum(source, |chunk| target.write_all(chunk))
        .and_then(|found| target.sync_all().map(|()| found))
        .map_err(|source| place::fault(&to, source))?;
    if octets != summed.octets || sha256 != summed.sha256 {
        let from = from.display();
        return Err(NodeError::Backup(format!(
            "`{from}` is not what its manifest says: damaged, or changed; take another backup"
        )));
    }
    Ok(())
}

fn sum(
    mut file: File,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(u64, String)> {
    let (mut hasher, mut octets) = (Sha256::new(), 0);
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let sum = hasher.finalize();
            return Ok((octets, sum.iter().map(|octet| format!("{octet:02x}")).collect()));
        }
        let chunk = buffer.get(..read).unwrap_or_default();
        hasher.update(chunk);
        each(chunk)?;
        octets += read as u64;
    }
}
