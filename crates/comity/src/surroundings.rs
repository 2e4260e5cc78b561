//! The clock, the generator, the boot: the only place that asks the system for them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use comity_node::Surroundings;

/// What the process gives a node.
pub(crate) fn real() -> Surroundings {
    Surroundings {
        now: Arc::new(now),
        random: Arc::new(random),
        boot: boot(),
        fatal: Arc::new(fatal),
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[allow(clippy::disallowed_methods, reason = "the one place that draws randomness")]
fn random(octets: &mut [u8]) {
    if getrandom::fill(octets).is_err() {
        // Keys of guessable octets would be worse than no process.
        fatal("the system gives no random octets");
    }
}

/// The kernel's name of this boot; without one, each process counts as a boot of its own, and
/// the view is folded again.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_else(|_| format!("process {} at {}", std::process::id(), now()))
}

#[allow(clippy::print_stderr, reason = "the process ends; nothing else would show it")]
fn fatal(what: &str) {
    eprintln!("comity: {what}; the process ends, and recovers at the next start");
    std::process::exit(4);
}
