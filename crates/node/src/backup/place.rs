//! Where a backup goes: a new directory, whole or not at all, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::directory::DirectoryError;
use crate::node::NodeError;

/// A directory on its way: written under another name, and gone when dropped unfinished.
#[derive(Debug)]
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Part {
    pub(super) fn new(target: &Path) -> Result<Part, NodeError> {
        let shown = target.display();
        let taken = fs::read_dir(target).map(|mut inside| inside.next().is_some());
        match taken {
            Ok(false) => {}
            Ok(true) => {
                let what = format!("`{shown}` is not empty; a backup goes to a new directory");
                return Err(NodeError::Backup(what));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault(target, error)),
        }
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = target.with_file_name(name);
        if path.exists() {
            let part = path.display();
            return Err(NodeError::Backup(format!(
                "`{part}` is there: another backup is being written, or was cut off; if it was: \
                 rm -r {part}"
            )));
        }
        make_directory(&path)?;
        Ok(Part { target: target.to_owned(), path, finished: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. If we stop before, it has none; if after, it is whole.
    pub(super) fn finish(mut self) -> Result<(), NodeError> {
        fs::rename(&self.path, &self.target).map_err(|error| fault(&self.target, error))?;
        self.finished = true;
        sync_directory(parent(&self.target))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// No part of a backup lies in another, nor in the node: what is copied with one must not carry
/// the other along.
pub(super) fn apart(node: &Path, to: &Path, keys: Option<&Path>) -> Result<(), NodeError> {
    let node = fs::canonicalize(node).map_err(|error| fault(node, error))?;
    let to = resolved(to)?;
    let inside = |inner: &Path, outer: &Path| -> Result<(), NodeError> {
        if inner.starts_with(outer) {
            return Err(NodeError::Backup(format!(
                "`{}` is inside `{}`; keep them apart",
                inner.display(),
                outer.display()
            )));
        }
        Ok(())
    };
    inside(&to, &node)?;
    if let Some(keys) = keys {
        let keys = resolved(keys)?;
        inside(&keys, &node)?;
        inside(&keys, &to)?;
        inside(&to, &keys)?;
    }
    Ok(())
}

/// The path of what may not exist yet, in a directory that does.
fn resolved(path: &Path) -> Result<PathBuf, NodeError> {
    let above = parent(path);
    let name = path.file_name().ok_or_else(|| {
        NodeError::Backup(format!("`{}` is no name of a new directory", path.display()))
    })?;
    Ok(fs::canonicalize(above).map_err(|error| fault(above, error))?.join(name))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// An error unless so many octets are free.
pub(super) fn require_space(path: &Path, octets: u64) -> Result<(), NodeError> {
    let found = rustix::fs::statvfs(path).map_err(|error| fault(path, error.into()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free >= octets {
        return Ok(());
    }
    Err(NodeError::Backup(format!(
        "`{}` has {} MB free and the backup needs {}; free space, or choose another place",
        parent(path).display(),
        free / 1_000_000,
        octets.div_ceil(1_000_000)
    )))
}

pub(super) fn make_directory(path: &Path) -> Result<(), NodeError> {
    fs::DirBuilder::new().mode(0o700).create(path).map_err(|error| fault(path, error))
}

pub(super) fn new_file(path: &Path) -> Result<File, NodeError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| fault(path, error))
}

pub(super) fn write_new(path: &Path, octets: &[u8]) -> Result<(), NodeError> {
    let mut file = new_file(path)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(|error| fault(path, error))
}

pub(super) fn copy_plain(from: &Path, to: &Path) -> Result<(), NodeError> {
    let octets = zeroize::Zeroizing::new(fs::read(from).map_err(|error| fault(from, error))?);
    write_new(to, &octets)
}

pub(super) fn owner_only(path: &Path) -> Result<(), NodeError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| fault(path, error))
}

pub(super) fn sync_directory(path: &Path) -> Result<(), NodeError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| fault(path, error))
}

pub(super) fn fault(path: &Path, source: std::io::Error) -> NodeError {
    if source.kind() == std::io::ErrorKind::StorageFull {
        return NodeError::Full;
    }
    DirectoryError::Io { path: path.display().to_string(), source }.into()
}
