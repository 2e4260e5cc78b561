//! The floors under the numbers of a charter: compiled in. A charter stays within them, or it
//! does not load.

/// Days that any entry may live at most. Everything expires.
pub const RETENTION_DAYS_MAX: u32 = 5 * 366;

/// Days that records of accesses are kept where the charter does not say: as long as entries.
pub const AUDIT_DAYS_DEFAULT: u32 = 1095;

/// Days that they are kept at least. A reviewer has to be able to look into what comes to light
/// late: half a year.
pub const AUDIT_DAYS_MIN: u32 = 180;

/// Days that they are kept at most. They are about people who work here: nothing of that is kept
/// longer than what they read may be.
pub const AUDIT_DAYS_MAX: u32 = RETENTION_DAYS_MAX;

/// Days that a finding, or a notice about content, lives at most: a year. It lapses unless it is
/// renewed on evidence.
pub const FINDING_DAYS_MAX: u32 = 366;

/// Days that an address lives as an indicator at most: half a year. Addresses change hands.
pub const INDICATOR_DAYS_MAX: u32 = 183;

/// Hours that an alert, or what was decided by urgency, lives at most unless it is confirmed.
pub const ALERT_HOURS_MAX: u32 = 72;

/// Hours within which a recipient acknowledges a withdrawal at most.
pub const RECEIPT_HOURS_MAX: u32 = 72;

/// Days until it is said whether a challenge is admissible, at most: a month.
pub const ADMISSIBILITY_DAYS_MAX: u32 = 30;

/// Days until a challenger is told what there is, at most: four months.
pub const ACCESS_DAYS_MAX: u32 = 123;

/// Days until a challenge is decided, at most: nine months.
pub const DECISION_DAYS_MAX: u32 = 275;

/// Days until an order of the reviewer is carried out, at most: a month.
pub const ORDER_DAYS_MAX: u32 = 31;

/// Days until what the reviewer wants withdrawn ends, at most.
pub const KEEP_DAYS_MAX: u32 = 60;

/// Days that the notice to an organisation concerned may be put off, at most.
pub const NOTICE_DELAY_DAYS_MAX: u32 = 90;

/// Samples of the reviewer's own motion in a year, at least.
pub const SAMPLES_PER_YEAR_MIN: u32 = 1;

/// Seats of a reviewer's panel, at least: two that differ need a third.
pub const PANEL_SEATS_MIN: usize = 3;

/// Electors that have to say something before a protected decision stands, at least: whoever
/// proposes it never decides it alone.
pub const PROTECTED_ELECTORS_MIN: u32 = 2;

/// Parties concerned that an electorate may leave out, at most: one, or two that side with each
/// other.
pub const CONCERNED_MAX: u32 = 2;

/// Parties, tiers, organs, rules and so on of one charter, each, at most: several times what the
/// largest bodies have, and little enough to compare each with each.
pub const TABLES_MAX: usize = 500;

/// Standings of one party, at most: one for each year of a century.
pub const STANDINGS_MAX: usize = 100;

/// Octets of a charter, at most: room for as many parties, with keys. Peers send charters, and one
/// is read whole.
pub const CHARTER_BYTES_MAX: usize = 1 << 20;
