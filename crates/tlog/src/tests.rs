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

use crate::seal::Sealed;
use crate::sequencer::{LogConfig, PendingEntry};
use crate::verify::LogIdentity;
use crate::{SigningKey, Verifier};

pub(crate) const SHARED: u8 = 0;
pub(crate) const PRIVATE: u8 = 2;
pub(crate) const AUDIT: u8 = 3;

/// A generator (SplitMix64): small, seeded, good enough to pick with.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

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
    let mut random = Random(envelope.iter().fold(7, |sum, octet| {
        u64::from(*octet).wrapping_add(sum).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }));
    Sealed::new(envelope.to_vec(), &mut |octets| random.fill(octets)).unwrap()
}
