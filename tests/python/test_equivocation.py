"""A party that signs two histories is convicted by whoever sees both, whichever heads they are; the
proof is kept, and judged by others with the key of the log alone."""

import pytest

from hostile_peer import Honest
from node import BINARY
from peering import Body, PaperLog, PaperParty, wait_for
from verify_log import Mismatch, judge_equivocation

BETA, GAMMA, LIAR = "beta.example", "gamma.example", "liar.example"
WAIT_SECONDS = 150  # a node asks by itself every 30 to 60 seconds


@pytest.fixture
def body(tmp_path):
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build -p comity, or COMITY_BIN"
    paper = [PaperParty(tmp_path / "keys", party) for party in (LIAR, "other.example")]
    body = Body(tmp_path, dict.fromkeys((BETA, GAMMA), "member"), paper)
    for node in body.nodes.values():
        node.start()
    yield body
    for node in body.nodes.values():
        node.end()


def branch(log, common, size, way):
    """Another history of a log, under the same key: so many leaves in common with it."""
    other = PaperLog(log.party, log.name)
    other.key, other.leaves = log.key, log.leaves[:common]
    while len(other.leaves) < size:
        other.add(b"{}\n" + way + str(len(other.leaves)).encode())
    return other


class TwoFaced(Honest):
    """Shows the history that a test gives it."""

    def __init__(self, party):
        super().__init__(party)
        self.logs = {name: branch(log, 0, 0, b"") for name, log in self.logs.items()}

    def show(self, log):
        with self.grown:
            self.logs[log.name] = log
            self.grown.notify_all()


def verified(node, log="shared"):
    logs = node.show(LIAR)["peer"]["logs"]
    return next(one["verified"] for one in logs if one["log"] == log)


def convicted(node, m, n):
    """Waits until a node has the proof, and judges it as others would."""
    found = wait_for("a conviction", lambda: node.show(LIAR)["peer"].get("convicted"), WAIT_SECONDS)
    assert len(found) == 1 and found[0]["log"] == "shared", found
    (proof,) = node.told("peer", "proof", node.directory, LIAR)["proofs"]
    return proof["proof"], m, n


def judged(body, node, proof, m, n):
    vkey = body.paper[LIAR].shared.vkey
    smaller, larger = judge_equivocation(proof.encode(), vkey)
    assert (smaller[0], larger[0]) == (m, n)
    file = body.directory / "proof"
    file.write_text(proof)
    judge = ("--json", "verify", file, "--equivocation", "--vkey")
    assert '"proven":true' in node.run(*judge, vkey).replace(" ", "")
    # By another key it proves nothing.
    other = body.paper["other.example"].shared.vkey
    assert node.try_run(*judge, other).returncode == 1
    with pytest.raises(Mismatch):
        judge_equivocation(proof.encode(), other)


def followed(liar):
    """Requests about its own logs; a start asks everybody about those of the node itself."""
    return [path for path in liar.asked if path.startswith("/log/")]


def is_kept(body, node):
    """It is told of, also after a start, and the liar is not asked again."""
    assert "comity peer proof" in node.try_run("doctor", node.directory).stdout
    node.end()
    node.start()
    found = wait_for("the halt", lambda: node.show(LIAR)["peer"].get("halted"))
    assert "signed two histories" in found
    node.verify()


def is_in_a_backup(body, node, proof):
    """What nobody else may have can be had again."""
    place = body.directory / f"backup-of-{node.party}"
    place.mkdir()
    node.run("backup", node.directory, place / "logs", "--keys", place / "keys")
    node.run("restore", place / "logs", place / "again", "--keys", place / "keys")
    node.run("resume", place / "again", "--same-names")
    (found,) = node.told("peer", "proof", place / "again", LIAR)["proofs"]
    assert found["proof"] == proof


@pytest.mark.parametrize(("first", "then", "common"), [(3, 3, 1), (3, 8, 2), (300, 301, 0), (8, 3, 2), (300, 257, 256)])
def test_two_histories_shown_to_one_node(body, first, then, common):
    node, liar = body.nodes[BETA], TwoFaced(body.paper[LIAR])
    one = branch(body.paper[LIAR].shared, 0, first, b"one")
    two = branch(one, common, then, b"two")
    try:
        liar.show(one)
        node.run("peer", "add", node.directory, LIAR, liar.address)
        wait_for("the first history", lambda: verified(node) == first)
        liar.show(two)
        if then <= first:
            # A ring for what is behind says nothing; what is served is looked at with a connection.
            node.run("peer", "add", node.directory, "other.example", "127.0.0.1:9")
        proof = convicted(node, min(first, then), max(first, then))
        judged(body, node, *proof)
        assert verified(node) == first, "what was verified stays"
        asked = followed(liar)
        is_kept(body, node)
        assert followed(liar) == asked
    finally:
        liar.stop()


def test_what_was_signed_and_is_kept_back_proves_nothing(body):
    node, liar = body.nodes[BETA], TwoFaced(body.paper[LIAR])
    one = branch(body.paper[LIAR].shared, 0, 3, b"one")
    two = branch(one, 1, 8, b"two")
    hidden = branch(one, 3, 8, b"one more")
    hidden.checkpoint = two.checkpoint
    try:
        liar.show(one)
        node.run("peer", "add", node.directory, LIAR, liar.address)
        wait_for("the first history", lambda: verified(node) == 3)
        liar.show(hidden)
        found = wait_for("a halt", lambda: node.show(LIAR)["peer"].get("halted"), WAIT_SECONDS)
        assert "no proof" in found and "nothing is proven" in found, found
        assert not node.show(LIAR)["peer"].get("convicted")
        done = node.try_run("peer", "proof", node.directory, LIAR)
        assert done.returncode == 3 and "nothing is proven" in done.stderr
    finally:
        liar.stop()


def test_two_nodes_that_are_shown_different_histories_find_out_by_each_other(body):
    beta, gamma = body.nodes[BETA], body.nodes[GAMMA]
    one = branch(body.paper[LIAR].shared, 0, 4, b"one")
    two = branch(one, 2, 9, b"two")
    faces = {beta: one, gamma: two}
    servers = []
    try:
        for node, shown in faces.items():
            server = TwoFaced(body.paper[LIAR])
            servers.append(server)
            server.show(shown)
            node.run("peer", "add", node.directory, LIAR, server.address)
        for node, shown in faces.items():
            wait_for("its history", lambda: verified(node) == len(shown.leaves))
        for node, other in ((beta, gamma), (gamma, beta)):
            node.run("peer", "add", node.directory, other.party, other.address)
        # Gamma is ahead, and finds the smaller head at beta at once; beta sees one that is beyond
        # what it has, and waits for the liar to say the same, before it asks gamma for the leaves.
        for node in (gamma, beta):
            proof = convicted(node, 4, 9)
            judged(body, node, *proof)
            is_in_a_backup(body, node, proof[0])
        assert beta.peers()[GAMMA].get("halted") is None and gamma.peers()[BETA].get("halted") is None
        for node in (beta, gamma):
            is_kept(body, node)
    finally:
        for server in servers:
            server.stop()
