//! Following a peer without a line: what a node would answer it, as files, carried by somebody.
//!
//! The files stand under the paths that they have over HTTP, but for the pages of openings, which
//! are named by the index that each begins at. A directory that was copied in part is found out as
//! a line that breaks would be: nothing of it counts that is not verified.

use std::fs;
use std::path::{Path, PathBuf};

use comity_node::Node;
use comity_node::peer::Peer;
use comity_node::receive::Received;
use comity_node::sync::{Ask, Came, Next, Pull};
use comity_tlog::tile::{TILE_WIDTH, TileKind};
use comity_tlog::{GrowError, TilePath};
use comity_wire::entry::Log;
use comity_wire::release;
use serde::Serialize;

use crate::command::Failure;

/// The logs that are carried.
const CARRIED: [Log; 2] = [Log::Acts, Log::Shared];

/// The file that says for which party the others are: what is for another one is not in them, and
/// is not asked for a second time.
const FOR: &str = "for";

/// Octets of that file: the longest name of a party has fewer.
const FOR_BYTES_MAX: u64 = 1024;

/// What was written.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Written {
    /// Leaves, over all logs.
    pub(crate) leaves: u64,
    /// Openings for the party.
    pub(crate) openings: u64,
    /// Files.
    pub(crate) files: u64,
}

/// What was taken in.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Taken {
    /// Leaves that are verified now and were not before.
    pub(crate) verified: u64,
    /// Entries that are kept now.
    pub(crate) kept: usize,
    /// Entries that were here before.
    pub(crate) passed: usize,
    /// Entries that were set aside.
    pub(crate) quarantined: usize,
    /// Entries that were taken back by their owner and are gone here.
    pub(crate) withdrawn: usize,
}

/// Writes what this node has for a party into a directory that is new or empty.
pub(crate) fn export(node: &Node, party: &str, to: &Path) -> Result<Written, Failure> {
    let stands = node.charter().standing(party, node.now());
    if !matches!(stands, comity_charter::Standing::In(_)) || party == node.config().party {
        return Err(Failure::new(format!(
            "`{}` is no other party in standing; `comity charter show DIR` lists them",
            party.escape_default()
        )));
    }
    let occupied = fs::read_dir(to).is_ok_and(|mut inside| inside.next().is_some());
    if occupied {
        return Err(Failure::new(format!("`{}` is not empty; name a new directory", to.display())));
    }
    let mut written = Written::default();
    write(&to.join(FOR), format!("{party}\n").as_bytes(), &mut written)?;
    for log in CARRIED {
        let root = to.join(log.name());
        let note = node.checkpoint(log)?;
        let size = size_of(&note)?;
        write(&root.join("checkpoint"), note.as_bytes(), &mut written)?;
        written.leaves += size;
        let width = u64::from(TILE_WIDTH);
        for n in 0..size.div_ceil(width) {
            let rest = (size - n * width).min(width);
            let width = u16::try_from(rest).unwrap_or(TILE_WIDTH);
            let path = TilePath { kind: TileKind::Entries, n, width };
            let bundle = node.tile(log, &path)?;
            let bundle = bundle.ok_or_else(|| Failure::new("a bundle of a log is missing"))?;
            write(&root.join(path.to_string()), &bundle, &mut written)?;
        }
        let mut from = 0;
        while from < size {
            let page = node.release_to(party, log, from, node.now())?;
            written.openings += page.openings.len() as u64;
            write(
                &root.join("release").join(from.to_string()),
                &release::write(&page),
                &mut written,
            )?;
            if page.scanned_to <= from {
                break;
            }
            from = page.scanned_to;
        }
    }
    Ok(written)
}

fn size_of(note: &str) -> Result<u64, Failure> {
    let size = note.lines().nth(1).and_then(|line| line.parse().ok());
    size.ok_or_else(|| Failure::new("a checkpoint of this node has no size"))
}

/// Files that hold what a party may read are for the owner of the directory alone.
fn write(path: &Path, octets: &[u8], written: &mut Written) -> Result<(), Failure> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let fault =
        |error: std::io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fault)?;
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, octets)).map_err(fault)?;
    written.files += 1;
    Ok(())
}

