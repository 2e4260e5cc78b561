//! Phone numbers and numbers of identity papers in text, by their shape and by the words before
//! them. Shapes prove little: they flag; a shape behind a word that names it holds.

/// How sure a linter is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in super::super) enum Sure {
    No,
    Perhaps,
    Yes,
}

/// What was found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Found {
    pub(in super::super) phone: Sure,
    pub(in super::super) document: Sure,
}

/// A run of digits with the separators that people put between them.
struct Run<'t> {
    before: &'t str,
    text: &'t str,
    after: &'t str,
}

/// Looks at every number in a text.
pub(in super::super) fn find(text: &str) -> Found {
    let mut found = Found { phone: Sure::No, document: Sure::No };
    for run in (Runs { text, at: 0 }) {
        found.phone = found.phone.max(run.phone());
        found.document = found.document.max(run.document());
    }
    if has_machine_readable_zone(text) {
        found.document = Sure::Yes;
    }
    found
}

/// Whether a whole text is a phone number in the international form.
pub(in super::super) fn is_phone(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let run = Run { before: "", text, after: "" };
    run.is_only_number() && run.is_international()
}

/// Whether a whole text is the machine-readable zone of identity papers.
pub(in super::super) fn is_document(text: &str) -> bool {
    has_machine_readable_zone(text) && !text.trim().contains(' ')
}

/// Whether a whole query is a number that a person could be looked up by.
pub(in super::super) fn is_query(text: &str) -> (bool, bool) {
    let text = text.trim();
    let run = Run { before: "", text, after: "" };
    let digits = run.digits();
    let bare = run.is_only_number() && !run.is_version() && (9..=15).contains(&digits);
    let found = find(text);
    let phone = is_phone(text) || bare || found.phone > Sure::No;
    (phone, found.document > Sure::No || is_document(text))
}

impl Run<'_> {
    fn phone(&self) -> Sure {
        let digits = self.digits();
        if !(7..=15).contains(&digits) || self.is_version() {
            return Sure::No;
        }
        if self.is_inside_token() {
            return Sure::No;
        }
        let plus = self.text.trim_start_matches('(').starts_with('+');
        if (plus && self.is_international()) || ends_with_word(self.before, PHONE_WORDS) {
            return Sure::Yes;
        }
        if self.is_grouped(&[3, 3, 4]) || self.is_grouped(&[1, 3, 3, 4]) {
            return Sure::Perhaps;
        }
        Sure::No
    }

    fn document(&self) -> Sure {
        let digits = self.digits();
        if !(6..=12).contains(&digits) || self.is_version() {
            return Sure::No;
        }
        if ends_with_word(self.before.trim_end_matches(is_series), DOCUMENT_WORDS) {
            return Sure::Yes;
        }
        if self.is_grouped(&[3, 2, 4]) && !self.is_inside_token() {
            return Sure::Perhaps;
        }
        // `AB1234567`, but not the `KB4012598` of an update.
        let series_start = self.before.trim_end_matches(is_series).len();
        let series = self.before.get(series_start..).unwrap_or("");
        let outside = self.before.get(..series_start).unwrap_or("");
        let bounded = !outside.ends_with(is_token) && !self.after.starts_with(is_token);
        let solid = self.text.bytes().all(|byte| byte.is_ascii_digit());
        let shaped = matches!((series.len(), digits), (1, 8) | (2, 7));
        if bounded && solid && shaped && series != "KB" {
            return Sure::Perhaps;
        }
        Sure::No
    }

    fn digits(&self) -> usize {
        self.text.bytes().filter(u8::is_ascii_digit).count()
    }

    fn is_only_number(&self) -> bool {
        let text = self.text.trim_start_matches('(');
        let body = text.strip_prefix('+').unwrap_or(text);
        !body.is_empty() && body.chars().all(|letter| letter.is_ascii_digit() || is_gap(letter))
    }

    /// `+` and a country, 8 to 15 digits (E.164).
    fn is_international(&self) -> bool {
        let text = self.text.trim_start_matches('(');
        let body = text.strip_prefix('+').or(text.strip_prefix("00"));
        let first = body.and_then(|body| body.trim_start_matches(['(', ' ']).chars().next());
        (8..=17).contains(&self.digits()) && first.is_some_and(|first| ('1'..='9').contains(&first))
    }

    /// Dotted quads, versions and dates.
    fn is_version(&self) -> bool {
        let dotted = self.text.bytes().filter(|byte| *byte == b'.').count() >= 3;
        let mut groups = self.text.split('-');
        let year =
            |group: &str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
        let dated = groups.next().is_some_and(year)
            || self.text.rsplit('-').next().is_some_and(|group| {
                year(group) && self.text.split('-').count() == 3 && self.digits() == 8
            });
        dotted || (dated && self.text.contains('-'))
    }

    /// Part of a name, a path, a hash or an identifier.
    fn is_inside_token(&self) -> bool {
        let glued = |letter: char| is_token(letter) || "/=#&%@\\.$~*".contains(letter);
        let left = !self.text.starts_with('(') && self.before.ends_with(glued);
        left || self.after.starts_with(|letter| is_token(letter) || "/\\=@%".contains(letter))
    }

    /// Groups of these lengths, with something other than blanks between some of them.
    fn is_grouped(&self, lengths: &[usize]) -> bool {
        let groups = self
            .text
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|group| !group.is_empty())
            .map(str::len);
        groups.eq(lengths.iter().copied()) && self.text.contains(['-', '(', ')'])
    }
}

