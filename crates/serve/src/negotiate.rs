//! Media types by the rules of HTTP (RFC 9110 §8.3, §12.5.1), as far as TAXII needs them.

use axum::http::{HeaderMap, header};

use crate::error::Failure;

/// A media type with its parameters, or a range of them.
#[derive(Debug, PartialEq, Eq)]
struct Media {
    essence: String,
    parameters: Vec<(String, String)>,
}

/// Judges Accept: TAXII 2.1 must be acceptable (T004–T009). Of the ranges that take it, the most
/// specific ones decide (RFC 9110 §12.5.1). Without the header anything is acceptable.
pub(crate) fn accept(headers: &HeaderMap) -> Result<(), Failure> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let ranges: Vec<(u8, bool)> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| split(text, ','))
        .filter_map(|range| parse(range)?.takes_taxii())
        .collect();
    let most = ranges.iter().map(|(specific, _)| *specific).max();
    let taken = ranges.iter().any(|(specific, wanted)| Some(*specific) == most && *wanted);
    if taken { Ok(()) } else { Err(Failure::NotAcceptable) }
}

/// Judges the Content-Type of a body: TAXII, of version 2.1 if it names one (T048, T049).
pub(crate) fn content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match value.and_then(parse) {
        Some(media) if media.is_taxii() => Ok(()),
        _ => Err(Failure::UnsupportedMedia),
    }
}

impl Media {
    fn named(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether this is the media type of TAXII 2.1; without a version it is the latest.
    fn is_taxii(&self) -> bool {
        self.essence == "application/taxii+json"
            && self.named("version").is_none_or(|version| version == "2.1")
    }

    /// As a range: how specifically it takes TAXII 2.1, and whether it is wanted at all.
    fn takes_taxii(&self) -> Option<(u8, bool)> {
        let specific = match self.essence.as_str() {
            "*/*" => 0,
            "application/*" => 1,
            _ if self.is_taxii() => 2 + u8::from(self.named("version").is_some()),
            _ => return None,
        };
        let refused = self.named("q").is_some_and(|q| q.parse().is_ok_and(|q: f32| q <= 0.0));
        Some((specific, !refused))
    }
}

fn parse(text: &str) -> Option<Media> {
    let mut parts = split(text, ';').into_iter();
    let essence = parts.next()?.trim().to_ascii_lowercase();
    let (main, sub) = essence.split_once('/')?;
    if main.is_empty() || sub.is_empty() {
        return None;
    }
    let mut parameters = Vec::new();
    for part in parts {
        if part.trim().is_empty() {
            continue;
        }
        let (name, value) = part.split_once('=')?;
        parameters.push((name.trim().to_ascii_lowercase(), unquote(value.trim())));
    }
    Some(Media { essence, parameters })
}

fn unquote(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => unescape(inner),
        None => text.to_owned(),
    }
}

/// Any character of a quoted string may stand behind a backslash (RFC 9110 §5.6.4).
fn unescape(quoted: &str) -> String {
    let mut characters = quoted.chars();
    let mut text = String::with_capacity(quoted.len());
    while let Some(one) = characters.next() {
        text.extend(if one == '\\' { characters.next() } else { Some(one) });
    }
    text
}

/// Splits outside of quoted strings.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (place, one) in text.char_indices() {
        match one {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if one == at && !quoted => {
                parts.push(text.get(start..place).unwrap_or_default());
                start = place + one.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accepts(text: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(text));
        accept(&headers).is_ok()
    }

    fn takes(text: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(text));
        content_type(&headers).is_ok()
    }

    #[test]
    fn accept_by_the_rules_of_http() {
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json; version=2.1",
            "Application/TAXII+json ; VERSION=\"2.1\"",
            "application/taxii+json",
            "text/html, application/taxii+json;version=2.1;q=0.5",
            "application/vnd.oasis.stix+json; version=2.1, application/taxii+json",
            "*/*",
            "application/json, text/plain, */*",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "application/taxii+json;version=2.0",
            "application/taxii+json;version=2.1;q=0",
            "text/html",
            "application/taxii+json;q=0, */*",
            "application/json",
            "application/stix+json;version=2.1",
            "",
            "x",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
        assert!(accept(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn content_type_is_taxii_21() {
        assert!(takes("application/taxii+json;version=2.1"));
        assert!(takes("application/taxii+json; version=\"2.1\""));
        assert!(takes("application/taxii+json"));
        for bad in [
            "application/json",
            "application/stix+json;version=2.1",
            "*/*",
            "application/taxii+json;version=2.0",
        ] {
            assert!(!takes(bad), "{bad}");
        }
    }
}
