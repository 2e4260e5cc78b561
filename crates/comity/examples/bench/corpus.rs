//! The objects: those of real bundles, then copies of them whose identifiers are rewritten, so
//! that every copy is a graph of its own and no object is known already.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Outcome;

/// Objects above this are left out: ATT&CK has one of 2.8 MB, which lists all others and would
/// be most of the page that it falls into.
const OBJECT_BYTES_MAX: usize = 256 * 1024;

/// Length of a UUID in text.
const UUID_CHARS: usize = 36;

/// What a copy flips in the first 32 bits of its UUIDs. Odd, so that no two copies flip the same.
const COPY_STEP: u32 = 0x9e37_79b1;

pub(crate) struct Corpus {
    /// The first copy: everything.
    first: Vec<Object>,
    /// What later copies have: no identities and no markings, which all copies refer to.
    later: Vec<usize>,
    name: String,
}

struct Object {
    text: Vec<u8>,
    id: String,
    /// Where the UUIDs start that a copy rewrites.
    uuids: Vec<usize>,
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    objects: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Corpus {
    /// The bundles at a path, or the one that the tree has.
    pub(crate) fn load(path: &Path, fallback: &Path) -> Outcome<Corpus> {
        let mut files = bundles(path);
        if files.is_empty() {
            eprintln!("no bundle at `{}`: copies of {}", path.display(), fallback.display());
            files.push(fallback.to_owned());
        }
        let mut first = Vec::new();
        let mut seen = HashSet::new();
        for file in &files {
            read_bundle(file, &mut first, &mut seen)
                .map_err(|error| format!("`{}`: {error}", file.display()))?;
        }
        shuffle(&mut first);
        let stays = |id: &str| id.starts_with("identity--") || id.starts_with("marking-");
        seen.retain(|id| !stays(id));
        let later: Vec<usize> =
            (0..first.len()).filter(|at| first.get(*at).is_some_and(|o| !stays(&o.id))).collect();
        for object in &mut first {
            object.uuids = uuids(&object.text, &seen);
        }
        if later.is_empty() {
            return Err("the corpus has no objects that could be copied".into());
        }
        let names: Vec<_> =
            files.iter().filter_map(|file| file.file_name()).map(OsStr::to_string_lossy).collect();
        Ok(Corpus { first, later, name: names.join(", ") })
    }

    pub(crate) fn told(&self) -> String {
        let bytes: usize = self.first.iter().map(|object| object.text.len()).sum();
        let mean = bytes / self.first.len().max(1);
        format!("{}: {} objects of {mean} octets on average", self.name, self.first.len())
    }

    /// The text and the id of an object, counted through all copies.
    pub(crate) fn object(&self, number: usize) -> (Vec<u8>, String) {
        let (at, copy) = match number.checked_sub(self.first.len()) {
            None => (number, 0),
            Some(rest) => {
                let at = self.later.get(rest % self.later.len()).copied().unwrap_or_default();
                (at, 1 + rest / self.later.len())
            }
        };
        let Some(object) = self.first.get(at) else {
            return (Vec::new(), String::new());
        };
        let flip = u32::try_from(copy).unwrap_or(u32::MAX).wrapping_mul(COPY_STEP);
        let (mut text, mut id) = (object.text.clone(), object.id.clone().into_bytes());
        if copy > 0 {
            for start in &object.uuids {
                rewrite(&mut text, *start, flip);
            }
            let start = id.len().saturating_sub(UUID_CHARS);
            rewrite(&mut id, start, flip);
        }
        (text, String::from_utf8_lossy(&id).into_owned())
    }

    /// Objects as the envelopes of so many each that a client posts.
    pub(crate) fn envelopes(&self, from: usize, count: usize, each: usize) -> Vec<Envelope> {
        let starts = (from..from + count).step_by(each);
        starts.map(|start| self.envelope(start, each.min(from + count - start))).collect()
    }

    pub(crate) fn envelope(&self, from: usize, count: usize) -> Envelope {
        let bodies: Vec<Vec<u8>> = self.bodies(from, count).collect();
        let mut text = b"{\"objects\":[".to_vec();
        for (at, body) in bodies.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            text.extend_from_slice(body);
        }
        text.extend_from_slice(b"]}");
        Envelope { text, bodies }
    }