/// Finds the runs, one after another.
struct Runs<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Runs<'t> {
    type Item = Run<'t>;

    fn next(&mut self) -> Option<Run<'t>> {
        let rest = self.text.get(self.at..)?;
        let digit = self.at + rest.find(|letter: char| letter.is_ascii_digit())?;
        let head = self.text.get(self.at..digit)?;
        let start = digit - head.len() + head.trim_end_matches(['+', '(']).len();
        let body = self.text.get(digit..)?;
        let stop = body
            .find(|letter: char| !letter.is_ascii_digit() && !is_gap(letter))
            .unwrap_or(body.len());
        let body = body.get(..stop)?;
        let end = digit + body.trim_end_matches(is_gap).len();
        self.at = end;
        Some(Run {
            before: self.text.get(..start)?,
            text: self.text.get(start..end)?,
            after: self.text.get(end..)?,
        })
    }
}

fn is_gap(letter: char) -> bool {
    matches!(letter, ' ' | '-' | '.' | '(' | ')')
}

fn is_token(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-')
}

fn is_series(letter: char) -> bool {
    letter.is_ascii_uppercase()
}

/// Whether one of the words stands shortly before the end of a text, with nothing but `no.`,
/// `number`, colons and blanks behind it.
fn ends_with_word(text: &str, words: &[&str]) -> bool {
    let mut text = text;
    for _ in 0..4 {
        text = text.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        if words.iter().any(|word| ends_with(text, word)) {
            return true;
        }
        let filler = ["no", "nr", "number", "num", "is", "was", "at", "on", "№"];
        let Some(word) = filler.iter().find(|word| ends_with(text, word)) else {
            return false;
        };
        text = text.get(..text.len() - word.len()).unwrap_or("");
    }
    false
}

/// Ends with a word, in any case, a border before it.
fn ends_with(text: &str, word: &str) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else {
        return false;
    };
    let (Some(head), Some(tail)) = (text.get(..start), text.get(start..)) else {
        return false;
    };
    tail.eq_ignore_ascii_case(word) && !head.ends_with(char::is_alphanumeric)
}

const PHONE_WORDS: &[&str] = &[
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "fax",
    "whatsapp",
    "msisdn",
    "телефон",
    "тел",
    "电话",
    "手机",
];

const DOCUMENT_WORDS: &[&str] = &[
    "passport",
    "identity card",
    "id card",
    "national id",
    "national identity",
    "visa",
    "ssn",
    "social security",
    "driving licence",
    "driving license",
    "driver's licence",
    "driver's license",
    "паспорт",
    "护照",
    "身份证",
];

/// `P<UTOERIKSSON<<ANNA`: the first line of a passport, or of a card.
fn has_machine_readable_zone(text: &str) -> bool {
    text.match_indices("<<").any(|(at, _)| {
        let line = text.get(..at).unwrap_or("");
        let zone = line
            .char_indices()
            .rev()
            .take(ZONE_CHARS_MAX)
            .take_while(|(_, letter)| letter.is_ascii_uppercase() || *letter == '<')
            .last()
            .and_then(|(start, _)| line.get(start..))
            .unwrap_or("");
        zone.len() >= 6 && (zone.starts_with("P<") || zone.starts_with("I<"))
    })
}

/// Characters of a line of a machine-readable zone (ICAO 9303).
const ZONE_CHARS_MAX: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_seen() {
        for text in ["call +44 20 7946 0958 now", "tel: 020 7946 0958", "(+1) 202-555-0123"] {
            assert_eq!(find(text).phone, Sure::Yes, "{text}");
        }
        for text in ["202-555-0123", "(202) 555-0123.", "1-202-555-0123"] {
            assert_eq!(find(text).phone, Sure::Perhaps, "{text}");
        }
        for text in [
            "2020-01-01",
            "10.0.19041.1288",
            "CVE-2021-34527",
            "192.168.100.200",
            "T1059.001",
            "0x12345678",
            "a1b2c3d4-1234-4234-8234-123456789012",
            "port 8080 and 12345678",
            "+1157586937x",
            "January 12, 2020",
            "S-1-5-21-1234567890-1234567890",
        ] {
            assert_eq!(find(text).phone, Sure::No, "{text}");
        }
    }

    #[test]
    fn documents_are_seen() {
        for text in [
            "passport no. AB1234567",
            "Passport: 123456789",
            "SSN 123-45-6789",
            "P<UTOERIKSSON<<ANNA<MARIA<<<<",
        ] {
            assert_eq!(find(text).document, Sure::Yes, "{text}");
        }
        assert_eq!(find("AB1234567").document, Sure::Perhaps);
        assert_eq!(find("123-45-6789").document, Sure::Perhaps);
        for text in ["KB4012598", "MS17-010", "S0154", "AB1234567F", "build 1234567"] {
            assert_eq!(find(text).document, Sure::No, "{text}");
        }
    }
}
