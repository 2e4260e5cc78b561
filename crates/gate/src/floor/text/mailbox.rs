//! Mailboxes in text: `jane@example.org`, also as `jane%40example.org`, `jane[at]example[.]org`
//! or `jane@example\.org`. A wildcard in place of the name (`.*@example.org`) names a domain.

/// Whose mailbox it looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Kind {
    /// `security@`, `abuse@`: whoever is on duty reads it.
    Role,
    /// Anybody else's.
    Personal,
}

/// The most personal mailbox in a text.
pub(in super::super) fn find(text: &str) -> Option<Kind> {
    let mut found = None;
    for sign in SIGNS {
        for (at, _) in text.match_indices(sign) {
            let (left, right) = (text.get(..at)?, text.get(at + sign.len()..)?);
            match (local(left), domain(right)) {
                (Some(local), Some(_)) if is_role(local) => found = found.or(Some(Kind::Role)),
                (Some(_), Some(_)) => return Some(Kind::Personal),
                _ => {}
            }
        }
    }
    found
}

/// Whether a text holds one of the signs that are written instead of `@`.
pub(super) fn has_other_sign(text: &str) -> bool {
    SIGNS.iter().skip(1).any(|sign| text.contains(sign))
}

/// Whether a text is nothing but mailboxes: `jane@example.org`, `Jane <jane@example.org>`, and
/// lists of them.
pub(in super::super) fn is_record(text: &str) -> bool {
    text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()).all(is_one)
}

fn is_one(part: &str) -> bool {
    let inner = match part.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((_, inner)) => inner,
        None => part,
    };
    let inner = inner.trim_matches(['"', '\'', ' ', '(', ')']);
    // `mailto:` and the others are schemes of addresses that have the same form.
    let inner = match inner.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => inner,
    };
    SIGNS.iter().any(|sign| {
        inner.split_once(sign).is_some_and(|(left, right)| {
            let right = right.split('?').next().unwrap_or("");
            local(left).is_some_and(|local| local.len() == left.len())
                && domain(right) == Some(right.len())
        })
    })
}

fn is_scheme(text: &str) -> bool {
    ["mailto", "sip", "sips", "xmpp", "im", "acct"]
        .iter()
        .any(|scheme| text.eq_ignore_ascii_case(scheme))
}

const SIGNS: &[&str] = &["@", "%40", "[at]", "(at)", "[@]", " [at] ", " (at) ", "＠"];

/// Characters of a name that are looked back for: 64 of RFC 5321, and room for escapes. The bound
/// keeps a text of nothing but signs from costing its length squared.
const LOCAL_CHARS_MAX: usize = 80;

/// The name at the end of what stands before the sign.
fn local(left: &str) -> Option<&str> {
    let is_part = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '.' | '_' | '+' | '-' | '\'' | '%')
    };
    let start = left
        .char_indices()
        .rev()
        .take(LOCAL_CHARS_MAX)
        .take_while(|(_, letter)| is_part(*letter))
        .last()
        .map(|(at, _)| at)?;
    let before = left.get(..start)?;
    let name = left.get(start..)?.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let body = name.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    // `\w+@` is a class of a regular expression.
    let is_class = before.ends_with('\\') && body.len() == 1 && "wWdDsSb".contains(body);
    (!body.is_empty() && !is_class).then_some(name)
}

/// The length of the domain at the start of what stands behind the sign.
fn domain(right: &str) -> Option<usize> {
    let mut end = 0;
    let mut dots = 0;
    let mut rest = right;
    let mut last = "";
    loop {
        let length = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '-')
            .unwrap_or(rest.len());
        let (label, tail) = rest.split_at_checked(length)?;
        if label.is_empty() {
            break;
        }
        last = label;
        end = right.len() - tail.len();
        let dot = DOTS.iter().find(|dot| tail.starts_with(**dot));
        let Some(dot) = dot else { break };
        rest = tail.get(dot.len()..)?;
        dots += i32::from(rest.starts_with(|letter: char| letter.is_alphanumeric()));
    }
    let is_top = last.chars().count() >= 2
        && (last.chars().all(char::is_alphabetic) || last.starts_with("xn--"))
        && !FILES.iter().any(|file| last.eq_ignore_ascii_case(file));
    (dots > 0 && is_top).then_some(end)
}

const DOTS: &[&str] = &[".", "\\.", "[.]", "(.)", "[dot]", "(dot)", " [dot] ", " (dot) "];

/// Ends of file names (`logo@2x.png`, `pkg@1.0.tgz`) that are no top-level domains.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "tgz", "gz", "js", "css", "dll", "exe", "php", "html",
    "json", "txt", "xml",
];

fn is_role(local: &str) -> bool {
    ROLES.iter().any(|role| local.eq_ignore_ascii_case(role))
}

const ROLES: &[&str] = &[
    "abuse",
    "cert",
    "contact",
    "csirt",
    "cti",
    "git",
    "helpdesk",
    "hostmaster",
    "incident",
    "incidents",
    "info",
    "no-reply",
    "noc",
    "noreply",
    "postmaster",
    "press",
    "psirt",
    "secure",
    "security",
    "soc",
    "support",
    "threatintel",
    "webmaster",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_seen_in_their_disguises() {
        for text in [
            "write to jane.doe@example.org.",
            "jane%40example.org",
            "jane[at]example[.]org",
            "jane (at) example (dot) org",
            r"^jane\.doe@example\.org$",
            "иван@пример.рф",
            "qq@163.com",
            "mailto:jane@example.org?subject=x",
            "jane＠example.org",
        ] {
            assert_eq!(find(text), Some(Kind::Personal), "{text}");
        }
        assert_eq!(find("abuse@example.org"), Some(Kind::Role));
    }

    #[test]
    fn other_uses_of_the_sign_are_not() {
        for text in [
            "@handle",
            "Don't @ Me",
            "npm@1.2.3",
            ".*@example.org",
            r"\w+@example.org",
            "logo@2x.png",
            "set @s = master..xp",
            "ls -l@",
            "https://medium.com/@name/post",
            "hxxp://google.com@1157586937",
            ".+@example.org",
            "jane@corp",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_is_nothing_but_mailboxes() {
        assert!(is_record("Jane Doe <jane@example.org>; john@example.org"));
        assert!(is_record("mailto:jane@example.org") && is_record("sip:jane@example.org"));
        assert!(is_record("jane [at] example [dot] org"));
        assert!(!is_record("ask jane@example.org for it"));
    }
}
