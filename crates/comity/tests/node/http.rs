//! A small client, and a smaller one for requests that no client sends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::http::{HeaderMap, Request};

pub(crate) const TAXII: &str = "application/taxii+json;version=2.1";

/// Nothing takes as long as this on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let fault = |error| panic!("{error}: {}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(fault)
    }

    /// The objects of an envelope.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let objects = self.json()["objects"].as_array().cloned();
        objects.unwrap_or_default()
    }
}

/// A client with the credentials of one user, or none.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn anonymous(base: &str) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        Client { agent: config.new_agent(), base: base.to_owned(), authorization: None }
    }

    pub(crate) fn basic(base: &str, user: &str, password: &str) -> Client {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        Client { authorization: Some(format!("Basic {pair}")), ..Client::anonymous(base) }
    }

    pub(crate) fn bearer(base: &str, secret: &str) -> Client {
        Client { authorization: Some(format!("Bearer {secret}")), ..Client::anonymous(base) }
    }

    /// The answer, or nothing where the connection broke.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Reply> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if method == "POST" {
            self.agent.run(request.body(body).unwrap())
        } else {
            self.agent.run(request.body(()).unwrap())
        };
        let response = response.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body =
            response.into_body().into_with_config().limit(256 * 1024 * 1024).read_to_vec().ok()?;
        Some(Reply { status, headers, body })
    }

    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        let accept = if path.starts_with("/taxii2") { TAXII } else { "*/*" };
        self.send("GET", path, &[("Accept", accept)], &[])
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[("Accept", TAXII)], &[])
    }

    /// Adds to a collection; nothing where the connection broke.
    pub(crate) fn try_add(&self, collection: &str, body: &[u8]) -> Option<Reply> {
        let path = objects(collection);
        let headers = [("Accept", TAXII), ("Content-Type", TAXII)];
        self.try_send("POST", &path, &headers, body)
    }

    #[track_caller]
    pub(crate) fn add(&self, collection: &str, body: impl AsRef<[u8]>) -> Reply {
        self.try_add(collection, body.as_ref()).expect("an answer")
    }

    /// Sends octets as they are, after a head with the given lines, and reads what comes back.
    pub(crate) fn raw(&self, first_line: &str, lines: &[&str], body: &[u8]) -> String {
        let address = self.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{first_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        if let Some(authorization) = &self.authorization {
            head.push_str(&format!("Authorization: {authorization}\r\n"));
        }
        for line in lines {
            head.push_str(&format!("{line}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Where the objects of a collection are.
pub(crate) fn objects(collection: &str) -> String {
    format!("/taxii2/comity/collections/{collection}/objects/")
}
