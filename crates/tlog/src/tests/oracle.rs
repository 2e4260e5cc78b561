//! Against other people's implementations, and against the examples of the specifications.

use std::cell::RefCell;
use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::tlog;

use super::{Random, key};
use crate::checkpoint::Checkpoint;
use crate::commitment::{Commitment, Salt};
use crate::merkle::{self, Hash, Nodes, Range};
use crate::note::{self, Note, NoteError, Verifier};
use crate::tile::{Edge, TileKind, TilePath, parse_bundle, push_record};

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// All leaf hashes; nodes are computed from them, the slow and obvious way.
struct Leaves(Vec<Hash>);

impl Leaves {
    fn new(count: u64) -> Leaves {
        let leaf = |index| merkle::leaf_hash(format!("leaf {index}").as_bytes());
        Leaves((0..count).map(leaf).collect())
    }

    fn root(&self, size: u64) -> Hash {
        fn mth(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => merkle::empty_root(),
                [one] => *one,
                more => {
                    let half = more.len().next_power_of_two() / 2;
                    merkle::node_hash(&mth(&more[..half]), &mth(&more[half..]))
                }
            }
        }
        mth(&self.0[..usize::try_from(size).unwrap()])
    }
}

impl Nodes for Leaves {
    type Error = Infallible;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let width = 1usize << level;
        let from = usize::try_from(index).unwrap() * width;
        Ok(merkle::root_of(&self.0[from..from + width]))
    }
}

#[test]
fn roots_of_the_reference_implementation_of_rfc_6962() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut range = Range::default();
    assert_eq!(range.root().to_string(), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        range.push(merkle::leaf_hash(&unhex(leaf)));
        assert_eq!(&range.root().to_string(), root);
    }
}

/// The example of Go's `note` package, which the specification was written from.
const NEUMANN: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const NEUMANN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

#[test]
fn the_note_of_the_specification() {
    let verifier = Verifier::parse(NEUMANN_KEY).unwrap();
    assert_eq!(verifier.vkey(), NEUMANN_KEY);
    let note = Note::parse(NEUMANN.as_bytes()).unwrap();
    assert!(note.text.ends_with("problem is.\n"));
    assert_eq!(note.verify(&[&verifier]), Ok(()));
    let changed = NEUMANN.replace("answer", "ANSWER");
    let note = Note::parse(changed.as_bytes()).unwrap();
    assert_eq!(note.verify(&[&verifier]), Err(NoteError::BadSignature));
}

#[test]
fn unknown_signatures_are_passed_over_and_known_ones_never() {
    let (ours, other) = (key(1), key(2));
    let verifier = Verifier::new("a.example", &ours.verifying_key()).unwrap();
    let stranger = Verifier::new("b.example", &other.verifying_key()).unwrap();
    let signed = note::sign("text\n\nmore\n", "a.example", &ours).unwrap();
    let line = |note: &str| note.lines().last().unwrap().to_owned() + "\n";
    let both = signed.clone() + &line(&note::sign("text\n\nmore\n", "b.example", &other).unwrap());
    let wrong = signed.clone() + &line(&note::sign("else\n", "b.example", &other).unwrap());
    let check =
        |note: &str, known: &[&Verifier]| Note::parse(note.as_bytes()).unwrap().verify(known);
    assert_eq!(Note::parse(signed.as_bytes()).unwrap().text, "text\n\nmore\n");
    assert_eq!(check(&both, &[&verifier]), Ok(()));
    assert_eq!(check(&both, &[&stranger, &verifier]), Ok(()));
    assert_eq!(check(&wrong, &[&verifier]), Ok(()));
    assert_eq!(check(&wrong, &[&verifier, &stranger]), Err(NoteError::BadSignature));
    assert_eq!(check(&signed, &[&stranger]), Err(NoteError::Unsigned));
    assert_eq!(check(&signed, &[]), Err(NoteError::Unsigned));
}

