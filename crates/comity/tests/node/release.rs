//! Sharing, granting and withdrawing, by command and over TAXII.

#[path = "../../../node/tests/body/parties.rs"]
mod parties;

use serde_json::Value;

use parties::{TIERS, genesis};

use super::harness::{Place, holds};
use super::http::{TAXII, objects};
use super::sample::{CREATED, bundle, envelope, id, tool, with};

/// A marking of TLP:RED, version 2.0.
const RED: &str =
    r#","object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]"#;

/// A node of a body of four, with an analyst, a releaser and two collections.
fn place() -> Place {
    let place = Place::empty();
    let mut charter = comity_charter::one_party("alpha.example", "EXERCISE");
    charter.push_str(TIERS);
    for (party, tier) in
        [("beta.example", "member"), ("gamma.example", "observer"), ("delta.example", "partner")]
    {
        charter.push_str(&format!(
            "\n[[party]]\nid = \"{party}\"\nname = \"EXERCISE\"\ntier = \"{tier}\"\n"
        ));
        // One has no node.
        if party != "delta.example" {
            charter.push_str(&genesis(party));
        }
    }
    place.found("alpha.example", &charter);
    place.user("desk", "analyst");
    place.user("releaser", "releaser");
    place.collection("desk");
    place.run(&ADD_WIDE).exits(0);
    place
}

const ADD_WIDE: [&str; 11] = [
    "collection",
    "add",
    "DIR",
    "wide",
    "--alias",
    "wide",
    "--release",
    "all",
    "--by",
    "releaser",
    "--tlp=AMBER",
];

fn import(place: &Place, numbers: std::ops::RangeInclusive<u64>) {
    let all: Vec<String> = numbers.map(|number| tool(number, "EXERCISE")).collect();
    let file = place.file("bundle.json", bundle(&all));
    place.run(&["import", "DIR", &file, "--collection", "desk"]).exits(0);
}

fn released(place: &Place) -> Value {
    let state = place.run(&["--json", "doctor", "DIR"]).exits(0).json();
    state["released"].clone()
}

fn share(place: &Place, rest: &[&str]) -> super::harness::Ran {
    place.run(&[&["share", "DIR", "--collection", "desk"], rest].concat())
}

