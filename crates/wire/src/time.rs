//! Timestamps of STIX and of TAXII. STIX ones are kept as written and compared by instant;
//! TAXII ones are microseconds, always written with six digits.

use crate::limits::FRACTION_DIGITS_MAX;

/// The instant that a STIX timestamp names: seconds since 1970 and attoseconds of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    seconds: i64,
    attos: u64,
}

/// Why a text is not a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form `YYYY-MM-DDTHH:MM:SS[.s+]Z`.
    #[error("not of the form `YYYY-MM-DDTHH:MM:SS[.s+]Z`")]
    Form,
    /// The zone is not written as `Z`.
    #[error("the zone is not written as `Z`")]
    Zone,
    /// No such day or time of day.
    #[error("no such day or time of day")]
    Calendar,
    /// More digits of a second than are kept.
    #[error("more than {FRACTION_DIGITS_MAX} digits of a second")]
    Fraction,
}

impl Instant {
    /// Reads a STIX timestamp (S003): only `Z`, a real calendar date, any fraction.
    pub fn parse(text: &str) -> Result<Instant, TimeError> {
        let bytes = text.as_bytes();
        let (date_time, rest) = bytes.split_at_checked(19).ok_or(TimeError::Form)?;
        let well_formed = date_time.iter().zip(b"0000-00-00T00:00:00").all(|(byte, shape)| {
            if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
        });
        if !well_formed {
            return Err(TimeError::Form);
        }
        let digits = match rest.split_last() {
            Some((b'Z', digits)) => digits,
            Some(_) | None => return Err(TimeError::Zone),
        };
        let seconds = seconds_of(date_time)?;
        Ok(Instant { seconds, attos: fraction(digits)? })
    }

    /// The instant of a count of microseconds since 1970.
    pub fn from_micros(micros: i64) -> Instant {
        Instant {
            seconds: micros.div_euclid(1_000_000),
            attos: micros.rem_euclid(1_000_000).unsigned_abs() * 1_000_000_000_000,
        }
    }

    /// Whole microseconds since 1970, rounded down.
    pub fn micros(&self) -> i64 {
        let within = i64::try_from(self.attos / 1_000_000_000_000).unwrap_or(0);
        self.seconds.saturating_mul(1_000_000).saturating_add(within)
    }

    /// A text that sorts as the instants do, for an index: the date and time of day in UTC and
    /// the fraction without trailing zeros.
    pub fn sort_key(&self) -> String {
        let mut key = civil(self.seconds);
        if self.attos > 0 {
            let digits = format!("{:018}", self.attos);
            key.push('.');
            key.push_str(digits.trim_end_matches('0'));
        }
        key
    }

    /// Reads what [`Instant::sort_key`] wrote.
    pub fn from_sort_key(key: &str) -> Result<Instant, TimeError> {
        Instant::parse(&format!("{key}Z"))
    }
}

/// A TAXII timestamp: microseconds since 1970, UTC (T020).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// Reads a TAXII timestamp. Clients trim zeros, so any number of digits is taken; what is
    /// beyond the microsecond is cut off (T080).
    pub fn parse(text: &str) -> Result<Micros, TimeError> {
        Ok(Micros(Instant::parse(text)?.micros()))
    }
}

impl std::fmt::Display for Micros {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        write!(formatter, "{}.{:06}Z", civil(seconds), self.0.rem_euclid(1_000_000))
    }
}