#[test]
fn notes_that_are_none() {
    let good = note::sign("text\n", "a.example", &key(1)).unwrap();
    for bad in [
        good.trim_end().to_owned(),
        good.replace("\u{2014} ", "- "),
        good.replace("\n\n", "\n"),
        good.replace("text", "te\txt"),
        good.replace("a.example", "a+example"),
        good.replace("a.example", ""),
        format!("{good}\n"),
        "\n\n".to_owned(),
        String::new(),
    ] {
        assert_eq!(Note::parse(bad.as_bytes()), Err(NoteError::Malformed), "{bad:?}");
    }
    let many = good.clone() + good.lines().last().unwrap();
    assert_eq!(Note::parse(many.as_bytes()), Err(NoteError::Malformed));
    let line = format!("{}\n", good.lines().last().unwrap());
    let crowd = good.clone() + &line.repeat(note::SIGNATURES_MAX);
    assert_eq!(Note::parse(crowd.as_bytes()), Err(NoteError::TooLarge));
    let sixteen = good + &line.repeat(15);
    assert!(Note::parse(sixteen.as_bytes()).is_ok());
}

#[test]
fn weak_keys_are_no_keys() {
    let identity = ed25519_dalek::VerifyingKey::from_bytes(&{
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes
    });
    assert_eq!(Verifier::new("a.example", &identity.unwrap()).unwrap_err(), NoteError::Key);
    for vkey in
        ["", "a", "a+b", "a+00000000+AA==", "a+zz+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    {
        assert_eq!(Verifier::parse(vkey), Err(NoteError::Key), "{vkey}");
    }
}

#[test]
fn our_notes_are_read_by_signed_note_and_theirs_by_us() {
    use signed_note::{Note as Theirs, StandardVerifier, VerifierList};
    let checkpoint = Checkpoint {
        origin: "alpha.example/log/shared".to_owned(),
        size: 70_000,
        root: merkle::leaf_hash(b"x"),
    };
    let note = checkpoint.sign(&key(7)).unwrap();
    let ours = Verifier::new(&checkpoint.origin, &key(7).verifying_key()).unwrap();
    let theirs = StandardVerifier::new(&ours.vkey()).unwrap();
    let read = Theirs::from_bytes(note.as_bytes()).unwrap();
    read.verify(&VerifierList::new(vec![Box::new(theirs)])).unwrap();
    let parsed = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    assert_eq!(parsed.origin(), checkpoint.origin);
    assert_eq!(parsed.size(), checkpoint.size);
    assert_eq!(parsed.hash().0, checkpoint.root.0);
    assert_eq!(read.to_bytes(), note.as_bytes());
    assert_eq!(Checkpoint::open(note.as_bytes(), &ours), Ok(checkpoint));
}

#[test]
fn checkpoints_that_are_none() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert!(Checkpoint::parse(&format!("a\n0\n{root}\n")).is_ok());
    assert!(Checkpoint::parse(&format!("a\n0\n{root}\nextension\n")).is_ok());
    for bad in [
        format!("a\n0\n{root}"),
        format!("\n0\n{root}\n"),
        format!("a\n01\n{root}\n"),
        format!("a\n+1\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        "a\n0\nAAAA\n".to_owned(),
        format!("a\n0\n{root}\n\nextension\n"),
        "a\n0\n".to_owned(),
        String::new(),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
}

/// `tlog_tiles` over a growing list of stored hashes.
struct Stored(RefCell<Vec<tlog::Hash>>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let hashes = self.0.borrow();
        let get = |at: &u64| hashes.get(usize::try_from(*at).unwrap()).copied();
        let all: Option<Vec<_>> = indexes.iter().map(get).collect();
        all.ok_or(tlog::Error::IndexesNotInTree)
    }
}

#[test]
fn roots_and_proofs_agree_with_tlog_tiles() {
    const COUNT: u64 = 700;
    let stored = Stored(RefCell::new(Vec::new()));
    for index in 0..COUNT {
        let leaf = format!("leaf {index}");
        let hashes = tlog::stored_hashes(index, leaf.as_bytes(), &stored).unwrap();
        stored.0.borrow_mut().extend(hashes);
    }
    let mut ours = Leaves::new(COUNT);
    let mut random = Random::new(1);
    for round in 0..400 {
        let new = 1 + random.below(COUNT);
        let old = 1 + random.below(new);
        let index = random.below(new);
        let root = ours.root(new);
        assert_eq!(merkle::root(new, &mut ours), Ok(root));
        assert_eq!(tlog::tree_hash(new, &stored).unwrap().0, root.0, "{round}");
        let proof = merkle::prove_inclusion(index, new, &mut ours).unwrap();
        let theirs = tlog::prove_record(new, index, &stored).unwrap();
        assert!(proof.iter().map(|h| h.0).eq(theirs.iter().map(|h| h.0)));
        let leaf = ours.0[usize::try_from(index).unwrap()];
        assert!(merkle::check_inclusion(&proof, index, &leaf, new, &root));
        let proof = merkle::prove_consistency(old, new, &mut ours).unwrap();
        let theirs = tlog::prove_tree(new, old, &stored).unwrap();
        assert!(proof.iter().map(|h| h.0).eq(theirs.iter().map(|h| h.0)));
        let before = ours.root(old);
        assert!(merkle::check_consistency(&proof, old, &before, new, &root));
    }
}

