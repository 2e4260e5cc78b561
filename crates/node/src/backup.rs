//! A copy of a node's directory as of one moment, made while the node serves.
//!
//! What opens entries (`keys.db`) and what signs (`keys/`) is no part of it: a backup with keys
//! would bring back what was withdrawn. They go elsewhere, and only where somebody asks for it.

mod manifest;
mod place;

use std::fs;
use std::path::{Path, PathBuf};

use comity_tlog::backup::{self, Snapshot};
use comity_wire::entry::Log;
use comity_wire::time::Micros;
use rusqlite::{Connection, OpenFlags};

use crate::directory::{EVIDENCE, REPLACING};
use crate::node::{Node, NodeError};
pub(crate) use manifest::copy_summed;
pub use manifest::{FORMAT, HeadOf, Holds, MANIFEST, Manifest, Summed};
use place::Part;

/// Octets that have to be free beyond what is copied: manifest, directories, journals of a copy.
const SPARE_OCTETS: u64 = 4 * 1024 * 1024;

/// The files of a backup that are copied as they are.
const PLAIN: [&str; 2] = ["charter.toml", "config.toml"];

/// How far a backup is: octets copied, octets to copy.
pub type Progress<'p> = dyn FnMut(u64, u64) + 'p;

/// All stores at one moment.
struct Moment {
    logs: Snapshot,
    local: Connection,
    made: i64,
}

impl Node {
    /// Copies the node to a directory that is new or empty, and what opens and signs to another
    /// one, where one is named. Both appear whole, under their names, or not at all.
    pub fn backup(
        &self,
        to: &Path,
        keys: Option<&Path>,
        progress: &mut Progress<'_>,
    ) -> Result<Manifest, NodeError> {
        place::apart(self.directory().root(), to, keys)?;
        let part = Part::new(to)?;
        let key_part = keys.map(Part::new).transpose()?;
        let moment = self.moment()?;
        let [log, key] = moment.logs.octets().map_err(storage)?;
        let local = backup::octets(&moment.local).map_err(crate::LocalError::from)?;
        place::require_space(part.path(), log + local + SPARE_OCTETS)?;
        if let Some(part) = &key_part {
            place::require_space(part.path(), key + SPARE_OCTETS)?;
        }
        let total = log + local + if keys.is_some() { key } else { 0 };
        let mut done = 0;
        let mut each = |octets: u64| {
            done += octets;
            progress(done, total);
        };
        // If we stop anywhere below, what is left is a directory whose name ends in `.part`.
        let manifest = self.copy_logs(&moment, part.path(), &mut each)?;
        if let Some(part) = &key_part {
            self.copy_keys(&moment, part.path(), &mut each)?;
        }
        drop(moment);
        if let Some(part) = key_part {
            part.finish()?;
        }
        part.finish()?;
        Ok(manifest)
    }

    /// Local state is held still while the logs are looked at: whatever it says of the logs is in
    /// them, and whatever they name of it is there.
    fn moment(&self) -> Result<Moment, NodeError> {
        let still = self.local().lock();
        let logs = Snapshot::take(self.directory().root()).map_err(storage)?;
        let local =
            Connection::open_with_flags(self.directory().local(), OpenFlags::SQLITE_OPEN_READ_ONLY)
                .and_then(|local| {
                    local.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
                    Ok(local)
                })
                .map_err(crate::LocalError::from)?;
        drop(still);
        Ok(Moment { logs, local, made: self.now() })
    }

    fn copy_logs(
        &self,
        moment: &Moment,
        to: &Path,
        each: &mut dyn FnMut(u64),
    ) -> Result<Manifest, NodeError> {
        moment.logs.copy_log(to, each).map_err(storage)?;
        backup::copy(&moment.local, &to.join("local.db"), each).map_err(crate::LocalError::from)?;
        for name in PLAIN {
            place::copy_plain(&self.directory().root().join(name), &to.join(name))?;
        }
        let mut names =
            ["charter.toml", "config.toml", "local.db", "log.db"].map(PathBuf::from).to_vec();
        names.extend(self.copy_folder(EVIDENCE, to)?);
        names.sort();
        self.sign_off(Holds::Logs, moment, to, &names)
    }

    fn copy_keys(
        &self,
        moment: &Moment,
        to: &Path,
        each: &mut dyn FnMut(u64),
    ) -> Result<(), NodeError> {
        moment.logs.copy_keys(to, each).map_err(storage)?;
        let mut names = vec![PathBuf::from("keys.db")];
        names.extend(self.copy_folder("keys", to)?);
        names.sort();
        self.sign_off(Holds::Keys, moment, to, &names).map(drop)
    }

    /// Copies the files of a folder of the node, where it has one: their names below the root. A
    /// file that is being replaced has its old content here.
    fn copy_folder(&self, folder: &str, to: &Path) -> Result<Vec<PathBuf>, NodeError> {
        let from = self.directory().root().join(folder);
        let fault = |source| place::fault(&from, source);
        let entries = match fs::read_dir(&from) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(fault)?,
        };
        place::make_directory(&to.join(folder))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = Path::new(folder).join(entry.map_err(fault)?.file_name());
            if name.extension().is_some_and(|extension| extension == REPLACING) {
                continue;
            }
            place::copy_plain(&self.directory().root().join(&name), &to.join(&name))?;
            names.push(name);
        }
        place::sync_directory(&to.join(folder))?;
        Ok(names)
    }

    /// Writes the manifest, last: sums of what is on the disk, and the heads of the moment.
    fn sign_off(
        &self,
        holds: Holds,
        moment: &Moment,
        to: &Path,
        names: &[PathBuf],
    ) -> Result<Manifest, NodeError> {
        let heads = moment.logs.heads().map_err(storage)?;
        let logs = heads.into_iter().filter_map(|head| {
            let log = Log::from_id(head.log)?;
            let vkey = self.verifier(log)?.vkey();
            let (log, size, note) = (log.name().to_owned(), head.size, head.note);
            let root = head.root.0.iter().map(|octet| format!("{octet:02x}")).collect();
            Some(HeadOf { log, vkey, size, root, note })
        });
        let manifest = Manifest {
            format: FORMAT,
            holds,
            comity: env!("CARGO_PKG_VERSION").to_owned(),
            party: self.config().party.clone(),
            made: Micros(moment.made).to_string(),
            logs: logs.collect(),
            files: names
                .iter()
                .map(|name| Summed::of(to, name))
                .collect::<Result<_, NodeError>>()?,
        };
        place::write_new(&to.join(MANIFEST), manifest.text().as_bytes())?;
        place::sync_directory(to)?;
        Ok(manifest)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` passes")]
fn storage(error: comity_tlog::StorageError) -> NodeError {
    match error {
        comity_tlog::StorageError::Full(_) => NodeError::Full,
        other => NodeError::Storage(other.to_string()),
    }
}
