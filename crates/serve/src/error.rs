//! Failures to responses. The only place that knows status codes; `docs/reference/http.md` says
//! them in words.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use comity_node::NodeError;
use comity_wire::taxii::filter::QueryError;
use comity_wire::taxii::{Error, MEDIA_TYPE};

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// No acceptable media type.
    NotAcceptable,
    /// Not there, or not for this caller to know of.
    NotFound(&'static str),
    /// Known to be there, and not allowed.
    Forbidden(String),
    /// The body's media type.
    UnsupportedMedia,
    /// The body's size.
    TooLarge(usize),
    /// The request itself.
    BadRequest(String),
    /// The content: understood, and not processable.
    Unprocessable(String),
    /// The method.
    MethodNotAllowed,
    /// The disk is full: the node reads, and does not write.
    Full,
    /// More than a quota.
    Quota {
        /// What is found, what is required, what helps.
        why: String,
        /// Seconds until there is room, where that is a matter of time.
        seconds: Option<u64>,
    },
    /// Less is free than the disk reserve.
    Reserve(String),
    /// The body came too slowly.
    TooSlow,
    /// Another host was asked.
    Misdirected,
    /// Too often wrong, or too many requests.
    Slowed {
        /// Seconds until it may go.
        seconds: u64,
    },
    /// Too much at once; later it may go.
    Busy(&'static str),
    /// Not until an operator acted.
    Halted(&'static str),
    /// A fault of the node.
    Internal(String),
}

impl Failure {
    fn parts(&self) -> (StatusCode, &'static str, &'static str, Option<String>) {
        match self {
            Failure::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "credentials are required",
                "unauthenticated",
                Some("send HTTP Basic with a user's password, or a bearer token; `comity user add` and `comity token add` make them".into()),
            ),
            Failure::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "no acceptable media type",
                "not-acceptable",
                Some(format!("required in Accept: {MEDIA_TYPE}")),
            ),
            Failure::NotFound(what) => {
                (StatusCode::NOT_FOUND, "not found", "not-found", Some((*what).into()))
            }
            Failure::Forbidden(why) => {
                (StatusCode::FORBIDDEN, "not allowed", "forbidden", Some(why.clone()))
            }
            Failure::UnsupportedMedia => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body's media type or encoding is not supported",
                "unsupported-media-type",
                Some(format!(
                    "required in Content-Type: {MEDIA_TYPE}; in Content-Encoding: gzip, identity or nothing"
                )),
            ),
            Failure::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large",
                "too-large",
                Some(format!("required: at most {limit} octets; send several smaller envelopes")),
            ),
            Failure::BadRequest(why) => {
                (StatusCode::BAD_REQUEST, "the request cannot be used", "bad-request", Some(why.clone()))
            }
            Failure::Unprocessable(why) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "the content cannot be processed",
                "unprocessable",
                Some(why.clone()),
            ),
            Failure::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "the method is not allowed here",
                "method-not-allowed",
                None,
            ),
            Failure::Full
            | Failure::Quota { .. }
            | Failure::Reserve(_)
            | Failure::TooSlow
            | Failure::Misdirected
            | Failure::Slowed { .. }
            | Failure::Busy(_)
            | Failure::Halted(_)
            | Failure::Internal(_) => self.parts_of_the_node(),
        }
    }

    /// What is no fault of the request.
    fn parts_of_the_node(&self) -> (StatusCode, &'static str, &'static str, Option<String>) {
        match self {
            Failure::Full => (
                StatusCode::INSUFFICIENT_STORAGE,
                "the node's disk is full: it reads, and does not write",
                "storage-full",
                Some("nothing of this request is acknowledged; the operator frees space and the client sends it again".into()),
            ),
            Failure::Quota { why, seconds } => quota(why, *seconds),
            Failure::Reserve(why) => (
                StatusCode::INSUFFICIENT_STORAGE,
                "the node keeps the space that is left: it reads, and takes no new objects",
                "insufficient-storage",
                Some(why.clone()),
            ),
            Failure::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the body came too slowly",
                "too-slow",
                Some("nothing was stored; send it again".into()),
            ),
            Failure::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "this host is not served here",
                "misdirected",
                Some("the operator lists the names of the node under `hosts` in config.toml".into()),
            ),
            Failure::Slowed { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests",
                "too-many-requests",
                Some("wrong credentials too often, or more requests than one account may send; try again after Retry-After".into()),
            ),
            Failure::Busy(what) => {
                (StatusCode::SERVICE_UNAVAILABLE, "try again later", "busy", Some((*what).into()))
            }
            Failure::Halted(what) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the node signs nothing until its operator acts",
                "halted",
                Some((*what).into()),
            ),
            // What went wrong stays in the node's own log: it may name files.
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "a fault of the node", "internal", None),
        }
    }
}

