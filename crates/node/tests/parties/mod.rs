//! Nodes of three parties in one process, that follow each other with nothing between them.

#![allow(dead_code, reason = "each test uses what it needs")]

pub(crate) mod stranger;

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_charter::Tlp;
use comity_node::Checked;
use comity_node::adopt::Adopted;
use comity_node::collection::{Collection, New};
use comity_node::consent::Consenting;
use comity_node::peer::Peer;
use comity_node::recover::{Recovery, Wanted};
use comity_node::role::Role;
use comity_node::share::{Asked, Report};
use comity_node::submit::{Outcome, Terms};
use comity_node::sync::{Ask, Came, Fault, Next, Pull, Room};
use comity_node::{Directory, Node};
use comity_tlog::Verifier;
use comity_view::{Position, Readable, Reader, Right, Rights};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::release;
use comity_wire::taxii::filter::{Query, Versions};
use comity_wire::time::Micros;

use crate::world::{World, verified};

pub(crate) const ALPHA: &str = "alpha.example";
pub(crate) const BETA: &str = "beta.example";
pub(crate) const GAMMA: &str = "gamma.example";
pub(crate) const PARTIES: [&str; 3] = [ALPHA, BETA, GAMMA];

/// Leaves that a pull takes at most.
const LEAVES_MAX: u64 = 1_000_000;

/// A body of three, and where each has its node.
pub(crate) struct Parties {
    pub(crate) world: World,
    pub(crate) nodes: BTreeMap<&'static str, Node>,
    /// The checkpoints that nodes store leaves on the way to, over days.
    aimed: RefCell<BTreeMap<(String, u8), String>>,
}

impl Parties {
    pub(crate) fn new() -> Parties {
        Parties::under("")
    }

    /// Under a charter with more terms.
    pub(crate) fn under(terms: &str) -> Parties {
        Parties::of(|charter| charter + terms)
    }

    /// Under a charter that wants members assessed.
    pub(crate) fn assessing() -> Parties {
        let assessed = "default_tlp = \"AMBER+STRICT\"\nassessed = [\"member\"]";
        Parties::of(|charter| charter.replace("default_tlp = \"AMBER+STRICT\"", assessed))
    }

    fn of(change: impl Fn(String) -> String) -> Parties {
        let world = World::new();
        let draft = charter(|_| String::new());
        for party in PARTIES {
            let directory = Directory::new(world.path(party));
            Node::make(&directory, party, &draft, &world.surroundings).unwrap();
        }
        let founded = change(charter(|party| genesis(&Directory::new(world.path(party)), party)));
        let mut parties = Parties { world, nodes: BTreeMap::new(), aimed: RefCell::default() };
        for party in PARTIES {
            let directory = Directory::new(parties.world.path(party));
            std::fs::write(directory.charter(), &founded).unwrap();
            parties.open(party);
            let node = &parties.nodes[party];
            for (name, role) in [
                ("releaser", Role::Releaser),
                ("analyst", Role::Analyst),
                ("delegate", Role::Delegate),
            ] {
                node.user_add(name, role, Some("an exercise pass phrase")).unwrap();
            }
            node.collection_add(&New { title: "Desk".to_owned(), ..New::default() }).unwrap();
            for other in PARTIES.into_iter().filter(|other| *other != party) {
                node.peer_add(other, "127.0.0.1:1").unwrap();
            }
        }
        parties
    }

    pub(crate) fn open(&mut self, party: &'static str) {
        let directory = Directory::new(self.world.path(party));
        let node = Node::open(directory, self.world.surroundings.clone()).unwrap();
        self.nodes.insert(party, node);
    }

    pub(crate) fn reopen(&mut self, party: &'static str) {
        self.nodes.remove(party).unwrap().close();
        self.open(party);
    }

    pub(crate) fn node(&self, party: &str) -> &Node {
        &self.nodes[party]
    }

    pub(crate) fn by(&self, party: &str, user: &str) -> Checked {
        self.node(party).acting(user).unwrap()
    }

    pub(crate) fn desk(&self, party: &str) -> Collection {
        self.node(party).collections().into_iter().find(|one| one.title == "Desk").unwrap()
    }

    pub(crate) fn collection(&self, party: &str, alias: &str) -> Collection {
        if alias == "desk" { self.desk(party) } else { self.node(party).collection(alias).unwrap() }
    }

    pub(crate) fn post(&self, party: &str, object: &str) {
        let (node, by) = (self.node(party), self.by(party, "analyst"));
        let objects = [object.as_bytes()];
        let verdicts =
            node.submit(&by, &self.desk(party), &objects, Terms::default(), node.now()).unwrap();
        assert!(matches!(verdicts[0].outcome, Outcome::Stored(_)), "{verdicts:?}");
    }

