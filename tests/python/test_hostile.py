"""Sockets that mean ill, against the real binary. After each the node is there, serves somebody
else meanwhile, and has not grown."""

import base64
import gzip
import json
import socket
import struct
import threading
import time
import urllib.parse

import pytest
import requests

from conftest import USER
from node import PASSWORD, Node
from samples import envelope, indicator

MEDIA = "application/taxii+json;version=2.1"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
# What a node may hold on to of all that is below: pages of the allocator, not what was sent.
GROWTH_BYTES = 96 * 1024 * 1024


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("hostile") / "node")
    node.user(USER, "analyst")
    node.start()
    node.collection("First", "--alias", "first")
    url = f"{node.collection_url('first')}objects/"
    for first in range(0, 2000, 500):
        body = json.dumps(envelope(*(indicator(first + one, x_comity_padding="x" * 4000) for one in range(500))))
        answer = requests.post(url, data=body, auth=(USER, PASSWORD), headers={"Content-Type": MEDIA})
        assert answer.json()["failure_count"] == 0
    yield node
    node.stop()


@pytest.fixture(autouse=True)
def unharmed(node):
    before = resident(node)
    others = Others(node)
    yield
    others.end()
    assert node.alive() and others.served > 0 and not others.faults, others.faults
    assert resident(node) - before < GROWTH_BYTES
    assert "panicked" not in node.log()


class Others:
    """Somebody who asks all the while."""

    def __init__(self, node):
        self.url, self.served, self.faults, self.over = f"{node.root}collections/", 0, [], threading.Event()
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        with requests.Session() as session:
            session.auth = (USER, PASSWORD)
            while not self.over.is_set() or not self.served:
                try:
                    answer = session.get(self.url, timeout=10)
                    if answer.status_code != 200:
                        self.faults.append(answer.status_code)
                except requests.RequestException as error:
                    self.faults.append(error)
                self.served += 1
                self.over.wait(0.02)

    def end(self):
        self.over.set()
        self.thread.join()


def resident(node):
    status = open(f"/proc/{node.process.pid}/status").read()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


def connect(node, receive=None):
    made = socket.socket()
    if receive:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    made.settimeout(60)
    made.connect(("127.0.0.1", urllib.parse.urlsplit(node.url).port))
    return made


def rest(stream):
    """All that comes until the other side ends."""
    octets = b""
    try:
        while got := stream.recv(65_536):
            octets += got
    except (ConnectionError, TimeoutError):
        pass
    return octets


def talk(node, octets):
    """Sends what it can, and the status of each answer. A connection that stays has said all that
    it has to say when it is silent for a while."""
    with connect(node) as stream:
        stream.settimeout(3)
        try:
            stream.sendall(octets)
        except OSError:
            pass
        answer = rest(stream)
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]


def head(line, *fields, host="localhost"):
    last = () if any("close" in field for field in fields) else ("Connection: close",)
    return "\r\n".join([line, f"Host: {host}", *fields, *last, "", ""]).encode()


GET = "GET /health HTTP/1.1"
POST = "POST /taxii2/comity/collections/first/objects/ HTTP/1.1"
LET_IN = (f"Authorization: {BASIC}", f"Content-Type: {MEDIA}", "Connection: close")


def test_heads_and_bodies_that_come_by_the_octet_and_answers_that_nobody_reads(node):
    """All at once, since each takes its time: 10 seconds a body, 15 a head, 30 an answer."""

    def drip(stream, octets, every=1):
        for octet in octets:
            try:
                stream.sendall(bytes([octet]))
            except OSError:
                break
            time.sleep(every)
            stream.setblocking(False)
            try:
                got = stream.recv(1, socket.MSG_PEEK)
                break
            except BlockingIOError:
                got = None
            except OSError:
                break
            finally:
                stream.settimeout(60)
        return rest(stream)

    def slow_head(told):
        with connect(node) as stream:
            told.append(drip(stream, head(GET, "X-Long: " + "x" * 200)))

    def slow_preface(told):
        with connect(node) as stream:
            told.append(drip(stream, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 4))

    def silent(told):
        with connect(node) as stream:
            told.append(rest(stream))

    def slow_body(told):
        with connect(node) as stream:
            stream.sendall(head(POST, "Content-Length: 1000", *LET_IN))
            told.append(drip(stream, b" " * 1000))

    def slow_chunks(told):
        with connect(node) as stream:
            stream.sendall(head(POST, "Transfer-Encoding: chunked", *LET_IN))
            told.append(drip(stream, b"1\r\nx\r\n" * 100))

    def unread(told):
        with connect(node, receive=4096) as stream:
            page = "GET /taxii2/comity/collections/first/objects/?limit=5000 HTTP/1.1"
            stream.sendall(head(page, LET_IN[0], "Accept-Encoding: identity"))
            began = time.monotonic()
            # Whether the other side has ended is seen in the table of sockets, without reading.
            while time.monotonic() - began < 58 and established(stream):
                time.sleep(0.5)
            told.append(b"" if not established(stream) else b"still there")

    kinds = [slow_head, slow_preface, silent, slow_body, slow_chunks, unread]
    told = {kind.__name__: [] for kind in kinds}
    threads = [threading.Thread(target=kind, args=(told[kind.__name__],)) for kind in kinds for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("slow_head", "slow_preface", "silent", "unread"):
        assert told[name] == [b""] * 4, (name, told[name])
    for name in ("slow_body", "slow_chunks"):
        assert len(told[name]) == 4
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in told[name]), (name, told[name])


