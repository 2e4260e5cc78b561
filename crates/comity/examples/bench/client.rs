//! An HTTP/1.1 client that costs little, since it shares the cores with what it measures: one
//! connection, kept open, one request at a time.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;

const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// Room that is made for reading at a time, octets.
const READ_BYTES: usize = 256 * 1024;

/// What is asked, of whom and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// The path of the collection, with a slash at the end.
    pub(crate) collection: String,
    /// The token.
    pub(crate) bearer: String,
}

impl Service {
    /// The head of a GET below the collection.
    pub(crate) fn get(&self, rest: &str) -> Vec<u8> {
        self.head("GET", rest, "").into_bytes()
    }

    /// The head of a POST of objects.
    pub(crate) fn post(&self, length: usize) -> Vec<u8> {
        let more = format!("Content-Type: {MEDIA_TYPE}\r\nContent-Length: {length}\r\n");
        self.head("POST", "objects/", &more).into_bytes()
    }

    fn head(&self, method: &str, rest: &str, more: &str) -> String {
        let Service { address, collection, bearer } = self;
        format!(
            "{method} {collection}{rest} HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Bearer {bearer}\r\nAccept: {MEDIA_TYPE}\r\n{more}\r\n"
        )
    }
}

pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
    /// A body that came in chunks, put together.
    joined: Vec<u8>,
}

/// A response; its octets stay in the client until the next request.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The status that was expected, or an error that shows what the server says.
    pub(crate) fn expect(self, status: u16) -> Outcome<Self> {
        if self.status == status {
            return Ok(self);
        }
        let shown: String = String::from_utf8_lossy(self.body).chars().take(400).collect();
        Err(format!("status {} and not {status}: {shown}", self.status).into())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

/// Where the body of a response ends.
enum Framing {
    Length(usize),
    Chunks,
    Close,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Client {
        Client { address, stream: None, received: Vec::new(), joined: Vec::new() }
    }

    /// Sends a request and reads the response to its end.
    pub(crate) async fn ask(&mut self, head: &[u8], body: &[u8]) -> Outcome<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(head).await?;
        if !body.is_empty() {
            stream.write_all(body).await?;
        }
        self.received.clear();
        let start = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
            self.more(&mut stream).await?;
        };
        let framing = framing(text(self.received.get(..start)))?;
        let closes = matches!(framing, Framing::Close) || {
            let head = text(self.received.get(..start));
            header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
        };
        self.joined.clear();
        match framing {
            Framing::Length(length) => {
                while self.received.len() < start + length {
                    self.more(&mut stream).await?;
                }
            }
            Framing::Chunks => self.chunks(&mut stream, start).await?,
            Framing::Close => while self.more(&mut stream).await.is_ok() {},
        }
        if !closes {
            self.stream = Some(stream);
        }
        let head = text(self.received.get(..start));
        let body = match framing {
            Framing::Chunks => &self.joined,
            _ => self.received.get(start..).unwrap_or_default(),
        };
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        Ok(Answer { status: status.ok_or("a response without a status")?, head, body })
    }

    async fn chunks(&mut self, stream: &mut TcpStream, mut at: usize) -> Outcome<()> {
        loop {
            let rest = self.received.get(at..).unwrap_or_default();
            let Some(line) = find(rest, b"\r\n") else {
                self.more(stream).await?;
                continue;
            };
            let digits = text(rest.get(..line)).trim();
            let size = usize::from_str_radix(digits, 16)
                .map_err(|_| format!("`{digits}` is no length of a chunk"))?;
            let start = at + line + 2;
            while self.received.len() < start + size + 2 {
                self.more(stream).await?;
            }
            if size == 0 {
                return Ok(());
            }
            self.joined
                .extend_from_slice(self.received.get(start..start + size).unwrap_or_default());
            at = start + size + 2;
        }
    }

    async fn more(&mut self, stream: &mut TcpStream) -> Outcome<()> {
        if self.received.capacity() - self.received.len() < READ_BYTES / 4 {
            self.received.reserve(READ_BYTES);
        }
        if stream.read_buf(&mut self.received).await? == 0 {
            return Err("the server closed the connection in a response".into());
        }
        Ok(())
    }
}

fn framing(head: &str) -> Outcome<Framing> {
    if let Some(length) = header(head, "content-length") {
        return Ok(Framing::Length(length.parse()?));
    }
    let chunked = header(head, "transfer-encoding").is_some_and(|value| value.contains("chunked"));
    Ok(if chunked { Framing::Chunks } else { Framing::Close })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn text(octets: Option<&[u8]>) -> &str {
    octets.and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
}

pub(crate) fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|window| window == wanted)
}
