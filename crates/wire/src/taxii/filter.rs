//! The query of a TAXII request: filters, limit and position (TAXII 2.1 §3.4, §3.5).

use crate::id::{Id, Uuid};
use crate::limits::MATCH_VALUES_MAX;
use crate::time::{Instant, Micros};

/// A parsed query string. Fields that the request did not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only what entered the collection after this.
    pub added_after: Option<Micros>,
    /// At most so many records.
    pub limit: Option<usize>,
    /// Where an earlier page ended.
    pub next: Option<Next>,
    /// Only these objects.
    pub ids: Option<Vec<(String, Uuid)>>,
    /// Only these types.
    pub types: Option<Vec<String>>,
    /// Only these versions.
    pub versions: Versions,
    /// Only these versions of STIX; none means the latest that the server has of each object.
    pub spec_versions: Option<Vec<String>>,
}

/// Which versions of each object a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Versions {
    /// The latest by version value, the default.
    #[default]
    Last,
    /// All.
    All,
    /// The union of these.
    Some {
        /// The earliest.
        first: bool,
        /// The latest.
        last: bool,
        /// These, compared by instant.
        exact: Vec<Instant>,
    },
}

/// Where a page ended: the `date_added` of its last record, which is unique in its collection.
/// It holds no state of the server, survives a restart, and another `limit` may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next(pub Micros);

/// A query that cannot be used: which parameter, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}`: {why}")]
pub struct QueryError {
    /// The parameter; only names that this module knows, or a general one.
    pub parameter: &'static str,
    /// What is wrong, and what is required.
    pub why: &'static str,
}

/// The parameters that TAXII defines; each stands at most once in a query.
const FIELDS: [&str; 7] = [
    "added_after",
    "limit",
    "next",
    "match[id]",
    "match[type]",
    "match[version]",
    "match[spec_version]",
];

fn bad<T>(parameter: &'static str, why: &'static str) -> Result<T, QueryError> {
    Err(QueryError { parameter, why })
}

impl Query {
    /// Reads the part of a URL behind the `?`, percent-encoded or raw.
    ///
    /// # Errors
    /// A value that cannot be used, a field given twice, an unknown `match[...]` field.
    /// Parameters without `match` that TAXII does not define are ignored.
    pub fn parse(raw: &str) -> Result<Query, QueryError> {
        let mut query = Query::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            let ours = FIELDS.contains(&name.as_ref());
            if ours && seen.iter().any(|other| *other == name) {
                return bad("query", "each field stands at most once; separate values by commas");
            }
            query.take(&name, &value)?;
            seen.push(name.into_owned());
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        match name {
            "added_after" => self.added_after = Some(time("added_after", value)?),
            "limit" => self.limit = Some(limit(value)?),
            "next" => self.next = Some(Next::parse(value)?),
            "match[id]" => self.ids = Some(ids(value)?),
            "match[type]" => {
                let types = values("match[type]", value)?;
                if !types.iter().all(|name| crate::id::is_type_name(name)) {
                    return bad("match[type]", "required: names of STIX types");
                }
                self.types = Some(types);
            }
            "match[version]" => self.versions = versions(value)?,
            "match[spec_version]" => {
                let versions = values("match[spec_version]", value)?;
                if !versions.iter().all(|version| matches!(version.as_str(), "2.0" | "2.1")) {
                    return bad("match[spec_version]", "required: `2.0`, `2.1` or both");
                }
                self.spec_versions = Some(versions);
            }
            _ if name.starts_with("match[") || name == "match" => {
                return bad("match", "known fields: id, type, version, spec_version");
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether STIX 2.1 content can match at all. A node holds no other.
    pub fn admits_stix_21(&self) -> bool {
        self.spec_versions.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == "2.1"))
    }
}

impl Next {
    /// The token for a page that ended at this `date_added`.
    pub fn token(self) -> String {
        let position = self.0.0;
        format!("{position:x}.{:04x}", check(position))
    }

