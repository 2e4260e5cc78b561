//! Sessions in documents: the `console` blocks of a page are run as one session of a shell, and
//! what it prints is compared with what the page says.
//!
//! A line that begins with `$ ` is a command; one that ends with a backslash goes on in the next.
//! Lines behind it are what it prints. Random parts (ids, times, hashes, passwords, sizes) may
//! differ, and so may counts in lines of `comity verify` and of `comity peer list`; a line of three dots stands for any lines. `console no-run` is not run.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Where the pages say that nodes serve, from the first on, and tell metrics; here they get free
/// ones. A body of two takes four in a row.
const FIRST: u16 = 8440;
const IN_A_ROW: u16 = 4;
const METRICS: &str = ":9440";

/// A token of so many characters, with a digit in it, is taken for random.
const RANDOM_CHARS_MIN: usize = 14;

struct Step {
    /// The lines of the command in the page.
    shown: Vec<String>,
    printed: Vec<String>,
}

/// Runs the page; with `accept` writes what was printed into it.
pub(crate) fn check(page: &Path, accept: bool) {
    let text = fs::read_to_string(page).unwrap();
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{}: no session", page.display());
    let outputs = run(&steps);
    let mut differences = String::new();
    for (step, output) in steps.iter().zip(&outputs) {
        if !is_like(&step.printed, output) {
            let _ = write!(
                differences,
                "\n{}\n--- the page says\n{}\n--- it prints\n{}\n",
                step.shown.join("\n"),
                step.printed.join("\n"),
                output.join("\n")
            );
        }
    }
    if accept && !differences.is_empty() {
        fs::write(page, rewritten(&text, &outputs)).unwrap();
        return;
    }
    assert!(
        differences.is_empty(),
        "{}: differs; COMITY_ACCEPT=1 writes what it prints\n{differences}",
        page.display()
    );
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    let mut goes_on = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
            continue;
        }
        if !inside {
            continue;
        }
        if line.starts_with("$ ") || goes_on {
            if !goes_on {
                steps.push(Step { shown: Vec::new(), printed: Vec::new() });
            }
            goes_on = line.ends_with('\\');
            steps.last_mut().unwrap().shown.push(line.to_owned());
        } else {
            let step = steps.last_mut().expect("output before a command");
            step.printed.push(line.to_owned());
        }
    }
    steps
}

/// The page with other outputs, in the order of its commands.
fn rewritten(text: &str, outputs: &[Vec<String>]) -> String {
    let mut page = String::new();
    let mut outputs = outputs.iter();
    let (mut inside, mut goes_on) = (false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && !line.starts_with("$ ") && !goes_on {
            continue;
        }
        page.push_str(line);
        page.push('\n');
        let command = inside && (line.starts_with("$ ") || goes_on);
        goes_on = command && line.ends_with('\\');
        if command && !goes_on {
            for line in outputs.next().into_iter().flatten() {
                page.push_str(line);
                page.push('\n');
            }
        }
    }
    page
}

fn run(steps: &[Step]) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    for name in ["examples", "tests", "comity.example.toml"] {
        std::os::unix::fs::symlink(root.join(name), directory.path().join(name)).unwrap();
    }
    let pairs = ports();
    let script = directory.path().join("session.sh");
    let text = pairs.iter().fold(script_of(steps), |text, (port, here)| text.replace(port, here));
    fs::write(&script, text).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_comity")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", binary.display());
    let status = Command::new("bash")
        .arg(&script)
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", directory.path())
        .env("LC_ALL", "C.UTF-8")
        .status()
        .unwrap();
    assert!(status.success(), "the shell of a session failed");
    (0..steps.len())
        .map(|at| {
            let output = fs::read_to_string(directory.path().join(format!("out.{at}")));
            let back = |text: String, (port, here): &(String, String)| text.replace(here, port);
            let output = pairs.iter().fold(output.unwrap(), back);
            output.lines().map(|line| line.trim_end().to_owned()).collect()
        })
        .collect()
}

/// What the pages say, and what it is here.
fn ports() -> Vec<(String, String)> {
    let bind = |port| TcpListener::bind(("127.0.0.1", port));
    let metrics = bind(0).unwrap();
    let free = || {
        let first = bind(0).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = (1..IN_A_ROW).map(|step| bind(port.checked_add(step)?).ok());
        others.collect::<Option<Vec<_>>>().map(|_| port)
    };
    let first = std::iter::repeat_with(free).take(100).flatten().next().expect("free ports");
    let mut pairs = vec![
        (format!("--listen-from {FIRST}"), format!("--listen-from {first}")),
        (METRICS.to_owned(), format!(":{}", metrics.local_addr().unwrap().port())),
    ];
    let row =
        (0..IN_A_ROW).map(|step| (format!(":{}", FIRST + step), format!(":{}", first + step)));
    pairs.extend(row);
    pairs
}

/// One shell, so that variables and jobs live on from command to command.
fn script_of(steps: &[Step]) -> String {
    let mut script = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n".to_owned();
    for (at, step) in steps.iter().enumerate() {
        let command = step.shown.join("\n");
        let command = command.strip_prefix("$ ").unwrap_or(&command);
        if let Some(command) = command.strip_suffix(" &") {
            // Its first line says that it is ready.
            let _ = writeln!(script, "{command} >out.{at} 2>/dev/null &");
            let _ = writeln!(
                script,
                "for _ in $(seq 200); do [ -s out.{at} ] && break; sleep 0.1; done"
            );
        } else {
            let _ = writeln!(script, "{{\n{command}\n}} >out.{at} 2>&1");
        }
    }
    script.push_str("exit 0\n");
    script
}

fn is_like(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((dots, rest)) if dots == "..." => {
            (0..=found.len()).any(|at| is_like(rest, &found[at..]))
        }
        Some((line, rest)) => found
            .split_first()
            .is_some_and(|(first, others)| masked(line) == masked(first) && is_like(rest, others)),
    }
}

/// A line without its random parts.
fn masked(line: &str) -> String {
    for secret in ["password ", "secret ", "read aloud "] {
        if line.starts_with(secret) {
            return secret.to_owned();
        }
    }
    let is_part = |one: char| one.is_ascii_alphanumeric() || "-_.:+/=".contains(one);
    let mut out = String::new();
    let mut token = String::new();
    for one in line.chars().chain(std::iter::once('\n')) {
        if is_part(one) {
            token.push(one);
            continue;
        }
        let random = token.len() >= RANDOM_CHARS_MIN
            && (token.len() >= 40 || token.contains(|one: char| one.is_ascii_digit()));
        out.push_str(if random { "#" } else { &token });
        token.clear();
        out.push(one);
    }
    // How many accesses were recorded by then depends on the moment, and so does how long ago
    // somebody was heard of.
    if line.starts_with("checked ") || line.contains(" s ago") {
        out.retain(|one| !one.is_ascii_digit());
    }
    // Columns are as wide as what stands in them.
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
