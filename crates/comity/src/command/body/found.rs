//! The founding of a body whose nodes are all on this machine, in steps that can be taken again: a
//! founding that was broken off goes on where it stood.
//!
//! It is what parties do by hand, and each checks for itself then: a node for each, the keys of all
//! in one charter, the same charter taken up by each, the others' addresses.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use comity_charter::{Charter, Standing};
use comity_node::directory::DirectoryError;
use comity_node::{Directory, Node, NodeError, collection};

use super::layout::{Layout, Member, Record, get, put, told};
use super::{COLLECTION, ports};
use crate::arguments::Up;
use crate::command::{Failure, certificate, peer};
use crate::surroundings;

/// Nodes of one body on one machine: each takes some 20 MB, and follows all others.
const NODES_MAX: usize = 64;

/// How long a node that was left by a killed supervisor may take to end: it ends open requests
/// first, for ten seconds.
const LEFT_OVER: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A body as it stands in its directory.
pub(super) struct Founded {
    pub(super) record: Record,
    pub(super) charter: Charter,
}

/// What is to be founded, or taken up. Nothing is written by it.
pub(super) struct Plan {
    pub(super) record: Record,
    /// The charter, where the body is new.
    draft: Option<String>,
}

impl Plan {
    /// The charter, maybe without keys.
    pub(super) fn charter(&self, layout: &Layout) -> Result<Charter, Failure> {
        let there = || {
            let path = layout.charter();
            get(&if path.exists() { path } else { layout.draft() })
        };
        parsed(&self.draft.clone().map_or_else(there, Ok)?, "the charter of the body")
    }
}

/// Reads what is there and what is wanted.
pub(super) fn plan(layout: &Layout, arguments: &Up) -> Result<Plan, Failure> {
    let mut plan = match layout.read()? {
        Some(record) => taken_up(layout, arguments, record)?,
        None => begun(layout, arguments)?,
    };
    for member in &plan.record.nodes {
        await_end(&Directory::new(layout.node(&member.party)))?;
    }
    if plan.draft.is_some() || arguments.listen_from.is_some() {
        ports::give(&mut plan.record.nodes, arguments.listen_from)?;
    }
    ports::check(&plan.record.nodes)?;
    Ok(plan)
}

/// Founds the body, or takes it up again.
pub(super) fn found(layout: &Layout, plan: Plan) -> Result<Founded, Failure> {
    let Plan { record, draft } = plan;
    if let Some(draft) = draft {
        put(&layout.draft(), &draft)?;
    }
    // A directory with this file holds a body.
    layout.write(&record)?;
    let draft = get(&layout.draft())?;
    for member in &record.nodes {
        make(layout, member, &draft)?;
    }
    let text = charter(layout, &record, &draft)?;
    let charter = parsed(&text, "the charter of the body")?;
    for member in &record.nodes {
        let directory = Directory::new(layout.node(&member.party));
        if !directory.root().join("log.db").exists() {
            let transport = certificate::transport(&directory)?;
            Node::found_under(&directory, &text, &[], Some(transport.pin()))?;
        }
        let node = Node::open(directory, surroundings::real())?;
        let furnished = furnish(&node, &record, member);
        node.close();
        furnished?;
    }
    Ok(Founded { record, charter })
}

/// A body that is there.
fn taken_up(layout: &Layout, arguments: &Up, record: Record) -> Result<Plan, Failure> {
    if let Some(path) = &arguments.charter {
        let given = get(path)?;
        let own = [layout.draft(), layout.charter()];
        if !own.iter().any(|path| fs::read_to_string(path).is_ok_and(|text| text == given)) {
            return Err(Failure::new(format!(
                "`{}` holds the body `{}`, which another charter than `{}` founded; give another \
                 directory, or leave --charter out to take up what is there",
                layout.root().display(),
                record.body,
                path.display()
            )));
        }
    }
    if let Some(parties) = &arguments.parties {
        let wanted = chosen(&parsed(&get(&layout.draft())?, "draft.toml")?, Some(parties))?;
        let there: Vec<&String> = record.nodes.iter().map(|member| &member.party).collect();
        if wanted.iter().map(|(party, _)| party).ne(there.iter().copied()) {
            return Err(Failure::new(format!(
                "`{}` has nodes of other parties: {}; leave --parties out, or give another \
                 directory",
                layout.root().display(),
                list(there.into_iter())
            )));
        }
    }
    Ok(Plan { record, draft: None })
}