#[test]
fn objects_are_shared_granted_and_taken_back_by_named_users() {
    let place = place();
    import(&place, 1..=3);
    let to = ["--to", "party:beta.example"];
    let dry = share(&place, &[&["--all", "--dry-run"], &to[..]].concat()).exits(0).out;
    for part in ["3 objects: 3 would be shared", "PARTY", "beta.example", "yes", "does not name it"]
    {
        assert!(dry.contains(part), "{part}: {dry}");
    }
    assert_eq!(released(&place)["shares"], 0);
    let by = ["--by", "releaser"];
    let one = id(1);
    let named = ["--object", one.as_str()];
    share(&place, &[&named[..], &to, &by].concat()).exits(0);
    let again = share(&place, &[&["--all"], &to[..], &by].concat()).exits(0).out;
    assert!(again.contains("3 objects: 2 shared, 1 known"), "{again}");
    import(&place, 9..=9);
    let wider = share(&place, &[&named[..], &["--to", "all"], &by].concat()).exits(1).out;
    assert!(wider.contains("release-shared") && wider.contains("comity grant"), "{wider}");
    let grant = ["grant", "DIR", "--collection", "desk", "--to", "all", "--by", "releaser"];
    let granted = place.run(&grant).exits(0).out;
    // What is private of it stays so, and that is no refusal.
    assert!(granted.contains("4 objects: 3 granted"), "{granted}");
    assert!(granted.contains("1 private, 0 refused"), "{granted}");
    let counts = released(&place);
    assert_eq!((&counts["shares"], &counts["grants"]), (&3.into(), &1.into()));
    // Consent opens nothing: who it names may get it from somebody else.
    let onward = ["--onward", "beta.example", "--to", "party:gamma.example", "--by", "releaser"];
    let two = id(2);
    let line = [&["grant", "DIR", "--object", two.as_str()], &onward[..]].concat();
    let told = place.run(&line).exits(0).out;
    assert!(told.contains("MAY RECEIVE") && told.contains("to `party:gamma.example`\n"), "{told}");
    let back = ["withdraw", "DIR", "--object", &one, "--by", "releaser"];
    let told = place.run(&back).exits(0).out;
    assert!(told.contains("2 entries withdrawn") && told.contains("gamma.example"), "{told}");
    let counts = released(&place);
    assert_eq!((&counts["shares"], &counts["withdrawals"]), (&2.into(), &1.into()));
    let keep = ["withdraw", "DIR", "--object", &two, "--keep", "--by", "releaser"];
    place.run(&keep).exits(0);
    let left = place.run(&["export", "DIR", "--collection", "desk"]).exits(0).out;
    assert!(!left.contains(&one) && left.contains(&two));
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn who_has_not_the_right_releases_nothing() {
    let place = place();
    import(&place, 1..=1);
    let one = id(1);
    let to = ["--all", "--to", "all", "--by"];
    share(&place, &[&to[..], &["desk"]].concat()).fails_with(&["the right to release", "analyst"]);
    share(&place, &[&to[..], &["operator"]].concat()).fails_with(&["the right to release"]);
    share(&place, &[&to[..], &["nobody"]].concat()).fails_with(&["no user `nobody`"]);
    share(&place, &["--all", "--to", "all"]).exits(2);
    share(&place, &["--to", "all", "--by", "releaser"]).exits(2);
    for (rule, told) in [
        ("everybody", "`tier:ID`, `organ:ID` or `party:ID,ID`"),
        ("party:zeta.example", "`party:zeta.example`"),
        ("party:delta.example", "reaches no party now"),
        ("none", "reaches no party now"),
    ] {
        share(&place, &["--all", "--to", rule, "--by", "releaser"]).fails_with(&[told]);
    }
    share(&place, &["--object", "tool--x", "--to", "all", "--by", "releaser"])
        .fails_with(&["no object `tool--x`"]);
    share(&place, &["--all", "--to", "all", "--by", "releaser", "--tlp", "PINK"])
        .fails_with(&["no TLP label `PINK`"]);
    for line in [
        ["grant", "DIR", "--object", &one, "--to", "all", "--by", "desk"].as_slice(),
        &["withdraw", "DIR", "--object", &one, "--by", "desk"],
        &["collection", "release", "DIR", "desk", "--rule", "all", "--by", "desk"],
        &["collection", "add", "DIR", "third", "--release", "all", "--by", "desk"],
    ] {
        place.run(line).fails_with(&["the right to"]);
    }
    let listed = place.run(&["--json", "collection", "list", "DIR"]).exits(0).json();
    assert_eq!(listed["collections"].as_array().map(Vec::len), Some(2), "none was made");
    place.run(&["collection", "add", "DIR", "third", "--release", "all"]).exits(2);
    assert_eq!(released(&place)["shares"], 0);
}

#[test]
fn a_write_into_a_releasing_collection_is_a_release_and_so_is_its_end() {
    let place = place();
    let listed = place.run(&["collection", "list", "DIR"]).exits(0).out;
    assert!(listed.contains("RELEASES") && listed.contains("all up to TLP:AMBER"), "{listed}");
    let served = place.serve();
    let desk = served.ask("desk");
    let red = with(2, CREATED, "EXERCISE", RED);
    let told = desk.add("wide", envelope(&[tool(1, "EXERCISE"), red])).is(202).json();
    assert_eq!((&told["success_count"], &told["failure_count"]), (&1.into(), &1.into()));
    let message = told["failures"][0]["message"].as_str().unwrap();
    for part in ["release-marking", "TLP:RED", "at most TLP:AMBER"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(released(&place)["shares"], 1);
    // To take it back is for a releaser, and so is an object that was shared onward.
    let gone = |collection: &str, number| format!("{}{}/", objects(collection), id(number));
    let accept = [("Accept", TAXII)];
    let refused = desk.send("DELETE", &gone("wide", 1), &accept, &[]).is(403);
    assert!(refused.text().contains("the right to withdraw"), "{}", refused.text());
    let releaser = served.ask("releaser");
    releaser.send("DELETE", &gone("wide", 1), &accept, &[]).is(200);
    desk.add("desk", envelope(&[tool(3, "EXERCISE"), tool(4, "EXERCISE")])).is(202);
    let three = id(3);
    // Commands work while it serves.
    let to = ["--object", three.as_str(), "--to", "tier:member", "--by", "releaser"];
    share(&place, &to).exits(0);
    desk.send("DELETE", &gone("desk", 3), &accept, &[]).is(403);
    desk.send("DELETE", &gone("desk", 4), &accept, &[]).is(200);
    releaser.send("DELETE", &gone("desk", 3), &accept, &[]).is(200);
    let counts = released(&place);
    assert_eq!((&counts["shares"], &counts["withdrawals"]), (&0.into(), &2.into()));
    let off = ["collection", "release", "DIR", "wide", "--rule", "none", "--by", "releaser"];
    assert!(place.run(&off).exits(0).out.contains("private"));
    desk.add("wide", envelope(&[tool(5, "EXERCISE")])).is(202);
    assert_eq!(released(&place)["shares"], 0);
    served.kill();
    place.run(&["verify", "DIR"]).exits(0);
}

#[test]
fn what_is_not_shared_is_not_in_the_page_that_says_what_is() {
    let place = place();
    import(&place, 1..=2);
    let one = id(1);
    share(&place, &["--object", &one, "--to", "party:beta.example", "--by", "releaser"]).exits(0);
    let asked = ["--json", "share", "DIR", "--collection", "desk", "--all", "--to", "all"];
    let report = place.run(&[&asked[..], &["--dry-run"]].concat()).exits(1).json();
    assert_eq!((&report["shared"], &report["refused"]), (&1.into(), &1.into()));
    assert_eq!(report["refusals"][0]["code"], "release-shared");
    assert_eq!(
        report["audiences"][0]["parties"],
        serde_json::json!(["beta.example", "gamma.example"])
    );
    // A backup has the rule, and a row of it that changed by itself is found.
    let local = rusqlite::Connection::open(place.path().join("local.db")).unwrap();
    local.execute("UPDATE release_rule SET rule = 'none'", []).unwrap();
    drop(local);
    let found = place.run(&["verify", "DIR"]).exits(1).out;
    assert!(holds(found.as_bytes(), b"release_rule row 2"), "{found}");
}
