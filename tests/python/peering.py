"""A body of parties: some with real nodes in processes of their own, some on paper: keys and logs
that a test holds, and with which it says what it wants."""

import base64
import contextlib
import datetime
import hashlib
import json
import pathlib
import secrets
import socket
import sqlite3
import time
import uuid

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from follow_log import Follower, Range, pin_of
from node import PASSWORD, READY_SECONDS, Node
from verify_log import TILE_WIDTH, commitment_leaf, leaf_hash

WAIT_SECONDS = 60
INDEX_BITS = 48
PORTS_FROM, PORTS = 12_000, 18_000
LOG_NUMBERS = {"shared": 0, "acts": 1, "private": 2, "audit": 3}


def wait_for(what, look, seconds=WAIT_SECONDS):
    """What `look` gives once it gives something."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} seconds for {what}"
        time.sleep(0.05)


def free_port():
    """Below those that the system gives to connections that go out: one of them could take the port
    while its node is started again."""
    while True:
        port = PORTS_FROM + secrets.randbelow(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


# Parties on paper.


class PaperLog:
    """A log that says what a test wants it to say."""

    def __init__(self, party, name):
        self.party, self.name, self.origin = party, name, f"{party}/{name}"
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.leaves, self.openings = [], {}

    @property
    def keyed(self):
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return b"\x01" + self.key.public_key().public_bytes(*raw)

    @property
    def key_id(self):
        return hashlib.sha256(self.origin.encode() + b"\n" + self.keyed).digest()[:4]

    @property
    def vkey(self):
        return f"{self.origin}+{self.key_id.hex()}+{base64.b64encode(self.keyed).decode()}"

    def add(self, envelope, salt=None):
        salt = salt or secrets.token_bytes(32)
        self.leaves.append(commitment_leaf(salt, envelope))
        index = len(self.leaves) - 1
        self.openings[index] = salt, envelope
        return index

    def root(self, size=None):
        tree = Range()
        for leaf in self.leaves[:size]:
            tree.push(leaf_hash(leaf))
        return tree.root()

    def checkpoint(self, size=None, root=None, key=None):
        size = len(self.leaves) if size is None else size
        root = self.root(size) if root is None else root
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signed = self.key_id + (key or self.key).sign(text.encode())
        return f"{text}\n\u2014 {self.origin} {base64.b64encode(signed).decode()}\n".encode()

    def bundle(self, n, width):
        leaves = self.leaves[n * TILE_WIDTH : n * TILE_WIDTH + width]
        return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)

    def page(self, indices=None, scanned_to=None, change=lambda record: record):
        lines = []
        for index in self.openings if indices is None else indices:
            salt, envelope = self.openings[index]
            record = {"index": index, "salt": base64.b64encode(salt).decode(),
                      "envelope": base64.b64encode(envelope).decode()}
            lines.append(json.dumps(change(record)))
        to = len(self.leaves) if scanned_to is None else scanned_to
        return ("\n".join([*lines, json.dumps({"scanned_to": to})]) + "\n").encode()


class PaperParty:
    """A party whose keys a test has."""

    def __init__(self, directory, party, tier="member", standing=None):
        self.party, self.tier, self.standing = party, tier, standing
        self.shared, self.acts, self.audit = (PaperLog(party, log) for log in ("shared", "acts", "audit"))
        directory = pathlib.Path(directory)
        directory.mkdir(exist_ok=True)
        self.certificate, self.key = directory / f"{party}.crt", directory / f"{party}.key"
        self.pin = make_certificate(self.certificate, self.key)

    def genesis(self):
        following = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
        return (f'[party.genesis]\nshared = "{self.shared.vkey}"\nacts = "{self.acts.vkey}"\n'
                f'audit = "{self.audit.vkey}"\ntransport = "{self.pin}"\nnext = "{following}"\n')

    def table(self, genesis):
        head = f'[[party]]\nid = "{self.party}"\nname = "{self.party}"\n'
        if self.standing is None:
            return f'{head}tier = "{self.tier}"\n\n{genesis}\n'
        return f'{head}\n[[party.standing]]\ntier = "{self.tier}"\n{self.standing}\n\n{genesis}\n'


def make_certificate(certificate, key):
    """A key for peers and a certificate that signs itself; the pin."""
    pair = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "-")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(pair.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2099, 1, 1))
        .sign(pair, SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(pair.private_bytes(*pem))
    return pin_of(made.public_bytes(serialization.Encoding.DER))


# Parties with nodes.


class PartyNode(Node):
    """The node of a party, which serves peers."""

    def __init__(self, directory, party, draft):
        super().__init__(directory, made=True)
        self.party, self.address = party, f"127.0.0.1:{free_port()}"
        self.run("init", self.directory, "--charter", draft, "--party", party)

    def genesis(self):
        return self.run("peer", "genesis", self.directory)

    def start(self, *more, environment=None):
        # The line about peers may stand before or behind the one about clients.
        with self.errors.open("ab") as errors:
            self.process = self.popen(errors, "--peers", self.address, *more, environment=environment)
        deadline, self.pin = time.monotonic() + READY_SECONDS, None
        lines = [self.line(deadline), self.line(deadline)]
        (self.url,) = (line.removeprefix("listening on ") for line in lines if line.startswith("listening"))
        assert any(line == f"peers on https://{self.address}" for line in lines), lines
        return self

    def enter(self, *objects):
        """Puts objects into the desk."""
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        told = self.told("import", self.directory, "-", "--collection", "desk", text=json.dumps(bundle))
        assert told["stored"] == len(objects), told

    def share(self, *objects, to="all", tlp="GREEN"):
        """Puts objects into the desk, and shares them."""
        self.enter(*objects)
        ids = [word for made in objects for word in ("--object", made["id"])]
        words = ["--collection", "desk", *ids, "--to", to, "--tlp", tlp, "--by", "rosa"]
        told = self.told("share", self.directory, *words)
        assert told["shared"] == len(objects), told

    def grant(self, made, to):
        told = self.told("grant", self.directory, "--object", made["id"], "--to", to, "--by", "rosa")
        assert told["refused"] == 0, told

    def withdraw(self, made):
        self.run("withdraw", self.directory, "--object", made["id"], "--by", "rosa")

    def taxii(self, alias):
        """The octets of all pages of a collection, as a reader gets them."""
        pages, more = b"", ""
        while True:
            answer = requests.get(f"{self.collection_url(alias)}objects/?limit=1000{more}", auth=("reader", PASSWORD),
                                  headers={"Accept": "application/taxii+json;version=2.1"}, timeout=60)
            assert answer.status_code == 200, answer.text
            pages += answer.content
            if not answer.json().get("more"):
                return pages
            more = f"&next={answer.json()['next']}"

    def has(self, alias, made):
        return made["id"].encode() in self.taxii(alias)

    def peers(self):
        return {one["party"]: one for one in self.told("peer", "list", self.directory)["peers"]}

    def show(self, party):
        return self.told("peer", "show", self.directory, party)

    def scanned(self, party, log="shared"):
        logs = self.show(party)["peer"]["logs"]
        return next(one["scanned"] for one in logs if one["log"] == log)

    def memory(self, what="VmRSS"):
        """Octets that the process has, or had at most (`VmHWM`)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(what + ":"))

    def files(self):
        """All octets of all files, the journals of the stores, too."""
        return {
            path.relative_to(self.directory).as_posix(): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file()
        }

    def secrets_of(self, log, indices=None):
        """Salt, data key and sealed body of entries that are here, by index: `log` is a name, or the
        number of a peer's log."""
        number = LOG_NUMBERS.get(log, log)
        low, high = number << INDEX_BITS, (number + 1) << INDEX_BITS
        found = {}
        with sqlite3.connect(f"file:{self.directory}/keys.db?mode=ro", uri=True) as keys:
            rows = keys.execute("SELECT key, salt, dek FROM key WHERE key >= ? AND key < ?", (low, high))
            found = {key - low: (salt, dek) for key, salt, dek in rows}
        with sqlite3.connect(f"file:{self.directory}/log.db?mode=ro", uri=True) as log_db:
            rows = log_db.execute("SELECT key, body FROM entry WHERE key >= ? AND key < ?", (low, high))
            bodies = {key - low: body for key, body in rows if body is not None}
        return {index: (*pair, bodies[index]) for index, pair in found.items()
                if index in bodies and (indices is None or index in indices)}

    def mirrored(self, number):
        """The leaves and the checkpoint of a followed log, as they are stored."""
        low, high = number << INDEX_BITS, (number + 1) << INDEX_BITS
        with sqlite3.connect(f"file:{self.directory}/log.db?mode=ro", uri=True) as log_db:
            (note,) = log_db.execute("SELECT note FROM head WHERE log = ?", (number,)).fetchone()
            rows = log_db.execute("SELECT commitment FROM entry WHERE key >= ? AND key < ? ORDER BY key", (low, high))
            return [leaf for (leaf,) in rows], note


