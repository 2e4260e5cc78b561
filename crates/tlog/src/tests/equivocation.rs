//! A log that signs two histories is convicted, whichever two heads are seen of it; one that does
//! not never is.

use super::{Random, key};
use crate::checkpoint::Checkpoint;
use crate::equivocation::{Branch, Convicted, Equivocation, EquivocationError};
use crate::merkle::{Hash, Range, check_consistency, leaf_hash};
use crate::note::Verifier;

const ORIGIN: &str = "beta.example/shared";

fn verifier() -> Verifier {
    Verifier::new(ORIGIN, &key(77).verifying_key()).unwrap()
}

/// A history that shares its first leaves with others, up to where it turns off.
struct History {
    leaves: Vec<Hash>,
}

impl History {
    fn new(size: u64, turns_off: u64, way: u8) -> History {
        let leaves = (0..size).map(|n| {
            let way = if n < turns_off { 0 } else { way };
            leaf_hash(&[n.to_be_bytes().as_slice(), &[way]].concat())
        });
        History { leaves: leaves.collect() }
    }

    fn root(&self, size: u64) -> Hash {
        let mut range = Range::default();
        self.leaves[..usize::try_from(size).unwrap()].iter().for_each(|leaf| range.push(*leaf));
        range.root()
    }

    fn note(&self, size: u64) -> String {
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: self.root(size) };
        checkpoint.sign(&key(77)).unwrap()
    }

    fn branch(&self, mark: u64, size: u64) -> Branch {
        let mut branch = Branch::new(mark);
        let leaves = &self.leaves[..usize::try_from(size).unwrap()];
        leaves.iter().for_each(|leaf| branch.push(*leaf));
        assert_eq!((branch.size(), branch.root()), (size, self.root(size)));
        branch
    }
}

fn proof(one: &History, m: u64, other: &History, n: u64) -> Equivocation {
    let branch = other.branch(m, n);
    Equivocation::of_branch(&one.note(m), &other.note(n), &branch).unwrap()
}

#[test]
fn any_two_heads_of_two_histories_convict() {
    for turns_off in [0, 1, 3, 8] {
        let (one, other) = (History::new(12, turns_off, 1), History::new(20, turns_off, 2));
        for m in turns_off + 1..=12 {
            for n in m..=20 {
                let made = proof(&one, m, &other, n);
                let again = Equivocation::parse(made.text().as_bytes()).unwrap();
                assert_eq!(again, made);
                let convicted = Convicted {
                    origin: ORIGIN.to_owned(),
                    smaller: (m, one.root(m)),
                    larger: (n, other.root(n)),
                };
                assert_eq!(again.check(&verifier()), Ok(convicted), "{turns_off} {m} {n}");
            }
        }
    }
    let (one, other) = (History::new(3, 0, 1), History::new(3, 0, 2));
    let made = Equivocation::of_one_size(&one.note(3), &other.note(3), other.root(3));
    assert!(made.check(&verifier()).is_ok());
}

/// Proofs of large trees come from what a branch keeps of them.
#[test]
fn a_branch_proves_what_the_whole_tree_does() {
    let sizes = [1, 2, 255, 256, 257, 300, 511, 512, 513, 700, 768, 1000, 1024, 1300];
    let history = History::new(1300, 1300, 0);
    for m in sizes {
        for n in sizes.iter().copied().filter(|n| *n >= m) {
            let (prefix, proof) = history.branch(m, n).prove().unwrap();
            assert_eq!(prefix, history.root(m));
            assert!(check_consistency(&proof, m, &prefix, n, &history.root(n)), "{m} {n}");
        }
    }
    assert_eq!(Branch::new(1).prove(), None);
}

/// One history, and everything that somebody might present as another: none is accepted.
#[test]
fn an_honest_log_is_never_convicted() {
    let honest = History::new(20, 20, 0);
    let lie = History::new(20, 0, 9);
    let mut random = Random::new(5);
    for m in 0..=20 {
        for n in 0..=20 {
            let (a, b) = (honest.note(m), honest.note(n));
            let mut tries = vec![
                (honest.root(m), honest.branch(m, n.max(m)).prove().unwrap().1),
                (lie.root(m), lie.branch(m, n.max(m)).prove().unwrap().1),
                (lie.root(m), honest.branch(m, n.max(m)).prove().unwrap().1),
                (lie.root(m), Vec::new()),
                (honest.root(n), Vec::new()),
                (lie.root(n), vec![lie.root(m)]),
            ];
            for _ in 0..4 {
                let mut bent = tries[0].clone();
                let at = usize::try_from(random.below(bent.1.len() as u64 + 1)).unwrap();
                match bent.1.get_mut(at) {
                    Some(hash) => hash.0[7] ^= 1,
                    None => bent.0.0[7] ^= 1,
                }
                tries.push(bent);
            }
            for (prefix, proof) in tries {
                let made = Equivocation { smaller: a.clone(), larger: b.clone(), prefix, proof };
                let judged = made.check(&verifier());
                assert!(matches!(judged, Err(EquivocationError::NoContradiction(_))), "{judged:?}");
            }
        }
    }
}

#[test]
fn heads_that_the_log_did_not_sign_convict_nobody() {
    let (one, other) = (History::new(5, 0, 1), History::new(9, 0, 2));
    let good = proof(&one, 5, &other, 9);
    let forged = Checkpoint { origin: ORIGIN.to_owned(), size: 5, root: one.root(5) };
    let forged = forged.sign(&key(78)).unwrap();
    let foreign =
        Checkpoint { origin: "alpha.example/shared".to_owned(), size: 5, root: one.root(5) };
    let foreign = foreign.sign(&key(77)).unwrap();
    for smaller in [forged, foreign, String::new(), good.smaller.replacen('5', "6", 1)] {
        let bad = Equivocation { smaller, ..good.clone() };
        let judged = bad.check(&verifier());
        assert!(matches!(judged, Err(EquivocationError::Head { .. })), "{judged:?}");
    }
    let turned =
        Equivocation { smaller: good.larger.clone(), larger: good.smaller.clone(), ..good };
    let judged = turned.check(&verifier());
    assert!(matches!(judged, Err(EquivocationError::NoContradiction(_))), "{judged:?}");
}

#[test]
fn what_is_not_of_its_form_is_no_proof() {
    let (one, other) = (History::new(5, 0, 1), History::new(9, 0, 2));
    let good = proof(&one, 5, &other, 9).text();
    assert!(Equivocation::parse(good.as_bytes()).is_ok());
    let lines: Vec<&str> = good.lines().collect();
    for left_out in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(left_out);
        let text = fewer.join("\n") + "\n";
        let parsed = Equivocation::parse(text.as_bytes());
        assert!(parsed.is_err() || parsed.unwrap().check(&verifier()).is_err(), "{left_out}");
    }
    let many = good.clone() + &format!("{}\n", lines[lines.len() - 1]).repeat(200);
    for text in [&good[..good.len() - 1], "", "\n", &good.replace("note ", "note  "), &many] {
        assert!(Equivocation::parse(text.as_bytes()).is_err());
    }
    let mut random = Random::new(3);
    for _ in 0..2000 {
        let mut octets = good.clone().into_bytes();
        let at = usize::try_from(random.below(octets.len() as u64)).unwrap();
        octets[at] ^= 1 << random.below(8);
        if let Ok(parsed) = Equivocation::parse(&octets) {
            assert!(parsed.check(&verifier()).is_err());
        }
    }
}
