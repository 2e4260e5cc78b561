//! On whose behalf the view is asked. Only the HTTP surface's `caller` module and the command
//! line make a [`Reader`]; a test reads the sources for others.

use comity_wire::time::Micros;

/// Something that a user may do. Roles are named sets of these; see `docs/reference/access.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Right {
    /// Read collections.
    Read = 1,
    /// Write private collections and drafts, delete own objects from them.
    Write = 1 << 1,
    /// Adopt what others shared into own collections.
    Adopt = 1 << 2,
    /// Release to others, and enable rules that do.
    Release = 1 << 3,
    /// Withdraw what was released.
    Withdraw = 1 << 4,
    /// Take positions for the party.
    Decide = 1 << 5,
    /// Read audit logs and hear challenges.
    Review = 1 << 6,
    /// Administer users, tokens, collections, peers and backups.
    Administer = 1 << 7,
}

impl Right {
    /// All rights, in the order of the reference table.
    pub const ALL: [Right; 8] = [
        Right::Read,
        Right::Write,
        Right::Adopt,
        Right::Release,
        Right::Withdraw,
        Right::Decide,
        Right::Review,
        Right::Administer,
    ];

    /// The verb, as the reference table and the command line write it.
    pub fn verb(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Write => "write",
            Right::Adopt => "adopt",
            Right::Release => "release",
            Right::Withdraw => "withdraw",
            Right::Decide => "decide",
            Right::Review => "review",
            Right::Administer => "administer",
        }
    }

    /// The right of a verb.
    pub fn from_verb(verb: &str) -> Option<Right> {
        Right::ALL.into_iter().find(|right| right.verb() == verb)
    }
}

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u16);

impl Rights {
    /// No right at all.
    pub const NONE: Rights = Rights(0);

    /// The set of these.
    pub fn of(rights: &[Right]) -> Rights {
        Rights(rights.iter().fold(0, |set, right| set | *right as u16))
    }

    /// Whether a right is in the set.
    pub fn has(self, right: Right) -> bool {
        self.0 & right as u16 != 0
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// The set as a number, for a table.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// The set of a number out of a table; bits that name no right are dropped.
    pub fn from_bits(bits: u16) -> Rights {
        Rights(bits).and(Rights::of(&Right::ALL))
    }

    /// The rights in the set.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

/// Who asks, with which rights, for what purpose, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The number of the account.
    pub user: i64,
    /// The rights in force: those of the role, cut down to those of the token.
    pub rights: Rights,
    /// What the access is for, where the token or the request says so.
    pub purpose: Option<String>,
    /// The time of the request; deadlines are compared to it.
    pub now: Micros,
}

/// The proof that a reader may read one collection.
#[derive(Debug, Clone, Copy)]
pub struct Readable {
    pub(crate) collection: u32,
    pub(crate) now: Micros,
}

impl Reader {
    /// A reader. Call this only where credentials were checked, or where the rights of the file
    /// system stand for them (the command line).
    pub fn new(user: i64, rights: Rights, purpose: Option<String>, now: Micros) -> Reader {
        Reader { user, rights, purpose, now }
    }

    /// The proof that this reader may read a collection. `granted` is what the collection itself
    /// allows this user.
    pub fn readable(&self, collection: u32, granted: bool) -> Option<Readable> {
        (granted && self.rights.has(Right::Read)).then_some(Readable { collection, now: self.now })
    }
}

impl Readable {
    /// The number of the collection.
    pub fn collection(&self) -> u32 {
        self.collection
    }
}
