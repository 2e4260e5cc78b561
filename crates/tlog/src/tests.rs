//! Tests of the crate, by subject.

mod damage;
mod directory;
mod equivocation;
mod follow;
mod gaps;
mod oracle;
mod put_back;
mod reclaim;
mod simulation;
mod vectors;

/// The generator that simulated bodies have, too.
#[allow(dead_code, reason = "they draw in more ways")]
#[path = "../../exercise/src/random.rs"]
mod random;

use crate::seal::Sealed;
use crate::sequencer::{LogConfig, PendingEntry};
use crate::verify::LogIdentity;
use crate::{SigningKey, Verifier};

pub(crate) use random::Random;

pub(crate) const SHARED: u8 = 0;
pub(crate) const PRIVATE: u8 = 2;
pub(crate) const AUDIT: u8 = 3;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn configs() -> Vec<LogConfig> {
    [(SHARED, "shared"), (PRIVATE, "private"), (AUDIT, "audit")]
        .map(|(id, name)| LogConfig {
            id,
            name: name.to_owned(),
            origin: format!("alpha.example/log/{name}"),
            key: key(id + 1),
        })
        .to_vec()
}

pub(crate) fn identities() -> Vec<LogIdentity> {
    configs()
        .into_iter()
        .map(|config| LogIdentity {
            id: config.id,
            name: config.name,
            verifier: Verifier::new(&config.origin, &config.key.verifying_key()).unwrap(),
        })
        .collect()
}

pub(crate) fn pending(log: u8, envelope: &str) -> PendingEntry {
    PendingEntry { log, sealed: sealed(envelope.as_bytes()), idem: None }
}

/// An envelope, sealed with secrets that follow from it, so that a simulated run can be repeated.
pub(crate) fn sealed(envelope: &[u8]) -> Sealed {
    let mut random = Random::new(envelope.iter().fold(7, |sum, octet| {
        u64::from(*octet).wrapping_add(sum).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }));
    Sealed::new(envelope.to_vec(), &mut |octets| random.fill(octets)).unwrap()
}