/// Takes in what a peer's node wrote.
pub(crate) fn import(node: &Node, peer: &Peer, from: &Path) -> Result<Taken, Failure> {
    is_for(&node.config().party, from)?;
    let mut taken = Taken::default();
    for log in CARRIED {
        let root = from.join(log.name());
        let Some(number) = peer.log(log) else { continue };
        let before = node.place(number)?;
        let verifier = node
            .peer_verifier(&peer.party, log)?
            .ok_or_else(|| Failure::new(format!("the charter has no keys of `{}`", peer.party)))?;
        let (mut pull, mut next) = Pull::begin(verifier, before, u64::MAX, None);
        loop {
            let came = match next {
                Next::Ask(ask) => Came::Answer(read(&root, &ask)?),
                Next::Grow { note, from, leaves } => {
                    let grown = node.grow(number, note.clone(), from, leaves)?;
                    grown.map_err(|error| refused(node, &peer.party, log, &note, &error))?;
                    Came::Stored(node.place(number)?)
                }
                Next::Receive(page) => {
                    taken.add(node.receive(peer, log, page, node.now())?);
                    Came::Stored(node.place(number)?)
                }
                Next::Done => break,
                Next::Failed(fault) => {
                    return Err(Failure::new(format!("`{}`: {fault}", root.display())));
                }
            };
            next = pull.next(came);
        }
        taken.verified += node.place(number)?.verified.saturating_sub(before.verified);
    }
    Ok(taken)
}

/// Why leaves are not taken. A head of the same size with another root is a proof, which is kept.
fn refused(node: &Node, party: &str, log: Log, note: &str, error: &GrowError) -> Failure {
    let proof = match error {
        GrowError::Equivocates { .. } => node.contradiction(party, log, note.as_bytes()),
        _ => Ok(None),
    };
    let convicted =
        proof.and_then(|proof| proof.map(|proof| node.convict(party, log, &proof)).transpose());
    match convicted {
        Ok(Some(convicted)) => {
            Failure::new(format!("{convicted}: proven, `comity peer proof DIR {party}` shows it"))
        }
        _ => Failure::new(error.to_string()),
    }
}

fn read(root: &Path, ask: &Ask) -> Result<Vec<u8>, Failure> {
    let path = match ask {
        Ask::Release(from) => page(root, *from)?,
        Ask::Checkpoint | Ask::Bundle(_) => root.join(ask.path()),
    };
    read_file(&path, ask.bytes_max() as u64)
}

fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let fault = |error: std::io::Error| {
        Failure::new(format!(
            "cannot read `{}`: {error}; copy the whole of what `comity peer export` wrote",
            path.display()
        ))
    };
    let size = fs::metadata(path).map_err(fault)?.len();
    if size > bytes_max {
        let path = path.display();
        return Err(Failure::new(format!("`{path}` has {size} octets; at most {bytes_max}")));
    }
    fs::read(path).map_err(fault)
}

/// Refuses what was written for another party.
fn is_for(own: &str, from: &Path) -> Result<(), Failure> {
    let found = read_file(&from.join(FOR), FOR_BYTES_MAX)?;
    let found = String::from_utf8_lossy(&found);
    if found.trim_end() == own {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` was written for `{}`, and this is the node of `{own}`; required: what `comity peer \
         export DIR {own}` writes at the other node",
        from.display(),
        found.trim_end().escape_debug()
    )))
}

/// The page that begins at an index or, where pages begin elsewhere, the last one before it: what
/// of it is here already is passed over.
fn page(root: &Path, from: u64) -> Result<PathBuf, Failure> {
    let directory = root.join("release");
    let entries = fs::read_dir(&directory)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", directory.display())))?;
    let starts = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u64>().ok().filter(|start| *start <= from)
    });
    let start = starts.max().ok_or_else(|| {
        let place = directory.display();
        Failure::new(format!("`{place}` has no page of openings up to index {from}"))
    })?;
    Ok(directory.join(start.to_string()))
}

impl Taken {
    fn add(&mut self, received: Received) {
        self.kept += received.kept;
        self.passed += received.passed;
        self.quarantined += received.quarantined;
        self.withdrawn += received.withdrawn;
    }
}