    fn parse(text: &str) -> Result<Next, QueryError> {
        let why = "not a token of this server; ask again without it";
        let parsed = text.split_once('.').and_then(|(position, sum)| {
            let position = i64::from_str_radix(position, 16).ok()?;
            let sum = u16::from_str_radix(sum, 16).ok()?;
            (sum == check(position)).then_some(Next(Micros(position)))
        });
        // One spelling only, so that a token can be compared as a text.
        match parsed {
            Some(next) if next.token() == text => Ok(next),
            _ => bad("next", why),
        }
    }
}

/// Tells a token from a typing error. It is no secret: a position gives no right.
fn check(position: i64) -> u16 {
    let mixed = position.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from(mixed >> 48).unwrap_or(0)
}

fn time(parameter: &'static str, value: &str) -> Result<Micros, QueryError> {
    Micros::parse(value)
        .or_else(|_| bad(parameter, "required: a timestamp such as `2020-01-01T00:00:00.000000Z`"))
}

fn limit(value: &str) -> Result<usize, QueryError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number beyond any machine word is just a large limit.
    let number = if digits { value.parse().unwrap_or(usize::MAX) } else { 0 };
    if number == 0 { bad("limit", "required: a positive whole number") } else { Ok(number) }
}

fn values(parameter: &'static str, value: &str) -> Result<Vec<String>, QueryError> {
    let values: Vec<String> = value.split(',').map(str::to_owned).collect();
    if values.iter().any(String::is_empty) {
        return bad(parameter, "required: one value, or several separated by commas");
    }
    if values.len() > MATCH_VALUES_MAX {
        return bad(parameter, "too many values; split them into several requests");
    }
    Ok(values)
}

fn ids(value: &str) -> Result<Vec<(String, Uuid)>, QueryError> {
    let why = "required: STIX identifiers, `type--UUID`";
    values("match[id]", value)?
        .iter()
        .map(|text| match Id::parse(text) {
            Some(id) => Ok((id.object_type.to_owned(), id.uuid)),
            None => bad("match[id]", why),
        })
        .collect()
}

fn versions(value: &str) -> Result<Versions, QueryError> {
    let (mut first, mut last, mut exact, mut all) = (false, false, Vec::new(), false);
    for one in values("match[version]", value)? {
        match one.as_str() {
            "first" => first = true,
            "last" => last = true,
            "all" => all = true,
            text => match Instant::parse(text) {
                Ok(instant) => exact.push(instant),
                Err(_) => {
                    return bad("match[version]", "required: first, last, all or timestamps");
                }
            },
        }
    }
    Ok(match (all, first, last, exact.is_empty()) {
        (true, ..) => Versions::All,
        (_, false, true, true) => Versions::Last,
        _ => Versions::Some { first, last, exact },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_encoded_and_raw_fields() {
        let raw = Query::parse("match[type]=tool,malware&limit=5").unwrap();
        let encoded = Query::parse("match%5Btype%5D=tool%2Cmalware&limit=5").unwrap();
        assert_eq!(raw, encoded);
        assert_eq!(raw.types, Some(vec!["tool".to_owned(), "malware".to_owned()]));
        assert_eq!(Query::parse("").unwrap(), Query::default());
        assert_eq!(Query::parse("pretty=1").unwrap(), Query::default());
    }

    #[test]
    fn version_keywords_make_a_union_and_all_absorbs() {
        let versions =
            |text: &str| Query::parse(&format!("match[version]={text}")).unwrap().versions;
        assert_eq!(versions("last"), Versions::Last);
        assert_eq!(versions("first,all"), Versions::All);
        let one = Instant::parse("2020-01-01T00:00:00Z").unwrap();
        assert_eq!(
            versions("first,2020-01-01T00:00:00.000Z"),
            Versions::Some { first: true, last: false, exact: vec![one] }
        );
    }

    #[test]
    fn unusable_values_are_told_by_name() {
        for (raw, parameter) in [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("added_after=yesterday", "added_after"),
            ("match[version]=2020", "match[version]"),
            ("match[id]=x", "match[id]"),
            ("match[type]=,", "match[type]"),
            ("match[spec_version]=3", "match[spec_version]"),
            ("match[colour]=red", "match"),
            ("next=abc", "next"),
            ("limit=1&limit=2", "query"),
        ] {
            assert_eq!(Query::parse(raw).unwrap_err().parameter, parameter, "{raw}");
        }
        assert_eq!(Query::parse("limit=99999999999999999999").unwrap().limit, Some(usize::MAX));
    }

    #[test]
    fn a_position_survives_its_token_and_a_changed_token_does_not_pass() {
        let next = Next(Micros(1_763_870_400_123_456));
        let token = next.token();
        assert_eq!(Query::parse(&format!("next={token}")).unwrap().next, Some(next));
        let other = token.replacen('6', "7", 1);
        assert!(Query::parse(&format!("next={other}")).is_err());
    }
}
