//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree, in a signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::merkle::Hash;
use crate::note::{self, Note, NoteError, Verifier};
use ed25519_dalek::SigningKey;

/// What a log says its tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Who says it: the origin of the log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// The root of the tree of that many leaves.
    pub root: Hash,
}

/// Why a checkpoint is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note is not accepted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text of the note is not that of a checkpoint.
    #[error("the note is not a checkpoint")]
    Malformed,
    /// The origin is another log's.
    #[error("a checkpoint of another origin")]
    Origin,
}

impl Checkpoint {
    /// The text of the note.
    pub fn text(&self) -> String {
        let root = BASE64.encode(self.root.0);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Reads the text of a note. Extension lines, which other logs may have, are passed over.
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Malformed)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed);
        };
        let number: u64 = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::from_slice(&bytes))
            .ok_or(CheckpointError::Malformed)?;
        if origin.is_empty() || number.to_string() != size || lines.any(str::is_empty) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Checkpoint { origin: origin.to_owned(), size: number, root })
    }

    /// Signs it with the key of the log, whose name is the origin.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        if self.origin.contains('\n') {
            return Err(NoteError::Name);
        }
        note::sign(&self.text(), &self.origin, key)
    }

    /// Reads a signed checkpoint of the log that `verifier` belongs to.
    pub fn open(bytes: &[u8], verifier: &Verifier) -> Result<Checkpoint, CheckpointError> {
        let note = Note::parse(bytes)?;
        note.verify(&[verifier])?;
        let checkpoint = Checkpoint::parse(note.text)?;
        if checkpoint.origin != verifier.name() {
            return Err(CheckpointError::Origin);
        }
        Ok(checkpoint)
    }
}
