//! A bundle or envelope of any length into a collection: read as a stream, submitted in groups.

use std::collections::BTreeMap;
use std::io::Read;

use comity_wire::stix::bundle::{BundleError, Reader};
use serde::Serialize;

use crate::collection::Collection;
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::quota::{Amount, Exceeded, Pass};
use crate::submit::{Outcome, Terms, Verdict};
use crate::writer::{Judged, Pending};

/// Objects submitted at a time: one commit's worth, and a few megabytes in memory.
const GROUP_OBJECTS: usize = 1000;

/// Octets submitted at a time, where objects are large.
const GROUP_BYTES: u64 = 8 * 1024 * 1024;

/// Refused objects that a report lists one by one; all are counted, and in the ledger.
pub const REFUSED_LISTED_MAX: usize = 10_000;

/// What an import did.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Objects in the input.
    pub objects: u64,
    /// New entries.
    pub stored: u64,
    /// Objects that the node held with equal content.
    pub known: u64,
    /// Objects among them that are shared, and not with all parties to which the collection
    /// releases.
    pub narrower: u64,
    /// Objects that waited for the attestation that this import brings.
    pub attested: u64,
    /// Observables that the node held with other content, which it keeps.
    pub kept: u64,
    /// Objects that were not taken.
    pub refused: u64,
    /// New entries held back until a releaser attests.
    pub held_back: u64,
    /// New entries with at least one flag.
    pub flagged: u64,
    /// How often each flag was raised.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, u64>,
    /// The refused, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusedObject>,
    /// Why the input was not read to its end: it could not be, or a quota was used up. What came
    /// before was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
    /// What is odd about the bundle itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A refused object: where it stands, and why. No value, no id that is a lookup key.
#[derive(Debug, Serialize)]
pub struct RefusedObject {
    /// Which object of the input, from 1.
    pub number: u64,
    /// Its identifier, where the person floor has nothing against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// Where in the object.
    pub path: String,
    /// The class of what was found.
    pub found: String,
    /// What is required.
    pub required: String,
    /// What the sender can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Octets of the input that are done with.
    pub octets: u64,
    /// Objects that are done with.
    pub objects: u64,
}

impl Node {
    /// Imports what `input` holds. `Err` is a fault of the node; what was taken before stays, and
    /// the same import can be run again.
    pub fn import(
        &self,
        by: &Checked,
        collection: &Collection,
        input: impl Read,
        terms: Terms,
        mut progress: impl FnMut(Progress),
    ) -> Result<Report, NodeError> {
        self.require_space()?;
        self.require_own(collection)?;
        let mut reader = Reader::new(input);
        let mut import = Import::new(self, by, collection, terms);
        let broken_off = loop {
            match reader.next() {
                Ok(Some(found)) => {
                    if let Err(exceeded) = import.take(found.bytes, found.size) {
                        break Some(exceeded.to_string());
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(told(&error)),
            }
            if import.is_full() {
                import.send()?;
                let objects = import.report.objects;
                progress(Progress { octets: reader.offset(), objects });
            }
        };
        let mut report = import.finish()?;
        progress(Progress { octets: reader.offset(), objects: report.objects });
        report.broken_off = broken_off;
        if reader.about().has_spec_version {
            let warning = "the bundle has a `spec_version`, as bundles of STIX 2.0 have";
            report.warnings.push(warning.to_owned());
        }
        Ok(report)
    }
}

/// An import under way: one group is judged while the one before is written.
struct Import<'a> {
    node: &'a Node,
    by: &'a Checked,
    collection: &'a Collection,
    terms: Terms,
    now: i64,
    group: Vec<Judged>,
    bytes: u64,
    /// The room that a quota gave the group.
    pass: Option<Pass>,
    written: Option<Pending<Vec<Verdict>>>,
    report: Report,
}

impl<'a> Import<'a> {
    fn new(
        node: &'a Node,
        by: &'a Checked,
        collection: &'a Collection,
        terms: Terms,
    ) -> Import<'a> {
        let (now, group) = (node.now(), Vec::with_capacity(GROUP_OBJECTS));
        let (bytes, pass, written, report) = (0, None, None, Report::default());
        Import { node, by, collection, terms, now, group, bytes, pass, written, report }
    }

    /// One object; without bytes it was too large to be read. Where a quota has no room for it,
    /// it is not looked at.
    fn take(&mut self, bytes: Option<&[u8]>, size: u64) -> Result<(), Exceeded> {
        let asked = Amount { objects: 1, octets: size };
        let pass = self.node.require_quota(self.by, self.collection, asked, self.now)?;
        match (&mut self.pass, pass) {
            (Some(pass), Some(more)) => pass.join(more),
            (none, pass) => *none = none.take().or(pass),
        }
        self.bytes += size;
        let judged = match bytes {
            Some(bytes) => self.node.judge(self.by, self.collection, bytes, self.terms, self.now),
            None => Err(comity_gate::too_large(size)),
        };
        self.group.push(judged);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.group.len() >= GROUP_OBJECTS || self.bytes >= GROUP_BYTES
    }

    /// Hands the group over, once the one before is written.
    fn send(&mut self) -> Result<(), NodeError> {
        self.settle()?;
        self.node.require_space()?;
        let group = std::mem::replace(&mut self.group, Vec::with_capacity(GROUP_OBJECTS));
        let pass = self.pass.take();
        self.written = Some(self.node.writer().submit(self.collection.number, group, pass)?);
        (self.bytes, self.now) = (0, self.node.now());
        Ok(())
    }

    fn settle(&mut self) -> Result<(), NodeError> {
        let Some(written) = self.written.take() else {
            return Ok(());
        };
        let verdicts = written.wait();
        self.node.count(&verdicts);
        let verdicts = verdicts?;
        let before = usize::try_from(self.report.objects).unwrap_or(usize::MAX);
        self.node.ledger(self.by, "import", before, &verdicts, self.now)?;
        verdicts.iter().for_each(|verdict| self.report.add(verdict));
        Ok(())
    }

    fn finish(mut self) -> Result<Report, NodeError> {
        self.send()?;
        self.settle()?;
        Ok(self.report)
    }
}

impl Report {
    fn add(&mut self, verdict: &Verdict) {
        self.objects += 1;
        match &verdict.outcome {
            Outcome::Stored(stored) => {
                self.stored += 1;
                self.flagged += u64::from(!stored.flags.is_empty());
                self.held_back += u64::from(stored.held_back.is_some());
                for flag in &stored.flags {
                    *self.flags.entry((*flag).to_owned()).or_default() += 1;
                }
            }
            Outcome::Known => self.known += 1,
            Outcome::Narrower(_) => {
                self.known += 1;
                self.narrower += 1;
            }
            Outcome::Attested => {
                self.known += 1;
                self.attested += 1;
            }
            Outcome::Kept => self.kept += 1,
            Outcome::Refused(refusal) => {
                self.refused += 1;
                if self.refusals.len() < REFUSED_LISTED_MAX {
                    self.refusals.push(RefusedObject {
                        number: self.objects,
                        id: verdict.id.clone(),
                        version: verdict.version.clone(),
                        code: refusal.code.id,
                        path: refusal.path.as_str().to_owned(),
                        found: refusal.found.to_string(),
                        required: refusal.required.to_string(),
                        hint: refusal.hint,
                    });
                }
            }
        }
    }
}

fn told(error: &BundleError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
