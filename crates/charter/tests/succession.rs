//! Which charter is in force, whatever came first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod world;

use comity_charter::{Accepts, Candidate, Charter, Hash, in_force, not_founding};
use proptest::prelude::*;
use world::{load, noon, party, standing, text, with_nodes};

const PARTIES: [&str; 3] = ["p0.example", "p1.example", "p2.example"];
const TODAY: &str = "2025-06-01";

/// A founding charter of three members and an observer.
fn founding() -> Charter {
    load(&founding_text())
}

fn founding_text() -> String {
    let mut parties: Vec<String> =
        PARTIES.iter().map(|id| party(id, "tier = \"member\"")).collect();
    parties.push(party("p3.example", "tier = \"observer\""));
    text(&parties)
}

/// A successor of a charter, told from others by its remark.
fn successor(of: &Charter, remark: &str) -> Charter {
    let version = of.version + 1;
    let head = format!("version = {version}\nprevious = \"{}\"", of.hash);
    load(&format!("# {remark}\n{}", founding_text().replace("version = 1", &head)))
}

fn accepts(pairs: &[(&str, Hash)]) -> Accepts {
    let mut accepts = Accepts::new();
    for (party, hash) in pairs {
        accepts.entry((*party).to_owned()).or_default().insert(*hash);
    }
    accepts
}

fn by_all(hash: Hash) -> Vec<(&'static str, Hash)> {
    PARTIES.iter().map(|party| (*party, hash)).collect()
}

#[test]
fn a_successor_needs_everybody_who_decides() {
    let now = founding();
    let next = [successor(&now, "a")];
    let hash = next[0].hash;
    let two = accepts(&by_all(hash)[..2]);
    let found = in_force(&now, &next, &two, noon(TODAY));
    assert_eq!(found.charter, &now);
    assert_eq!(found.candidates[&hash], Candidate::Waiting(vec!["p2.example".to_owned()]));
    // An observer does not decide, and his word does not count.
    let mut observed = two.clone();
    observed.entry("p3.example".to_owned()).or_default().insert(hash);
    assert_eq!(in_force(&now, &next, &observed, noon(TODAY)).charter, &now);
    let found = in_force(&now, &next, &accepts(&by_all(hash)), noon(TODAY));
    assert_eq!(found.charter.hash, hash);
    assert_eq!(found.candidates[&hash], Candidate::Succeeded);
}

#[test]
fn a_body_is_founded_by_all_who_have_a_node() {
    let charter = with_nodes(&founding_text(), &["p0.example", "p1.example", "p3.example"]);
    let hash = charter.hash;
    let given = accepts(&[("p0.example", hash), ("p1.example", hash)]);
    assert_eq!(not_founding(&charter, &given), ["p3.example"]);
    let given = accepts(&[("p0.example", hash), ("p1.example", hash), ("p3.example", hash)]);
    assert_eq!(not_founding(&charter, &given), [""; 0]);
    let other = founding().hash;
    let given = accepts(&[("p0.example", hash), ("p1.example", other), ("p3.example", hash)]);
    assert_eq!(not_founding(&charter, &given), ["p1.example"]);
}

#[test]
fn rivals_cancel_each_other() {
    let now = founding();
    let next = [successor(&now, "a"), successor(&now, "b")];
    let both = [by_all(next[0].hash), by_all(next[1].hash)].concat();
    let found = in_force(&now, &next, &accepts(&both), noon(TODAY));
    assert_eq!(found.charter, &now);
    assert!(found.candidates.values().all(|it| *it == Candidate::Cancelled));
    // Until the second gets there, the first is in force.
    let found = in_force(&now, &next, &accepts(&both[..5]), noon(TODAY));
    assert_eq!(found.charter.hash, next[0].hash);
}

#[test]
fn a_successor_names_the_charter_in_force_and_the_next_number() {
    let now = founding();
    let next = successor(&now, "a");
    let after = successor(&next, "b");
    let hash = after.hash;
    let candidates = [after];
    let found = in_force(&now, &candidates, &accepts(&by_all(hash)), noon(TODAY));
    assert_eq!((found.charter, &found.candidates[&hash]), (&now, &Candidate::Unrelated));
    let skips = load(
        &founding_text()
            .replace("version = 1", &format!("version = 3\nprevious = \"{}\"", now.hash)),
    );
    let candidates = [skips];
    let hash = candidates[0].hash;
    let found = in_force(&now, &candidates, &accepts(&by_all(hash)), noon(TODAY));
    assert_eq!((found.charter, &found.candidates[&hash]), (&now, &Candidate::Unrelated));
}

#[test]
fn where_nobody_decides_nothing_changes() {
    let gone = standing("member", "until = 2025-01-01");
    let now = load(&text(&[party("p0.example", &gone)]));
    let next = [successor(&now, "a")];
    let found = in_force(&now, &next, &accepts(&by_all(next[0].hash)), noon(TODAY));
    assert_eq!(found.charter, &now);
    assert_eq!(found.candidates[&next[0].hash], Candidate::Waiting(Vec::new()));
}

proptest! {
    /// Two rivals, a successor of the first, one of that: whatever the order of candidates.
    #[test]
    fn no_order_of_arrival_has_a_part(
        order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
        accepted in prop::collection::vec((0..4usize, 0..3usize), 0..14),
    ) {
        let now = founding();
        let first = successor(&now, "a");
        let rival = successor(&now, "b");
        let second = successor(&first, "c");
        let third = successor(&second, "d");
        let all = [first, rival, second, third];
        let given: Vec<(&str, Hash)> =
            accepted.iter().map(|(which, who)| (PARTIES[*who], all[*which].hash)).collect();
        let shuffled: Vec<Charter> = order.iter().map(|at| all[*at].clone()).collect();
        let accepts = accepts(&given);
        let one = in_force(&now, &all, &accepts, noon(TODAY));
        let other = in_force(&now, &shuffled, &accepts, noon(TODAY));
        prop_assert_eq!(one.charter, other.charter);
        prop_assert_eq!(&one.candidates, &other.candidates);
        // In force means that everybody accepted it, and that no rival got there.
        let by_all = |at: usize| PARTIES.iter().all(|party| {
            accepts.get(*party).is_some_and(|set| set.contains(&all[at].hash))
        });
        let expected = match (by_all(0), by_all(1)) {
            (true, true) | (false, false) => now.hash,
            (false, true) => all[1].hash,
            (true, false) if !by_all(2) => all[0].hash,
            (true, false) if !by_all(3) => all[2].hash,
            (true, false) => all[3].hash,
        };
        prop_assert_eq!(one.charter.hash, expected);
    }
}
