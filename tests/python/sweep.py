#!/usr/bin/env python3
"""One small story of a node, told again and again; each time another call to the disk fails.

    sweep.py [--every N] [--way WAY] [--seed N]

After each the node starts on a sound disk: what was acknowledged is there, what was deleted is
gone, `comity verify` says sound, and a write succeeds. Without --every each call of the story is
struck in each way.
"""

import argparse
import collections
import json
import pathlib
import shutil
import sys
import tempfile

import faults
from client import Client, Gone
from node import Node
from samples import indicator, name

USER = "analyst"
# What a node may answer when its disk fails: it has no space; it is busy, or stopping; a fault.
EXCUSES = {507, 503, 500}
# 0: told to stop, and no fault of the disk stood in the way. 3: it does not start. 4: it does not
# know what is stored, and ends.
ENDS = {0, 3, 4, -9}


class Story:
    """A node that was made once; each telling has a copy of its directory."""

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.library = faults.build(place)
        node = Node(self.place / "made")
        self.user = node.user(USER, "analyst")
        self.collection = node.collection("Desk")
        node.start()
        with self.client(node) as client:
            assert client.post(*(indicator(number) for number in range(30))).status == 202
        node.stop()
        self.told = 0
        # How many calls the story makes when none fails.
        self.calls = self.tell()["calls"]

    def client(self, node, token=None):
        return Client(node, USER, self.collection, token)

    def copy(self):
        """A copy of the node, and a plan for its disk."""
        self.told += 1
        directory = self.place / f"node{self.told}"
        shutil.copytree(self.place / "made", directory)
        return Node(directory, made=True), faults.Plan(self.library, self.place / f"plan{self.told}")

    def tell(self, strike=None):
        """The story with a strike, (call, way); then what is left of it. What came of it."""
        node, plan = self.copy()
        if strike:
            plan.strike(*strike)
        telling = Telling(node, self.client(node))
        end = telling.run(plan)
        calls, struck, what = plan.calls, plan.struck, plan.struck and plan.struck_what()
        telling.check()
        plan.close()
        shutil.rmtree(node.directory)
        return {"calls": calls, "struck": struck, "what": what, "end": end, "answers": telling.answers}


class Telling:
    def __init__(self, node, client):
        self.node, self.client = node, client
        self.kept = {name("indicator", number) for number in range(30)}
        self.deleted = set()
        self.answers = collections.Counter()
        # Whether a collection was acknowledged.
        self.other = False

    def run(self, plan):
        """Requests in a fixed order, until the end or the end of the node. Its exit code."""
        try:
            self.node.start(environment=plan.environment)
        except AssertionError:
            return self.node.process.wait()
        try:
            self.post(range(100, 103))
            self.client.get("manifest/?limit=5")
            self.post(range(200, 260))
            self.delete(name("indicator", 1))
            self.post([300], more=[{"type": "indicator"}])
            self.local()
            self.delete(name("indicator", 101))
            self.post([301])
        except Gone:
            self.answers["gone"] += 1
        self.client.close()
        return self.node.end()

    def post(self, numbers, more=()):
        reply = self.client.post(*(indicator(number) for number in numbers), *more)
        self.answers[reply.status] += 1
        if reply.status == 202:
            self.kept |= {one["id"] for one in reply.json()["successes"]}
            assert reply.json()["failure_count"] == len(more), reply.body
        else:
            assert reply.status in EXCUSES, reply

    def delete(self, identifier):
        # From here on it may be there or not, until the answer.
        self.kept.discard(identifier)
        reply = self.client.delete(identifier)
        self.answers[reply.status] += 1
        if reply.status == 200:
            self.deleted.add(identifier)
        else:
            # What was never stored cannot be deleted.
            assert reply.status in EXCUSES | {404}, reply

    def local(self):
        """A change of local state, by the command line and the control socket."""
        done = self.node.try_run("collection", "add", self.node.directory, "Other", "--alias", "other")
        self.other = done.returncode == 0

    def check(self):
        self.node.errors = self.node.directory.with_suffix(".after.log")
        self.node.verify()
        self.node.start()
        found = self.client.walk("manifest/", limit=50)
        there = {one["id"] for one in found}
        assert len(there) == len(found), "an object twice"
        dates = [one["date_added"] for one in found]
        assert dates == sorted(set(dates)), "date_added does not increase"
        assert self.kept <= there, f"acknowledged, and lost: {self.kept - there}"
        assert not self.deleted & there, f"deleted, and there: {self.deleted & there}"
        assert self.client.post(indicator(400)).status == 202
        if self.other:
            listed = self.node.told("collection", "list", self.node.directory)["collections"]
            assert "other" in {one["alias"] for one in listed}, "a collection was acknowledged and is lost"
        self.client.close()
        self.node.stop()
        self.node.verify()


def chosen(calls, every, seed):
    """Each call of a story, or some from all over it, other ones with another seed."""
    return range(1 + seed % every, calls + 1, every)


def sweep(story, ways, every=1, seed=0, tell=lambda _: None):
    """Strikes calls in some ways. Counts what came of it, by way, file, kind and end."""
    came = collections.Counter()
    calls = story.calls
    for at, way in enumerate(ways):
        for call in chosen(calls, every, seed + at * 7):
            try:
                outcome = story.tell((call, faults.WAYS[way]))
            except Exception as error:
                raise AssertionError(f"{way} at call {call} of {calls}: {error}") from error
            if not outcome["struck"]:
                # The calls of a story are not always as many: threads meet in another order.
                came[way, "not struck", "", ""] += 1
                continue
            assert outcome["end"] in ENDS, (way, call, outcome)
            came[way, *outcome["what"], outcome["end"]] += 1
            tell((way, call, outcome))
    return came


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--way", choices=list(faults.WAYS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loud", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        story = Story(place)
        ways = arguments.way or list(faults.WAYS)
        tell = (lambda one: print(json.dumps(one, default=dict))) if arguments.loud else lambda _: None
        came = sweep(story, ways, arguments.every, arguments.seed, tell)
    for (way, file, kind, end), count in sorted(came.items(), key=str):
        print(f"{way:18} {file:10} {kind:8} end {end!s:3} {count:5}")
    print(f"{came.total()} strikes, nothing lost, every directory sound")


if __name__ == "__main__":
    sys.exit(main())
