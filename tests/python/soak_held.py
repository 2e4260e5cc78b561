"""What must hold in a body after a story without faults: everybody has the same logs, nothing that was
acknowledged is lost, nothing that was withdrawn is back, nobody has what was not for him."""

import base64
import contextlib
import pathlib
import subprocess
import tempfile
import threading
import time

from client import Client, Gone
from peering import wait_for
from soak_acts import DESK, PIECES, RELEASER, WIDE
from soak_said import Said
from verify_log import TILE_WIDTH, open_checkpoint, parse_bundle, tile_path

FOLLOWED, OWN = ("acts", "shared"), ("acts", "shared", "private")
RECEIVED = "received"
# A peer that was away is asked again after some seconds, doubled with each failure.
CONVERGED_SECONDS = 180
# Whoever reads a store puts off the end of its journal; not for long.
ERASED_SECONDS = 30
WATCH_SECONDS = 0.05
# Octets of a secret without a newline in them, at least: what `grep` can look for.
LOOKED_FOR_MIN = 10
# What `Mortal.holds` gives of an entry, in its order.
SECRETS = ["salt", "data key", *["sealed body"] * (PIECES + 1)]


class Watcher:
    """Looks at the checkpoints of all logs, and at what nodes keep of those of others, all the while."""

    def __init__(self, nodes):
        self.nodes, self.said, self.vkeys = nodes, Said(), {}
        self.ending, self.failures = threading.Event(), []
        self.thread = threading.Thread(target=self.watch)

    @contextlib.contextmanager
    def running(self):
        self.thread.start()
        try:
            yield self
        finally:
            self.ending.set()
            self.thread.join()
        if self.failures:
            raise self.failures[0]

    def watch(self):
        try:
            while not self.ending.wait(WATCH_SECONDS):
                self.look()
        except BaseException as error:
            self.failures.append(error)

    def look(self):
        for node in self.nodes:
            for log in OWN:
                with contextlib.suppress(Gone):
                    self.see(node, log)
            self.see_mirrors(node)

    def see(self, node, log):
        """The checkpoint that a node serves of a log of its own: signed, and never smaller."""
        origin = f"{node.party}/{log}"
        before = self.said.trees[origin].largest if origin in self.said.trees else 0
        with Client(node, RELEASER, DESK) as client:
            if origin not in self.vkeys:
                reply = client.send("GET", f"/log/{log}/vkey")
                if reply.status != 200:
                    return None
                self.vkeys[origin] = reply.body.decode()
            reply = client.send("GET", f"/log/{log}/checkpoint")
        if reply.status != 200:
            return None
        _, size, root = open_checkpoint(reply.body.decode(), self.vkeys[origin])
        assert size >= before, f"{origin} forked: size {size}, and {before} was signed"
        self.said.checkpoint(origin, size, root)
        return size

    def see_mirrors(self, node):
        """The checkpoints that a node keeps of logs of others are of the same trees."""
        for _, note in node.rows("log.db", "SELECT log, note FROM head") or []:
            origin = note.split(b"\n", 1)[0].decode() if isinstance(note, bytes) else note.split("\n", 1)[0]
            if origin in self.vkeys:
                text = note.decode() if isinstance(note, bytes) else note
                _, size, root = open_checkpoint(text, self.vkeys[origin])
                self.said.checkpoint(origin, size, root)


def leaves_of(node, log, size):
    """The leaves of a log, as its node serves them."""
    found = []
    with Client(node, RELEASER, DESK) as client:
        while len(found) < size:
            n = len(found) // TILE_WIDTH
            width = min(TILE_WIDTH, size - n * TILE_WIDTH)
            reply = client.send("GET", f"/log/{log}/{tile_path('entries', n, width)}")
            assert reply.status == 200, reply
            found += parse_bundle(reply.body, width)
    return found


