//! Collections: local configuration, named by no entry. Each gives the defaults that stock
//! clients cannot send, and may give a user less than the role does.

mod rule;

use comity_charter::{Charter, Pap, Tlp};
use comity_wire::id::Uuid;
use comity_wire::limits::TITLE_CHARS_MAX;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;

use crate::local::{self, Local, LocalError, is_taken, sum, with_sum};
use crate::peer;

pub use rule::ReleaseRule;
pub(crate) use rule::damaged as damaged_rules;

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// Its number at this node.
    #[serde(skip)]
    pub number: u32,
    /// The id that clients use.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it holds.
    pub description: Option<String>,
    /// A name that may stand in a path instead of the id.
    pub alias: Option<String>,
    /// The purpose of what comes in without one.
    pub purpose: String,
    /// The grade of what comes in without one.
    pub grade: Option<String>,
    /// The TLP label of what comes in without one.
    pub tlp: String,
    /// Days that what comes in lives when nothing else says so.
    pub expires_days: u32,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
    /// What a write releases, if it releases anything.
    pub release: Option<ReleaseRule>,
}

/// What a collection lets one user do, below what the role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Read it.
    pub read: bool,
    /// Write it.
    pub write: bool,
}

impl Grant {
    /// Where the collection says nothing of a user.
    pub const FULL: Grant = Grant { read: true, write: true };

    /// Reads `rw`, `r`, `w` or `none`.
    pub fn parse(text: &str) -> Option<Grant> {
        match text {
            "rw" => Some(Grant::FULL),
            "r" => Some(Grant { read: true, write: false }),
            "w" => Some(Grant { read: false, write: true }),
            "none" => Some(Grant { read: false, write: false }),
            _ => None,
        }
    }
}

/// What a new collection is to be.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// What it is called.
    pub title: String,
    /// What it holds.
    pub description: Option<String>,
    /// A name for paths.
    pub alias: Option<String>,
    /// The id, where it must be a certain one.
    pub id: Option<Uuid>,
    /// Users and what they get.
    pub rights: Vec<(String, Grant)>,
}

/// All collections and what they give users: asked with every request, so it is kept in memory
/// and read anew when it changes.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    collections: Vec<Collection>,
    grants: std::collections::BTreeMap<(u32, i64), Grant>,
    /// Those that take what peers release, and nothing else.
    receiving: std::collections::BTreeSet<u32>,
}

impl Catalog {
    pub(crate) fn read(local: &Local) -> Result<Catalog, LocalError> {
        let mut collections = list(local)?;
        let mut rules = rule::read(local)?;
        for collection in &mut collections {
            collection.release = rules.remove(&collection.number);
        }
        let peers = peer::list(local)?;
        let receiving = peers.iter().flat_map(|peer| [peer.collection, peer.everything]).collect();
        let connection = local.lock();
        let mut statement = connection
            .prepare("SELECT collection, account, can_read, can_write FROM collection_right")?;
        let rows = statement.query_map([], |row| {
            let grant = Grant { read: row.get(2)?, write: row.get(3)? };
            Ok(((row.get(0)?, row.get(1)?), grant))
        })?;
        Ok(Catalog { collections, grants: rows.collect::<Result<_, _>>()?, receiving })
    }

    /// All collections, by id (T041).
    pub(crate) fn all(&self) -> &[Collection] {
        &self.collections
    }

    /// The collection of an id or alias.
    pub(crate) fn find(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| {
            collection.id.eq_ignore_ascii_case(name) || collection.alias.as_deref() == Some(name)
        })
    }

    /// What a collection gives a user.
    pub(crate) fn grant(&self, collection: u32, account: i64) -> Grant {
        let grant = self.grants.get(&(collection, account)).copied().unwrap_or(Grant::FULL);
        Grant { write: grant.write && !self.is_receiving(collection), ..grant }
    }

    /// Whether a collection takes what peers release, and nothing else.
    pub(crate) fn is_receiving(&self, collection: u32) -> bool {
        self.receiving.contains(&collection)
    }
}

pub(crate) fn add(
    local: &Local,
    charter: &Charter,
    new: &New,
    id: Uuid,
    now: i64,
) -> Result<Collection, LocalError> {
    check(new)?;
    let purpose = charter.purposes.first().map_or("", |purpose| purpose.name());
    let collection = Collection {
        number: 0,
        id: id.to_string(),
        title: new.title.clone(),
        description: new.description.clone(),
        alias: new.alias.clone(),
        purpose: purpose.to_owned(),
        grade: None,
        tlp: charter.handling.default_tlp.label().to_owned(),
        expires_days: charter.retention_days,
        created: now,
        release: None,
    };
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    insert(&transaction, &collection)?;
    let number = u32::try_from(transaction.last_insert_rowid()).unwrap_or(0);
    for (user, grant) in &new.rights {
        set_right(&transaction, number, user, *grant)?;
    }
    transaction.commit()?;
    Ok(Collection { number, ..collection })
}

