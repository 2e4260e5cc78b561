//! The vectors of `docs/spec/vectors`, for other implementers: made again and compared. With
//! `COMITY_ACCEPT=1` they are written instead.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::key;
use crate::checkpoint::Checkpoint;
use crate::commitment::{Commitment, Salt};
use crate::equivocation::{Branch, Equivocation};
use crate::merkle::{self, Hash, Nodes, Range};
use crate::note::Verifier;
use crate::tile::push_record;

const ORIGIN: &str = "alpha/shared";
const COUNT: u64 = 300;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn check(name: &str, value: &Value) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors");
    let path = dir.join(name);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    #[allow(
        clippy::disallowed_methods,
        reason = "a test is told by its caller to write what it would compare"
    )]
    let accept = std::env::var("COMITY_ACCEPT").is_ok_and(|value| value == "1");
    if accept {
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "`{name}` differs; COMITY_ACCEPT=1 writes it");
}

/// The salt of the vectors' `index`-th entry; real salts are random.
fn salt(index: u64) -> Salt {
    Salt(Sha256::digest(format!("salt {index}")).into())
}

fn envelope(index: u64) -> String {
    format!("entry {index}")
}

fn commitments() -> Vec<Commitment> {
    (0..COUNT).map(|index| Commitment::new(&salt(index), envelope(index).as_bytes())).collect()
}

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = std::convert::Infallible;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let width = 1usize << level;
        let from = usize::try_from(index).unwrap() * width;
        Ok(merkle::root_of(&self.0[from..from + width]))
    }
}

/// An envelope in full, as `entry.md` prints it.
const ENVELOPE: &str = concat!(
    r#"{"v":1,"body":"9f4c2f7c5d7b0c3f6c1e8a5b4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e","#,
    r#""origin":"alpha","log":"shared","kind":"share","#,
    r#""author":{"role":"releaser","pseudonym":"r-7"},"#,
    r#""idem":"5f0c9d0e-7a54-4b0e-9b56-0d2c5f1f9a11","created":"2026-01-02T03:04:05.000006Z","#,
    r#""expires":"2027-01-02T03:04:05.000006Z","purpose":"network-defence","grade":"B2","#,
    r#""handling":{"tlp":"green","pap":"green"},"audience":{"rule":"members","parties":["beta","gamma"]},"#,
    r#""charter":"1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f","seen":41}"#,
    "\n",
    r#"{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}"#,
);

#[test]
fn commitments_of_the_specification() {
    let case = |salt: Salt, envelope: &str| {
        let commitment = Commitment::new(&salt, envelope.as_bytes());
        assert!(commitment.opens(&salt, envelope.as_bytes()));
        json!({
            "salt": BASE64.encode(salt.0),
            "envelope": BASE64.encode(envelope),
            "commitment": hex(&commitment.0),
            "leaf": hex(&commitment.leaf()),
            "leaf_hash": commitment.leaf_hash().to_string(),
        })
    };
    let cases = [
        case(Salt([0; 32]), ""),
        case(salt(0), &envelope(0)),
        case(salt(1), &envelope(1)),
        case(Salt(std::array::from_fn(|at| u8::try_from(at).unwrap())), ENVELOPE),
    ];
    check("commitment.json", &json!({ "cases": cases }));
}

#[test]
fn roots_of_the_specification() {
    let mut range = Range::default();
    let mut roots = vec![range.root().to_string()];
    for commitment in commitments() {
        range.push(commitment.leaf_hash());
        roots.push(range.root().to_string());
    }
    check(
        "roots.json",
        &json!({
            "salt": "SHA-256 of `salt <index>`",
            "envelope": "`entry <index>`",
            "roots": roots,
        }),
    );
}

#[test]
fn checkpoints_of_the_specification() {
    let verifier = Verifier::new(ORIGIN, &key(1).verifying_key()).unwrap();
    let hashes: Vec<Hash> = commitments().iter().map(Commitment::leaf_hash).collect();
    let notes: Vec<Value> = [0usize, 1, 256, 300]
        .into_iter()
        .map(|size| {
            let root = merkle::root_of(&hashes[..size]);
            let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: size as u64, root };
            let note = checkpoint.sign(&key(1)).unwrap();
            assert_eq!(Checkpoint::open(note.as_bytes(), &verifier), Ok(checkpoint));
            json!({ "size": size, "root": BASE64.encode(root.0), "note": note })
        })
        .collect();
    check(
        "checkpoint.json",
        &json!({
            "secret_key": hex(&key(1).to_bytes()),
            "vkey": verifier.vkey(),
            "checkpoints": notes,
        }),
    );
}

