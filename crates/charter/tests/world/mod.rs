//! Charters for tests: a text with four tiers and any number of parties, and keys for them.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use comity_charter::{Charter, Genesis, parse, with_geneses};
use sha2::{Digest as _, Sha256};

pub(crate) const HEAD: &str = r#"format = 1
version = 1
body = "Test Body"
floors = 1
purposes = ["network-defence"]
"#;

pub(crate) const TAIL: &str = r#"
[[tier]]
id = "member"
name = "Member"
rights = ["receive", "share", "decide", "attend"]

[[tier]]
id = "observer"
name = "Observer"
rights = ["attend"]

[[tier]]
id = "old-partner"
name = "Old partner"
rights = ["receive"]
until = 2025-09-01
merged_into = "partner"

[[tier]]
id = "partner"
name = "Partner"
rights = ["receive", "attend"]
from = 2020-01-01

[[organ]]
id = "council"
name = "Council"
kind = "council"
seats = { tiers = ["member"] }

[[organ]]
id = "desk"
name = "Desk"
kind = "working_group"
from = 2024-01-01
seats = { parties = ["p0.example"] }

[handling]
default_tlp = "AMBER+STRICT"

[[handling.ceiling]]
tlp = "AMBER+STRICT"
tiers = ["member"]

[retention]
days = 365
"#;

/// A party, with the lines of its standings.
pub(crate) fn party(id: &str, standing: &str) -> String {
    format!("\n[[party]]\nid = \"{id}\"\nname = \"{id}\"\n{standing}\n")
}

pub(crate) fn standing(tier: &str, lines: &str) -> String {
    format!("\n[[party.standing]]\ntier = \"{tier}\"\n{lines}\n")
}

pub(crate) fn text(parties: &[String]) -> String {
    format!("{HEAD}{}{TAIL}", parties.concat())
}

pub(crate) fn load(text: &str) -> Charter {
    parse(text).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// A charter with keys for the parties named.
pub(crate) fn with_nodes(text: &str, ids: &[&str]) -> Charter {
    let geneses: BTreeMap<String, Genesis> =
        ids.iter().map(|id| ((*id).to_owned(), genesis(id))).collect();
    load(&with_geneses(text, &geneses).unwrap())
}

pub(crate) fn genesis(party: &str) -> Genesis {
    let vkey = |log: &str| {
        let name = format!("{party}/{log}");
        let mut key = vec![0x01];
        key.extend(Sha256::digest(name.as_bytes()));
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update(b"\n");
        hasher.update(&key);
        let id: String =
            hasher.finalize().iter().take(4).map(|octet| format!("{octet:02x}")).collect();
        format!("{name}+{id}+{}", BASE64.encode(key))
    };
    let next = Sha256::digest(format!("next of {party}").as_bytes());
    Genesis {
        shared: vkey("shared"),
        acts: vkey("acts"),
        audit: vkey("audit"),
        transport: format!("sha256//{}", BASE64.encode(Sha256::digest(party.as_bytes()))),
        next: next.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

/// Noon of a day.
pub(crate) fn noon(day: &str) -> i64 {
    comity_charter::Date::parse(day).unwrap().start() + 12 * 3_600_000_000
}
