//! Which names a node answers to (RFC 9110 §7.2, RFC 9112 §3.2). A page in a browser that has its
//! own name resolve to this machine (DNS rebinding) still sends that name, and is turned away.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use comity_node::Node;

use crate::error::Failure;

/// The two ends of a connection. A request that came by none has none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    /// Who asks, or the proxy in front.
    pub(crate) peer: IpAddr,
    /// Where it came in.
    pub(crate) local: IpAddr,
}

impl Ends {
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr) -> Ends {
        Ends { peer: peer.ip().to_canonical(), local: local.ip().to_canonical() }
    }
}

/// Turns away what is asked of another host.
pub(crate) async fn check(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let ends = request.extensions().get::<Ends>().copied();
    let judged = ends.map_or(Ok(()), |ends| {
        let asked = asked(request.version(), request.uri(), request.headers())?;
        let known = asked.is_none_or(|host| serves(&node.config().hosts, ends.local, &host));
        if known { Ok(()) } else { Err(Failure::Misdirected) }
    });
    match judged {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// The host that a request asks, without its port. Two answers to that are none: they are how a
/// request is smuggled past whoever reads the other one.
fn asked(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let refused = |what: &str| Err(Failure::BadRequest(what.to_owned()));
    let mut values = headers.get_all(header::HOST).iter();
    let named = match values.next().map(|value| value.to_str()) {
        None => None,
        Some(Ok(value)) => Some(value),
        Some(Err(_)) => return refused("`Host` is not a host"),
    };
    if values.next().is_some() {
        return refused("`Host` stands twice");
    }
    let target = uri.authority().map(axum::http::uri::Authority::as_str);
    let host = match (target, named) {
        (Some(target), Some(named)) if !target.eq_ignore_ascii_case(named) => {
            return refused("the target and `Host` name two hosts");
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if version == Version::HTTP_11 => return refused("required: `Host`"),
        (None, None) => return Ok(None),
    };
    match without_port(host) {
        Some(host) => Ok(Some(host)),
        None => refused("`Host` is not a host"),
    }
}

fn without_port(host: &str) -> Option<String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let whole = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'.' | b'-' | b'_' | b':');
    let good = !name.is_empty()
        && name.bytes().all(whole)
        && port.len() <= 5
        && port.bytes().all(|one| one.is_ascii_digit());
    good.then(|| name.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether the node answers to a name. An address is one always: there is no name that could
/// have been made to lead here. So are the names of this machine to itself. Others are those of
/// the configuration; where it has none, any name does beyond this machine (the node cannot know
/// what others call it, and a browser that was led astray fails at the certificate), and no other
/// where only this machine can ask.
fn serves(hosts: &[String], local: IpAddr, host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
        || (hosts.is_empty() && !local.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const BEYOND: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn host_of(uri: &str, hosts: &[&'static str]) -> Result<Option<String>, Failure> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        asked(Version::HTTP_11, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn one_host_is_asked() {
        for (uri, hosts, wanted) in [
            ("/", &["Node.example:8440"][..], "node.example"),
            ("/", &["[::1]:8440"], "::1"),
            ("/", &["192.0.2.7"], "192.0.2.7"),
            ("/", &["localhost."], "localhost"),
            ("http://node.example/x", &["node.example"], "node.example"),
            ("http://node.example/x", &[], "node.example"),
        ] {
            assert_eq!(host_of(uri, hosts).unwrap().as_deref(), Some(wanted), "{uri} {hosts:?}");
        }
        for (uri, hosts) in [
            ("/", &[][..]),
            ("/", &[""]),
            ("/", &["a", "a"]),
            ("/", &["a b"]),
            ("/", &["a@b"]),
            ("/", &["[::1"]),
            ("/", &["[::1]x"]),
            ("/", &["a:port"]),
            ("http://node.example/x", &["evil.example"]),
        ] {
            assert!(host_of(uri, hosts).is_err(), "{uri} {hosts:?}");
        }
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_not_served() {
        let configured = ["node.example".to_owned()];
        for host in ["localhost", "a.localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            assert!(serves(&[], HERE, host), "{host}");
            assert!(serves(&configured, BEYOND, host), "{host}");
        }
        assert!(!serves(&[], HERE, "evil.example"));
        assert!(serves(&[], BEYOND, "whatever.example"));
        assert!(serves(&configured, HERE, "NODE.example"));
        assert!(!serves(&configured, BEYOND, "evil.example"));
        assert!(!serves(&configured, HERE, "notlocalhost"));
    }
}
