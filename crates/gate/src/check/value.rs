//! Classes and bounds of single values (S005, S006, S013).

use comity_wire::json::{Object, Value};
use comity_wire::stix::kind::INTEGER_MAX;

use super::At;
use super::schema::{CLASS, EMPTY, KEY, NULL, RANGE};
use crate::refusal::Refusal;

pub(super) fn class<T>(
    value: &Value<'_>,
    required: &'static str,
    at: &At<'_>,
) -> Result<T, Refusal> {
    let code = match value {
        Value::Null => &NULL,
        _ => &CLASS,
    };
    Err(Refusal::new(code, at.path()).found(value.class()).required(required))
}

pub(super) fn string<'v>(value: &'v Value<'_>, at: &At<'_>) -> Result<&'v str, Refusal> {
    match value {
        Value::String(text) => Ok(text),
        other => class(other, "a string", at),
    }
}

pub(super) fn list<'v, 'a>(value: &'v Value<'a>, at: &At<'_>) -> Result<&'v [Value<'a>], Refusal> {
    match value {
        Value::Array(items) if items.is_empty() => Err(Refusal::new(&EMPTY, at.path())
            .found("an empty list")
            .required("at least one element")),
        Value::Array(items) => Ok(items),
        other => class(other, "a list", at),
    }
}

/// A dictionary with something in it, its keys in order.
pub(super) fn dictionary<'v, 'a>(
    value: &'v Value<'a>,
    at: &At<'_>,
) -> Result<&'v Object<'a>, Refusal> {
    let object = match value {
        Value::Object(object) if object.is_empty() => {
            return Err(Refusal::new(&EMPTY, at.path())
                .found("an empty dictionary")
                .required("at least one key"));
        }
        Value::Object(object) => object,
        other => return class(other, "a dictionary", at),
    };
    for (key, _) in object.iter() {
        let good = (1..=250).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !good {
            return Err(Refusal::new(&KEY, at.member(key).path())
                .found("another key")
                .required("1 to 250 of `a-z A-Z 0-9 - _`"));
        }
    }
    Ok(object)
}

pub(super) fn integer(value: &Value<'_>, min: i64, max: i64, at: &At<'_>) -> Result<(), Refusal> {
    let Value::Number(number) = value else {
        return class(value, "an integer", at);
    };
    if number.is_f64() {
        return class(value, "an integer, written without fraction and exponent", at);
    }
    match number.as_i64() {
        Some(whole) if (min..=max).contains(&whole) => Ok(()),
        _ => Err(Refusal::new(&RANGE, at.path()).found("an integer outside").required(
            match (min, max) {
                (min, INTEGER_MAX) if min < 0 => "within ±(2^53 − 1)".to_owned(),
                (min, INTEGER_MAX) => format!("from {min} to 2^53 − 1"),
                (min, max) => format!("from {min} to {max}"),
            },
        )),
    }
}

pub(super) fn float(value: &Value<'_>, min: f64, max: f64, at: &At<'_>) -> Result<(), Refusal> {
    match value.as_f64() {
        None => class(value, "a number", at),
        Some(number) if (min..=max).contains(&number) => Ok(()),
        Some(_) if max == f64::MAX => Err(Refusal::new(&RANGE, at.path())
            .found("a number outside")
            .required(format!("{min} or more"))),
        Some(_) => Err(Refusal::new(&RANGE, at.path())
            .found("a number outside")
            .required(format!("from {min} to {max}"))),
    }
}

/// S013, at any depth: what nobody defined can be odd, but null is no value of STIX.
pub(super) fn no_null(value: &Value<'_>, at: &At<'_>) -> Result<(), Refusal> {
    match value {
        Value::Null => class(value, "no property at all", at),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(place, item)| no_null(item, &at.index(place)))
        }
        Value::Object(object) => {
            object.iter().try_for_each(|(name, item)| no_null(item, &at.member(name)))
        }
        _ => Ok(()),
    }
}
