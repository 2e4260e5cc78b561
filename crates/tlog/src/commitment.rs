//! What a leaf says: 33 octets, `0x01 || HMAC-SHA256(salt, "comity/entry/v1\0" || envelope)`.
//!
//! The salt is 32 random octets for each entry. It hides the envelope (without it, anyone could
//! try all addresses of IPv4 against a leaf) and binds to it: the length is fixed by the type, so
//! that two salts never mean one HMAC key. When salt and envelope are gone, the leaf is noise.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::merkle::{self, Hash};

/// Octets of a leaf.
pub const LEAF_BYTES: usize = 33;

/// The first octet of a leaf: the kind of commitment.
pub const LEAF_VERSION: u8 = 0x01;

const LABEL: &[u8] = b"comity/entry/v1\0";

/// The salt of an entry. It is secret as long as the envelope is.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Salt(pub [u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Salt(..)")
    }
}

/// A commitment to an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);

impl Commitment {
    /// Commits to an envelope.
    pub fn new(salt: &Salt, envelope: &[u8]) -> Commitment {
        match <Hmac<Sha256> as KeyInit>::new_from_slice(&salt.0) {
            Ok(mut mac) => {
                mac.update(LABEL);
                mac.update(envelope);
                Commitment(mac.finalize().into_bytes().into())
            }
            // HMAC takes a key of any length, so this arm is never reached; and nothing opens it.
            Err(_) => Commitment([0; 32]),
        }
    }

    /// Whether salt and envelope open it.
    pub fn opens(&self, salt: &Salt, envelope: &[u8]) -> bool {
        Commitment::new(salt, envelope).0.ct_eq(&self.0).into()
    }

    /// The leaf.
    pub fn leaf(&self) -> [u8; LEAF_BYTES] {
        let mut leaf = [LEAF_VERSION; LEAF_BYTES];
        if let Some(rest) = leaf.get_mut(1..) {
            rest.copy_from_slice(&self.0);
        }
        leaf
    }

    /// The commitment of a leaf, if it has the form of one.
    pub fn from_leaf(leaf: &[u8]) -> Option<Commitment> {
        match leaf.split_first() {
            Some((&LEAF_VERSION, rest)) => rest.try_into().ok().map(Commitment),
            _ => None,
        }
    }

    /// The hash of the leaf.
    pub fn leaf_hash(&self) -> Hash {
        merkle::leaf_hash(&self.leaf())
    }
}
