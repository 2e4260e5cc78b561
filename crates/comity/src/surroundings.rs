//! The clock, the generator, the boot: the only place that asks the system for them.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use comity_node::Surroundings;

/// What the process gives a node.
pub(crate) fn real() -> Surroundings {
    LazyLock::force(&BEGAN);
    Surroundings {
        now: Arc::new(now),
        monotonic: Arc::new(monotonic),
        free: Arc::new(free),
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

/// When the process asked for the first time.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn monotonic() -> Duration {
    BEGAN.elapsed()
}

/// What is free to this user, not to root alone.
fn free(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Resident memory, open descriptors, and how many may be open, where the kernel says.
pub(crate) fn process() -> [Option<u64>; 3] {
    let number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<u64>().ok());
    let line = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        text.lines().find_map(|line| line.strip_prefix(name)).and_then(number)
    };
    let resident = line("/proc/self/status", "VmRSS:").map(|kib| kib.saturating_mul(1024));
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|all| all.count() as u64);
    [resident, open, line("/proc/self/limits", "Max open files")]
}

#[allow(clippy::disallowed_methods, reason = "the one place that draws randomness")]
pub(crate) fn random(octets: &mut [u8]) {
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
