//! The charter of a body of one, which a node gets that joins no body yet.

/// The text of a one-party charter. It is an ordinary charter: the same parser reads it, and its
/// floors are the same.
pub fn one_party(party: &str, name: &str) -> String {
    format!(
        r#"# The charter of a body of one party. A body of several is founded by a charter that all
# of them accept; entries made under this one stay private then.
format = 1
version = 1
body = "{name}"
floors = 1
purposes = ["network-defence"]

[[party]]
id = "{party}"
name = "{name}"
tier = "member"

[handling]
# The label of what carries none: TLP 2.0, the strictest that is not for named persons.
default_tlp = "AMBER+STRICT"

[retention]
# Everything expires. Addresses, domains and URLs as indicators live half a year at most.
days = 1095
# Records of who read what, and of what was refused.
audit_days = 1095

[patterns]
# Mailboxes and accounts that an attacker controls may not stand in patterns.
attacker_mailboxes = false

[extensions]
# Custom types and extensions without a schema registered here are flagged, not refused.
registered_only = false
registered = []

[audit]
# Access records reach the disk within 100 ms; true makes each answer wait for its own.
before_answer = false
"#
    )
}
