//! To whom what is shared may be released onward.

use std::collections::BTreeSet;

use crate::Position;
use crate::fold::release::KIND_CONSENT;
use crate::query::Ask;
use crate::store::ViewError;

/// The word of an owner about one shared entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The entry that says it.
    pub position: Position,
    /// The parties that it may be released to, at most.
    pub parties: Vec<String>,
}

/// What a list of parties lacks of consent, and which consents cover the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cover {
    /// The consents that are needed.
    pub by: Vec<Position>,
    /// Parties that none of them names.
    pub missing: Vec<String>,
}

/// The consents about a shared entry that stand, by their places.
pub fn consents(asked: &impl Ask, of: Position) -> Result<Vec<Consent>, ViewError> {
    let mut statement = asked
        .connected()
        .prepare_cached("SELECT key, parties FROM consent WHERE of = ?1 ORDER BY key")?;
    let rows = statement.query_map([of.key()], |row| {
        let parties: String = row.get(1)?;
        let parties = parties.split(' ').map(str::to_owned).collect();
        Ok(Consent { position: Position::from_key(row.get(0)?), parties })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The shared entries that a consent is about.
pub fn consented(asked: &impl Ask, consent: Position) -> Result<Vec<Position>, ViewError> {
    let mut statement =
        asked.connected().prepare_cached("SELECT of FROM consent WHERE key = ?1 ORDER BY of")?;
    let rows = statement.query_map([consent.key()], |row| Ok(Position::from_key(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The consents of this party about an entry of its own that are given to another.
pub fn given_to(asked: &impl Ask, of: Position, party: &str) -> Result<Vec<Consent>, ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT 1 FROM released JOIN audience ON audience.id = released.audience
         WHERE key = ?1 AND kind = ?2 AND parties = ?3",
    )?;
    let mut given = Vec::new();
    for consent in consents(asked, of)? {
        let key = consent.position.key();
        if statement.exists(rusqlite::params![key, KIND_CONSENT, party])? {
            given.push(consent);
        }
    }
    Ok(given)
}

/// Whether consents cover some parties.
pub fn cover(consents: &[Consent], parties: &[String]) -> Cover {
    let mut missing: BTreeSet<&String> = parties.iter().collect();
    let mut by = Vec::new();
    for consent in consents {
        let before = missing.len();
        missing.retain(|party| !consent.parties.contains(*party));
        if missing.len() < before {
            by.push(consent.position);
        }
    }
    Cover { by, missing: missing.into_iter().cloned().collect() }
}
