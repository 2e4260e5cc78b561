//! The generated pages: commands from their help, refusals from the tables of the gate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comity_gate::{Code, check, floor, release};
use serde_json::Value;

/// Codes of the STIX checks that mark and do not refuse. The floor's say it in their meaning.
const FLAGS: &[&str] = &[
    "property-custom",
    "property-deprecated",
    "charset-unknown",
    "creator-type-custom",
    "relationship-unusual",
    "hash-unknown",
    "vocabulary-form",
    "observable-id-differs",
    "marking-tlp-spelling",
    "marking-type-custom",
    "pattern-never-matches",
    "revocation-overtaken",
];

/// Codes that mark, and refuse where the charter wants it.
const EITHER: &[&str] = &["extension-unregistered", "type-unregistered"];

/// Refusals that no object of `examples/bundles/refused.json` can show, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("object-too-large", "an object of more than 4 MiB"),
    ("selector-too-many", "more than 1000 selectors"),
    ("floor-purpose", "a body without the purpose `network-defence`"),
    ("floor-query", "a question, not an object"),
    ("release-marking", "an object marked TLP:RED in a collection that releases up to TLP:GREEN"),
    ("release-red", "TLP:RED, and a rule like `all`"),
    ("release-rule", "a rule that names a party which has left the charter"),
    ("release-nobody", "a rule that reaches only parties without a node"),
    ("release-held", "`comity share` of what is held"),
    ("release-shared", "`comity share` to more parties than have it"),
    ("release-unshared", "`comity grant` of what is private"),
    ("release-not-own", "sharing what a peer released, without its consent"),
    ("release-assessment", "a release to a party of a tier in `handling.assessed`"),
    ("release-onward", "sharing it with more parties than it consents to"),
];

/// The one refusal that is found when the other versions are known, outside the gate.
const CONFLICT: [&str; 3] =
    ["version-conflict", "this version of the object is here with other content", "S040"];

/// The commands that a help lists.
pub(crate) fn verbs(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect()
}

