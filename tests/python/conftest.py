"""A node for the session, and a fresh collection for each test."""

import pytest
import requests
from taxii2client.v21 import Collection

from lies import LIES, SINCE, Opener, party_of
from node import BINARY, PASSWORD, Node
from peering import Body, PaperParty, wait_for
from samples import indicator

USER = "analyst"
NODES = {"alpha.example": "member", "beta.example": "member", "gamma.example": "observer"}


def pytest_report_header():
    return f"comity: {BINARY}"


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build -p comity, or COMITY_BIN"
    node = Node(tmp_path_factory.mktemp("comity") / "node")
    node.user(USER, "analyst")
    node.user("reader", "reader")
    node.start()
    yield node
    node.stop()


def paper(keys):
    """Parties whose keys the tests have: some that follow, in each standing, and some that lie."""
    yield PaperParty(keys, "scribe.example")
    yield PaperParty(keys, "watch.example", "observer")
    yield PaperParty(keys, "far.example", "far")
    yield PaperParty(keys, "left.example", standing="until = 2020-01-01")
    yield PaperParty(keys, "early.example", standing="from = 2999-01-01")
    for status in ("suspended", "dormant", "withdrawn"):
        yield PaperParty(keys, f"{status}.example", standing=f'status = "{status}"')
    for lie in LIES:
        yield PaperParty(keys, party_of(lie), "far")
    yield PaperParty(keys, party_of(Opener), "far", standing=f"from = {SINCE}")


@pytest.fixture(scope="session")
def body(tmp_path_factory):
    """Three nodes that follow each other, in processes of their own, and parties on paper. One of
    the nodes is lied to all the while, in every way there is."""
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build -p comity, or COMITY_BIN"
    directory = tmp_path_factory.mktemp("body")
    body = Body(directory, NODES, list(paper(directory / "keys")))
    body.serve()
    body.lies = told_to(body, body.nodes["beta.example"])
    yield body
    for server in body.lies.values():
        server.stop()
    body.stop()


def told_to(body, node):
    """Servers that tell a node all lies, each as a party of its own."""
    alpha = body.nodes["alpha.example"]
    alpha.share(indicator(9_999))
    follower = body.follower("scribe.example", alpha.party)
    follower.pull()
    opened = follower.logs["shared"].opened[0]
    lies = {lie: lie(body.paper[party_of(lie)]) for lie in [*LIES, Opener]}
    lies[Opener].fill(body, (opened.salt, opened.envelope))
    node.before = node.memory()
    for lie, server in lies.items():
        node.run("peer", "add", node.directory, party_of(lie), server.address)
    # Peers are followed anew when there are others: from here on there are none.
    wait_for("the last peer to be followed", lies[Opener].knocked.is_set)
    for server in lies.values():
        server.going.set()
    return lies


@pytest.fixture
def collection_id(node, request):
    return node.collection(f"Of {request.node.name}"[:250])


@pytest.fixture
def collection(node, collection_id):
    with Collection(node.collection_url(collection_id), user=USER, password=PASSWORD) as collection:
        yield collection


@pytest.fixture
def http(node):
    """Plain HTTP, as the analyst who accepts TAXII 2.1."""
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)
        session.headers["Accept"] = "application/taxii+json;version=2.1"
        yield session
