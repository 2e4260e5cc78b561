//! A node of a body of several parties, and what each of the others is served.

mod parties;

use std::collections::BTreeMap;

use comity_charter::{Genesis, Tlp};
use comity_node::collection::{Collection, New};
use comity_node::genesis::LogKeys;
use comity_node::grant::Granting;
use comity_node::role::Role;
use comity_node::share::{Asked, Report};
use comity_node::submit::{Outcome, Terms, Verdict};
use comity_node::{Checked, Node, NodeError};
use comity_view::{Readable, Reader, Right, Rights};
use comity_wire::entry::{self, Header, Kind, Log};
use comity_wire::stix::marking;
use comity_wire::time::Micros;

use crate::world::World;
use parties::{TIERS, genesis};

/// The party whose node it is.
pub(crate) const OWN: &str = "alpha.example";

/// The others, with their tiers. The last has no node.
pub(crate) const OTHERS: [(&str, &str); 4] = [
    ("beta.example", "member"),
    ("gamma.example", "observer"),
    ("delta.example", "partner"),
    ("epsilon.example", "member"),
];

/// Those that have a node.
pub(crate) const SERVED: [&str; 3] = ["beta.example", "gamma.example", "delta.example"];

/// An opened entry as a peer gets it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) index: u64,
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

/// The keys of a node, as its charter has them; nobody here shows the one for peers.
fn keys_of(keys: LogKeys) -> Genesis {
    let transport = format!("sha256//{}=", "A".repeat(43));
    Genesis { shared: keys.shared, acts: keys.acts, audit: keys.audit, transport, next: keys.next }
}

/// The charter, with the parties that are in it.
pub(crate) fn charter(others: &[(&str, &str)]) -> String {
    let mut text = comity_charter::one_party(OWN, "EXERCISE");
    text.push_str(TIERS);
    for (id, tier) in others {
        text.push_str(&format!(
            "\n[[party]]\nid = \"{id}\"\nname = \"EXERCISE\"\ntier = \"{tier}\"\n"
        ));
        if *id != "epsilon.example" {
            text.push_str(&genesis(id));
        }
    }
    text
}

/// A node with a private collection and a releaser.
pub(crate) struct Body {
    pub(crate) world: World,
    pub(crate) node: Option<Node>,
    pub(crate) releaser: Checked,
    pub(crate) desk: Collection,
}

