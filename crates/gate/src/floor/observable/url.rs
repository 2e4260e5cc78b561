//! URLs: addresses of profiles and accounts, and mailboxes inside a URL.

use super::super::code;
use super::super::place::Place;
use super::super::text::mailbox;
use super::super::walk::{Judge, Verdict};

/// What a URL was found to stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Names {
    Mailbox,
    Profile,
}

/// Judges a string outside prose: where the whole of it is a URL, it must name no person.
pub(in super::super) fn in_value(judge: &mut Judge<'_>, text: &str, place: &Place<'_>) -> Verdict {
    match names(text) {
        Some(Names::Mailbox) => Err(place
            .refuse(&code::MAILBOX)
            .found("a URL with a mailbox in it")
            .required("a URL without a mailbox")),
        Some(Names::Profile) => Err(place
            .refuse(&code::PROFILE_URL)
            .found("the address of a profile or an account")
            .required("an address that stands for nobody")),
        None => {
            if user_info(text).is_some() {
                judge.flag(&code::TEXT_ACCOUNT, place);
            }
            Ok(())
        }
    }
}

/// What a URL stands for; nothing for a text that is no URL.
pub(in super::super) fn names(text: &str) -> Option<Names> {
    let text = text.trim();
    if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
        return Some(Names::Mailbox);
    }
    let (authority, path) = parts(text)?;
    if has_mailbox(authority, path) {
        return Some(Names::Mailbox);
    }
    is_profile(host_of(authority), path).then_some(Names::Profile)
}

/// Characters of a URL in prose that are looked at: host and first steps of the path tell.
const URL_CHARS_MAX: usize = 512;

/// Whether any URL in prose is that of a profile.
pub(in super::super) fn names_account(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let url = text.get(at..).unwrap_or("");
        let end = url
            .char_indices()
            .take(URL_CHARS_MAX)
            .take_while(|(_, letter)| !letter.is_whitespace() && !"()<>\"'`]".contains(*letter))
            .last()
            .map_or(0, |(at, letter)| at + letter.len_utf8());
        // Sentences end behind URLs.
        let url = url.get(..end).unwrap_or("").trim_end_matches(['.', ',', ';']);
        parts(url).is_some_and(|(authority, path)| is_profile(host_of(authority), path))
    })
}

/// Authority and the rest of a text that is one URL, defanged or not.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.len() <= 12
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.[]".contains(&byte));
    if !is_scheme || rest.contains(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

fn host_of(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or(authority);
    host.split(':').next().unwrap_or(host)
}

fn user_info(text: &str) -> Option<&str> {
    let (authority, _) = parts(text.trim())?;
    authority.rsplit_once('@').map(|(user, _)| user)
}

/// A mailbox in the path or the query, or in place of the host. `user:password@host` is an
/// account of the attacker's server and is flagged; `www.bank.example@host` is a disguise.
fn has_mailbox(authority: &str, path: &str) -> bool {
    if mailbox::find(path).is_some() {
        return true;
    }
    match authority.rsplit_once('@') {
        None => false,
        Some((user, _)) if mailbox::find(user).is_some() => true,
        Some((user, _)) => {
            let disguise = user.starts_with("www.")
                || [".com", ".org", ".net"].iter().any(|top| user.ends_with(top));
            !user.contains(':') && !disguise && mailbox::find(authority).is_some()
        }
    }
}

/// Sites where an address stands for an account: host, and what the path has to look like.
fn is_profile(host: &str, path: &str) -> bool {
    let known = SITES.iter().find(|(site, _)| is_host(host, site));
    let path = path.split(['?', '#']).next().unwrap_or("");
    let mut steps = path.split('/').filter(|step| !step.is_empty());
    let (first, second) = (steps.next(), steps.next());
    let Some(first) = first else {
        return false;
    };
    match known.map(|(_, shape)| shape) {
        Some(Shape::First(reserved)) => !reserved.contains(&first),
        Some(Shape::Only(reserved)) => second.is_none() && !reserved.contains(&first),
        Some(Shape::Under(parents)) => {
            first.starts_with('@') && second.is_none()
                || (parents.contains(&first) && second.is_some())
        }
        // The fediverse: `/@name` and `/@name@host` on any host.
        None => first.starts_with('@') && first.len() > 1 && second.is_none(),
    }
}

/// `www.example.com` and `m.example[.]com` are `example.com`.
fn is_host(host: &str, site: &str) -> bool {
    let plain = host.chars().filter(|letter| !"[]".contains(*letter)).rev();
    let mut plain = plain.map(|letter| letter.to_ascii_lowercase());
    let matches = site.chars().rev().all(|letter| plain.next() == Some(letter));
    matches && matches!(plain.next(), None | Some('.'))
}

/// What the path of a profile looks like.
enum Shape {
    /// The first step is an account, unless reserved.
    First(&'static [&'static str]),
    /// A path of one step is an account, unless reserved; longer ones are works.
    Only(&'static [&'static str]),
    /// The step behind one of these is an account; so is a single `@name`.
    Under(&'static [&'static str]),
}

#[rustfmt::skip]
static SITES: &[(&str, Shape)] = &[
    ("twitter.com", Shape::First(&["i", "home", "search", "share", "intent", "hashtag", "explore"])),
    ("x.com", Shape::First(&["i", "home", "search", "share", "intent", "hashtag", "explore"])),
    ("facebook.com", Shape::Only(&["sharer", "dialog", "login", "help", "share.php", "tr"])),
    ("instagram.com", Shape::Only(&["p", "explore", "accounts", "reel"])),
    ("threads.net", Shape::Under(&[])),
    ("linkedin.com", Shape::Under(&["in", "pub"])),
    ("t.me", Shape::First(&["joinchat", "share", "proxy", "socks"])),
    ("telegram.me", Shape::First(&["joinchat", "share", "proxy", "socks"])),
    ("vk.com", Shape::Only(&["feed", "wall", "doc", "share.php", "away.php"])),
    ("ok.ru", Shape::Under(&["profile"])),
    ("weibo.com", Shape::Only(&["login.php"])),
    ("tiktok.com", Shape::Under(&[])),
    ("youtube.com", Shape::Under(&["user", "channel", "c"])),
    ("medium.com", Shape::Under(&[])),
    ("reddit.com", Shape::Under(&["user", "u"])),
    ("github.com", Shape::Only(&["login", "features", "about", "security", "pricing", "topics"])),
    ("gitlab.com", Shape::Only(&["users", "explore", "help"])),
    ("bsky.app", Shape::Under(&["profile"])),
    ("keybase.io", Shape::Only(&["docs", "download"])),
    ("wa.me", Shape::First(&[])),
    ("snapchat.com", Shape::Under(&["add"])),
    ("pinterest.com", Shape::Only(&["pin", "search"])),
    ("flickr.com", Shape::Under(&["people", "photos"])),
    ("steamcommunity.com", Shape::Under(&["id", "profiles"])),
    ("orcid.org", Shape::Only(&["signin", "register"])),
    ("matrix.to", Shape::First(&[])),
    ("discordapp.com", Shape::Under(&["users"])),
    ("discord.com", Shape::Under(&["users"])),
    ("soundcloud.com", Shape::Only(&["discover", "search"])),
    ("livejournal.com", Shape::Under(&["users"])),
];