/// A log that turns off at leaf 200, and each way in which a proof of it proves nothing.
#[test]
fn equivocations_of_the_specification() {
    let verifier = Verifier::new(ORIGIN, &key(1).verifying_key()).unwrap();
    let honest: Vec<Hash> = commitments().iter().map(Commitment::leaf_hash).collect();
    let other: Vec<Hash> = (0..COUNT)
        .map(|index| match index {
            0..200 => commitments()[usize::try_from(index).unwrap()].leaf_hash(),
            _ => Commitment::new(&salt(index), b"another entry").leaf_hash(),
        })
        .collect();
    let note = |leaves: &[Hash], seed: u8| {
        let (size, root) = (leaves.len() as u64, merkle::root_of(leaves));
        Checkpoint { origin: ORIGIN.to_owned(), size, root }.sign(&key(seed)).unwrap()
    };
    let branch = |leaves: &[Hash], mark: u64| {
        let mut branch = Branch::new(mark);
        leaves.iter().for_each(|leaf| branch.push(*leaf));
        branch
    };
    let made = |m: usize, n: usize| {
        let branch = branch(&other[..n], m as u64);
        Equivocation::of_branch(&note(&honest[..m], 1), &note(&other[..n], 1), &branch).unwrap()
    };
    let proofs = [(201, 201), (201, 300), (256, 257), (300, 300)].map(|(m, n)| {
        let proof = made(m, n);
        let said = proof.check(&verifier).unwrap();
        let (a, b) = (said.smaller.1.to_string(), said.larger.1.to_string());
        json!({ "m": m, "a": a, "n": n, "b": b, "text": proof.text() })
    });
    let good = made(256, 300);
    let short = Equivocation { proof: good.proof[1..].to_vec(), ..good.clone() };
    let forged = Equivocation { smaller: note(&honest[..256], 2), ..good.clone() };
    let turned =
        Equivocation { smaller: good.larger.clone(), larger: good.smaller.clone(), ..good.clone() };
    let no_proofs = [
        ("the two heads are of one history", made(150, 300)),
        ("a hash of the proof is missing", short),
        ("another key signed the smaller head", forged),
        ("the heads are in the wrong order", turned),
        ("the prefix is one that nothing leads to", Equivocation { prefix: honest[0], ..good }),
    ];
    let no_proofs = no_proofs.map(|(why, proof)| {
        assert!(proof.check(&verifier).is_err(), "{why}");
        json!({ "why": why, "text": proof.text() })
    });
    let vkey = verifier.vkey();
    check("equivocation.json", &json!({ "vkey": vkey, "proofs": proofs, "no_proofs": no_proofs }));
}

#[test]
fn bundles_and_tiles_of_the_specification() {
    let commitments = commitments();
    let bundle = |from: usize, to: usize| {
        let mut bundle = Vec::new();
        commitments[from..to].iter().for_each(|one| push_record(&mut bundle, one));
        BASE64.encode(bundle)
    };
    let tile = |from: usize, to: usize| {
        let hashes = commitments[from..to].iter().flat_map(|one| one.leaf_hash().0);
        BASE64.encode(hashes.collect::<Vec<u8>>())
    };
    let first: Vec<Hash> = commitments[..256].iter().map(Commitment::leaf_hash).collect();
    check(
        "bundle.json",
        &json!({
            "size": COUNT,
            "files": {
                "tile/entries/000": bundle(0, 256),
                "tile/entries/001.p/44": bundle(256, 300),
                "tile/0/000": tile(0, 256),
                "tile/0/001.p/44": tile(256, 300),
                "tile/1/000.p/1": BASE64.encode(merkle::root_of(&first).0),
            },
        }),
    );
}

#[test]
fn proofs_of_the_specification() {
    let mut leaves = Leaves(commitments().iter().map(Commitment::leaf_hash).collect());
    let hashes = |proof: Vec<Hash>| -> Vec<String> { proof.iter().map(Hash::to_string).collect() };
    let inclusion = [(0u64, 1u64), (0, 2), (2, 3), (255, 256), (256, 257), (17, 300), (299, 300)];
    let inclusion: Vec<Value> = inclusion
        .into_iter()
        .map(|(index, size)| {
            let proof = merkle::prove_inclusion(index, size, &mut leaves).unwrap();
            json!({ "index": index, "size": size, "proof": hashes(proof) })
        })
        .collect();
    let consistency = [(1u64, 2u64), (2, 3), (3, 7), (256, 300), (255, 300), (299, 300)];
    let consistency: Vec<Value> = consistency
        .into_iter()
        .map(|(old, new)| {
            let proof = merkle::prove_consistency(old, new, &mut leaves).unwrap();
            json!({ "old": old, "new": new, "proof": hashes(proof) })
        })
        .collect();
    check("proofs.json", &json!({ "inclusion": inclusion, "consistency": consistency }));
}