impl Body {
    pub(crate) fn new() -> Body {
        let world = World::new();
        let text = charter(&OTHERS);
        Node::make(&world.directory(), OWN, &text, &world.surroundings).unwrap();
        let own = keys_of(Node::log_keys(&world.directory()).unwrap());
        let text = comity_charter::with_geneses(&text, &[(OWN.to_owned(), own)].into()).unwrap();
        std::fs::write(world.directory().charter(), text).unwrap();
        let node = world.open().unwrap();
        for (name, role) in [("releaser", Role::Releaser), ("analyst", Role::Analyst)] {
            node.user_add(name, role, Some("an exercise pass phrase")).unwrap();
        }
        let releaser = node.acting("releaser").unwrap();
        let desk = New { title: "Desk".to_owned(), ..New::default() };
        let desk = node.collection_add(&desk).unwrap();
        Body { world, node: Some(node), releaser, desk }
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    /// Closes the node and opens it again, with these parties in its charter.
    pub(crate) fn reopen(&mut self, others: &[(&str, &str)]) {
        self.node.take().unwrap().close();
        std::fs::write(self.world.directory().charter(), charter(others)).unwrap();
        self.node = Some(self.world.open().unwrap());
    }

    /// Closes the node, verifies its directory, and opens it again.
    pub(crate) fn verify(&mut self) {
        self.node.take().unwrap().close();
        let report = crate::world::verified(&self.world.directory());
        assert_eq!(report.faults, Vec::<String>::new());
        self.node = Some(self.world.open().unwrap());
    }

    /// A collection with a release rule.
    pub(crate) fn releasing(&self, title: &str, rule: &str, tlp: Tlp) -> Collection {
        let new = New { title: title.to_owned(), ..New::default() };
        let made = self.node().collection_add(&new).unwrap();
        self.node().collection_release(&self.releaser, &made, rule, Some(tlp)).unwrap();
        self.node().collection(&made.id).unwrap()
    }

    pub(crate) fn post(&self, collection: &Collection, object: &str) -> Verdict {
        let (node, objects) = (self.node(), [object.as_bytes()]);
        let by = node.acting("analyst").unwrap();
        node.submit(&by, collection, &objects, Terms::default(), node.now()).unwrap().remove(0)
    }

    pub(crate) fn stored(&self, collection: &Collection, object: &str) {
        let verdict = self.post(collection, object);
        assert!(matches!(verdict.outcome, Outcome::Stored(_)), "{verdict:?}");
    }

    pub(crate) fn readable(&self, collection: &Collection) -> Readable {
        let reader = Reader::new(0, Rights::of(&[Right::Read]), None, Micros(self.node().now()));
        reader.readable(collection.number, true).unwrap()
    }

    pub(crate) fn share(
        &self,
        ids: &[String],
        rule: &str,
        tlp: Option<Tlp>,
    ) -> Result<Report, NodeError> {
        let asked = Asked { objects: Some(ids), rule, tlp, dry_run: false };
        self.node().share(&self.releaser, self.readable(&self.desk), asked, self.node().now())
    }

    pub(crate) fn grant(&self, ids: &[String], rule: &str) -> Result<Report, NodeError> {
        self.node().widen(&self.releaser, Granting::Objects(ids), rule, self.node().now())
    }

    pub(crate) fn withdraw(&self, ids: &[String], keep: bool) {
        self.node().take_back(&self.releaser, ids, keep, self.node().now()).unwrap();
    }

    /// All that a party is served of the log `shared`, page by page.
    pub(crate) fn served(&self, party: &str) -> Vec<Got> {
        self.served_from(party, 0)
    }

    pub(crate) fn served_from(&self, party: &str, mut from: u64) -> Vec<Got> {
        let mut all = Vec::new();
        loop {
            let page = self.node().release_to(party, Log::Shared, from, self.node().now()).unwrap();
            let none = page.openings.is_empty();
            all.extend(page.openings.into_iter().map(|opening| {
                let (line, payload) = entry::split(&opening.envelope).unwrap();
                let header = Header::parse(line).unwrap();
                Got { index: opening.index, header, payload: payload.to_vec() }
            }));
            if page.scanned_to == from {
                assert!(none);
                return all;
            }
            assert!(page.scanned_to > from);
            from = page.scanned_to;
        }
    }

    /// The objects that a party is served, by their ids, and how often.
    pub(crate) fn objects(&self, party: &str) -> BTreeMap<String, usize> {
        let mut objects = BTreeMap::new();
        for got in self.served(party).into_iter().filter(|got| got.header.kind == Kind::Share) {
            *objects.entry(id_of(&got.payload)).or_default() += 1;
        }
        objects
    }

    /// The parties that are served an object.
    pub(crate) fn who_has(&self, id: &str) -> Vec<&'static str> {
        SERVED.into_iter().filter(|party| self.objects(party).contains_key(id)).collect()
    }
}

pub(crate) fn id_of(object: &[u8]) -> String {
    let value = comity_wire::json::parse(object).unwrap();
    value.as_object().unwrap().str("id").unwrap().to_owned()
}

pub(crate) fn id(number: u32) -> String {
    format!("tool--8e2e2d2b-17d4-4cbf-938f-{number:012x}")
}

/// A tool, marked or not.
pub(crate) fn tool(number: u32, tlp: Option<Tlp>) -> String {
    let object = crate::world::tool(number);
    let Some(tlp) = tlp else { return object };
    let name = format!("TLP:{}", tlp.label());
    let marking = marking::FIXED.iter().rfind(|fixed| fixed.name == name).unwrap().id;
    object.replace("\"name\":", &format!("\"object_marking_refs\":[\"{marking}\"],\"name\":"))
}
