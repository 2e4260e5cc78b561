//! Patterns. Those of STIX are read and judged comparison by comparison, by the rules for what
//! they compare; those of every other language are scanned as text.

mod account;
mod rule;

use comity_wire::stix::pattern::{self, Comparison, Literal, Operator, Step};

use super::observable::{self, account::is_built_in, message, path, url};
use super::place::Place;
use super::text::{mailbox, number};
use super::walk::{Judge, Verdict};
use super::{EXPIRY_DAYS_MAX, code, custom, known, property, reference};
use crate::refusal::Code;

/// Judges a pattern, of a language or of none that is named.
pub(super) fn judge(
    judge: &mut Judge<'_>,
    language: Option<&str>,
    text: &str,
    place: &Place<'_>,
) -> Verdict {
    // STIX 2.0 named no language; a hostile sender may name a wrong one.
    let is_stix = language == Some("stix") || text.trim_start().starts_with(['[', '(']);
    if is_stix && let Ok(pattern) = pattern::parse(text) {
        for comparison in pattern.comparisons() {
            Comparing { judge, comparison, place }.all()?;
        }
        return Ok(());
    }
    rule::judge(judge, language.unwrap_or(""), text, place)
}

/// One comparison under judgement.
struct Comparing<'c, 'j, 'f> {
    judge: &'c mut Judge<'j>,
    comparison: &'c Comparison,
    place: &'c Place<'f>,
}

impl<'c> Comparing<'c, '_, '_> {
    fn all(&mut self) -> Verdict {
        self.names()?;
        self.expiry()?;
        let first = self.property(0).unwrap_or("");
        match self.comparison.object_type.as_str() {
            "email-addr" => self.mailbox()?,
            "user-account" => self.account(first)?,
            "email-message" => self.message(first)?,
            _ => {}
        }
        if self.has_step("creator_user_ref") {
            let named = self.last_property();
            self.account(if named == "creator_user_ref" { "user_id" } else { named })?;
        }
        for value in &self.comparison.values {
            if let Literal::Text(text) = value {
                self.text(text)?;
            }
        }
        Ok(())
    }

    /// The types and properties that the path names.
    fn names(&mut self) -> Verdict {
        custom::object_type(&self.comparison.object_type, self.place)?;
        for step in &self.comparison.path {
            if let Step::Property(name) = step {
                let subject = if known::is_name(name) { None } else { property::subject(name) };
                if let Some(subject) = subject {
                    return Err(property::refusal(subject, self.place));
                }
            }
        }
        Ok(())
    }

    fn expiry(&mut self) -> Verdict {
        let ends = self.has_step("src_ref") || self.has_step("dst_ref");
        let address = match self.comparison.object_type.as_str() {
            "ipv4-addr" | "ipv6-addr" | "mac-addr" => true,
            "network-traffic" => ends,
            _ => false,
        };
        if address {
            observable::purpose(self.judge, self.place)?;
        }
        let named = matches!(self.comparison.object_type.as_str(), "url" | "domain-name");
        if address || named {
            self.judge.findings.expiry_days_max = Some(EXPIRY_DAYS_MAX);
        }
        Ok(())
    }

    /// `email-addr:value`: an attacker's mailbox, or every mailbox of a domain.
    fn mailbox(&mut self) -> Verdict {
        if self.comparison.operator == Operator::Exists {
            return Ok(());
        }
        if self.last_property() != "value" {
            return Err(self
                .place
                .refuse(&code::PATTERN_MAILBOX)
                .found("more of a mailbox than its address")
                .required("`email-addr:value` alone"));
        }
        let domains = self.texts().all(is_any_of_domain);
        if domains {
            self.judge.findings.expiry_days_max = Some(EXPIRY_DAYS_MAX);
            return Ok(());
        }
        self.attackers(&code::PATTERN_MAILBOX, "a mailbox")
    }

    /// A property of an account.
    fn account(&mut self, property: &str) -> Verdict {
        let names = matches!(property, "account_login" | "user_id" | "display_name" | "credential");
        if !names || self.comparison.operator == Operator::Exists {
            return Ok(());
        }
        let built_in = self.comparison.values.iter().all(|value| match value {
            Literal::Text(text) => {
                is_built_in(text) || (property == "user_id" && is_system(text.parse().ok()))
            }
            Literal::Integer(id) => is_system(Some(*id)),
            _ => false,
        });
        if built_in && property != "credential" {
            return Ok(());
        }
        if matches!(property, "display_name" | "credential") {
            return Err(self
                .place
                .refuse(&code::PATTERN_ACCOUNT)
                .found("the name or the secret of whoever uses an account")
                .required("`account_login` or `user_id`"));
        }
        self.attackers(&code::PATTERN_ACCOUNT, "an account")
    }

