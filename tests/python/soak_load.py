"""Those who ask a node while it soaks: writers, importers, deleters, readers, pollers, a watcher."""

import collections
import contextlib
import json
import random
import threading
import time

from client import Client, Gone
from samples import indicator, name
from verify_log import TILE_WIDTH, open_checkpoint, parse_bundle, tile_path

USER, REVIEWER = "analyst", "reviewer"
# Logs, and who may see them.
LOGS = {"shared": USER, "acts": USER, "private": USER, "audit": REVIEWER}
WRITERS, POLLERS = 3, 2
# Objects of an envelope, and of a hundred envelopes how many have so many.
SIZES = {1: 60, 5: 30, 40: 9, 500: 1}
# Writers may send so many objects in an hour, and wait where they are ahead: each start compares
# all that there is, which has to leave time for the rest.
OBJECTS_OF_AN_HOUR = 120_000
# Objects of a bundle that is imported.
BUNDLES = [3, 40, 40, 400]
# What a node may answer while its disk fails.
EXCUSES = {507, 503, 500}
PAGE = 1000


class Load:
    def __init__(self, node, collection, said, seed, place):
        self.node, self.collection, self.said, self.seed = node, collection, said, seed
        self.place = place
        self.rate = OBJECTS_OF_AN_HOUR / 3600
        self.began = time.monotonic()
        self.life = 0
        self.ending = threading.Event()
        self.failures = []
        self.requests = collections.Counter()
        self.imports = self.pages = self.written = 0
        self.vkeys = {}
        # Objects to post again: a success each time, and never a second arrival.
        self.again = {}
        self.pollers = [Poller(self, at) for at in range(POLLERS)]
        # Up to here, everything was compared in an earlier life.
        self.compared = None

    def client(self, user=USER):
        return Counting(self, self.node, user, self.collection)

    @contextlib.contextmanager
    def running(self):
        """All of them, until the end of the block. What one of them finds wrong is raised here."""
        self.ending.clear()
        self.life += 1
        jobs = [self.write] * WRITERS + [self.delete, self.load_bundles, self.read, self.watch]
        jobs += [poller.poll for poller in self.pollers]
        threads = [
            threading.Thread(target=self.guarded, args=(job, random.Random(f"{self.seed} {self.life} {at}")))
            for at, job in enumerate(jobs)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ending.set()
            for thread in threads:
                thread.join()
        self.raise_failures()

    def guarded(self, job, draw):
        try:
            with self.client() as client:
                while not self.ending.is_set() and self.node.alive():
                    with contextlib.suppress(Gone):
                        job(client, draw)
        except BaseException as error:
            self.failures.append(error)
            self.ending.set()

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]

    def sleep(self, seconds):
        """Waits, unless somebody found something wrong or the node ended."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0 and self.node.alive():
            if self.ending.wait(min(rest, 0.2)):
                return

    def stop(self):
        self.ending.set()

    def close(self):
        for poller in self.pollers:
            poller.finish()

    # Who writes.

    def write(self, client, draw):
        ahead = self.written - self.rate * (time.monotonic() - self.began)
        if ahead > 0:
            self.ending.wait(min(1, ahead / self.rate))
            return
        numbers = self.said.numbers(*draw.choices(list(SIZES), SIZES.values()))
        objects = [indicator(number) for number in numbers]
        again = self.said.draw(draw) if draw.random() < 0.2 else None
        self.written += len(objects)
        reply = client.post(*objects, *([self.again[again]] if again in self.again else []))
        if reply.status != 202:
            assert reply.status in EXCUSES, reply
            self.ending.wait(0.05)
            return
        assert reply.json()["failure_count"] == 0, reply.body
        self.again[objects[0]["id"]] = objects[0]
        self.said.acknowledge(one["id"] for one in objects)

    def delete(self, client, draw):
        self.ending.wait(draw.uniform(0.1, 1))
        identifier = self.said.draw(draw)
        # What may be posted again would come back, as it should.
        if identifier is None or identifier in self.again:
            return
        self.said.fade(identifier)
        reply = client.delete(identifier)
        if reply.status == 200:
            self.said.delete(identifier)
        else:
            assert reply.status in EXCUSES, reply

    def load_bundles(self, client, draw):
        """A bundle by the command line, which asks the node through its control socket."""
        self.ending.wait(draw.uniform(2, 12))
        if self.ending.is_set() or not self.node.alive():
            return
        objects = [indicator(number) for number in self.said.numbers(draw.choice(BUNDLES))]
        path = self.place / "bundle.json"
        bundle = {"type": "bundle", "id": name("bundle", self.life), "objects": objects}
        path.write_text(json.dumps(bundle), encoding="utf-8")
        done = self.node.try_run("import", self.node.directory, path, "--collection", "desk")
        if done.returncode == 0:
            self.imports += 1
            self.said.acknowledge(one["id"] for one in objects)
        else:
            assert done.returncode == 3 and "panicked" not in done.stderr, done

    def wait_for_a_write(self, seconds):
        """There is space again: a write has to succeed."""
        until = time.monotonic() + seconds
        with self.client() as client:
            while self.node.alive():
                (number,) = self.said.numbers(1)
                with contextlib.suppress(Gone):
                    if client.post(indicator(number)).status == 202:
                        return self.said.acknowledge([name("indicator", number)])
                assert time.monotonic() < until, f"no write in {seconds} s after there is space"
                time.sleep(0.1)

    # Who reads.

    def read(self, client, draw):
        """A walk from some time on sees each object once, in order, and all that must be there."""
        must, gone = self.said.snapshot()
        after = self.compared if draw.random() < 0.9 else None
        found = self.walk(client, after, draw.choice([100, 700, PAGE]))
        if found is not None and after is None:
            self.judge(found, must, gone)
        self.ending.wait(draw.uniform(0, 0.3))

    def walk(self, client, after, limit):
        """The records of a walk, in their order; nothing where the disk failed under it."""
        found, more = [], f"&added_after={after}" if after else ""
        while True:
            reply = client.get(f"manifest/?limit={limit}{more}")
            if reply.status != 200:
                assert reply.status in EXCUSES, reply
                return None
            page = reply.json()
            found += page.get("objects", [])
            self.pages += 1
            if not page.get("more"):
                break
            more = f"&next={page['next']}"
        in_order([one["date_added"] for one in found])
        ids = {one["id"] for one in found}
        assert len(ids) == len(found), "an object twice in one walk"
        return found

    def judge(self, found, must, gone):
        there = {one["id"] for one in found}
        # What was asked to go since the walk began is nobody's loss.
        lost = self.said.still(must - there)
        assert not lost, f"acknowledged, and lost: {sorted(lost)[:5]} and {len(lost)} in all"
        back = gone & there
        assert not back, f"deleted, and there: {sorted(back)[:5]} and {len(back)} in all"

    def compare(self):
        """After a start: what was acknowledged is there, what was deleted is gone."""
        with self.client() as client:
            self.compare_with(client)

    def compare_with(self, client):
        must, gone = self.said.snapshot()
        found = self.walk(client, None, 5000)
        assert found is not None, "a walk without a fault of the disk fails"
        self.judge(found, must, gone)
        self.compared = found[-1]["date_added"] if found else None

    def compare_all(self):
        """All that there is, what pollers saw, and the logs leaf by leaf."""
        with self.client() as client:
            self.compare_with(client)
            must, _ = self.said.snapshot()
            for poller in self.pollers:
                poller.catch_up(client)
                missed = must - poller.seen
                assert not missed, f"poller {poller.at} missed {sorted(missed)[:5]}, {len(missed)} in all"
        for log in LOGS:
            self.check_log(log)

    # Who watches the logs.

    def watch(self, _, draw):
        for log in LOGS:
            if self.see(log) is None:
                return
        self.ending.wait(draw.uniform(0.05, 0.5))

    def see(self, log):
        """The checkpoint of a log: signed, never smaller, one root for a size."""
        with self.client(LOGS[log]) as client:
            if log not in self.vkeys:
                reply = client.send("GET", f"/log/{log}/vkey")
                if reply.status != 200:
                    return None
                self.vkeys[log] = reply.body.decode()
            before = self.said.trees[log].largest if log in self.said.trees else 0
            reply = client.send("GET", f"/log/{log}/checkpoint")
        if reply.status != 200:
            assert reply.status in EXCUSES, reply
            return None
        _, size, root = open_checkpoint(reply.body.decode(), self.vkeys[log])
        assert size >= before, f"{log}: size {before}, then {size}"
        self.said.checkpoint(log, size, root)
        return size

    def check_log(self, log):
        """Every checkpoint that was ever seen is that of the leaves that are served now."""
        size = self.see(log)
        tree = self.said.trees[log]
        assert size is not None and size == tree.largest, f"{log}: {size}, and {tree.largest} was signed"
        with self.client(LOGS[log]) as client:
            while tree.size < size:
                n, skip = divmod(tree.size, TILE_WIDTH)
                width = min(TILE_WIDTH, size - n * TILE_WIDTH)
                reply = client.send("GET", f"/log/{log}/{tile_path('entries', n, width)}")
                assert reply.status == 200, reply
                tree.grow(log, parse_bundle(reply.body, width)[skip:])
        if 0 in tree.signed:
            tree.checked.add(0)
        assert tree.checked == set(tree.signed), f"{log}: not each checkpoint was compared"


class Counting(Client):
    """A client whose requests are counted by status."""

    def __init__(self, load, *rest):
        super().__init__(*rest)
        self.load = load

    def send(self, method, path, body=None):
        reply = super().send(method, path, body)
        self.load.requests[reply.status] += 1
        return reply


class Poller:
    """Asks for what is new, through all lives of the node. One goes on by date, one by `next`."""

    def __init__(self, load, at):
        self.load, self.at = load, at
        self.seen, self.last, self.known = set(), None, []

    def poll(self, client, draw):
        self.round(client, draw.choice([17, 200, PAGE]))
        self.load.ending.wait(draw.uniform(0, 0.5))

    def round(self, client, limit):
        more, token = True, None
        while more:
            query = f"&next={token}" if token else ""
            query += f"&added_after={self.last}" if self.last and not token else ""
            reply = client.get(f"manifest/?limit={limit}{query}")
            if reply.status != 200:
                assert reply.status in EXCUSES, reply
                return
            page = reply.json()
            self.take(page.get("objects", []))
            more = page.get("more", False)
            token = page["next"] if more and self.at % 2 else None

    def take(self, found):
        if not found:
            return
        dates = [one["date_added"] for one in found]
        in_order([self.last, *dates] if self.last else dates)
        ids = {one["id"] for one in found}
        assert len(ids) == len(found) and not ids & self.seen, "a poller sees an object twice"
        self.seen |= ids
        self.last = dates[-1]

    def catch_up(self, client):
        self.round(client, 5000)

    def finish(self):
        self.seen.clear()


def in_order(dates):
    assert all(one < other for one, other in zip(dates, dates[1:])), "date_added does not increase"