    pub(crate) fn try_share(
        &self,
        party: &str,
        from: &str,
        number: u32,
        rule: &str,
        tlp: Option<Tlp>,
    ) -> Report {
        self.try_share_all(party, from, &[number], rule, tlp)
    }

    fn try_share_all(
        &self,
        party: &str,
        from: &str,
        numbers: &[u32],
        rule: &str,
        tlp: Option<Tlp>,
    ) -> Report {
        let node = self.node(party);
        let ids: Vec<String> = numbers.iter().map(|number| id(*number)).collect();
        let asked = Asked { objects: Some(&ids), rule, tlp, dry_run: false };
        let readable = readable(node, &self.collection(party, from));
        node.share(&self.by(party, "releaser"), readable, asked, node.now()).unwrap()
    }

    /// Shares objects of the desk together, GREEN.
    pub(crate) fn share_all(&self, party: &str, numbers: &[u32], rule: &str) {
        let report = self.try_share_all(party, "desk", numbers, rule, Some(Tlp::Green));
        assert_eq!(report.shared, numbers.len() as u64, "{report:?}");
    }

    pub(crate) fn share(&self, party: &str, number: u32, rule: &str) {
        let report = self.try_share(party, "desk", number, rule, None);
        assert_eq!(report.shared, 1, "{report:?}");
    }

    /// Posts an object and shares it, GREEN.
    pub(crate) fn give(&self, party: &str, number: u32, object: &str, rule: &str) {
        self.post(party, object);
        let report = self.try_share(party, "desk", number, rule, Some(Tlp::Green));
        assert_eq!(report.shared, 1, "{report:?}");
    }

    pub(crate) fn consent(&self, party: &str, number: u32, to: &str, rule: &str) -> Report {
        let (node, ids) = (self.node(party), [id(number)]);
        let what = Consenting { objects: &ids, party: to, rule };
        node.consent(&self.by(party, "releaser"), what, node.now()).unwrap()
    }

    pub(crate) fn adopt(&self, party: &str, from: &str, number: u32) -> Adopted {
        let (node, ids) = (self.node(party), [id(number)]);
        let from = readable(node, &self.collection(party, from));
        node.adopt(&self.by(party, "analyst"), from, Some(&ids), &self.desk(party), node.now())
            .unwrap()
    }

    pub(crate) fn withdraw(&self, party: &str, number: u32) {
        let node = self.node(party);
        node.take_back(&self.by(party, "releaser"), &[id(number)], false, node.now()).unwrap();
    }

    /// Everything that `from` has for `to` is there when this returns, and nothing of it set aside.
    pub(crate) fn pull(&self, to: &str, from: &str) -> Vec<Ask> {
        let peer = self.node(to).peer(from).unwrap();
        let mut asked = self.pull_log(to, &peer, Log::Acts);
        asked.extend(self.pull_log(to, &peer, Log::Shared));
        asked
    }

    pub(crate) fn pull_log(&self, to: &str, peer: &Peer, log: Log) -> Vec<Ask> {
        self.pull_rung(to, peer, log, None)
    }

    /// The same, with the checkpoint that a doorbell brought. Gives what was asked.
    pub(crate) fn pull_rung(
        &self,
        to: &str,
        peer: &Peer,
        log: Log,
        rung: Option<String>,
    ) -> Vec<Ask> {
        let (node, source) = (self.node(to), self.node(&peer.party));
        let number = peer.log(log).unwrap();
        let place = node.place(number).unwrap();
        let (mut pull, mut next) =
            Pull::begin(verifier(node, &peer.party, log), place, LEAVES_MAX, rung);
        let mut asked = Vec::new();
        loop {
            let came = match next {
                Next::Ask(ask) => {
                    let answer = answer(source, to, log, &ask);
                    asked.push(ask);
                    Came::Answer(answer)
                }
                Next::Grow { note, from, leaves } => {
                    node.grow(number, note, from, leaves).unwrap().unwrap();
                    Came::Stored(node.place(number).unwrap())
                }
                Next::Receive(page) => {
                    let received = node.receive(peer, log, page, node.now()).unwrap();
                    assert_eq!(received.quarantined, 0, "{:?}", node.quarantined().unwrap());
                    Came::Stored(node.place(number).unwrap())
                }
                Next::Done => return asked,
                Next::Failed(fault) => panic!("{to} from {}: {fault}", peer.party),
            };
            next = pull.next(came);
        }
    }

