#!/usr/bin/env python3
"""Follow the logs of another party's node, from docs/spec/federation.md, log.md and entry.md alone.

    follow_log.py HOST:PORT --charter FILE --party ID --peer ID --certificate PEM --key PEM

Needs Python 3.11 and the package `cryptography`. It shares no code with the node: what agrees here
was understood twice from the same pages. Prints what it found; exit status 1 on any mismatch.
"""

import argparse
import base64
import binascii
import collections
import hashlib
import http.client
import json
import pathlib
import socket
import ssl
import sys
import tomllib

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from verify_log import (
    TILE_WIDTH,
    Mismatch,
    commitment_leaf,
    leaf_hash,
    node_hash,
    open_checkpoint,
    parse_bundle,
    parse_header,
    strict,
    tile_path,
    unbase64,
)

FOLLOWED = ("acts", "shared")
CHECKPOINT_BYTES_MAX = 64 * 1024
BUNDLE_BYTES_MAX = TILE_WIDTH * 35
PAGE_BYTES_MAX = (4 * 1024 * 1024 + 4_259_841) // 3 * 4 + 256 * 1024
PAGE_OPENINGS_MAX = 1024
HEADER_BYTES_MAX = 65_536
EVENT_LINE_BYTES_MAX = 256 * 1024
SILENCE_SECONDS = 45
IDLE_SECONDS = 30
KINDS_OF_ACTS = set(
    "heads key accept motion position outcome inquiry stance finding challenge order commitment "
    "progress record".split()
)


class Refused(Exception):
    """The peer does not answer this party, or not now."""


# Transport: the key in a certificate is all that is looked at.


