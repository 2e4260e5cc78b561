//! Tokens: a user, a subset of the rights, a purpose, an expiry. Shown once, listed, revoked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comity_view::Rights;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::local::{Local, LocalError, sum};

/// What every token starts with, so that scanners for leaked secrets can find one.
pub const PREFIX: &str = "comity_";

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number at this node.
    pub id: i64,
    /// The number of its account.
    #[serde(skip)]
    pub account: i64,
    /// The name of its account.
    pub user: String,
    /// What it was made for.
    pub name: String,
    /// The rights it is cut down to.
    #[serde(serialize_with = "verbs")]
    pub rights: Rights,
    /// What accesses with it are for.
    pub purpose: Option<String>,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
    /// When it ends.
    pub expires: i64,
    /// Whether it was revoked.
    pub revoked: bool,
}

fn verbs<S: serde::Serializer>(rights: &Rights, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rights.iter().map(comity_view::Right::verb))
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct New {
    /// What it is made for.
    pub name: String,
    /// The rights to cut it down to; those of the role are cut further when it is used.
    pub rights: Rights,
    /// What accesses with it are for.
    pub purpose: Option<String>,
    /// When it ends, in microseconds since 1970.
    pub expires: i64,
}

/// Makes a token and gives its secret, which is not kept.
pub(crate) fn add(
    local: &Local,
    account: &Account,
    new: &New,
    now: i64,
    random: [u8; 32],
) -> Result<(Token, String), LocalError> {
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let token = Token {
        id: 0,
        account: account.id,
        user: account.name.clone(),
        name: new.name.clone(),
        rights: new.rights,
        purpose: new.purpose.clone(),
        created: now,
        expires: new.expires,
        revoked: false,
    };
    let hash = hash(&secret);
    let connection = local.lock();
    connection.execute(
        "INSERT INTO token (account, name, secret, rights, purpose, created, expires, revoked, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)",
        params![
            token.account,
            token.name,
            hash,
            token.rights.bits(),
            token.purpose,
            token.created,
            token.expires,
            row_sum(&token, &hash)
        ],
    )?;
    Ok((Token { id: connection.last_insert_rowid(), ..token }, secret))
}

pub(crate) fn list(local: &Local) -> Result<Vec<Token>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(&format!("{SELECT} ORDER BY token.id"))?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

/// The token of a secret, whatever its state.
pub(crate) fn find(local: &Local, secret: &str) -> Result<Option<Token>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE secret = ?1"))?;
    Ok(statement.query_row([hash(secret)], row).optional()?)
}

pub(crate) fn revoke(local: &Local, id: i64) -> Result<Token, LocalError> {
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    let found: Option<(Token, Vec<u8>)> = transaction
        .query_row(&format!("{SELECT} WHERE token.id = ?1"), [id], |found| {
            Ok((row(found)?, found.get(9)?))
        })
        .optional()?;
    let Some((mut token, secret)) = found else {
        let (what, command) = ("token", "comity token list DIR");
        return Err(LocalError::Missing { what, name: id.to_string(), command });
    };
    token.revoked = true;
    transaction.execute(
        "UPDATE token SET revoked = 1, sum = ?2 WHERE id = ?1",
        params![id, row_sum(&token, &secret)],
    )?;
    transaction.commit()?;
    Ok(token)
}

const SELECT: &str = "SELECT token.id, token.account, account.name, token.name, rights, purpose,
    token.created, expires, revoked, secret, token.sum
    FROM token JOIN account ON account.id = token.account";

fn row(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        account: row.get(1)?,
        user: row.get(2)?,
        name: row.get(3)?,
        rights: Rights::from_bits(row.get(4)?),
        purpose: row.get(5)?,
        created: row.get(6)?,
        expires: row.get(7)?,
        revoked: row.get(8)?,
    })
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn row_sum(token: &Token, secret: &[u8]) -> Vec<u8> {
    let numbers = format!(
        "{} {} {} {} {}",
        token.account,
        token.rights.bits(),
        token.created,
        token.expires,
        token.revoked
    );
    let purpose = token.purpose.as_deref().unwrap_or("");
    sum(&[&token.name, &secret, &purpose, &numbers])
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(SELECT)?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(found) = rows.next()? {
        let secret: Vec<u8> = found.get(9)?;
        let good = row(found).is_ok_and(|token| {
            found.get::<_, Vec<u8>>(10).is_ok_and(|sum| sum == row_sum(&token, &secret))
        });
        if !good {
            damaged.push(format!(
                "local.db: token row {}: does not fit its sum",
                found.get::<_, i64>(0)?
            ));
        }
    }
    Ok(damaged)
}
