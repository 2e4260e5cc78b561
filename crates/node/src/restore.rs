//! A backup becomes a node's directory again. It does not sign until somebody has said what
//! became of the logs since: see `resume`.

use std::path::Path;

use comity_tlog::{Reader, SqliteStorage, Storage as _};
use comity_wire::entry::Log;

use crate::backup::{self, Holds, Manifest};
use crate::directory::{Directory, EVIDENCE};
use crate::node::{NodeError, Surroundings};

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// Whether what opens and signs was restored with it.
    pub keys: bool,
}

/// Restores a backup into a directory that is new or empty.
///
/// The configuration is written last: if we stop before, the directory holds no node.
pub fn restore(
    from: &Path,
    keys: Option<&Path>,
    directory: &Directory,
    surroundings: &Surroundings,
) -> Result<Restored, NodeError> {
    let manifest = Manifest::read(from, Holds::Logs)?;
    let key_manifest = keys.map(|keys| Manifest::read(keys, Holds::Keys)).transpose()?;
    if let Some(other) = key_manifest.as_ref().filter(|other| other.party != manifest.party) {
        return Err(NodeError::Backup(format!(
            "the logs are those of `{}` and the keys those of `{}`",
            manifest.party, other.party
        )));
    }
    directory.make()?;
    let root = directory.root();
    let steps = || -> Result<(), NodeError> {
        // If we stop after this, whatever opens the directory knows that it was restored.
        directory.write_new(&directory.restored(), manifest.text().as_bytes())?;
        if manifest.files.iter().any(|summed| Path::new(&summed.file).starts_with(EVIDENCE)) {
            directory.make_evidence()?;
        }
        let (last, first): (Vec<_>, Vec<_>) =
            manifest.files.iter().partition(|summed| summed.file == "config.toml");
        for summed in first {
            backup::copy_summed(from, root, summed)?;
        }
        if let (Some(keys), Some(manifest)) = (keys, &key_manifest) {
            for summed in &manifest.files {
                backup::copy_summed(keys, root, summed)?;
            }
        }
        // Without its keys the store gets new ones: for what comes.
        // That it opens says that both files are of this version, too.
        let fault = |error: comity_tlog::StorageError| NodeError::Storage(error.to_string());
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        (surroundings.random)(secret.as_mut_slice());
        SqliteStorage::open(root)
            .and_then(|mut store| store.local_secret(&secret))
            .map_err(fault)?;
        same_heads(&manifest, root)?;
        directory.close_to_others()?;
        last.into_iter().try_for_each(|summed| backup::copy_summed(from, root, summed))
    };
    if let Err(error) = steps() {
        // It was new or empty; nothing of anybody's goes.
        let _ = std::fs::remove_dir_all(root);
        return Err(error);
    }
    Ok(Restored { keys: key_manifest.is_some(), manifest })
}

/// The heads in the file are those of the manifest.
fn same_heads(manifest: &Manifest, root: &Path) -> Result<(), NodeError> {
    let reader = Reader::open(root)?;
    for said in &manifest.logs {
        let log = Log::from_name(&said.log);
        let found = log.map(|log| reader.head(log.id())).transpose()?.flatten();
        if found.is_none_or(|head| head.note != said.note) {
            return Err(NodeError::Backup(format!(
                "the head of log `{}` is not the one of the manifest; take another backup",
                said.log
            )));
        }
    }
    Ok(())
}
