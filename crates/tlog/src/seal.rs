//! Bodies at rest: each envelope under a data key of its own, with AES-256-GCM.
//!
//! The nonce is zero. A nonce must not repeat *under one key*, and a data key encrypts exactly one
//! message in its life: it is drawn with the entry, never derived, and a commit that is tried
//! again draws a new one. The log and the index are authenticated with the body, so that a body
//! moved to another row does not open.
//!
//! Stored is the ciphertext with its tag of 16 octets behind it. Once the data key is gone, every
//! copy of the body, in backups too, is noise.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

/// Octets that sealing adds.
pub const TAG_BYTES: usize = 16;

const LABEL: &[u8; 15] = b"comity/seal/v1\0";

/// The data key of one entry.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct DataKey(pub [u8; 32]);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DataKey(..)")
    }
}

/// The body does not open: another key, another place, or changed octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body does not open")]
pub struct SealError;

fn place(log: u8, index: u64) -> [u8; 24] {
    let mut aad = [0; 24];
    let parts = LABEL.iter().copied().chain([log]).chain(index.to_be_bytes());
    aad.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
    aad
}

/// Seals an envelope where it stands; the tag is appended.
///
/// # Errors
/// Never for an envelope within the limits of a log (the cipher takes 64 GB).
pub fn seal(key: &DataKey, log: u8, index: u64, body: &mut Vec<u8>) -> Result<(), SealError> {
    let cipher = Aes256Gcm::new((&key.0).into());
    let tag = cipher
        .encrypt_inout_detached(&Nonce::default(), &place(log, index), body.as_mut_slice().into())
        .map_err(|_| SealError)?;
    body.extend_from_slice(&tag);
    Ok(())
}

/// Opens a body where it stands and cuts the tag off.
///
/// # Errors
/// The body was sealed with another key, at another place, or has changed.
pub fn unseal(key: &DataKey, log: u8, index: u64, body: &mut Vec<u8>) -> Result<(), SealError> {
    let length = body.len().checked_sub(TAG_BYTES).ok_or(SealError)?;
    let tag: [u8; TAG_BYTES] =
        body.get(length..).and_then(|tag| tag.try_into().ok()).ok_or(SealError)?;
    body.truncate(length);
    let cipher = Aes256Gcm::new((&key.0).into());
    cipher
        .decrypt_inout_detached(
            &Nonce::default(),
            &place(log, index),
            body.as_mut_slice().into(),
            &Tag::from(tag),
        )
        .map_err(|_| SealError)
}
