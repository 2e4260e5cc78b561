//! Whether a text keeps to a form. Only what the standard makes a MUST; registries that grow
//! (IANA's media types, languages and character sets) are not copied here.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::kind::Form;

/// What a form is called in a message.
pub fn describe(form: Form) -> &'static str {
    match form {
        Form::Hex => "pairs of hexadecimal digits",
        Form::Base64 => "base64 with its padding",
        Form::Language => "a language tag (RFC 5646)",
        Form::Mime => "a media type (RFC 6838)",
        Form::Url => "a URL with its scheme (RFC 3986)",
        Form::Cpe => "a CPE 2.3 formatted string",
        Form::Ipv4 => "an IPv4 address or CIDR block",
        Form::Ipv6 => "an IPv6 address or CIDR block",
        Form::Mac => "a MAC-48 address, lower case with colons",
        Form::Email => "a mailbox without a display name (RFC 5322 addr-spec)",
        Form::Charset => "the name of a character set",
        Form::RegistryKey => "a registry key with its hive written out",
        Form::RelationshipType => "lower-case letters, digits and hyphens",
        Form::NotEmpty => "a string that is not empty",
    }
}

/// Whether the text has the form.
pub fn admits(form: Form, text: &str) -> bool {
    match form {
        Form::Hex => is_hex(text),
        Form::Base64 => super::is_base64(text),
        Form::Language => is_language(text),
        Form::Mime => is_mime(text),
        Form::Url => is_url(text),
        Form::Cpe => is_cpe(text),
        Form::Ipv4 => is_block(text, 32, |address| address.parse::<Ipv4Addr>().is_ok()),
        Form::Ipv6 => is_block(text, 128, |address| address.parse::<Ipv6Addr>().is_ok()),
        Form::Mac => is_mac(text),
        Form::Email => is_email(text),
        Form::Charset => is_charset(text),
        Form::RegistryKey => has_whole_hive(text),
        Form::RelationshipType => is_slug(text),
        Form::NotEmpty => !text.is_empty(),
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Lower-case letters, digits and hyphens.
fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Well-formed in the sense of RFC 5646 §2.1: a language of two to eight letters, then subtags of
/// up to eight letters and digits; or a tag that is all private use. Grandfathered tags fit too.
pub fn is_language(text: &str) -> bool {
    let mut subtags = text.split('-');
    let first = subtags.next().unwrap_or_default();
    let language =
        (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let private = matches!(first, "x" | "X" | "i" | "I") && text.len() > 2;
    (language || private)
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len())
                && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_mime(text: &str) -> bool {
    const TOP: &[&str] = &[
        "application",
        "audio",
        "chemical",
        "font",
        "haptics",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
    ];
    let Some((top, sub)) = text.split_once('/') else {
        return false;
    };
    TOP.iter().any(|known| top.eq_ignore_ascii_case(known))
        && (1..=127).contains(&sub.len())
        && sub.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'.' | b'+' | b'_' | b'-' | b'!' | b'#' | b'$' | b'&' | b'^')
        })
}

/// A scheme and something behind it, without white space. Producers of real URLs leave other
/// characters unescaped that RFC 3986 wants escaped; what a server was asked is worth keeping.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && !rest.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
}

/// `cpe:2.3:` and eleven attributes between colons that no backslash escapes.
fn is_cpe(text: &str) -> bool {
    let Some(attributes) = text.strip_prefix("cpe:2.3:") else {
        return false;
    };
    let mut count = 1;
    let mut length = 0;
    let mut escaped = false;
    for byte in attributes.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b':' if length == 0 => return false,
            b':' => {
                count += 1;
                length = 0;
                continue;
            }
            b'!'..=b'~' => {}
            _ => return false,
        }
        length += 1;
    }
    let part = attributes.split(':').next().unwrap_or_default();
    count == 11 && length > 0 && !escaped && matches!(part, "a" | "h" | "o" | "*" | "-")
}

/// An address, or an address and a prefix length without needless zeros.
fn is_block(text: &str, bits_max: u8, is_address: fn(&str) -> bool) -> bool {
    let Some((address, prefix)) = text.split_once('/') else {
        return is_address(text);
    };
    let canonical = prefix == "0" || !prefix.starts_with(['0', '+']);
    canonical && prefix.parse::<u8>().is_ok_and(|bits| bits <= bits_max) && is_address(address)
}

fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(at, byte)| {
            if at % 3 == 2 { byte == b':' } else { matches!(byte, b'0'..=b'9' | b'a'..=b'f') }
        })
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain = |part: &str| {
        !part.is_empty()
            && !part.chars().any(|character| {
                character.is_whitespace() || matches!(character, '<' | '>' | '@' | ',' | ';' | '"')
            })
    };
    (quoted || plain(local)) && plain(domain)
}

fn is_charset(text: &str) -> bool {
    (1..=45).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+()".contains(&byte))
}

/// Whether a character set belongs to one of the families that IANA has registered.
pub fn is_known_charset(text: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "us-ascii",
        "ascii",
        "ansi",
        "utf",
        "ucs",
        "iso",
        "windows-",
        "cp",
        "ibm",
        "ebcdic",
        "euc",
        "shift",
        "big5",
        "gb",
        "hz-",
        "koi",
        "ks_c",
        "ksc",
        "tis-",
        "viscii",
        "viqr",
        "vi",
        "mac",
        "hp-",
        "ptcp",
        "jis",
        "latin",
        "unicode",
        "cesu",
        "scsu",
        "bocu",
        "extended_unix",
        "cs",
        "adobe",
        "ventura",
        "microsoft",
        "dec-",
        "nats",
        "inis",
        "amiga",
        "brf",
        "osd",
    ];
    let lower = text.to_ascii_lowercase();
    FAMILIES.iter().any(|family| lower.starts_with(family))
}

/// The standard asks for the hive's long name, so that one key has one spelling.
fn has_whole_hive(text: &str) -> bool {
    let hive = text.split('\\').next().unwrap_or_default();
    !["HKLM", "HKCC", "HKCR", "HKCU", "HKU"].iter().any(|short| hive.eq_ignore_ascii_case(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(admits(form, text), "{text}");
        }
        for text in bad {
            assert!(!admits(form, text), "{text}");
        }
    }

    #[test]
    fn s007_hex_and_base64() {
        all(Form::Hex, &["", "00fF"], &["0", "0g", "é"]);
        all(
            Form::Base64,
            &["", "AA==", "AAA=", "AAAA"],
            &["A", "AA", "AA=A", "====", "A A=", "AAAA="],
        );
    }

    #[test]
    fn s026_language_tags() {
        all(
            Form::Language,
            &["en", "de-CH", "zh-Hant-TW", "x-own", "i-klingon", "sl-rozaj"],
            &["", "e", "español", "en_US", "en-", "-en", "abcdefghi"],
        );
    }

    #[test]
    fn s029_mime_cpe_and_charsets() {
        all(
            Form::Mime,
            &["text/plain", "application/vnd.ms-excel", "image/svg+xml"],
            &["bla", "bla/blabla", "text/", "text/pl ain"],
        );
        all(
            Form::Cpe,
            &[r"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*", r"cpe:2.3:a:x\:y:z:1:*:*:*:*:*:*:*"],
            &["invalid", "cpe:2.3:a:b", "cpe:/a:b:c", "cpe:2.3:q:b:c:1:*:*:*:*:*:*:*"],
        );
        all(Form::Charset, &["ISO-8859-1", "bla.bla.bla"], &["", "a b"]);
        assert!(is_known_charset("Windows-1252"));
        assert!(!is_known_charset("bla.bla.bla"));
    }

    #[test]
    fn addresses() {
        all(
            Form::Ipv4,
            &["192.168.0.1", "10.0.0.0/8", "0.0.0.0/0"],
            &["foo", "999.1.1.1", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/01", "1.2.3.4/a"],
        );
        all(
            Form::Ipv6,
            &["::1", "2001:db8::/32", "fe80::1/128"],
            &["foo", "::1/129", "::1/03", "::1/", "::1/00"],
        );
        all(Form::Mac, &["d2:fb:49:24:37:18"], &["D2:FB:49:24:37:18", "d2-fb-49-24-37-18"]);
        all(
            Form::Email,
            &["jdoe@example.com", "\"a b\"@example.com"],
            &["John Doe <jdoe@example.com>", "jdoe", "@x", "a@b@c"],
        );
        all(
            Form::Url,
            &["https://example.com/a|b", "urn:x", "hxxp://example.com"],
            &["foo", "www.g.com", "http:", "http://a b", "1http://x"],
        );
        all(Form::RegistryKey, &[r"HKEY_LOCAL_MACHINE\x", "hkup"], &[r"HKLM\x", "hku"]);
    }
}
