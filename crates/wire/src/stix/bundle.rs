//! Bundles and envelopes, one object at a time: `{"type":"bundle","objects":[…]}` of STIX and
//! `{"objects":[…]}` of TAXII, members in any order (S027).
//!
//! Nothing is held but the object at hand, and nothing of it is judged: the octets are the
//! producer's, white space and all. Whether they are JSON is the gate's question. What stands
//! around the objects is read strictly.

mod walk;

use std::io::Read;

use crate::json::{self, Value};
use crate::limits::{BUNDLE_MEMBER_BYTES_MAX, BUNDLE_MEMBERS_MAX, OBJECT_BYTES_MAX};
use walk::Walk;

const CHUNK_BYTES: usize = 64 * 1024;

/// Reads objects from a stream.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    /// The next octet, as a place in the buffer.
    at: usize,
    /// Where what is being recorded begins, as a place in the buffer.
    start: Option<usize>,
    /// Octets of the stream before the buffer.
    before: u64,
    object_bytes_max: usize,
    place: Place,
    objects: usize,
    names: Vec<String>,
    about: About,
}

/// Where between members the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Objects,
    Done,
}

/// One member of `objects`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'b> {
    /// Its place in the list, from 0.
    pub position: usize,
    /// Octets of the stream before it.
    pub offset: u64,
    /// Its octets.
    pub size: u64,
    /// Its text; `None` where it is larger than [`OBJECT_BYTES_MAX`] and was skipped.
    pub bytes: Option<&'b [u8]>,
}

/// What the carrier says about itself. Whole once all objects are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Its `type`: `bundle`, or none for an envelope.
    pub object_type: Option<String>,
    /// Its `id`.
    pub id: Option<String>,
    /// Whether it has a `spec_version`, as bundles of STIX 2.0 have.
    pub has_spec_version: bool,
    /// Whether it has `objects`.
    pub has_objects: bool,
}

/// Why a carrier cannot be read on. Objects that came before are good.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The stream failed.
    #[error("cannot read on, {objects} objects in")]
    Input {
        /// Objects before it.
        objects: usize,
        /// What the stream said.
        #[source]
        source: std::io::Error,
    },
    /// The text ends too early.
    #[error("the text ends too early, at octet {offset}, {objects} objects in")]
    Truncated {
        /// Octets before the end.
        offset: u64,
        /// Objects before it.
        objects: usize,
    },
    /// Not a bundle and not an envelope.
    #[error("{what}, at octet {offset}, {objects} objects in")]
    Form {
        /// The class of the fault.
        what: &'static str,
        /// Octets before it.
        offset: u64,
        /// Objects before it.
        objects: usize,
    },
}

/// The objects of a text that is all in memory.
#[derive(Debug, Default)]
pub struct Split<'b> {
    /// The octets of each, in their order.
    pub objects: Vec<&'b [u8]>,
    /// What the carrier says about itself.
    pub about: About,
}

/// Splits the body of a request. Objects of any size are given; the gate refuses large ones.
///
/// # Errors
/// The text around the objects is not well formed: nothing of it should be taken.
pub fn split(body: &[u8]) -> Result<Split<'_>, BundleError> {
    let mut reader = Reader::new(body);
    reader.object_bytes_max = usize::MAX;
    let mut objects = Vec::new();
    while let Some(found) = reader.next()? {
        let range =
            usize::try_from(found.offset).ok().zip(usize::try_from(found.offset + found.size).ok());
        objects.extend(range.and_then(|(from, to)| body.get(from..to)));
    }
    Ok(Split { objects, about: reader.about })
}

impl<R: Read> Reader<R> {
    /// Reads from a stream. It need not be buffered.
    pub fn new(input: R) -> Reader<R> {
        Reader {
            input,
            buffer: Vec::with_capacity(2 * CHUNK_BYTES),
            at: 0,
            start: None,
            before: 0,
            object_bytes_max: OBJECT_BYTES_MAX,
            place: Place::Start,
            objects: 0,
            names: Vec::new(),
            about: About::default(),
        }
    }

    /// What the carrier says about itself, as far as it is read.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Octets read so far, for a progress bar.
    pub fn offset(&self) -> u64 {
        self.before + self.at as u64
    }

