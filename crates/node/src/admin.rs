//! What an operator sets up: users, tokens, collections; and what he looks at. Each change takes
//! effect at once: what was remembered of credentials is forgotten.

use std::sync::Arc;

use crate::account::{self, Account};
use crate::collection::{self, Catalog, Collection, Grant};
use crate::local::LocalError;
use crate::make::{add_account, secret};
use crate::node::{Node, NodeError};
use crate::password::{self, Checked};
use crate::refusals;
use crate::role::Role;
use crate::status;
use crate::token::{self, Token};

impl Node {
    /// Makes an account; without a password one is drawn and returned.
    pub fn user_add(
        &self,
        name: &str,
        role: Role,
        password: Option<&str>,
    ) -> Result<(Account, Option<String>), NodeError> {
        let drawn = password.is_none().then(|| secret(&self.surroundings));
        let password = password.or(drawn.as_deref()).unwrap_or_default();
        if password.len() < password::PASSWORD_CHARS_MIN
            || password.len() > password::PASSWORD_BYTES_MAX
        {
            return Err(NodeError::Local(LocalError::Refused(format!(
                "a password of {} octets; required: {} to {}",
                password.len(),
                password::PASSWORD_CHARS_MIN,
                password::PASSWORD_BYTES_MAX
            ))));
        }
        let account = add_account(&self.local, &self.surroundings, name, role, password)?;
        self.passwords.forget();
        Ok((account, drawn))
    }

    /// All accounts.
    pub fn users(&self) -> Result<Vec<Account>, NodeError> {
        Ok(account::list(&self.local)?)
    }

    /// The account of a name.
    pub fn user(&self, name: &str) -> Result<Account, NodeError> {
        Ok(account::by_name(&self.local, name)?)
    }

    /// A user in whose name a command acts, as far as his role lets him.
    pub fn acting(&self, name: &str) -> Result<Checked, NodeError> {
        let account = account::by_name(&self.local, name)?;
        if account.disabled {
            let why = format!("`{name}` is disabled and releases nothing");
            return Err(NodeError::Local(LocalError::Refused(why)));
        }
        Ok(Checked::of_account(account))
    }

    /// Disables an account, at once.
    pub fn user_disable(&self, name: &str) -> Result<Account, NodeError> {
        let account = account::disable(&self.local, name)?;
        self.passwords.forget();
        Ok(account)
    }

    /// Gives an account another role, at once.
    pub fn user_role(&self, name: &str, role: Role) -> Result<Account, NodeError> {
        let account = account::set_role(&self.local, name, role)?;
        self.passwords.forget();
        Ok(account)
    }

    /// Makes a token and returns its secret, which is not kept.
    pub fn token_add(&self, user: &str, new: &token::New) -> Result<(Token, String), NodeError> {
        let account = account::by_name(&self.local, user)?;
        let mut octets = [0; 32];
        (self.surroundings.random)(&mut octets);
        Ok(token::add(&self.local, &account, new, self.now(), octets)?)
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<Token>, NodeError> {
        Ok(token::list(&self.local)?)
    }

    /// Revokes a token, at once.
    pub fn token_revoke(&self, id: i64) -> Result<Token, NodeError> {
        let token = token::revoke(&self.local, id)?;
        self.passwords.forget();
        Ok(token)
    }

    /// Makes a collection.
    pub fn collection_add(&self, new: &collection::New) -> Result<Collection, NodeError> {
        let id = new.id.unwrap_or_else(|| self.draw_uuid());
        let made = collection::add(&self.local, &self.charter, new, id, self.now())?;
        self.read_catalog()?;
        Ok(made)
    }

    /// All collections, by id.
    pub fn collections(&self) -> Vec<Collection> {
        self.catalog().all().to_vec()
    }

    /// The collection of an id or alias.
    pub fn collection(&self, name: &str) -> Option<Collection> {
        self.catalog().find(name).cloned()
    }

    /// Sets what users get in a collection, at once.
    pub fn collection_limit(
        &self,
        collection: &Collection,
        rights: &[(String, Grant)],
    ) -> Result<(), NodeError> {
        collection::limit(&self.local, collection, rights)?;
        self.read_catalog()
    }

    /// What a collection gives a user.
    pub fn grant(&self, collection: &Collection, account: i64) -> Grant {
        self.catalog().grant(collection.number, account)
    }

    /// Whether a collection takes what peers release, and nothing else.
    pub fn is_receiving(&self, collection: &Collection) -> bool {
        self.catalog().is_receiving(collection.number)
    }

    /// Whether a number is that of a collection of this party's own.
    pub(crate) fn is_own(&self, number: u32) -> bool {
        let catalog = self.catalog();
        !catalog.is_receiving(number) && catalog.all().iter().any(|one| one.number == number)
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(crate) fn read_catalog(&self) -> Result<(), NodeError> {
        let read = Arc::new(Catalog::read(&self.local)?);
        *self.catalog.write().unwrap_or_else(std::sync::PoisonError::into_inner) = read;
        Ok(())
    }

    /// The status of a POST, for the account that made it.
    pub fn status(&self, account: i64, id: &str) -> Result<Option<String>, NodeError> {
        Ok(status::get(&self.local, account, id)?)
    }

    /// The newest refusals, newest first.
    pub fn refusals(&self, limit: usize) -> Result<Vec<refusals::Line>, NodeError> {
        Ok(refusals::list(&self.local, limit)?)
    }
}
