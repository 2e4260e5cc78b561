//! A node's logs, verified over HTTP from what the specification says alone: signature, every
//! leaf, every full tile, and each opening that the caller is cleared for.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_node::verify::Report;
use comity_tlog::commitment::{Commitment, Salt};
use comity_tlog::merkle::{Hash, Range, hashes_of, root_of};
use comity_tlog::tile::{TILE_WIDTH, TileKind, parse_bundle};
use comity_tlog::{Checkpoint, TilePath, Verifier};
use comity_wire::entry::{self, Header, Log};
use serde_json::Value;

use super::fetch::{Answer, Remote};
use crate::arguments::Verify;
use crate::command::Failure;

/// Faults that are told one by one.
const FAULTS_MAX: usize = 1000;

pub(super) fn verify(
    arguments: &Verify,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, Failure> {
    let remote = Remote::new(arguments)?;
    let pinned: Vec<Verifier> = arguments
        .vkey
        .iter()
        .map(|text| {
            Verifier::parse(text)
                .map_err(|error| Failure::new(format!("`{}`: {error}", text.escape_default())))
        })
        .collect::<Result<_, _>>()?;
    let mut report = Report::default();
    let mut compared = BTreeSet::new();
    for log in Log::ALL {
        let mut one = OneLog { remote: &remote, log, report: &mut report, leaves: Vec::new() };
        compared.extend(one.verify(&pinned, &mut progress)?);
    }
    for given in pinned.iter().filter(|given| !compared.contains(given.name())) {
        report.faults.push(format!(
            "--vkey: no log that this caller is shown is called `{}`, so its key was compared with \
             nothing",
            given.name()
        ));
    }
    Ok(report)
}

struct OneLog<'a> {
    remote: &'a Remote,
    log: Log,
    report: &'a mut Report,
    leaves: Vec<Commitment>,
}

