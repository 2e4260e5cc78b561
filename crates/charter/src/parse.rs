//! Text to charter: the grammar first, then the rules, all faults at once.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::diagnostic::Diagnostic;
use crate::model::{Charter, Handling, Hash, Party, Purpose, Tlp};
use crate::{FLOORS_VERSION, FORMAT_VERSION};

/// Days that any entry may live at most: the floor under every retention rule.
const RETENTION_DAYS_MAX: u32 = 5 * 366;

/// Days that records of accesses are kept where the charter does not say: as long as entries.
const AUDIT_DAYS_DEFAULT: u32 = 1095;

/// Days that they are kept at least. A reviewer has to be able to look into what comes to light
/// late: half a year.
const AUDIT_DAYS_MIN: u32 = 180;

/// Days that they are kept at most. They are about people who work here: nothing of that is kept
/// longer than what they read may be.
const AUDIT_DAYS_MAX: u32 = RETENTION_DAYS_MAX;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Spanned<u32>,
    version: Spanned<u32>,
    body: Spanned<String>,
    floors: Spanned<u32>,
    purposes: Spanned<Vec<Purpose>>,
    #[serde(default)]
    party: Vec<Spanned<Party>>,
    handling: HandlingTable,
    retention: RetentionTable,
    #[serde(default)]
    patterns: PatternsTable,
    #[serde(default)]
    extensions: ExtensionsTable,
    #[serde(default)]
    audit: AuditTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandlingTable {
    default_tlp: Spanned<Tlp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionTable {
    days: Spanned<u32>,
    audit_days: Option<Spanned<u32>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PatternsTable {
    attacker_mailboxes: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ExtensionsTable {
    registered_only: bool,
    registered: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AuditTable {
    before_answer: bool,
}

/// Reads a charter. `Err` holds every fault that was found.
pub fn parse(text: &str) -> Result<Charter, Vec<Diagnostic>> {
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let fault = Diagnostic::at(text, offset, "charter-syntax")
                .found(error.message().to_owned())
                .remedy("see docs/spec/charter.md for the members and their types");
            return Err(vec![fault]);
        }
    };
    let faults = faults(text, &file);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Charter {
        hash: Hash(Sha256::digest(text.as_bytes()).into()),
        body: file.body.into_inner(),
        version: file.version.into_inner(),
        purposes: file.purposes.into_inner(),
        parties: file.party.into_iter().map(Spanned::into_inner).collect(),
        handling: Handling { default_tlp: file.handling.default_tlp.into_inner() },
        attacker_mailboxes: file.patterns.attacker_mailboxes,
        registered_only: file.extensions.registered_only,
        registered: file.extensions.registered,
        audit_days: file.retention.audit_days.map_or(AUDIT_DAYS_DEFAULT, Spanned::into_inner),
        retention_days: file.retention.days.into_inner(),
        audit_before_answer: file.audit.before_answer,
    })
}

fn faults(text: &str, file: &File) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut fault = |offset: usize, rule, found: String, remedy: String| {
        faults.push(Diagnostic::at(text, offset, rule).found(found).remedy(remedy));
    };
    let format = *file.format.get_ref();
    if format != FORMAT_VERSION {
        let remedy = format!("this program reads format {FORMAT_VERSION}");
        fault(file.format.span().start, "charter-format", format!("format {format}"), remedy);
    }
    if *file.version.get_ref() == 0 {
        let remedy = "versions count from 1".to_owned();
        fault(file.version.span().start, "charter-version", "version 0".to_owned(), remedy);
    }
    let floors = *file.floors.get_ref();
    if floors != FLOORS_VERSION {
        let remedy =
            format!("pin the floors that this program enforces: floors = {FLOORS_VERSION}");
        fault(file.floors.span().start, "floors-version", format!("floors {floors}"), remedy);
    }
    if file.body.get_ref().trim().is_empty() {
        let remedy = "give the body a name".to_owned();
        fault(file.body.span().start, "body-name", "an empty name".to_owned(), remedy);
    }
    if file.purposes.get_ref().is_empty() {
        let remedy = "name at least one purpose; what has no purpose is not shared".to_owned();
        fault(file.purposes.span().start, "purpose-missing", "no purpose".to_owned(), remedy);
    }
    let days = *file.retention.days.get_ref();
    if days == 0 || days > RETENTION_DAYS_MAX {
        let remedy = format!("everything expires: from 1 to {RETENTION_DAYS_MAX} days");
        fault(file.retention.days.span().start, "retention-floor", format!("{days} days"), remedy);
    }
    if let Some(days) = &file.retention.audit_days
        && !(AUDIT_DAYS_MIN..=AUDIT_DAYS_MAX).contains(days.get_ref())
    {
        let remedy = format!("records of accesses: from {AUDIT_DAYS_MIN} to {AUDIT_DAYS_MAX} days");
        fault(days.span().start, "audit-retention", format!("{} days", days.get_ref()), remedy);
    }
    if file.patterns.attacker_mailboxes
        && !file.purposes.get_ref().contains(&Purpose::NetworkDefence)
    {
        let remedy = "attacker_mailboxes needs the purpose `network-defence`".to_owned();
        let offset = file.purposes.span().start;
        fault(offset, "floor-mailbox", "mailboxes without their purpose".to_owned(), remedy);
    }
    if file.party.is_empty() {
        let remedy = "add a [[party]] table for each party".to_owned();
        fault(0, "party-missing", "no party".to_owned(), remedy);
    }
    for (at, party) in file.party.iter().enumerate() {
        let id = &party.get_ref().id;
        if !is_party_id(id) {
            let remedy = "letters a-z, digits, `.` and `-`, 3 to 100 of them, as in a host name";
            fault(party.span().start, "party-id", format!("`{id}`"), remedy.to_owned());
        }
        if file.party.iter().take(at).any(|other| other.get_ref().id == *id) {
            let remedy = "an identifier names one party".to_owned();
            fault(party.span().start, "party-twice", format!("`{id}` again"), remedy);
        }
    }
    faults
}

