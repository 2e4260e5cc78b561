//! What a verifier asks a node for over HTTP.

use std::io::{BufRead as _, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::arguments::Verify;
use crate::command::Failure;

/// Octets of one answer: a page of openings has four megabytes of envelopes in base64, and one
/// entry may go beyond.
const ANSWER_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A node at a URL, and how to be let in.
pub(super) struct Remote {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

/// What a node answers.
pub(super) enum Answer {
    /// The octets asked for.
    Found(Vec<u8>),
    /// Not there, or not for this caller.
    Absent(u16),
}

impl Remote {
    pub(super) fn new(arguments: &Verify) -> Result<Remote, Failure> {
        let mut config = Agent::config_builder().http_status_as_error(false);
        if let Some(path) = &arguments.tls_ca {
            let fault = |what: String| Failure::new(format!("`{}`: {what}", path.display()));
            let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| fault(error.to_string()))?;
            let roots = RootCerts::new_with_certs(&[certificate]);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Remote {
            agent: config.build().new_agent(),
            base: arguments.place.trim_end_matches('/').to_owned(),
            authorization: authorization(arguments)?,
        })
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, Failure> {
        let url = format!("{}{path}", self.base);
        let lost = |error: String| Failure::new(format!("`{url}`: {error}"));
        let mut request = self.agent.get(&url);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.call().map_err(|error| lost(error.to_string()))?;
        let status = response.status().as_u16();
        match status {
            200 => {}
            401 => {
                return Err(Failure::new(format!(
                    "`{url}` wants credentials, or other ones; give --user NAME and the password on standard input"
                )));
            }
            403 | 404 => return Ok(Answer::Absent(status)),
            _ => return Err(lost(format!("status {status}"))),
        }
        let mut octets = Vec::new();
        let body = response.body_mut().as_reader().take(ANSWER_BYTES_MAX + 1);
        let read = std::io::BufReader::new(body).read_to_end(&mut octets);
        read.map_err(|error| lost(error.to_string()))?;
        if octets.len() as u64 > ANSWER_BYTES_MAX {
            return Err(lost(format!("an answer of over {ANSWER_BYTES_MAX} octets")));
        }
        Ok(Answer::Found(octets))
    }

    /// The same, where its absence is a fault of the node.
    pub(super) fn must(&self, path: &str) -> Result<Vec<u8>, Failure> {
        match self.get(path)? {
            Answer::Found(octets) => Ok(octets),
            Answer::Absent(status) => {
                Err(Failure::new(format!("`{}{path}`: status {status}", self.base)))
            }
        }
    }
}

/// The password or the token comes by standard input, where no list of processes shows it.
fn authorization(arguments: &Verify) -> Result<Option<String>, Failure> {
    if arguments.user.is_none() && !arguments.token_stdin {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("cannot read the secret: {error}")))?;
    let secret = line.trim_end_matches(['\r', '\n']);
    Ok(Some(match &arguments.user {
        Some(user) => format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))),
        None => format!("Bearer {secret}"),
    }))
}