#[test]
fn roots_and_proofs_agree_with_ct_merkle() {
    const COUNT: usize = 300;
    let mut theirs: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    let mut ours = Leaves::new(COUNT as u64);
    let mut random = Random::new(2);
    for size in 1..=COUNT {
        theirs.push(format!("leaf {}", size - 1).into_bytes());
        let root = ours.root(size as u64);
        assert_eq!(theirs.root().as_bytes().as_slice(), root.0);
        let index = random.below(size as u64);
        let proof = merkle::prove_inclusion(index, size as u64, &mut ours).unwrap();
        let expected = theirs.prove_inclusion(usize::try_from(index).unwrap());
        let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
        assert_eq!(expected.as_bytes(), bytes);
        let old = 1 + random.below(size as u64);
        let added = size - usize::try_from(old).unwrap();
        if added > 0 {
            let proof = merkle::prove_consistency(old, size as u64, &mut ours).unwrap();
            let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(theirs.prove_consistency(added).as_bytes(), bytes);
        }
    }
}

#[test]
fn all_small_proofs_hold_and_no_changed_one_does() {
    const COUNT: u64 = 40;
    let mut leaves = Leaves::new(COUNT);
    let roots: Vec<Hash> = (0..=COUNT).map(|size| leaves.root(size)).collect();
    let at = |size: u64| roots[usize::try_from(size).unwrap()];
    let wrong = merkle::leaf_hash(b"wrong");
    for new in 1..=COUNT {
        for index in 0..new {
            let leaf = leaves.0[usize::try_from(index).unwrap()];
            let proof = merkle::prove_inclusion(index, new, &mut leaves).unwrap();
            assert!(merkle::check_inclusion(&proof, index, &leaf, new, &at(new)));
            assert!(!merkle::check_inclusion(&proof, index, &wrong, new, &at(new)));
            assert!(!merkle::check_inclusion(&proof, index, &leaf, new, &wrong));
            assert!(!merkle::check_inclusion(&proof, new, &leaf, new, &at(new)));
            let mut longer = proof.clone();
            longer.push(wrong);
            assert!(!merkle::check_inclusion(&longer, index, &leaf, new, &at(new)));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!merkle::check_inclusion(shorter, index, &leaf, new, &at(new)));
            }
        }
        for old in 0..=new {
            let proof = merkle::prove_consistency(old, new, &mut leaves).unwrap();
            assert!(merkle::check_consistency(&proof, old, &at(old), new, &at(new)));
            assert!(!merkle::check_consistency(&proof, old, &wrong, new, &at(new)));
            assert!(old == 0 || !merkle::check_consistency(&proof, old, &at(old), new, &wrong));
            let mut longer = proof.clone();
            longer.push(wrong);
            assert!(!merkle::check_consistency(&longer, old, &at(old), new, &at(new)));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!merkle::check_consistency(shorter, old, &at(old), new, &at(new)));
            }
        }
    }
}

