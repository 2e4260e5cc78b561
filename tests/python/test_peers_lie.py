"""A node against peers that lie to it, from a process of their own: it stays up, serves others, keeps
its memory within bounds, stores nothing of what is false, and says what is wrong."""

import re
import socket

import pytest

from lies import (
    LIES,
    BodyDrips,
    Equivocates,
    NotItsTree,
    Opener,
    PageBeyond,
    PageStaysEmpty,
    Replayed,
    Rings,
    party_of,
)
from peering import WAIT_SECONDS, wait_for
from samples import indicator

# What all lies together may cost, at the most: some pages of openings at once.
MEMORY_BYTES_MAX = 128 * 1024 * 1024


@pytest.fixture(scope="module")
def lied(body):
    return body.nodes["beta.example"], body.lies


def peer(node, lie):
    return node.show(party_of(lie))["peer"]


def test_it_serves_and_follows_others_meanwhile(body, lied):
    node, _ = lied
    made = indicator(7_001)
    body.nodes["alpha.example"].share(made)
    wait_for("an object of an honest peer", lambda: node.has("received-alpha_example", made))
    own = indicator(7_002)
    node.share(own)
    wait_for("an object at an honest peer", lambda: body.nodes["gamma.example"].has("received-beta_example", own))


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie.says], ids=lambda lie: lie.__name__)
def test_what_is_wrong_is_said(lied, lie):
    node, _ = lied

    def said():
        found = peer(node, lie)
        return re.search(lie.says, f"{found.get('halted')} / {found.get('fault')}")

    wait_for(f"a word about {lie.__name__}; said is {peer(node, lie)}", said)
    kept = {Replayed: 3, Equivocates: 3}.get(lie, 1)
    assert all(log["verified"] <= kept for log in peer(node, lie)["logs"])


def test_rings_cost_nothing_and_a_page_that_waits_is_no_fault(lied):
    node, servers = lied
    wait_for("the last ring", lambda: getattr(servers[Rings], "rang", False))
    found = wait_for("a bell", lambda: peer(node, Rings) if peer(node, Rings)["doorbell"] else None)
    assert not found.get("fault"), found
    assert servers[Rings].asked.count("/doorbell") == 1
    for lie in (PageStaysEmpty, PageBeyond):
        wait_for("a pull", lambda: any("release" in path for path in servers[lie].asked))
        found = peer(node, lie)
        assert not found.get("fault") and not found["quarantined"], found
    assert all(log["scanned"] == 0 for log in peer(node, PageStaysEmpty)["logs"])
    wait_for("the cursor at the size", lambda: all(log["scanned"] == 1 for log in peer(node, PageBeyond)["logs"]))
    assert not peer(node, BodyDrips).get("answered") and not peer(node, BodyDrips)["lag"]


def test_memory_stays_within_its_bound(lied):
    node, _ = lied
    for what in ("VmRSS", "VmHWM"):
        grown = node.memory(what) - node.before
        assert grown < MEMORY_BYTES_MAX, f"{what} grew by {grown >> 20} MiB, at most {MEMORY_BYTES_MAX >> 20}"


def test_each_opening_that_is_none_is_set_aside_under_its_code(lied):
    node, servers = lied
    liar = servers[Opener]
    wait_for("the good one", lambda: node.has("received-opener_example", liar.good))
    wait_for("the acts", lambda: node.scanned(liar.party.party, "acts") == len(liar.party.acts.leaves))
    found = {"shared": {}, "acts": {}}
    for one in node.show(liar.party.party)["quarantined"]:
        found[one["log"]][one["index"]] = one["code"]
    for log, codes in liar.codes.items():
        assert sorted(found[log].items()) == sorted(codes.items())
    assert node.taxii("received-opener_example").count(b'"type": "indicator"') == 1


def test_nothing_that_is_false_is_stored(lied):
    """Leaves that were not verified may be staged; openings were none of them."""
    node, servers = lied
    files = node.files()

    def holding(octets):
        return [path for path, text in files.items() if octets in text]

    for lie, server in servers.items():
        for log in server.logs.values():
            for index, (salt, _) in log.openings.items():
                by_right = lie is Opener and salt in server.salts_by_right
                assert bool(holding(salt)) == by_right, f"{lie.__name__}: {log.name} {index}, {holding(salt)}"
    for octets in (b"x" * 64, b"Wvutsrq-Marker", b"wvutsrq-marker", b"c9001.example.net", b"c9005.example.net"):
        assert not holding(octets), octets


def test_who_contradicts_himself_is_followed_no_further(lied):
    """Not even when others come to be followed, for which all are followed anew."""
    node, servers = lied
    for lie in (Equivocates, NotItsTree):
        wait_for("an end", lambda: peer(node, lie).get("halted"))
    asked = {lie: len(servers[lie].asked) for lie in (Equivocates, NotItsTree, Rings)}
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        nobody.settimeout(WAIT_SECONDS)
        node.run("peer", "add", node.directory, "left.example", f"127.0.0.1:{nobody.getsockname()[1]}")
        nobody.accept()[0].close()
        wait_for("the others to be followed anew", lambda: len(servers[Rings].asked) > asked[Rings])
    for lie in (Equivocates, NotItsTree):
        assert len(servers[lie].asked) == asked[lie] and peer(node, lie)["halted"]
