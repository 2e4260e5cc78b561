"""What the parties of a body do while their nodes are killed: they enter, release, grant, adopt and
withdraw. What a node acknowledged is kept in `Item`s, and must hold in all later lives."""

import contextlib
import json
import random
import sqlite3
import threading
import time
import uuid

from client import Client, Gone
from peering import INDEX_BITS, LOG_NUMBERS, PartyNode, free_port
from samples import indicator

RELEASER = "rosa"
DESK, WIDE = "desk", "wide"
# What parties do, and how often of a hundred times.
ACTS = {"post": 14, "import": 6, "release": 14, "share": 20, "grant": 14, "adopt": 14, "withdraw": 18}
# A party waits so long between two acts, at most.
PAUSE_SECONDS = 0.15
# A node that was killed is back within this.
BACK_SECONDS = 60
# What a node may answer while it stops.
EXCUSES = {500, 503, 507}
PIECE_OCTETS, PIECES = 32, 6


class Mortal(PartyNode):
    """A node that may be killed at any time; its addresses stay the same."""

    def __init__(self, directory, party, draft):
        super().__init__(directory, party, draft)
        self.listen = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.listen}"

    def popen(self, errors, *more, environment=None):
        return super().popen(errors, *more, environment=environment, listen=self.listen)

    def launch(self):
        with self.errors.open("ab") as errors:
            self.process = self.popen(errors, "--peers", self.address)

    def back(self):
        """Starts it, again where a command has the directory just now."""
        end = time.monotonic() + BACK_SECONDS
        while True:
            with contextlib.suppress(AssertionError):
                return self.start()
            code = self.process.wait()
            log = self.log()
            assert code == 3 and time.monotonic() < end, f"{self.party} does not start: {code}\n{log}"
            time.sleep(0.1)

    def rows(self, file, query, values=()):
        """Rows of a file of a node that may be dying; nothing where it cannot be read now."""
        with contextlib.suppress(sqlite3.Error):
            connection = sqlite3.connect(f"file:{self.directory}/{file}?mode=ro", uri=True)
            with contextlib.closing(connection):
                return connection.execute(query, values).fetchall()
        return None

    def holds(self, made):
        """Salts, data keys and pieces of sealed bodies of an object, by position; nothing where the
        files cannot be read now."""
        keys = self.rows("view.db", "SELECT key FROM version WHERE uuid = ?", (uuid.UUID(made["id"][-36:]).bytes,))
        if keys is None:
            return None
        marks = ",".join("?" for _ in keys)
        keys = [key for (key,) in keys]
        copies = self.rows("view.db", f"SELECT key FROM released WHERE copied IN ({marks})", keys)
        if copies is None:
            return None
        keys += [key for (key,) in copies]
        marks = ",".join("?" for _ in keys)
        secret = self.rows("keys.db", f"SELECT key, salt, dek FROM key WHERE key IN ({marks})", keys)
        bodies = self.rows("log.db", f"SELECT key, body FROM entry WHERE key IN ({marks})", keys)
        if secret is None or bodies is None:
            return None
        bodies = dict(bodies)
        return {key: [salt, dek, *pieces(bodies.get(key) or b"")] for key, salt, dek in secret}


