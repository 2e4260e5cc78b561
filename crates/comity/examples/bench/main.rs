//! How fast a node is, each figure beside its floor in the same run: the bare minimum of the same
//! work on the same machine. Writes `docs/benchmarks.md`.
//!
//!     just bench --sizes 25k,250k,1m
//!
//! The node is the release binary, in a process of its own, asked over loopback HTTP. It is an
//! example and not a bench target, since cargo builds binaries for a bench target anew, with
//! another way to panic than the one that is shipped.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a measurement reads the clock, prints, and divides counts"
)]

mod client;
mod corpus;
mod figure;
mod floor;
mod goal;
mod load;
mod machine;
mod node;
mod opentaxii;
mod options;
mod process;
mod read;
mod report;
mod start;
mod write;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;

use crate::corpus::Corpus;
use crate::figure::Figures;
use crate::node::Node;
use crate::options::{Options, Size};
use crate::process::Memory;

/// What a step gives, or words for whoever ran it.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let result = match std::env::args_os().nth(1) {
        Some(word) if word == floor::SERVER_WORD => floor::serve(std::env::args_os().nth(2)),
        _ => run(&Options::parse()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let corpus = Corpus::load(&options.corpus, &options.fallback)?;
    let base = options.scratch()?;
    let scratch = tempfile::Builder::new().prefix("bench-").tempdir_in(&base)?;
    process::end_with_a_signal(scratch.path())?;
    eprintln!("{} in {}", corpus.told(), scratch.path().display());
    let mut report = report::Report::open(options, &corpus, scratch.path())?;
    for size in &options.sizes {
        let dir = scratch.path().join(size.name());
        std::fs::create_dir(&dir)?;
        let mut bench = Bench::new(options, &corpus, *size, dir)?;
        bench.measure()?;
        report.size(*size, &bench.figures);
        report.write()?;
        // The next size needs the room, and the page cache.
        std::fs::remove_dir_all(&bench.dir)?;
    }
    if let Some(venv) = &options.opentaxii {
        let dir = scratch.path().join("opentaxii");
        std::fs::create_dir(&dir)?;
        let figures = opentaxii::measure(venv, &corpus, &dir)?;
        report.opentaxii(&figures);
        report.write()?;
    }
    if options.out.is_none() {
        println!("{}", report.page());
    }
    Ok(())
}

/// The measurement at one size.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) corpus: &'a Corpus,
    pub(crate) size: Size,
    pub(crate) dir: PathBuf,
    pub(crate) figures: Figures,
    /// The largest that any serving process was.
    pub(crate) memory: Memory,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl<'a> Bench<'a> {
    fn new(
        options: &'a Options,
        corpus: &'a Corpus,
        size: Size,
        dir: PathBuf,
    ) -> Outcome<Bench<'a>> {
        let runtime = load::runtime()?;
        let (figures, memory) = (Figures::default(), Memory::default());
        Ok(Bench { options, corpus, size, dir, figures, memory, runtime })
    }

    /// Fills a node by import, reads it, posts to it, kills it.
    fn measure(&mut self) -> Outcome<()> {
        let node = self.import()?;
        self.start_after_stop(&node)?;
        let server = node.serve()?;
        self.reads(&node, &server)?;
        if self.size.is_small() {
            self.post_to_new_nodes()?;
        } else {
            self.post_to(&node, &server)?;
        }
        self.memory.join(server.memory());
        server.stop()?;
        self.start_after_kill(&node)?;
        self.memory_figures();
        Ok(())
    }

    fn memory_figures(&mut self) {
        let told = [
            ("server: peak RSS", self.memory.peak),
            ("server: of it at most anonymous", self.memory.anonymous),
            ("server: of it at most of files", self.memory.file),
        ];
        for (name, kibibytes) in told {
            let megabytes = kibibytes as f64 * 1024.0 / 1e6;
            self.figures.add(name, "MB", vec![megabytes], Vec::new());
        }
    }

    /// A new node below the scratch directory.
    pub(crate) fn new_node(&self, name: &str) -> Outcome<Node> {
        Node::make(self.options.comity()?, self.dir.join(name))
    }
}
