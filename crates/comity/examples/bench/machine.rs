//! Where a measurement was made, in the words of the system.

use std::path::Path;
use std::process::Command;

/// What a command prints, or nothing.
pub(crate) fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

/// Cores, processor, memory, kernel, and the file system that the nodes were on.
pub(crate) fn told(scratch: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = field("/proc/cpuinfo", "model name");
    let kibibytes: f64 = field("/proc/meminfo", "MemTotal")
        .split_whitespace()
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or_default();
    let memory = kibibytes / f64::from(1 << 20);
    let kernel = said("uname", &["-sr"]);
    let disk = said("stat", &["-f", "-c", "%T", &scratch.display().to_string()]);
    format!("{cores} cores ({model}), {memory:.0} GiB, {kernel}, {disk}")
}

/// The commit of the tree, and whether the tree has more than it.
pub(crate) fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    if changed { format!("{commit} and changes") } else { commit }
}

fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
