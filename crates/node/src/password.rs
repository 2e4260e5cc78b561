//! Credentials to accounts. A password is checked with argon2id once; afterwards a keyed hash of
//! it is found in a cache that dies with any change of an account or token.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use comity_view::{Right, Rights};
use comity_wire::entry::Author;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::account::{self, Account};
use crate::local::{Local, LocalError};
use crate::node::{Credentials, NodeError, Surroundings};
use crate::token::{self, Token};

/// Hashes computed at a time: each takes 19 MiB and a core for tens of milliseconds, and the
/// machine has to serve meanwhile.
pub const HASHES_AT_A_TIME: usize = 2;

/// Credentials remembered. A node has tens of users; more entries than this are an attack.
const REMEMBERED_MAX: usize = 4096;

/// Characters of a password that a person chooses: fewer can be guessed.
pub(crate) const PASSWORD_CHARS_MIN: usize = 12;

/// Octets of a password: beyond any passphrase, and too few to be a load.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;

/// Credentials that were found good: who it is, and with which rights.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The account.
    pub account: Account,
    /// The rights in force: those of the role, cut down to those of the token.
    pub rights: Rights,
    /// What accesses are for, where a token says so.
    pub purpose: Option<String>,
    /// When the token ends; a password does not.
    expires: Option<i64>,
}

impl Checked {
    /// What entries call the account.
    pub(crate) fn author(&self) -> Author {
        let Account { role, pseudonym, .. } = &self.account;
        Author { role: role.clone(), pseudonym: pseudonym.clone() }
    }

    /// A user with all the rights of his role.
    pub(crate) fn of_account(account: Account) -> Checked {
        let rights = account.role().map_or(Rights::NONE, crate::role::Role::rights);
        Checked { account, rights, purpose: None, expires: None }
    }

    /// Refuses whoever does not have a right.
    pub(crate) fn require(&self, right: Right) -> Result<(), NodeError> {
        if self.rights.has(right) {
            return Ok(());
        }
        Err(NodeError::Right { role: self.account.role.clone(), verb: right.verb() })
    }

    /// Whoever may use the files of the node: the command line. It has every right that a person
    /// at the machine has by the file system anyway, and no account.
    pub(crate) fn of_file_system() -> Checked {
        Checked {
            account: Account {
                id: 0,
                name: "command line".to_owned(),
                role: "operator".to_owned(),
                pseudonym: "command-line".to_owned(),
                disabled: false,
                created: 0,
            },
            rights: Rights::of(&Right::ALL),
            purpose: None,
            expires: None,
        }
    }
}

pub(crate) struct Passwords {
    key: Zeroizing<[u8; 32]>,
    decoy: String,
    remembered: Mutex<Remembered>,
    running: Mutex<usize>,
    done: Condvar,
}

#[derive(Default)]
struct Remembered {
    /// Changes with every change of accounts, so that a check that began before one is not kept.
    generation: u64,
    good: BTreeMap<[u8; 32], Checked>,
}

impl Passwords {
    /// With a key of its own, which is gone with the process.
    pub(crate) fn drawn(surroundings: &Surroundings) -> Passwords {
        let mut key = [0; 32];
        (surroundings.random)(&mut key);
        Passwords::new(key)
    }

    fn new(key: [u8; 32]) -> Passwords {
        // Checked where a name is unknown, so that it takes as long as a wrong password.
        let decoy = hash("decoy", &key).unwrap_or_default();
        Passwords {
            key: Zeroizing::new(key),
            decoy,
            remembered: Mutex::default(),
            running: Mutex::new(0),
            done: Condvar::new(),
        }
    }

