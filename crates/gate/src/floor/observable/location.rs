//! Places: areas, not doors. Coordinates need their precision with them.

use comity_wire::json::{Object, Value};

use super::super::code;
use super::super::place::Place;
use super::super::property;
use super::super::walk::{Judge, Verdict};

/// Metres; a circle of this radius holds more than one household nearly everywhere.
const PRECISION_M_MIN: f64 = 1000.0;

/// Coordinates in any object: a custom type has no more right to a doorstep than a `location`.
pub(in super::super) fn coordinates(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    let Some(name) = ["latitude", "longitude"].into_iter().find(|name| object.contains(name))
    else {
        return Ok(());
    };
    let precision = object.get("precision").and_then(Value::as_f64);
    if precision.is_some_and(|metres| metres >= PRECISION_M_MIN) {
        return Ok(());
    }
    let found = match precision {
        Some(_) => "coordinates finer than that",
        None => "coordinates without a precision",
    };
    Err(place
        .member(name)
        .refuse(&code::LOCATION_PRECISE)
        .found(found)
        .required("`precision` of 1000 metres or more"))
}

/// One member of a `location`.
pub(super) fn field(name: &str, place: &Place<'_>) -> Verdict {
    match name {
        "street_address" | "postal_code" => Err(place
            .refuse(&code::LOCATION_PRECISE)
            .found("an address")
            .required("region, country, administrative area or city")),
        _ => Ok(()),
    }
}

/// `exif_tags` of a picture: where somebody stood, and whose camera it was.
pub(super) fn exif(judge: &mut Judge<'_>, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    let Value::Object(tags) = value else {
        return Ok(());
    };
    for (name, _) in tags.iter() {
        let here = place.member(name);
        let mut words = property::words(name);
        if words.any(|word| word.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("gps"))) {
            return Err(here
                .refuse(&code::LOCATION_PRECISE)
                .found("the place where a picture was taken")
                .required("none"));
        }
        let owner = ["artist", "ownername", "cameraownername", "author", "xpauthor"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        if owner {
            judge.flag(&code::AUTHOR, &here);
        }
    }
    Ok(())
}