    /// A party loses its files but the keys of its logs, its configuration and its charter, and with
    /// `local` what is local. It gets its logs back from another.
    pub(crate) fn recover(&mut self, party: &'static str, from: &str, local: bool) {
        self.nodes.remove(party).unwrap().close();
        let directory = Directory::new(self.world.path(party));
        for file in walk(directory.root()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let lost = ["log.db", "keys.db", "view.db"].iter().any(|lost| name.starts_with(lost));
            if lost || (!local && name.starts_with("local.db")) {
                std::fs::remove_file(file).unwrap();
            }
        }
        let source = self.node(from);
        let mut recovery = Recovery::open(directory, self.world.surroundings.clone()).unwrap();
        for log in [Log::Shared, Log::Acts] {
            let note = source.mirror_checkpoint(party, log).unwrap().unwrap();
            recovery.offer(from, log, note.as_bytes()).unwrap();
        }
        let wanted = recovery.decide().unwrap();
        recovery.begin().unwrap();
        for Wanted { log, note, .. } in wanted {
            let verifier = recovery.verifier(log).unwrap().clone();
            let (mut pull, mut next) =
                Pull::begin(verifier, recovery.place(log), LEAVES_MAX, Some(note));
            loop {
                let came = match next {
                    Next::Ask(Ask::Bundle(path)) => {
                        Came::Answer(source.mirror_tile(party, log, &path).unwrap().unwrap())
                    }
                    Next::Ask(Ask::Release(from)) => {
                        let page = source.mirror_release(party, log, from).unwrap().unwrap();
                        Came::Answer(release::write(&page))
                    }
                    Next::Grow { note, from, leaves } => {
                        recovery.grow(log, &note, from, &leaves).unwrap().unwrap();
                        Came::Stored(recovery.place(log))
                    }
                    Next::Receive(page) => Came::Stored(recovery.receive(log, page).unwrap().0),
                    Next::Done => break,
                    other => panic!("{party}: {other:?}"),
                };
                next = pull.next(came);
            }
        }
        recovery.finish().unwrap();
        self.open(party);
    }

    /// A pull as a node makes it under the quota of the charter, counted before what is counted is
    /// taken. Gives why it ended early.
    pub(crate) fn pull_within_quota(&self, to: &str, peer: &Peer, log: Log) -> Result<(), String> {
        let (node, source) = (self.node(to), self.node(&peer.party));
        let number = peer.log(log).unwrap();
        let left = node.leaves_left(peer, node.now()).unwrap().unwrap();
        let (verifier, place) = (verifier(node, &peer.party, log), node.place(number).unwrap());
        let room = Room { now: left, unverified: LEAVES_MAX };
        let aimed = self.aimed.borrow_mut().remove(&(node.config().party.clone(), number));
        let (mut pull, mut next) = Pull::begin_within(verifier, place, room, aimed);
        loop {
            let came = match next {
                Next::Ask(ask) => Came::Answer(answer(source, to, log, &ask)),
                Next::Grow { note, from, leaves } => {
                    node.charge_leaves(peer, leaves.len() as u64, node.now()).unwrap();
                    node.grow(number, note, from, leaves).unwrap().unwrap();
                    Came::Stored(node.place(number).unwrap())
                }
                Next::Receive(page) => {
                    let octets: usize = page.openings.iter().map(|one| one.envelope.len()).sum();
                    if !node.charge_octets(peer, octets as u64, node.now()).unwrap() {
                        return Err("more octets".to_owned());
                    }
                    node.receive(peer, log, page, node.now()).unwrap();
                    Came::Stored(node.place(number).unwrap())
                }
                Next::Done => return Ok(()),
                Next::Failed(fault) => {
                    if let Fault::Later { note, .. } = &fault {
                        let key = (node.config().party.clone(), number);
                        self.aimed.borrow_mut().insert(key, note.clone());
                    }
                    return Err(fault.to_string());
                }
            };
            next = pull.next(came);
        }
    }

    /// What a collection shows: the last digits of the ids, and `date_added`.
    pub(crate) fn rows(&self, party: &str, alias: &str) -> Vec<(u32, i64, Position)> {
        let node = self.node(party);
        let query = Query { versions: Versions::All, ..Query::default() };
        let collection = self.collection(party, alias);
        let page = node.page(readable(node, &collection), &query, 10_000).unwrap();
        let mut rows = Vec::new();
        node.records(&page.rows, |row, record| {
            let number = u32::from_str_radix(&record.id[record.id.len() - 12..], 16).unwrap();
            rows.push((number, row.date_added.0, row.position));
        })
        .unwrap();
        rows
    }

    pub(crate) fn shown(&self, party: &str, alias: &str) -> Vec<u32> {
        self.rows(party, alias).into_iter().map(|(number, ..)| number).collect()
    }

    /// The name that a collection shows of its one object.
    pub(crate) fn name(&self, party: &str, alias: &str) -> String {
        let rows = self.rows(party, alias);
        assert_eq!(rows.len(), 1, "{rows:?}");
        let of = self.origin(party, rows[0].2);
        of.to_owned()
    }

