//! What is done once the nodes serve: first logins, bundles to import, and what of them is
//! released. It goes through their control sockets, as commands do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use comity_charter::{Charter, Rule, Tlp};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::layout::{Layout, Record, put};
use super::{COLLECTION, LOGIN};
use crate::arguments::Up;
use crate::command::{Failure, cell, rows};
use crate::control::release::Share;
use crate::control::request::{Quota, Request};
use crate::control::{Shown, ask, ask_with};
use crate::surroundings;

/// What is to be done.
pub(super) struct Work {
    layout: Layout,
    parties: Vec<String>,
    tasks: BTreeMap<String, Task>,
    keep_logins: bool,
}

#[derive(Default)]
struct Task {
    files: Vec<PathBuf>,
    rules: Vec<String>,
}

/// What was done, however far it came.
#[derive(Default)]
pub(super) struct Worked {
    /// The passwords that were drawn now, by party.
    pub(super) passwords: BTreeMap<String, String>,
    /// Imports and releases.
    pub(super) lines: Vec<Value>,
    /// Why it came no further.
    pub(super) failure: Option<Failure>,
}

impl Work {
    /// Reads `--import` and `--release`, so that a mistake is told before anything is made.
    pub(super) fn read(
        layout: &Layout,
        record: &Record,
        charter: &Charter,
        up: &Up,
    ) -> Result<Work, Failure> {
        let parties: Vec<String> = record.nodes.iter().map(|it| it.party.clone()).collect();
        if let Some(none) = up.without.iter().find(|id| !parties.contains(id)) {
            let what = format!("--without: no node of a party `{}` is here", none.escape_default());
            return Err(Failure::new(what));
        }
        let known = |party: &str, option: &str| {
            let served =
                parties.iter().any(|it| it == party) && !up.without.iter().any(|it| it == party);
            served.then(|| party.to_owned()).ok_or_else(|| {
                let party = party.escape_default();
                Failure::new(format!("{option}: no node of a party `{party}` serves here"))
            })
        };
        let mut tasks: BTreeMap<String, Task> = BTreeMap::new();
        for text in &up.import {
            let (party, file) = text.split_once('=').ok_or_else(|| {
                Failure::new(format!("--import `{}`: required: PARTY=FILE", text.escape_default()))
            })?;
            let party = known(party, "--import")?;
            File::open(file)
                .map_err(|error| Failure::new(format!("cannot read `{file}`: {error}")))?;
            tasks.entry(party).or_default().files.push(PathBuf::from(file));
        }
        let importing: Vec<String> = tasks.keys().cloned().collect();
        for text in &up.release {
            let (parties, rule) = match text.split_once('=') {
                Some((party, rule)) => (vec![known(party, "--release")?], rule),
                None if importing.is_empty() => {
                    let what = "--release: nothing is imported; say whose it is: PARTY=RULE";
                    return Err(Failure::new(what));
                }
                None => (importing.clone(), text.as_str()),
            };
            let told = |error| Failure::new(format!("--release: {error}"));
            let parsed = Rule::parse(rule).map_err(told)?;
            let now = (surroundings::real().now)();
            for party in parties {
                // Keys come later; what it names has to be in the charter, and the party may share.
                charter.compile(&parsed, &party, Tlp::Amber, now).map_err(told)?;
                tasks.entry(party).or_default().rules.push(rule.to_owned());
            }
        }
        Ok(Work { layout: layout.clone(), parties, tasks, keep_logins: up.keep_logins })
    }

    /// Does it.
    pub(super) fn carry_out(self) -> Worked {
        let mut worked = Worked::default();
        worked.failure = self.all(&mut worked).err();
        worked
    }

    fn all(&self, worked: &mut Worked) -> Result<(), Failure> {
        for party in &self.parties {
            let Some(password) = self.first_login(party)? else { continue };
            // One by one: whatever ends this process loses one password, not all.
            if self.keep_logins {
                keep_login(&self.layout, party, &password)?;
            }
            worked.passwords.insert(party.clone(), password);
        }
        for (party, task) in &self.tasks {
            for path in &task.files {
                worked.lines.push(self.import(party, path)?);
            }
            for rule in &task.rules {
                worked.lines.push(self.release(party, rule)?);
            }
        }
        Ok(())
    }

    /// Gives the password, if the login was made now.
    fn first_login(&self, party: &str) -> Result<Option<String>, Failure> {
        let dir = self.layout.node(party);
        let users = ask(&dir, Request::UserList)?;
        if rows(&users, "users").any(|user| cell(user, "name") == LOGIN) {
            return Ok(None);
        }
        let (name, role) = (LOGIN.to_owned(), "releaser".to_owned());
        let quota = Quota::default();
        let made = ask(&dir, Request::UserAdd { name, role, password: None, quota })?;
        Ok(Some(cell(&made, "password")))
    }

    fn import(&self, party: &str, path: &PathBuf) -> Result<Value, Failure> {
        let file = path.display().to_string();
        let mut input = File::open(path)
            .map_err(|error| Failure::new(format!("cannot read `{file}`: {error}")))?;
        let request = Request::Import { collection: Some(COLLECTION.to_owned()), attest: false };
        let mut sink = Shown { out: io::sink(), bar: indicatif::ProgressBar::hidden() };
        let value = ask_with(&self.layout.node(party), request, &mut input, &mut sink)?;
        if let Some(broken) = value.get("broken_off").and_then(Value::as_str) {
            return Err(Failure::new(format!("`{file}`, broken off: {broken}")));
        }
        let of = |name| value.get(name);
        Ok(json!({
            "party": party, "did": "import", "file": file, "objects": of("objects"),
            "done": of("stored"), "refused": of("refused"), "refusals": of("refusals"),
        }))
    }

    fn release(&self, party: &str, rule: &str) -> Result<Value, Failure> {
        let share = Share {
            collection: Some(COLLECTION.to_owned()),
            objects: None,
            to: rule.to_owned(),
            tlp: None,
            pap: None,
            dry_run: false,
            by: Some(LOGIN.to_owned()),
        };
        let value = ask(&self.layout.node(party), Request::Share(share))?;
        let of = |name| value.get(name);
        Ok(json!({
            "party": party, "did": "release", "rule": rule, "objects": of("objects"),
            "done": of("shared"), "refused": of("refused"), "refusals": of("refusals"),
        }))
    }
}

/// Adds a login that is new to the file of them.
fn keep_login(layout: &Layout, party: &str, password: &str) -> Result<(), Failure> {
    let path = layout.logins();
    let mut text = std::fs::read_to_string(&path).map(Zeroizing::new).unwrap_or_default();
    text.push_str(&format!("{party} {LOGIN} {password}\n"));
    put(&path, &text)
}

/// A line about an import or a release.
pub(super) fn told(line: &Value) -> String {
    let of = |name| cell(line, name);
    let (party, objects, done, refused) = (of("party"), of("objects"), of("done"), of("refused"));
    let mut text = if of("did") == "import" {
        let file = of("file");
        format!("{party} imported {file}: {objects} objects, {done} new, {refused} refused\n")
    } else {
        let rule = of("rule");
        format!("{party} released to {rule}: {objects} objects, {done} now, {refused} refused\n")
    };
    for refusal in rows(line, "refusals") {
        let why = ["why", "code"].map(|name| cell(refusal, name));
        let why = why.into_iter().find(|why| why != "-").unwrap_or_default();
        text.push_str(&format!("  refused  {}  {why}\n", cell(refusal, "id")));
    }
    text
}