def pin_of(certificate_der):
    public = x509.load_der_x509_certificate(certificate_der).public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def connect(address, certificate, key, pin):
    """A TLS 1.3 connection to the node that has the key of this pin."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the pin is compared below; the handshake proves the key
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    raw = socket.create_connection((host, int(port)), timeout=IDLE_SECONDS)
    stream = context.wrap_socket(raw)
    found = pin_of(stream.getpeercert(binary_form=True))
    if found != pin:
        stream.close()
        raise Mismatch(f"another key is shown than the charter pins: {found}")
    return stream


class Line:
    """Requests to one peer, one after the other on a connection. `heard` is told of every octet
    of a body."""

    def __init__(self, address, certificate, key, pin, heard=lambda octets: None):
        self.stream = connect(address, certificate, key, pin)
        self.address, self.heard = address, heard

    def ask(self, path, etag=None):
        also = f"If-None-Match: {etag}\r\n" if etag else ""
        self.stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.address}\r\n{also}\r\n".encode())
        answer = http.client.HTTPResponse(self.stream, method="GET")
        answer.begin()
        return answer

    def get(self, path, bytes_max, etag=None):
        """Status, ETag and body."""
        answer = self.ask(path, etag)
        body = answer.read(bytes_max + 1)
        self.heard(body)
        if len(body) > bytes_max or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise Mismatch(f"{path}: more, or in another encoding, than was asked for")
        if answer.status in (401, 403, 429, 503):
            raise Refused(f"{path}: status {answer.status}")
        if answer.status not in (200, 304, 404):
            raise Mismatch(f"{path}: status {answer.status}")
        return answer.status, answer.headers.get("ETag"), body

    def doorbell(self):
        """Events, for as long as the bell hangs: `("head", log, size, checkpoint)` and
        `("heartbeat",)`."""
        answer = self.ask("/doorbell")
        if answer.status != 200 or answer.headers.get("Content-Type") != "text/event-stream":
            raise Mismatch(f"no doorbell: status {answer.status}")
        self.stream.settimeout(SILENCE_SECONDS)
        event = {}
        while True:
            line = answer.readline(EVENT_LINE_BYTES_MAX + 1)
            self.heard(line)
            if not line:
                return
            if len(line) > EVENT_LINE_BYTES_MAX:
                raise Mismatch("an event with a line that is too long")
            name, _, value = line.decode().rstrip("\r\n").partition(":")
            if name:
                event[name] = value.removeprefix(" ")
                continue
            if not line.strip() and "data" in event:
                if event.get("event") == "heartbeat":
                    yield ("heartbeat",)
                elif event.get("event") == "head":
                    log, _, size = event["id"].partition(":")
                    yield "head", log, int(size), unbase64(event["data"]).decode()
            if not line.strip():
                event = {}

    def close(self):
        self.stream.close()


# The compact range: roots of full subtrees, from the left, heights falling.


class Range:
    def __init__(self):
        self.size, self.stack = 0, []

    def copy(self):
        other = Range()
        other.size, other.stack = self.size, list(self.stack)
        return other

    def push(self, value):
        height = 0
        while self.stack and self.stack[-1][0] == height:
            value, height = node_hash(self.stack.pop()[1], value), height + 1
        self.stack.append((height, value))
        self.size += 1

    def root(self):
        if not self.stack:
            return hashlib.sha256(b"").digest()
        value = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            value = node_hash(left, value)
        return value


# One log of a peer.

Opened = collections.namedtuple("Opened", ["header", "payload", "salt", "envelope"])


class Followed:
    """What is kept of a log: leaves, compact range, last checkpoint, cursor, opened entries."""

    def __init__(self, party, log, vkey):
        self.party, self.log, self.vkey = party, log, vkey
        self.leaves, self.range, self.note, self.etag, self.scanned = [], Range(), None, None, 0
        self.opened, self.aside, self.withdrawn = {}, {}, set()

    def path(self, rest):
        return f"/log/{self.log}/{rest}"

    def grow(self, line, note=None):
        """Up to the checkpoint that a doorbell brought, or to the one that is served."""
        if note is None:
            status, etag, body = line.get(self.path("checkpoint"), CHECKPOINT_BYTES_MAX, self.etag)
            if status == 304:
                return
            note, self.etag = body.decode(), etag
        _, size, root = open_checkpoint(note, self.vkey)
        if size < self.range.size:
            raise Mismatch(f"a checkpoint of size {size}, after one of {self.range.size}")
        leaves, grown = list(self.leaves), self.range.copy()
        while len(leaves) < size:
            first = len(leaves) // TILE_WIDTH * TILE_WIDTH
            width = min(TILE_WIDTH, size - first)
            bundle = self.bundle(line, first // TILE_WIDTH, width)
            for leaf in bundle[len(leaves) - first :]:
                leaves.append(leaf)
                grown.push(leaf_hash(leaf))
        if grown.root() != root:
            raise Mismatch(f"the leaves up to {size} do not give the root that is signed")
        self.leaves, self.range, self.note = leaves, grown, note

    def bundle(self, line, n, width):
        status, _, body = line.get(self.path(tile_path("entries", n, width)), BUNDLE_BYTES_MAX)
        if status == 404 and width < TILE_WIDTH:  # the bundle has become full meanwhile
            status, _, body = line.get(self.path(tile_path("entries", n, TILE_WIDTH)), BUNDLE_BYTES_MAX)
            body = body[: width * 35]
        if status != 200:
            raise Mismatch(f"bundle {n} is not there")
        return parse_bundle(body, width)

    def pull(self, line, judge):
        """Pages of openings, up to what is verified."""
        while self.scanned < self.range.size:
            status, _, body = line.get(self.path(f"release?from={self.scanned}"), PAGE_BYTES_MAX)
            if status != 200:
                raise Mismatch("there is no release")
            openings, to = parse_page(body)
            to = min(to, self.range.size)
            if to < self.scanned or (to == self.scanned and openings):
                raise Mismatch("a page that does not advance")
            for index, salt, envelope in openings:
                if index < self.range.size:
                    self.open(index, salt, envelope, judge)
            if to == self.scanned:
                return  # nothing further now
            self.scanned = to

    def open(self, index, salt, envelope, judge):
        if index in self.opened or index in self.withdrawn:
            return
        if commitment_leaf(salt, envelope) != self.leaves[index]:
            self.aside[index] = "does not open its leaf"
            return
        try:
            if envelope.find(b"\n") > HEADER_BYTES_MAX:
                raise Mismatch("a header that is too long")
            header, payload = parse_header(envelope)
            judge(self, header, payload)
        except (Mismatch, KeyError, TypeError) as mismatch:
            self.aside[index] = str(mismatch)
            return
        if header["kind"] == "withdraw":
            for reference in header["refs"]:
                self.withdrawn.add(reference["index"])
                self.opened.pop(reference["index"], None)
        self.opened[index] = Opened(header, payload, salt, envelope)


def parse_page(body):
    openings, lines = [], body.decode().split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if not lines:
        raise Mismatch("a page that is empty")
    for line in lines[:-1]:
        try:
            record = json.loads(line, object_pairs_hook=strict)
        except ValueError as error:
            raise Mismatch("a line of a page is not JSON") from error
        if not isinstance(record, dict) or set(record) != {"index", "salt", "envelope"}:
            raise Mismatch("a line of a page is no opening")
        salt = unbase64(record["salt"])
        if len(salt) != 32:
            raise Mismatch("a salt that has not 32 octets")
        openings.append((record["index"], salt, unbase64(record["envelope"])))
    last = json.loads(lines[-1])
    if not isinstance(last, dict) or set(last) != {"scanned_to"} or len(openings) > PAGE_OPENINGS_MAX:
        raise Mismatch("a page without its last line, or with too many others")
    return openings, last["scanned_to"]


# What an opened entry has to be. A real peer judges the payload of a `share`, too.


def judge_of(party, body_hash, charter):
    def judge(followed, header, payload):
        if header["origin"] != followed.party or header["log"] != followed.log:
            raise Mismatch("taken from another log")
        if header["body"] != body_hash:
            raise Mismatch("of another body")
        kind = header["kind"]
        if followed.log == "acts":
            if kind not in KINDS_OF_ACTS:
                raise Mismatch(f"`{kind}` has no place in acts")
            return
        if kind not in ("share", "withdraw", "grant", "receipt", "inquiry"):
            raise Mismatch(f"`{kind}` has no place in shared")
        if kind != "share" and party not in header["audience"]["parties"]:
            raise Mismatch("for another party")
        if kind in ("share", "grant") and not may_share(charter, header):
            raise Mismatch("of a party that may not share")
        if kind == "share":
            check_origin(header)
        if kind == "grant":
            check_consent(header, json.loads(payload, object_pairs_hook=strict))
        if kind == "withdraw":
            check_references(header, header["origin"])
        if kind == "receipt":
            check_references(header, party)
            json.loads(payload)

    return judge


def may_share(charter, header):
    """The right to share. Only one charter is known here: it decides whatever the entry names."""
    at = header["created"][:10]
    standings = next((one.get("standing") or [{"tier": one.get("tier", "member")}]
                      for one in charter["party"] if one["id"] == header["origin"]), [])
    for standing in standings:
        runs = day(standing.get("from"), "9") <= at and (not standing.get("until") or at < day(standing["until"], "0"))
        if runs and standing.get("status", "active") == "active":
            return "share" in rights_of(charter, standing["tier"], at)
    return False


def rights_of(charter, name, at):
    """The rights of a tier, or of the one that it was merged into; none where it is not open."""
    tiers = {tier["id"]: tier for tier in charter.get("tier", [])}
    if not tiers:
        return ["share"]
    for _ in tiers:
        tier = tiers[name]
        if not (tier.get("merged_into") and tier.get("until") and day(tier["until"], "0") <= at):
            break
        name = tier["merged_into"]
    closed = tier.get("until") and day(tier["until"], "0") <= at
    return [] if closed or day(tier.get("from"), "9") > at else tier["rights"]


def day(date, rest):
    """A date of a charter, to be compared as text: what begins at some time in a year has begun behind
    all its days, what ends has ended before them."""
    text = "" if date is None else str(date).rstrip("?")
    return text if len(text) in (0, 10) else text + {"9": "-99", "0": "-00"}[rest]


def check_origin(header):
    """A copy of something private, or onward: an entry of one other party, and its consents."""
    refs = header.get("refs", [])
    own = [one["origin"] == header["origin"] for one in refs]
    if all(own) and len(refs) <= 1 and all(one["log"] == "private" for one in refs):
        return
    if any(own) or len(refs) < 2 or len({one["origin"] for one in refs}) > 1 or any(one["log"] != "shared" for one in refs):
        raise Mismatch("it comes from nowhere that it can come from")


def check_consent(header, payload):
    if not isinstance(payload, dict):
        raise Mismatch("a grant that is none")
    if "onward" in payload:
        parties = payload["onward"]["parties"]
        if not parties or parties != sorted(set(parties)) or header["origin"] in parties:
            raise Mismatch("consent for nobody, oneself, or somebody twice")
        check_references(header, header["origin"])


def check_references(header, origin):
    refs = header.get("refs", [])
    if not refs or any(one["origin"] != origin or one["log"] != "shared" for one in refs):
        raise Mismatch("about entries that it cannot be about")


# A party that follows another.


class Follower:
    def __init__(self, address, charter, party, peer, certificate, key, heard=lambda octets: None):
        text = pathlib.Path(charter).read_bytes()
        terms = tomllib.loads(text.decode())
        genesis = {one["id"]: one.get("genesis") for one in terms["party"]}[peer]
        self.to = address, certificate, key, genesis["transport"], heard
        self.logs = {log: Followed(peer, log, genesis[log]) for log in FOLLOWED}
        self.judge = judge_of(party, hashlib.sha256(text).hexdigest(), terms)
        self.line = Line(*self.to)

    def pull(self):
        for followed in self.logs.values():
            followed.grow(self.line)
            followed.pull(self.line, self.judge)

    def bell(self):
        """The events of a doorbell, over a connection of its own; a new head is pulled first."""
        for event in Line(*self.to).doorbell():
            if event[0] == "head" and event[1] in self.logs and event[2] > self.logs[event[1]].range.size:
                followed = self.logs[event[1]]
                followed.grow(self.line, event[3])
                followed.pull(self.line, self.judge)
            yield event


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("address", help="HOST:PORT of the listener for peers")
    for name in ("charter", "party", "peer", "certificate", "key"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    try:
        follower = Follower(**vars(arguments))
        follower.pull()
    except (Mismatch, Refused, KeyError, TypeError, ValueError, binascii.Error, OSError) as error:
        print(f"MISMATCH: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for log, followed in follower.logs.items():
        print(f"{arguments.peer}/{log}: {followed.range.size} leaves, {len(followed.opened)} opened, "
              f"{len(followed.withdrawn)} withdrawn, {len(followed.aside)} set aside")
        for index, why in followed.aside.items():
            print(f"  {index}: {why}")
    return 1 if any(followed.aside for followed in follower.logs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
