//! A request that is put together piece by piece, and its response.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use serde_json::value::RawValue;
use tower::ServiceExt as _;

use super::harness::{World, secret};

/// The media type of every TAXII body.
pub(crate) const TAXII: &str = "application/taxii+json;version=2.1";
pub(crate) const FIRST: &str = "x-taxii-date-added-first";
pub(crate) const LAST: &str = "x-taxii-date-added-last";

/// A record of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) date_added: String,
    pub(crate) id: String,
    pub(crate) version: String,
}

/// A request that is being put together.
pub(crate) struct Ask<'w> {
    world: &'w World,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl<'w> Ask<'w> {
    pub(crate) fn new(world: &'w World, method: &str, path: &str) -> Ask<'w> {
        Ask {
            world,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Body::empty(),
        }
    }

    /// By another user, with that user's token.
    pub(crate) fn by(self, user: &str) -> Self {
        self.bearer(secret(user))
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Sets a header, in the place of what it was.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Adds a header beside what there is of its name.
    pub(crate) fn also(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        Reply::of(response).await
    }

    /// Expects 200 and a TAXII body.
    pub(crate) async fn ok(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        let reply = self.send().await;
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some(TAXII), "{what}");
        reply
    }

    /// Expects a status and, as for every fault of our own, a TAXII error that says the same.
    pub(crate) async fn refused(self, status: u16) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        let reply = self.send().await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some(TAXII), "{what}");
        let error = reply.json();
        assert!(!error["title"].as_str().unwrap().is_empty(), "{what}");
        assert_eq!(error["http_status"], status.to_string(), "{what}");
        reply
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) async fn of<B>(response: axum::http::Response<B>) -> Reply
    where
        B: axum::body::HttpBody,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The dates of the first and the last record of the page.
    pub(crate) fn dates(&self) -> (Option<&str>, Option<&str>) {
        (self.header(FIRST), self.header(LAST))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("(not UTF-8)")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A text member of each element of a list that may be left out.
    pub(crate) fn member(&self, list: &str, name: &str) -> Vec<String> {
        let list = self.json()[list].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value[name].as_str().unwrap().to_owned();
        list.iter().map(text).collect()
    }

    /// The objects of an envelope, octet for octet.
    pub(crate) fn raw_objects(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Envelope {
            #[serde(default)]
            objects: Vec<Box<RawValue>>,
        }
        let envelope: Envelope = serde_json::from_slice(&self.body).unwrap();
        let text = |raw: &RawValue| raw.get().to_owned();
        envelope.objects.iter().map(|raw| text(raw)).collect()
    }

    pub(crate) fn next(&self) -> Option<String> {
        self.json()["next"].as_str().map(str::to_owned)
    }
}

/// The Basic credentials of a name and a password.
pub(crate) fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{name}:{password}");
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {encoded}")
}
