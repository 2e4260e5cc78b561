//! The hash algorithms that STIX names (hash-algorithm-ov) and the form of their values (S008).

/// What a hash of an algorithm looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// So many hexadecimal digits.
    Hex(usize),
    /// SSDEEP: block size and two base64 parts, joined by colons.
    Ssdeep,
    /// TLSH: 70 hexadecimal digits, since version 4 led by `T1`.
    Tlsh,
}

/// The form of a known algorithm's hashes; `None` for a name that the vocabulary lacks.
pub fn form(algorithm: &str) -> Option<Form> {
    Some(match algorithm {
        "MD5" => Form::Hex(32),
        "SHA-1" => Form::Hex(40),
        "SHA-256" | "SHA3-256" => Form::Hex(64),
        "SHA-512" | "SHA3-512" => Form::Hex(128),
        "SSDEEP" => Form::Ssdeep,
        "TLSH" => Form::Tlsh,
        _ => return None,
    })
}

impl Form {
    /// Whether a text has this form. Digits count in either case.
    pub fn admits(self, text: &str) -> bool {
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match self {
            Form::Hex(digits) => hex(text, digits),
            Form::Tlsh => hex(text.strip_prefix("T1").unwrap_or(text), 70),
            Form::Ssdeep => ssdeep(text),
        }
    }
}

fn ssdeep(text: &str) -> bool {
    let base64 = |part: &str| {
        part.len() <= 64
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    };
    let mut parts = text.splitn(3, ':');
    let block = parts.next().unwrap_or_default();
    !block.is_empty()
        && block.bytes().all(|byte| byte.is_ascii_digit())
        && parts.next().is_some_and(base64)
        && parts.next().is_some_and(|last| {
            // Some tools add the file's name behind a comma.
            base64(last.split(',').next().unwrap_or_default())
        })
}
