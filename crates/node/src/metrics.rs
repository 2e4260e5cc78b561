//! What a node counts about itself, and how numbers become text (the Prometheus text format).
//!
//! **Invariant:** nothing here is content, and no label holds what a client, a user or a producer
//! chose. Label values are constants of the program, so the number of series is bounded.
//!
//! Counting takes no lock and allocates nothing; what costs something is done when somebody asks.

pub mod peers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comity_wire::entry::Log;

use crate::node::{Node, NodeError};
use crate::submit::{Outcome, Verdict};
use crate::writer::decide::CONFLICT;

/// Upper bounds of commits, in microseconds: one write to a disk takes from 0.1 ms to seconds.
const COMMIT_MICROS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// Upper bounds of the entries of one commit.
const COMMIT_ENTRIES: [u64; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

/// Stands for what has no name of its own.
const OTHER: &str = "other";

/// A family of series: what is told of it, and its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name, with the unit.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

const fn family(
    name: &'static str,
    kind: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind, labels, help }
}

/// What a node tells, in the order in which it does.
pub const FAMILIES: &[Family] = &[
    family(
        "comity_objects_total",
        "counter",
        &["outcome"],
        "objects that came in and were taken: `stored` is a new entry, `known` was here, `attested` was here and waited, `kept` is an observable that was here with other content",
    ),
    family(
        "comity_objects_refused_total",
        "counter",
        &["code"],
        "objects that were refused, by code; docs/reference/refusals.md lists the codes",
    ),
    family(
        "comity_submissions_refused_total",
        "counter",
        &["reason"],
        "submissions of which no object was looked at: `reserve` is the disk reserve, `full` a full disk, `quota` the quota of a user or a collection",
    ),
    family(
        "comity_objects_withdrawn_total",
        "counter",
        &["reason"],
        "entries that were withdrawn: `removed` by a client, `expired` by the sweeper",
    ),
    family(
        "comity_commit_duration_seconds",
        "histogram",
        &[],
        "how long a commit took until it was on disk",
    ),
    family("comity_commit_entries", "histogram", &[], "entries of one commit"),
    family("comity_commits_failed_total", "counter", &[], "commits of which nothing was stored"),
    family(
        "comity_credential_checks_total",
        "counter",
        &["kind", "result"],
        "credentials that had to be looked up; those that are remembered are not counted",
    ),
    family("comity_log_entries", "gauge", &["log"], "entries of a log"),
    family("comity_file_size_bytes", "gauge", &["file"], "size of a file of the node"),
    family(
        "comity_disk_free_bytes",
        "gauge",
        &[],
        "free space on the file system of the node, as it was within the last second",
    ),
    family("comity_disk_reserve_bytes", "gauge", &[], "`disk_reserve_bytes` of the configuration"),
    family(
        "comity_read_only",
        "gauge",
        &[],
        "1 while no new objects are taken, for want of space or since nothing may be signed",
    ),
    family(
        "comity_halted",
        "gauge",
        &[],
        "1 once nothing is signed, since a peer holds a later head of this party's own logs",
    ),
    family("comity_stopping", "gauge", &[], "1 once the node was told to stop"),
    family(
        "comity_audit_records_waiting",
        "gauge",
        &[],
        "records of access that are not on disk yet",
    ),
    family(
        "comity_erasures_unsettled",
        "gauge",
        &[],
        "1 while keys that were erased are still in a file, since a reader stands in the way",
    ),
    family("comity_uptime_seconds", "gauge", &[], "time since the process began"),
    family("comity_build_info", "gauge", &["version"], "always 1; the version of the program"),
];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, some: u64) {
        self.0.fetch_add(some, Ordering::Relaxed);
    }

    /// What it says now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something was at most so large, and the sum of all.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: [u64; N],
    within: [Counter; N],
    beyond: Counter,
    sum: Counter,
}

impl<const N: usize> Histogram<N> {
    /// An empty one with these upper bounds, ascending.
    pub fn new(bounds: [u64; N]) -> Histogram<N> {
        let within = std::array::from_fn(|_| Counter::default());
        Histogram { bounds, within, beyond: Counter::default(), sum: Counter::default() }
    }

    /// Counts a value.
    pub fn count(&self, value: u64) {
        let at = self.bounds.iter().position(|bound| value <= *bound);
        at.and_then(|at| self.within.get(at)).unwrap_or(&self.beyond).one();
        self.sum.add(value);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.beyond.get() == 0 && self.within.iter().all(|counter| counter.get() == 0)
    }
}

