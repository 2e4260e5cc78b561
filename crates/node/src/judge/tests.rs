//! Who may give something to others, by the charter that an entry names.

use comity_charter::Charter;
use comity_wire::entry::{self, Audience, Author, Handling, Header, Kind, Log, Reference};

use super::{Judge, Says, code};
use crate::config::Config;
use crate::peer::Peer;

const TOOL: &[u8] = br#"{"type":"tool","spec_version":"2.1","id":"tool--8e2e2d2b-17d4-4cbf-938f-000000000001","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"EXERCISE"}"#;

const TIERS: &str = r#"
[[tier]]
id = "member"
name = "Member"
rights = ["receive", "share", "decide", "attend"]

[[tier]]
id = "observer"
name = "Observer"
rights = ["receive", "attend"]
"#;

/// A charter in which alpha.example has these standings.
fn charter(standings: &str) -> Charter {
    let own = comity_charter::one_party("beta.example", "EXERCISE");
    let alpha = "\n[[party]]\nid = \"alpha.example\"\nname = \"EXERCISE\"\n";
    comity_charter::parse(&format!("{own}{TIERS}{alpha}{standings}")).unwrap()
}

fn judge(charter: &Charter, before: Vec<Charter>) -> Judge {
    Judge::new(&Config::new("beta.example"), charter, "b0d1", before)
}

fn header(charter: &str, kind: Kind, created: &str) -> Header {
    Header {
        v: 1,
        body: "b0d1".to_owned(),
        origin: "alpha.example".to_owned(),
        log: "shared".to_owned(),
        kind,
        author: Author { role: "releaser".to_owned(), pseudonym: "u-1".to_owned() },
        idem: None,
        created: created.to_owned(),
        expires: None,
        purpose: "network-defence".to_owned(),
        grade: None,
        handling: Handling { tlp: "GREEN".to_owned(), pap: None },
        audience: Audience { rule: "all".to_owned(), parties: vec!["beta.example".to_owned()] },
        charter: charter.to_owned(),
        seen: None,
        refs: Vec::new(),
        inner: None,
        attested: None,
    }
}

fn peer() -> Peer {
    Peer {
        party: "alpha.example".to_owned(),
        address: String::new(),
        shared: 16,
        acts: 17,
        collection: 10,
        everything: 1,
        added: 0,
    }
}

fn judged(judge: &Judge, header: &Header, payload: &[u8]) -> Result<Says, &'static str> {
    let envelope = entry::encode(header, payload).unwrap();
    judge.judge(&peer(), Log::Shared, &envelope).map(|(_, says)| says)
}

fn shares(judge: &Judge, charter: &str, created: &str) -> Option<&'static str> {
    judged(judge, &header(charter, Kind::Share, created), TOOL).err()
}

#[test]
fn a_party_without_the_right_shares_and_grants_nothing() {
    let observer = charter("tier = \"observer\"\n");
    let (judge, hash) = (judge(&observer, Vec::new()), observer.hash.to_string());
    assert_eq!(shares(&judge, &hash, "2026-01-01T00:00:00Z"), Some(code::RIGHT));
    let reference = Reference {
        origin: "alpha.example".to_owned(),
        log: "shared".to_owned(),
        index: 0,
        leaf: format!("01{}", "0".repeat(64)),
    };
    let named = |kind| {
        let refs = vec![reference.clone()];
        Header { refs, ..header(&hash, kind, "2026-01-01T00:00:00Z") }
    };
    assert_eq!(judged(&judge, &named(Kind::Grant), b"{}").err(), Some(code::RIGHT));
    // What it has to say of what it was given, and of what it gave while it might, it may say.
    assert!(judged(&judge, &named(Kind::Withdraw), b"{}").is_ok());
}

#[test]
fn the_charter_that_an_entry_names_decides_and_the_time_that_it_says() {
    let first = charter("tier = \"member\"\n");
    let dated = "[[party.standing]]\ntier = \"member\"\nuntil = 2026-02-01\n\
                 [[party.standing]]\ntier = \"observer\"\nfrom = 2026-02-01\n";
    let second = charter(dated);
    let judge = judge(&second, vec![first.clone()]);
    let (first, second) = (first.hash.to_string(), second.hash.to_string());
    // What a later charter takes from it leaves what it wrote under the former one.
    assert_eq!(shares(&judge, &first, "2026-03-01T00:00:00Z"), None);
    assert_eq!(shares(&judge, &second, "2026-01-31T00:00:00Z"), None);
    assert_eq!(shares(&judge, &second, "2026-03-01T00:00:00Z"), Some(code::RIGHT));
    // One that was never in force here decides nothing.
    assert_eq!(shares(&judge, &"0".repeat(64), "2026-03-01T00:00:00Z"), Some(code::RIGHT));
    assert_eq!(shares(&judge, &"0".repeat(64), "2026-01-31T00:00:00Z"), None);
}

#[test]
fn who_is_suspended_or_was_never_a_party_shares_nothing() {
    let suspended = charter("[[party.standing]]\ntier = \"member\"\nstatus = \"suspended\"\n");
    let hash = suspended.hash.to_string();
    let suspended = judge(&suspended, Vec::new());
    assert_eq!(shares(&suspended, &hash, "2026-01-01T00:00:00Z"), Some(code::RIGHT));
    let alone = comity_charter::one_party("beta.example", "EXERCISE");
    let alone = comity_charter::parse(&alone).unwrap();
    let hash = alone.hash.to_string();
    assert_eq!(
        shares(&judge(&alone, Vec::new()), &hash, "2026-01-01T00:00:00Z"),
        Some(code::RIGHT)
    );
}

#[test]
fn a_time_that_is_none_is_no_header() {
    let member = charter("tier = \"member\"\n");
    let (judge, hash) = (judge(&member, Vec::new()), member.hash.to_string());
    assert_eq!(shares(&judge, &hash, "yesterday"), Some(code::NO_HEADER));
}

#[test]
fn an_own_share_is_judged_as_others_judge_it() {
    let member = charter("tier = \"member\"\n");
    let (judge, hash) = (judge(&member, Vec::new()), member.hash.to_string());
    let share = || header(&hash, Kind::Share, "2026-01-01T00:00:00Z");
    assert!(judge.shareable(&share(), TOOL).is_ok());
    let mut pink = share();
    pink.handling.pap = Some("PINK".to_owned());
    assert_eq!(judge.shareable(&pink, TOOL).err(), Some(code::LABEL));
    let other = Reference {
        origin: "gamma.example".to_owned(),
        log: "shared".to_owned(),
        index: 0,
        leaf: format!("01{}", "0".repeat(64)),
    };
    // What another party said, and nothing that consents.
    let alone = Header { refs: vec![other], ..share() };
    assert_eq!(judge.shareable(&alone, TOOL).err(), Some(code::REFS));
}
