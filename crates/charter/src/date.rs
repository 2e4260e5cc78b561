//! Dates as sources give them: a day, a month or a year, and whether the source is sure.
//!
//! TOML has local dates and no parts of them. Those, and uncertain ones, are strings in the form
//! of EDTF (ISO 8601-2), level 0 and 1: `"2009"`, `"2009-12"`, `"2004-06?"`.

use jiff::civil;
use serde::Deserialize;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// A day, a month or a year of the Gregorian calendar, in UTC.
///
/// What takes effect on a date that is known to the year alone takes effect on its last day, and
/// what ends on such a date ends with its first: nobody has a right because a source is vague.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    first: civil::Date,
    last: civil::Date,
    uncertain: bool,
}

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no date; write a day as 2009-12-05, a month or a year as \"2009-12\" or \"2009\", and `?` behind what the source is not sure of"
)]
pub struct DateError;

impl Date {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, with `?` behind it where it is uncertain.
    pub fn parse(text: &str) -> Result<Date, DateError> {
        let (bare, uncertain) = match text.strip_suffix('?') {
            Some(bare) => (bare, true),
            None => (text, false),
        };
        let mut parts = bare.split('-');
        let year: i16 = number(parts.next(), 4)?.ok_or(DateError)?;
        let month = number(parts.next(), 2)?;
        let day = number(parts.next(), 2)?;
        if parts.next().is_some() {
            return Err(DateError);
        }
        let of = |month: i16, day: i16| {
            let small = |part| i8::try_from(part).map_err(|_| DateError);
            civil::Date::new(year, small(month)?, small(day)?).map_err(|_| DateError)
        };
        let first = of(month.unwrap_or(1), day.unwrap_or(1))?;
        let last = match (month, day) {
            (None, _) => first.last_of_year(),
            (Some(_), None) => first.last_of_month(),
            (Some(_), Some(_)) => first,
        };
        Ok(Date { first, last, uncertain })
    }

    /// The day of a time in microseconds since 1970.
    pub fn of(micros: i64) -> Date {
        let days = i32::try_from(micros.div_euclid(MICROS_OF_DAY)).unwrap_or(i32::MAX);
        let span = jiff::Span::new().try_days(days).unwrap_or_default();
        let day = epoch().checked_add(span).unwrap_or(civil::Date::MAX);
        Date { first: day, last: day, uncertain: false }
    }

    /// Its first microsecond. What ends on it has ended by then.
    pub fn start(&self) -> i64 {
        micros(self.first)
    }

    /// Its last microsecond: when a question that is asked "as of" it is asked.
    pub fn end(&self) -> i64 {
        micros(self.last).saturating_add(MICROS_OF_DAY - 1)
    }

    /// The first microsecond of its last day: when what begins on it has begun for certain.
    pub fn begun(&self) -> i64 {
        micros(self.last)
    }

    /// Whether the source is not sure.
    pub fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    /// Whether something can not have lasted from this date to that one.
    pub(crate) fn is_after(&self, until: &Date) -> bool {
        until.last <= self.last && until.first <= self.first
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (day, mark) = (self.first, if self.uncertain { "?" } else { "" });
        if self.first == self.last {
            write!(formatter, "{day}{mark}")
        } else if self.last == day.last_of_month() {
            write!(formatter, "{:04}-{:02}{mark}", day.year(), day.month())
        } else {
            write!(formatter, "{:04}{mark}", day.year())
        }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        // A local date of TOML, or a string. Its date-times name an hour, which no rule here has.
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Datetime(at) => at.to_string(),
            toml::Value::String(text) => text,
            _ => return Err(serde::de::Error::custom(DateError)),
        };
        Date::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn number(part: Option<&str>, digits: usize) -> Result<Option<i16>, DateError> {
    let Some(part) = part else {
        return Ok(None);
    };
    if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError);
    }
    part.parse().map(Some).map_err(|_| DateError)
}

fn epoch() -> civil::Date {
    civil::date(1970, 1, 1)
}

fn micros(day: civil::Date) -> i64 {
    let days = day.since((jiff::Unit::Day, epoch())).map_or(0, |span| span.get_days());
    i64::from(days).saturating_mul(MICROS_OF_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_exact_as_its_source() {
        for text in ["2009", "2009-12", "2009-12-05", "2004-06?", "2021?", "2024-02-29"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "?", "09", "2009-13", "2009-2", "2023-02-29", "2009-12-05T07:00", "2009-1-1"]
        {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
    }

    #[test]
    fn a_vague_date_begins_late_and_ends_early() {
        let day = |text: &str| Date::parse(text).unwrap();
        assert_eq!(day("2009").begun(), day("2009-12-31").start());
        assert_eq!(day("2009").start(), day("2009-01-01").start());
        assert_eq!(day("2009-12").end() + 1, day("2010-01-01").start());
        assert_eq!(day("1970").start(), 0);
        assert_eq!(Date::of(day("2025-09-01").end()), day("2025-09-01"));
        assert_eq!(Date::of(-1), day("1969-12-31"));
    }

    #[test]
    fn a_span_that_is_none_is_seen() {
        let after = |from, until| Date::parse(from).unwrap().is_after(&Date::parse(until).unwrap());
        assert!(after("2010-01-02", "2010-01-01") && after("2010-01-01", "2010-01-01"));
        assert!(after("2010", "2009-05") && after("2010", "2010"));
        assert!(!after("2015", "2015-07") && !after("2009-12-31", "2010"));
    }
}
