//! Tiers: what a standing gives a right to.

use serde::Deserialize;

use crate::date::Date;

/// A tier of the body: member, observer, partner. Data, not code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Names it in standings, seats and audiences.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What parties in it may do.
    pub rights: Vec<Right>,
    /// Since when it is open; always, where absent.
    pub from: Option<Date>,
    /// When it closed; parties have no standing in it from this day on.
    pub until: Option<Date>,
    /// The tier that its parties are in when it has closed.
    pub merged_into: Option<String>,
    /// Whether parties have a standing in it. Guests have none: they attend what they are asked to.
    #[serde(default = "yes")]
    pub standing: bool,
}

fn yes() -> bool {
    true
}

impl Tier {
    /// The only tier of a charter that names none, with every right.
    pub(crate) fn only() -> Tier {
        Tier {
            id: "member".to_owned(),
            name: "Member".to_owned(),
            rights: Right::ALL.to_vec(),
            from: None,
            until: None,
            merged_into: None,
            standing: true,
        }
    }

    /// Whether it is open at a time.
    pub fn is_open(&self, at: i64) -> bool {
        self.from.is_none_or(|from| from.begun() <= at)
            && self.until.is_none_or(|until| at < until.start())
    }
}

/// What a party of a tier may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Open entries whose audience it is in.
    Receive,
    /// Write entries for others.
    Share,
    /// Take positions, and accept charters.
    Decide,
    /// Be present when an organ meets.
    Attend,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 4] = [Right::Receive, Right::Share, Right::Decide, Right::Attend];

    /// The name as a charter writes it.
    pub fn name(self) -> &'static str {
        match self {
            Right::Receive => "receive",
            Right::Share => "share",
            Right::Decide => "decide",
            Right::Attend => "attend",
        }
    }
}
