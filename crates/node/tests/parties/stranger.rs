//! A party without a node: it has the keys of its logs, and writes into them what it likes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_node::Node;
use comity_node::receive::Received;
use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::{Checkpoint, Hash, SigningKey, Verifier, merkle};
use comity_wire::entry::{self, Audience, Author, Handling, Header, Kind, Log, Reference};
use comity_wire::release::{self, Opening, Page};
use comity_wire::time::Micros;

use super::Parties;

pub(crate) const STRANGER: &str = "stranger.example";

/// The party, and what it wrote into its log `shared`.
pub(crate) struct Stranger {
    openings: Vec<Opening>,
    taken: usize,
}

fn key(log: u8) -> SigningKey {
    SigningKey::from_bytes(&[41 + log; 32])
}

fn vkey(log: Log) -> String {
    let name = format!("{STRANGER}/{}", log.name());
    Verifier::new(&name, &key(log.id()).verifying_key()).unwrap().vkey()
}

impl Stranger {
    /// A body that it is a member of, and the party itself.
    pub(crate) fn among() -> (Parties, Stranger) {
        let party = format!(
            "\n[[party]]\nid = \"{STRANGER}\"\nname = \"EXERCISE\"\ntier = \"member\"\n\
             [party.genesis]\nshared = \"{}\"\nacts = \"{}\"\naudit = \"{}\"\n\
             transport = \"sha256//{}\"\nnext = \"{}\"\n",
            vkey(Log::Shared),
            vkey(Log::Acts),
            vkey(Log::Audit),
            STANDARD.encode([51; 32]),
            "ab".repeat(32)
        );
        (Parties::under(&party), Stranger { openings: Vec::new(), taken: 0 })
    }

    /// Names an entry.
    pub(crate) fn names(origin: &str, index: u64) -> Reference {
        let leaf = format!("01{}", "0".repeat(64));
        Reference { origin: origin.to_owned(), log: "shared".to_owned(), index, leaf }
    }

    /// Writes an entry for a party.
    pub(crate) fn says(
        &mut self,
        to: (&Node, &str),
        kind: Kind,
        refs: Vec<Reference>,
        payload: &str,
    ) {
        let (node, party) = to;
        let hash = node.charter().hash.to_string();
        let header = Header {
            v: 1,
            body: hash.clone(),
            origin: STRANGER.to_owned(),
            log: Log::Shared.name().to_owned(),
            kind,
            author: Author { role: "node".to_owned(), pseudonym: "node".to_owned() },
            idem: None,
            created: Micros(node.now()).to_string(),
            expires: None,
            purpose: "network-defence".to_owned(),
            grade: None,
            handling: Handling { tlp: "GREEN".to_owned(), pap: None },
            audience: Audience { rule: format!("party:{party}"), parties: vec![party.to_owned()] },
            charter: hash,
            seen: None,
            refs,
            inner: None,
            attested: None,
        };
        let envelope = entry::encode(&header, payload.as_bytes()).unwrap();
        let index = self.openings.len() as u64;
        self.openings.push(Opening { index, salt: [7; 32], envelope });
    }

    /// A head of its log `shared`, signed.
    pub(crate) fn signs(size: u64, root: Hash) -> String {
        let head = Checkpoint { origin: format!("{STRANGER}/shared"), size, root };
        head.sign(&key(Log::Shared.id())).unwrap()
    }

    /// A node takes what it wrote since, as octets from the network.
    pub(crate) fn comes_to(&mut self, node: &Node) -> Received {
        let peer = node.peer(STRANGER).unwrap();
        let leaf = |one: &Opening| Commitment::new(&Salt(one.salt), &one.envelope);
        let leaves: Vec<Commitment> = self.openings.iter().map(leaf).collect();
        let hashes: Vec<_> = leaves.iter().map(Commitment::leaf_hash).collect();
        let size = leaves.len() as u64;
        let note = Stranger::signs(size, merkle::root_of(&hashes));
        let from = self.taken as u64;
        node.grow(peer.shared, note, from, leaves[self.taken..].to_vec()).unwrap().unwrap();
        let page = Page { openings: self.openings[self.taken..].to_vec(), scanned_to: size };
        self.taken = self.openings.len();
        let page = release::parse(&release::write(&page)).unwrap();
        node.receive(&peer, Log::Shared, page, node.now()).unwrap()
    }
}
