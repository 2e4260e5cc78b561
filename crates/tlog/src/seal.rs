//! Bodies at rest: each envelope under a data key of its own, with AES-256-GCM.
//!
//! The nonce is zero. A nonce must not repeat *under one key*, and a data key encrypts exactly one
//! message in its life: it is drawn with the entry, never derived. The commitment is authenticated
//! with the body, and stands beside it in the store, so that a body moved to another row does not
//! open. Log and index are not in it: an entry is sealed before it has its place, on the thread of
//! whoever submits it, while the writer is busy with those before.
//!
//! Stored is the ciphertext with its tag of 16 octets behind it. Once the data key is gone, every
//! copy of the body, in backups too, is noise.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

use crate::commitment::{Commitment, Salt};

/// Octets that sealing adds.
pub const TAG_BYTES: usize = 16;

const LABEL: &[u8; 15] = b"comity/seal/v2\0";

/// The data key of one entry.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct DataKey(pub [u8; 32]);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DataKey(..)")
    }
}

/// The body does not open: another key, another commitment, or changed octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body does not open")]
pub struct SealError;

fn bound_to(commitment: &Commitment) -> [u8; 47] {
    let mut aad = [0; 47];
    let parts = LABEL.iter().chain(&commitment.0);
    aad.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = *byte);
    aad
}

/// An envelope that is committed to and sealed, and has no place in a log yet.
#[derive(Clone)]
pub struct Sealed {
    pub(crate) commitment: Commitment,
    pub(crate) salt: Salt,
    pub(crate) data_key: DataKey,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Sealed({} octets)", self.body.len())
    }
}

impl Sealed {
    /// Draws salt and data key from `random`, at once, and seals an envelope with them.
    ///
    /// # Errors
    /// Never for an envelope within the limits of a log (the cipher takes 64 GB).
    pub fn new(envelope: Vec<u8>, random: &mut dyn FnMut(&mut [u8])) -> Result<Sealed, SealError> {
        let mut secrets = zeroize::Zeroizing::new([[0u8; 32]; 2]);
        random(secrets.as_flattened_mut());
        let [salt, data_key] = *secrets;
        Sealed::under(Salt(salt), DataKey(data_key), envelope)
    }

    /// Seals an envelope that somebody else committed to with this salt, under a data key that is
    /// drawn for it here.
    ///
    /// # Errors
    /// As for [`Sealed::new`].
    pub fn received(
        salt: Salt,
        envelope: Vec<u8>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Sealed, SealError> {
        let mut data_key = DataKey([0; 32]);
        random(&mut data_key.0);
        Sealed::under(salt, data_key, envelope)
    }

    fn under(salt: Salt, data_key: DataKey, envelope: Vec<u8>) -> Result<Sealed, SealError> {
        let commitment = Commitment::new(&salt, &envelope);
        let mut body = envelope;
        seal(&data_key, &commitment, &mut body)?;
        Ok(Sealed { commitment, salt, data_key, body })
    }

    /// What it commits to.
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// The envelope again.
    ///
    /// # Errors
    /// Never: it was sealed here.
    pub fn open(&self) -> Result<Vec<u8>, SealError> {
        let mut body = self.body.clone();
        unseal(&self.data_key, &self.commitment, &mut body)?;
        Ok(body)
    }

    /// Octets of the envelope.
    pub fn envelope_bytes(&self) -> usize {
        self.body.len().saturating_sub(TAG_BYTES)
    }
}

/// Seals an envelope where it stands; the tag is appended.
///
/// # Errors
/// Never for an envelope within the limits of a log (the cipher takes 64 GB).
pub fn seal(key: &DataKey, commitment: &Commitment, body: &mut Vec<u8>) -> Result<(), SealError> {
    let cipher = Aes256Gcm::new((&key.0).into());
    let tag = cipher
        .encrypt_inout_detached(
            &Nonce::default(),
            &bound_to(commitment),
            body.as_mut_slice().into(),
        )
        .map_err(|_| SealError)?;
    body.extend_from_slice(&tag);
    Ok(())
}

/// Opens a body where it stands and cuts the tag off.
///
/// # Errors
/// The body was sealed with another key, for another commitment, or has changed.
pub fn unseal(key: &DataKey, commitment: &Commitment, body: &mut Vec<u8>) -> Result<(), SealError> {
    let length = body.len().checked_sub(TAG_BYTES).ok_or(SealError)?;
    let tag: [u8; TAG_BYTES] =
        body.get(length..).and_then(|tag| tag.try_into().ok()).ok_or(SealError)?;
    body.truncate(length);
    let cipher = Aes256Gcm::new((&key.0).into());
    cipher
        .decrypt_inout_detached(
            &Nonce::default(),
            &bound_to(commitment),
            body.as_mut_slice().into(),
            &Tag::from(tag),
        )
        .map_err(|_| SealError)
}
