//! What one charter changes in another, in words for a delegate. Whatever may loosen a safeguard
//! says so, and why: a delegate who reads nothing else reads that.

mod decision;
mod party;
mod structure;
mod terms;

use crate::model::Charter;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about: `party china.sco.example`, `retention`.
    pub subject: String,
    /// What changes.
    pub what: String,
    /// What it loosens, if it does, or may.
    pub loosens: Option<String>,
}

/// What `new` changes in `old`, in the order of the charter format.
pub fn diff(old: &Charter, new: &Charter) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    body(old, new, &mut changes);
    structure::tiers(old, new, &mut changes);
    party::parties(old, new, &mut changes);
    structure::offices(old, new, &mut changes);
    structure::organs(old, new, &mut changes);
    decision::rules(old, new, &mut changes);
    structure::instruments(old, new, &mut changes);
    structure::joining_and_leaving(old, new, &mut changes);
    terms::handling(old, new, &mut changes);
    terms::numbers(old, new, &mut changes);
    terms::switches(old, new, &mut changes);
    rest(old, new, &mut changes);
    changes.0
}

/// What no part above tells: nothing of it decides anything, and nobody is left to guess.
fn rest(old: &Charter, new: &Charter, changes: &mut Changes) {
    if (&old.predecessors, &old.guests) != (&new.predecessors, &new.guests) {
        changes.tell("history", "other predecessors, or other guests");
    }
    let same = Charter {
        hash: new.hash,
        version: new.version,
        previous: new.previous,
        body: new.body.clone(),
        ..old.clone()
    };
    if changes.0.len() <= 1 && same != *new {
        changes.tell("charter", "other names of rules, or another order");
    }
}

struct Changes(Vec<Change>);

impl Changes {
    fn tell(&mut self, subject: impl Into<String>, what: impl Into<String>) {
        self.put(subject, what, None);
    }

    fn loosen(
        &mut self,
        subject: impl Into<String>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.put(subject, what, Some(why.into()));
    }

    fn put(
        &mut self,
        subject: impl Into<String>,
        what: impl Into<String>,
        loosens: Option<String>,
    ) {
        self.0.push(Change { subject: subject.into(), what: what.into(), loosens });
    }
}

fn body(old: &Charter, new: &Charter, changes: &mut Changes) {
    if old.hash == new.hash {
        return;
    }
    if new.previous == Some(old.hash) && old.version.checked_add(1) == Some(new.version) {
        changes
            .tell("charter", format!("version {} succeeds version {}", new.version, old.version));
    } else {
        let what = format!("version {} does not succeed version {}", new.version, old.version);
        changes.tell("charter", format!("{what}: it names another charter, or another number"));
    }
    if old.body != new.body {
        changes.tell("body", format!("`{}` becomes `{}`", old.body, new.body));
    }
    if old.illustration != new.illustration {
        let what = if new.illustration.is_some() { "marked" } else { "not marked" };
        changes.tell("charter", format!("now {what} as an illustration"));
    }
    let lists = [
        ("purposes", names(&old.purposes, |it| it.name()), names(&new.purposes, |it| it.name())),
        (
            "registered extensions",
            names(&old.registered, String::as_str),
            names(&new.registered, String::as_str),
        ),
    ];
    for (subject, before, after) in lists {
        let (added, removed) = (minus(&after, &before), minus(&before, &after));
        if !added.is_empty() {
            let why = "more may be shared than before";
            changes.loosen(subject, format!("added: {}", added.join(", ")), why);
        }
        if !removed.is_empty() {
            changes.tell(subject, format!("removed: {}", removed.join(", ")));
        }
    }
    languages(old, new, changes);
}

fn languages(old: &Charter, new: &Charter, changes: &mut Changes) {
    let (before, after) = (&old.languages.authentic, &new.languages.authentic);
    let gone = minus(&names(before, String::as_str), &names(after, String::as_str));
    let what = format!("authentic: {} becomes {}", list(before), list(after));
    if !gone.is_empty() {
        changes.loosen("languages", what, "a text is final without that language");
    } else if before != after {
        changes.tell("languages", what);
    }
    if old.languages.working != new.languages.working {
        let (before, after) = (&old.languages.working, &new.languages.working);
        changes.tell("languages", format!("working: {} becomes {}", list(before), list(after)));
    }
}

fn names<'c, T>(items: &'c [T], name: impl Fn(&'c T) -> &'c str) -> Vec<&'c str> {
    items.iter().map(name).collect()
}

fn minus<'c>(from: &[&'c str], less: &[&str]) -> Vec<&'c str> {
    from.iter().filter(|one| !less.contains(one)).copied().collect()
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

/// Pairs what has the same id: before, after, or both.
fn pairs<'c, T>(
    old: &'c [T],
    new: &'c [T],
    id: impl Fn(&T) -> &str,
) -> Vec<(Option<&'c T>, Option<&'c T>)> {
    let mut pairs: Vec<_> = old
        .iter()
        .map(|before| (Some(before), new.iter().find(|it| id(it) == id(before))))
        .collect();
    let added = new.iter().filter(|after| !old.iter().any(|it| id(it) == id(after)));
    pairs.extend(added.map(|after| (None, Some(after))));
    pairs
}
