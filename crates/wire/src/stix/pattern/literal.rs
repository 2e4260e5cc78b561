//! The forms of literals (S063) and of hashes in comparisons (S064).

use super::{Comparison, Literal, Operator, Step};
use crate::stix::hash;

/// Whether the text has the shape of a timestamp: right digits in the right places, each field in
/// its own range. The day is not compared with the month: 30 February passes, as it does upstream.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((date_time, rest)) = text.as_bytes().split_at_checked(19) else {
        return false;
    };
    let shape = b"0000-00-00T00:00:00";
    let shaped = date_time
        .iter()
        .zip(shape)
        .all(|(byte, shape)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape });
    let field = |from: usize| -> u8 {
        let digits = date_time.get(from..from + 2).unwrap_or_default();
        digits.iter().fold(0, |sum: u8, digit| {
            sum.saturating_mul(10).saturating_add(digit.saturating_sub(b'0'))
        })
    };
    let fraction = match rest.strip_suffix(b"Z") {
        Some([]) => true,
        Some([b'.', digits @ ..]) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    shaped
        && fraction
        && (1..=12).contains(&field(5))
        && (1..=31).contains(&field(8))
        && field(11) <= 23
        && field(14) <= 59
        && field(17) <= 60
}

/// A number: an integer without needless zeros, or digits around one point.
pub(super) fn number(text: &str) -> Result<Literal, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some((whole, fraction)) = unsigned.split_once('.') {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if fraction.is_empty() || !digits(whole) || !digits(fraction) {
            return Err("a float");
        }
        return match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Literal::Float(value)),
            _ => Err("a float"),
        };
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') {
        return Err("an integer");
    }
    match text.parse::<i64>() {
        Ok(value) if value.unsigned_abs() < 1 << 53 => Ok(Literal::Integer(value)),
        _ => Err("an integer"),
    }
}

/// Whether all members of a set are of one type; integers and floats compare as numbers.
pub(super) fn same_type(values: &[Literal]) -> bool {
    let rank = |literal: &Literal| match literal {
        Literal::Text(_) => 0,
        Literal::Integer(_) | Literal::Float(_) => 1,
        Literal::Bool(_) => 2,
        Literal::Hex(_) => 3,
        Literal::Binary(_) => 4,
        Literal::Timestamp(_) => 5,
    };
    let mut ranks = values.iter().map(rank);
    match ranks.next() {
        Some(first) => ranks.all(|rank| rank == first),
        None => false,
    }
}

/// Whether the whole hashes that a comparison names fit their algorithm. `LIKE` and `MATCHES`
/// may name parts.
pub(super) fn hashes_fit(comparison: &Comparison) -> bool {
    if !matches!(comparison.operator, Operator::Equal | Operator::NotEqual | Operator::In) {
        return true;
    }
    let Some([Step::Property(holder), Step::Property(algorithm)]) = comparison.path.last_chunk()
    else {
        return true;
    };
    if !holder.ends_with("hashes") {
        return true;
    }
    comparison.values.iter().all(|value| match value {
        Literal::Text(text) => hash::form(algorithm).is_none_or(|form| form.admits(text)),
        _ => true,
    })
}
