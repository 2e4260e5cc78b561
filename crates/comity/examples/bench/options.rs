//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::Outcome;

/// Up to this many objects a size is small: nodes are made anew for each run.
const SMALL_MAX: usize = 50_000;

/// Measure a node, each figure beside its floor, and write a page of results
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
pub(crate) struct Options {
    /// Objects in the collection, separated by commas; k and m multiply
    #[arg(long, value_delimiter = ',', default_value = "25k", value_parser = size)]
    pub(crate) sizes: Vec<Size>,
    /// Runs of each figure; fewer at larger sizes where it is not given
    #[arg(long)]
    pub(crate) runs: Option<usize>,
    /// A bundle, or a directory of them, .json or .json.gz
    #[arg(long, default_value = "../shared/data/attack")]
    pub(crate) corpus: PathBuf,
    /// The bundle for where there is no corpus
    #[arg(long, default_value = "examples/bundles/starter.json")]
    pub(crate) fallback: PathBuf,
    /// The page to write; what it has of other sizes, and by hand, stays
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Measure OpenTAXII too, installed with gunicorn in this virtual environment
    #[arg(long, value_name = "VENV")]
    pub(crate) opentaxii: Option<PathBuf>,
    /// The binary; by default the one beside this
    #[arg(long)]
    pub(crate) comity: Option<PathBuf>,
    /// Where nodes are made: a real disk; by default beside the binary
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

impl Options {
    /// The binary that is measured.
    pub(crate) fn comity(&self) -> Outcome<PathBuf> {
        let path = match &self.comity {
            Some(path) => path.clone(),
            None => built()?.join("comity"),
        };
        if path.is_file() {
            return Ok(path);
        }
        let shown = path.display();
        Err(format!("no binary at `{shown}`; cargo build --release -p comity makes it").into())
    }

    pub(crate) fn scratch(&self) -> Outcome<PathBuf> {
        match &self.scratch {
            Some(dir) => Ok(dir.canonicalize()?),
            None => built(),
        }
    }
}

/// The directory of the binaries: this one is an example, a directory below.
fn built() -> Outcome<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.parent().and_then(Path::parent).ok_or("this executable has no directory")?;
    Ok(found.to_owned())
}

/// How many objects a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

impl Size {
    pub(crate) fn name(self) -> String {
        match self.0 {
            n if n >= 1_000_000 && n.is_multiple_of(1_000_000) => format!("{}m", n / 1_000_000),
            n if n >= 1_000 && n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
            n => n.to_string(),
        }
    }

    pub(crate) fn is_small(self) -> bool {
        self.0 <= SMALL_MAX
    }

    /// Runs of what takes a second or so.
    pub(crate) fn quick_runs(self, options: &Options) -> usize {
        options.runs.unwrap_or(if self.is_small() { 5 } else { 3 })
    }

    /// Runs of what goes through the whole collection.
    pub(crate) fn whole_runs(self, options: &Options) -> usize {
        let fewer = if self.0 < 1_000_000 { 3 } else { 1 };
        options.runs.unwrap_or(if self.is_small() { 5 } else { fewer })
    }
}

fn size(text: &str) -> Result<Size, String> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => match lower.strip_suffix('m') {
            Some(digits) => (digits, 1_000_000),
            None => (lower.as_str(), 1),
        },
    };
    let count: usize = digits.parse().map_err(|_| format!("`{text}` is no count of objects"))?;
    let count = count.checked_mul(unit).filter(|count| *count > 0);
    count.map(Size).ok_or_else(|| format!("`{text}` is no count of objects"))
}
