//! `comity body up`: founds or takes up, serves, imports, and stays until it is told to stop.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use zeroize::Zeroizing;

use super::found::{self, Founded};
use super::layout::{Layout, Member, put};
use super::supervise::{Event, Kept, Order};
use super::{COLLECTION, LOGIN};
use crate::Outcome;
use crate::arguments::Up;
use crate::command::signals::Signals;
use crate::command::{Failure, cell, rows};
use crate::control::release::Share;
use crate::control::request::Request;
use crate::control::{Shown, ask, ask_with};
use crate::output::{Output, table};

pub(super) fn run(arguments: &Up, output: &Output) -> Result<Outcome, Failure> {
    let layout = Layout::new(&arguments.dir);
    layout.make()?;
    let _lock = layout.lock()?;
    let founded = found::found(&layout, arguments)?;
    let work = work(arguments, &founded)?;
    if let Some(none) = arguments.without.iter().find(|id| member(&founded, id).is_none()) {
        return Err(Failure::new(format!("--without: no node of a party `{none}` is here")));
    }
    if arguments.keep_logins {
        keep_logins(&layout, &founded.passwords)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    runtime.block_on(Body { layout, founded, arguments, output, work: Some(work) }.serve())
}

/// What is done once the nodes serve: bundles to import, and what of them is released.
type Work = Vec<Task>;

struct Task {
    party: String,
    files: Vec<PathBuf>,
    rules: Vec<String>,
}

/// Reads `--import` and `--release`, so that a mistake is told before anything is started.
fn work(arguments: &Up, founded: &Founded) -> Result<Work, Failure> {
    let mut work: BTreeMap<String, Task> = BTreeMap::new();
    let known = |party: &str, option: &str| {
        let here =
            member(founded, party).is_some() && !arguments.without.iter().any(|it| it == party);
        here.then(|| party.to_owned()).ok_or_else(|| {
            Failure::new(format!(
                "{option}: no node of a party `{}` serves here",
                party.escape_default()
            ))
        })
    };
    for text in &arguments.import {
        let (party, file) = text.split_once('=').ok_or_else(|| {
            Failure::new(format!("--import `{}`: required: PARTY=FILE", text.escape_default()))
        })?;
        let party = known(party, "--import")?;
        File::open(file).map_err(|error| Failure::new(format!("cannot read `{file}`: {error}")))?;
        let task = Task { party: party.clone(), files: Vec::new(), rules: Vec::new() };
        work.entry(party).or_insert(task).files.push(PathBuf::from(file));
    }
    let importing: Vec<String> = work.keys().cloned().collect();
    for text in &arguments.release {
        let (parties, rule) = match text.split_once('=') {
            Some((party, rule)) => (vec![known(party, "--release")?], rule),
            None => (importing.clone(), text.as_str()),
        };
        for party in parties {
            let task = Task { party: party.clone(), files: Vec::new(), rules: Vec::new() };
            work.entry(party).or_insert(task).rules.push(rule.to_owned());
        }
    }
    Ok(work.into_values().collect())
}

fn member<'a>(founded: &'a Founded, party: &str) -> Option<&'a Member> {
    founded.record.nodes.iter().find(|member| member.party == party)
}

/// Adds logins that are new to the file of them.
fn keep_logins(layout: &Layout, passwords: &BTreeMap<String, String>) -> Result<(), Failure> {
    if passwords.is_empty() {
        return Ok(());
    }
    let mut text = std::fs::read_to_string(layout.logins()).map(Zeroizing::new).unwrap_or_default();
    for (party, password) in passwords {
        text.push_str(&format!("{party} {LOGIN} {password}\n"));
    }
    put(&layout.logins(), &text)
}

struct Body<'a> {
    layout: Layout,
    founded: Founded,
    arguments: &'a Up,
    output: &'a Output,
    work: Option<Work>,
}

/// What an import and its release came to.
type Worked = Result<Vec<Value>, Failure>;

