//! How long a node takes from its start to the line that says where it listens.

use crate::figure::Floor;
use crate::node::Node;
use crate::write::unposted;
use crate::{Bench, Outcome, floor, load};

impl Bench<'_> {
    /// After orderly stops.
    pub(crate) fn start_after_stop(&mut self, node: &Node) -> Outcome<()> {
        // An import leaves a directory as an orderly stop does; the first start is not counted
        // all the same, since it may be the first to read the files.
        node.serve()?.stop()?;
        let (mut runs, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..self.size.quick_runs(self.options) {
            let server = node.serve()?;
            runs.push(server.started_in * 1e3);
            server.stop()?;
            floor.push(self.bare_start()?);
        }
        let floors = vec![Floor::new("static server", floor)];
        self.figures.add("start after an orderly stop", "ms", runs, floors);
        Ok(())
    }

    /// After SIGKILL at the moment when a POST is answered.
    pub(crate) fn start_after_kill(&mut self, node: &Node) -> Outcome<()> {
        let (mut runs, mut floor) = (Vec::new(), Vec::new());
        for run in 0..self.size.quick_runs(self.options) {
            let server = node.serve()?;
            let envelope = vec![unposted(self.corpus, self.size.0, run)];
            let service = node.service(&server);
            let posted = self.runtime.block_on(load::post(&service, 1, envelope));
            server.explain(posted)?;
            server.kill();
            let server = node.serve()?;
            runs.push(server.started_in * 1e3);
            self.memory.join(server.memory());
            server.stop()?;
            floor.push(self.bare_start()?);
        }
        let floors = vec![Floor::new("static server", floor)];
        self.figures.add("start after kill -9", "ms", runs, floors);
        Ok(())
    }

    fn bare_start(&self) -> Outcome<f64> {
        let empty = self.dir.join("no-pages");
        std::fs::create_dir_all(&empty)?;
        let server = floor::start(&empty)?;
        let started_in = server.started_in * 1e3;
        server.kill();
        Ok(started_in)
    }
}
