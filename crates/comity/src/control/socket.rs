//! Where the control socket is. The system takes some hundred octets for the path of a socket;
//! a directory may lie deeper, so it is reached through an open handle of it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let (_directory, short) = shortened(path)?;
    UnixStream::connect(short)
}

pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let (_directory, short) = shortened(path)?;
    UnixListener::bind(short)
}

/// The same place by a short path, which holds as long as the handle does.
fn shortened(path: &Path) -> io::Result<(File, PathBuf)> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let directory = File::open(parent)?;
    let name = path.file_name().unwrap_or_default();
    let short = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    Ok((directory, short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_in_a_deep_directory_is_reached() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("a".repeat(120)).join("b".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        let path = deep.join("control.sock");
        assert!(UnixListener::bind(&path).is_err(), "the path is too long for the system");
        let _listener = bind(&path).unwrap();
        assert!(connect(&path).is_ok());
    }
}