    /// The party in whose log an entry stands.
    pub(crate) fn origin(&self, party: &str, position: Position) -> &'static str {
        let peers = self.node(party).peers().unwrap();
        let peer = peers.iter().find(|peer| peer.log_of(position.log).is_some());
        let of = peer.map_or(party, |peer| peer.party.as_str());
        PARTIES.into_iter().find(|one| *one == of).unwrap()
    }

    /// What a party is served of another's log `shared`.
    pub(crate) fn served(&self, of: &str, to: &str) -> Vec<(Header, Vec<u8>)> {
        let node = self.node(of);
        let page = node.release_to(to, Log::Shared, 0, node.now()).unwrap();
        let opened = page.openings.into_iter().map(|one| {
            let (line, payload) = entry::split(&one.envelope).unwrap();
            (Header::parse(line).unwrap(), payload.to_vec())
        });
        opened.collect()
    }

    /// The payloads of the receipts of a party.
    pub(crate) fn receipts(&self, of: &str, to: &str) -> Vec<serde_json::Value> {
        let served = self.served(of, to).into_iter();
        let receipts = served.filter(|(header, _)| header.kind == Kind::Receipt);
        receipts.map(|(_, payload)| serde_json::from_slice(&payload).unwrap()).collect()
    }

    /// Closes all, verifies every directory, and folds every view anew.
    pub(crate) fn verify(mut self) {
        for party in PARTIES {
            self.nodes.remove(party).unwrap().close();
            let report = verified(&Directory::new(self.world.path(party)));
            assert_eq!(report.faults, Vec::<String>::new(), "{party}");
        }
    }

    /// Whether some octets stand in any file of a node that is closed for it.
    pub(crate) fn has_octets(&mut self, party: &'static str, secret: &[u8]) -> bool {
        self.nodes.remove(party).unwrap().close();
        let found = walk(&self.world.path(party)).iter().any(|file| {
            let octets = std::fs::read(file).unwrap();
            octets.windows(secret.len()).any(|window| window == secret)
        });
        self.open(party);
        found
    }
}

fn walk(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

fn answer(source: &Node, to: &str, log: Log, ask: &Ask) -> Vec<u8> {
    match ask {
        Ask::Checkpoint => source.checkpoint(log).unwrap().into_bytes(),
        Ask::Bundle(path) => source.tile(log, path).unwrap().unwrap(),
        Ask::Release(from) => {
            release::write(&source.release_to(to, log, *from, source.now()).unwrap())
        }
    }
}

fn verifier(node: &Node, party: &str, log: Log) -> Verifier {
    let genesis = node.charter().party(party).unwrap().genesis.clone().unwrap();
    Verifier::parse(if log == Log::Acts { &genesis.acts } else { &genesis.shared }).unwrap()
}

fn charter(genesis: impl Fn(&str) -> String) -> String {
    let own = comity_charter::one_party(PARTIES[0], "EXERCISE");
    let (head, tail) = own.split_once("\n[handling]").unwrap();
    let mut text = format!("{head}{}", genesis(PARTIES[0]));
    for party in &PARTIES[1..] {
        text.push_str(&format!("\n[[party]]\nid = \"{party}\"\nname = \"EXERCISE\"\n"));
        text.push_str(&format!("tier = \"member\"\n{}", genesis(party)));
    }
    format!("{text}\n[handling]{tail}")
}

/// The keys of a directory, as a charter has them; nobody here shows the one for peers.
pub(crate) fn genesis(directory: &Directory, party: &str) -> String {
    let keys = Node::log_keys(directory).unwrap();
    let mut octets = [0; 32];
    octets.iter_mut().zip(party.bytes()).for_each(|(slot, octet)| *slot = octet);
    let transport = STANDARD.encode(octets);
    format!(
        "[party.genesis]\nshared = \"{}\"\nacts = \"{}\"\naudit = \"{}\"\n\
         transport = \"sha256//{transport}\"\nnext = \"{}\"\n",
        keys.shared, keys.acts, keys.audit, keys.next
    )
}

pub(crate) fn readable(node: &Node, collection: &Collection) -> Readable {
    let reader = Reader::new(0, Rights::of(&[Right::Read]), None, Micros(node.now()));
    reader.readable(collection.number, true).unwrap()
}

pub(crate) fn id(number: u32) -> String {
    format!("tool--8e2e2d2b-17d4-4cbf-938f-{number:012x}")
}

/// The same object in the same version, with another name.
pub(crate) fn named(number: u32, name: &str) -> String {
    crate::world::tool(number).replace(&format!("EXERCISE {number}"), &format!("EXERCISE {name}"))
}