    /// The next object, `None` at the end of a text that is well formed to its end.
    ///
    /// # Errors
    /// The text cannot be read on. The next call says that it is done.
    #[allow(
        clippy::should_implement_trait,
        reason = "what it gives borrows from the reader, which an Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Found<'_>>, BundleError> {
        let found = match self.place {
            Place::Done => Ok(None),
            Place::Start => self.begin(),
            Place::Objects => self.after_object(),
        };
        match found {
            Ok(Some((start, offset, size))) => {
                let position = self.objects;
                self.objects += 1;
                Ok(Some(Found {
                    position,
                    offset,
                    size,
                    bytes: start.and_then(|start| self.buffer.get(start..self.at)),
                }))
            }
            Ok(None) => {
                self.place = Place::Done;
                Ok(None)
            }
            Err(error) => {
                self.place = Place::Done;
                Err(error)
            }
        }
    }

    fn begin(&mut self) -> Result<Option<Element>, BundleError> {
        if self.peek()? != b'{' {
            return self.fault("a bundle or an envelope is a JSON object");
        }
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return self.end();
        }
        self.member()
    }

    /// One object is behind; the list goes on or ends.
    fn after_object(&mut self) -> Result<Option<Element>, BundleError> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                self.peek()?;
                self.element().map(Some)
            }
            b']' => {
                self.at += 1;
                self.after_member()
            }
            _ => self.fault("a comma or `]` expected"),
        }
    }

    fn after_member(&mut self) -> Result<Option<Element>, BundleError> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                self.member()
            }
            b'}' => {
                self.at += 1;
                self.end()
            }
            _ => self.fault("a comma or `}` expected"),
        }
    }

    /// Members up to the first object of `objects`, or to the end.
    fn member(&mut self) -> Result<Option<Element>, BundleError> {
        loop {
            if self.peek()? != b'"' {
                return self.fault("a member name expected");
            }
            let name = self.short_value()?;
            let Some(name) = name.as_str().map(str::to_owned) else {
                return self.fault("a member name expected");
            };
            if self.names.contains(&name) {
                return self.fault("a member name stands twice");
            }
            if self.names.len() >= BUNDLE_MEMBERS_MAX {
                return self.fault("too many members");
            }
            if self.peek()? != b':' {
                return self.fault("a colon expected");
            }
            self.at += 1;
            self.peek()?;
            if name == "objects" {
                self.names.push(name);
                return self.objects();
            }
            let value = self.short_value()?;
            match name.as_str() {
                "type" => self.about.object_type = value.as_str().map(str::to_owned),
                "id" => self.about.id = value.as_str().map(str::to_owned),
                "spec_version" => self.about.has_spec_version = true,
                _ => {}
            }
            if name == "type" && value.as_str() != Some("bundle") {
                return self
                    .fault("the type of what carries objects is `bundle`, or none is given");
            }
            self.names.push(name);
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return self.end();
                }
                _ => return self.fault("a comma or `}` expected"),
            }
        }
    }

    fn objects(&mut self) -> Result<Option<Element>, BundleError> {
        self.about.has_objects = true;
        if self.peek()? != b'[' {
            return self.fault("`objects` is a list");
        }
        self.at += 1;
        self.place = Place::Objects;
        if self.peek()? == b']' {
            self.at += 1;
            return self.after_member();
        }
        self.element().map(Some)
    }

    /// Behind the last brace: nothing but white space.
    fn end(&mut self) -> Result<Option<Element>, BundleError> {
        loop {
            self.skip_space();
            if self.at < self.buffer.len() {
                return self.fault("text after the end");
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Walks over one element of `objects`, recording it while it is not too large.
    fn element(&mut self) -> Result<Element, BundleError> {
        let offset = self.offset();
        self.start = Some(self.at);
        self.value(self.object_bytes_max)?;
        let start = self.start.take();
        Ok((start, offset, self.offset() - offset))
    }

    /// A short value, wholly parsed.
    fn short_value(&mut self) -> Result<Value<'static>, BundleError> {
        self.start = Some(self.at);
        self.value(BUNDLE_MEMBER_BYTES_MAX)?;
        let Some(start) = self.start.take() else {
            return self.fault("a member that is too long");
        };
        let bytes = self.buffer.get(start..self.at).unwrap_or_default();
        match json::parse(bytes) {
            Ok(Value::String(text)) => Ok(Value::String(text.into_owned().into())),
            Ok(Value::Null) => Ok(Value::Null),
            // No other value is looked at.
            Ok(_) => Ok(Value::Bool(true)),
            Err(_) => self.fault("a member that is not JSON"),
        }
    }

    /// Walks to the end of a value: matching brackets and strings, else up to a separator.
    fn value(&mut self, bytes_max: usize) -> Result<(), BundleError> {
        let mut walk = Walk::default();
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let (walked, done) = walk.over(rest);
            self.at += walked;
            if self.start.is_some_and(|start| self.at - start > bytes_max) {
                self.start = None;
            }
            if done {
                return match walk.is_empty {
                    true => self.fault("a value expected"),
                    false => Ok(()),
                };
            }
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    /// The next octet that is no white space.
    fn peek(&mut self) -> Result<u8, BundleError> {
        loop {
            self.skip_space();
            if let Some(byte) = self.buffer.get(self.at) {
                return Ok(*byte);
            }
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    fn skip_space(&mut self) {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let space = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += space.unwrap_or(rest.len());
    }

    /// Reads on, keeping what is being recorded; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, BundleError> {
        let keep = self.start.unwrap_or(self.at).min(self.at);
        // Moving a long record for every chunk would cost the square of its length.
        if keep >= CHUNK_BYTES || keep == self.buffer.len() {
            self.buffer.drain(..keep);
            self.before += keep as u64;
            self.at -= keep;
            self.start = self.start.map(|start| start - keep);
        }
        let chunk = (&mut self.input).take(CHUNK_BYTES as u64);
        let mut chunk = chunk;
        match chunk.read_to_end(&mut self.buffer) {
            Ok(read) => Ok(read > 0),
            Err(source) => Err(BundleError::Input { objects: self.objects, source }),
        }
    }

    fn truncated(&self) -> BundleError {
        BundleError::Truncated {
            offset: self.before + self.buffer.len() as u64,
            objects: self.objects,
        }
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, BundleError> {
        Err(BundleError::Form { what, offset: self.offset(), objects: self.objects })
    }
}

/// Where an element begins in the buffer, where in the stream, and its size.
type Element = (Option<usize>, u64, u64);

#[cfg(test)]
mod tests;