fn check(new: &New) -> Result<(), LocalError> {
    let titled = 1..=TITLE_CHARS_MAX;
    if !titled.contains(&new.title.chars().count()) {
        let why = format!("a title has 1 to {TITLE_CHARS_MAX} characters");
        return Err(LocalError::Refused(why));
    }
    let Some(alias) = &new.alias else {
        return Ok(());
    };
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    if !titled.contains(&alias.len()) || !alias.bytes().all(good) || Uuid::parse(alias).is_some() {
        let why = "an alias stands in paths; required: a-z 0-9 - _, and not the form of a UUID";
        return Err(LocalError::Refused(why.to_owned()));
    }
    Ok(())
}

fn insert(connection: &Connection, new: &Collection) -> Result<(), LocalError> {
    let made = connection.execute(
        "INSERT INTO collection (uuid, title, description, alias, purpose, grade, tlp,
         expires_days, created, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            new.id,
            new.title,
            new.description,
            new.alias,
            new.purpose,
            new.grade,
            new.tlp,
            new.expires_days,
            new.created,
            row_sum(new)
        ],
    );
    match made {
        Err(error) if is_taken(&error) => {
            let name = new.alias.clone().unwrap_or_else(|| new.id.clone());
            Err(LocalError::Taken { what: "collection", name })
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Gives a user less, or again as much, as the role does.
fn set_right(
    connection: &Connection,
    collection: u32,
    user: &str,
    grant: Grant,
) -> Result<(), LocalError> {
    let account: Option<i64> = connection
        .query_row("SELECT id FROM account WHERE name = ?1", [user], |row| row.get(0))
        .optional()?;
    let Some(account) = account else {
        let (what, command) = ("user", "comity user list DIR");
        return Err(LocalError::Missing { what, name: user.to_owned(), command });
    };
    connection.execute(
        "INSERT OR REPLACE INTO collection_right VALUES (?1, ?2, ?3, ?4, ?5)",
        params_from_iter(with_sum([
            collection.into(),
            account.into(),
            grant.read.into(),
            grant.write.into(),
        ])),
    )?;
    Ok(())
}

/// Sets what users get in a collection that exists.
pub(crate) fn limit(
    local: &Local,
    collection: &Collection,
    rights: &[(String, Grant)],
) -> Result<(), LocalError> {
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    for (user, grant) in rights {
        set_right(&transaction, collection.number, user, *grant)?;
    }
    transaction.commit()?;
    Ok(())
}

fn list(local: &Local) -> Result<Vec<Collection>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY uuid"))?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

const SELECT: &str = "SELECT id, uuid, title, description, alias, purpose, grade, tlp,
    expires_days, created FROM collection";

fn row(row: &Row<'_>) -> rusqlite::Result<Collection> {
    Ok(Collection {
        number: row.get(0)?,
        id: row.get(1)?,
        title: row.get(2)?,
        description: row.get(3)?,
        alias: row.get(4)?,
        purpose: row.get(5)?,
        grade: row.get(6)?,
        tlp: row.get(7)?,
        expires_days: row.get(8)?,
        created: row.get(9)?,
        release: None,
    })
}

fn row_sum(one: &Collection) -> Vec<u8> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let numbers = format!("{} {}", one.expires_days, one.created);
    sum(&[
        &one.id,
        &one.title,
        &text(&one.description),
        &text(&one.alias),
        &one.purpose,
        &text(&one.grade),
        &one.tlp,
        &numbers,
    ])
}

/// The rows whose sum does not fit.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(&SELECT.replace("created FROM", "created, sum FROM"))?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(found) = rows.next()? {
        let good = row(found)
            .is_ok_and(|one| found.get::<_, Vec<u8>>(10).is_ok_and(|sum| sum == row_sum(&one)));
        if !good {
            damaged.push(format!(
                "local.db: collection row {}: does not fit its sum",
                found.get::<_, i64>(0)?
            ));
        }
    }
    Ok(damaged)
}

/// The rows of what users get whose sum does not fit.
pub(crate) fn damaged_rights(local: &Local) -> Result<Vec<String>, LocalError> {
    let columns = "collection, account, can_read, can_write";
    local::damaged(local, "collection_right", "collection", columns)
}

/// The label of a collection's default.
pub fn tlp(collection: &Collection) -> Option<Tlp> {
    label(&collection.tlp)
}

/// The TLP 2.0 label of a text, with or without `TLP:` before it.
pub fn label(text: &str) -> Option<Tlp> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_prefix("TLP:").unwrap_or(&text);
    [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red]
        .into_iter()
        .find(|tlp| tlp.label() == text)
}

/// The label of the Permissible Actions Protocol of a text, with or without `PAP:` before it.
pub fn pap(text: &str) -> Option<Pap> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_prefix("PAP:").unwrap_or(&text);
    [Pap::Clear, Pap::Green, Pap::Amber, Pap::Red].into_iter().find(|pap| pap.label() == text)
}
