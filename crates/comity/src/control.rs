//! Commands to a node that serves, through a socket in its directory that only its owner reaches;
//! to a node that does not, by opening it. Both ways carry out the same [`request::execute`].
//!
//! A message is one octet that says what it is, four of length, big-endian, and the content.

pub(crate) mod between;
mod frame;
mod peer;
pub(crate) mod release;
pub(crate) mod request;
mod server;
mod socket;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use comity_node::directory::DirectoryError;
use comity_node::import::Progress;
use comity_node::{Directory, Node, NodeError};
use serde_json::Value;

use crate::command::Failure;
use crate::surroundings;
use frame::Frame;
use request::{Request, Sink};

pub(crate) use server::serve;

/// How long a directory may be open elsewhere without being served, until a command gives up: a
/// node that starts anew under another charter takes a second at most, a short command less.
const BUSY: Duration = Duration::from_secs(5);
const BUSY_LOOK: Duration = Duration::from_millis(50);

/// Octets of input sent in one message.
const CHUNK_BYTES: usize = 256 * 1024;

/// Carries out a request that needs no input and gives no output but its result.
pub(crate) fn ask(dir: &Path, request: Request) -> Result<Value, Failure> {
    ask_with(dir, request, &mut io::empty(), &mut Silent)
}

/// Carries out a request with input and output streams.
pub(crate) fn ask_with(
    dir: &Path,
    request: Request,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    match way(&Directory::new(dir))? {
        Way::Served(stream) => remote(stream, &request, input, sink),
        Way::Here(node) => {
            let result = request::execute(&node, request, input, sink);
            node.close();
            result
        }
    }
}

/// How a node is reached.
enum Way {
    /// It serves.
    Served(UnixStream),
    /// It did not, and is open now.
    Here(Box<Node>),
}

/// Reaches a node. One whose process is about to serve, or about to end, is waited for.
fn way(directory: &Directory) -> Result<Way, NodeError> {
    directory.require_node()?;
    let mut looks = BUSY.as_millis() / BUSY_LOOK.as_millis();
    loop {
        if let Ok(stream) = socket::connect(&directory.control()) {
            return Ok(Way::Served(stream));
        }
        match Node::open(directory.clone(), surroundings::real()) {
            Err(NodeError::Directory(DirectoryError::Busy(_))) if looks > 0 => {
                looks -= 1;
                std::thread::sleep(BUSY_LOOK);
            }
            opened => return opened.map(|node| Way::Here(Box::new(node))),
        }
    }
}

/// Opens a node to serve it. A command that has it open is waited for; a node that serves is not.
pub(crate) fn open(directory: &Directory) -> Result<Node, NodeError> {
    match way(directory)? {
        Way::Here(node) => Ok(*node),
        Way::Served(_) => {
            Err(DirectoryError::Serves(directory.root().display().to_string()).into())
        }
    }
}

/// Asks a node that serves; one that does not is not opened for it.
pub(crate) fn ask_served(
    directory: &Directory,
    request: &Request,
) -> Result<Option<Value>, Failure> {
    match socket::connect(&directory.control()) {
        Ok(stream) => remote(stream, request, &mut io::empty(), &mut Silent).map(Some),
        Err(_) => Ok(None),
    }
}

fn remote(
    stream: UnixStream,
    request: &Request,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    let lost = |error: io::Error| Failure::new(format!("the node that serves went away: {error}"));
    let mut writer = stream.try_clone().map_err(lost)?;
    let text = serde_json::to_vec(request).map_err(|error| Failure::new(error.to_string()))?;
    frame::write(&mut writer, Frame::REQUEST, &text).map_err(lost)?;
    let mut reader = io::BufReader::new(stream);
    if request.has_input() {
        // The node asks for each piece, so that its pace is ours, and its end is heard of.
        send_input(&mut writer, &mut reader, input, sink)
    } else {
        receive(&mut reader, &mut |_| Ok(()), sink)
    }
}

fn send_input(
    writer: &mut UnixStream,
    reader: &mut impl Read,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    let mut buffer = vec![0; CHUNK_BYTES];
    receive(
        reader,
        &mut |()| {
            let read = input.read(&mut buffer)?;
            frame::write(writer, Frame::DATA, buffer.get(..read).unwrap_or_default())
        },
        sink,
    )
}

/// Reads messages until the result; `more` sends a piece of input when the node asks for one.
fn receive(
    reader: &mut impl Read,
    more: &mut dyn FnMut(()) -> io::Result<()>,
    sink: &mut dyn Sink,
) -> Result<Value, Failure> {
    let lost = |error: io::Error| Failure::new(format!("the node that serves went away: {error}"));
    loop {
        let frame = frame::read(reader).map_err(lost)?;
        match frame.kind {
            Frame::MORE => more(()).map_err(lost)?,
            Frame::DATA => sink.data(&frame.content).map_err(|error| Failure::write(&error))?,
            Frame::PROGRESS => {
                let mut numbers = frame
                    .content
                    .chunks_exact(8)
                    .map(|octets| u64::from_be_bytes(octets.try_into().unwrap_or_default()));
                let octets = numbers.next().unwrap_or(0);
                sink.progress(Progress { octets, objects: numbers.next().unwrap_or(0) });
            }
            Frame::RESULT => {
                return serde_json::from_slice(&frame.content)
                    .map_err(|error| Failure::new(format!("the node's answer: {error}")));
            }
            Frame::ERROR => {
                return Err(Failure::new(String::from_utf8_lossy(&frame.content).into_owned()));
            }
            other => {
                return Err(Failure::new(format!("the node sent a message of kind {other}")));
            }
        }
    }
}

/// For requests whose result is all there is.
struct Silent;

impl Sink for Silent {
    fn progress(&mut self, _: Progress) {}

    fn data(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Writes output to a stream, and progress to a bar.
pub(crate) struct Shown<W: Write> {
    pub(crate) out: W,
    pub(crate) bar: indicatif::ProgressBar,
}

impl<W: Write> Sink for Shown<W> {
    fn progress(&mut self, progress: Progress) {
        self.bar.set_position(progress.octets);
        self.bar.set_message(format!("{} objects", progress.objects));
    }

    fn data(&mut self, octets: &[u8]) -> io::Result<()> {
        self.out.write_all(octets)
    }
}