def established(stream):
    """Whether the node's end of a connection of this machine is still there."""
    local, peer = stream.getsockname()[1], stream.getpeername()[1]
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        words = line.split()
        ports = [int(one.split(":")[1], 16) for one in words[1:3]]
        if ports == [peer, local] and words[3] == "01":
            return True
    return False


def test_heads_without_end(node):
    assert talk(node, head(GET, "X-Long: " + "x" * 1_000_000)) == [431]
    assert talk(node, head(GET, *(f"X-{number}: x" for number in range(10_000)))) == [431]
    assert talk(node, head("GET /" + "x" * 1_000_000 + " HTTP/1.1"))[0] in (414, 431)
    assert talk(node, b"x" * 1_000_000)[0] in (400, 431)


def test_gzip_bombs(node):
    zeros = gzip.compress(b"\0" * 10_485_761, 9)
    nested = gzip.compress(gzip.compress(zeros, 9), 9)
    padded = gzip.compress(b'{"objects":[' + b" " * 200_000_000, 9)
    assert len(zeros) < 11_000
    expected = ((zeros, 413), (nested, 422), (padded, 413), (gzip.compress(b"\0" * 10_000_000, 9), 422))
    for bomb, status in expected:
        fields = ("Content-Encoding: gzip", f"Content-Length: {len(bomb)}", *LET_IN)
        assert talk(node, head(POST, *fields) + bomb)[0] == status
    # Compressed twice, and told so: one layer is undone at most.
    fields = ("Content-Encoding: gzip, gzip", f"Content-Length: {len(nested)}", *LET_IN)
    assert talk(node, head(POST, *fields) + nested)[0] == 415


