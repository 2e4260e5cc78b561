//! Credentials to a reader. Nothing else in this crate makes a [`Reader`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_node::collection::{Collection, Grant};
use comity_node::{Checked, Credentials, Node};
use comity_view::{Readable, Reader, Right};
use comity_wire::time::Micros;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::host::Ends;
use crate::limit::Limits;
use crate::negotiate;

/// Who asks: the account, its rights now, and when.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) checked: Checked,
    pub(crate) reader: Reader,
}

/// A caller of TAXII, who also accepts its media type. Credentials are judged first, so that
/// nobody learns anything without them (T014).
#[derive(Debug, Clone)]
pub(crate) struct TaxiiCaller(pub(crate) Caller);

impl Caller {
    async fn from_parts(parts: &Parts, node: &Arc<Node>) -> Result<Caller, Failure> {
        let credentials = credentials(&parts.headers).ok_or(Failure::Unauthenticated)?;
        let now = node.now();
        let known = node.remembered(&credentials, now);
        let limits = parts.extensions.get::<Arc<Limits>>();
        let limits = limits.ok_or_else(|| Failure::Internal("no limits are set".to_owned()))?;
        let checked = match known {
            Some(checked) => Some(checked),
            None => {
                let peer = parts.extensions.get::<Ends>().map(|ends| ends.peer);
                limits.check(node, credentials, peer, now).await?
            }
        };
        let checked = checked.ok_or(Failure::Unauthenticated)?;
        limits.count(checked.account.id, node.config().requests_per_second, now)?;
        let (account, rights) = (checked.account.id, checked.rights);
        let reader = Reader::new(account, rights, checked.purpose.clone(), Micros(now));
        Ok(Caller { checked, reader })
    }

    /// Whether one of these rights is held.
    pub(crate) fn need(&self, rights: &[Right]) -> Result<(), Failure> {
        if rights.iter().any(|right| self.reader.rights.has(*right)) {
            return Ok(());
        }
        let verbs: Vec<&str> = rights.iter().map(|right| right.verb()).collect();
        Err(Failure::Forbidden(format!("required: the right to {}", verbs.join(" or "))))
    }

    /// A collection and what this caller gets in it. One that he may neither read nor write does
    /// not exist for him (T044).
    pub(crate) fn collection(
        &self,
        node: &Node,
        name: &str,
    ) -> Result<(Collection, Grant), Failure> {
        const UNKNOWN: Failure = Failure::NotFound("there is no such collection");
        let collection = node.collection(name).ok_or(UNKNOWN)?;
        let grant = self.grant(node, &collection);
        if grant.read || grant.write { Ok((collection, grant)) } else { Err(UNKNOWN) }
    }

    /// What this caller gets in a collection: what it gives him, cut down to his rights.
    pub(crate) fn grant(&self, node: &Node, collection: &Collection) -> Grant {
        let given = node.grant(collection, self.checked.account.id);
        Grant {
            read: given.read && self.reader.rights.has(Right::Read),
            write: given.write && self.reader.rights.has(Right::Write),
        }
    }

    /// The proof that he may read a collection, or 403 (T091).
    pub(crate) fn readable(
        &self,
        node: &Node,
        name: &str,
    ) -> Result<(Collection, Readable), Failure> {
        let (collection, grant) = self.collection(node, name)?;
        let readable = self.reader.readable(collection.number, grant.read);
        readable
            .map(|readable| (collection, readable))
            .ok_or_else(|| Failure::Forbidden("this collection cannot be read by you".into()))
    }
}

impl FromRequestParts<Arc<Node>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Caller, Failure> {
        Caller::from_parts(parts, node).await
    }
}

impl FromRequestParts<Arc<Node>> for TaxiiCaller {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        node: &Arc<Node>,
    ) -> Result<TaxiiCaller, Failure> {
        let caller = Caller::from_parts(parts, node).await?;
        negotiate::accept(&parts.headers)?;
        Ok(TaxiiCaller(caller))
    }
}

/// What stands in Authorization, where it is something that we know.
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Bearer(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(rest).ok()?);
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials::Password { name: name.to_owned(), password: password.to_owned() })
}
