//! How a body begins: the charter of a body of one, which a node gets that joins no body yet, and
//! the keys of all parties put into the charter of a body of several.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::diagnostic::Diagnostic;
use crate::locate::{offset, steps};
use crate::model::Genesis;
use crate::parse::parse;

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

/// A charter with the keys of its parties' nodes in it: a `[party.genesis]` table for each, and
/// every other octet as it was, comments too. What it gives has been read again.
///
/// # Errors
/// The charter has faults, before or with the keys; a party is not in it, has keys already, or is
/// written in a form that no table can be added to.
pub fn with_geneses(
    text: &str,
    geneses: &BTreeMap<String, Genesis>,
) -> Result<String, Vec<Diagnostic>> {
    let charter = parse(text)?;
    let Ok(root) = DeTable::parse(text) else {
        // What is read above is TOML.
        return Err(vec![Diagnostic::at(text, 0, "charter-syntax")]);
    };
    let mut faults = Vec::new();
    let mut places = Vec::new();
    for (id, genesis) in geneses {
        let found = charter.parties.iter().position(|party| party.id == *id);
        let Some(at) = found else {
            let remedy = "add a [[party]] for it, or leave its keys out";
            let fault = Diagnostic::at(text, 0, "genesis-party").found(format!("`{id}`"));
            faults.push(fault.remedy(remedy));
            continue;
        };
        if charter.parties.get(at).is_some_and(|party| party.genesis.is_some()) {
            let place = offset(&root, steps!("party", at, "genesis"));
            let fault = Diagnostic::at(text, place, "genesis-present").found(format!("`{id}`"));
            faults.push(fault.remedy("its keys are there already: leave them out"));
            continue;
        }
        places.push((line_after(text, own_end(&root, at)), at, genesis));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    places.sort_by_key(|(place, ..)| std::cmp::Reverse(*place));
    let mut filled = text.to_owned();
    let mut meant: Table = toml::from_str(text).unwrap_or_default();
    for (place, at, genesis) in places {
        filled.insert_str(place, &table(genesis, filled.get(..place).unwrap_or_default()));
        if let Some(party) = party_table(&mut meant, at) {
            party.insert("genesis".to_owned(), Value::Table(members(genesis)));
        }
    }
    // Whatever way the text is written in: it says what it said, and the keys, or it is refused.
    if toml::from_str::<Table>(&filled).ok() != Some(meant) {
        let remedy = "write parties as [[party]] tables, and their standings as [[party.standing]]";
        let place = offset(&root, steps!("party"));
        let fault = Diagnostic::at(text, place, "genesis-place").found("no place for keys");
        return Err(vec![fault.remedy(remedy)]);
    }
    parse(&filled)?;
    Ok(filled)
}

/// The offset at which the last member in a party's own table ends.
fn own_end(root: &Spanned<DeTable<'_>>, at: usize) -> usize {
    let party = root.get_ref().get("party").map(Spanned::get_ref).and_then(|party| party.get(at));
    let Some(DeValue::Table(table)) = party.map(Spanned::get_ref) else {
        return 0;
    };
    let scalar = |value: &&Spanned<DeValue<'_>>| {
        !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_))
    };
    table.values().filter(scalar).map(|value| value.span().end).max().unwrap_or(0)
}

/// The offset of the first line behind a place.
fn line_after(text: &str, place: usize) -> usize {
    let rest = text.get(place..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| place + end + 1)
}

fn table(genesis: &Genesis, before: &str) -> String {
    let start = if before.ends_with('\n') { "\n" } else { "\n\n" };
    let mut table = format!("{start}[party.genesis]\n");
    for (name, value) in members(genesis) {
        table.push_str(&format!("{name} = {value}\n"));
    }
    table
}

fn members(genesis: &Genesis) -> Table {
    let pairs = [
        ("shared", &genesis.shared),
        ("acts", &genesis.acts),
        ("audit", &genesis.audit),
        ("transport", &genesis.transport),
        ("next", &genesis.next),
    ];
    pairs.map(|(name, value)| (name.to_owned(), Value::String(value.clone()))).into_iter().collect()
}

fn party_table(table: &mut Table, at: usize) -> Option<&mut Table> {
    table.get_mut("party")?.as_array_mut()?.get_mut(at)?.as_table_mut()
}
