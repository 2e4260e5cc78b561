//! Finding the end of a JSON value without parsing it.

/// The state of a walk over one value, across chunks.
pub(super) struct Walk {
    depth: u64,
    in_string: bool,
    escaped: bool,
    scalar: bool,
    /// Whether a separator stands where the value should be.
    pub(super) is_empty: bool,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk { depth: 0, in_string: false, escaped: false, scalar: false, is_empty: true }
    }
}

impl Walk {
    /// How many octets of a chunk belong to the value, and whether it ends there.
    pub(super) fn over(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut rest = chunk;
        let walked = |rest: &[u8]| chunk.len() - rest.len();
        loop {
            if self.in_string {
                if self.escaped && !rest.is_empty() {
                    self.escaped = false;
                    rest = rest.get(1..).unwrap_or_default();
                }
                let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                let Some(stop) = stop else {
                    return (chunk.len(), false);
                };
                let quote = rest.get(stop) == Some(&b'"');
                rest = rest.get(stop + 1..).unwrap_or_default();
                self.in_string = !quote;
                self.escaped = !quote;
                if quote && self.depth == 0 {
                    return (walked(rest), true);
                }
                continue;
            }
            let Some((byte, after)) = rest.split_first() else {
                return (chunk.len(), false);
            };
            match byte {
                b'"' if !self.scalar => self.in_string = true,
                b'{' | b'[' if !self.scalar => self.depth += 1,
                b'}' | b']' if self.depth == 1 => return (walked(after), true),
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return (walked(rest), true);
                }
                _ => self.scalar = self.depth == 0,
            }
            self.is_empty = false;
            rest = after;
        }
    }
}
