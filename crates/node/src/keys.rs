//! Signing keys, one a log, in files that only the owner reads. The form is that of Go's note
//! package: `PRIVATE+KEY+<origin>+<key id>+<base64 of 0x01 and the seed>`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_tlog::{LogConfig, SigningKey, Verifier};
use comity_wire::entry::Log;
use zeroize::Zeroizing;

use crate::directory::Directory;
use crate::node::NodeError;

/// Ed25519, as C2SP signed-note numbers signature types.
const ED25519: u8 = 0x01;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the signing key `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no key of this log. The content is not shown.
    #[error("`{path}` holds no signing key of `{origin}`; restore it from your copy")]
    Form {
        /// The file.
        path: String,
        /// Whose key was expected.
        origin: String,
    },
}

/// The text of a key file.
pub(crate) fn text(origin: &str, key: &SigningKey) -> Zeroizing<String> {
    let id = Verifier::new(origin, &key.verifying_key()).map_or(0, |verifier| verifier.id());
    let mut octets = Zeroizing::new(vec![ED25519]);
    octets.extend_from_slice(key.as_bytes());
    let encoded = Zeroizing::new(STANDARD.encode(octets.as_slice()));
    Zeroizing::new(format!("PRIVATE+KEY+{origin}+{id:08x}+{}\n", encoded.as_str()))
}

/// Reads a key file.
pub(crate) fn read(path: &Path, origin: &str) -> Result<SigningKey, KeyError> {
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| KeyError::Read { path: shown(), source })?;
    parse(&text, origin).ok_or_else(|| KeyError::Form { path: shown(), origin: origin.to_owned() })
}

/// The verifier of the key in a file, whatever its origin; nothing where there is none.
pub(crate) fn verifier_in(path: &Path) -> Option<Verifier> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).ok()?;
    let (origin, _) = text.strip_prefix("PRIVATE+KEY+")?.split_once('+')?;
    Verifier::new(origin, &parse(&text, origin)?.verifying_key()).ok()
}

/// The SHA-256 of a public key: what is said of a key before it is used.
pub(crate) fn fingerprint(key: &comity_tlog::VerifyingKey) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(key.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

fn parse(file: &str, origin: &str) -> Option<SigningKey> {
    let rest = file.trim().strip_prefix("PRIVATE+KEY+")?.strip_prefix(origin)?.strip_prefix('+')?;
    let (_, encoded) = rest.split_once('+')?;
    let octets = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (kind, seed) = octets.split_first()?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
    let key = (*kind == ED25519).then(|| SigningKey::from_bytes(&seed))?;
    // The whole line, key id too: a damaged file must not sign under a key nobody knows.
    (text(origin, &key).trim() == file.trim()).then_some(key)
}

/// The origin of a log's checkpoints.
pub(crate) fn origin(party: &str, log: Log) -> String {
    format!("{party}/{}", log.name())
}

/// The origin under which a log goes on where it cannot under this one: `<party>/<log>/2`, then 3.
pub(crate) fn next_origin(origin: &str, log: &str) -> String {
    match origin.rsplit_once('/').and_then(|(base, last)| Some((base, last.parse::<u64>().ok()?))) {
        Some((base, number)) if base.ends_with(&format!("/{log}")) => {
            format!("{base}/{}", number.saturating_add(1))
        }
        _ => format!("{origin}/2"),
    }
}

/// Whether an origin is a log's first one or a later one of it.
fn is_origin_of(origin: &str, first: &str) -> bool {
    match origin.strip_prefix(first) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('/').is_some_and(|number| {
            number.parse::<u64>().is_ok_and(|n| n >= 2 && n.to_string() == number)
        }),
        None => false,
    }
}

/// Where the key of a log is.
pub(crate) fn path(directory: &Directory, log: Log) -> PathBuf {
    directory.keys().join(format!("{}.key", log.name()))
}

/// A log with its key. The key file says under which of its origins it signs now.
pub(crate) fn log_config(
    directory: &Directory,
    party: &str,
    log: Log,
) -> Result<LogConfig, NodeError> {
    let (path, first) = (path(directory, log), origin(party, log));
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(&path)
        .map(Zeroizing::new)
        .map_err(|source| KeyError::Read { path: shown(), source })?;
    let named = text.strip_prefix("PRIVATE+KEY+").and_then(|rest| rest.split_once('+'));
    let origin = named.map(|(origin, _)| origin).filter(|origin| is_origin_of(origin, &first));
    let found = origin.and_then(|origin| Some((origin.to_owned(), parse(&text, origin)?)));
    let (origin, key) = found.ok_or_else(|| KeyError::Form { path: shown(), origin: first })?;
    Ok(LogConfig { id: log.id(), name: log.name().to_owned(), origin, key })
}

pub(crate) fn log_configs(directory: &Directory, party: &str) -> Result<Vec<LogConfig>, NodeError> {
    Log::ALL.into_iter().map(|log| log_config(directory, party, log)).collect()
}

pub(crate) fn verifiers(logs: &[LogConfig]) -> Result<Vec<(Log, Verifier)>, NodeError> {
    logs.iter()
        .filter_map(|config| Log::from_id(config.id).map(|log| (log, config)))
        .map(|(log, config)| {
            Verifier::new(&config.origin, &config.key.verifying_key())
                .map(|verifier| (log, verifier))
                .map_err(|error| NodeError::Start(error.to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_goes_on_counts_up() {
        let first = "cert.example/private";
        let second = next_origin(first, "private");
        assert_eq!(second, "cert.example/private/2");
        assert_eq!(next_origin(&second, "private"), "cert.example/private/3");
        assert!(is_origin_of(first, first) && is_origin_of(&second, first));
        for other in ["cert.example/private/1", "cert.example/private/02", "cert.example/acts"] {
            assert!(!is_origin_of(other, first), "{other}");
        }
    }

    #[test]
    fn a_key_survives_its_text_and_no_other_origin_takes_it() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let text = text("cert.example/acts", &key);
        assert_eq!(parse(&text, "cert.example/acts").unwrap().as_bytes(), key.as_bytes());
        assert!(parse(&text, "cert.example/shared").is_none());
        assert!(parse(&text.replacen("KEY+cert", "KEY+dert", 1), "dert.example/acts").is_none());
    }
}