impl OneLog<'_> {
    /// Gives what the log is called, where it is shown.
    fn verify(
        &mut self,
        pinned: &[Verifier],
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Option<String>, Failure> {
        let name = self.log.name();
        let note = match self.remote.get(&self.path("checkpoint"))? {
            Answer::Found(note) => note,
            Answer::Absent(status) => {
                self.report.checked.push(format!("{name}: not for this caller (status {status})"));
                return Ok(None);
            }
        };
        let Some((called, verifier)) = self.verifier(pinned)? else {
            return Ok(None);
        };
        let Some(verifier) = verifier else { return Ok(Some(called)) };
        let checkpoint = match Checkpoint::open(&note, &verifier) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                self.fault(format!("checkpoint: {error}"));
                return Ok(Some(called));
            }
        };
        self.tree(&checkpoint, progress)?;
        let opened = self.openings(&checkpoint)?;
        self.report.checked.push(format!(
            "{name}: signature, {} leaves, every tile, {opened} openings",
            checkpoint.size
        ));
        Ok(Some(called))
    }

    /// The key that was given for this log; without one, the key that the node names, which
    /// shows that the log agrees with itself and not whose it is. No key where another was given;
    /// nothing where the node names none.
    fn verifier(
        &mut self,
        pinned: &[Verifier],
    ) -> Result<Option<(String, Option<Verifier>)>, Failure> {
        let text = self.remote.must(&self.path("vkey"))?;
        let text = String::from_utf8_lossy(&text);
        let Ok(named) = Verifier::parse(text.trim()) else {
            self.fault("vkey: not a verifier key".to_owned());
            return Ok(None);
        };
        if let Some(given) = pinned.iter().find(|one| one.name() == named.name()) {
            if given.vkey() != named.vkey() {
                self.fault("vkey: the node names another key than the one given".to_owned());
                return Ok(Some((named.name().to_owned(), None)));
            }
        } else {
            let name = self.log.name();
            let line =
                format!("{name}: {} (not compared with a key given by --vkey)", named.vkey());
            self.report.checked.push(line);
        }
        Ok(Some((named.name().to_owned(), Some(named))))
    }

    fn tree(
        &mut self,
        checkpoint: &Checkpoint,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Failure> {
        let mut range = Range::default();
        let mut level: Vec<Hash> = Vec::new();
        let width = u64::from(TILE_WIDTH);
        for n in 0..checkpoint.size.div_ceil(width) {
            let here = (checkpoint.size - n * width).min(width);
            let bundle = self.tile(TileKind::Entries, n, here)?;
            let Some(commitments) =
                parse_bundle(&bundle).filter(|bundle| bundle.len() as u64 == here)
            else {
                self.fault(format!("entry bundle {n}: not {here} entries"));
                return Ok(());
            };
            let hashes: Vec<Hash> = commitments.iter().map(Commitment::leaf_hash).collect();
            hashes.iter().for_each(|hash| range.push(*hash));
            self.same_tile(0, n, &hashes)?;
            level.extend((here == width).then(|| root_of(&hashes)));
            self.leaves.extend(commitments);
            progress(self.leaves.len() as u64, checkpoint.size);
        }
        if range.root() != checkpoint.root {
            self.fault("the leaves do not hash to the root of the checkpoint".to_owned());
        }
        self.upper_tiles(level)
    }

    /// Each level above holds the roots of the full tiles below.
    fn upper_tiles(&mut self, mut level: Vec<Hash>) -> Result<(), Failure> {
        let mut height = 1;
        while !level.is_empty() {
            let mut above = Vec::new();
            for (n, hashes) in level.chunks(usize::from(TILE_WIDTH)).enumerate() {
                self.same_tile(height, n as u64, hashes)?;
                above.extend((hashes.len() == usize::from(TILE_WIDTH)).then(|| root_of(hashes)));
            }
            level = above;
            height += 1;
        }
        Ok(())
    }

    fn same_tile(&mut self, height: u8, n: u64, hashes: &[Hash]) -> Result<(), Failure> {
        let octets = self.tile(TileKind::Hashes(height), n, hashes.len() as u64)?;
        if hashes_of(&octets).as_deref() != Some(hashes) {
            self.fault(format!("tile {height}/{n}: not the hashes of what is below"));
        }
        Ok(())
    }

    fn tile(&self, kind: TileKind, n: u64, width: u64) -> Result<Vec<u8>, Failure> {
        let width = u16::try_from(width).unwrap_or(TILE_WIDTH);
        let path = TilePath { kind, n, width };
        self.remote.must(&self.path(&path.to_string()))
    }

    /// Opens each commitment that the node opens to this caller.
    fn openings(&mut self, checkpoint: &Checkpoint) -> Result<u64, Failure> {
        let (mut from, mut opened) = (0, 0);
        while from < checkpoint.size {
            let page = match self.remote.get(&self.path(&format!("release?from={from}")))? {
                Answer::Found(page) => page,
                Answer::Absent(_) => return Ok(opened),
            };
            let mut scanned_to = from;
            for line in page.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
                let Ok(line) = serde_json::from_slice::<Value>(line) else {
                    self.fault(format!("release from {from}: a line is not JSON"));
                    return Ok(opened);
                };
                if let Some(to) = line.get("scanned_to").and_then(Value::as_u64) {
                    scanned_to = to;
                } else if line.get("index").and_then(Value::as_u64) < Some(checkpoint.size) {
                    opened += 1;
                    self.opening(&line);
                }
            }
            if scanned_to <= from {
                self.fault(format!("release from {from}: it does not go on"));
                return Ok(opened);
            }
            from = scanned_to;
        }
        Ok(opened)
    }

    fn opening(&mut self, line: &Value) {
        let index = line.get("index").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let octets = |name: &str| {
            line.get(name).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok())
        };
        let salt = octets("salt").and_then(|salt| <[u8; 32]>::try_from(salt).ok()).map(Salt);
        let leaf = usize::try_from(index).ok().and_then(|index| self.leaves.get(index)).copied();
        let (Some(leaf), Some(salt), Some(envelope)) = (leaf, salt, octets("envelope")) else {
            return self.fault(format!("entry {index}: not an opening"));
        };
        if !leaf.opens(&salt, &envelope) {
            return self.fault(format!("entry {index}: does not open its commitment"));
        }
        let header = entry::split(&envelope).and_then(|(line, _)| Header::parse(line));
        match header {
            Ok(header) if header.log == self.log.name() => {}
            Ok(_) => self.fault(format!("entry {index}: its header names another log")),
            Err(error) => self.fault(format!("entry {index}: {error}")),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/log/{}/{rest}", self.log.name())
    }

    fn fault(&mut self, what: impl std::fmt::Display) {
        if self.report.faults.len() < FAULTS_MAX {
            self.report.faults.push(format!("{}: {what}", self.log.name()));
        }
    }
}
