//! Import and POST, beside bare inserts of the same octets in the same batches.

use std::path::PathBuf;

use crate::corpus::{Corpus, Envelope};
use crate::figure::Floor;
use crate::floor::Raw;
use crate::load;
use crate::node::Node;
use crate::process::Server;
use crate::{Bench, Outcome};

/// Objects of an envelope.
pub(crate) const ENVELOPE: usize = 500;

/// Objects that `comity import` commits at a time.
const IMPORT_BATCH: usize = 1000;

/// Objects of a run of POSTs to a node that is large already.
const POSTED: usize = 25_000;

const FLOOR: &str = "bare insert";

/// Runs of one or more clients, and of the floor.
#[derive(Default)]
struct Posts {
    one: Vec<f64>,
    four: Vec<f64>,
    floor_one: Vec<f64>,
    floor_four: Vec<f64>,
}

impl Bench<'_> {
    /// Imports into new nodes; the last one stays, and its octets as rows of a bare file.
    pub(crate) fn import(&mut self) -> Outcome<Node> {
        let objects = self.size.0;
        let bundle = self.dir.join("bundle.json");
        self.corpus.write_bundle(&bundle, objects)?;
        let (mut runs, mut floor, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        let mut kept = None;
        for run in 0..self.size.whole_runs(self.options) {
            let node = self.new_node(&format!("imported-{run}"))?;
            let imported = node.import(&bundle, objects)?;
            runs.push(objects as f64 / imported.seconds);
            memory.push(imported.memory.peak as f64 * 1024.0 / 1e6);
            if let Some(previous) = kept.replace(node) {
                previous.remove()?;
            }
            floor.push(self.bare_import(objects)?);
        }
        std::fs::remove_file(&bundle)?;
        self.figures.add("import", "objects/s", runs, vec![Floor::new(FLOOR, floor)]);
        self.figures.add("import: peak RSS", "MB", memory, Vec::new());
        kept.ok_or_else(|| "no run of an import".into())
    }

    /// The file of bare rows, which the floor of reading reads.
    pub(crate) fn bare_rows(&self) -> PathBuf {
        self.dir.join("bare.db")
    }

    fn bare_import(&self, objects: usize) -> Outcome<f64> {
        let path = self.bare_rows();
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        let mut raw = Raw::create(&path)?;
        for start in (0..objects).step_by(IMPORT_BATCH) {
            let count = IMPORT_BATCH.min(objects - start);
            raw.insert(&self.corpus.bodies(start, count).collect::<Vec<_>>())?;
        }
        Ok(objects as f64 / raw.seconds)
    }

    /// POST at a small size: into a new node each time.
    pub(crate) fn post_to_new_nodes(&mut self) -> Outcome<()> {
        let mut posts = Posts::default();
        for run in 0..self.size.quick_runs(self.options) {
            for clients in [1, 4] {
                let node = self.new_node(&format!("posted-{run}-{clients}"))?;
                let server = node.serve()?;
                self.post_once(&node, &server, clients, (0, self.size.0), &mut posts)?;
                self.memory.join(server.memory());
                server.stop()?;
                node.remove()?;
            }
        }
        self.post_figures(posts);
        Ok(())
    }

    /// POST at a large size: more into the node that has so many.
    pub(crate) fn post_to(&mut self, node: &Node, server: &Server) -> Outcome<()> {
        let mut posts = Posts::default();
        let mut from = self.size.0;
        for _ in 0..self.size.quick_runs(self.options) {
            for clients in [1, 4] {
                self.post_once(node, server, clients, (from, POSTED), &mut posts)?;
                from += POSTED;
            }
        }
        self.post_figures(posts);
        Ok(())
    }

    fn post_once(
        &self,
        node: &Node,
        server: &Server,
        clients: usize,
        (from, count): (usize, usize),
        posts: &mut Posts,
    ) -> Outcome<()> {
        let envelopes = self.corpus.envelopes(from, count, ENVELOPE);
        let floor = self.bare_posts(&envelopes, count)?;
        let service = node.service(server);
        let posted = self.runtime.block_on(load::post(&service, clients, envelopes));
        let rate = count as f64 / server.explain(posted)?;
        let (runs, floors) = if clients == 1 {
            (&mut posts.one, &mut posts.floor_one)
        } else {
            (&mut posts.four, &mut posts.floor_four)
        };
        runs.push(rate);
        floors.push(floor);
        Ok(())
    }

    fn bare_posts(&self, envelopes: &[Envelope], count: usize) -> Outcome<f64> {
        let path = self.dir.join("bare-posts.db");
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        let mut raw = Raw::create(&path)?;
        for envelope in envelopes {
            raw.insert(&envelope.bodies)?;
        }
        Ok(count as f64 / raw.seconds)
    }

    fn post_figures(&mut self, posts: Posts) {
        let floor = vec![Floor::new(FLOOR, posts.floor_one)];
        self.figures.add("POST, 1 client", "objects/s", posts.one, floor);
        let floor = vec![Floor::new(FLOOR, posts.floor_four)];
        self.figures.add("POST, 4 clients", "objects/s", posts.four, floor);
    }
}

/// The objects that nothing else at a size has posted: for the kills at its end.
pub(crate) fn unposted(corpus: &Corpus, size: usize, run: usize) -> Envelope {
    corpus.envelope(size + 1_000_000 + run * ENVELOPE, ENVELOPE)
}
