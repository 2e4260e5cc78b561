//! `docs/reference/release.md`: rule, label and standing against what each party is served.

use std::fmt::Write as _;
use std::path::Path;

use comity_charter::RED;
use comity_charter::Tlp;
use comity_node::NodeError;
use comity_node::share::Report;
use comity_wire::entry::Kind;

use crate::body::{Body, OTHERS, OWN, SERVED, id, tool};

const RULES: [&str; 7] = [
    "none",
    "all",
    "tier:member",
    "tier:observer",
    "party:beta.example",
    "party:beta.example,delta.example",
    "party:epsilon.example",
];

const LIGHTS: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

const HEAD: &str = "# Release

Who gets what is shared, granted and withdrawn. Written by a test (`crates/node/tests/release.rs`)
from what a node serves to each party; do not edit.

The node is that of `alpha.example`. A cell says `yes` where the party is served the opening of the
entry, and is empty where it is served nothing: neither the object nor that there is one. Where
nothing is written at all, the row says why.

";

fn table(text: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
}

fn parties(text: &mut String) {
    text.push_str("## The parties\n\n");
    let mut rows = vec![vec![OWN.to_owned(), "member".to_owned(), "yes".to_owned()]];
    for (party, tier) in OTHERS {
        let node = if SERVED.contains(&party) { "yes" } else { "" };
        rows.push(vec![party.to_owned(), tier.to_owned(), node.to_owned()]);
    }
    table(text, &["party", "tier", "has a node"], &rows);
}

/// What a share or grant was refused for.
fn refused(done: &Result<Report, NodeError>) -> String {
    match done {
        Ok(report) => {
            report.refusals.first().map_or(String::new(), |one| format!("`{}`", one.code))
        }
        Err(NodeError::Nobody { .. }) => "reaches nobody".to_owned(),
        Err(NodeError::Rule(error)) if error.rule == RED => "red is for named parties".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

fn marks(body: &Body, number: u32) -> Vec<String> {
    let have = body.who_has(&id(number));
    let all = OTHERS.iter().map(|(party, _)| *party);
    all.map(|party| if have.contains(&party) { "yes" } else { "" }.to_owned()).collect()
}

fn columns<'a>(first: &[&'a str]) -> Vec<&'a str> {
    let others = OTHERS.iter().map(|(party, _)| *party);
    first.iter().copied().chain(others).chain(["why nothing"]).collect()
}

/// Objects are numbered on, so that each case has one of its own.
struct Cases {
    body: Body,
    next: u32,
}

impl Cases {
    fn object(&mut self) -> u32 {
        self.next += 1;
        self.body.stored(&self.body.desk, &tool(self.next, None));
        self.next
    }

    fn shares(&mut self, text: &mut String) {
        text.push_str("## Share\n\n");
        let mut rows = Vec::new();
        for rule in RULES {
            for tlp in LIGHTS {
                let number = self.object();
                let done = self.body.share(&[id(number)], rule, Some(tlp));
                let mut row = vec![format!("`{rule}`"), tlp.label().to_owned()];
                row.extend(marks(&self.body, number));
                row.push(refused(&done));
                rows.push(row);
            }
        }
        table(text, &columns(&["rule", "TLP"]), &rows);
    }

    fn grants(&mut self, text: &mut String) {
        text.push_str(
            "## Grant\n\nOf an object that was shared with `party:beta.example` before. ",
        );
        text.push_str("Nothing is narrowed: who has it keeps it.\n\n");
        let mut rows = Vec::new();
        for rule in RULES {
            for tlp in [Tlp::Green, Tlp::Red] {
                let number = self.object();
                self.body.share(&[id(number)], "party:beta.example", Some(tlp)).unwrap();
                let done = self.body.grant(&[id(number)], rule);
                let mut row = vec![format!("`{rule}`"), tlp.label().to_owned()];
                row.extend(marks(&self.body, number));
                row.push(refused(&done));
                rows.push(row);
            }
        }
        table(text, &columns(&["rule", "TLP"]), &rows);
    }

