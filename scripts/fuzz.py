#!/usr/bin/env python3
"""Runs the fuzz targets of fuzz/, one after the other, and keeps the ledger in docs/fuzzing.md.

    fuzz.py [--seconds N] [TARGET...]

Needs `cargo install cargo-fuzz --locked`. The stable compiler does: what libFuzzer needs of it is
let through by RUSTC_BOOTSTRAP, and no sanitizer is linked, since there is no unsafe code to watch.
Exit code 1 when a target found something; what it found lies in fuzz/artifacts/TARGET/.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"
LEDGER = ROOT / "docs" / "fuzzing.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", re.M)
# Of libFuzzer: the longest input, and how long one may take before it counts as found.
INPUT_BYTES_MAX = 4096
INPUT_SECONDS_MAX = 10


def targets():
    """Each with the first line of its file."""
    files = sorted((FUZZ / "fuzz_targets").glob("*.rs"))
    return {file.stem: file.read_text().split("\n")[0].removeprefix("//! ").rstrip(".") for file in files}


def seeds(target):
    """Small inputs to begin with, out of what is in the tree."""
    bundle = (ROOT / "examples" / "bundles" / "starter.json").read_bytes()
    objects = json.loads(bundle)["objects"]
    small = [json.dumps(one).encode() for one in objects if len(json.dumps(one)) < INPUT_BYTES_MAX][:100]
    patterns = [one["pattern"].encode() for one in objects if "pattern" in one][:50]
    key = base64.b64encode(bytes([1]) + bytes(32)).decode()
    header = {
        "v": 1, "log": "private", "kind": "object", "party": "cert.example", "created": "2026-01-01T00:00:00.000000Z",
    }
    return {
        "json": small + [b'{"a":[1,-0.5e3,true,null,"\\u00e9"]}'],
        "object": small,
        "bundle": [b"\x07" + json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects[:3]}).encode()],
        "pattern": patterns + [b"[file:size > 1 AND file:name LIKE 'a%'] WITHIN 5 SECONDS"],
        "time": [b"2026-01-01T00:00:00.123456Z|2016-12-31T23:59:60Z"],
        "id": [objects[0]["id"].encode(), b"00000000-0000-4000-8000-000000000000"],
        "query": [
            b"limit=5&added_after=2026-01-01T00:00:00Z&match[type]=tool,malware&next=660eba8eaa9d2.185a",
            b"match%5Bversion%5D=first,2026-01-01T00:00:00Z&match[spec_version]=2.1",
        ],
        "envelope": [json.dumps(header).encode() + b"\n{}"] + vectors(),
        "note": [
            f"cert.example/acts\n0\n{base64.b64encode(bytes(32)).decode()}\n\n\u2014 cert.example/acts AAAA\n".encode(),
            f"cert.example/acts+00000000+{key}".encode(),
        ],
        "tile": [b"tile/0/x001/234.p/5", b"tile/entries/000", b"\0\x21" + bytes(33)],
        "charter": [file.read_bytes() for file in sorted((ROOT / "docs" / "spec").rglob("*.toml"))] or [b"[body]\n"],
        "frame": [b"q\0\0\0\x02{}m\0\0\0\0"],
        "equivocation": proofs(),
        "opening": [
            json.dumps({"index": 3, "salt": key[:43] + "=", "envelope": "e30KZQ=="}).encode() + b'\n{"scanned_to":9}\n',
            b'{"onward":{"rule":"tier:member","parties":["beta.example","gamma.example"]}}',
        ],
        "config": [(ROOT / "comity.example.toml").read_bytes()],
    }[target]


def proofs():
    """Texts of proofs, of which some prove nothing."""
    told = json.loads((ROOT / "docs" / "spec" / "vectors" / "equivocation.json").read_text("utf-8"))
    return [one["text"].encode() for one in told["proofs"] + told["no_proofs"]]


def vectors():
    """Text files of the test vectors that are small enough."""
    found = sorted((ROOT / "docs" / "spec" / "vectors").rglob("*"))
    return [file.read_bytes() for file in found if file.is_file() and file.stat().st_size < INPUT_BYTES_MAX]


def run(target, seconds):
    """Executions, and what was found."""
    corpus, artifacts = FUZZ / "corpus" / target, FUZZ / "artifacts" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    before = set(artifacts.glob("*")) if artifacts.exists() else set()
    words = ["cargo", "fuzz", "run", "-s", "none", target, "--", f"-max_total_time={seconds}"]
    words += [f"-max_len={INPUT_BYTES_MAX}", f"-timeout={INPUT_SECONDS_MAX}", "-print_final_stats=1"]
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    done = subprocess.run(words, cwd=FUZZ, env=environment, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    told = re.search(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
    found = set(artifacts.glob("*")) - before if artifacts.exists() else set()
    if not told and not found:
        sys.exit(done.stderr)
    for file in sorted(found):
        print(f"{target}: found {file.relative_to(ROOT)}\n{done.stderr[-2000:]}")
    return int(told[1]) if told else 0, len(found)


def keep(target, seconds, executions, found):
    """Adds to the ledger."""
    known = {row[0]: [int(number) for number in row[2:]] for row in ROW.findall(LEDGER.read_text("utf-8"))}
    numbers = known.setdefault(target, [0, 0, 0])
    known[target] = [have + more for have, more in zip(numbers, (seconds, executions, found))]
    text = LEDGER.read_text("utf-8")
    table = "".join(
        f"| `{name}` | {what} | {' | '.join(map(str, known.get(name, [0, 0, 0])))} |\n" for name, what in targets().items()
    )
    head, mark, _ = text.partition("|---|---|---:|---:|---:|\n")
    LEDGER.write_text(head + mark + table, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    arguments = parser.parse_args()
    any_found = False
    for target in arguments.targets or targets():
        executions, found = run(target, arguments.seconds)
        keep(target, arguments.seconds, executions, found)
        print(f"{target:<10} {arguments.seconds:>6} s {executions:>12} executions {found:>4} found", flush=True)
        any_found |= found > 0
    return 1 if any_found else 0


if __name__ == "__main__":
    sys.exit(main())
