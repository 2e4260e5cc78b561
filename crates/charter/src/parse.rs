//! Text to charter: the grammar first, then the rules, all faults at once.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::check;
use crate::diagnostic::Diagnostic;
use crate::floor;
use crate::model::{
    Charter, DecisionRule, Exit, Guest, Handling, Hash, Instrument, Languages, Office, Organ,
    Party, Predecessor, Purpose, Quotas, Retention, Review, Stage, Tier, Withdrawal,
};

/// Unknown members that are told at once: a charter with more is of another format.
const UNKNOWN_MEMBERS_MAX: usize = 50;

/// A charter as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) format: u32,
    pub(crate) version: u32,
    pub(crate) previous: Option<String>,
    pub(crate) body: String,
    pub(crate) floors: u32,
    #[serde(default)]
    pub(crate) illustrative: bool,
    pub(crate) note: Option<String>,
    pub(crate) purposes: Vec<Purpose>,
    #[serde(default)]
    predecessor: Vec<Predecessor>,
    #[serde(default)]
    pub(crate) tier: Vec<Tier>,
    #[serde(default)]
    party: Vec<Party>,
    #[serde(default)]
    guest: Vec<Guest>,
    #[serde(default)]
    office: Vec<Office>,
    #[serde(default)]
    organ: Vec<Organ>,
    #[serde(default)]
    rule: Vec<DecisionRule>,
    #[serde(default)]
    instrument: Vec<Instrument>,
    #[serde(default)]
    accession: Vec<Stage>,
    exit: Option<Exit>,
    #[serde(default)]
    languages: Languages,
    handling: Handling,
    retention: Retention,
    quotas: Option<Quotas>,
    #[serde(default)]
    withdrawal: Withdrawal,
    #[serde(default)]
    review: Review,
    #[serde(default)]
    patterns: PatternsTable,
    #[serde(default)]
    extensions: ExtensionsTable,
    #[serde(default)]
    audit: AuditTable,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PatternsTable {
    attacker_mailboxes: bool,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ExtensionsTable {
    registered_only: bool,
    registered: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AuditTable {
    before_answer: bool,
}

/// Reads a charter. `Err` holds every fault that was found.
pub fn parse(text: &str) -> Result<Charter, Vec<Diagnostic>> {
    if text.len() > floor::CHARTER_BYTES_MAX {
        let fault = Diagnostic::at(text, 0, "charter-size")
            .found(format!("{} octets", text.len()))
            .remedy(format!("at most {}", floor::CHARTER_BYTES_MAX));
        return Err(vec![fault]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| syntax(text, error)).collect());
    }
    let (file, mut faults) = read(text, &root);
    let Some(file) = file else {
        return Err(faults);
    };
    let hash = Hash(Sha256::digest(text.as_bytes()).into());
    let charter = charter(file.clone(), hash);
    faults.extend(check::faults(text, &root, &file, &charter));
    faults.sort_by_key(|fault| (fault.line, fault.column));
    if faults.is_empty() { Ok(charter) } else { Err(faults) }
}

/// Reads what is well-formed. Members that nobody knows are told and passed over, so that one slip
/// of the pen does not hide the other faults; what is missing, or of another type, ends it.
fn read(text: &str, root: &Spanned<DeTable<'_>>) -> (Option<File>, Vec<Diagnostic>) {
    let mut known = root.clone();
    let mut faults = Vec::new();
    loop {
        let error = match File::deserialize(Deserializer::from(known.clone())) {
            Ok(file) => return (Some(file), faults),
            Err(error) => error,
        };
        faults.push(syntax(text, &error));
        let unknown = error.message().starts_with("unknown field");
        let place = error.span().filter(|_| unknown && faults.len() < UNKNOWN_MEMBERS_MAX);
        if !place.is_some_and(|place| remove(known.get_mut(), place.start)) {
            return (None, faults);
        }
    }
}

/// Takes out the member whose name begins at an offset.
fn remove(table: &mut DeTable<'_>, place: usize) -> bool {
    let found = table.keys().find(|key| key.span().start == place).cloned();
    match found {
        Some(key) => table.remove(&key).is_some(),
        None => table.iter_mut().any(|(_, value)| remove_within(value.get_mut(), place)),
    }
}

fn remove_within(value: &mut DeValue<'_>, place: usize) -> bool {
    match value {
        DeValue::Table(table) => remove(table, place),
        DeValue::Array(items) => items.iter_mut().any(|item| remove_within(item.get_mut(), place)),
        _ => false,
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Diagnostic {
    let offset = error.span().map_or(0, |span| span.start);
    Diagnostic::at(text, offset, "charter-syntax")
        .found(error.message().to_owned())
        .remedy("see docs/spec/charter.md for the members and their types")
}

fn charter(file: File, hash: Hash) -> Charter {
    Charter {
        hash,
        body: file.body,
        version: file.version,
        previous: file.previous.as_deref().and_then(Hash::parse),
        illustration: file.note.filter(|_| file.illustrative),
        purposes: file.purposes,
        tiers: if file.tier.is_empty() { vec![Tier::only()] } else { file.tier },
        parties: file.party,
        guests: file.guest,
        offices: file.office,
        organs: file.organ,
        rules: file.rule,
        predecessors: file.predecessor,
        instruments: file.instrument,
        accession: file.accession,
        exit: file.exit,
        languages: file.languages,
        handling: file.handling,
        attacker_mailboxes: file.patterns.attacker_mailboxes,
        registered_only: file.extensions.registered_only,
        registered: file.extensions.registered,
        retention_days: file.retention.days,
        audit_days: file.retention.audit_days,
        lifetimes: file.retention.lifetimes(),
        quotas: file.quotas,
        withdrawal: file.withdrawal,
        review: file.review,
        audit_before_answer: file.audit.before_answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tlp;

    #[test]
    fn the_founding_charter_of_one_party_loads() {
        let text = crate::one_party("cert.example", "Example CERT");
        let charter = parse(&text).unwrap();
        assert_eq!(charter.party("cert.example").unwrap().tier.as_deref(), Some("member"));
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
        assert_eq!(rules, ["floors-version", "party-id", "retention-floor"]);
        assert_eq!(faults[0].line, 6);
        assert_eq!(
            faults[2].to_string(),
            "line 20, column 8: retention-floor: 9999 days; everything expires: from 1 to 1830 days"
        );
    }

    #[test]
    fn an_unknown_member_is_an_error_with_its_place() {
        let text = crate::one_party("cert.example", "x").replace("body =", "boddy =");
        let faults = parse(&text).unwrap_err();
        assert_eq!((faults[0].rule, faults[0].line), ("charter-syntax", 5));
    }

    #[test]
    fn unknown_members_hide_no_other_fault() {
        let text = crate::one_party("cert.example", "x")
            .replace("tier =", "color = \"red\"\ntier =")
            .replace("\ndays = 1095", "\ndays = 9999\nyears = 3")
            .replace("floors = 1", "floors = 9\n\"a b\" = { c = 1 }");
        let faults = parse(&text).unwrap_err();
        let told: Vec<(usize, &str)> = faults.iter().map(|it| (it.line, it.rule)).collect();
        let syntax = "charter-syntax";
        assert_eq!(
            told,
            [
                (6, "floors-version"),
                (7, syntax),
                (13, syntax),
                (22, "retention-floor"),
                (23, syntax)
            ]
        );
        assert!(faults[2].found.contains("`color`"), "{}", faults[2]);
        let many: String = (0..200).map(|at| format!("x{at} = 1\n")).collect();
        let faults = parse(&format!("{many}{text}")).unwrap_err();
        assert_eq!(faults.len(), UNKNOWN_MEMBERS_MAX);
        assert_eq!(parse(&" ".repeat(2 << 20)).unwrap_err()[0].rule, "charter-size");
    }
}