    fn withdrawals(&mut self, text: &mut String) {
        text.push_str("## Withdraw\n\nWho is served the withdrawal of an object that was shared, ");
        text.push_str(
            "and perhaps granted, by these rules. The object is served to nobody then.\n\n",
        );
        let mut rows = Vec::new();
        for (share, grant) in [
            ("party:beta.example", None),
            ("party:beta.example", Some("tier:observer")),
            ("tier:member", Some("party:delta.example")),
            ("all", None),
        ] {
            let number = self.object();
            self.body.share(&[id(number)], share, None).unwrap();
            if let Some(grant) = grant {
                self.body.grant(&[id(number)], grant).unwrap();
            }
            let told = |body: &Body| {
                let of = |party: &str| {
                    let all = body.served(party);
                    all.iter().filter(|got| got.header.kind == Kind::Withdraw).count()
                };
                OTHERS.map(|(party, _)| of(party))
            };
            let before = told(&self.body);
            self.body.withdraw(&[id(number)], false);
            assert!(self.body.who_has(&id(number)).is_empty());
            let grant = grant.map_or(String::new(), |grant| format!("`{grant}`"));
            let mut row = vec![format!("`{share}`"), grant];
            let after = told(&self.body);
            let is = before.iter().zip(after).map(|(before, after)| after > *before);
            row.extend(is.map(|is| if is { "yes" } else { "" }.to_owned()));
            rows.push(row);
        }
        let others = OTHERS.iter().map(|(party, _)| *party);
        let head: Vec<&str> = ["shared", "granted"].into_iter().chain(others).collect();
        table(text, &head, &rows);
    }

    fn standing(&mut self, text: &mut String) {
        text.push_str("## Standing\n\n`gamma.example` loses its standing, and has it again. ");
        text.push_str("Every rule here is `all`.\n\n");
        let before = self.object();
        self.body.share(&[id(before)], "all", None).unwrap();
        let mut rows = Vec::new();
        let mut row = |body: &Body, what: &str, when: &str, number: u32| {
            let mut row = vec![what.to_owned(), when.to_owned()];
            row.extend(marks(body, number));
            rows.push(row);
        };
        let (old, new) = ("shared while it had standing", "shared while it had none");
        row(&self.body, old, "before", before);
        let without: Vec<_> = OTHERS.into_iter().filter(|(id, _)| *id != "gamma.example").collect();
        self.body.reopen(&without);
        let after = self.object();
        self.body.share(&[id(after)], "all", None).unwrap();
        row(&self.body, old, "while it has none", before);
        row(&self.body, new, "while it has none", after);
        self.body.reopen(&OTHERS);
        row(&self.body, old, "when it has it again", before);
        row(&self.body, new, "when it has it again", after);
        self.body.grant(&[id(after)], "all").unwrap();
        row(&self.body, new, "after a grant", after);
        let others = OTHERS.iter().map(|(party, _)| *party);
        let head: Vec<&str> = ["object", "asked"].into_iter().chain(others).collect();
        table(text, &head, &rows);
    }
}

#[test]
fn the_page_of_releases_is_what_a_node_serves() {
    let mut text = HEAD.to_owned();
    parties(&mut text);
    let mut cases = Cases { body: Body::new(), next: 0 };
    cases.shares(&mut text);
    cases.grants(&mut text);
    cases.withdrawals(&mut text);
    cases.standing(&mut text);
    compare(&format!("{}\n", text.trim_end()));
}

#[allow(clippy::disallowed_methods, reason = "the page is written where somebody asks for it")]
fn compare(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/release.md");
    if std::env::var_os("COMITY_ACCEPT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, text,
        "write it anew: COMITY_ACCEPT=1 cargo test -p comity-node --test release"
    );
}
