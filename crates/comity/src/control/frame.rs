//! Messages of the control socket.

use std::io::{self, Read, Write};

/// Octets of one message. Both ends are ours and run as one user; this bounds a mistake.
const CONTENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A message.
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
}

impl Frame {
    /// Client: what is asked, as JSON. Always the first message.
    pub(super) const REQUEST: u8 = b'q';
    /// Either: a piece of input or output; an empty one ends the input.
    pub(super) const DATA: u8 = b'd';
    /// Node: send another piece of input.
    pub(super) const MORE: u8 = b'm';
    /// Node: octets and objects done, eight octets each.
    pub(super) const PROGRESS: u8 = b'p';
    /// Node: the result, as JSON. Always the last message, or `ERROR` is.
    pub(super) const RESULT: u8 = b'r';
    /// Node: why there is no result.
    pub(super) const ERROR: u8 = b'e';
}

pub(super) fn write(out: &mut impl Write, kind: u8, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut head = [kind, 0, 0, 0, 0];
    if let Some(place) = head.get_mut(1..) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    out.write_all(&head)?;
    out.write_all(content)?;
    out.flush()
}

pub(super) fn read(input: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 5];
    input.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_be_bytes(length) as usize;
    if length > CONTENT_BYTES_MAX {
        return Err(io::Error::other("a message is too long"));
    }
    let mut content = vec![0; length];
    input.read_exact(&mut content)?;
    Ok(Frame { kind, content })
}