fn is_party_id(id: &str) -> bool {
    (3..=100).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        && !id.starts_with(['.', '-'])
        && !id.ends_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_founding_charter_of_one_party_loads() {
        let text = crate::one_party("cert.example", "Example CERT");
        let charter = parse(&text).unwrap();
        assert_eq!(charter.party("cert.example").map(|party| party.tier.as_str()), Some("member"));
        assert_eq!(charter.hash, Hash(Sha256::digest(text.as_bytes()).into()));
        assert_eq!(charter.handling.default_tlp, Tlp::AmberStrict);
    }

    #[test]
    fn records_of_accesses_are_kept_within_bounds() {
        let text = crate::one_party("cert.example", "x");
        assert_eq!(parse(&text).unwrap().audit_days, 1095);
        let with = |days: u32| text.replace("audit_days = 1095", &format!("audit_days = {days}"));
        for days in [180, 1830] {
            assert_eq!(parse(&with(days)).unwrap().audit_days, days);
        }
        for days in [0, 179, 1831] {
            let faults = parse(&with(days)).unwrap_err();
            assert_eq!(faults.len(), 1);
            assert_eq!(faults[0].rule, "audit-retention");
            assert!(faults[0].to_string().contains("from 180 to 1830 days"), "{}", faults[0]);
        }
        let silent = text.replace("audit_days = 1095\n", "");
        assert_eq!(parse(&silent).unwrap().audit_days, 1095);
    }

    #[test]
    fn every_fault_is_told_at_once_with_line_rule_and_remedy() {
        let text = crate::one_party("Bad Id", "x")
            .replace("\ndays = 1095", "\ndays = 9999")
            .replace("floors = 1", "floors = 0");
        let faults = parse(&text).unwrap_err();
        let rules: Vec<&str> = faults.iter().map(|fault| fault.rule).collect();
        assert_eq!(rules, ["floors-version", "retention-floor", "party-id"]);
        assert_eq!(faults[0].line, 6);
        assert_eq!(
            faults[1].to_string(),
            "line 20, column 8: retention-floor: 9999 days; everything expires: from 1 to 1830 days"
        );
    }

    #[test]
    fn an_unknown_member_is_an_error_with_its_place() {
        let text = crate::one_party("cert.example", "x").replace("body =", "boddy =");
        let faults = parse(&text).unwrap_err();
        assert_eq!((faults[0].rule, faults[0].line), ("charter-syntax", 5));
    }
}
