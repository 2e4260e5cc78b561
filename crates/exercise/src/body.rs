//! The body that the nodes are in: six parties, of which one joins late and one leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_node::bare::Identity;
use comity_tlog::{SigningKey, Verifier};
use comity_wire::entry::Log;

/// The parties.
pub(crate) const PARTIES: [&str; 6] = [
    "alpha.example",
    "beta.example",
    "delta.example",
    "gamma.example",
    "joins.example",
    "leaves.example",
];

/// An hour, in microseconds.
pub(crate) const HOUR: i64 = 3600 * 1_000_000;

/// When one party's standing begins, 2026-05-29T00:00:00Z, and when that of another ends.
pub(crate) const CHANGES: [i64; 2] = [1_780_012_800_000_000, 1_780_012_800_000_000 + 24 * HOUR];

/// Which parties these are.
pub(crate) const CHANGE: [&str; 2] = ["joins.example", "leaves.example"];

/// A year, in microseconds.
const YEAR: i64 = 365 * 24 * HOUR;

/// When those that are members all along had no right to share: in a tier that has none, and before
/// their standing began.
pub(crate) const WITHOUT_RIGHT: [i64; 2] = [CHANGES[0] - YEAR, CHANGES[0] - 2 * YEAR];

/// The tiers. One of them receives, and has no right to share.
const TIERS: &str = r#"
[[tier]]
id = "member"
name = "EXERCISE"
rights = ["receive", "share", "decide", "attend"]

[[tier]]
id = "observer"
name = "EXERCISE"
rights = ["receive"]
"#;

/// Hours of a story before the first of these: at least, and at most so many more. So both come
/// while everybody is at work, at another step in each story.
pub(crate) const BEFORE: (i64, u64) = (4, 16);

/// How long a story goes on, in microseconds: two days.
pub(crate) const LASTS: i64 = 48 * HOUR;

/// What all stories have in common, made once.
#[derive(Debug, Clone)]
pub struct Body {
    identities: Vec<Identity>,
}

impl Body {
    /// Founds it.
    ///
    /// # Errors
    /// Its charter does not load: a bug of this crate.
    pub fn new() -> Result<Body, String> {
        let charter = charter()?;
        let identity = |party: &&str| {
            let key = |log: Log| key(party, log);
            Identity::new(party, &charter, key).map_err(|error| error.to_string())
        };
        let identities = PARTIES.iter().map(identity).collect::<Result<_, _>>()?;
        Ok(Body { identities })
    }

    pub(crate) fn identities(&self) -> &[Identity] {
        &self.identities
    }
}

/// Keys of an exercise: from the names, so that every story has the same.
fn key(party: &str, log: Log) -> SigningKey {
    let mut seed = [log.id(); 32];
    seed.iter_mut().zip(party.bytes()).for_each(|(slot, octet)| *slot ^= octet);
    SigningKey::from_bytes(&seed)
}

fn charter() -> Result<String, String> {
    let own = comity_charter::one_party("alpha.example", "EXERCISE");
    let parts = own.split_once("\n[[party]]").zip(own.split_once("\n[handling]"));
    let Some(((head, _), (_, tail))) = parts else {
        return Err("the charter of one party has another form".to_owned());
    };
    let mut text = format!("{head}{TIERS}");
    for party in PARTIES {
        text.push_str(&format!("\n[[party]]\nid = \"{party}\"\nname = \"EXERCISE\"\n"));
        match party {
            "joins.example" => text.push_str(&standing("from = 2026-05-29")),
            "leaves.example" => text.push_str(&standing("until = 2026-05-30")),
            _ => {
                text.push_str(&standing_in("observer", "from = 2025-01-01", "until = 2025-12-01"));
                text.push_str(&standing("from = 2026-01-01"));
            }
        }
        text.push_str(&genesis(party)?);
    }
    Ok(format!("{text}\n[handling]{tail}"))
}

fn standing(date: &str) -> String {
    standing_in("member", date, "")
}

fn standing_in(tier: &str, from: &str, until: &str) -> String {
    let dates: String = [from, until]
        .iter()
        .filter(|date| !date.is_empty())
        .map(|date| format!("{}\"\n", date.replace("= ", "= \"")))
        .collect();
    format!("[[party.standing]]\ntier = \"{tier}\"\n{dates}")
}

/// The keys of a party, as a charter has them.
fn genesis(party: &str) -> Result<String, String> {
    let vkey = |log: Log| -> Result<String, String> {
        let verifier =
            Verifier::new(&Identity::origin(party, log), &key(party, log).verifying_key());
        Ok(verifier.map_err(|error| error.to_string())?.vkey())
    };
    let mut pin = [0; 32];
    pin.iter_mut().zip(party.bytes()).for_each(|(slot, octet)| *slot = octet);
    let next: String = pin.iter().map(|octet| format!("{:02x}", octet ^ 1)).collect();
    Ok(format!(
        "[party.genesis]\nshared = \"{}\"\nacts = \"{}\"\naudit = \"{}\"\n\
         transport = \"sha256//{}\"\nnext = \"{next}\"\n",
        vkey(Log::Shared)?,
        vkey(Log::Acts)?,
        vkey(Log::Audit)?,
        STANDARD.encode(pin),
    ))
}
