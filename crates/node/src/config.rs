//! `config.toml`: what an operator sets. Unknown keys are errors.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What an operator sets. `docs/reference/config.md` and `comity.example.toml` show every key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The party whose node this is; fixed when the directory is made.
    pub party: String,
    /// Where to serve, `HOST:PORT`.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// What TAXII discovery calls the server.
    #[serde(default = "default_title")]
    pub title: String,
    /// A file on another volume that says how far the logs have signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_mark: Option<PathBuf>,
    /// Where to tell metrics and health, `HOST:PORT`; empty is nowhere.
    #[serde(default)]
    pub metrics: String,
    /// Free octets below which no new objects are taken; 0 is no reserve.
    #[serde(default = "default_disk_reserve")]
    pub disk_reserve_bytes: u64,
    /// The names that the node answers to, beside addresses and `localhost`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Requests of one account in a second; 0 is no limit.
    #[serde(default = "default_requests_per_second")]
    pub requests_per_second: u32,
    /// Where to serve peers, `HOST:PORT`; empty is nowhere.
    #[serde(default)]
    pub peers: String,
}

/// Twice what a node answers at its best: who wants accounts held apart sets less.
const REQUESTS_PER_SECOND: u32 = 100_000;

fn default_requests_per_second() -> u32 {
    REQUESTS_PER_SECOND
}

fn default_listen() -> String {
    "127.0.0.1:8440".to_owned()
}

/// 256 MiB: some days of records of access for a busy node, and several times what SQLite needs
/// for its journals.
fn default_disk_reserve() -> u64 {
    256 * 1024 * 1024
}

fn default_title() -> String {
    "Comity".to_owned()
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a configuration.
    #[error("`{path}`: {what}")]
    Parse {
        /// The file.
        path: String,
        /// What is wrong and where.
        what: String,
    },
}

impl Config {
    /// The configuration of a new node.
    pub fn new(party: &str) -> Config {
        Config {
            party: party.to_owned(),
            listen: default_listen(),
            title: default_title(),
            head_mark: None,
            metrics: String::new(),
            disk_reserve_bytes: default_disk_reserve(),
            hosts: Vec::new(),
            requests_per_second: REQUESTS_PER_SECOND,
            peers: String::new(),
        }
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: shown,
            what: error.to_string().trim_end().to_owned(),
        })
    }

    /// The text of the file, with the comments that an operator needs.
    pub fn text(&self) -> String {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        format!(
            "# The party whose node this is. Fixed: the logs are signed under this name.\n\
             party = {}\n\n\
             # Where to serve, HOST:PORT. Beyond this machine, TLS is required.\n\
             listen = {}\n\n\
             # What TAXII discovery calls the server.\n\
             title = {}\n\n\
             # Where to tell metrics and health, HOST:PORT on this machine; empty is nowhere.\n\
             metrics = {}\n\n\
             # Free octets below which no new objects are taken; 0 is no reserve.\n\
             disk_reserve_bytes = {}\n\n\
             # The names that the node answers to, beside addresses and localhost. Without\n\
             # one, any name is served beyond this machine, and none on it.\n\
             hosts = {}\n\n\
             # Requests of one account in a second; 0 is no limit.\n\
             requests_per_second = {}\n\n\
             # Where to serve the nodes of peers, HOST:PORT; empty is nowhere. Only the keys\n\
             # that the charter lists are let in.\n\
             peers = {}\n",
            quote(&self.party),
            quote(&self.listen),
            quote(&self.title),
            quote(&self.metrics),
            self.disk_reserve_bytes,
            toml::Value::from(self.hosts.clone()),
            self.requests_per_second,
            quote(&self.peers)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_back_and_unknown_keys_do_not() {
        let config = Config::new("cert.example");
        assert_eq!(toml::from_str::<Config>(&config.text()).unwrap(), config);
        assert!(toml::from_str::<Config>("party = \"a\"\nlisen = \"b\"").is_err());
    }
}
