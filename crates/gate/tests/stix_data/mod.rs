//! Reads the corpora that stand beside the repository. They are other people's and not copied
//! into it: where they are absent, the tests say so and pass.

#![allow(dead_code, reason = "each test crate uses a part")]

use std::path::PathBuf;

use comity_gate::{Flag, Refusal, conforms};
use comity_wire::stix::bundle::Reader;
use serde_json::Value;

/// A file of the corpora, or a visible line and nothing.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not here");
    None
}

/// A JSON file of the corpora.
pub(crate) fn json(name: &str) -> Option<Value> {
    let text = std::fs::read(file(name)?).unwrap();
    Some(serde_json::from_slice(&text).unwrap())
}

/// Judges an object, or every object of a bundle: the flags, or the first refusal.
pub(crate) fn judge(bytes: &[u8]) -> Result<Vec<Flag>, String> {
    let value: Result<Value, _> = serde_json::from_slice(bytes);
    let Ok(value) = value else {
        return conforms(bytes).map_err(|refusal| refusal.to_string());
    };
    if value["type"] != "bundle" {
        return conforms(bytes).map_err(|refusal| refusal.to_string());
    }
    let mut flags = Vec::new();
    let mut reader = Reader::new(bytes);
    loop {
        match reader.next() {
            Ok(Some(found)) => flags.extend(object(found.bytes.unwrap())?),
            Ok(None) => return Ok(flags),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn object(bytes: &[u8]) -> Result<Vec<Flag>, String> {
    conforms(bytes).map_err(|refusal: Refusal| refusal.to_string())
}

/// Compares verdicts with what a corpus expects. Every difference stands in `listed` with our
/// verdict and a reason; a line that is no difference any more fails as well.
pub(crate) fn compare(
    cases: impl IntoIterator<Item = (String, bool, Result<Vec<Flag>, String>)>,
    listed: &[(&str, &str, &str)],
) {
    let mut agreed = 0;
    let mut faults = Vec::new();
    let mut seen = Vec::new();
    for (id, expected, verdict) in cases {
        if expected == verdict.is_ok() {
            agreed += 1;
            continue;
        }
        let ours = if verdict.is_ok() { "taken" } else { "refused" };
        if listed.iter().any(|(case, word, _)| *case == id && *word == ours) {
            seen.push(id);
        } else {
            faults.push(format!("{id}: {ours}: {}", verdict.err().unwrap_or_default()));
        }
    }
    for (case, ours, _) in listed {
        if !seen.iter().any(|id| id == case) {
            faults.push(format!("{case}: no difference any more ({ours})"));
        }
    }
    println!("{agreed} agree, {} differ as listed", seen.len());
    assert!(faults.is_empty(), "{}\n{}", faults.len(), faults.join("\n"));
}
