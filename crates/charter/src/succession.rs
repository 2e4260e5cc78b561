//! Which charter is in force: the one that founded the body, or what its parties have accepted
//! since.
//!
//! Until an engine carries motions, an amendment takes every party that decides. The result is a
//! function of who accepted what: no order of arrival has a part in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Charter, Hash, Right};

/// What each party has accepted.
pub type Accepts = BTreeMap<String, BTreeSet<Hash>>;

/// The charter in force, and what became of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession<'c> {
    /// The charter in force.
    pub charter: &'c Charter,
    /// Each candidate, by its hash.
    pub candidates: BTreeMap<Hash, Candidate>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// It is in force, or one that succeeded it is.
    Succeeded,
    /// These parties have not accepted it.
    Waiting(Vec<String>),
    /// Every party accepted it, and a rival too: they cancel each other.
    Cancelled,
    /// It does not succeed the charter in force: other hash, or other version.
    Unrelated,
}

/// The charter in force at a time, in microseconds since 1970: `current`, or what came of it.
///
/// Version n+1 names the hash of n, and is in force when every party that holds the right
/// `decide` under n has accepted it. Where two have got there, neither is, and n stays.
pub fn in_force<'c>(
    current: &'c Charter,
    candidates: &'c [Charter],
    accepts: &Accepts,
    at: i64,
) -> Succession<'c> {
    let mut states: BTreeMap<Hash, Candidate> =
        candidates.iter().map(|one| (one.hash, Candidate::Unrelated)).collect();
    let mut charter = current;
    // Each round goes up by one version, so that there are no more rounds than candidates.
    for _ in candidates {
        let electors: Vec<&str> =
            charter.holders(Right::Decide, at).map(|party| party.id.as_str()).collect();
        let mut accepted: BTreeMap<Hash, &Charter> = BTreeMap::new();
        for candidate in candidates.iter().filter(|one| succeeds(one, charter)) {
            let missing = missing(candidate, &electors, accepts);
            // Where nobody decides, nobody has accepted.
            if missing.is_empty() && !electors.is_empty() {
                accepted.insert(candidate.hash, candidate);
            } else {
                states.insert(candidate.hash, Candidate::Waiting(missing));
            }
        }
        let rivals = accepted.len() > 1;
        let state = if rivals { Candidate::Cancelled } else { Candidate::Succeeded };
        states.extend(accepted.keys().map(|hash| (*hash, state.clone())));
        match accepted.values().next() {
            Some(next) if !rivals => charter = next,
            Some(_) | None => break,
        }
    }
    Succession { charter, candidates: states }
}

/// The parties that have not accepted the charter that founds their body. Where there are none, it
/// is in force. A party without a node has no log to accept it in, and is not waited for.
pub fn not_founding<'c>(charter: &'c Charter, accepts: &Accepts) -> Vec<&'c str> {
    let has_accepted =
        |party: &str| accepts.get(party).is_some_and(|all| all.contains(&charter.hash));
    charter
        .parties
        .iter()
        .filter(|party| party.genesis.is_some() && !has_accepted(&party.id))
        .map(|party| party.id.as_str())
        .collect()
}

fn succeeds(candidate: &Charter, charter: &Charter) -> bool {
    candidate.previous == Some(charter.hash)
        && charter.version.checked_add(1) == Some(candidate.version)
}

fn missing(candidate: &Charter, electors: &[&str], accepts: &Accepts) -> Vec<String> {
    let has_accepted =
        |party: &str| accepts.get(party).is_some_and(|all| all.contains(&candidate.hash));
    electors.iter().filter(|party| !has_accepted(party)).map(|party| (*party).to_owned()).collect()
}