impl Body<'_> {
    async fn serve(mut self) -> Result<Outcome, Failure> {
        let mut signals = Signals::new()
            .map_err(|error| Failure::new(format!("signals cannot be heard: {error}")))?;
        let (give, order) = watch::channel(Order::Serve);
        let (tell, mut events) = mpsc::unbounded_channel();
        let mut keepers = JoinSet::new();
        for member in self.served() {
            let kept = Kept::new(&self.layout, member, self.arguments.tls);
            keepers.spawn(kept.keep(order.clone(), tell.clone()));
        }
        drop(tell);
        let mut urls: BTreeMap<String, String> = BTreeMap::new();
        let mut working: Option<JoinHandle<Worked>> = None;
        let mut result = Ok(Outcome::Done);
        loop {
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { break };
                    if let Err(failure) = self.told(event, &mut urls) {
                        result = Err(failure);
                        give.send_replace(Order::Stop);
                    }
                    if urls.len() == keepers.len() && let Some(work) = self.work.take() {
                        let layout = self.layout.clone();
                        working = Some(tokio::task::spawn_blocking(move || done(&layout, work)));
                    }
                }
                worked = finished(&mut working) => match worked {
                    Ok(lines) => result = result.and(self.is_up(&urls, &lines)),
                    Err(failure) => {
                        result = Err(failure);
                        give.send_replace(Order::Stop);
                    }
                },
                () = signals.next() => {
                    if *order.borrow() == Order::Serve {
                        self.output.remark("stopping: open requests end first; again: at once");
                        give.send_replace(Order::Stop);
                    } else {
                        give.send_replace(Order::Kill);
                    }
                }
            }
        }
        while keepers.join_next().await.is_some() {}
        result
    }

    /// The nodes that are to serve.
    fn served(&self) -> impl Iterator<Item = &Member> {
        let without = &self.arguments.without;
        self.founded.record.nodes.iter().filter(|member| !without.contains(&member.party))
    }

    fn told(&self, event: Event, urls: &mut BTreeMap<String, String>) -> Result<(), Failure> {
        match event {
            Event::Ready { party, url } => {
                if urls.insert(party.clone(), url).is_some() {
                    self.output.remark(&format!("the node of `{party}` serves again"));
                }
            }
            Event::Failed { party, why } => {
                return Err(Failure::new(format!("the node of `{party}`: {why}")));
            }
            Event::Died { party, status, again_in } => self.output.remark(&format!(
                "the node of `{party}` ended ({status}); it is started again in {} ms; {}",
                again_in.as_millis(),
                self.layout.log(&party).display()
            )),
            Event::Stopped { party } => {
                self.output.remark(&format!("the node of `{party}` stopped"));
            }
        }
        Ok(())
    }

    /// Says that all nodes serve, and where.
    fn is_up(&self, urls: &BTreeMap<String, String>, lines: &[Value]) -> Result<Outcome, Failure> {
        let Founded { record, charter, passwords } = &self.founded;
        let nodes: Vec<Value> = record.nodes.iter().map(|member| self.node(member, urls)).collect();
        let value = json!({
            "body": record.body,
            "charter": charter.hash.to_string(),
            "fingerprint": charter.hash.fingerprint(),
            "nodes": nodes,
            "imported": lines,
        });
        self.output.result(&value, || {
            let mut text = format!(
                "body       {}\ncharter    {}\nread aloud {}\n\n",
                record.body,
                charter.hash,
                charter.hash.fingerprint()
            );
            let kept = self.layout.logins();
            let password = |node: &Value| match cell(node, "password").as_str() {
                "-" if kept.exists() => format!("in {}", kept.display()),
                "-" => "shown before".to_owned(),
                password => password.to_owned(),
            };
            let cells = |node: &Value| {
                let of = |name| cell(node, name);
                vec![of("party"), of("taxii"), of("peers"), of("login"), password(node)]
            };
            let lines_of_nodes: Vec<Vec<String>> = nodes.iter().map(cells).collect();
            let head = ["PARTY", "CLIENTS", "PEERS", "LOGIN", "PASSWORD"];
            text.push_str(&table(&head, &lines_of_nodes));
            lines.iter().for_each(|line| text.push_str(&told_of(line)));
            if !passwords.is_empty() && !self.arguments.keep_logins {
                text.push_str("\npasswords are shown once; --keep-logins would keep them\n");
            }
            text.push_str(&format!(
                "\nlook       comity body status {}\nstop       Ctrl-C\n",
                self.layout.root().display()
            ));
            text
        });
        let clean = lines.iter().all(|line| cell(line, "refused") == "0");
        Ok(if clean { Outcome::Done } else { Outcome::Found })
    }

    fn node(&self, member: &Member, urls: &BTreeMap<String, String>) -> Value {
        let url = urls.get(&member.party);
        json!({
            "party": member.party,
            "name": member.name,
            "directory": self.layout.node(&member.party).display().to_string(),
            "taxii": url.map(|url| format!("{url}/taxii2/")),
            "listen": member.listens(),
            "peers": member.meets(),
            "login": LOGIN,
            "password": self.founded.passwords.get(&member.party),
            "collection": COLLECTION,
        })
    }
}