    pub(crate) fn bodies(&self, from: usize, count: usize) -> impl Iterator<Item = Vec<u8>> {
        (from..from + count).map(|number| self.object(number).0)
    }

    /// Writes the first objects as one bundle.
    pub(crate) fn write_bundle(&self, path: &Path, count: usize) -> Outcome<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let id = "bundle--9a1f4a54-0f27-4b6a-a9a0-2d3b5b6f7c80";
        write!(file, "{{\"type\":\"bundle\",\"id\":\"{id}\",\"objects\":[")?;
        for (at, body) in self.bodies(0, count).enumerate() {
            file.write_all(if at > 0 { b",\n" } else { b"\n" })?;
            file.write_all(&body)?;
        }
        file.write_all(b"\n]}\n")?;
        // On the disk before the clock runs, so that the import does not wait for it.
        file.into_inner().map_err(|error| error.to_string())?.sync_all()?;
        Ok(())
    }
}

/// What one POST carries, and its objects apart for the floor.
pub(crate) struct Envelope {
    pub(crate) text: Vec<u8>,
    pub(crate) bodies: Vec<Vec<u8>>,
}

fn bundles(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.retain(|file| {
        let name = file.to_string_lossy();
        name.ends_with(".json") || name.ends_with(".json.gz")
    });
    found.sort();
    found
}

fn read_bundle(path: &Path, into: &mut Vec<Object>, seen: &mut HashSet<String>) -> Outcome<()> {
    let mut text = Vec::new();
    let file = File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_end(&mut text)?;
    } else {
        (&file).read_to_end(&mut text)?;
    }
    let bundle: Bundle = serde_json::from_slice(&text)?;
    for object in bundle.objects {
        let text = object.get();
        let Named { id } = serde_json::from_str(text)?;
        if text.len() <= OBJECT_BYTES_MAX && seen.insert(id.clone()) {
            into.push(Object { text: text.as_bytes().to_vec(), id, uuids: Vec::new() });
        }
    }
    Ok(())
}

/// The same order in every run, so that each page and envelope is a fair sample of the types.
fn shuffle(objects: &mut [Object]) {
    let mut state: u64 = 42;
    for at in (1..objects.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(at + 1).unwrap_or(1);
        let other = usize::try_from((state >> 33) % bound).unwrap_or(0);
        objects.swap(at, other);
    }
}

/// Where the UUIDs of identifiers start that the corpus defines and a copy defines anew.
fn uuids(text: &[u8], defined: &HashSet<String>) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, two) in text.windows(2).enumerate() {
        let (start, end) = (at + 2, at + 2 + UUID_CHARS);
        if two != b"--" || text.get(end) != Some(&b'"') {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let Some(quote) = before.iter().rposition(|octet| *octet == b'"') else {
            continue;
        };
        let id = text.get(quote + 1..end).and_then(|id| std::str::from_utf8(id).ok());
        if id.is_some_and(|id| defined.contains(id)) {
            found.push(start);
        }
    }
    found
}

/// Flips bits in the eight digits that a UUID starts with. Its version stands further on.
fn rewrite(text: &mut [u8], start: usize, flip: u32) {
    let Some(digits) = text.get_mut(start..start + 8) else {
        return;
    };
    let old = std::str::from_utf8(digits).ok().and_then(|old| u32::from_str_radix(old, 16).ok());
    if let Some(old) = old {
        digits.copy_from_slice(format!("{:08x}", old ^ flip).as_bytes());
    }
}
