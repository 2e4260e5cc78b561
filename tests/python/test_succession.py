"""A charter that succeeds another: nodes that serve start anew under it, where they were."""

import json
import time
import urllib.request

import pytest

from node import READY_SECONDS
from peering import Body, wait_for
from samples import indicator

NORTH, SOUTH = NODES = "north.example", "south.example"


@pytest.fixture
def parties(tmp_path):
    """Two nodes, all of whose doors are at ports that the system gave."""
    body = Body(tmp_path, dict.fromkeys(NODES, "member"), [])
    for node in body.nodes.values():
        node.user("rosa", "releaser")
        node.user("reader", "reader")
        node.user("dana", "delegate")
        node.collection("Desk", "--alias", "desk")
        serve(node)
    body.meet()
    yield body
    for node in body.nodes.values():
        node.stop()
        node.verify()


def serve(node):
    with node.errors.open("ab") as errors:
        node.process = node.popen(errors, "--peers", "127.0.0.1:0", "--metrics=localhost:0")
    node.doors = told(node)
    node.url, node.address = node.doors["listening"], node.doors["peers"].removeprefix("https://")


def told(node):
    """What a node says of its doors."""
    end = time.monotonic() + READY_SECONDS
    lines = [node.line(end) for _ in range(3)]
    return {line.split(" on ")[0]: line.split(" on ")[1] for line in lines}


def test_a_new_start_keeps_the_addresses_that_the_system_gave(parties, tmp_path):
    north, south = (parties.nodes[party] for party in NODES)
    before, process = {node.party: node.doors for node in (north, south)}, north.process.pid
    for doors in before.values():
        assert not any(door.endswith(":0") for door in doors.values()), doors
    successor = tmp_path / "second.toml"
    text = parties.charter.read_text().replace("version = 1\n", f'version = 2\nprevious = "{parties.hash}"\n', 1)
    successor.write_text(text.replace("days = 365", "days = 300"))
    found = north.told("charter", "propose", north.directory, successor, "--by", "dana")["charter"]
    for node in (north, south):
        wait_for("the proposal", lambda: found in node.run("charter", "proposals", node.directory))
        node.run("charter", "accept", node.directory, found, "--by", "dana")
    for node in (north, south):
        # The same process says once more where its doors are.
        assert told(node) == before[node.party]
        assert node.told("charter", "show", node.directory)["hash"] == found
        with urllib.request.urlopen(node.doors["metrics"], timeout=10) as metrics:
            assert b"comity_" in metrics.read()
    assert north.process.poll() is None and north.process.pid == process
    # Peers find each other where they were.
    made = indicator(1)
    north.share(made, to=f"party:{SOUTH}")
    wait_for("it to arrive", lambda: south.has("received-north_example", made))
    assert json.loads(north.run("--json", "peer", "list", north.directory))["peers"][0]["address"] == south.address
