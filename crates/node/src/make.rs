//! A new node: its directory, its keys, its first operator, and the first entries of its logs.

use comity_tlog::SigningKey;
use comity_wire::entry::{Author, Header, Kind, Log};
use comity_wire::time::Micros;
use zeroize::Zeroizing;

use crate::account::{self, Account};
use crate::config::Config;
use crate::directory::Directory;
use crate::keys;
use crate::local::Local;
use crate::node::{Node, NodeError, Surroundings};
use crate::password;
use crate::role::Role;
use crate::terms;

/// What a new node's directory is told.
pub struct Made {
    /// The name of the first operator.
    pub operator: String,
    /// Its password, not kept anywhere.
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Made").field("operator", &self.operator).finish_non_exhaustive()
    }
}

impl Node {
    /// Makes a directory: keys, configuration, charter, the first operator. The logs begin when
    /// it is opened.
    pub fn make(
        directory: &Directory,
        party: &str,
        charter_text: &str,
        surroundings: &Surroundings,
    ) -> Result<Made, NodeError> {
        let charter = terms::parse_charter(charter_text)?;
        if charter.party(party).is_none() {
            let known: Vec<&str> = charter.parties.iter().map(|party| party.id.as_str()).collect();
            return Err(NodeError::Start(format!(
                "the charter has no party `{party}`; it has: {}",
                known.join(", ")
            )));
        }
        directory.make()?;
        for log in Log::ALL {
            let key = new_key(surroundings);
            write_key(directory, &keys::origin(party, log), log.name(), &key)?;
        }
        write_key(directory, party, "next", &new_key(surroundings))?;
        directory.write_new(&directory.charter(), charter_text.as_bytes())?;
        let local = Local::open(&directory.local())?;
        let (name, password) = ("operator", secret(surroundings));
        add_account(&local, surroundings, name, Role::Operator, &password)?;
        // Last: a directory with a configuration holds a node.
        directory.write_new(&directory.config(), Config::new(party).text().as_bytes())?;
        Ok(Made { operator: name.to_owned(), password: Zeroizing::new(password) })
    }

    /// The first entries of `acts`: the keys of the logs, and that this party accepts the charter.
    pub(crate) fn found(&self) -> Result<(), NodeError> {
        let author = Author { role: "operator".to_owned(), pseudonym: "founding".to_owned() };
        let key = self.key_payload()?;
        let accept = serde_json::json!({ "charter": self.headers.charter });
        self.act(&author, &[(Kind::Key, key), (Kind::Accept, accept)])
    }

    /// States something to the whole body: entries of `acts`, on disk when this returns.
    pub fn act(
        &self,
        author: &Author,
        acts: &[(Kind, serde_json::Value)],
    ) -> Result<(), NodeError> {
        let now = Micros(self.now()).to_string();
        let entries = acts.iter().map(|(kind, payload)| {
            let header = Header {
                created: now.clone(),
                ..self.headers.header(Log::Acts, *kind, author.clone())
            };
            let sealed = self.surroundings.entry(&header, payload.to_string().as_bytes())?;
            Ok::<_, NodeError>((Log::Acts.id(), sealed))
        });
        self.writer.append(entries.collect::<Result<_, _>>()?)
    }

    /// The keys of the logs, and the hash of the next one.
    pub fn key_payload(&self) -> Result<serde_json::Value, NodeError> {
        let vkeys: std::collections::BTreeMap<&str, String> =
            self.verifiers.iter().map(|(log, verifier)| (log.name(), verifier.vkey())).collect();
        let next = keys::read(&self.directory.keys().join("next.key"), &self.config.party)?;
        let next = keys::fingerprint(&next.verifying_key());
        Ok(serde_json::json!({ "logs": vkeys, "next": next }))
    }
}

pub(crate) fn new_key(surroundings: &Surroundings) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    (surroundings.random)(seed.as_mut_slice());
    SigningKey::from_bytes(&seed)
}

fn write_key(
    directory: &Directory,
    origin: &str,
    name: &str,
    key: &SigningKey,
) -> Result<(), NodeError> {
    let path = directory.keys().join(format!("{name}.key"));
    Ok(directory.write_new(&path, keys::text(origin, key).as_bytes())?)
}

/// A password that is drawn: 120 bits, in letters that survive being read aloud.
pub(crate) fn secret(surroundings: &Surroundings) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut octets = Zeroizing::new([0; 24]);
    (surroundings.random)(octets.as_mut_slice());
    let mut secret = String::with_capacity(29);
    for (at, octet) in octets.iter().enumerate() {
        if at > 0 && at % 6 == 0 {
            secret.push('-');
        }
        let letter = LETTERS.get(usize::from(octet % 32)).copied().unwrap_or(b'a');
        secret.push(char::from(letter));
    }
    secret
}

pub(crate) fn add_account(
    local: &Local,
    surroundings: &Surroundings,
    name: &str,
    role: Role,
    password: &str,
) -> Result<Account, NodeError> {
    let (mut salt, mut octets) = ([0; 32], [0; 6]);
    (surroundings.random)(&mut salt);
    (surroundings.random)(&mut octets);
    let pseudonym: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let verifier = password::hash(password, &salt)?;
    let pseudonym = format!("u-{pseudonym}");
    let created = (surroundings.now)();
    let new = account::New { name, role, pseudonym: &pseudonym, verifier: &verifier, created };
    Ok(account::add(local, &new)?)
}
