//! Signed notes (C2SP signed-note): a text, an empty line, signature lines. Ed25519 (type 0x01)
//! only, and only by the strict rule, so that two readers never disagree about one signature.

#[cfg(feature = "memo")]
mod memo;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Octets of a note. Sixteen signatures of five kilobytes (post-quantum ones) have to fit.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

/// Signature lines of a note. The specification asks for at least sixteen; a body of fifty
/// parties may have each of them cosign twice.
pub const SIGNATURES_MAX: usize = 128;

/// Octets of the name of a key.
pub const NAME_BYTES_MAX: usize = 1024;

const ED25519: u8 = 0x01;
const DASH: &str = "\u{2014} ";

/// Why a note or a key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not of the form of a signed note.
    #[error("not a signed note")]
    Malformed,
    /// Beyond the limits.
    #[error("a note of more than {NOTE_BYTES_MAX} octets or {SIGNATURES_MAX} signatures")]
    TooLarge,
    /// The name of a key is empty, too long, or contains white space or a plus.
    #[error("not a name for a key: empty, too long, or with white space or `+` in it")]
    Name,
    /// Not of the form `name+hash+key`, or the parts do not belong together.
    #[error("not a verifier key of the form `name+hash+key`")]
    Key,
    /// A key that is known signed, and the signature is wrong.
    #[error("a signature by a known key does not verify")]
    BadSignature,
    /// None of the known keys signed.
    #[error("no signature by a known key")]
    Unsigned,
}

/// Checks signatures of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl Verifier {
    /// The verifier of a key by its name.
    ///
    /// # Errors
    /// A name that is none, or a key of small order, with which anything verifies.
    pub fn new(name: &str, key: &VerifyingKey) -> Result<Verifier, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name);
        }
        if key.is_weak() {
            return Err(NoteError::Key);
        }
        Ok(Verifier { name: name.to_owned(), id: key_id(name, key), key: *key })
    }

    /// Reads a vkey: `name+hash+key`.
    pub fn parse(vkey: &str) -> Result<Verifier, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = BASE64.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(NoteError::Key);
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| NoteError::Key)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| NoteError::Key)?;
        let verifier = Verifier::new(name, &key)?;
        if format!("{:08x}", verifier.id) != hash {
            return Err(NoteError::Key);
        }
        Ok(verifier)
    }

    /// The name of the key; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key, which goes before each signature.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The key as text, to be handed over out of band: `name+hash+key`.
    pub fn vkey(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        format!("{}+{:08x}+{}", self.name, self.id, BASE64.encode(bytes))
    }

    #[cfg(feature = "memo")]
    fn verify(&self, text: &str, signature: &[u8]) -> Result<(), NoteError> {
        memo::once(self.key.as_bytes(), signature, text, || self.verify_strict(text, signature))
    }

    #[cfg(not(feature = "memo"))]
    fn verify(&self, text: &str, signature: &[u8]) -> Result<(), NoteError> {
        self.verify_strict(text, signature)
    }

    fn verify_strict(&self, text: &str, signature: &[u8]) -> Result<(), NoteError> {
        let signature = Signature::from_slice(signature).map_err(|_| NoteError::BadSignature)?;
        self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::BadSignature)
    }
}

/// Whether a text can be the name of a key.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.chars().any(|char| char.is_whitespace() || char == '+' || char < ' ')
}

fn key_id(name: &str, key: &VerifyingKey) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine<'a> {
    /// The name of the key.
    pub name: &'a str,
    /// The id of the key.
    pub id: u32,
    /// The signature, in the form of whatever type the key has.
    pub signature: Vec<u8>,
}

/// A note, taken apart. Its text means nothing until [`Note::verify`] said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The text, with its last newline.
    pub text: &'a str,
    /// The signature lines, in order.
    pub signatures: Vec<SignatureLine<'a>>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Malformed);
        }
        // The last empty line ends the text; the text keeps the newline before it.
        let gap = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, rest) = note.split_at(gap + 1);
        let lines = rest
            .strip_prefix('\n')
            .and_then(|rest| rest.strip_suffix('\n'))
            .ok_or(NoteError::Malformed)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == SIGNATURES_MAX {
                return Err(NoteError::TooLarge);
            }
            signatures.push(signature_line(line).ok_or(NoteError::Malformed)?);
        }
        Ok(Note { text, signatures })
    }

    /// Checks the signatures of the keys in `known`; those of other keys are passed over.
    ///
    /// # Errors
    /// A known key's signature that is wrong refuses the whole note, as does the lack of any.
    pub fn verify(&self, known: &[&Verifier]) -> Result<(), NoteError> {
        let mut verified = false;
        for line in &self.signatures {
            let matching =
                known.iter().find(|verifier| verifier.id == line.id && verifier.name == line.name);
            if let Some(verifier) = matching {
                verifier.verify(self.text, &line.signature)?;
                verified = true;
            }
        }
        verified.then_some(()).ok_or(NoteError::Unsigned)
    }
}

fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
    if !is_name(name) {
        return None;
    }
    let bytes = BASE64.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if signature.is_empty() {
        return None;
    }
    Some(SignatureLine { name, id: u32::from_be_bytes(*id), signature: signature.to_vec() })
}

/// Signs a text. The text ends in a newline.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    if !text.ends_with('\n') || text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed);
    }
    let verifier = Verifier::new(name, &key.verifying_key())?;
    let mut bytes = verifier.id.to_be_bytes().to_vec();
    bytes.extend_from_slice(&key.sign(text.as_bytes()).to_bytes());
    Ok(format!("{text}\n{DASH}{name} {}\n", BASE64.encode(bytes)))
}