fn seconds_of(date_time: &[u8]) -> Result<i64, TimeError> {
    let number = |from: usize, to: usize| -> i64 {
        date_time
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0')))
    };
    let small = |from: usize, to: usize| i8::try_from(number(from, to)).unwrap_or(-1);
    let year = i16::try_from(number(0, 4)).map_err(|_| TimeError::Calendar)?;
    let date =
        jiff::civil::Date::new(year, small(5, 7), small(8, 10)).map_err(|_| TimeError::Calendar)?;
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    // RFC 3339 admits a leap second; it names the instant one second after :59.
    let leap = second == 60 && hour == 23 && minute == 59;
    if hour > 23 || minute > 59 || (second > 59 && !leap) {
        return Err(TimeError::Calendar);
    }
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = date.since((jiff::Unit::Day, epoch)).map_err(|_| TimeError::Calendar)?.get_days();
    Ok(i64::from(days) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn fraction(digits: &[u8]) -> Result<u64, TimeError> {
    let digits = match digits.split_first() {
        None => return Ok(0),
        Some((b'.', digits)) if !digits.is_empty() => digits,
        Some(_) => {
            return Err(if digits.iter().any(|byte| matches!(byte, b'+' | b'-')) {
                TimeError::Zone
            } else {
                TimeError::Form
            });
        }
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(TimeError::Form);
    }
    if digits.len() > FRACTION_DIGITS_MAX {
        return Err(TimeError::Fraction);
    }
    let value = digits.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let missing = u32::try_from(FRACTION_DIGITS_MAX - digits.len()).unwrap_or(0);
    Ok(value * 10u64.pow(missing))
}

fn civil(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(stamp) => {
            let time = jiff::tz::Offset::UTC.to_datetime(stamp);
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                time.year(),
                time.month(),
                time.day(),
                time.hour(),
                time.minute(),
                time.second()
            )
        }
        // Beyond the year 9999: nothing that parse() made, and no clock shows it.
        Err(_) => "9999-12-31T23:59:59".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s003_timestamp_form_and_calendar() {
        for good in [
            "2016-05-12T08:17:27Z",
            "2016-05-12T08:17:27.000Z",
            "2016-02-29T23:59:59.123456789Z",
            "2016-12-31T23:59:60Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert!(Instant::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("2016-05-12T08:17:27", TimeError::Zone),
            ("2016-05-12T08:17:27+00:00", TimeError::Zone),
            ("2016-05-12t08:17:27Z", TimeError::Form),
            ("2016-05-12T08:17:27.Z", TimeError::Form),
            ("2017-02-29T08:17:27.000Z", TimeError::Calendar),
            ("2016-03-12T99:17:27.000Z", TimeError::Calendar),
            ("2022-101-27T00:00:00Z", TimeError::Form),
            ("2016-05-12T08:17:27.1234567890123456789Z", TimeError::Fraction),
            ("", TimeError::Form),
        ] {
            assert_eq!(Instant::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn s004_compared_by_instant_and_sorted_the_same_way() {
        let at = |text| Instant::parse(text).unwrap();
        assert_eq!(at("2020-01-01T00:00:01Z"), at("2020-01-01T00:00:01.000Z"));
        let mut times = [
            at("2020-01-01T00:00:01.5Z"),
            at("2020-01-01T00:00:01Z"),
            at("2020-01-01T00:00:01.000001Z"),
            at("1969-12-31T23:59:59.9Z"),
        ];
        times.sort();
        let keys: Vec<String> = times.iter().map(Instant::sort_key).collect();
        assert!(keys.is_sorted());
        for (time, key) in times.iter().zip(&keys) {
            assert_eq!(Instant::from_sort_key(key), Ok(*time));
        }
    }

    #[test]
    fn t020_taxii_timestamps_have_six_digits() {
        assert_eq!(Micros(1_577_836_800_000_001).to_string(), "2020-01-01T00:00:00.000001Z");
        assert_eq!(Micros::parse("2020-01-01T00:00:00Z"), Ok(Micros(1_577_836_800_000_000)));
        assert_eq!(Micros::parse("1969-12-31T23:59:59.999999Z"), Ok(Micros(-1)));
        assert_eq!(Micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(
            Micros::parse("2020-01-01T00:00:00.0000019Z"),
            Ok(Micros(1_577_836_800_000_001))
        );
    }
}