class Held:
    """The checks. Each raises `AssertionError`; what it looks at is read anew."""

    def __init__(self, nodes, items, watcher):
        self.nodes, self.items, self.watcher = nodes, items, watcher
        self.by_party = {node.party: node for node in nodes}

    def all(self):
        self.converged()
        self.no_fork()
        self.sound()
        self.receipts()
        self.nothing_lost()
        self.nothing_astray()
        self.nothing_back()

    # Logs.

    def converged(self):
        """Each node has verified and opened what every other has in its logs."""
        def look():
            sizes = self.sizes()
            for node in self.nodes:
                for peer in node.told("peer", "list", node.directory)["peers"]:
                    assert peer["quarantined"] == 0 and not peer.get("halted"), (node.party, peer)
                    for log in peer["logs"]:
                        size = sizes.get((peer["party"], log["log"]))
                        if size is not None and not log["verified"] == log["scanned"] == size:
                            return False
            return sizes == self.sizes()
        wait_for("each node to have the heads of all others", look, CONVERGED_SECONDS)

    def sizes(self):
        return {(node.party, log): self.watcher.see(node, log) for node in self.nodes for log in FOLLOWED}

    def no_fork(self):
        """Every checkpoint that anybody ever saw is that of the leaves that are there now, and what
        nodes keep of logs of others are these leaves."""
        self.watcher.look()
        leaves = {}
        for node in self.nodes:
            for log in OWN:
                origin = f"{node.party}/{log}"
                size, tree = self.watcher.see(node, log), self.watcher.said.trees[origin]
                leaves[origin] = leaves_of(node, log, size)
                tree.grow(origin, leaves[origin][tree.size :])
                tree.checked |= {0} & set(tree.signed)
                assert tree.checked == set(tree.signed), f"{origin} forked: {set(tree.signed) - tree.checked}"
        for node in self.nodes:
            self.mirrors(node, leaves)

    def mirrors(self, node, leaves):
        found = set()
        for number, note in node.rows("log.db", "SELECT log, note FROM head"):
            origin = (note if isinstance(note, bytes) else note.encode()).split(b"\n", 1)[0].decode()
            if origin in leaves and not origin.startswith(node.party + "/"):
                # A leaf is one octet that says what it is, and the commitment, which is what is stored.
                kept = [b"\x01" + leaf for leaf in node.mirrored(number)[0]]
                found.add(origin)
                same = kept == leaves[origin][: len(kept)]
                assert same and len(kept) <= len(leaves[origin]), f"{node.party}: other leaves of {origin}"
        others = {f"{other.party}/{log}" for other in self.nodes if other is not node for log in FOLLOWED}
        assert found == others, f"{node.party} has nothing of {others - found}"

    def sound(self):
        for node in self.nodes:
            node.verify()

    def refolded(self, node):
        """The view of a node is what its logs give: it is taken away, and made anew."""
        before = node.told("verify", node.directory)["view_digest"]
        node.stop()
        for path in node.directory.glob("view.db*"):
            path.unlink()
        node.start()
        after = node.told("verify", node.directory)["view_digest"]
        assert before == after, f"{node.party}: the view has the digest {before}, and {after} when made anew"

    def receipts(self):
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    wait_for(f"receipts of {other.party} at {node.party}",
                             lambda: node.show(other.party)["withdrawals"] == [])

    # Objects.

    def there(self, node):
        """What each collection of a node has, by identifier."""
        with Client(node, RELEASER, DESK) as client:
            return {alias: self.walk(client, alias) for alias in (DESK, WIDE, RECEIVED)}

    def walk(self, client, alias):
        client.collection = alias
        return {one["id"]: one for one in client.walk("objects/", 1000)}

    def nothing_lost(self):
        there = {node.party: self.there(node) for node in self.nodes}
        for item in self.items:
            identifier = item.made["id"]
            if item.state == "fading":
                # Its end was asked for, and no answer came: it ended everywhere or nowhere.
                item.state = "there" if identifier in there[item.origin][item.place] else "gone"
            if item.state != "there" or not item.held:
                continue
            assert there[item.origin][item.place].get(identifier) == item.made, f"{identifier} is lost at its origin"
            for party in item.audience:
                found = there[party][RECEIVED].get(identifier)
                assert found == item.made, f"{identifier} was released to {party}, and is lost: {found}"
            for party in item.adopted:
                assert there[party][DESK].get(identifier) == item.made, f"{identifier} was adopted by {party}, and is lost"

    def nothing_astray(self):
        """No object, and no octet that would open it, is where it was not released to."""
        there = {node.party: self.there(node) for node in self.nodes}
        for item in self.items:
            for party in there.keys() - item.audience - item.asked - {item.origin}:
                found = [alias for alias, objects in there[party].items() if item.made["id"] in objects]
                assert not found, f"{item.made['id']} was not released to {party}, and is in {found}"
            if item.held and item.state == "there":
                assert item.capture(self.by_party[item.origin])
        for node in self.nodes:
            secrets = [salt for item in self.items for salt in item.salts()
                       if node.party not in item.audience | item.asked | {item.origin}]
            found = holding(node, secrets)
            assert not found, f"{node.party} has what was not released to it in {found}"

    def nothing_back(self):
        """What was withdrawn is in no collection and in no file of any node, journals included."""
        for node in self.nodes:
            there = self.there(node)
            for item in self.gone():
                found = [alias for alias, objects in there.items() if item.made["id"] in objects]
                assert not found, f"{item.made['id']} was withdrawn, and is back at {node.party} in {found}"
        self.nothing_back_in_files()

    def gone(self):
        return [item for item in self.items if item.state == "gone"]

    def nothing_back_in_files(self):
        known = {(item.made["id"], party, key, what): octets for item in self.gone()
                 for party, held in item.secrets.items() for key, secret in held.items()
                 for what, octets in zip(SECRETS, secret, strict=False)}
        texts = [item.made["description"].encode() for item in self.items]
        for node in self.nodes:
            end = time.monotonic() + ERASED_SECONDS
            while found := holding(node, known.values()):
                if time.monotonic() > end:
                    left = [one for one, octets in known.items() if holding(node, [octets])]
                    raise AssertionError(f"{node.party} has in {found} what was withdrawn: {left}")
                time.sleep(0.5)
            assert not holding(node, texts), f"{node.party} has a content in the clear in a file"

    def finds_what_is_there(self):
        """The same look finds what must be there; else it would prove nothing. How much that was."""
        count = 0
        for item in self.items:
            if item.state == "there" and item.audience and item.salts():
                for party in {item.origin} | item.audience:
                    assert holding(self.by_party[party], item.salts()), f"no salt of {item.made['id']} at {party}"
                    count += 1
        return count


def forms(octets):
    """Octets as they may stand in a file: raw, in hexadecimal digits, in base64 of both alphabets."""
    yield from (octets, octets.hex().encode(), octets.hex().upper().encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Inside of a longer text they may begin at each of three places; what is cut off is shared.
        yield from (encode(b"\0" * pad + octets)[4 if pad else 0 : -4] for pad in range(3))


def holding(node, secrets):
    """The files of a node that have one of these octets, in any form, wherever in the file."""
    parts = {max(form.split(b"\n"), key=len) for octets in secrets for form in forms(octets)}
    parts = [part for part in parts if len(part) >= LOOKED_FOR_MIN]
    files = [str(path) for path in sorted(node.directory.rglob("*")) if path.is_file()]
    if not parts:
        return []
    with tempfile.NamedTemporaryFile() as patterns:
        patterns.write(b"\n".join(parts) + b"\n")
        patterns.flush()
        done = subprocess.run(["grep", "-alF", "-f", patterns.name, *files], env={"LC_ALL": "C"}, capture_output=True)
    # 2: a file that was there is gone; the others were looked through.
    assert done.returncode in (0, 1, 2), done
    return [pathlib.Path(path).relative_to(node.directory).as_posix() for path in done.stdout.decode().splitlines()]