    /// A property of a message.
    fn message(&mut self, first: &str) -> Verdict {
        let sender = matches!(first, "from_ref" | "sender_ref");
        if sender {
            if self.last_property() == "display_name" {
                return Err(self.part("the name of a sender"));
            }
            return if self.texts().all(is_any_of_domain) {
                Ok(())
            } else {
                self.attackers(&code::PATTERN_MAILBOX, "a sender")
            };
        }
        if let Some(found) = message::refused(first) {
            return Err(self.part(found));
        }
        if first == "body_multipart" && self.has_step("body") {
            return Err(self.part("the body"));
        }
        let header = self.property(1).unwrap_or("");
        if first == "additional_header_fields" && !message::is_path_header(header) {
            return Err(self.part("another header"));
        }
        Ok(())
    }

    fn part(&self, found: &'static str) -> crate::Refusal {
        self.place
            .refuse(&code::MESSAGE_PART)
            .found(found)
            .required("subject, attachments, received lines, or the attacker's own mailbox")
    }

    /// Any literal, whatever it is compared with.
    fn text(&mut self, text: &str) -> Verdict {
        let last = self.last_property();
        reference::single(text, self.place)?;
        match self.comparison.object_type.as_str() {
            kind if path::is_at_home(kind) => path::lint(self.judge, text, self.place),
            _ => {}
        }
        // The left half of a message id is a number of the server's, not a name.
        if last != "message_id" && mailbox::find(text).is_some() {
            self.attackers(&code::PATTERN_MAILBOX, "a mailbox")?;
        }
        match url::names(text) {
            Some(url::Names::Mailbox) => self.attackers(&code::PATTERN_MAILBOX, "a mailbox")?,
            Some(url::Names::Profile) => self.attackers(&code::PATTERN_ACCOUNT, "a profile")?,
            None => {}
        }
        if number::is_phone(text) {
            return Err(self
                .place
                .refuse(&code::PHONE)
                .found("a phone number")
                .required("no phone number"));
        }
        let found = number::find(text);
        if found.phone == number::Sure::Yes {
            self.judge.hold(&code::TEXT_PHONE, self.place);
        }
        if found.document == number::Sure::Yes {
            self.judge.hold(&code::TEXT_DOCUMENT, self.place);
        }
        Ok(())
    }

    /// What only the charter can let in: the attacker's own, compared exactly, for six months.
    fn attackers(&mut self, code: &'static Code, found: &'static str) -> Verdict {
        let facts = self.judge.facts;
        if !facts.admits_attacker_mailboxes || !facts.network_defence {
            return Err(self
                .place
                .refuse(code)
                .found(found)
                .required("a charter that admits what attackers control, for network defence"));
        }
        let exact = !self.comparison.negated
            && matches!(self.comparison.operator, Operator::Equal | Operator::In);
        if !exact {
            return Err(self
                .place
                .refuse(code)
                .found("a comparison that is not exact")
                .required("`=` or `IN`"));
        }
        self.judge.findings.expiry_days_max = Some(EXPIRY_DAYS_MAX);
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = &'c str> + use<'c> {
        let comparison = self.comparison;
        comparison.values.iter().map(|value| match value {
            Literal::Text(text) => text.as_str(),
            _ => "",
        })
    }

    fn property(&self, at: usize) -> Option<&'c str> {
        let comparison = self.comparison;
        match comparison.path.get(at)? {
            Step::Property(name) => Some(name),
            Step::Index(_) | Step::AnyIndex => None,
        }
    }

    fn last_property(&self) -> &'c str {
        let comparison = self.comparison;
        let mut steps = comparison.path.iter().rev();
        steps
            .find_map(|step| match step {
                Step::Property(name) => Some(name.as_str()),
                Step::Index(_) | Step::AnyIndex => None,
            })
            .unwrap_or("")
    }

    fn has_step(&self, name: &str) -> bool {
        self.comparison.path.iter().any(|step| matches!(step, Step::Property(step) if step == name))
    }
}

/// `%@evil.example`, `^.*@evil\.example$`: whoever writes from a domain.
fn is_any_of_domain(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, domain)| !name.contains(char::is_alphanumeric) && !domain.is_empty())
}

/// Numbers of accounts that systems give to themselves.
fn is_system(id: Option<i64>) -> bool {
    id.is_some_and(|id| (0..500).contains(&id) || id == 65534)
}