#[test]
fn the_edge_in_tiles_gives_the_root_of_the_range() {
    const COUNT: u64 = 66_000;
    let mut tiles = std::collections::BTreeMap::new();
    let (mut edge, mut range) = (Edge::default(), Range::default());
    for index in 0..COUNT {
        let leaf = merkle::leaf_hash(&index.to_be_bytes());
        range.push(leaf);
        let pushed: Result<(), Infallible> = edge.push(leaf, &mut |level, n, hashes| {
            tiles.insert((level, n), hashes.to_vec());
            Ok(())
        });
        pushed.unwrap();
        if index % 251 == 0 || index > COUNT - 3 || (65_530..65_540).contains(&index) {
            assert_eq!(edge.root(), range.root(), "{index}");
            for (level, tile) in edge.partial() {
                tiles.insert((level, tile.n), tile.hashes.clone());
            }
            let load = |level, n| Ok::<_, Infallible>(tiles.get(&(level, n)).cloned());
            let loaded = Edge::load(range.size(), load).unwrap().unwrap();
            assert_eq!(loaded.root(), range.root());
            let bytes = range.to_bytes();
            assert_eq!(Range::from_bytes(range.size(), &bytes).as_ref(), Some(&range));
            assert_eq!(
                Range::from_bytes(range.size() + 1, &bytes).is_some(),
                range.size() % 2 == 1
                    && (range.size() + 1).count_ones() == range.size().count_ones()
            );
        }
    }
    assert!(tiles.keys().any(|(level, _)| *level == 2));
}

#[test]
fn tile_paths() {
    let tile = |kind, n, width| TilePath { kind, n, width };
    for (path, expected) in [
        ("tile/0/000", tile(TileKind::Hashes(0), 0, 256)),
        ("tile/0/x001/x234/067", tile(TileKind::Hashes(0), 1_234_067, 256)),
        ("tile/63/999.p/255", tile(TileKind::Hashes(63), 999, 255)),
        ("tile/entries/x001/000.p/1", tile(TileKind::Entries, 1000, 1)),
    ] {
        assert_eq!(TilePath::parse(path), Some(expected));
        assert_eq!(expected.to_string(), path);
    }
    for bad in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/x/000",
        "tile/0/xx01/000",
        "tile/data/000",
        "tile/entries",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/../000",
        "tile/0/x001/é67",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(TilePath::parse(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn no_input_makes_a_parser_panic(bytes: Vec<u8>, text: String) {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(text.as_bytes());
        let _ = Checkpoint::parse(&text);
        let _ = Verifier::parse(&text);
        let _ = TilePath::parse(&text);
        let _ = TilePath::parse(&format!("tile/{text}"));
        let _ = parse_bundle(&bytes);
        let _ = merkle::hashes_of(&bytes);
        let _ = Range::from_bytes(u64::from_be_bytes([1; 8]), &bytes);
        let _ = Commitment::from_leaf(&bytes);
        let mut body = bytes;
        let _ = crate::seal::unseal(&crate::seal::DataKey([1; 32]), &Commitment([0; 32]), &mut body);
    }

    #[test]
    fn no_sizes_make_a_check_panic(index: u64, old: u64, new: u64, length in 0usize..70) {
        let hash = merkle::empty_root();
        let proof = vec![hash; length];
        let _ = merkle::check_inclusion(&proof, index, &hash, new, &hash);
        let _ = merkle::check_consistency(&proof, old, &hash, new, &hash);
    }

    #[test]
    fn a_path_reads_back(level in 0u8..=63, entries: bool, n: u64, width in 1u16..=256) {
        let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
        let path = TilePath { kind, n, width };
        prop_assert_eq!(TilePath::parse(&path.to_string()), Some(path));
    }

    #[test]
    fn bundles_read_back(salts in proptest::collection::vec(any::<[u8; 32]>(), 1..=256)) {
        let all: Vec<Commitment> = salts.iter().map(|s| Commitment::new(&Salt(*s), b"x")).collect();
        let mut bundle = Vec::new();
        all.iter().for_each(|one| push_record(&mut bundle, one));
        prop_assert_eq!(parse_bundle(&bundle), Some(all));
        bundle.pop();
        prop_assert_eq!(parse_bundle(&bundle), None);
    }

    #[test]
    fn sealed_bodies_open_beside_their_commitment_only(
        envelope: Vec<u8>, dek: [u8; 32], commitment: [u8; 32], bit in 0usize..256,
    ) {
        use crate::seal::{DataKey, seal, unseal};
        let (key, commitment) = (DataKey(dek), Commitment(commitment));
        let mut body = envelope.clone();
        seal(&key, &commitment, &mut body).unwrap();
        let mut other = commitment;
        other.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(unseal(&key, &other, &mut body.clone()).is_err());
        unseal(&key, &commitment, &mut body).unwrap();
        prop_assert_eq!(body, envelope);
    }
}