/// Microseconds of a duration.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The text that is being written.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins a family: the samples that follow are its.
    pub fn family(&mut self, family: &Family) {
        let Family { name, kind, help, .. } = family;
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample.
    pub fn sample(&mut self, family: &Family, labels: &[&str], value: impl std::fmt::Display) {
        self.line(family.name, "", &pairs(family, labels), value);
    }

    /// A histogram. `unit` is how many of what was counted make one of the unit of its name.
    pub fn histogram<const N: usize>(
        &mut self,
        family: &Family,
        labels: &[&str],
        of: &Histogram<N>,
        unit: u32,
    ) {
        let pairs = pairs(family, labels);
        let lead = if pairs.is_empty() { String::new() } else { format!("{pairs},") };
        let mut count = 0;
        for (bound, within) in of.bounds.iter().zip(&of.within) {
            count += within.get();
            let bound = in_unit(*bound, unit);
            self.line(family.name, "_bucket", &format!("{lead}le=\"{bound}\""), count);
        }
        count += of.beyond.get();
        self.line(family.name, "_bucket", &format!("{lead}le=\"+Inf\""), count);
        self.line(family.name, "_sum", &pairs, in_unit(of.sum.get(), unit));
        self.line(family.name, "_count", &pairs, count);
    }

    fn line(&mut self, name: &str, suffix: &str, pairs: &str, value: impl std::fmt::Display) {
        let (open, close) = if pairs.is_empty() { ("", "") } else { ("{", "}") };
        let _ = writeln!(self.0, "{name}{suffix}{open}{pairs}{close} {value}");
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Label values are constants of the program and need no quoting.
fn pairs(family: &Family, labels: &[&str]) -> String {
    let pairs = family.labels.iter().zip(labels);
    pairs.map(|(name, value)| format!("{name}=\"{value}\"")).collect::<Vec<_>>().join(",")
}

/// A whole number of parts as a decimal number, without the rounding of floating point.
fn in_unit(parts: u64, unit: u32) -> String {
    if unit == 1 {
        return parts.to_string();
    }
    let unit = u64::from(unit);
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", parts / unit, parts % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the node counts while it works.
#[derive(Debug)]
pub(crate) struct Metrics {
    stored: Counter,
    known: Counter,
    attested: Counter,
    kept: Counter,
    refused: BTreeMap<&'static str, Counter>,
    pub(crate) reserve: Counter,
    pub(crate) full: Counter,
    pub(crate) quota: Counter,
    pub(crate) removed: Counter,
    pub(crate) expired: Counter,
    commit: Histogram<12>,
    entries: Histogram<12>,
    pub(crate) failed: Counter,
    good_password: Counter,
    wrong_password: Counter,
    good_token: Counter,
    wrong_token: Counter,
    unsettled: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let gate = comity_gate::check::CODES.iter().chain(comity_gate::floor::CODES);
        let codes = gate.chain(comity_gate::release::CODES);
        let ids = codes.map(|code| code.id).chain([CONFLICT.id, OTHER]);
        Metrics {
            stored: Counter::default(),
            known: Counter::default(),
            attested: Counter::default(),
            kept: Counter::default(),
            refused: ids.map(|id| (id, Counter::default())).collect(),
            reserve: Counter::default(),
            full: Counter::default(),
            quota: Counter::default(),
            removed: Counter::default(),
            expired: Counter::default(),
            commit: Histogram::new(COMMIT_MICROS),
            entries: Histogram::new(COMMIT_ENTRIES),
            failed: Counter::default(),
            good_password: Counter::default(),
            wrong_password: Counter::default(),
            good_token: Counter::default(),
            wrong_token: Counter::default(),
            unsettled: AtomicU64::default(),
        }
    }
}

impl Metrics {
    /// Counts what became of a submission.
    pub(crate) fn verdicts(&self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            match &verdict.outcome {
                Outcome::Stored(_) => self.stored.one(),
                Outcome::Known | Outcome::Narrower(_) => self.known.one(),
                Outcome::Attested => self.attested.one(),
                Outcome::Kept => self.kept.one(),
                Outcome::Refused(refusal) => {
                    let counter = self.refused.get(refusal.code.id);
                    if let Some(counter) = counter.or_else(|| self.refused.get(OTHER)) {
                        counter.one();
                    }
                }
            }
        }
    }

    /// Counts a submission of which no object was looked at, or stored.
    pub(crate) fn turned_away(&self, error: &NodeError) {
        match error {
            NodeError::Reserve { .. } => self.reserve.one(),
            NodeError::Full => self.full.one(),
            _ => {}
        }
    }

    pub(crate) fn committed(&self, took: Duration, entries: usize) {
        self.commit.count(micros(took));
        self.entries.count(entries as u64);
    }

    pub(crate) fn settled(&self, settled: bool) {
        self.unsettled.store(u64::from(!settled), Ordering::Relaxed);
    }

    pub(crate) fn checked(&self, password: bool, good: bool) {
        match (password, good) {
            (true, true) => self.good_password.one(),
            (true, false) => self.wrong_password.one(),
            (false, true) => self.good_token.one(),
            (false, false) => self.wrong_token.one(),
        }
    }

    fn counted(&self, family: &Family, text: &mut Text) {
        match family.name {
            "comity_objects_total" => {
                text.sample(family, &["stored"], self.stored.get());
                text.sample(family, &["known"], self.known.get());
                text.sample(family, &["attested"], self.attested.get());
                text.sample(family, &["kept"], self.kept.get());
            }
            "comity_objects_refused_total" => {
                for (code, counter) in &self.refused {
                    text.sample(family, &[code], counter.get());
                }
            }
            "comity_submissions_refused_total" => {
                text.sample(family, &["reserve"], self.reserve.get());
                text.sample(family, &["full"], self.full.get());
                text.sample(family, &["quota"], self.quota.get());
            }
            "comity_objects_withdrawn_total" => {
                text.sample(family, &["removed"], self.removed.get());
                text.sample(family, &["expired"], self.expired.get());
            }
            "comity_commit_duration_seconds" => {
                text.histogram(family, &[], &self.commit, 1_000_000);
            }
            "comity_commit_entries" => text.histogram(family, &[], &self.entries, 1),
            "comity_commits_failed_total" => text.sample(family, &[], self.failed.get()),
            "comity_credential_checks_total" => {
                text.sample(family, &["password", "good"], self.good_password.get());
                text.sample(family, &["password", "wrong"], self.wrong_password.get());
                text.sample(family, &["token", "good"], self.good_token.get());
                text.sample(family, &["token", "wrong"], self.wrong_token.get());
            }
            "comity_erasures_unsettled" => {
                text.sample(family, &[], self.unsettled.load(Ordering::Relaxed));
            }
            _ => {}
        }
    }
}

impl Node {
    /// Writes what the node counts and what it finds when asked. It looks at files, so it does
    /// not belong on a thread that moves octets.
    pub fn metrics(&self, text: &mut Text) -> Result<(), NodeError> {
        for family in FAMILIES {
            text.family(family);
            self.metrics.counted(family, text);
            self.looked_up(family, text)?;
        }
        self.peer_metrics(text)
    }

    fn looked_up(&self, family: &Family, text: &mut Text) -> Result<(), NodeError> {
        match family.name {
            "comity_log_entries" => {
                for log in Log::ALL {
                    text.sample(family, &[log.name()], self.log_size(log)?);
                }
            }
            "comity_file_size_bytes" => {
                for file in crate::directory::FILES {
                    let path = self.directory.root().join(file);
                    let size = std::fs::metadata(path).map_or(0, |found| found.len());
                    text.sample(family, &[file], size);
                }
            }
            "comity_disk_free_bytes" => {
                if let Some(free) = self.reserve.free() {
                    text.sample(family, &[], free);
                }
            }
            "comity_disk_reserve_bytes" => {
                text.sample(family, &[], self.config.disk_reserve_bytes);
            }
            "comity_read_only" => text.sample(family, &[], u8::from(self.read_only().is_some())),
            "comity_halted" => text.sample(family, &[], u8::from(self.halted().is_some())),
            "comity_stopping" => text.sample(family, &[], u8::from(self.is_stopping())),
            "comity_audit_records_waiting" => text.sample(family, &[], self.waiting.count()),
            "comity_uptime_seconds" => {
                text.sample(family, &[], (self.surroundings.monotonic)().as_secs());
            }
            "comity_build_info" => text.sample(family, &[env!("CARGO_PKG_VERSION")], 1),
            _ => {}
        }
        Ok(())
    }

    fn log_size(&self, log: Log) -> Result<u64, NodeError> {
        self.ask(|connections| Ok(connections.log.head(log.id())?.map_or(0, |head| head.size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_rounding() {
        assert_eq!(in_unit(250, 1_000_000), "0.00025");
        assert_eq!(in_unit(5_000_000, 1_000_000), "5");
        assert_eq!(in_unit(1_000_001, 1_000_000), "1.000001");
        assert_eq!(in_unit(0, 1_000_000), "0");
        assert_eq!(in_unit(4096, 1), "4096");
    }

    #[test]
    fn buckets_of_a_histogram_add_up() {
        let histogram = Histogram::new([1, 10]);
        [1, 2, 10, 11].into_iter().for_each(|value| histogram.count(value));
        let mut text = Text::default();
        let family = family("some_seconds", "histogram", &["way"], "some");
        text.histogram(&family, &["in"], &histogram, 1);
        let lines = [
            "some_seconds_bucket{way=\"in\",le=\"1\"} 1",
            "some_seconds_bucket{way=\"in\",le=\"10\"} 3",
            "some_seconds_bucket{way=\"in\",le=\"+Inf\"} 4",
            "some_seconds_sum{way=\"in\"} 24",
            "some_seconds_count{way=\"in\"} 4",
        ];
        assert_eq!(text.finish().trim_end().lines().collect::<Vec<_>>(), lines);
    }
}