/// A body that is new: who has a node.
fn begun(layout: &Layout, arguments: &Up) -> Result<Plan, Failure> {
    let path = arguments.charter.as_ref().ok_or_else(|| {
        Failure::new(format!(
            "`{}` holds no body yet; say which charter founds it: --charter FILE",
            layout.root().display()
        ))
    })?;
    let draft = get(path)?;
    let charter = parsed(&draft, &path.display().to_string())?;
    let parties = chosen(&charter, arguments.parties.as_deref())?;
    let member = |(party, name)| Member { party, name, listen: 0, peers: 0 };
    let nodes = parties.into_iter().map(member).collect();
    Ok(Plan { record: Record { body: charter.body.clone(), nodes }, draft: Some(draft) })
}

fn parsed(text: &str, what: &str) -> Result<Charter, Failure> {
    comity_charter::parse(text).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| format!("{what}: {fault}")).collect();
        Failure::new(faults.join("\n"))
    })
}

/// The parties that get a node, with their names, in the order of the charter.
fn chosen(charter: &Charter, wanted: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
    let now = (surroundings::real().now)();
    let standing = |id: &str| charter.standing(id, now) != Standing::Out;
    let all = charter.parties.iter().map(|party| (party.id.clone(), party.name.clone()));
    let mut active: Vec<(String, String)> = all.filter(|(id, _)| standing(id)).collect();
    let known = list(active.iter().map(|(id, _)| id));
    match wanted.map(|text| (text, text.parse::<usize>())) {
        None => {}
        Some((_, Ok(count))) if (1..=active.len()).contains(&count) => active.truncate(count),
        Some((_, Ok(count))) => {
            return Err(Failure::new(format!(
                "--parties {count}: {} parties are in standing today: {known}",
                active.len()
            )));
        }
        Some((text, Err(_))) => {
            let ids: Vec<&str> = text.split(',').map(str::trim).collect();
            if let Some(none) = ids.iter().find(|id| !active.iter().any(|(it, _)| it == *id)) {
                return Err(Failure::new(format!(
                    "--parties: no party `{}` is in standing today; these are: {known}",
                    none.escape_default()
                )));
            }
            active.retain(|(id, _)| ids.contains(&id.as_str()));
        }
    }
    if active.is_empty() || active.len() > NODES_MAX {
        return Err(Failure::new(format!(
            "{} nodes; a body on one machine has from 1 to {NODES_MAX}: say which with --parties",
            active.len()
        )));
    }
    Ok(active)
}

fn list<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The directory of a node, with keys and without logs.
fn make(layout: &Layout, member: &Member, draft: &str) -> Result<(), Failure> {
    let place = layout.node(&member.party);
    if Directory::new(&place).holds_node() {
        return Ok(());
    }
    // Nothing has begun in one that was not finished.
    let new = layout.new_node(&member.party);
    if new.exists() {
        fs::remove_dir_all(&new).map_err(|error| told(&new, &error))?;
    }
    let directory = Directory::new(&new);
    Node::make(&directory, &member.party, draft, &surroundings::real())?;
    certificate::transport(&directory)?;
    fs::rename(&new, &place).map_err(|error| told(&place, &error))
}

/// The charter with the keys of all nodes: written once, and read from then on.
fn charter(layout: &Layout, record: &Record, draft: &str) -> Result<String, Failure> {
    let path = layout.charter();
    if path.exists() {
        return get(&path);
    }
    let mut geneses = BTreeMap::new();
    for member in &record.nodes {
        let said = peer::genesis(&layout.node(&member.party))?;
        geneses.insert(member.party.clone(), peer::keys(&said));
    }
    let text = comity_charter::with_geneses(draft, &geneses).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| format!("charter: {fault}")).collect();
        Failure::new(faults.join("\n"))
    })?;
    put(&path, &text)?;
    Ok(text)
}

/// A node of a supervisor that was killed ends by itself; until then it has its directory.
fn await_end(directory: &Directory) -> Result<(), Failure> {
    if !directory.holds_node() {
        return Ok(());
    }
    for _ in 0..LEFT_OVER.as_millis() / LOOK_EVERY.as_millis() {
        match directory.lock() {
            Err(DirectoryError::Busy(_)) => std::thread::sleep(LOOK_EVERY),
            other => return other.map(drop).map_err(|error| Failure::new(error.to_string())),
        }
    }
    Err(Failure::new(format!(
        "another process has `{}` open; stop it, and start the body again",
        directory.root().display()
    )))
}

/// What a new node needs to be of use: a collection, and the other nodes' addresses.
fn furnish(node: &Node, record: &Record, member: &Member) -> Result<(), NodeError> {
    if node.collection(COLLECTION).is_none() {
        let title = format!("Desk of {}", member.name);
        let alias = Some(COLLECTION.to_owned());
        node.collection_add(&collection::New { title, alias, ..collection::New::default() })?;
    }
    let known = node.peers()?;
    for other in record.nodes.iter().filter(|other| other.party != member.party) {
        let address = other.meets();
        if !known.iter().any(|peer| peer.party == other.party && peer.address == address) {
            node.peer_add(&other.party, &address)?;
        }
    }
    Ok(())
}
