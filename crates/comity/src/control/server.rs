//! The node's end of the control socket: a thread for each command that comes.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use comity_node::Node;
use comity_node::import::Progress;

use super::CHUNK_BYTES;
use super::frame::{self, Frame};
use super::request::{Request, Sink, execute};
use super::socket;

/// Starts to listen. The caller holds the directory's lock, so a socket that is there was left
/// by a process that is gone.
pub(crate) fn serve(node: &Arc<Node>) -> io::Result<()> {
    let path = node.directory().control();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = socket::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let node = Arc::downgrade(node);
    std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(node) = node.upgrade() else { return };
            // A thread that cannot be made closes the connection, which the command tells.
            let _ = std::thread::Builder::new()
                .name("command".to_owned())
                .spawn(move || drop(answer(&node, &stream)));
        }
    })?;
    Ok(())
}

fn answer(node: &Node, stream: &UnixStream) -> io::Result<()> {
    let mut reader = stream.try_clone()?;
    let first = frame::read(&mut reader)?;
    let mut writer = stream.try_clone()?;
    let request: Request = match (first.kind, serde_json::from_slice(&first.content)) {
        (Frame::REQUEST, Ok(request)) => request,
        _ => {
            let what = b"the node that serves does not know this command; is it another version?";
            return frame::write(&mut writer, Frame::ERROR, what);
        }
    };
    let mut input = Input { reader, writer: stream.try_clone()?, rest: Vec::new(), at: 0 };
    let mut sink = Frames { writer: stream.try_clone()?, pending: Vec::new() };
    let result = execute(node, request, &mut input, &mut sink);
    sink.flush()?;
    match result {
        Ok(value) => frame::write(&mut writer, Frame::RESULT, value.to_string().as_bytes()),
        Err(failure) => frame::write(&mut writer, Frame::ERROR, failure.to_string().as_bytes()),
    }
}

/// Input that is asked for piece by piece.
struct Input {
    reader: UnixStream,
    writer: UnixStream,
    rest: Vec<u8>,
    at: usize,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.len() {
            frame::write(&mut self.writer, Frame::MORE, &[])?;
            self.rest = frame::read(&mut self.reader)?.content;
            self.at = 0;
        }
        let rest = self.rest.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// Output and progress as messages.
struct Frames {
    writer: UnixStream,
    pending: Vec<u8>,
}

impl Frames {
    fn flush(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            frame::write(&mut self.writer, Frame::DATA, &self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }
}

impl Sink for Frames {
    fn progress(&mut self, progress: Progress) {
        let mut content = progress.octets.to_be_bytes().to_vec();
        content.extend_from_slice(&progress.objects.to_be_bytes());
        // A client that went away is noticed when the result is sent.
        let _ = frame::write(&mut self.writer, Frame::PROGRESS, &content);
    }

    fn data(&mut self, octets: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(octets);
        if self.pending.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }
}