    /// Forgets everything: an account or a token changed.
    pub(crate) fn forget(&self) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.generation += 1;
        remembered.good.clear();
    }

    /// Credentials that were found good before and still are.
    pub(crate) fn remembered(&self, credentials: &Credentials, now: i64) -> Option<Checked> {
        let seen = match credentials {
            Credentials::Password { name, password } => self.basic(name, password),
            Credentials::Bearer(secret) => self.keyed(&[b"bearer", secret.as_bytes()]),
        };
        self.recall(&seen).1.filter(|checked| checked.expires.is_none_or(|expires| now < expires))
    }

    fn basic(&self, name: &str, password: &str) -> [u8; 32] {
        self.keyed(&[b"basic", name.as_bytes(), password.as_bytes()])
    }

    /// The account of a name and password, by HTTP Basic or at a login.
    pub(crate) fn password(
        &self,
        local: &Local,
        name: &str,
        password: &str,
    ) -> Result<Option<Checked>, LocalError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(None);
        }
        let seen = self.basic(name, password);
        let (generation, known) = self.recall(&seen);
        if known.is_some() {
            return Ok(known);
        }
        let found = account::verifier(local, name)?;
        let verifier = found.as_ref().map_or(self.decoy.as_str(), |(_, verifier)| verifier);
        let good = self.verify(password, verifier);
        let Some((account, _)) = found.filter(|(account, _)| good && !account.disabled) else {
            return Ok(None);
        };
        let rights = account.role().map_or(Rights::NONE, crate::role::Role::rights);
        let checked = Checked { account, rights, purpose: None, expires: None };
        self.remember(generation, seen, &checked);
        Ok(Some(checked))
    }

    /// The account behind a bearer token.
    pub(crate) fn bearer(
        &self,
        local: &Local,
        secret: &str,
        now: i64,
    ) -> Result<Option<Checked>, LocalError> {
        if secret.len() > PASSWORD_BYTES_MAX || !secret.starts_with(token::PREFIX) {
            return Ok(None);
        }
        let seen = self.keyed(&[b"bearer", secret.as_bytes()]);
        let (generation, known) = self.recall(&seen);
        let in_time = |checked: &Checked| checked.expires.is_none_or(|expires| now < expires);
        if known.is_some() {
            return Ok(known.filter(in_time));
        }
        let Some(token) = token::find(local, secret)?.filter(|token| !token.revoked) else {
            return Ok(None);
        };
        let account = account::by_id(local, token.account)?.filter(|account| !account.disabled);
        let Some(account) = account else {
            return Ok(None);
        };
        let role = account.role().map_or(Rights::NONE, crate::role::Role::rights);
        let Token { rights, purpose, expires, .. } = token;
        let checked =
            Checked { account, rights: role.and(rights), purpose, expires: Some(expires) };
        self.remember(generation, seen, &checked);
        Ok(Some(checked).filter(in_time))
    }

    fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length; the arm without one cannot be reached, and gives a value
        // that no good credentials are kept under.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.as_slice()) else {
            return [0; 32];
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn recall(&self, seen: &[u8; 32]) -> (u64, Option<Checked>) {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        (remembered.generation, remembered.good.get(seen).cloned())
    }

    fn remember(&self, generation: u64, seen: [u8; 32], checked: &Checked) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.generation != generation {
            return;
        }
        if remembered.good.len() >= REMEMBERED_MAX {
            remembered.good.clear();
        }
        remembered.good.insert(seen, checked.clone());
    }

    fn verify(&self, password: &str, verifier: &str) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= HASHES_AT_A_TIME {
            running = self.done.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        drop(running);
        let good = argon2().verify_password(password.as_bytes(), verifier).is_ok();
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.done.notify_one();
        good
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passwords")
    }
}

/// argon2id with 19 MiB, two passes, one lane: the second of the settings that OWASP lists.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The verifier of a password, as a PHC string.
pub(crate) fn hash(password: &str, salt: &[u8; 32]) -> Result<String, LocalError> {
    let salt = salt.first_chunk::<16>().map_or(&[][..], |salt| salt.as_slice());
    argon2()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|error| LocalError::Refused(format!("the password cannot be hashed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed of a type by mistake is in a log for good.
    #[test]
    fn nothing_secret_shows_itself() {
        use comity_tlog::commitment::Salt;
        use comity_tlog::seal::DataKey;
        use comity_tlog::storage::{EntryRef, KeyRow};

        const SECRET: &str = "correct horse";
        let octets = [0xa5; 32];
        let password = || SECRET.to_owned();
        let row = KeyRow {
            entry: EntryRef { log: 0, index: 0 },
            salt: Salt(octets),
            data_key: DataKey(octets),
        };
        let shown = [
            format!("{:?}", Credentials::Password { name: "x".to_owned(), password: password() }),
            format!("{:?}", Credentials::Bearer(password())),
            format!("{:?}", Passwords::new(octets)),
            format!(
                "{:?}",
                crate::make::Made {
                    operator: "operator".to_owned(),
                    password: Zeroizing::new(password()),
                }
            ),
            format!(
                "{:?}",
                comity_wire::release::Opening {
                    index: 7,
                    salt: octets,
                    envelope: SECRET.as_bytes().to_vec(),
                }
            ),
            format!("{row:?} {:?} {:?}", Salt(octets), DataKey(octets)),
            format!("{:?}", comity_tlog::SigningKey::from_bytes(&octets)),
        ];
        let content = format!("{:?}", SECRET.as_bytes());
        for text in shown {
            for secret in [SECRET, "165, 165", "a5a5", "A5A5", content.trim_matches(['[', ']'])] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn a_verifier_accepts_its_password_and_no_other() {
        let verifier = hash("correct horse", &[7; 32]).unwrap();
        assert!(verifier.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{verifier}");
        let passwords = Passwords::new([1; 32]);
        assert!(passwords.verify("correct horse", &verifier));
        assert!(!passwords.verify("correct house", &verifier));
        assert!(!passwords.verify("decoy", ""));
    }
}
