"""A node for the session, and a fresh collection for each test."""

import pytest
import requests
from taxii2client.v21 import Collection

from node import BINARY, PASSWORD, Node

USER = "analyst"


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
