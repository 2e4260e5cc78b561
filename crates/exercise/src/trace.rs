//! What happened, as lines and as one number: two runs of one seed have the same.

/// The lines, where somebody reads them, and their hash (FNV-1a).
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
    text: String,
}

impl Trace {
    pub(crate) fn new(told: bool) -> Trace {
        let lines = told.then(Vec::new);
        Trace { hash: 0xcbf2_9ce4_8422_2325, lines, text: String::new() }
    }

    pub(crate) fn note(&mut self, step: u64, what: std::fmt::Arguments<'_>) {
        use std::fmt::Write as _;
        self.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{step:4} {what}");
        for octet in self.text.bytes() {
            self.hash = (self.hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(self.text.clone());
        }
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.hash = (self.hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}
