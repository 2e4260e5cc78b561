//! A stream of events (HTML standard, 9.2), as far as a doorbell needs it, and bounded: no line
//! and no event is larger than what a checkpoint may be.

use super::PeerError;

/// Octets of a line: a checkpoint of the largest size in base64, and the name of its field.
const LINE_BYTES_MAX: usize = comity_tlog::note::NOTE_BYTES_MAX / 3 * 4 + 64;

/// Octets of all fields of an event.
const EVENT_BYTES_MAX: usize = LINE_BYTES_MAX + 1024;

/// What stands between two empty lines.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// What it is.
    pub(super) kind: String,
    /// Its id.
    pub(super) id: String,
    /// Its lines of data, joined by newlines.
    pub(super) data: String,
}

impl Event {
    fn octets(&self) -> usize {
        self.kind.len() + self.id.len() + self.data.len()
    }
}

/// Takes octets as they come, and gives events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Event,
    /// Whether a line of data came.
    any: bool,
}

impl Parser {
    /// Takes octets up to the end of an event, and says how many those are. Where there is none
    /// yet, it has taken all of them.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<(usize, Option<Event>), PeerError> {
        let mut taken = 0;
        while let Some(rest) = octets.get(taken..).filter(|rest| !rest.is_empty()) {
            let end = rest.iter().position(|octet| *octet == b'\n');
            let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if self.line.len() + piece.len() > LINE_BYTES_MAX {
                return Err(fault("an event with a line that is too long"));
            }
            self.line.extend_from_slice(piece);
            taken += piece.len();
            if end.is_none() {
                break;
            }
            taken += 1;
            let line = std::mem::take(&mut self.line);
            if let Some(event) = self.line(&line)? {
                return Ok((taken, Some(event)));
            }
        }
        Ok((taken, None))
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Event>, PeerError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = str::from_utf8(line).map_err(|_| fault("an event that is not UTF-8"))?;
        if line.is_empty() {
            let (event, any) = (std::mem::take(&mut self.event), std::mem::take(&mut self.any));
            // Without data it is none.
            return Ok(any.then_some(event));
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.kind),
            "id" => value.clone_into(&mut self.event.id),
            "data" => {
                if std::mem::replace(&mut self.any, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments, and fields that are not known.
            _ => {}
        }
        if self.event.octets() > EVENT_BYTES_MAX {
            return Err(fault("an event that is too large"));
        }
        Ok(None)
    }
}

fn fault(what: &str) -> PeerError {
    PeerError::Protocol(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parser: &mut Parser, octets: &[u8]) -> Result<Vec<Event>, PeerError> {
        let (mut events, mut at) = (Vec::new(), 0);
        while at < octets.len() {
            let (taken, event) = parser.take(&octets[at..])?;
            at += taken;
            events.extend(event);
        }
        Ok(events)
    }

    fn event(kind: &str, id: &str, data: &str) -> Event {
        Event { kind: kind.to_owned(), id: id.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_however_their_octets_come() {
        let text = b"event: head\nid: acts:3\ndata: AAAA\n\n: a comment\nevent: heartbeat\r\n\
            data:-\r\n\r\nevent: nothing\n\nretry: 5\ndata: a\ndata:  b\ndata\n\nevent: cut";
        let wanted = vec![
            event("head", "acts:3", "AAAA"),
            event("heartbeat", "", "-"),
            event("", "", "a\n b\n"),
        ];
        assert_eq!(all(&mut Parser::default(), text).unwrap(), wanted);
        for size in 1..7 {
            let (mut parser, mut events) = (Parser::default(), Vec::new());
            for piece in text.chunks(size) {
                events.extend(all(&mut parser, piece).unwrap());
            }
            assert_eq!(events, wanted, "{size} octets at a time");
        }
    }

    #[test]
    fn lines_and_events_are_bounded_while_they_come() {
        let mut parser = Parser::default();
        let mut taken = 0;
        let refused = loop {
            match parser.take(&[b'x'; 1000]) {
                Ok(_) => taken += 1000,
                Err(error) => break error,
            }
            assert!(taken <= LINE_BYTES_MAX);
        };
        assert!(matches!(refused, PeerError::Protocol(_)));
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(1000));
        let many = (0..EVENT_BYTES_MAX / 1000 + 2).map(|_| all(&mut parser, line.as_bytes()));
        assert!(many.into_iter().any(|taken| taken.is_err()));
        assert!(all(&mut Parser::default(), b"data: \xff\n\n").is_err());
        let largest = format!("data: {}\n\n", "x".repeat(LINE_BYTES_MAX - 6));
        assert_eq!(all(&mut Parser::default(), largest.as_bytes()).unwrap().len(), 1);
    }
}
