//! Reading: everything in pages, one object by its id, and the poll that finds nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::client::{Client, Service};
use crate::figure::Floor;
use crate::floor::{self, Raw};
use crate::load::{self, Walked};
use crate::node::Node;
use crate::process::Server;
use crate::{Bench, Outcome};

/// Octets of pages that the static server holds of one kind. Where a collection has more, it
/// gives them again and again.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// Identifiers that are asked for, spread over the collection.
const ASKED_IDS: usize = 20_000;

/// A way through the whole collection.
struct Way {
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    limit: usize,
    /// The directory of its pages.
    kept: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        name: "read all, limit 1000",
        unit: "objects/s",
        what: "objects",
        limit: 1000,
        kept: "objects-1000",
    },
    Way {
        name: "read all, limit 100",
        unit: "objects/s",
        what: "objects",
        limit: 100,
        kept: "objects-100",
    },
    Way {
        name: "manifest, limit 1000",
        unit: "records/s",
        what: "manifest",
        limit: 1000,
        kept: "manifest-1000",
    },
];

impl Bench<'_> {
    pub(crate) fn reads(&mut self, node: &Node, server: &Server) -> Outcome<()> {
        let service = node.service(server);
        let pages = self.dir.join("pages");
        let expected = server.explain(self.prepare(&service, &pages))?;
        let bare = floor::start(&pages)?;
        for (way, expected) in WAYS.iter().zip(expected) {
            server.explain(self.way(way, expected, &service, &bare))?;
        }
        server.explain(self.small(&service, &bare))?;
        bare.kill();
        std::fs::remove_dir_all(&pages)?;
        Ok(())
    }

    /// Walks every way once: counts what comes, and keeps pages for the static server.
    fn prepare(&self, service: &Service, pages: &Path) -> Outcome<Vec<Walked>> {
        let mut expected = Vec::new();
        for way in &WAYS {
            let (mut kept, mut bytes, mut count) = (Vec::new(), 0, 0);
            let look = |body: &[u8]| {
                count += load::count(body)?;
                bytes += body.len();
                if bytes <= KEPT_BYTES_MAX {
                    kept.push(body.to_vec());
                }
                Ok(())
            };
            let walk = load::walk(service, way.what, way.limit, look);
            let walked = self.runtime.block_on(walk)?;
            if count != self.size.0 {
                return Err(format!("{}: {count} and not {}", way.name, self.size.0).into());
            }
            floor::keep(pages, way.kept, &kept)?;
            expected.push(walked);
        }
        let mut client = Client::new(service.address);
        for (name, rest) in [("id", by_id(&self.typical())), ("poll", self.poll(service)?)] {
            let request = service.get(&rest);
            let answer = self.runtime.block_on(client.ask(&request, b""))?.expect(200)?;
            floor::keep(pages, name, &[answer.body.to_vec()])?;
        }
        Ok(expected)
    }

    fn way(
        &mut self,
        way: &Way,
        expected: Walked,
        service: &Service,
        bare: &Server,
    ) -> Outcome<()> {
        let objects = self.size.0 as f64;
        let raw = Raw::open(&self.bare_rows())?;
        let (mut runs, mut fixed, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.size.quick_runs(self.options) {
            let walk = load::walk(service, way.what, way.limit, |_| Ok(()));
            let walked = self.runtime.block_on(walk)?;
            if (walked.pages, walked.bytes) != (expected.pages, expected.bytes) {
                return Err(format!("{}: not the same pages each time", way.name).into());
            }
            runs.push(objects / walked.seconds);
            let seconds = self.runtime.block_on(walk_static(bare, way.kept, expected.pages))?;
            fixed.push(objects / seconds);
            if way.what == "objects" {
                rows.push(raw.read()?);
            }
        }
        let mut floors = vec![Floor::new("static octets", fixed)];
        if !rows.is_empty() {
            floors.push(Floor::new("bare rows", rows));
        }
        self.figures.add(way.name, way.unit, runs, floors);
        Ok(())
    }

    /// By id, and the poll.
    fn small(&mut self, service: &Service, bare: &Server) -> Outcome<()> {
        let step = (self.size.0 / ASKED_IDS).max(1);
        let ids = (0..self.size.0).step_by(step).map(|number| self.corpus.object(number).1);
        let by_id = scattered(ids.map(|id| service.get(&by_id(&id))).collect());
        let poll = vec![service.get(&self.poll(service)?)];
        let kinds = [("one object by id", "id", by_id), ("poll, nothing new", "poll", poll)];
        for (name, kept, requests) in kinds {
            let requests = Arc::new(requests);
            let fixed = Arc::new(vec![floor::request(kept, 0)]);
            let (mut runs, mut floor) = (Vec::new(), Vec::new());
            for _ in 0..self.size.quick_runs(self.options) {
                let rate = load::ask_again(service.address, &requests);
                runs.push(self.runtime.block_on(rate)?);
                let rate = load::ask_again(bare.address, &fixed);
                floor.push(self.runtime.block_on(rate)?);
            }
            self.figures.add_rates(name, &runs, &floor);
        }
        Ok(())
    }

    /// The id of an object of ordinary length.
    fn typical(&self) -> String {
        let sample = (0..self.size.0.min(1001)).map(|number| self.corpus.object(number));
        let mut sample: Vec<_> = sample.collect();
        sample.sort_by_key(|(text, _)| text.len());
        sample.get(sample.len() / 2).map(|(_, id)| id.clone()).unwrap_or_default()
    }

    /// The question for what came after the newest.
    fn poll(&self, service: &Service) -> Outcome<String> {
        let newest = self.runtime.block_on(newest(service))?;
        Ok(format!("objects/?added_after={}", load::escaped(&newest)))
    }
}

fn by_id(id: &str) -> String {
    format!("objects/{id}/")
}

/// The `date_added` of the newest object: the header of the last page of the manifest.
pub(crate) async fn newest(service: &Service) -> Outcome<String> {
    let mut client = Client::new(service.address);
    let mut after = String::new();
    loop {
        let request = service.get(&format!("manifest/?limit=1000{after}"));
        let answer = client.ask(&request, b"").await?.expect(200)?;
        let last = answer.header("x-taxii-date-added-last").map(str::to_owned);
        let Some(last) = last else {
            let after = after.strip_prefix("&added_after=").unwrap_or_default();
            return Ok(after.replace("%3A", ":"));
        };
        after = format!("&added_after={}", load::escaped(&last));
    }
}

/// Requests in an order that jumps about in the collection.
fn scattered(requests: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // Steps of a prime length meet each place once, unless it divides the number of places.
    let (length, step) = (requests.len(), 7919);
    if length.is_multiple_of(step) {
        return requests;
    }
    (0..length).filter_map(|at| requests.get(at * step % length).cloned()).collect()
}

/// As many pages from the static server.
async fn walk_static(bare: &Server, kept: &str, pages: usize) -> Outcome<f64> {
    let mut client = Client::new(bare.address);
    let began = Instant::now();
    for page in 0..pages {
        client.ask(&floor::request(kept, page), b"").await?.expect(200)?;
    }
    Ok(began.elapsed().as_secs_f64())
}
