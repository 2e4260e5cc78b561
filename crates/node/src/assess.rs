//! Before something is released to a party of a tier that the charter names (`handling.assessed`),
//! the releasing party looks into what it does for human rights and for the protection of data, and
//! has that on record. The assessment ends after a year at the latest.
//!
//! What was found stands in a document of the party's own. The record has its digest, so that
//! later it can be shown which one it was, and no words about anybody.

use comity_charter::Compiled;
use comity_gate::release;
use comity_gate::{Path, Refusal};
use comity_view::Right;
use comity_wire::entry::{Header, Kind, Log};
use comity_wire::time::Micros;
use rusqlite::{OptionalExtension, Row, params_from_iter};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::local::{self, Local, LocalError, with_sum};
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::submit::DAY_MICROS;

/// Days that an assessment counts at most: a year, and a day where it is a leap year.
const DAYS_MAX: i64 = 366;

/// An assessment of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The party.
    pub party: String,
    /// The SHA-256 of the document, in hexadecimal digits.
    pub sha256: String,
    /// When it was recorded, in microseconds since 1970.
    pub made: i64,
    /// When it ends.
    pub expires: i64,
    /// What entries call the account that recorded it.
    pub author: String,
}

/// The SHA-256 of a document, as a record has it.
pub fn digest(document: &[u8]) -> String {
    Sha256::digest(document).iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Node {
    /// Records an assessment of a party.
    pub fn assess(
        &self,
        by: &Checked,
        party: &str,
        sha256: &str,
        expires: i64,
        now: i64,
    ) -> Result<Assessment, NodeError> {
        by.require(Right::Release)?;
        self.require_other(party)?;
        let refused = |what: &str| NodeError::Local(LocalError::Refused(what.to_owned()));
        let digits = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        if sha256.len() != 64 || !sha256.bytes().all(digits) {
            return Err(refused("required: a SHA-256 in 64 lower-case hexadecimal digits"));
        }
        if expires <= now || expires > now.saturating_add(DAYS_MAX * DAY_MICROS) {
            return Err(refused("an assessment ends in the future, and within 366 days"));
        }
        let author = by.author();
        let assessment = Assessment {
            party: party.to_owned(),
            sha256: sha256.to_owned(),
            made: now,
            expires,
            author: author.pseudonym.clone(),
        };
        let header = Header {
            created: Micros(now).to_string(),
            ..self.headers().header(Log::Private, Kind::Record, author)
        };
        let payload = json!({ "assessment": {
            "party": party,
            "sha256": sha256,
            "expires": Micros(expires).to_string(),
        }});
        let sealed = self.surroundings.entry(&header, payload.to_string().as_bytes())?;
        // If we stop before the next step, it is on record and does not count: it is made again.
        self.writer().append(vec![(Log::Private.id(), sealed)])?;
        write(&self.local, &assessment)?;
        Ok(assessment)
    }

    /// The latest assessment of each party that has one.
    pub fn assessments(&self) -> Result<Vec<Assessment>, NodeError> {
        Ok(list(&self.local)?)
    }

    /// Refuses a release to parties that have to be assessed first.
    pub(crate) fn require_assessed(&self, parties: &[String], now: i64) -> Result<(), Refusal> {
        match parties.iter().find(|party| self.lacks_assessment(party, now)) {
            Some(party) => Err(Refusal::new(&release::UNASSESSED, Path::root())
                .found(format!("no assessment of `{party}` that counts now"))
                .hint("comity assess add DIR PARTY --file FILE --expires DATE --by USER")),
            None => Ok(()),
        }
    }

    fn lacks_assessment(&self, party: &str, now: i64) -> bool {
        // What cannot be read is none: nothing leaves by mistake.
        self.charter().is_assessed(party, now)
            && of(&self.local, party).ok().flatten().is_none_or(|one| one.expires <= now)
    }

    /// Says of the parties that have to be assessed first that they receive nothing.
    pub(crate) fn tell_unassessed(&self, compiled: &mut Compiled, now: i64) {
        for line in &mut compiled.lines {
            if line.receives && self.lacks_assessment(&line.party, now) {
                line.receives = false;
                line.why = format!("{}, and not assessed: comity assess add", line.why);
                compiled.parties.retain(|party| *party != line.party);
            }
        }
    }
}

fn list(local: &Local) -> Result<Vec<Assessment>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare_cached(
        "SELECT party, sha256, made, expires, author FROM assessment ORDER BY party",
    )?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

fn of(local: &Local, party: &str) -> Result<Option<Assessment>, LocalError> {
    Ok(local
        .lock()
        .prepare_cached(
            "SELECT party, sha256, made, expires, author FROM assessment WHERE party = ?1",
        )?
        .query_row([party], row)
        .optional()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Assessment> {
    Ok(Assessment {
        party: row.get(0)?,
        sha256: row.get(1)?,
        made: row.get(2)?,
        expires: row.get(3)?,
        author: row.get(4)?,
    })
}

fn write(local: &Local, one: &Assessment) -> Result<(), LocalError> {
    let values = with_sum([
        one.party.clone().into(),
        one.sha256.clone().into(),
        one.made.into(),
        one.expires.into(),
        one.author.clone().into(),
    ]);
    let sql = "INSERT OR REPLACE INTO assessment VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    local.lock().execute(sql, params_from_iter(values))?;
    Ok(())
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    local::damaged(local, "assessment", "party", "party, sha256, made, expires, author")
}
