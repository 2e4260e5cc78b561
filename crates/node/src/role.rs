//! Roles: named sets of rights. The matrix is checked in as `docs/reference/access.md`.

use comity_view::{Right, Rights};

/// What a user is, at this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads, writes private collections, adopts.
    Analyst,
    /// What an analyst may, releases and withdraws.
    Releaser,
    /// Reads and takes positions for the party.
    Delegate,
    /// Reads collections and audit logs.
    Reviewer,
    /// Administers, and reads no content.
    Operator,
}

impl Role {
    /// All roles, in the order of the reference table.
    pub const ALL: [Role; 6] = [
        Role::Reader,
        Role::Analyst,
        Role::Releaser,
        Role::Delegate,
        Role::Reviewer,
        Role::Operator,
    ];

    /// The name, as the command line and entries write it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Analyst => "analyst",
            Role::Releaser => "releaser",
            Role::Delegate => "delegate",
            Role::Reviewer => "reviewer",
            Role::Operator => "operator",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What the role may do.
    pub fn rights(self) -> Rights {
        use Right::{Administer, Adopt, Decide, Read, Release, Review, Withdraw, Write};
        match self {
            Role::Reader => Rights::of(&[Read]),
            Role::Analyst => Rights::of(&[Read, Write, Adopt]),
            Role::Releaser => Rights::of(&[Read, Write, Adopt, Release, Withdraw]),
            Role::Delegate => Rights::of(&[Read, Decide]),
            Role::Reviewer => Rights::of(&[Read, Review]),
            Role::Operator => Rights::of(&[Administer]),
        }
    }
}

/// The names of the roles that have the right of a verb.
pub(crate) fn with(verb: &str) -> String {
    let has = |role: &Role| {
        Right::ALL.into_iter().any(|right| right.verb() == verb && role.rights().has(right))
    };
    let names: Vec<String> =
        Role::ALL.into_iter().filter(has).map(|role| format!("`{}`", role.name())).collect();
    names.join(", ")
}