/// Waits for the work, if there is some; it is finished once.
async fn finished(working: &mut Option<JoinHandle<Worked>>) -> Worked {
    let Some(handle) = working else { return std::future::pending().await };
    let worked = handle.await;
    *working = None;
    worked.unwrap_or_else(|error| Err(Failure::new(format!("the import broke off: {error}"))))
}

/// Imports and releases, node by node.
fn done(layout: &Layout, work: Work) -> Worked {
    let mut lines = Vec::new();
    for Task { party, files, rules } in work {
        let dir = layout.node(&party);
        for path in files {
            let shown = path.display().to_string();
            let mut input = File::open(&path)
                .map_err(|error| Failure::new(format!("cannot read `{shown}`: {error}")))?;
            let request =
                Request::Import { collection: Some(COLLECTION.to_owned()), attest: false };
            let mut sink = Shown { out: io::sink(), bar: indicatif::ProgressBar::hidden() };
            let value = ask_with(&dir, request, &mut input, &mut sink)?;
            let (new, refused) = (value.get("stored"), value.get("refused"));
            let objects = value.get("objects");
            lines.push(json!({ "party": party, "did": "import", "file": shown, "objects": objects,
                "new": new, "refused": refused, "refusals": value.get("refusals") }));
        }
        for rule in rules {
            let share = Share {
                collection: Some(COLLECTION.to_owned()),
                objects: None,
                to: rule.clone(),
                tlp: None,
                dry_run: false,
                by: Some(LOGIN.to_owned()),
            };
            let value = ask(&dir, Request::Share(share))?;
            lines.push(json!({ "party": party, "did": "release", "rule": rule,
                "objects": value.get("objects"), "new": value.get("shared"),
                "refused": value.get("refused"), "refusals": value.get("refusals") }));
        }
    }
    Ok(lines)
}

fn told_of(line: &Value) -> String {
    let of = |name| cell(line, name);
    let mut text = if of("did") == "import" {
        format!(
            "\n{} imported {}: {} objects, {} new, {} refused\n",
            of("party"),
            of("file"),
            of("objects"),
            of("new"),
            of("refused")
        )
    } else {
        format!(
            "\n{} released to {}: {} objects, {} now, {} refused\n",
            of("party"),
            of("rule"),
            of("objects"),
            of("new"),
            of("refused")
        )
    };
    for refusal in rows(line, "refusals") {
        let why = ["why", "code"].map(|name| cell(refusal, name));
        let why = why.into_iter().find(|why| why != "-").unwrap_or_default();
        text.push_str(&format!("  refused  {}  {why}\n", cell(refusal, "id")));
    }
    text
}
