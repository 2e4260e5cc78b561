"""A peer that was written from docs/spec/federation.md follows a node, and a node follows it."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import tomllib

import pytest

from follow_log import PAGE_BYTES_MAX, Followed, Follower, Line, judge_of
from hostile_peer import Honest
from node import ROOT
from peering import Body, PaperParty, wait_for
from samples import indicator
from verify_log import Mismatch, commitment_leaf, leaf_hash, open_checkpoint, root_of

SCRIBE, ALPHA = "scribe.example", "alpha.example"
# The number, at a node, of the log `shared` of its first peer.
FIRST_MIRRORED = 16


@pytest.fixture
def scribe(body):
    follower = body.follower(SCRIBE, ALPHA)
    follower.pull()
    return follower


def ids(follower):
    """The objects that are open to a follower, with the indices of their entries."""
    opened = follower.logs["shared"].opened.items()
    return {json.loads(one.payload)["id"]: index for index, one in opened if one.header["kind"] == "share"}


def kinds(follower, log="shared"):
    return [one.header["kind"] for _, one in sorted(follower.logs[log].opened.items())]


def test_a_log_of_more_than_one_bundle_is_followed_and_goes_on_where_it_was_left(body, scribe):
    alpha = body.nodes[ALPHA]
    many = [indicator(number) for number in range(100, 400)]
    alpha.share(*many)
    scribe.pull()
    followed = scribe.logs["shared"]
    assert {one["id"] for one in many} <= set(ids(scribe)) and not followed.aside
    assert kinds(scribe, "acts")[:2] == ["key", "accept"]
    heard = []
    scribe.line.heard = heard.append
    scribe.pull()
    assert b"".join(heard) == b"", "nothing new: 304, and nothing to open"
    alpha.share(indicator(400))
    scribe.pull()
    assert indicator(400)["id"] in ids(scribe)
    # The same from the beginning, by the command.
    one = body.paper[SCRIBE]
    words = [sys.executable, ROOT / "tests/python/follow_log.py", alpha.address, "--charter", body.charter,
             "--party", SCRIBE, "--peer", ALPHA, "--certificate", one.certificate, "--key", one.key]
    done = subprocess.run([str(word) for word in words], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"alpha.example/shared: {followed.range.size} leaves, {len(followed.opened)} opened" in done.stdout


def test_a_log_as_another_node_mirrors_it_is_the_same_log(body, scribe):
    beta = body.nodes["beta.example"]
    followed = scribe.logs["shared"]
    wait_for("beta to have as much", lambda: beta.scanned(ALPHA) >= followed.range.size)
    leaves, note = beta.mirrored(FIRST_MIRRORED)
    origin, size, root = open_checkpoint(note, followed.vkey)
    assert (origin, size) == ("alpha.example/shared", len(leaves))
    leaves = [b"\x01" + commitment for commitment in leaves]
    assert root == root_of([leaf_hash(leaf) for leaf in leaves])
    assert leaves[: followed.range.size] == followed.leaves


def test_a_grant_brings_what_stands_before_it_and_a_withdrawal_takes_it(body, scribe):
    """Over a doorbell: each is here before the bell is asked again."""
    alpha, made = body.nodes[ALPHA], indicator(500)
    alpha.share(made, to="party:beta.example")
    scribe.pull()
    assert made["id"] not in ids(scribe)
    size, bell = scribe.logs["shared"].range.size, scribe.bell()
    heads = [next(bell), next(bell)]
    assert {(event[0], event[1]) for event in heads} == {("head", "acts"), ("head", "shared")}
    alpha.grant(made, f"party:{SCRIBE}")
    event = next(event for event in bell if event[:2] == ("head", "shared"))
    assert event[2] == size + 1 == scribe.logs["shared"].range.size
    assert ids(scribe)[made["id"]] == size - 1 and kinds(scribe)[-1] == "grant"
    opened = scribe.logs["shared"].opened
    assert opened[size].header["refs"][0]["index"] == size - 1 and opened[size].payload == b"{}"
    assert SCRIBE not in opened[size - 1].header["audience"]["parties"]
    alpha.withdraw(made)
    next(event for event in bell if event[:2] == ("head", "shared"))
    assert made["id"] not in ids(scribe) and kinds(scribe)[-1] == "withdraw"
    again = body.follower(SCRIBE, ALPHA)
    again.pull()
    assert made["id"] not in ids(again) and again.logs["shared"].withdrawn == scribe.logs["shared"].withdrawn


def test_a_receipt_from_paper_ends_what_is_owed(body, scribe):
    alpha, made = body.nodes[ALPHA], indicator(600)
    alpha.share(made, to=f"party:{SCRIBE}")
    alpha.withdraw(made)
    scribe.pull()
    index, withdrawal = max(scribe.logs["shared"].opened.items())
    assert withdrawal.header["audience"] == {"rule": "recipients", "parties": [SCRIBE]}

    def owed():
        return {one["index"]: one for one in alpha.show(SCRIBE)["withdrawals"]}

    server = Honest(body.paper[SCRIBE])
    try:
        alpha.run("peer", "add", alpha.directory, SCRIBE, server.address)
        hours = (owed()[index]["due"] - owed()[index]["created"]) / 3_600_000_000
        assert hours == 48, "as the charter has it"
        leaf = scribe.logs["shared"].leaves[index].hex()
        payload = {"purged": ["keys.db"], "keys_in_backups": False, "readers": 0, "readers_complete": True}
        receipt = body.envelope(
            SCRIBE, payload, kind="receipt", parties=[ALPHA],
            refs=[{"origin": ALPHA, "log": "shared", "index": index, "leaf": leaf}],
        )
        server.say(server.party.shared, receipt)
        wait_for("the receipt", lambda: index not in owed())
        # What an honest peer shares arrives, over its bell.
        wait_for("a bell", lambda: alpha.show(SCRIBE)["peer"]["doorbell"])
        shared = indicator(601)
        server.say(server.party.shared, body.envelope(SCRIBE, shared, parties=[ALPHA]))
        wait_for("an object from paper", lambda: alpha.has("received-scribe_example", shared))
        assert alpha.show(SCRIBE)["quarantined"] == []
    finally:
        server.stop()


def test_a_newer_doorbell_ends_the_older(body):
    first, second = body.follower(SCRIBE, ALPHA), body.follower(SCRIBE, ALPHA)
    older, newer = first.bell(), second.bell()
    assert next(older)[0] == "head"
    ended = threading.Thread(target=lambda: list(older), daemon=True)
    ended.start()
    assert next(newer)[0] == "head"
    ended.join(20)
    assert not ended.is_alive()


def test_what_does_not_fit_is_told(body, scribe):
    """The follower refuses what it has to: otherwise the tests above prove little."""
    one, lies = body.paper[SCRIBE], {type(server).__name__: server for server in body.lies.values()}

    def follow(name):
        server = lies[name]
        return Follower(server.address, body.charter, SCRIBE, server.party.party, one.certificate, one.key)

    for name, what in {
        "AnotherKey": "another key", "SignedByAnother": "signature", "NotItsTree": "do not give the root",
        "BundleTooShort": "a bundle", "PageStays": "does not advance", "PageIsCut": "last line",
        "Terabyte": "more, or in another", "PageOfMany": "too many", "SendsElsewhere": "status 302",
        "OfAnotherLog": "no signature",
    }.items():
        with pytest.raises(Mismatch, match=what):
            follow(name).pull()
    opener = follow("Opener")
    opener.pull()
    # It does not know the gate: what an object is it leaves to others, and the audience is not its.
    codes = {index for index, code in lies["Opener"].codes["shared"].items()
             if code.split("-")[0] == "entry" and code not in ("entry-label", "entry-unattested")}
    assert codes - set(opener.logs["shared"].aside) == set()
    assert set(opener.logs["acts"].aside) == set(lies["Opener"].codes["acts"])
    assert 0 in opener.logs["shared"].opened and isinstance(opener.logs["shared"], Followed)


# The exchange of docs/spec/federation.md, as it was recorded with real nodes.

VECTORS = ROOT / "docs" / "spec" / "vectors" / "federation.json"
SHOWN_IN = ROOT / "docs" / "spec" / "federation.md"


def test_the_exchange_of_the_specification_is_followed(tmp_path):
    """`COMITY_ACCEPT=1` records another one."""
    if os.environ.get("COMITY_ACCEPT"):
        VECTORS.write_text(json.dumps(record(tmp_path), indent=1) + "\n")
    case = json.loads(VECTORS.read_text())
    charter = tmp_path / "charter.toml"
    charter.write_text(case["charter"])
    genesis = {one["id"]: one.get("genesis") for one in tomllib.loads(case["charter"])["party"]}[ALPHA]
    judge = judge_of(SCRIBE, hashlib.sha256(charter.read_bytes()).hexdigest(), tomllib.loads(case["charter"]))
    logs = {log: Followed(ALPHA, log, genesis[log]) for log in ("acts", "shared")}
    for turn in case["turns"]:
        line = Replay(turn["exchange"])
        for followed in logs.values():
            followed.grow(line)
            followed.pull(line, judge)
        assert line.rest == []
        shared = logs["shared"]
        found = {"size": shared.range.size, "root": shared.range.root().hex(), "scanned": shared.scanned,
                 "opened": sorted(shared.opened), "withdrawn": sorted(shared.withdrawn)}
        assert found == turn["shared"] and not shared.aside
    page = SHOWN_IN.read_text()
    salt, envelope = (base64.b64decode(case["receipt"][name]) for name in ("salt", "envelope"))
    assert commitment_leaf(salt, envelope).hex() == case["receipt"]["leaf"]
    shown = [case["receipt"]["salt"], envelope.split(b"\n")[1].decode(), case["receipt"]["leaf"]]
    for turn in case["turns"]:
        shown += [line for line in turn["exchange"][-1]["body"].split("\n") if "scanned_to" in line]
        shown += [turn["shared"]["root"]]
    for text in shown:
        assert text in page, f"federation.md does not show {text}"


class Replay:
    """A line over which a recorded peer answers."""

    def __init__(self, exchange):
        self.rest = list(exchange)

    def get(self, path, bytes_max, etag=None):
        turn = self.rest.pop(0)
        assert (turn["path"], turn.get("if_none_match")) == (path, etag)
        body = bytes.fromhex(turn["body_hex"]) if "body_hex" in turn else turn["body"].encode()
        assert len(body) <= bytes_max
        return turn["status"], turn.get("etag"), body


class Recorder:
    """A line that writes down what goes over it."""

    def __init__(self, line):
        self.line, self.exchange = line, []

    def get(self, path, bytes_max, etag=None):
        status, came, body = self.line.get(path, bytes_max, etag)
        turn = {"path": path, "if_none_match": etag, "status": status, "etag": came}
        turn |= {"body_hex": body.hex()} if "/tile/" in path else {"body": body.decode()}
        self.exchange.append({name: value for name, value in turn.items() if value is not None})
        return status, came, body


def record(directory):
    scribe = PaperParty(directory / "keys", SCRIBE)
    body = Body(directory, {ALPHA: "member", "beta.example": "member"}, [scribe])
    alpha, beta = body.nodes.values()
    for node, other in ((alpha, beta), (beta, alpha)):
        node.user("rosa", "releaser")
        node.told("collection", "add", node.directory, "Desk", "--alias", "desk")
        node.run("peer", "add", node.directory, other.party, other.address)
    for node in (alpha, beta):
        node.start()
    follower, turns = body.follower(SCRIBE, ALPHA), []

    def turn():
        follower.line = Recorder(getattr(follower.line, "line", follower.line))
        follower.pull()
        shared = follower.logs["shared"]
        found = {"size": shared.range.size, "root": shared.range.root().hex(), "scanned": shared.scanned,
                 "opened": sorted(shared.opened), "withdrawn": sorted(shared.withdrawn)}
        turns.append({"exchange": follower.line.exchange, "shared": found})

    first, second = indicator(1), indicator(2)
    alpha.share(first)
    alpha.share(second, to="party:beta.example")
    turn()
    wait_for("beta", lambda: beta.scanned(ALPHA) == 2)
    alpha.grant(second, f"party:{SCRIBE}")
    alpha.withdraw(first)
    turn()
    wait_for("a receipt", lambda: alpha.show("beta.example")["withdrawals"] == [])
    files = alpha.directory / "keys" / "transport.crt", alpha.directory / "keys" / "transport.key"
    genesis = {one["id"]: one["genesis"] for one in tomllib.loads(body.charter.read_text())["party"]}["beta.example"]
    _, _, page = Line(beta.address, *files, genesis["transport"]).get("/log/shared/release?from=0", PAGE_BYTES_MAX)
    receipt = json.loads(page.split(b"\n")[0])
    receipt["leaf"] = commitment_leaf(*(base64.b64decode(receipt[name]) for name in ("salt", "envelope"))).hex()
    body.stop()
    return {"charter": body.charter.read_text(), "party": SCRIBE, "peer": ALPHA, "turns": turns, "receipt": receipt}
