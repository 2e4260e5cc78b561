//! `comity body up`: founds or takes up, serves, imports, and stays until it is told to stop.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::found::{self, Founded};
use super::layout::{Layout, Member};
use super::supervise::{Event, Kept, Order};
use super::work::{Work, Worked, told};
use super::{COLLECTION, LOGIN};
use crate::Outcome;
use crate::arguments::Up;
use crate::command::signals::Signals;
use crate::command::{Failure, cell};
use crate::output::{Output, table};

pub(super) fn run(arguments: &Up, output: &Output) -> Result<Outcome, Failure> {
    let layout = Layout::new(&arguments.dir);
    let there = layout.read()?.is_some();
    let early = there.then(|| layout.lock()).transpose()?;
    // What is wrong is told before anything is made.
    let plan = found::plan(&layout, arguments)?;
    let work = Some(Work::read(&layout, &plan.record, &plan.charter(&layout)?, arguments)?);
    layout.make()?;
    let _lock = early.map_or_else(|| layout.lock(), Ok)?;
    let founded = found::found(&layout, plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    runtime.block_on(Body { layout, founded, arguments, output, work }.serve())
}

struct Body<'a> {
    layout: Layout,
    founded: Founded,
    arguments: &'a Up,
    output: &'a Output,
    work: Option<Work>,
}

impl Body<'_> {
    async fn serve(mut self) -> Result<Outcome, Failure> {
        let mut signals = Signals::new(false)
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
                        working = Some(tokio::task::spawn_blocking(|| work.carry_out()));
                    }
                }
                worked = finished(&mut working) => {
                    let outcome = self.is_up(&urls, &worked);
                    result = result.and(worked.failure.map_or(Ok(outcome), Err));
                    if result.is_err() {
                        give.send_replace(Order::Stop);
                    }
                }
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
    fn is_up(&self, urls: &BTreeMap<String, String>, worked: &Worked) -> Outcome {
        let Founded { record, charter } = &self.founded;
        let node = |member| self.node(member, urls, &worked.passwords);
        let nodes: Vec<Value> = record.nodes.iter().map(node).collect();
        let value = json!({
            "body": record.body,
            "charter": charter.hash.to_string(),
            "fingerprint": charter.hash.fingerprint(),
            "nodes": nodes,
            "imported": worked.lines,
        });
        self.output.result(&value, || self.table(&nodes, worked));
        let clean = worked.lines.iter().all(|line| cell(line, "refused") == "0");
        if clean { Outcome::Done } else { Outcome::Found }
    }

    fn node(
        &self,
        member: &Member,
        urls: &BTreeMap<String, String>,
        passwords: &BTreeMap<String, String>,
    ) -> Value {
        let url = urls.get(&member.party);
        json!({
            "party": member.party,
            "name": member.name,
            "directory": self.layout.node(&member.party).display().to_string(),
            "taxii": url.map(|url| format!("{url}/taxii2/")),
            "listen": member.listens(),
            "peers": member.meets(),
            "login": LOGIN,
            "password": passwords.get(&member.party),
            "collection": COLLECTION,
        })
    }

    fn table(&self, nodes: &[Value], worked: &Worked) -> String {
        let Founded { record, charter } = &self.founded;
        let kept = self.layout.logins();
        let password = |node: &Value| match cell(node, "password").as_str() {
            _ if kept.exists() => format!("in {}", kept.display()),
            "-" => "shown before".to_owned(),
            password => password.to_owned(),
        };
        let cells = |node: &Value| {
            let of = |name| cell(node, name);
            vec![of("party"), of("taxii"), of("peers"), of("login"), password(node)]
        };
        let cells: Vec<Vec<String>> = nodes.iter().map(cells).collect();
        let head = ["PARTY", "CLIENTS", "PEERS", "LOGIN", "PASSWORD"];
        let mut text = format!(
            "body       {}\ncharter    {}\nread aloud {}\n\n{}",
            record.body,
            charter.hash,
            charter.hash.fingerprint(),
            table(&head, &cells)
        );
        if !worked.passwords.is_empty() && !kept.exists() {
            text.push_str("passwords are shown once; --keep-logins keeps them\n");
        }
        if !worked.lines.is_empty() {
            text.push('\n');
        }
        worked.lines.iter().for_each(|line| text.push_str(&told(line)));
        let dir = self.layout.root().display();
        text.push_str(&format!("\nlook       comity body status {dir}\nstop       Ctrl-C\n"));
        text
    }
}

/// Waits for the work, if there is some; it is finished once.
async fn finished(working: &mut Option<JoinHandle<Worked>>) -> Worked {
    let Some(handle) = working else { return std::future::pending().await };
    let worked = handle.await;
    *working = None;
    worked.unwrap_or_else(|error| {
        let failure = Some(Failure::new(format!("the import broke off: {error}")));
        Worked { failure, ..Worked::default() }
    })
}
