"""Wrong passwords: few at a time, slowed by address and name, and nobody else is kept out."""

import concurrent.futures
import http.client
import base64
import urllib.parse

import pytest

from conftest import USER
from node import PASSWORD, Node

OWNER, ATTACKER, NEWCOMER, BUSY_CLIENT = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("credentials") / "node")
    for name in (USER, "reader"):
        node.user(name, "analyst")
    yield node.start()
    node.stop()


def ask(node, address, name, password):
    """The status, and what Retry-After says."""
    place = urllib.parse.urlsplit(node.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60, source_address=(address, 0))
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    connection.request("GET", "/taxii2/", headers={"Authorization": f"Basic {basic}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers["Retry-After"]


def test_a_flood_of_wrong_passwords_keeps_out_nobody_else(node):
    assert ask(node, OWNER, USER, PASSWORD) == (200, None)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        told = list(threads.map(lambda number: ask(node, ATTACKER, USER, f"wrong {number}"), range(200)))
    statuses = [status for status, _ in told]
    # Ten at once, and one more every six seconds.
    assert 10 <= statuses.count(401) <= 30 and statuses.count(401) + statuses.count(429) == 200
    assert all(1 <= int(wait) <= 60 for status, wait in told if status == 429)
    # The right password is not heard from there either, unless it is remembered.
    assert ask(node, ATTACKER, USER, PASSWORD)[0] == 200
    node.user("third", "reader")  # forgets what was remembered
    assert ask(node, ATTACKER, USER, PASSWORD)[0] == 429
    assert ask(node, NEWCOMER, USER, PASSWORD)[0] == 200
    assert ask(node, OWNER, USER, PASSWORD)[0] == 200


def test_unknown_names_are_slowed_as_known_ones(node):
    told = [ask(node, "127.0.0.6", "nobody", f"wrong {number}")[0] for number in range(12)]
    assert told[:10] == [401] * 10 and 429 in told[10:], told


def test_many_connections_with_the_same_credentials_are_checked_once(node):
    node.user("fourth", "reader")  # forgets what was remembered
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        told = list(threads.map(lambda _: ask(node, BUSY_CLIENT, "reader", PASSWORD), range(256)))
    assert told == [(200, None)] * 256


def test_nothing_of_it_is_in_the_log(node):
    log = node.log()
    assert USER not in log and "nobody" not in log and "wrong" not in log


def test_an_account_that_asks_too_often_and_names_that_are_served(tmp_path):
    node = Node(tmp_path / "node")
    node.user(USER, "analyst")
    node.user("reader", "reader")
    config = node.directory / "config.toml"
    text = config.read_text().replace("requests_per_second = 100000", "requests_per_second = 5")
    config.write_text(text.replace("hosts = []", 'hosts = ["node.example"]'))
    node.start()
    told = [ask(node, OWNER, USER, PASSWORD) for _ in range(50)]
    assert [status for status, _ in told[:5]] == [200] * 5
    assert (429, "1") in told and {status for status, _ in told} == {200, 429}
    assert ask(node, OWNER, "reader", PASSWORD)[0] == 200
    place = urllib.parse.urlsplit(node.url)
    for host, status in (("node.example:8440", 200), ("127.0.0.1", 200), ("evil.example", 421)):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        connection.request("GET", "/health", headers={"Host": host})
        assert connection.getresponse().status == status
        connection.close()
    node.stop()
