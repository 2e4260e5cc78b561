#!/usr/bin/env python3
"""Verify a log of a node over HTTP, from docs/spec/log.md and docs/spec/entry.md alone; or judge the
proof that a log has two histories, from docs/spec/equivocation.md.

    verify_log.py URL --log shared [--user U --password P | --token T] [--vkey V]
    verify_log.py --equivocation FILE --vkey V
    verify_log.py --self-test

Needs Python 3.10 and the package `cryptography`. It shares no code with the node: what agrees
here was understood twice from the same two pages. Exit status 1 on any mismatch.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TILE_WIDTH = 256
LABEL = b"comity/entry/v1\0"
RESPONSE_BYTES_MAX = 64 * 1024 * 1024
KINDS = set(
    "share withdraw grant receipt heads key accept motion position outcome inquiry stance finding "
    "challenge order commitment progress record access".split()
)


class Mismatch(Exception):
    """Something is not as the documents say."""


def unbase64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Mismatch(f"not base64: {error}") from error


# Hashes: RFC 6962, section 2.1.


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes):
    """The root over a row of hashes; they may be leaves or roots of equal full subtrees."""
    stack = []  # (height, hash), heights falling
    for value in hashes:
        height = 0
        while stack and stack[-1][0] == height:
            value = node_hash(stack.pop()[1], value)
            height += 1
        stack.append((height, value))
    if not stack:
        return hashlib.sha256(b"").digest()
    value = stack.pop()[1]
    while stack:
        value = node_hash(stack.pop()[1], value)
    return value


def check_inclusion(proof, index, leaf, size, root):
    if index >= size:
        return False
    at, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = node_hash(sibling, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def check_consistency(proof, old, old_root, new, new_root):
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    path = ([old_root] if old & (old - 1) == 0 else []) + list(proof)
    if not path:
        return False
    of_old = of_new = path[0]
    for part in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            of_old, of_new = node_hash(part, of_old), node_hash(part, of_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            of_new = node_hash(of_new, part)
        at, last = at >> 1, last >> 1
    return last == 0 and of_old == old_root and of_new == new_root


# Commitments.


def commitment_leaf(salt, envelope):
    return b"\x01" + hmac.new(salt, LABEL + envelope, hashlib.sha256).digest()


# Signed notes and checkpoints: C2SP.


def parse_vkey(vkey):
    parts = vkey.strip().split("+", 2)
    if len(parts) != 3:
        raise Mismatch("the vkey is not of the form name+hash+key")
    name, key_id, key = parts[0], parts[1], unbase64(parts[2])
    if len(key) != 33 or key[0] != 1:
        raise Mismatch("the vkey is not an Ed25519 key")
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        raise Mismatch("the id of the vkey is not that of its key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(key[1:])


def open_checkpoint(note, vkey):
    """The origin, size and root of a checkpoint that the key signed."""
    name, key_id, key = parse_vkey(vkey)
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Mismatch("the checkpoint is not a signed note")
    text += "\n"
    verified = False
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        signature = unbase64(encoded)
        if dash != "\u2014" or len(signature) <= 4:
            raise Mismatch("a signature line of the checkpoint is malformed")
        if signer == name and signature[:4] == key_id:
            try:
                key.verify(signature[4:], text.encode())
            except InvalidSignature as error:
                raise Mismatch("the signature of the checkpoint is wrong") from error
            verified = True
    if not verified:
        raise Mismatch("the checkpoint has no signature by this key")
    fields = text[:-1].split("\n")
    if len(fields) < 3 or not fields[0] or "" in fields[3:] or str(parse_size(fields[1])) != fields[1]:
        raise Mismatch("the note is not a checkpoint")
    root = unbase64(fields[2])
    if len(root) != 32 or fields[0] != name:
        raise Mismatch("the checkpoint is of another origin or has no root")
    return fields[0], int(fields[1]), root


def parse_size(text):
    if not text.isascii() or not text.isdigit():
        raise Mismatch("the size of the checkpoint is no number")
    return int(text)


# A proof that a log has two histories.


def judge_equivocation(octets, vkey):
    """Size and root of the two heads that the proof convicts the log by; a `Mismatch` where it proves
    nothing."""
    lines = octets.decode("ascii").split("\n")
    if lines.pop() != "" or lines[:1] != ["comity/equivocation@v1"]:
        raise Mismatch("not an equivocation proof")
    fields = [line.split(" ") for line in lines[1:]]
    if any(len(field) != 2 for field in fields):
        raise Mismatch("a line of the proof is malformed")
    words, values = [field[0] for field in fields], [unbase64(field[1]) for field in fields]
    if words[:3] != ["note", "note", "prefix"] or set(words[3:]) - {"proof"} or len(words) > 131:
        raise Mismatch("the lines of the proof are others, or in another order")
    prefix, proof = values[2], values[3:]
    if any(len(value) != 32 for value in values[2:]):
        raise Mismatch("a hash that has not 32 octets")
    (_, m, a), (_, n, b) = (open_checkpoint(note.decode(), vkey) for note in values[:2])
    if not 0 < m <= n:
        raise Mismatch("the first head is not the smaller one")
    if prefix == a:
        raise Mismatch("the larger tree begins with the smaller one")
    if not check_consistency(proof, m, prefix, n, b):
        raise Mismatch("the proof does not lead to the larger head")
    return (m, a), (n, b)


# Tiles and bundles: C2SP tlog-tiles.


def tile_path(level, n, width):
    groups = [f"{n % 1000:03}"]
    n //= 1000
    while n:
        groups.append(f"x{n % 1000:03}")
        n //= 1000
    path = f"tile/{level}/" + "/".join(reversed(groups))
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def widths(count):
    """(n, width) of the tiles of a level that holds `count` hashes."""
    full, rest = divmod(count, TILE_WIDTH)
    yield from ((n, TILE_WIDTH) for n in range(full))
    if rest:
        yield full, rest


def parse_bundle(bundle, width):
    leaves, at = [], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        leaf = bundle[at + 2 : at + 2 + length]
        if len(leaf) != 33 or leaf[0] != 1:
            raise Mismatch("a bundle holds something that is not a leaf of ours")
        leaves.append(leaf)
        at += 2 + length
    if len(leaves) != width:
        raise Mismatch(f"a bundle has {len(leaves)} entries, not {width}")
    return leaves


def check_tiles(get, hashes):
    """Every hash tile of the tree, against the leaf hashes. Returns how many there are."""
    tiles, level, row = 0, 0, hashes
    while row:
        above = []
        for n, width in widths(len(row)):
            expected = row[n * TILE_WIDTH : n * TILE_WIDTH + width]
            path = tile_path(level, n, width)
            if get_tile(get, level, n, width, 32) != b"".join(expected):
                raise Mismatch(f"{path} does not follow from the entries")
            if width == TILE_WIDTH:
                above.append(root_of(expected))
            tiles += 1
        level, row = level + 1, above
    return tiles


def get_tile(get, level, n, width, record):
    """A tile; where a partial one is gone, the full one that replaced it, cut to the width."""
    try:
        return get(tile_path(level, n, width))
    except FileNotFoundError:
        if width == TILE_WIDTH:
            raise
        return get(tile_path(level, n, TILE_WIDTH))[: width * record]


# Envelopes.


def strict(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Mismatch("a header names a member twice")
    return members


def parse_header(envelope):
    line, newline, payload = envelope.partition(b"\n")
    if not newline:
        raise Mismatch("an envelope has no header line")
    try:
        header = json.loads(line.decode(), object_pairs_hook=strict)
    except (ValueError, RecursionError) as error:
        raise Mismatch(f"a header is not JSON: {error}") from error
    if not isinstance(header, dict) or header.get("v") != 1:
        raise Mismatch("a header is of another version")
    if header.get("kind") not in KINDS:
        raise Mismatch("a header has an unknown kind")
    for one in header.get("refs", []):
        index, leaf = one.get("index"), one.get("leaf")
        if type(index) is not int or not 0 <= index < 1 << 48:
            raise Mismatch("a reference has an index that no entry has")
        if not isinstance(leaf, str) or not re.fullmatch("[0-9a-f]{66}", leaf):
            raise Mismatch("a reference has no leaf")
    return header, payload


# The whole log.


def verify(get, log, vkey, party=None):
    origin, size, root = open_checkpoint(get("checkpoint").decode(), vkey)
    # `<party>/<log>`, and a number behind it where the log continues another.
    first = re.fullmatch(r"(.+)/" + re.escape(log) + r"(?:/(?:[2-9]|[1-9][0-9]+))?", origin)
    if party is None and first:
        party = first.group(1)
    leaves = []
    for n, width in widths(size):
        leaves += parse_bundle(get_tile(get, "entries", n, width, 35), width)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    if root_of(hashes) != root:
        raise Mismatch("the entries do not give the root of the checkpoint")
    tiles = check_tiles(get, hashes)
    opened = check_releases(get, log, party, leaves)
    return {"origin": origin, "size": size, "tiles": tiles, "opened": opened}


def check_releases(get, log, party, leaves):
    opened, start, last = 0, 0, -1
    while start < len(leaves):
        lines = get(f"release?from={start}").decode().splitlines()
        if not lines:
            raise Mismatch("a release is empty")
        records = [json.loads(line) for line in lines]
        end = records.pop().get("scanned_to")
        if not isinstance(end, int) or end <= start:
            raise Mismatch("a release does not get ahead")
        if len(records) > 256:
            raise Mismatch("a release of more than 256 entries")
        for record in records:
            index = record["index"]
            if not last < index < end or index < start:
                raise Mismatch("a release is out of order")
            last = index
            if index >= len(leaves):
                continue  # The log has grown since we read its checkpoint.
            check_entry(index, record, leaves[index], log, party)
            opened += 1
        start = end
    return opened


def check_entry(index, record, leaf, log, party):
    salt, envelope = unbase64(record["salt"]), unbase64(record["envelope"])
    if len(salt) != 32 or commitment_leaf(salt, envelope) != leaf:
        raise Mismatch(f"entry {index} does not open its leaf")
    header, _ = parse_header(envelope)
    if header.get("log") != log:
        raise Mismatch(f"entry {index} says it belongs to another log")
    if party is not None and header.get("origin") != party:
        raise Mismatch(f"entry {index} says it belongs to another party")


def http_getter(base, arguments):
    headers = {"User-Agent": "verify_log"}
    if arguments.token:
        headers["Authorization"] = "Bearer " + arguments.token
    elif arguments.user:
        pair = f"{arguments.user}:{arguments.password or ''}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()

    def get(path):
        request = urllib.request.Request(f"{base}/{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                body = response.read(RESPONSE_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                raise FileNotFoundError(path) from error
            raise Mismatch(f"{path}: status {error.code}") from error
        if len(body) > RESPONSE_BYTES_MAX:
            raise Mismatch(f"{path}: too long")
        return body

    return get


# The vectors.


def self_test(directory):
    def load(name):
        return json.loads((directory / name).read_text(encoding="utf-8"))

    def ensure(holds, what):
        if not holds:
            raise Mismatch(what)

    cases = load("commitment.json")["cases"]
    for case in cases:
        salt, envelope = unbase64(case["salt"]), unbase64(case["envelope"])
        leaf = commitment_leaf(salt, envelope)
        ensure(leaf.hex() == case["leaf"], "leaf")
        ensure(leaf[1:].hex() == case["commitment"], "commitment")
        ensure(leaf_hash(leaf).hex() == case["leaf_hash"], "leaf hash")
    parse_header(unbase64(cases[-1]["envelope"]))

    salts = [hashlib.sha256(b"salt %d" % index).digest() for index in range(300)]
    leaves = [commitment_leaf(salt, b"entry %d" % at) for at, salt in enumerate(salts)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    roots = load("roots.json")["roots"]
    ensure(len(roots) == 301, "number of roots")
    for size, root in enumerate(roots):
        ensure(root_of(hashes[:size]).hex() == root, f"root of size {size}")

    checkpoints = load("checkpoint.json")
    for case in checkpoints["checkpoints"]:
        origin, size, root = open_checkpoint(case["note"], checkpoints["vkey"])
        ensure(size == case["size"] and root.hex() == roots[size], "checkpoint")
        changed = case["note"].replace(origin + "\n", origin + "x\n", 1)
        try:
            open_checkpoint(changed, checkpoints["vkey"])
        except Mismatch:
            pass
        else:
            raise Mismatch("a changed checkpoint verifies")

    proofs = load("proofs.json")
    for case in proofs["inclusion"]:
        proof = [bytes.fromhex(value) for value in case["proof"]]
        index, size = case["index"], case["size"]
        root = bytes.fromhex(roots[size])
        ensure(check_inclusion(proof, index, hashes[index], size, root), "inclusion")
        ensure(not check_inclusion(proof, index, hashes[index - 1], size, root) or size == 1, "inclusion of another")
    for case in proofs["consistency"]:
        proof = [bytes.fromhex(value) for value in case["proof"]]
        old, new = case["old"], case["new"]
        pair = bytes.fromhex(roots[old]), bytes.fromhex(roots[new])
        ensure(check_consistency(proof, old, pair[0], new, pair[1]), "consistency")
        ensure(not check_consistency(proof, old, pair[1], new, pair[1]), "consistency with another")

    equivocation = load("equivocation.json")
    for case in equivocation["proofs"]:
        octets = case["text"].encode()
        (m, a), (n, b) = judge_equivocation(octets, equivocation["vkey"])
        ensure([m, a.hex(), n, b.hex()] == [case["m"], case["a"], case["n"], case["b"]], "two heads")
    for case in equivocation["no_proofs"]:
        try:
            judge_equivocation(case["text"].encode(), equivocation["vkey"])
        except (Mismatch, UnicodeDecodeError):
            pass
        else:
            raise Mismatch(f"convicts an honest log: {case['why']}")

    # A release of one entry, and each way in which it can be wrong.
    last = cases[-1]
    record = {"index": 0, "salt": last["salt"], "envelope": last["envelope"]}
    leaf = bytes.fromhex(last["leaf"])

    def release(record, log="shared", party="alpha", scanned=1):
        page = json.dumps(record) + "\n" + json.dumps({"scanned_to": scanned}) + "\n"
        return check_releases(lambda _: page.encode(), log, party, [leaf])

    ensure(release(record) == 1, "release")
    for wrong in (
        lambda: release(record, log="acts"),
        lambda: release(record, party="beta"),
        lambda: release(record, scanned=0),
        lambda: release({**record, "index": 1}),
        lambda: release({**record, "salt": base64.b64encode(bytes(32)).decode()}),
        lambda: release({**record, "salt": base64.b64encode(bytes(31)).decode()}),
        lambda: release({**record, "envelope": ""}),
    ):
        try:
            wrong()
        except Mismatch:
            pass
        else:
            raise Mismatch("a wrong release is not noticed")

    # The files of a log of 300 entries, served from memory.
    files = {path: unbase64(text) for path, text in load("bundle.json")["files"].items()}
    note = next(c["note"] for c in checkpoints["checkpoints"] if c["size"] == 300)
    files["checkpoint"] = note.encode()
    files["release?from=0"] = b'{"scanned_to":300}\n'

    def get(path):
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    found = verify(get, "shared", checkpoints["vkey"])
    ensure(found["size"] == 300 and found["tiles"] == 3, "the log of the vectors")
    for path in [path for path in files if path.startswith("tile/")]:
        whole = files[path]
        files[path] = whole[:40] + bytes([whole[40] ^ 1]) + whole[41:] if len(whole) > 40 else b"\0" * 32
        try:
            verify(get, "shared", checkpoints["vkey"])
        except Mismatch:
            pass
        else:
            raise Mismatch(f"a changed {path} is not noticed")
        files[path] = whole
    ensure(tile_path(0, 1234067, 256) == "tile/0/x001/x234/067", "path")
    print(f"vectors: {len(cases)} commitments, {len(roots)} roots, "
          f"{len(checkpoints['checkpoints'])} checkpoints, {len(files) - 2} files agree")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", nargs="?", help="where the node is, such as https://host:port")
    parser.add_argument("--log", default="shared")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--token")
    parser.add_argument("--vkey", help="the key of the log, had out of band")
    parser.add_argument("--party", help="the party that headers must name")
    parser.add_argument("--equivocation", metavar="FILE", help="a proof, judged by --vkey alone")
    parser.add_argument("--self-test", action="store_true", help="check the vectors of docs/spec")
    arguments = parser.parse_args()
    try:
        if arguments.self_test:
            here = pathlib.Path(__file__).resolve().parent
            self_test(here.parent.parent / "docs" / "spec" / "vectors")
            return 0
        if arguments.equivocation:
            octets = pathlib.Path(arguments.equivocation).read_bytes()
            (m, a), (n, b) = judge_equivocation(octets, arguments.vkey or "")
            print(f"proven: the root {a.hex()} at size {m}, and {b.hex()} at size {n}, whose tree does not begin with it")
            return 0
        if not arguments.url:
            parser.error("a URL, --equivocation or --self-test is needed")
        base = f"{arguments.url.rstrip('/')}/log/{arguments.log}"
        get = http_getter(base, arguments)
        vkey = arguments.vkey
        if vkey is None:
            vkey = get("vkey").decode().strip()
            print(f"first contact: compare out of band: {vkey}", file=sys.stderr)
        found = verify(get, arguments.log, vkey, arguments.party)
    except (Mismatch, FileNotFoundError, KeyError, TypeError, ValueError, OSError) as error:
        print(f"MISMATCH: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{found['origin']}: {found['size']} entries, {found['tiles']} tiles, "
          f"{found['opened']} opened; checkpoint, tree and commitments agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
