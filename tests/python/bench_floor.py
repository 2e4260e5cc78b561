"""The bare floor beside each figure of a body: the same work by something that does nothing else."""

import hashlib
import http.client
import json
import os
import socket
import sqlite3
import ssl
import statistics
import struct
import threading
import time

LEAVES_OF_A_BUNDLE = 256
# Rows of one transaction: openings of a page.
ROWS = 1024
# Octets of a request, of a bundle of one leaf, and of a page with one opening.
REQUEST, ANSWERS = 100, (200, 3400)


class Puller:
    """A client of the door for peers that has a node's key, and throws away what it gets."""

    def __init__(self, node, of):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(node.dir / "keys" / "transport.crt", node.dir / "keys" / "transport.key")
        self.line = http.client.HTTPSConnection("127.0.0.1", of.peers, context=context, timeout=60)

    def get(self, path):
        while True:
            self.line.request("GET", path)
            answer = self.line.getresponse()
            body = answer.read()
            if answer.status in (429, 503):
                time.sleep(float(answer.headers.get("Retry-After", 1)))
                continue
            assert answer.status == 200, (path, answer.status)
            return body

    def size(self):
        return int(self.get("/log/shared/checkpoint").split(b"\n")[1])

    def leaves(self, size):
        """All bundles of the log `shared`, one after the other."""
        for n in range((size + LEAVES_OF_A_BUNDLE - 1) // LEAVES_OF_A_BUNDLE):
            width = min(LEAVES_OF_A_BUNDLE, size - n * LEAVES_OF_A_BUNDLE)
            yield self.get(f"/log/shared/{tile(n, width)}")

    def openings(self, size):
        """All pages of openings; of each, the octets of its envelopes."""
        at = 0
        while at < size:
            *lines, end = self.get(f"/log/shared/release?from={at}").rstrip(b"\n").split(b"\n")
            at = json.loads(end)["scanned_to"]
            # The envelope is all of a line but some hundred octets, in base64.
            yield [max(0, len(line) - 100) * 3 // 4 for line in lines]


def tile(n, width):
    parts = [f"{n % 1000:03}"]
    while n := n // 1000:
        parts.insert(0, f"x{n % 1000:03}")
    return f"tile/entries/{'/'.join(parts)}" + ("" if width == LEAVES_OF_A_BUNDLE else f".p/{width}")


def fetched(node, of):
    """What a first sync fetches, fetched and thrown away; seconds, and octets of the bodies."""
    puller = Puller(node, of)
    began = time.monotonic()
    size = puller.size()
    for _ in puller.leaves(size):
        pass
    sizes = [octets for page in puller.openings(size) for octets in page]
    return time.monotonic() - began, sizes


def skeleton(node, of):
    """The leaves of a log, fetched, and their tree by hashlib; seconds for each."""
    puller = Puller(node, of)
    began = time.monotonic()
    bundles = list(puller.leaves(puller.size()))
    took = time.monotonic() - began
    began = time.monotonic()
    hashed(bundles)
    return took, time.monotonic() - began


def hashed(bundles):
    sha256, level = hashlib.sha256, []
    for bundle in bundles:
        at = 0
        while at < len(bundle):
            end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
            level.append(sha256(b"\0" + bundle[at + 2 : end]).digest())
            at = end
    # Of a level that is not even the last one goes up as it is.
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
    return level[0]


def inserted(place, sizes):
    """The same octets as rows of SQLite, durable page by page as a node does it; seconds."""
    file = place / "floor.db"
    octets = os.urandom(max(sizes, default=0) + 64)
    with sqlite3.connect(file, isolation_level=None) as store:
        store.execute("PRAGMA page_size = 8192")
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = FULL")
        store.execute("CREATE TABLE entry (key INTEGER PRIMARY KEY, leaf BLOB, salt BLOB, dek BLOB, body BLOB)")
        began = time.monotonic()
        for first in range(0, len(sizes), ROWS):
            rows = ((first + at, octets[:32], octets[:32], octets[:32], octets[: max(1, size)])
                    for at, size in enumerate(sizes[first : first + ROWS]))
            store.execute("BEGIN")
            store.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
            store.execute("COMMIT")
        took = time.monotonic() - began
    store.close()
    for path in place.glob("floor.db*"):
        path.unlink()
    return took


def round_trips(node, count):
    """Two questions and answers over TLS on this machine, of the sizes of a pull; milliseconds."""
    pair = node.dir / "keys" / "transport.crt", node.dir / "keys" / "transport.key"
    of_server, of_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    of_server.load_cert_chain(*pair)
    of_client.check_hostname, of_client.verify_mode = False, ssl.CERT_NONE
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener, of_server, count), daemon=True).start()
        raw = socket.create_connection(listener.getsockname())
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taken = []
        with of_client.wrap_socket(raw) as line:
            for _ in range(count):
                began = time.perf_counter()
                for octets in ANSWERS:
                    line.sendall(struct.pack(">I", octets) + bytes(REQUEST - 4))
                    receive(line, octets)
                taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def answer(listener, context, count):
    raw, _ = listener.accept()
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(raw, server_side=True) as line:
        for _ in range(count * len(ANSWERS)):
            line.sendall(bytes(struct.unpack(">I", receive(line, REQUEST)[:4])[0]))


def receive(line, octets):
    found = b""
    while len(found) < octets:
        found += line.recv(octets - len(found)) or b"?"
    return found
