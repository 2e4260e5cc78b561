//! Accounts in rules: the fields of logs that name users, and what they are compared with.

use super::super::observable::account::is_built_in;

/// Whether a line compares a field for users with somebody's account.
pub(super) fn in_line(line: &str) -> bool {
    line.match_indices([':', '=']).any(|(at, _)| {
        // A field's name is short; looking further back would cost the line's length squared.
        let mut start = at.saturating_sub(FIELD_BYTES_MAX);
        while !line.is_char_boundary(start) {
            start += 1;
        }
        let head = line.get(start..at).unwrap_or("");
        let tail = line.get(at..).unwrap_or("");
        let key = head.trim_end_matches(['=', '!', '~', ' ', '"', '\'']);
        let start = key
            .rfind(|letter: char| !letter.is_ascii_alphanumeric() && !"_.|-".contains(letter))
            .map_or(0, |at| at + 1);
        let key = key.get(start..).unwrap_or("");
        let key = key.split('|').next().unwrap_or("");
        is_field(key) && is_persons(tail.trim_start_matches([':', '=', '~', ' ']))
    })
}

/// Whether a field of a log names users.
pub(super) fn is_field(key: &str) -> bool {
    FIELDS.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// Octets in which the name of a field has to stand, with what separates it from its value.
const FIELD_BYTES_MAX: usize = 64;

const FIELDS: &[&str] = &[
    "account",
    "account_name",
    "accountlogin",
    "accountname",
    "dest_user",
    "logname",
    "samaccountname",
    "src_user",
    "sourceuser",
    "subjectusername",
    "targetuser",
    "targetusername",
    "user",
    "user.name",
    "user_name",
    "useridentity.username",
    "username",
    "userprincipalname",
];

/// Whether a value, quoted or not, is an account of a person: nothing built in, no machine's, no
/// wildcard alone.
pub(super) fn is_persons(value: &str) -> bool {
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value.get(1..).and_then(|rest| rest.split(quote).next()),
        _ => value.split([',', ')', '|', '#']).next(),
    };
    let value = value.unwrap_or("").trim();
    let value = value.trim_matches(['*', '%', '^', '.', '\\', ' ']);
    let nothing = ["", "-", "null", "none", "true", "false", "unknown", "n/a"];
    if nothing.iter().any(|known| value.eq_ignore_ascii_case(known)) {
        return false;
    }
    let is_machine = value.ends_with('$');
    let is_variable = value.starts_with(['$', '<', '{', '[', '(', '&', '|']);
    !(is_machine || is_variable || is_built_in(value) || is_fragment(value))
}

/// Sigma writes `AUTHORI` and `AUTORI`, to match `NT AUTHORITY` in several languages.
fn is_fragment(value: &str) -> bool {
    ["AUTHORI", "AUTORI", "SYSTEM", "NT AUTHORITY", "SERVICE"]
        .iter()
        .any(|known| value.eq_ignore_ascii_case(known))
}