SMUGGLED = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "octets, statuses",
    [
        # The chunks count, the connection ends behind them (RFC 9112, 6.1); or nothing counts.
        (head(POST, "Content-Length: 4", "Transfer-Encoding: chunked", *LET_IN) + b"0\r\n\r\n" + SMUGGLED, ([400], [422])),
        (head(POST, "Content-Length: 4", "Content-Length: 60", *LET_IN) + b"1234" + SMUGGLED, ([400],)),
        (head(POST, "Content-Length: 4, 60", *LET_IN) + b"1234" + SMUGGLED, ([400],)),
        (head(POST, "Content-Length: +4", *LET_IN) + b"1234" + SMUGGLED, ([400],)),
        (head(POST, "Content-Length: -1", *LET_IN) + SMUGGLED, ([400],)),
        (head(POST, "Transfer-Encoding: xchunked", *LET_IN) + b"0\r\n\r\n" + SMUGGLED, ([400],)),
        (head(POST, "Transfer-Encoding: chunked, identity", *LET_IN) + b"0\r\n\r\n" + SMUGGLED, ([400],)),
        (head(POST, "Transfer-Encoding : chunked", *LET_IN) + b"0\r\n\r\n" + SMUGGLED, ([400],)),
        (head(POST, "Transfer-Encoding: chunked", *LET_IN) + b"ffffffffffffffff1\r\nx\r\n0\r\n\r\n", ([400],)),
        (head(POST, "Transfer-Encoding: chunked", *LET_IN) + b"-1\r\nx\r\n0\r\n\r\n", ([400],)),
        (head(POST, "Transfer-Encoding: chunked", *LET_IN) + b"2\r\n{}XX0\r\n\r\n" + SMUGGLED, ([400],)),
        (head(POST, "Transfer-Encoding: chunked", *LET_IN) + b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", ([400],)),
        (head(GET, "X: a\r\n b"), ([400],)),
        (head(GET, "X\0: a"), ([400],)),
        (head(GET, "X: a\0b"), ([400],)),
        (head("GET /health HTTP/1.1\rX: y"), ([400],)),
        (head("GET /health HTTP/3.0"), ([400],)),
        (head("GET  /health HTTP/1.1"), ([400],)),
        (b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", ([400],)),
        (head(GET, "Host: localhost"), ([400],)),
        (head(GET, host="evil.example"), ([421],)),
        (head(GET, host="a b"), ([400],)),
        (head("GET http://evil.example/health HTTP/1.1"), ([400],)),
        (head("GET http://evil.example/health HTTP/1.1", host="evil.example"), ([421],)),
        (head("GET http://localhost/health HTTP/1.1"), ([200],)),
        (head("CONNECT localhost:1 HTTP/1.1"), ([400], [404], [405])),
        # Bare line feeds may end lines (RFC 9112, 2.2); nothing else follows from them.
        (b"GET /health HTTP/1.1\nHost: localhost\nConnection: close\n\n", ([200], [400])),
    ],
    ids=range(27),
)
def test_what_is_told_in_two_ways_is_refused(node, octets, statuses):
    assert talk(node, octets) in statuses


def test_chunk_extensions_are_passed_over(node):
    body = b'e;name="x"\r\n{"objects":[]}\r\n0\r\n\r\n'
    assert talk(node, head(POST, "Transfer-Encoding: chunked", *LET_IN) + body) == [202]


# HTTP/2, frame by frame.

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


# :method GET, :scheme http, :path /health, :authority localhost
ASKS = b"\x82\x86" + literal(b":path", b"/health") + literal(b":authority", b"localhost")


def frames(octets):
    found = []
    while len(octets) >= 9:
        length = int.from_bytes(octets[:3], "big")
        found.append((octets[3], octets[4], int.from_bytes(octets[5:9], "big"), octets[9 : 9 + length]))
        octets = octets[9 + length :]
    return found


def flood(node, octets):
    """Sends all, says good-bye, and the frames that came."""
    octets = PREFACE + frame(SETTINGS, 0, 0) + octets + frame(GOAWAY, 0, 0, bytes(8))
    with connect(node) as stream:
        stream.settimeout(5)
        thread = threading.Thread(target=send, args=(stream, octets))
        thread.start()
        answer = rest(stream)
        thread.join()
    return frames(answer)


def send(stream, octets):
    try:
        stream.sendall(octets)
    except OSError:
        pass


def ended(found):
    """The code with which the node ended the connection."""
    return [int.from_bytes(payload[4:8], "big") for kind, _, _, payload in found if kind == GOAWAY]


def test_http2_without_tls_is_served_to_who_knows(node):
    found = flood(node, frame(HEADERS, 5, 1, ASKS))
    assert (DATA, 1, b"ok\n") in [(kind, stream, payload) for kind, _, stream, payload in found]
    found = flood(node, frame(HEADERS, 5, 1, ASKS.replace(b"localhost", b"evil.host")))
    assert not any(payload == b"ok\n" for _, _, _, payload in found)


def test_http2_rapid_reset(node):
    burst = b"".join(
        frame(HEADERS, 5, stream, ASKS) + frame(RST, 0, stream, b"\0\0\0\x08") for stream in range(1, 40_001, 2)
    )
    # ENHANCE_YOUR_CALM
    assert 11 in ended(flood(node, burst))


def test_http2_many_streams(node):
    # Each waits for its body, so none ends: the hundred and first is refused.
    body = ASKS.replace(b"\x82", b"\x83", 1)
    burst = b"".join(frame(HEADERS, 4, stream, body) for stream in range(1, 20_001, 2))
    found = flood(node, burst)
    refused = {stream for kind, _, stream, payload in found if kind == RST and payload == b"\0\0\0\x07"}
    assert len(refused) > 100 or ended(found), found[-3:]


def test_http2_continuation_flood(node):
    fields = b"".join(literal(b"x-%d" % number, b"x" * 100) for number in range(100))
    burst = frame(HEADERS, 1, 1, ASKS) + frame(CONTINUATION, 0, 1, fields) * 2000
    found = flood(node, burst)
    assert ended(found) or not any(kind == HEADERS for kind, _, _, _ in found)
    empty = frame(HEADERS, 1, 1, ASKS) + frame(CONTINUATION, 0, 1) * 100_000
    assert any(code != 0 for code in ended(flood(node, empty)))


def test_http2_settings_and_pings(node):
    flood(node, frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) * 50_000)
    flood(node, frame(PING, 0, 0, b"12345678") * 50_000)


def test_http2_headers_without_end(node):
    # A table entry, then references to it: 4 kB that unfold to more than any limit.
    entry = b"\x40\x01x" + b"\x7f\xe1\x1e" + b"x" * 4064
    found = flood(node, frame(HEADERS, 5, 1, ASKS + entry + b"\xbe" * 10_000))
    assert not any(payload == b"ok\n" for _, _, _, payload in found)