/// `docs/reference/metrics.md`
pub(crate) fn metrics() -> String {
    let mut page = "# Metrics\n\n\
        What `GET /metrics` tells on the listener of `comity serve --metrics`, in the Prometheus \
        text format. Written by a test (`crates/comity/tests/docs.rs`); do not edit. \
        [monitoring.md](../operate/monitoring.md) says what to watch.\n\n\
        The values of labels are constants of the program, or parties of the charter: nobody can \
        make a new series by what he sends.\n\n\
        | name | kind | labels | what it says |\n|---|---|---|---|\n"
        .to_owned();
    let families = comity_serve::metrics::FAMILIES.iter();
    let of_node = comity_node::metrics::FAMILIES.iter();
    let of_node = of_node.chain(comity_node::metrics::peers::FAMILIES);
    for family in of_node.chain(families).chain(comity_serve::metrics::PROCESS) {
        let labels: Vec<String> = family.labels.iter().map(|name| format!("`{name}`")).collect();
        let (name, kind, help) = (family.name, family.kind, family.help);
        let _ = writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    page
}

/// `docs/reference/cli.md`
pub(crate) fn commands(helps: &BTreeMap<String, String>) -> String {
    let mut page = "# Command line\n\n\
        What `comity help` prints, command by command. Written by a test \
        (`crates/comity/tests/docs.rs`); do not edit.\n\n\
        Commands work while the node serves: they go through the control socket in the \
        node's directory then, and open the directory themselves otherwise. `charter found`, \
        `resume` and `peer recover` are for a node that does not serve. Every command takes \
        `--json`. None asks for a login: whoever can open the directory has \
        the keys in it, too.\n\n\
        | exit code | means |\n|---|---|\n\
        | 0 | done |\n\
        | 1 | done, and something was refused or found wrong |\n\
        | 2 | the command line itself |\n\
        | 3 | it could not be done; standard error says why |\n\
        | 4 | what is stored is in doubt; the process ended and recovers at the next start |\n\n\
        The log of `comity serve` goes to standard error; the variable `RUST_LOG` says how much \
        of it (`RUST_LOG=warn`). No other variable is read but \
        `NOTIFY_SOCKET` and `WATCHDOG_USEC`, which systemd sets.\n"
        .to_owned();
    // In the order of the help, groups before what is in them.
    let mut order = vec![String::new()];
    let mut at = 0;
    while let Some(command) = order.get(at).cloned() {
        let inside = verbs(&helps[&command]);
        for (offset, verb) in inside.iter().enumerate() {
            order.insert(at + 1 + offset, format!("{command} {verb}").trim().to_owned());
        }
        at += 1;
    }
    for command in order {
        let title = format!("comity {command}");
        let _ =
            write!(page, "\n## {}\n\n```text\n{}\n```\n", title.trim(), helps[&command].trim_end());
    }
    page
}

/// Numbers and codes of the objects that an import refused.
pub(crate) fn refused(told: &Value) -> Vec<(u64, &str)> {
    let refusals = told["refusals"].as_array().expect("refusals");
    refusals
        .iter()
        .map(|one| {
            let number = one["number"].as_u64().expect("number");
            (number, one["code"].as_str().expect("code"))
        })
        .collect()
}

/// `docs/reference/refusals.md`; `told` is what importing the examples printed.
pub(crate) fn refusals(told: &Value) -> String {
    let shown = refused(told);
    let mut page = "# Refusals and flags\n\n\
        Every code that a node says about an object. Written by a test \
        (`crates/comity/tests/docs.rs`) from the tables of the gate; do not edit. Codes do not \
        change once released.\n\n\
        A refusal has a code, the path in the object where it was found, the class of what was \
        found, what is required, and often a hint. It never has the value. You meet it in the \
        status of a POST (`failures[].message`), in the table of `comity import`, and in the \
        ledger (`comity refusals`), which keeps time, caller, way, path, class and code.\n\n\
        - **refused**: the object is not stored. The others of the same bundle are.\n\
        - **held**: stored, and released to nobody until a releaser attests that no record about \
        a natural person is in it.\n\
        - **flagged**: stored, marked, counted.\n\n\
        The number is that of an object in \
        [`examples/bundles/refused.json`](../../examples/README.md) that is refused so. Where \
        there is none, the last column says what it takes. `S` numbers are lines of \
        [stix.md](stix.md); what the person floor is for is in [person-floor.md](person-floor.md).\n"
        .to_owned();
    page.push_str("\n## Is it STIX 2.1?\n\n");
    head(&mut page);
    for code in check::CODES {
        row(&mut page, code.id, code.meaning, code.source, &shown);
    }
    page.push_str("\n## Does it contradict what is here?\n\n");
    head(&mut page);
    row(&mut page, CONFLICT[0], CONFLICT[1], CONFLICT[2], &shown);
    page.push_str("\n## May it leave?\n\n");
    head(&mut page);
    for code in release::CODES {
        row(&mut page, code.id, code.meaning, code.source, &shown);
    }
    page.push_str("\n## Is a natural person in it?\n\n");
    head(&mut page);
    let floor: &[&Code] = floor::CODES;
    for code in floor {
        row(&mut page, code.id, code.meaning, code.source, &shown);
    }
    page
}

fn head(page: &mut String) {
    page.push_str("| code | verdict | meaning | source | example |\n|---|---|---|---|---|\n");
}

fn row(page: &mut String, id: &str, meaning: &str, source: &str, shown: &[(u64, &str)]) {
    let verdict = verdict(id, meaning);
    let number = shown.iter().find(|(_, code)| *code == id);
    let other = NOT_SHOWN.iter().find(|(code, _)| *code == id);
    let example = match (number, other) {
        (Some((number, _)), _) => number.to_string(),
        (None, Some((_, why))) => (*why).to_owned(),
        (None, None) => String::new(),
    };
    assert!(
        verdict != "refused" || !example.is_empty(),
        "{id} refuses; examples/bundles/refused.json has no object for it"
    );
    assert!(
        verdict == "refused" || number.is_none(),
        "{id} is said to mark, and refused an example"
    );
    let _ = writeln!(page, "| `{id}` | {verdict} | {meaning} | {source} | {example} |");
}

fn verdict(id: &str, meaning: &str) -> &'static str {
    if EITHER.contains(&id) {
        return "flagged; refused where the charter says so";
    }
    if meaning.starts_with("held or flagged") {
        return "held or flagged";
    }
    if meaning.starts_with("held, and flagged") {
        return "held or flagged";
    }
    if meaning.starts_with("held") {
        return "held";
    }
    if meaning.starts_with("flagged") || FLAGS.contains(&id) {
        return "flagged";
    }
    "refused"
}

#[test]
fn the_conflict_is_told_as_the_node_tells_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../node/src/writer/decide.rs");
    let source = std::fs::read_to_string(path).expect("the file of the code");
    for word in CONFLICT {
        assert!(source.contains(&format!("\"{word}\"")), "{word}");
    }
}
