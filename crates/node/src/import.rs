//! A bundle or envelope of any length into a collection: read as a stream, submitted in groups.

use std::collections::BTreeMap;
use std::io::Read;

use comity_wire::stix::bundle::{BundleError, Reader};
use serde::Serialize;

use crate::collection::Collection;
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::submit::{Outcome, Terms, Verdict};

/// Objects submitted at a time: one commit's worth, and a few megabytes in memory.
const GROUP_OBJECTS: usize = 1000;

/// Octets submitted at a time, where objects are large.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

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
    /// Why the input could not be read to its end. What came before was taken.
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
        let mut reader = Reader::new(input);
        let mut report = Report::default();
        let mut group = Group::default();
        let broken_off = loop {
            match reader.next() {
                Ok(Some(found)) => match found.bytes {
                    Some(bytes) => group.push(bytes),
                    None => group.push_too_large(found.size),
                },
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            if group.is_full() {
                self.import_group(by, collection, &mut group, terms, &mut report)?;
                progress(Progress {
                    octets: reader.offset(),
                    objects: report.objects,
                });
            }
        };
        self.import_group(by, collection, &mut group, terms, &mut report)?;
        progress(Progress {
            octets: reader.offset(),
            objects: report.objects,
        });
        report.broken_off = broken_off.map(|error| told(&error));
        let about = reader.about();
        if about.has_spec_version {
            let warning = "the bundle has a `spec_version`, as bundles of STIX 2.0 have";
            report.warnings.push(warning.to_owned());
        }
        Ok(report)
    }

    fn import_group(
        &self,
        by: &Checked,
        collection: &Collection,
        group: &mut Group,
        terms: Terms,
        report: &mut Report,
    ) -> Result<(), NodeError> {
        let now = self.now();
        let objects: Vec<&[u8]> = group.objects.iter().map(Vec::as_slice).collect();
        let mut verdicts = self.submit(by, collection, &objects, terms, now)?;
        for (at, size) in &group.too_large {
            let outcome = Outcome::Refused(comity_gate::too_large(*size));
            let verdict = Verdict {
                id: None,
                version: None,
                outcome,
            };
            verdicts.insert((*at).min(verdicts.len()), verdict);
        }
        let before = usize::try_from(report.objects).unwrap_or(usize::MAX);
        self.ledger(by, "import", before, &verdicts, now)?;
        verdicts.iter().for_each(|verdict| report.add(verdict));
        *group = Group::default();
        Ok(())
    }
}

/// Objects to submit together.
#[derive(Default)]
struct Group {
    objects: Vec<Vec<u8>>,
    bytes: usize,
    /// Places and sizes of objects too large to read.
    too_large: Vec<(usize, u64)>,
}

impl Group {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.objects.push(bytes.to_vec());
    }

    fn push_too_large(&mut self, size: u64) {
        self.too_large
            .push((self.objects.len() + self.too_large.len(), size));
    }

    fn is_full(&self) -> bool {
        self.objects.len() + self.too_large.len() >= GROUP_OBJECTS || self.bytes >= GROUP_BYTES
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