/// A day ends by itself; space of a collection does not come back by waiting (RFC 4331 section 6
/// has 507 for a quota).
fn quota(
    why: &str,
    seconds: Option<u64>,
) -> (StatusCode, &'static str, &'static str, Option<String>) {
    let status =
        seconds.map_or(StatusCode::INSUFFICIENT_STORAGE, |_| StatusCode::TOO_MANY_REQUESTS);
    (status, "more than the quota", "quota-exceeded", Some(why.to_owned()))
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, code, description) = self.parts();
        if let Failure::Internal(what) = &self {
            tracing::error!(what, "a request failed");
        }
        let error = Error {
            title: title.to_owned(),
            description,
            error_id: None,
            error_code: Some(code.to_owned()),
            http_status: status.as_u16().to_string(),
        };
        let body = serde_json::to_vec(&error).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if matches!(self, Failure::Unauthenticated) {
            let basic = HeaderValue::from_static("Basic realm=\"comity\", charset=\"UTF-8\"");
            headers.append(header::WWW_AUTHENTICATE, basic);
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // What never reaches the router has them from here.
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        match self {
            Failure::Busy(_) | Failure::Full | Failure::Reserve(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Failure::Slowed { seconds } | Failure::Quota { seconds: Some(seconds), .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            // The rest of the body is not waited for.
            Failure::TooSlow => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// Gives the failure its words where a layer refused a body's encoding before a handler saw it.
pub(crate) fn in_words(response: Response) -> Response {
    let headers = response.headers();
    let bare = !headers.contains_key(header::CONTENT_TYPE);
    if !bare || response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return response;
    }
    let known = headers.get(header::ACCEPT_ENCODING).cloned();
    let mut told = Failure::UnsupportedMedia.into_response();
    if let Some(known) = known {
        told.headers_mut().insert(header::ACCEPT_ENCODING, known);
    }
    told
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Failure {
        match error {
            NodeError::Full => Failure::Full,
            NodeError::Quota(exceeded) => {
                Failure::Quota { why: exceeded.to_string(), seconds: exceeded.retry_after }
            }
            reserve @ NodeError::Reserve { .. } => Failure::Reserve(reserve.to_string()),
            right @ NodeError::Right { .. } => Failure::Forbidden(right.to_string()),
            NodeError::Stopping => Failure::Busy("the node is stopping"),
            NodeError::PutBack(_) => Failure::Halted(
                "nothing is signed here: a peer holds a later head of this party's logs; its operator \
                 finds what helps with `comity doctor`",
            ),
            NodeError::AuditBehind => {
                Failure::Busy("accesses cannot be recorded, so none are answered")
            }
            other => Failure::Internal(other.to_string()),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        Failure::BadRequest(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_by_itself_has_no_time_to_try_again() {
        let answer = |error| Failure::from(error).into_response();
        let halted = answer(NodeError::PutBack("forked".to_owned()));
        assert_eq!(halted.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!halted.headers().contains_key(header::RETRY_AFTER));
        let stopping = answer(NodeError::Stopping);
        assert_eq!(stopping.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(stopping.headers().contains_key(header::RETRY_AFTER));
    }
}
