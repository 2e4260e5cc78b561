//! The keys that parties' nodes began with: their form, and that none is there twice.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::Faults;
use crate::locate::steps;
use crate::model::{Charter, Hash};

/// The signature type of Ed25519 (C2SP signed-note).
const ED25519: u8 = 0x01;

/// What goes before the digest of a transport key.
const PIN: &str = "sha256//";

pub(super) fn check(charter: &Charter, faults: &mut Faults<'_>) {
    // By what the key is, not how it is written: one key under two names is used twice.
    let mut used: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for (at, party) in charter.parties.iter().enumerate() {
        let Some(genesis) = &party.genesis else {
            continue;
        };
        let logs =
            [("shared", &genesis.shared), ("acts", &genesis.acts), ("audit", &genesis.audit)];
        let mut keys = Vec::new();
        for (log, vkey) in logs {
            match verifier_key(vkey, &party.id, log) {
                Some(key) => keys.push((log, key)),
                None => {
                    let id = &party.id;
                    let remedy = format!(
                        "the vkey of this log, `{id}/{log}+<key id>+<key>`, as its node prints it"
                    );
                    let place = steps!("party", at, "genesis", log);
                    faults.add(place, "genesis-key", format!("`{vkey}`"), remedy);
                }
            }
        }
        match transport_pin(&genesis.transport) {
            Some(digest) => keys.push(("transport", digest)),
            None => {
                let remedy = "`sha256//` and the base64 of the SHA-256 of the public key";
                let found = format!("`{}`", genesis.transport);
                let place = steps!("party", at, "genesis", "transport");
                faults.add(place, "genesis-transport", found, remedy);
            }
        }
        match Hash::parse(&genesis.next) {
            Some(digest) => keys.push(("next", digest.0.to_vec())),
            None => {
                let remedy = "the SHA-256 of the next key: 64 lower-case hexadecimal digits";
                let found = format!("`{}`", genesis.next);
                let place = steps!("party", at, "genesis", "next");
                faults.add(place, "genesis-next", found, remedy);
            }
        }
        for (member, key) in keys {
            let owner = format!("`{member}` of `{}`", party.id);
            if let Some(first) = used.insert(key, owner) {
                let remedy = "each log and each node has a key of its own";
                let place = steps!("party", at, "genesis", member);
                faults.add(place, "genesis-twice", format!("the key of {first} again"), remedy);
            }
        }
    }
}

/// The public key in a vkey of one log of a party, if its parts belong together. Whether it is a
/// point of the curve is for those to say who check signatures with it.
fn verifier_key(vkey: &str, party: &str, log: &str) -> Option<Vec<u8>> {
    let mut parts = vkey.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let log = name.strip_prefix(party)?.strip_prefix('/')?.strip_prefix(log)?;
    // A log that was put back before the body was founded goes on under a number.
    let number = log.strip_prefix('/').map(str::parse::<u32>);
    if !log.is_empty() && !matches!(number, Some(Ok(2..))) {
        return None;
    }
    let key = BASE64.decode(key).ok()?;
    if key.len() != 33 || key.first() != Some(&ED25519) {
        return None;
    }
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update(b"\n");
    hasher.update(&key);
    let digest = hasher.finalize();
    let digits: String = digest.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    (digits == id).then_some(key)
}

fn transport_pin(pin: &str) -> Option<Vec<u8>> {
    let digest = BASE64.decode(pin.strip_prefix(PIN)?).ok()?;
    (digest.len() == 32).then_some(digest)
}