def pieces(body):
    """Some pieces of a sealed body, from its beginning to its end: pages of a store cut it."""
    step = max(1, (len(body) - PIECE_OCTETS) // PIECES)
    return [body[at : at + PIECE_OCTETS] for at in range(0, len(body) - PIECE_OCTETS + 1, step)]


class Item:
    """An object, and what was said of it."""

    def __init__(self, origin, made):
        self.origin, self.made = origin, made
        # One act about it at a time, but for adoptions.
        self.busy = threading.Lock()
        # Whether the origin acknowledged that it has it; where it was entered.
        self.held, self.place = False, DESK
        # Parties that it was released to, acknowledged or only asked for; those that adopted it.
        self.audience, self.asked, self.adopted = set(), set(), set()
        # "there", "fading" (its end was asked for, the answer is not known), "gone" (acknowledged).
        self.state = "there"
        # What is secret of it at each node, by position.
        self.secrets = {}

    def capture(self, node):
        found = node.holds(self.made)
        if found is not None:
            self.secrets.setdefault(node.party, {}).update(found)
        return found is not None

    def salts(self):
        """Those of the entries of the origin's log `shared`: with one of them a party can open it."""
        shared = LOG_NUMBERS["shared"]
        held = self.secrets.get(self.origin, {})
        return [secret[0] for key, secret in held.items() if key >> INDEX_BITS == shared]


class Acts:
    """All that happens at once in a story, until it is told to end."""

    def __init__(self, nodes, draw, story):
        self.nodes, self.story = nodes, story
        self.items, self.lock = [], threading.Lock()
        self.next, self.ending = 0, threading.Event()
        self.count, self.failures = dict.fromkeys(ACTS, 0), []
        # What is done now, for whoever wants to kill one of those that do it.
        self.doing, self.begins = None, threading.Condition()
        self.threads = [
            threading.Thread(target=self.guarded, args=(node, random.Random(draw.random()))) for node in nodes
        ]

    @contextlib.contextmanager
    def running(self):
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.ending.set()
            for thread in self.threads:
                thread.join()
        self.raise_failures()

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]

    def guarded(self, node, draw):
        try:
            with Client(node, RELEASER, DESK) as client:
                while not self.ending.is_set():
                    act = draw.choices(list(ACTS), ACTS.values())[0]
                    with contextlib.suppress(Gone):
                        if getattr(self, f"do_{act}")(node, client, draw):
                            self.count[act] += 1
                    self.ending.wait(draw.uniform(0, PAUSE_SECONDS))
        except BaseException as error:
            self.failures.append(error)
            self.ending.set()

    def begin(self, act, origin, recipients=()):
        with self.begins:
            self.doing = act, origin, sorted(recipients)
            self.begins.notify_all()

    def await_act(self, seconds):
        """The next act that begins: what, the party that does it, those whom it reaches."""
        with self.begins:
            self.begins.wait(seconds)
            return self.doing

    def make(self, node):
        with self.lock:
            self.next += 1
            number = self.story * 100_000 + self.next
            item = Item(node.party, indicator(number, description=f"Story-{number} " * 40))
            self.items.append(item)
        return item

    @contextlib.contextmanager
    def one(self, draw, wanted):
        """One of the items that a condition holds for, and nobody else has to do with meanwhile."""
        with self.lock:
            found = [item for item in self.items if wanted(item) and not item.busy.locked()]
            item = draw.choice(found) if found else None
            if item and not item.busy.acquire(blocking=False):
                item = None
        try:
            yield item
        finally:
            if item:
                item.busy.release()

    def others(self, node, draw, item=None):
        there = item.audience | item.asked if item else set()
        rest = [other.party for other in self.nodes if other is not node and other.party not in there]
        return draw.sample(rest, min(len(rest), draw.randint(1, 2)))

    # What enters. Each gives whether it was acknowledged.

    def do_post(self, node, client, draw):
        items = [self.make(node) for _ in range(draw.randint(1, 3))]
        self.begin("post", node.party)
        reply = client.post(*(item.made for item in items))
        return self.acknowledged(reply, items)

    def do_release(self, node, client, draw):
        """A write to a collection with a release rule is a release."""
        item = self.make(node)
        item.place, item.asked = WIDE, set(node.wide)
        self.begin("release", node.party, node.wide)
        with item.busy:
            path = f"/taxii2/comity/collections/{WIDE}/objects/"
            reply = client.send("POST", path, json.dumps({"objects": [item.made]}))
            if self.acknowledged(reply, [item]):
                item.audience = set(node.wide)
                return True
        return False

    def acknowledged(self, reply, items):
        if reply.status != 202:
            assert reply.status in EXCUSES, reply
            return False
        told = reply.json()
        assert told["failure_count"] == 0 and told["success_count"] == len(items), reply.body
        for item in items:
            item.held = True
        return True

    def do_import(self, node, _, draw):
        items = [self.make(node) for _ in range(draw.randint(1, 4))]
        self.begin("import", node.party)
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [item.made for item in items]}
        told = self.command(node, "import", "DIR", "-", "--collection", DESK, text=json.dumps(bundle))
        if told:
            assert told["stored"] == len(items), told
            for item in items:
                item.held = True
        return bool(told)

    # What leaves.

    def do_share(self, node, _, draw):
        mine = lambda item: item.origin == node.party and item.held and item.state == "there" and not item.asked
        with self.one(draw, mine) as item:
            if item is None:
                return False
            to = self.others(node, draw)
            item.asked |= set(to)
            self.begin("share", node.party, to)
            told = self.command(node, "share", "DIR", "--collection", item.place, "--object", item.made["id"],
                                "--to", "party:" + ",".join(to), "--tlp", "GREEN", "--by", RELEASER)
            if told:
                assert told["shared"] == 1, told
                item.audience |= set(to)
            return bool(told)

    def do_grant(self, node, _, draw):
        mine = lambda item: item.origin == node.party and item.audience and item.state == "there"
        with self.one(draw, mine) as item:
            to = self.others(node, draw, item) if item else []
            if not to:
                return False
            item.asked |= set(to)
            self.begin("grant", node.party, to)
            told = self.command(node, "grant", "DIR", "--object", item.made["id"],
                                "--to", "party:" + ",".join(to), "--by", RELEASER)
            if told:
                assert told["shared"] == 1, told
                item.audience |= set(to)
            return bool(told)

    def do_adopt(self, node, _, draw):
        with self.lock:
            found = [item for item in self.items
                     if node.party in item.audience and node.party not in item.adopted and item.state == "there"]
            item = draw.choice(found) if found else None
        if item is None:
            return False
        self.begin("adopt", node.party, [item.origin])
        told = self.command(node, "adopt", "DIR", "--object", item.made["id"], "--collection", DESK, "--by", RELEASER)
        # It may not have come yet, or be taken back meanwhile.
        if told and told["adopted"] + told["known"] == 1:
            item.adopted.add(node.party)
            return True
        return False

    def do_withdraw(self, node, client, draw):
        mine = lambda item: item.origin == node.party and item.held and item.state != "gone" and item.audience
        with self.one(draw, mine) as item:
            if item is None or not self.captured(node, item):
                return False
            item.state = "fading"
            self.begin("withdraw", node.party, item.audience)
            if item.place == WIDE and draw.random() < 0.5:
                reply = client.send("DELETE", f"/taxii2/comity/collections/{WIDE}/objects/{item.made['id']}/")
                # One that was not answered may have done it.
                assert reply.status in EXCUSES | {200, 404}, reply
                done = reply.status in (200, 404)
            else:
                done = self.command(node, "withdraw", "DIR", "--object", item.made["id"], "--by", RELEASER)
            if done:
                item.state = "gone"
            return bool(done)

    def captured(self, node, item):
        """Notes what is secret of an object before it goes: at its origin surely, elsewhere where
        the files can be read."""
        for other in self.nodes:
            if other is not node:
                item.capture(other)
        end = time.monotonic() + BACK_SECONDS
        while not item.capture(node) or not item.salts():
            assert time.monotonic() < end, f"{node.party} has no salt of {item.made['id']} in its files"
            if self.ending.wait(0.05):
                return False
        return True

    def command(self, node, *words, text=None):
        """A command about a node; what it told, and nothing where it could not be done: the node was
        killed meanwhile, or is just starting, and the directory is locked."""
        words = [node.directory if word == "DIR" else word for word in words]
        done = node.try_run("--json", *words, text=text)
        assert "panicked" not in done.stderr, done
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert done.returncode == 3, (words, done)
        return None
