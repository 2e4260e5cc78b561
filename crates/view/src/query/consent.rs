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

/// Names in the consents about one entry that are read, at most: some 10 MB. An owner may give any
/// number of consents; those beyond count for nothing here.
const NAMES_MAX: usize = 100_000;

/// The consents about a shared entry that stand, by their places.
pub fn consents(asked: &impl Ask, of: Position) -> Result<Vec<Consent>, ViewError> {
    let (mut found, mut names) = (Vec::new(), 0);
    each_consent(asked, of, |position, parties| {
        let parties: Vec<String> = parties.split(' ').map(str::to_owned).collect();
        names += parties.len();
        found.push(Consent { position, parties });
        names < NAMES_MAX
    })?;
    Ok(found)
}

/// Whether the consents about a shared entry that stand cover some parties, without those that go.
pub fn is_covered(
    asked: &impl Ask,
    of: Position,
    parties: &[String],
    going: &BTreeSet<Position>,
) -> Result<bool, ViewError> {
    let mut missing: BTreeSet<&str> = parties.iter().map(String::as_str).collect();
    each_consent(asked, of, |position, names| {
        if !going.contains(&position) {
            names.split(' ').for_each(|name| {
                missing.remove(name);
            });
        }
        !missing.is_empty()
    })?;
    Ok(missing.is_empty())
}

/// One after the other, as long as `each` wants more: an owner may give any number.
fn each_consent(
    asked: &impl Ask,
    of: Position,
    mut each: impl FnMut(Position, &str) -> bool,
) -> Result<(), ViewError> {
    let mut statement = asked.connected().prepare_cached(
        "SELECT consent.key, parties FROM consent JOIN consenting ON consenting.key = consent.key
         WHERE of = ?1 ORDER BY consent.key",
    )?;
    let mut rows = statement.query([of.key()])?;
    while let Some(row) = rows.next()? {
        let parties = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if !each(Position::from_key(row.get(0)?), parties) {
            break;
        }
    }
    Ok(())
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
