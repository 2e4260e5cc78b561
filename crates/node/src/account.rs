//! Accounts: who may log in, in which role. Entries and the audit log call them by a pseudonym.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::local::{Local, LocalError, is_taken, sum};
use crate::role::Role;

/// An account, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its number at this node.
    pub id: i64,
    /// The name to log in with.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// What entries call it.
    pub pseudonym: String,
    /// Whether it is disabled.
    pub disabled: bool,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
}

/// Characters of a name: what HTTP Basic and a shell take without quoting.
const NAME_CHARS_MAX: usize = 64;

impl Account {
    /// The role; an unknown name is a damaged row and gives no rights.
    pub fn role(&self) -> Option<Role> {
        Role::from_name(&self.role)
    }
}

pub(crate) struct New<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) pseudonym: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) created: i64,
}

pub(crate) fn check_name(name: &str) -> Result<(), LocalError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(good) {
        return Err(LocalError::Refused(format!(
            "`{}` cannot be a name; required: 1 to {NAME_CHARS_MAX} of a-z A-Z 0-9 . - _ @",
            name.escape_default()
        )));
    }
    Ok(())
}

pub(crate) fn add(local: &Local, new: &New<'_>) -> Result<Account, LocalError> {
    check_name(new.name)?;
    let connection = local.lock();
    let (role, created) = (new.role.name(), new.created.to_string());
    let sum = sum(&[&new.name, &role, &new.pseudonym, &new.verifier, &"0", &created]);
    let made = connection.execute(
        "INSERT INTO account (name, role, pseudonym, verifier, disabled, created, sum)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)",
        params![new.name, role, new.pseudonym, new.verifier, new.created, sum],
    );
    match made {
        Err(error) if is_taken(&error) => {
            Err(LocalError::Taken { what: "user", name: new.name.to_owned() })
        }
        Err(error) => Err(error.into()),
        Ok(_) => find(&connection, new.name)?.ok_or_else(|| missing(new.name)),
    }
}

pub(crate) fn list(local: &Local) -> Result<Vec<Account>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(&format!("{SELECT} ORDER BY name"))?;
    Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
}

pub(crate) fn by_name(local: &Local, name: &str) -> Result<Account, LocalError> {
    find(&local.lock(), name)?.ok_or_else(|| missing(name))
}

pub(crate) fn by_id(local: &Local, id: i64) -> Result<Option<Account>, LocalError> {
    let connection = local.lock();
    Ok(connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], row).optional()?)
}

/// The account of a name and its password verifier.
pub(crate) fn verifier(local: &Local, name: &str) -> Result<Option<(Account, String)>, LocalError> {
    let connection = local.lock();
    let Some(account) = find(&connection, name)? else {
        return Ok(None);
    };
    let verifier = connection.query_row(
        "SELECT verifier FROM account WHERE id = ?1",
        [account.id],
        |row| row.get(0),
    )?;
    Ok(Some((account, verifier)))
}

/// Disables an account. The last operator stays, or nobody could let anyone in.
pub(crate) fn disable(local: &Local, name: &str) -> Result<Account, LocalError> {
    change(local, name, |account| account.disabled = true)
}

/// Gives an account another role, under the same condition.
pub(crate) fn set_role(local: &Local, name: &str, role: Role) -> Result<Account, LocalError> {
    change(local, name, |account| account.role = role.name().to_owned())
}

fn change(
    local: &Local,
    name: &str,
    change: impl FnOnce(&mut Account),
) -> Result<Account, LocalError> {
    let mut connection = local.lock();
    let transaction = connection.transaction()?;
    let mut account = find(&transaction, name)?.ok_or_else(|| missing(name))?;
    change(&mut account);
    write(&transaction, &account)?;
    let operators: i64 = transaction.query_row(
        "SELECT count(*) FROM account WHERE role = 'operator' AND disabled = 0",
        [],
        |row| row.get(0),
    )?;
    if operators == 0 {
        return Err(LocalError::Refused(format!(
            "`{name}` is the last operator; make another first: comity user add DIR NAME --role operator"
        )));
    }
    transaction.commit()?;
    Ok(account)
}

fn write(connection: &Connection, account: &Account) -> Result<(), LocalError> {
    let verifier: String = connection.query_row(
        "SELECT verifier FROM account WHERE id = ?1",
        [account.id],
        |row| row.get(0),
    )?;
    let sum = row_sum(account, &verifier);
    connection.execute(
        "UPDATE account SET role = ?2, disabled = ?3, sum = ?4 WHERE id = ?1",
        params![account.id, account.role, account.disabled, sum],
    )?;
    Ok(())
}

fn row_sum(account: &Account, verifier: &str) -> Vec<u8> {
    let disabled = if account.disabled { "1" } else { "0" };
    let created = account.created.to_string();
    sum(&[&account.name, &account.role, &account.pseudonym, &verifier, &disabled, &created])
}

const SELECT: &str = "SELECT id, name, role, pseudonym, disabled, created FROM account";

fn row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        pseudonym: row.get(3)?,
        disabled: row.get(4)?,
        created: row.get(5)?,
    })
}

fn find(connection: &Connection, name: &str) -> Result<Option<Account>, LocalError> {
    Ok(connection.query_row(&format!("{SELECT} WHERE name = ?1"), [name], row).optional()?)
}

fn missing(name: &str) -> LocalError {
    LocalError::Missing { what: "user", name: name.to_owned(), command: "comity user list DIR" }
}

/// The rows whose sum does not fit: what `comity verify` reports.
pub(crate) fn damaged(local: &Local) -> Result<Vec<String>, LocalError> {
    let connection = local.lock();
    let mut statement = connection.prepare(
        "SELECT id, name, role, pseudonym, disabled, created, verifier, sum FROM account",
    )?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(found) = rows.next()? {
        let good = row(found).ok().zip(found.get::<_, String>(6).ok()).is_some_and(
            |(account, verifier)| {
                found.get::<_, Vec<u8>>(7).is_ok_and(|sum| sum == row_sum(&account, &verifier))
            },
        );
        if !good {
            let id: i64 = found.get(0)?;
            damaged.push(format!("local.db: account row {id}: does not fit its sum"));
        }
    }
    Ok(damaged)
}