HEAD = """format = 1
version = 1
body = "Paper Compact"
floors = 1
purposes = ["network-defence"]

[[tier]]
id = "member"
name = "Member"
rights = ["receive", "share", "decide", "attend"]

[[tier]]
id = "observer"
name = "Observer"
rights = ["receive", "attend"]

[[tier]]
id = "far"
name = "Shares, and receives nothing"
rights = ["share", "attend"]

"""

TAIL = """[handling]
default_tlp = "AMBER+STRICT"

[retention]
days = 365

[quotas]
leaves_per_day = 10
octets_per_day = 134217728

[withdrawal]
receipt_hours = 48
"""

# What a log may have when a peer comes to be followed: so many days of the quota.
FIRST_DAYS = 366
LEAVES_MAX = FIRST_DAYS * 10


class Body:
    """`nodes` is party to tier, of two parties or more; `paper` are parties on paper. All are founded.
    `make` is what a node of it is."""

    def __init__(self, directory, nodes, paper, make=PartyNode):
        self.directory, self.paper = pathlib.Path(directory), {one.party: one for one in paper}
        self.charter = self.directory / "charter.toml"
        tables = {party: PaperParty(self.directory / "draft", party, tier) for party, tier in nodes.items()}
        of_paper = "".join(one.table(one.genesis()) for one in paper)
        draft = HEAD + "".join(one.table(one.genesis()) for one in tables.values()) + of_paper + TAIL
        self.charter.write_text(draft)
        # A draft with keys of nobody: `init` wants the party in it, and makes the real ones.
        self.nodes = {party: make(self.directory / party, party, self.draft(party, tables)) for party in nodes}
        text = HEAD + "".join(one.table(self.nodes[party].genesis()) for party, one in tables.items())
        self.charter.write_text(text + of_paper + TAIL)
        self.hash = hashlib.sha256(self.charter.read_bytes()).hexdigest()
        for node in self.nodes.values():
            node.run("charter", "found", node.directory, self.charter)

    def draft(self, party, tables):
        path = self.directory / f"{party}.draft.toml"
        path.write_text(HEAD + "".join(one.table("") for one in tables.values()) + TAIL)
        return path

    def serve(self):
        """Every node has a releaser, a reader and a collection, serves, and follows the others."""
        for node in self.nodes.values():
            node.user("rosa", "releaser")
            node.user("reader", "reader")
            node.told("collection", "add", node.directory, "Desk", "--alias", "desk")
            node.start()
        self.meet()

    def meet(self):
        """Every node follows every other from now on."""
        for node in self.nodes.values():
            for other in self.nodes.values():
                if other is not node:
                    node.run("peer", "add", node.directory, other.party, other.address)

    def envelope(self, party, payload, log="shared", kind="share", parties=(), refs=(), **more):
        """An envelope as the node of a party might write it; `more` are other members."""
        now = datetime.datetime.now(datetime.UTC)
        stamp = "%Y-%m-%dT%H:%M:%S.%fZ"
        header = {
            "v": 1, "body": self.hash, "origin": party, "log": log, "kind": kind,
            "author": {"role": "releaser", "pseudonym": "r-1"}, "created": now.strftime(stamp),
            "purpose": "network-defence", "handling": {"tlp": "GREEN"},
            "audience": {"rule": "all", "parties": list(parties)}, "charter": self.hash,
            **({"refs": list(refs)} if refs else {}), **more,
        }
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return json.dumps(header, separators=(",", ":")).encode() + b"\n" + payload

    def follower(self, party, node, heard=lambda octets: None):
        one, node = self.paper[party], self.nodes[node]
        return Follower(node.address, self.charter, party, node.party, one.certificate, one.key, heard)

    def stop(self):
        codes = [node.end() for node in self.nodes.values()]
        assert codes == [0] * len(codes), codes
